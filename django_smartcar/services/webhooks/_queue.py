"""Works the events that have been received: each once, by as many workers as there are, after any crash.

A worker takes a lease on an event with one conditional write. What is done of the event is recorded in the
transaction that does it, and only while the lease is held.
"""

from __future__ import annotations

import logging
import random
import time
import traceback
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

from asgiref.sync import async_to_sync
from django.db import connections, router, transaction
from django.db.models import Exists, F, OuterRef, Q
from django.utils import timezone
from django.views.decorators.debug import sensitive_variables

from ... import sdk, signals
from ...models import ConnectedVehicle, WebhookEvent
from .._leases import Lease, LeaseColumns
from . import _readings

logger = logging.getLogger(__name__)

#: How long one part of an event may take before another worker takes over.
LEASE = timedelta(minutes=5)

#: Before each further attempt; after the last, the event is set aside.
RETRY_DELAYS = tuple(timedelta(minutes=minutes) for minutes in (0.25, 1, 5, 30, 120, 480))

#: Seconds that a task goes on working events: each that comes brings a task, and the next one has its turn.
MAX_TASK_SECONDS = 30.0

#: What `WebhookEvent.done` says once the rows of the cars are written.
APPLIED = "applied"

#: So many due events a worker chooses from where rows cannot be locked: not all are to try the first.
_CHOICE = 20


class LockLost(Exception):
    """Another worker has taken the event over; what this one was doing is rolled back."""


def process_due(seconds: float | None = None, should_stop: Callable[[], bool] = bool) -> int:
    """Work what is due, until nothing is, the time is up, or ``should_stop``; how many events that were."""
    ends = None if seconds is None else time.monotonic() + seconds
    requeue_waiting()
    number = 0
    while not should_stop() and (claimed := _claim()):
        _work(*claimed)
        number += 1
        if ends is not None and time.monotonic() > ends:
            break
    return number


def requeue_waiting(events: Any = None) -> int:
    """Make events due whose car has been connected since they came."""
    waiting = (WebhookEvent.objects.all() if events is None else events).filter(
        state=WebhookEvent.State.WAITING
    )
    cars = ConnectedVehicle.objects.connected().filter(smartcar_vehicle_id=OuterRef("smartcar_vehicle_id"))
    own = cars.filter(account__smartcar_user_id=OuterRef("smartcar_user_id"))
    is_known = Q(Exists(own)) | Q(Exists(cars), smartcar_user_id="")
    return requeue(waiting.filter(is_known))


def requeue(events: Any) -> int:
    """Make these events due now, as if they had just come; what was done of them stays done."""
    return int(
        events.update(
            state=WebhookEvent.State.RECEIVED, attempts=0, next_attempt_at=timezone.now(), lease=None
        )
    )


def _claim() -> tuple[WebhookEvent, Lease] | None:
    """Take a lease on a due event. Return None if none is due."""
    alias = router.db_for_write(WebhookEvent)
    due = WebhookEvent.objects.using(alias).due(timezone.now())
    if connections[alias].features.has_select_for_update_skip_locked:
        with transaction.atomic(alias):
            event = due.select_for_update(skip_locked=True).first()
            return _take(event) if event else None
    while candidates := list(due.values_list("pk", "next_attempt_at")[:_CHOICE]):
        pk, seen = random.choice(candidates)  # noqa: S311 (spreads the workers)
        event = WebhookEvent.objects.using(alias).filter(pk=pk, next_attempt_at=seen).first()
        if event and (claimed := _take(event)):
            return claimed
    return None


def _take(event: WebhookEvent) -> tuple[WebhookEvent, Lease] | None:
    """Take a lease on an event that is still as it was read. Return None if another worker was faster."""
    lease = Lease(LeaseColumns("lease", "next_attempt_at", LEASE), WebhookEvent.objects.filter(pk=event.pk))
    # Whatever changes an event moves `next_attempt_at`, too: after this UPDATE the row need not be reloaded.
    unchanged = WebhookEvent.objects.filter(pk=event.pk, next_attempt_at=event.next_attempt_at)
    if not lease.take(unchanged, attempts=F("attempts") + 1):
        return None
    for name, value in {**lease.values, "attempts": event.attempts + 1}.items():
        setattr(event, name, value)
    return event, lease


