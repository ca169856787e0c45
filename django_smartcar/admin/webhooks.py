import json
from collections.abc import Mapping
from typing import Any

from django.contrib import admin, messages
from django.db.models import OuterRef, Q, QuerySet, Subquery
from django.http import HttpRequest
from django.utils import timezone
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from ..fields import DecryptionError
from ..models import (
    KIND_NAMES,
    PROBLEM_TYPES,
    ConnectedVehicle,
    SmartcarUser,
    VehicleProblem,
    WebhookEndpoint,
    WebhookEvent,
)
from ..secret_types import load_json
from . import display
from .actions import SmartcarModelAdmin
from .imports import signals, webhooks
from .redaction import redact


class KindFilter(admin.SimpleListFilter):
    """The kinds that Smartcar documents. Django's own filter would read those of all rows."""

    title = _("kind")
    parameter_name = "kind"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return list(KIND_NAMES.items())

    def queryset(self, request: HttpRequest, queryset: QuerySet[WebhookEvent]) -> QuerySet[Any]:
        if self.value() is None:
            return queryset
        # All states: the index that has the kind begins with them.
        return queryset.filter(state__in=WebhookEvent.State.values, kind=self.value())


def _signal_name(item: Any) -> str:
    """Return the label of a signal of a redacted payload, with the code of its error if it has one."""
    code = item.get("code") if isinstance(item, Mapping) else None
    if not isinstance(code, str):
        return ""
    status = item.get("status")
    error = status.get("error") if isinstance(status, Mapping) else None
    label = signals.label_of_code(code)
    return f"{label} ({error.get('code')})" if isinstance(error, Mapping) else label


class DueFilter(admin.SimpleListFilter):
    """Events that should be processed now. A list that stays long means that no worker runs."""

    title = _("due")
    parameter_name = "due"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("now", _("now"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[WebhookEvent]) -> QuerySet[Any]:
        return queryset.filter(next_attempt_at__lte=timezone.now()) if self.value() == "now" else queryset


@admin.register(WebhookEvent)
class WebhookEventAdmin(SmartcarModelAdmin):
    """Received webhook events and their processing. Only what is known to be harmless is shown of them."""

    list_display = ["received_at", "what", "car", "outcome", "last_error"]
    list_filter = ["state", DueFilter, KindFilter, "received_at"]
    sortable_by = ["received_at"]
    search_fields = ["event_id", "smartcar_vehicle_id", "smartcar_user_id"]
    search_help_text = _("Search by Smartcar's id of the event, vehicle or user.")
    readonly_fields = [
        "received_at",
        "what",
        "event_id",
        "car",
        "driver",
        "webhook_id",
        "endpoint",
        "key_position",
        "size",
        "outcome",
        "attempts",
        "next_attempt_at",
        "last_error",
        "processed_at",
        "told",
        "redacted",
    ]
    fields = tuple(readonly_fields)
    actions = ["requeue"]
    max_action_rows = 1000  # a row in the history for each, but no request

    def get_queryset(self, request: HttpRequest) -> QuerySet[WebhookEvent]:
        cars = ConnectedVehicle.objects.filter(smartcar_vehicle_id=OuterRef("smartcar_vehicle_id"))
        details = {
            f"car_{name}": Subquery(cars.order_by("-pk").values(name)[:1])
            for name in ("make", "model", "year")
        }
        events: QuerySet[WebhookEvent] = super().get_queryset(request).annotate(**details)
        is_detail_page = request.resolver_match and "object_id" in request.resolver_match.kwargs
        return events if is_detail_page else events.defer("payload")

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def matches(self, word: str) -> Q:
        return Q(event_id=word) | Q(smartcar_vehicle_id=word) | Q(smartcar_user_id=word)

    @admin.display(description=_("event"))
    def what(self, event: WebhookEvent) -> str:
        return event.kind_name or display.NOTHING

    @admin.display(description=_("car"))
    def car(self, event: Any) -> Any:
        """Link to the cars of this id: an event names its car only by Smartcar's id."""
        if not (smartcar_id := event.smartcar_vehicle_id):
            return display.NOTHING
        car = ConnectedVehicle(make=event.car_make or "", model=event.car_model or "", year=event.car_year)
        return self.search_link(ConnectedVehicle, smartcar_id, car.name if car.make else smartcar_id)

    @admin.display(description=_("Smartcar user id"))
    def driver(self, event: WebhookEvent) -> Any:
        if not (name := event.smartcar_user_id):
            return display.NOTHING
        return self.search_link(SmartcarUser, name, name)

    @admin.display(description=_("state"))
    def outcome(self, event: WebhookEvent) -> Any:
        return display.state_pill(event.state, event.get_state_display())

    def has_rerun_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.has_perm("smartcar.rerun_webhookevent"))

    @admin.display(description=_("payload, as far as it is harmless"))
    def redacted(self, event: WebhookEvent) -> str:
        try:
            payload = load_json(event.payload)
        except DecryptionError:
            return str(_("cannot be decrypted"))
        except ValueError:
            return str(_("is not JSON"))
        text = json.dumps(redact(payload), indent=2, ensure_ascii=False)
        return format_html("<details><summary>{}</summary><pre>{}</pre></details>", _("as JSON"), text)

    @admin.display(description=_("signals"))
    def told(self, event: WebhookEvent) -> str:
        """Name the signals of the event, and those that Smartcar could not read."""
        try:
            data = redact(load_json(event.payload)).get("data")
        except (DecryptionError, ValueError, AttributeError):
            return display.NOTHING
        items = data.get("signals") if isinstance(data, Mapping) else None
        names = [_signal_name(item) for item in items] if isinstance(items, list) else []
        return ", ".join(filter(None, names)) or display.NOTHING

    @admin.action(description=_("Run again"), permissions=["rerun"])
    def requeue(self, request: HttpRequest, queryset: QuerySet[WebhookEvent]) -> None:
        """Queue unprocessed events again. Receivers that have succeeded are not called again."""
        if self.has_too_many(request, queryset):
            return
        events = list(queryset.exclude(state=WebhookEvent.State.PROCESSED))
        count = webhooks.requeue(WebhookEvent.objects.filter(pk__in=[event.pk for event in events]))
        self.log_changes(request, events, str(_("queued again")))
        webhooks.begin_work()
        text = ngettext("%(count)d event is queued again.", "%(count)d events are queued again.", count)
        messages.success(request, text % {"count": count})


