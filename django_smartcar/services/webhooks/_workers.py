"""Schedule event processing as SMARTCAR_WEBHOOK_WORK says: inline, in a task queue or in a worker."""

from __future__ import annotations

import logging

from django.db import router, transaction

from ... import task_backends
from ...conf import conf
from ...models import WebhookEvent
from . import _queue

logger = logging.getLogger(__name__)

#: Seconds for which a request processes events itself; Smartcar waits for 15.
INLINE_TIME_BUDGET = 2.0


def begin_work() -> None:
    """Process due events after the caller's commit. Never raises: on failure they stay due."""
    if conf.SMARTCAR_WEBHOOK_WORK != "command":
        transaction.on_commit(_begin_work, using=router.db_for_write(WebhookEvent))


def _begin_work() -> None:
    mode = conf.SMARTCAR_WEBHOOK_WORK
    try:
        if mode == "inline":
            _queue.process_due(INLINE_TIME_BUDGET)
        else:
            task_backends.load(mode).enqueue_events()
    except Exception as error:
        # Without the error's message: the URL of a broker may contain a password.
        logger.error("could not start processing events (%s), they stay due: %s", mode, type(error).__name__)
