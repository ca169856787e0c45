"""Checks of background work, read from the database: webhooks, commands, tokens, accounts, subscriptions."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Q
from django.utils import timezone

from ..conf import conf
from ..databases import primary, to_utc
from ..exceptions import CommandNotSent
from ..models import (
    ApplicationToken,
    ConnectedVehicle,
    SmartcarAccount,
    VehicleCommand,
    WebhookEndpoint,
    WebhookEvent,
)
from ..services import command_outcomes
from ..services.webhooks import subscriptions
from .results import CheckResult, Context, not_checked, ok, warning, wrong

#: An event that has been due for longer than this is not being processed.
MAX_EVENT_DELAY = timedelta(minutes=5)
#: Commands that nobody sent are reported for as long as this.
UNSENT_COMMANDS_SINCE = timedelta(hours=1)
#: A token that expired longer ago than this was missed by cron, which runs every ten minutes.
MAX_REFRESH_DELAY = timedelta(minutes=30)
#: The length of an HMAC-SHA256 in hex.
SIGNATURE_LENGTH = 64


def signatures(context: Context) -> Iterator[CheckResult]:
    """Compare the last accepted and the last rejected webhook of each endpoint."""
    endpoints = {"", *primary(WebhookEndpoint).values_list("endpoint", flat=True)}
    results = [result for endpoint in sorted(endpoints) if (result := _signature(endpoint)) is not None]
    yield from results or [not_checked("no webhook has been received yet")]


def event_queue(context: Context) -> Iterator[CheckResult]:
    """Look for events that are overdue or dead."""
    now = timezone.now()
    due = primary(WebhookEvent).due(now).defer("payload")
    oldest = due.first()
    if oldest is not None and oldest.next_attempt_at < now - MAX_EVENT_DELAY:
        yield wrong(
            f"events that are not processed: {due.count()}, the oldest since {_utc(oldest.next_attempt_at)}",
            _WORKER_HINTS.get(conf.SMARTCAR_WEBHOOK_WORK, "See settings: SMARTCAR_WEBHOOK_WORK is unknown."),
        )
    else:
        yield ok(f"no event has been due for longer than {MAX_EVENT_DELAY.seconds // 60} minutes")
    if dead := primary(WebhookEvent).filter(state=WebhookEvent.State.DEAD).count():
        yield wrong(
            f"dead events, given up after the last attempt: {dead}",
            "Filter the admin's webhook events by dead to see the errors. Fix the cause and choose Run "
            "again; or delete them: manage.py prune_smartcar_events --dead.",
        )


#: What to do about overdue events, by SMARTCAR_WEBHOOK_WORK.
_WORKER_HINTS = {
    "inline": "No request has processed them. Run manage.py work_smartcar_events --once from cron, every few "
    "minutes, and read its output.",
    "command": "Start manage.py work_smartcar_events under a supervisor that restarts it.",
    "tasks": "Start a worker of django.tasks (manage.py db_worker, with the database backend), and run "
    "manage.py work_smartcar_events --once from cron for events that were enqueued while none ran.",
    "celery": "Check that a Celery worker runs and reaches its broker, and have beat call "
    "django_smartcar.tasks.celery.work_events for events that were enqueued while none ran.",
}


def command_queue(context: Context) -> Iterator[CheckResult]:
    """Look for commands that nobody has sent in time. One that waited for another of its car is no fault."""
    now = timezone.now()
    recent = primary(VehicleCommand).filter(created_at__gt=now - UNSENT_COMMANDS_SINCE)
    is_unsent = Q(error_type=CommandNotSent.__name__) | command_outcomes.is_late(now)
    if count := recent.filter(is_unsent).count():
        found = warning if recent.exclude(sent_at=None).exists() else wrong
        yield found(
            f"commands of the last hour that were not sent in time: {count}",
            _EXECUTOR_HINTS.get(
                conf.SMARTCAR_COMMAND_EXECUTION, "See settings: SMARTCAR_COMMAND_EXECUTION is unknown."
            ),
        )
    else:
        yield ok("no command of the last hour has waited too long")


#: What to do about commands that are not sent, by SMARTCAR_COMMAND_EXECUTION.
_EXECUTOR_HINTS = {
    "thread": "Raise SMARTCAR_COMMAND_THREADS, or run more processes; uWSGI needs enable-threads.",
    "command": "Start manage.py work_smartcar_commands, or more of them, under a supervisor.",
    "tasks": "Start workers of django.tasks, or more: manage.py db_worker, with the database backend.",
    "celery": "Check that Celery workers run and reach their broker; start more, with --pool threads.",
    "inline": "These were queued with another value of SMARTCAR_COMMAND_EXECUTION.",
}


def token_refresh(context: Context) -> Iterator[CheckResult]:
    """Look for expired tokens that were not refreshed."""
    before = timezone.now() - MAX_REFRESH_DELAY
    expired = primary(SmartcarAccount).refresh_due(before)
    expired = expired.defer("access_token", "refresh_token", "spare_refresh_token")
    if count := expired.count():
        oldest = expired.order_by("access_expires_at").first()
        reason = f"; the last attempt failed: {oldest.refresh_error}" if oldest.refresh_error else ""
        yield wrong(
            f"expired tokens that are not refreshed: {count}, the oldest expired at "
            f"{_utc(oldest.access_expires_at)}{reason}",
            "Run manage.py refresh_smartcar_tokens from cron, every ten minutes, with the site's "
            "settings; it prints why an account fails. A refresh token expires after 60 days, and its driver "
            "must then connect again.",
        )
    elif token := _expired_application_token(before):
        yield warning(
            f"the application token expired at {_utc(token.access_expires_at)} and was not refreshed",
            "Run manage.py refresh_smartcar_tokens from cron, every ten minutes: then no user waits for a "
            "refresh, and pending commands of dead processes are expired.",
        )
    else:
        yield ok("no token is overdue")


def accounts(context: Context) -> Iterator[CheckResult]:
    """Look for accounts and vehicles that only their driver can repair."""
    lost = primary(SmartcarAccount).exclude(reconnect_required_at=None)
    if count := lost.count():
        since = lost.order_by("reconnect_required_at").values_list("reconnect_required_at", flat=True)[0]
        yield warning(
            f"accounts that their driver must connect again: {count}, since {_utc(since)}",
            "Ask these drivers to press the button on the page “Your cars”. The admin lists the accounts by "
            "health, and the signal reconnect_required is sent for each.",
        )
    else:
        yield ok("no account needs to be connected again")
    locked_out = primary(ConnectedVehicle).connected().exclude(reauthentication_required_at=None)
    if count := locked_out.count():
        yield warning(
            f"vehicles whose brand requires a new login: {count}",
            "The page “Your cars” has a button for it; the admin's vehicle problems have the details.",
        )


def subscribed(context: Context) -> Iterator[CheckResult]:
    """Look for vehicles whose webhook subscriptions differ from the settings."""
    due = subscriptions.due()
    if count := due.count():
        failed = due.exclude(webhooks_error="").first()
        reason = f"; the last attempt failed: {failed.webhooks_error}" if failed else ""
        yield wrong(
            f"vehicles that are not subscribed as SMARTCAR_WEBHOOKS says: {count}{reason}",
            "Run manage.py subscribe_smartcar_vehicles, also from cron: it prints why a vehicle fails.",
        )
    elif conf.SMARTCAR_WEBHOOKS:
        yield ok("all vehicles are subscribed as SMARTCAR_WEBHOOKS says")
    else:
        yield ok("SMARTCAR_WEBHOOKS is empty: subscriptions are managed in Smartcar's dashboard")


def _expired_application_token(before: datetime) -> Any:
    tokens = primary(ApplicationToken).filter(client_id=conf.SMARTCAR_CLIENT_ID, access_expires_at__lt=before)
    return tokens.defer("access_token").first()


def _signature(endpoint: str) -> CheckResult | None:
    rejected: Any = primary(WebhookEndpoint).filter(endpoint=endpoint).exclude(refused_at=None).first()
    accepted = primary(WebhookEvent).filter(endpoint=endpoint).defer("payload").order_by("-pk").first()
    where = f"webhook/{endpoint[:4]}…" if endpoint else "webhook"
    if rejected is None or (accepted is not None and accepted.received_at > rejected.refused_at):
        if accepted is None:
            return None
        return ok(
            f"{where}: the last signature was valid, for token {accepted.key_position}, at "
            f"{_utc(accepted.received_at)}"
        )
    history = (
        f"no valid signature since {_utc(accepted.received_at)}"
        if accepted
        else "there was never a valid signature"
    )
    text = (
        f"{where}: {history}; {rejected.refused} rejected, the last at {_utc(rejected.refused_at)}, "
        f"{_describe(rejected)}"
    )
    if not rejected.refused_signature_length:
        return warning(
            text,
            "Smartcar signs every request, so this one came from somebody else, or a proxy removes the "
            "header SC-Signature. The check webhook, below, tests that.",
        )
    return wrong(
        text,
        "Compare SMARTCAR_MANAGEMENT_TOKENS with the Application Management Token in Smartcar's dashboard, "
        "of the application that the webhook belongs to. If they are the same, a proxy changes the body, "
        "which is signed byte by byte. If TEST events are accepted and LIVE ones never are, contact "
        "Smartcar: others had to create a new application.",
    )


def _describe(rejected: Any) -> str:
    if not rejected.refused_signature_length:
        return f"{rejected.refused_size} bytes, without a signature"
    start = f"{rejected.refused_signature_start}…, " if rejected.refused_signature_start else ""
    length = rejected.refused_signature_length
    expected = "" if length == SIGNATURE_LENGTH else f" instead of {SIGNATURE_LENGTH}"
    return f"{rejected.refused_size} bytes, signature {start}{length} characters{expected}"


def _utc(moment: datetime) -> str:
    return f"{to_utc(moment):%Y-%m-%d %H:%M} UTC"
