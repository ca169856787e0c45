"""Tasks for Celery."""

from datetime import timedelta
from typing import Any

from celery import shared_task

from ..exceptions import RateLimitingException
from ..models import SmartcarAccount
from ..services import commands, tokens, webhooks
from ..services.tokens import bulk_refresh

#: Seconds until a message expires: by then the work has been enqueued again.
MESSAGE_LIFETIME = 3600


@shared_task(bind=True, ignore_result=True, max_retries=5)
def refresh_account(self: Any, pk: int, version: int) -> str:
    """Refresh the account's token, unless it no longer has the version that was due.

    Retried after a 429. After any other failure the account stays due, and is enqueued again.
    """
    try:
        return bulk_refresh.refresh_one(pk, version)
    except RateLimitingException as error:
        raise self.retry(exc=error, countdown=error.retry_after or 60) from None


@shared_task(ignore_result=True)
def refresh_due(minutes: int = 30) -> None:
    """Enqueue what is due, as ``refresh_smartcar_tokens --enqueue celery`` does, for Celery beat."""
    commands.expire_pending()
    for row in bulk_refresh.due(timedelta(minutes=minutes)):
        if isinstance(row, SmartcarAccount):
            enqueue(row.pk, row.token_version)
        else:
            tokens.refresh(row, wait=False)


@shared_task(ignore_result=True, expires=MESSAGE_LIFETIME)
def work_events() -> int:
    """Process the webhook events that are due; events that become due later are not waited for.

    Enqueued when an event arrives. Schedule it with Celery beat, too, so that failed events are retried.
    """
    commands.expire_pending()
    return webhooks.process_due(webhooks.MAX_TASK_SECONDS)


@shared_task(ignore_result=True, expires=60)
def work_commands() -> bool:
    """Send the next queued command to its car. Each of them enqueues one such task."""
    return commands.work()


def enqueue(pk: int, version: int) -> None:
    refresh_account.apply_async((pk, version), expires=MESSAGE_LIFETIME)


def enqueue_events() -> None:
    """Enqueue `work_events` without retrying: Smartcar waits at most 15 seconds for the response."""
    work_events.apply_async(retry=False)


def enqueue_commands() -> None:
    """Enqueue `work_commands` without retrying: a user waits for the response."""
    work_commands.apply_async(retry=False)
