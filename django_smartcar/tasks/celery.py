"""For Celery."""

from datetime import timedelta
from typing import Any

from celery import shared_task

from ..exceptions import RateLimitingException
from ..models import SmartcarAccount
from ..services import tokens, webhooks
from ..services.tokens import bulk_refresh

#: Seconds until a message is worth nothing: by then the work has been handed out again.
LIFE = 3600


@shared_task(bind=True, ignore_result=True, max_retries=5)
def refresh_account(self: Any, pk: int, version: int) -> str:
    """Refresh the account that was found due when its token had this version.

    When Smartcar answers 429 it is tried again later; what fails otherwise is handed out again as it is due.
    """
    try:
        return bulk_refresh.refresh_one(pk, version)
    except RateLimitingException as error:
        raise self.retry(exc=error, countdown=error.retry_after or 60) from None


@shared_task(ignore_result=True)
def refresh_due(minutes: int = 30) -> None:
    """Hand out what is due, as ``refresh_smartcar_tokens --enqueue celery`` does: for Celery beat."""
    for row in bulk_refresh.due(timedelta(minutes=minutes)):
        if isinstance(row, SmartcarAccount):
            enqueue(row.pk, row.token_version)
        else:
            tokens.refresh(row, wait=False)


@shared_task(ignore_result=True, expires=LIFE)
def work_events() -> int:
    """Work the events that are due: handed out when one comes. It does not wait for what is not due yet.

    Let Celery beat call it as well: that is who tries again what has failed.
    """
    return webhooks.process_due(webhooks.MAX_TASK_SECONDS)


def enqueue(pk: int, version: int) -> None:
    refresh_account.apply_async((pk, version), expires=LIFE)


def enqueue_events() -> None:
    """Once: it is Smartcar that waits, for 15 seconds in all."""
    work_events.apply_async(retry=False)
