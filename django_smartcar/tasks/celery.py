"""For Celery."""

from datetime import timedelta
from typing import Any

from celery import shared_task

from ..exceptions import RateLimitingException
from ..models import SmartcarAccount
from ..services import refreshing, tokens

#: Seconds until a message is worth nothing: by then the account has been handed out again.
LIFE = 3600


@shared_task(bind=True, ignore_result=True, max_retries=5)
def refresh_account(self: Any, pk: int, version: int) -> str:
    """Refresh the account that was found due when its token had this version.

    When Smartcar answers 429 it is tried again later; what fails otherwise is handed out again as it is due.
    """
    try:
        return refreshing.refresh_one(pk, version)
    except RateLimitingException as error:
        raise self.retry(exc=error, countdown=error.retry_after or 60) from None


@shared_task(ignore_result=True)
def refresh_due(minutes: int = 30) -> None:
    """Hand out what is due, as ``refresh_smartcar_tokens --enqueue celery`` does: for Celery beat."""
    for row in refreshing.due(timedelta(minutes=minutes)):
        if isinstance(row, SmartcarAccount):
            enqueue(row.pk, row.token_version)
        else:
            tokens.refresh(row, wait=False)


def enqueue(pk: int, version: int) -> None:
    refresh_account.apply_async((pk, version), expires=LIFE)