@admin.register(WebhookEndpoint)
class WebhookEndpointAdmin(SmartcarModelAdmin):
    """The last accepted and the last rejected signature of each webhook endpoint."""

    list_display = ["address", "last_good", "matching_key", "refused", "refused_at", "challenged_at"]
    readonly_fields = [
        "address",
        "last_good",
        "matching_key",
        "last_good_size",
        "refused",
        "refused_at",
        "refused_size",
        "refused_signature_length",
        "refused_signature_start",
        "challenged_at",
    ]
    fields = tuple(readonly_fields)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def get_queryset(self, request: HttpRequest) -> QuerySet[WebhookEndpoint]:
        events = WebhookEvent.objects.filter(endpoint=OuterRef("endpoint")).order_by("-pk")
        newest = {
            f"newest_{name}": Subquery(events.values(name)[:1])
            for name in ("received_at", "key_position", "size")
        }
        return super().get_queryset(request).annotate(**newest)  # type: ignore[no-any-return]

    @admin.display(description=_("address"))
    def address(self, endpoint: WebhookEndpoint) -> str:
        return str(endpoint)

    @admin.display(description=_("last event accepted"))
    def last_good(self, endpoint: Any) -> Any:
        return display.exact(endpoint.newest_received_at)

    @admin.display(description=_("position of its token"))
    def matching_key(self, endpoint: Any) -> Any:
        return endpoint.newest_key_position

    @admin.display(description=_("size in bytes"))
    def last_good_size(self, endpoint: Any) -> Any:
        return endpoint.newest_size


class ProblemFilter(admin.SimpleListFilter):
    """The types that Smartcar documents, as in `KindFilter`."""

    title = _("type")
    parameter_name = "type"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return list(PROBLEM_TYPES.items())

    def queryset(self, request: HttpRequest, queryset: QuerySet[VehicleProblem]) -> QuerySet[Any]:
        return queryset if self.value() is None else queryset.filter(type=self.value())


class OpenFilter(admin.SimpleListFilter):
    title = _("state")
    parameter_name = "open"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("1", _("open")), ("0", _("resolved"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[VehicleProblem]) -> QuerySet[Any]:
        return queryset if self.value() is None else queryset.filter(resolved_at__isnull=self.value() == "1")


@admin.register(VehicleProblem)
class VehicleProblemAdmin(SmartcarModelAdmin):
    """Why Smartcar cannot reach a vehicle, or could not. Read-only."""

    list_display = ["what", "car", "opened_at", "until"]
    list_filter = [OpenFilter, ProblemFilter, "opened_at"]
    readonly_fields = ["car", "what", "resolution", "concerned", "opened_at", "until"]
    fields = tuple(readonly_fields)

    def get_queryset(self, request: HttpRequest) -> QuerySet[VehicleProblem]:
        return super().get_queryset(request).select_related("vehicle")  # type: ignore[no-any-return]

    @admin.display(description=_("problem"))
    def what(self, row: VehicleProblem) -> str:
        return display.problem(row.type, row.code)

    @admin.display(description=_("car"))
    def car(self, row: VehicleProblem) -> Any:
        return self.link(row.vehicle)

    @admin.display(description=_("signals"))
    def concerned(self, row: VehicleProblem) -> str:
        return ", ".join(map(signals.label_of_code, row.signals)) or str(_("all"))

    @admin.display(description=_("until"))
    def until(self, row: VehicleProblem) -> Any:
        return (
            display.exact(row.resolved_at) if row.resolved_at else display.pill(_("open"), "bad", "warning")
        )

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False
