"""Whether what is to be done gets done, as the rows tell: webhooks, tokens, drivers, subscriptions."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone

from ..conf import conf
from ..models import ApplicationToken, ConnectedVehicle, SmartcarAccount, WebhookEndpoint, WebhookEvent
from ..services.webhooks import subscriptions
from .results import CheckResult, Context, not_checked, ok, warning, wrong

#: An event that has been due for so long is worked by nobody.
UNWORKED = timedelta(minutes=5)
#: A token that ended so long ago has been passed over by cron, which comes every ten minutes.
UNREFRESHED = timedelta(minutes=30)
#: The length of an HMAC-SHA256 in hex.
SIGNATURE = 64


def signatures(context: Context) -> Iterator[CheckResult]:
    """Of each address, the last webhook that was believed beside the last that was not."""
    addresses = {"", *WebhookEndpoint.objects.values_list("endpoint", flat=True)}
    told = [finding for endpoint in sorted(addresses) if (finding := _signature(endpoint)) is not None]
    yield from told or [not_checked("no webhook has come yet")]


def inbox(context: Context) -> Iterator[CheckResult]:
    """Events that are due and not worked, and those that were given up."""
    now = timezone.now()
    due = WebhookEvent.objects.due(now).defer("payload")
    oldest = due.first()
    if oldest is not None and oldest.next_attempt_at < now - UNWORKED:
        yield wrong(
            f"events that nobody works: {due.count()}, the oldest since {_utc(oldest.next_attempt_at)}",
            _WORKERS.get(conf.SMARTCAR_WEBHOOK_WORK, "See settings: SMARTCAR_WEBHOOK_WORK is unknown."),
        )
    else:
        yield ok(f"no event has waited for longer than {UNWORKED.seconds // 60} minutes")
    if dead := WebhookEvent.objects.filter(state=WebhookEvent.State.DEAD).count():
        yield wrong(
            f"dead events, given up after the last attempt: {dead}",
            "The admin's webhook events, filtered by dead, say what failed. Mend that and choose Run again; "
            "or delete them: manage.py prune_smartcar_events --dead.",
        )


#: What to do where events wait, by who is to work them.
_WORKERS = {
    "inline": "No request has come since, or none could work them: run manage.py work_smartcar_events "
    "--once from cron, every few minutes, and see what it says.",
    "command": "Start manage.py work_smartcar_events, and have it started again when it ends.",
    "tasks": "See that a worker of django.tasks runs (manage.py db_worker, with the database's backend), and "
    "run manage.py work_smartcar_events --once from cron for what was handed out while none did.",
    "celery": "See that a Celery worker runs and its broker is reached, and have beat call "
    "django_smartcar.tasks.celery.work_events for what was handed out while none did.",
}


def refreshing(context: Context) -> Iterator[CheckResult]:
    """Tokens that have ended, and that somebody should have renewed."""
    before = timezone.now() - UNREFRESHED
    ended = SmartcarAccount.objects.refresh_due(before).defer("access_token", "refresh_token")
    if number := ended.count():
        oldest = ended.order_by("access_expires_at").first()
        reason = f"; the last attempt failed: {oldest.refresh_error}" if oldest.refresh_error else ""
        yield wrong(
            f"tokens that nobody renews: {number}, the oldest ended at "
            f"{_utc(oldest.access_expires_at)}{reason}",
            "Run manage.py refresh_smartcar_tokens from cron, every ten minutes, with the settings of the "
            "site; it says of each account why it fails. A driver whose refresh token grows 60 days old is "
            "lost.",
        )
    elif shared := _application_token(before):
        yield warning(
            f"the application's token ended at {_utc(shared.access_expires_at)} and was not renewed",
            "Run manage.py refresh_smartcar_tokens from cron, every ten minutes: so no driver has to wait "
            "for it, and commands are given up whose process has died.",
        )
    else:
        yield ok("no token is overdue")


def drivers(context: Context) -> Iterator[CheckResult]:
    """Accounts, and cars, that only their driver can bring back."""
    waiting = SmartcarAccount.objects.exclude(reconnect_required_at=None)
    if number := waiting.count():
        since = waiting.order_by("reconnect_required_at").values_list("reconnect_required_at", flat=True)[0]
        yield warning(
            f"accounts that only their driver can connect again: {number}, since {_utc(since)}",
            "Tell them: the page “Your cars” has the button, the admin lists the accounts by health, and "
            "receivers of the signal reconnect_required are told of each.",
        )
    else:
        yield ok("no account waits for its driver")
    cars = ConnectedVehicle.objects.connected().exclude(reauthentication_required_at=None)
    if number := cars.count():
        yield warning(
            f"cars whose brand wants a new login: {number}",
            "The page “Your cars” has a button for its driver; the admin's vehicle problems say more.",
        )


def subscribed(context: Context) -> Iterator[CheckResult]:
    """Cars that the webhooks of this site do not tell of, or still do."""
    cars = subscriptions.due()
    if number := cars.count():
        last = cars.exclude(webhooks_error="").first()
        reason = f"; the last attempt failed: {last.webhooks_error}" if last else ""
        yield wrong(
            f"cars that are not subscribed as SMARTCAR_WEBHOOKS says: {number}{reason}",
            "Run manage.py subscribe_smartcar_vehicles, and have cron run it: it says why each car fails.",
        )
    elif conf.SMARTCAR_WEBHOOKS:
        yield ok("all cars are subscribed as SMARTCAR_WEBHOOKS says")
    else:
        yield ok("SMARTCAR_WEBHOOKS names none: which cars are subscribed is the dashboard's business")


def _application_token(before: datetime) -> Any:
    """The application's token, if it has ended before this moment."""
    mine = ApplicationToken.objects.filter(client_id=conf.SMARTCAR_CLIENT_ID, access_expires_at__lt=before)
    return mine.defer("access_token").first()


