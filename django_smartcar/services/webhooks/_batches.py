"""Process a batch of leased webhook events in one transaction. If it fails, split the batch.

The transaction renews the lease first, so that a worker that has lost it writes nothing, and marks the events
last. Whenever a worker is killed, an event has had all of its effects on this database, or none.
"""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import timedelta
from functools import partial
from typing import Any

from django.db import router, transaction
from django.db.models import F
from django.utils import timezone

from ... import sdk
from ...models import WebhookEvent
from .._leases import Lease
from . import _readings, _receivers, _vehicles, _waiting
from ._receivers import Job
from ._vehicles import Address

logger = logging.getLogger(__name__)

State = WebhookEvent.State

#: Delays before each retry. After the last one the event is dead.
RETRY_DELAYS = tuple(timedelta(minutes=minutes) for minutes in (0.25, 1, 5, 30, 120, 480))


class LeaseLost(Exception):
    """Another worker has taken an event over: roll back."""


def process(events: Sequence[WebhookEvent], lease: Lease, should_stop: Callable[[], bool]) -> int:
    """Process leased events; return how many. Those that ``should_stop`` leaves become due again."""
    jobs = [job for event in events if (job := _load(event, lease)) is not None]
    number = len(events) - len(jobs)
    groups = [jobs] if jobs else []
    while groups:
        group = groups.pop()
        try:
            left = _process_together(group, lease, should_stop)
        except Exception as error:
            if len(group) > 1:
                half = len(group) // 2
                groups += [group[half:], group[:half]]
                continue
            left = []
            if not isinstance(error, LeaseLost):
                _fail(group[0].event, lease, f"saving the event: {_receivers.name_and_place(error)}")
        number += len(group) - len(left)
        groups += [left] if left else []
        if should_stop():
            _release([job for jobs in groups for job in jobs], lease)
            break
    return number


def _load(event: WebhookEvent, lease: Lease) -> Job | None:
    """Decrypt and parse an event. If that fails, or the event kills every worker, return None."""
    try:
        if event.attempts > len(RETRY_DELAYS) + 1:
            _fail(event, lease, "every worker that processed this event was killed")
            return None
        payload = sdk.webhooks.load(event.payload) or {}
        return Job(event, payload, sdk.webhooks.envelope(payload).is_test)
    except Exception as error:
        _fail(event, lease, f"reading the event: {_receivers.name_and_place(error)}")
        return None


def _process_together(jobs: list[Job], lease: Lease, should_stop: Callable[[], bool]) -> list[Job]:
    """Process events in one transaction; return those whose receivers are left for the next one."""
    alias = router.db_for_write(WebhookEvent)
    is_committed: list[bool] = []
    try:
        with transaction.atomic(using=alias):
            transaction.on_commit(partial(is_committed.append, True), using=alias)
            jobs = _renew(jobs, lease)
            _lock_vehicles(jobs)
            _apply([job for job in jobs if not job.event.is_applied])
            errors, left = _receivers.call(jobs, should_stop)
            done = jobs[: len(jobs) - len(left)]
            _save(done, left, errors, lease)
    except Exception as error:
        if not is_committed:
            raise
        # Another function that a receiver passed to on_commit() has failed.
        logger.error("after the commit of webhook events: %s", _receivers.name_and_place(error))
    for job in left:
        job.event.is_applied = True
    for job in done:
        if job.event.pk in errors:
            _log_failure(job.event, errors[job.event.pk])
    _find_again([job for job in done if _state_of(job) == State.WAITING])
    return left


def _renew(jobs: list[Job], lease: Lease) -> list[Job]:
    """Renew the lease, as the first write of the transaction; return the events that are still held."""
    lease.extend()
    part = lease.on(_rows(job.event.pk for job in jobs))
    if part.renew() == len(jobs):
        return jobs
    held = set(part.held.values_list("pk", flat=True))
    return [job for job in jobs if job.event.pk in held]


def _address(job: Job) -> Address:
    event = job.event
    received_at = None if event.smartcar_user_id else event.received_at
    return Address(event.smartcar_vehicle_id, event.smartcar_user_id, job.is_test, received_at)


def _lock_vehicles(jobs: Collection[Job]) -> None:
    vehicles = _vehicles.lock(_vehicles.find({_address(job) for job in jobs}))
    for job in jobs:
        job.vehicles = vehicles.get(_address(job), [])


def _apply(jobs: Collection[Job]) -> None:
    """Save the data of these events on their vehicles."""
    _readings.apply_many(
        ([vehicle], job.parsed(vehicle.unit_system), update)
        for job in jobs
        for vehicle in job.vehicles
        for update in job.updates(vehicle)
    )


def _state_of(job: Job) -> State:
    """Return the state of an event whose receivers have not raised."""
    if job.vehicles:
        return State.PROCESSED
    if job.is_test:
        return State.TEST
    return State.WAITING if job.event.smartcar_vehicle_id else State.PROCESSED


def _save(done: Collection[Job], left: Collection[Job], errors: Mapping[int, str], lease: Lease) -> None:
    """Mark the events, in one statement if all are processed. Raise LeaseLost if one is no longer held."""
    keys = defaultdict(list)
    for job in done:
        if job.event.pk not in errors:
            keys[_state_of(job)].append(job.event.pk)
    saved = 0
    for state, pks in keys.items():
        ends = {} if state == State.WAITING else {"processed_at": timezone.now(), "is_applied": True}
        saved += lease.on(_rows(pks)).release(state=state, next_attempt_at=None, last_error="", **ends)
    for job in done:
        if job.event.pk in errors:
            columns = _failure(job.event, errors[job.event.pk])
            saved += lease.on(_rows([job.event.pk])).release(**columns, is_applied=True)
    if left:
        saved += lease.on(_rows(job.event.pk for job in left)).held.update(is_applied=True)
    if saved != len(done) + len(left):
        raise LeaseLost


def _find_again(jobs: Collection[Job]) -> None:
    """Make events due again whose vehicle was connected just as they began to wait."""
    found = _vehicles.find({_address(job) for job in jobs})
    if found:
        rows = _rows(job.event.pk for job in jobs if _address(job) in found)
        _waiting.requeue(rows.filter(state=State.WAITING))


def _fail(event: WebhookEvent, lease: Lease, error: str) -> None:
    lease.on(_rows([event.pk])).release(**_failure(event, error))
    _log_failure(event, error)


def _failure(event: WebhookEvent, error: str) -> dict[str, Any]:
    """Return the columns of a failed event: it is retried, or dead."""
    has_retry = event.attempts <= len(RETRY_DELAYS)
    return {
        "state": State.FAILED if has_retry else State.DEAD,
        "next_attempt_at": timezone.now() + RETRY_DELAYS[event.attempts - 1] if has_retry else None,
        "last_error": error[:300],
    }


def _log_failure(event: WebhookEvent, error: str) -> None:
    state = _failure(event, error)["state"]
    logger.error("webhook event %s: %s; %s", event.pk, error, state.value)


def _release(jobs: Collection[Job], lease: Lease) -> None:
    """Make events due again that this worker has leased, but not processed."""
    if jobs:
        rows = lease.on(_rows(job.event.pk for job in jobs))
        rows.release(next_attempt_at=timezone.now(), attempts=F("attempts") - 1)


def _rows(keys: Any) -> Any:
    return WebhookEvent.objects.using(router.db_for_write(WebhookEvent)).filter(pk__in=list(keys))