@sensitive_variables()
def _work(event: WebhookEvent, lease: Lease) -> None:
    """Do what has not been done of an event, and write down how that went."""
    failed: list[str] = []
    if event.attempts > len(RETRY_DELAYS) + 1:
        return _fail(event, lease, ["whoever worked it was killed, each time"])
    try:
        payload = sdk.webhooks.load(event.payload) or {}
        vehicles = _apply(event, lease, payload)
        is_unknown = not vehicles and bool(event.smartcar_vehicle_id)
        for vehicle in vehicles:
            failed += _announce(event, lease, vehicle, payload)
    except LockLost:
        return
    except Exception as error:
        failed, is_unknown = [_described("the event", error)], False
    if failed:
        _fail(event, lease, failed)
    elif is_unknown:
        _finish(lease, state=WebhookEvent.State.WAITING)
        requeue_waiting(WebhookEvent.objects.filter(pk=event.pk))  # it may have been connected in this moment
    else:
        _finish(lease, state=WebhookEvent.State.PROCESSED, processed_at=timezone.now())


@sensitive_variables()
def _apply(event: WebhookEvent, lease: Lease, payload: dict[str, Any]) -> list[ConnectedVehicle]:
    """The cars that the event is about, once it is on their rows."""
    with transaction.atomic():
        _renew_lease(lease)
        found = _readings.vehicles_of(event.smartcar_vehicle_id, event.smartcar_user_id)
        if not found or APPLIED in event.done:
            return found
        held = ConnectedVehicle.objects.filter(pk__in=[vehicle.pk for vehicle in found])
        vehicles = list(held.order_by("pk").select_for_update())
        for vehicle in vehicles:
            for told, update in _updates(vehicle, payload):
                _readings.apply(vehicle, told, update)
        done = _record(event, lease, APPLIED)
    event.done = done
    return vehicles


@sensitive_variables()
def _announce(
    event: WebhookEvent, lease: Lease, vehicle: ConnectedVehicle, payload: dict[str, Any]
) -> list[str]:
    """Call each receiver that has not yet been; what was wrong with those that raised."""
    failed = []
    for name, receiver in _receivers(vehicle):
        if name in event.done:
            continue
        try:
            with transaction.atomic():
                _renew_lease(lease)
                for _told, update in _updates(vehicle, payload):
                    receiver(
                        signal=signals.webhook_received,
                        sender=WebhookEvent,
                        vehicle=vehicle,
                        event=event,
                        update=update,
                    )
                done = _record(event, lease, name)
        except LockLost:
            raise
        except Exception as error:
            failed.append(_described(name.partition(" ")[2], error))
        else:
            event.done = done
    return failed


def _updates(vehicle: ConnectedVehicle, payload: dict[str, Any]) -> Iterator[Any]:
    told = sdk.webhooks.read(payload, vehicle.unit_system)
    return ((told, update) for update in told.updates if update.vehicle_id == vehicle.smartcar_vehicle_id)


def _receivers(vehicle: ConnectedVehicle) -> Iterator[tuple[str, Callable[..., Any]]]:
    """The project's receivers, by names that every process gives them alike."""
    # What `send` itself asks; there is no public way to call one receiver, or to leave one out.
    plain, asynchronous = signals.webhook_received._live_receivers(WebhookEvent)
    seen: dict[str, int] = {}
    for receiver in [*plain, *map(async_to_sync, asynchronous)]:
        inner = getattr(receiver, "awaitable", receiver)
        place = (
            f"{getattr(inner, '__module__', '')}.{getattr(inner, '__qualname__', type(inner).__qualname__)}"
        )
        seen[place] = seen.get(place, 0) + 1
        name = place if seen[place] == 1 else f"{place}#{seen[place]}"
        yield f"{vehicle.pk} {name}", receiver


def _record(event: WebhookEvent, lease: Lease, name: str) -> list[str]:
    done = [*event.done, name]
    if not lease.held.update(done=done):
        raise LockLost
    return done


def _renew_lease(lease: Lease) -> None:
    """Renew the lease, as the first write of a transaction: without the lease, nothing in it may commit."""
    if not lease.renew():
        raise LockLost


def _finish(lease: Lease, **columns: Any) -> None:
    lease.give_back(**{"next_attempt_at": None, "last_error": "", **columns})


def _fail(event: WebhookEvent, lease: Lease, failed: list[str]) -> None:
    error = "; ".join(failed)[:300]
    if event.attempts <= len(RETRY_DELAYS):
        state, then = WebhookEvent.State.FAILED, timezone.now() + RETRY_DELAYS[event.attempts - 1]
    else:
        state, then = WebhookEvent.State.DEAD, None
    _finish(lease, state=state, next_attempt_at=then, last_error=error)
    logger.error("webhook event %s: %s; %s", event.pk, error, state.value)


def _described(what: str, error: Exception) -> str:
    """Where it went wrong. Not the error's own words: they may hold a position, and are shown and logged."""
    frames = traceback.extract_tb(error.__traceback__)
    place = f" at {frames[-1].filename.rpartition('/')[2]}:{frames[-1].lineno}" if frames else ""
    return f"{what}: {type(error).__name__}{place}"
