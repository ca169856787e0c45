"""The queue of received webhook events: each is processed once, by any number of workers, even after a crash.

A worker takes a lease on a batch of events and processes it (`_batches`). A failed event is retried after
`_batches.RETRY_DELAYS`. The events of a killed worker are due again when its lease expires.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import closing, nullcontext
from datetime import timedelta

from django.db import connections, router, transaction
from django.db.models import F
from django.utils import timezone

from ...models import WebhookEvent
from .._leases import Lease, LeaseColumns
from . import _batches, _waiting

#: How long a transaction may take before another worker takes over from a worker that lives.
MAX_AGE = timedelta(minutes=5)

#: Maximum number of events in a batch.
BATCH = 100

#: Seconds for which a task processes events: every event enqueues a task, so the next task continues.
MAX_TASK_SECONDS = 30.0


def process_due(seconds: float | None = None, should_stop: Callable[[], bool] = bool) -> int:
    """Process due events and return their number; stop after ``seconds``, or once ``should_stop`` is true."""
    deadline = None if seconds is None else time.monotonic() + seconds

    def is_over() -> bool:
        return should_stop() or (deadline is not None and time.monotonic() > deadline)

    _waiting.sweep()
    number = 0
    while not should_stop() and (leased := lease_batch()):
        with closing(leased[1]):
            number += _batches.process(*leased, is_over)
        if is_over():
            break
    return number


def lease_batch() -> tuple[Sequence[WebhookEvent], Lease] | None:
    """Take a lease on due events, the longest due first. Return None if none is due."""
    alias = router.db_for_write(WebhookEvent)
    can_skip = connections[alias].features.has_select_for_update_skip_locked
    rows = WebhookEvent.objects.using(alias)
    while True:
        now = timezone.now()
        due = rows.due(now)
        with transaction.atomic(using=alias) if can_skip else nullcontext():
            events = _batch(list((due.select_for_update(skip_locked=True) if can_skip else due)[:BATCH]))
            if not events:
                return None
            those = rows.filter(pk__in=[event.pk for event in events])
            lease = Lease(LeaseColumns("lease", "next_attempt_at"), those, MAX_AGE)
            # A condition on the time would let MariaDB find the locked rows by the index of the times: it
            # would wait for other workers' rows on the way, and they for these.
            free = those if can_skip else those.filter(next_attempt_at__lte=now)
            number = lease.take(free, attempts=F("attempts") + 1)
        if can_skip:
            for event in events:
                event.attempts += 1
                event.lease = lease.id
            return events, lease
        if number:  # without the locks, other workers may have taken some of them
            return list(lease.held.order_by("received_at", "pk")), lease


def _batch(due: list[WebhookEvent]) -> list[WebhookEvent]:
    """Return the events to lease together.

    An event whose lease has expired stands alone: if it is what killed its worker, no other event is killed
    with it again and again.
    """
    if due and due[0].lease is not None:
        return due[:1]
    return [event for event in due if event.lease is None]