def _signature(endpoint: str) -> CheckResult | None:
    refused = WebhookEndpoint.objects.filter(endpoint=endpoint).exclude(refused_at=None)
    bad: Any = refused.first()
    good = WebhookEvent.objects.filter(endpoint=endpoint).defer("payload").order_by("-pk").first()
    where = f"webhook/{endpoint[:4]}…" if endpoint else "webhook"
    if bad is None or (good is not None and good.received_at > bad.refused_at):
        if good is None:
            return None
        return ok(
            f"{where}: the last was believed, by token {good.key_position}, at {_utc(good.received_at)}"
        )
    since = f"since {_utc(good.received_at)} none has been believed" if good else "none was ever believed"
    seen = f"{where}: {since}; {bad.refused} refused, the last at {_utc(bad.refused_at)}, {_looks(bad)}"
    if not bad.refused_signature_length:
        return warning(
            seen,
            "Smartcar signs all that it sends: this came from somebody else, unless a proxy drops the header "
            "SC-Signature. Below, webhook tries that.",
        )
    return wrong(
        seen,
        "Compare SMARTCAR_MANAGEMENT_TOKENS with the Application Management Token in Smartcar's dashboard, "
        "of the application whose webhook this is. If they agree, a proxy changes the body: it is signed "
        "byte by byte. If TEST events are believed and LIVE ones never, write to Smartcar: others had to "
        "make a new application.",
    )


def _looks(bad: Any) -> str:
    if not bad.refused_signature_length:
        return f"{bad.refused_size} bytes, without a signature"
    start = f"{bad.refused_signature_start}…, " if bad.refused_signature_start else ""
    strange = "" if bad.refused_signature_length == SIGNATURE else f", where {SIGNATURE} are right"
    return f"{bad.refused_size} bytes, signed {start}{bad.refused_signature_length} characters{strange}"


def _utc(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M} UTC"
