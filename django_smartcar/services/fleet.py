"""The state of a site's vehicles, commands, webhooks and tokens in numbers, for its operators.

Rows are not counted beyond `MAX_COUNTED`, but for the requests of the plan, which has a row for each vehicle.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, NamedTuple

from django.db.models import F, Q, QuerySet, Sum, TextChoices
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from ..conf import conf
from ..models import (
    ApplicationToken,
    ConnectedVehicle,
    RateLimit,
    SmartcarAccount,
    VehicleCommand,
    VehicleSignal,
    WebhookEndpoint,
    WebhookEvent,
)
from ..querysets import ConnectedVehicleQuerySet
from ._rate_limits import this_month
from .signals import Number

#: A larger number is not counted.
MAX_COUNTED = 10_000
#: A vehicle that has told nothing for longer is stale.
STALE_AFTER = timedelta(days=1)
#: A battery below this share is low.
LOW_BATTERY = 0.2
#: A token that expired longer ago is overdue: nothing renews tokens.
OVERDUE_AFTER = timedelta(minutes=30)


class Health(TextChoices):
    """Whether a vehicle can be used, and what is in the way: the most important of it."""

    OK = "ok", _("ok")
    STALE = "stale", _("stale")
    NEEDS_LOGIN = "needs-login", _("needs a login")
    NEEDS_RECONNECTING = "needs-reconnecting", _("needs reconnecting")
    DISCONNECTED = "disconnected", _("disconnected")


class Vehicles(NamedTuple):
    """How many vehicles are in each state. One may be in several."""

    connected: int
    fresh: int
    stale: int
    needs_login: int
    needs_reconnecting: int
    low_battery: int
    disconnected: int


class Requests(NamedTuple):
    """The requests of this month, and those that the plan includes for the connected vehicles."""

    sent: int
    included: int
    #: Vehicles that have used up theirs.
    exhausted: int


class Webhooks(NamedTuple):
    """The webhook events of the last hour, and those that are not processed."""

    received: int
    due: int
    #: How long the oldest due event has been due; None without one.
    lag: timedelta | None
    failed: int
    dead: int
    last_refused_at: datetime | None


class Tokens(NamedTuple):
    """Failed and overdue tokens, and the accounts that must be connected again."""

    #: Applications of API v3 whose last refresh failed.
    failed_applications: int
    #: Accounts of API v2.
    overdue: int
    needs_reconnecting: int


def count(rows: QuerySet[Any]) -> int:
    """Count the rows up to `MAX_COUNTED` + 1, which means "more"."""
    return int(rows.order_by().values("pk")[: MAX_COUNTED + 1].count())


def fresh() -> QuerySet[ConnectedVehicle]:
    """Return connected vehicles that have told a value within `STALE_AFTER`."""
    return ConnectedVehicle.objects.connected().filter(last_seen_at__gte=timezone.now() - STALE_AFTER)


def stale() -> QuerySet[ConnectedVehicle]:
    """Return connected vehicles that have told nothing within `STALE_AFTER`."""
    before = timezone.now() - STALE_AFTER
    is_stale = Q(last_seen_at=None) | Q(last_seen_at__lt=before)
    return ConnectedVehicle.objects.connected().filter(is_stale)


def low_battery() -> QuerySet[ConnectedVehicle]:
    """Return connected vehicles whose battery is below `LOW_BATTERY`, of those whose drivers share it."""
    # SQLite looks into lists only as text. No permission has another's name in quotes.
    shared = ConnectedVehicle.objects.connected().filter(permissions__icontains='"read_battery"')
    # All statuses: the index that has the signal begins with them.
    levels = VehicleSignal.objects.filter(status__in=VehicleSignal.Status.values, signal="battery_level")
    low = levels.annotate(level=Number(F("value"))).filter(level__lt=LOW_BATTERY)
    return shared.filter(pk__in=low.values("vehicle"))


def located(number: int) -> QuerySet[ConnectedVehicle]:
    """Return so many connected vehicles whose drivers share where they are, those seen last first."""
    shared = ConnectedVehicle.objects.connected().filter(permissions__icontains='"read_location"')
    known = VehicleSignal.objects.filter(status__in=VehicleSignal.Status.values, signal="location")
    located = known.exclude(received_at=None).exclude(error_type="PERMISSION")
    return shared.filter(pk__in=located.values("vehicle")).order_by("-last_seen_at", "pk")[:number]


def needs_login() -> QuerySet[ConnectedVehicle]:
    """Return connected vehicles whose brand asks the driver for a new login."""
    return ConnectedVehicle.objects.connected().exclude(reauthentication_required_at=None)


def needs_reconnecting() -> QuerySet[ConnectedVehicle]:
    """Return connected vehicles whose driver must connect again."""
    return ConnectedVehicle.objects.connected().exclude(account__reconnect_required_at=None)


def disconnected() -> QuerySet[ConnectedVehicle]:
    return ConnectedVehicle.objects.exclude(disconnected_at=None)


def exhausted() -> QuerySet[ConnectedVehicle]:
    """Return connected vehicles whose plan includes no further request this month."""
    used_up = _counted().filter(requests__gte=conf.SMARTCAR_MONTHLY_REQUESTS)
    return ConnectedVehicle.objects.connected().filter(smartcar_vehicle_id__in=used_up.values("key"))


def overdue() -> QuerySet[SmartcarAccount]:
    """Return accounts of API v2 whose token should have been refreshed for longer than `OVERDUE_AFTER`."""
    return SmartcarAccount.objects.refresh_due(timezone.now() - OVERDUE_AFTER)  # type: ignore[no-any-return]


def failed_applications() -> QuerySet[ApplicationToken]:
    """Return the application tokens whose last refresh failed: without one, API v3 reaches no car."""
    return ApplicationToken.objects.exclude(refresh_error="")


def health_of(vehicle: ConnectedVehicle) -> Health:
    """Return the health of a vehicle, as the querysets above find it. Its account should be loaded."""
    if not vehicle.is_connected:
        return Health.DISCONNECTED
    if vehicle.account.reconnect_required_at is not None:
        return Health.NEEDS_RECONNECTING
    if vehicle.needs_reauthentication:
        return Health.NEEDS_LOGIN
    last_seen_at = vehicle.last_seen_at
    is_fresh = last_seen_at is not None and last_seen_at >= timezone.now() - STALE_AFTER
    return Health.OK if is_fresh else Health.STALE


def vehicles() -> Vehicles:
    return Vehicles(
        connected=count(ConnectedVehicle.objects.connected()),
        fresh=count(fresh()),
        stale=count(stale()),
        needs_login=count(needs_login()),
        needs_reconnecting=count(needs_reconnecting()),
        low_battery=count(low_battery()),
        disconnected=count(disconnected()),
    )


def commands_since(since: datetime) -> dict[str, int]:
    """Return how many commands have each status."""
    rows = VehicleCommand.objects.filter(created_at__gte=since)
    return {status: count(rows.filter(status=status)) for status in VehicleCommand.Status.values}


def with_requests(vehicles: ConnectedVehicleQuerySet) -> ConnectedVehicleQuerySet:
    """Annotate ``billed_requests``: those of this month, or None."""
    return vehicles.with_requests(this_month())


def requests_this_month() -> Requests:
    """Return the requests to vehicles. The plan's limit is ``SMARTCAR_MONTHLY_REQUESTS`` for each."""
    connected = ConnectedVehicle.objects.connected().count()
    return Requests(
        sent=_counted().aggregate(sent=Sum("requests"))["sent"] or 0,
        included=connected * conf.SMARTCAR_MONTHLY_REQUESTS,
        exhausted=count(exhausted()),
    )


def _counted() -> QuerySet[RateLimit]:
    """Return the counts of this month."""
    return RateLimit.objects.filter(month=this_month()).exclude(key__startswith="application:")


def webhooks() -> Webhooks:
    now = timezone.now()
    due = WebhookEvent.objects.due(now)
    oldest = due.values_list("next_attempt_at", flat=True).first()
    refused = WebhookEndpoint.objects.exclude(refused_at=None).order_by("-refused_at")
    states = WebhookEvent.State
    return Webhooks(
        received=count(WebhookEvent.objects.filter(received_at__gte=now - timedelta(hours=1))),
        due=count(due),
        lag=None if oldest is None else now - oldest,
        failed=count(WebhookEvent.objects.filter(state=states.FAILED)),
        dead=count(WebhookEvent.objects.filter(state=states.DEAD)),
        last_refused_at=refused.values_list("refused_at", flat=True).first(),
    )


def tokens() -> Tokens:
    return Tokens(
        failed_applications=count(failed_applications()),
        overdue=count(overdue()),
        needs_reconnecting=count(SmartcarAccount.objects.exclude(reconnect_required_at=None)),
    )
