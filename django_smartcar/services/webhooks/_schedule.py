"""Has events worked by whom SMARTCAR_WEBHOOK_WORK says: this request, a task, or a process of its own."""

from __future__ import annotations

import logging

from django.db import router, transaction

from ... import task_backends
from ...conf import conf
from ...models import WebhookEvent
from . import _queue

logger = logging.getLogger(__name__)

#: Seconds that a request goes on working events; Smartcar waits for 15.
INLINE_TIME_BUDGET = 2.0


def begin_work() -> None:
    """Have what is due worked, once the caller's transaction is committed.

    Never raises: it is all still there.
    """
    if conf.SMARTCAR_WEBHOOK_WORK != "command":
        transaction.on_commit(_begin_work, using=router.db_for_write(WebhookEvent))


def _begin_work() -> None:
    way = conf.SMARTCAR_WEBHOOK_WORK
    try:
        if way == "inline":
            _queue.process_due(INLINE_TIME_BUDGET)
        else:
            task_backends.load(way).enqueue_events()
    except Exception as error:
        # Not the error's own words: a broker's address may have a password in it.
        logger.error("webhook events could not be worked (%s); they stay due: %s", way, type(error).__name__)
