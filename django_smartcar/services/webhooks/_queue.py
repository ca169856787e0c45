"""The queue of received webhook events: each is processed once, by any number of workers, even after a crash.

A worker takes a lease on an event. Each step of the processing commits together with a note in
`WebhookEvent.done`, and only while the lease is held, so no step is repeated. A failed event is retried after
`RETRY_DELAYS`.
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

from ... import sdk, signals
from ...models import ConnectedVehicle, WebhookEvent
from .._leases import Lease, LeaseColumns
from . import _readings

logger = logging.getLogger(__name__)

#: How long one step of an event may take before another worker takes over.
LEASE = timedelta(minutes=5)

#: Delays before each retry. After the last one the event is dead.
RETRY_DELAYS = tuple(timedelta(minutes=minutes) for minutes in (0.25, 1, 5, 30, 120, 480))

#: Seconds for which a task processes events: every event enqueues a task, so the next task continues.
MAX_TASK_SECONDS = 30.0

#: The entry in `WebhookEvent.done` for saved readings and problems.
APPLIED = "applied"

#: Without SKIP LOCKED, pick randomly among this many due events to reduce contention.
_CHOICE = 20


class LeaseLost(Exception):
    """Another worker has taken the event over: roll back the current step."""


def process_due(seconds: float | None = None, should_stop: Callable[[], bool] = bool) -> int:
    """Process due events and return their number; stop after ``seconds``, or once ``should_stop`` is true."""
    deadline = None if seconds is None else time.monotonic() + seconds
    requeue_waiting()
    number = 0
    while not should_stop() and (leased := _lease_next()):
        _process(*leased)
        number += 1
        if deadline is not None and time.monotonic() > deadline:
            break
    return number


def requeue_waiting(events: Any = None) -> int:
    """Make events due whose vehicle has been connected since they were received; return how many."""
    waiting = (WebhookEvent.objects.all() if events is None else events).filter(
        state=WebhookEvent.State.WAITING
    )
    vehicles = ConnectedVehicle.objects.connected()
    same = vehicles.filter(smartcar_vehicle_id=OuterRef("smartcar_vehicle_id"))
    own = same.filter(account__smartcar_user_id=OuterRef("smartcar_user_id"))
    is_known = Q(Exists(own)) | Q(Exists(same), smartcar_user_id="")
    return requeue(waiting.filter(is_known))


def requeue(events: Any) -> int:
    """Make these events due now and reset their attempts; return how many. Done steps are not repeated."""
    return int(
        events.update(
            state=WebhookEvent.State.RECEIVED, attempts=0, next_attempt_at=timezone.now(), lease=None
        )
    )


def _lease_next() -> tuple[WebhookEvent, Lease] | None:
    """Take a lease on a due event. Return None if none is due."""
    alias = router.db_for_write(WebhookEvent)
    due = WebhookEvent.objects.using(alias).due(timezone.now())
    if connections[alias].features.has_select_for_update_skip_locked:
        with transaction.atomic(alias):
            event = due.select_for_update(skip_locked=True).first()
            return _take(event) if event else None
    while candidates := list(due.values_list("pk", "next_attempt_at")[:_CHOICE]):
        pk, due_at = random.choice(candidates)  # noqa: S311 (spreads the workers)
        event = WebhookEvent.objects.using(alias).filter(pk=pk, next_attempt_at=due_at).first()
        if event and (leased := _take(event)):
            return leased
    return None


def _take(event: WebhookEvent) -> tuple[WebhookEvent, Lease] | None:
    """Take a lease on an event that is still as it was read. Return None if another worker was faster."""
    lease = Lease(LeaseColumns("lease", "next_attempt_at", LEASE), WebhookEvent.objects.filter(pk=event.pk))
    # Every change of an event changes `next_attempt_at`, too, so the row need not be reloaded after this.
    unchanged = WebhookEvent.objects.filter(pk=event.pk, next_attempt_at=event.next_attempt_at)
    if not lease.take(unchanged, attempts=F("attempts") + 1):
        return None
    for name, value in {**lease.values, "attempts": event.attempts + 1}.items():
        setattr(event, name, value)
    return event, lease


def _process(event: WebhookEvent, lease: Lease) -> None:
    """Run the steps of an event that are not done yet, and save its new state."""
    errors: list[str] = []
    if event.attempts > len(RETRY_DELAYS) + 1:
        return _fail(event, lease, ["every worker that processed this event was killed"])
    try:
        payload = sdk.webhooks.load(event.payload) or {}
        is_test = sdk.webhooks.envelope(payload).is_test
        vehicles = _apply(event, lease, payload, is_test)
        is_unknown = not vehicles and bool(event.smartcar_vehicle_id) and not is_test
        for vehicle in vehicles:
            errors += _call_receivers(event, lease, vehicle, payload)
    except LeaseLost:
        return
    except Exception as error:
        errors, is_unknown, is_test = [_describe("saving the event", error)], False, False
    if errors:
        _fail(event, lease, errors)
    elif is_unknown:
        _finish(lease, state=WebhookEvent.State.WAITING)
        requeue_waiting(WebhookEvent.objects.filter(pk=event.pk))  # its vehicle may have just been connected
    else:
        state = WebhookEvent.State.TEST if is_test and not vehicles else WebhookEvent.State.PROCESSED
        _finish(lease, state=state, processed_at=timezone.now())


def _apply(
    event: WebhookEvent, lease: Lease, payload: dict[str, Any], is_test: bool
) -> list[ConnectedVehicle]:
    """Save the event's data on its vehicles, unless that is done. Return the vehicles."""
    with transaction.atomic():
        _renew_lease(lease)
        found = _readings.vehicles_of(event.smartcar_vehicle_id, event.smartcar_user_id, is_test)
        if not found or APPLIED in event.done:
            return found
        held = ConnectedVehicle.objects.filter(pk__in=[vehicle.pk for vehicle in found])
        vehicles = list(held.order_by("pk").select_for_update())
        for vehicle in vehicles:
            for parsed, update in _updates(vehicle, payload):
                _readings.apply(vehicle, parsed, update)
        done = _add_done(event, lease, APPLIED)
    event.done = done
    return vehicles


def _call_receivers(
    event: WebhookEvent, lease: Lease, vehicle: ConnectedVehicle, payload: dict[str, Any]
) -> list[str]:
    """Call each receiver that has not run yet. Return descriptions of the errors."""
    errors = []
    for name, receiver in _receivers(vehicle):
        if name in event.done:
            continue
        try:
            with transaction.atomic():
                _renew_lease(lease)
                for _event, update in _updates(vehicle, payload):
                    receiver(
                        signal=signals.webhook_received,
                        sender=WebhookEvent,
                        vehicle=vehicle,
                        event=event,
                        update=update,
                    )
                done = _add_done(event, lease, name)
        except LeaseLost:
            raise
        except Exception as error:
            errors.append(_describe(name.partition(" ")[2], error))
        else:
            event.done = done
    return errors


def _updates(vehicle: ConnectedVehicle, payload: dict[str, Any]) -> Iterator[Any]:
    parsed = sdk.webhooks.read(payload, vehicle.unit_system)
    return ((parsed, update) for update in parsed.updates if update.vehicle_id == vehicle.smartcar_vehicle_id)


def _receivers(vehicle: ConnectedVehicle) -> Iterator[tuple[str, Callable[..., Any]]]:
    """Yield the project's receivers with names that are the same in every process."""
    # What `send` itself uses: there is no public way to call a single receiver.
    plain, asynchronous = signals.webhook_received._live_receivers(WebhookEvent)
    counts: dict[str, int] = {}
    for receiver in [*plain, *map(async_to_sync, asynchronous)]:
        inner = getattr(receiver, "awaitable", receiver)
        module, qualname = getattr(inner, "__module__", ""), getattr(inner, "__qualname__", "")
        path = f"{module}.{qualname or type(inner).__qualname__}"
        counts[path] = counts.get(path, 0) + 1
        name = path if counts[path] == 1 else f"{path}#{counts[path]}"
        yield f"{vehicle.pk} {name}", receiver


def _add_done(event: WebhookEvent, lease: Lease, name: str) -> list[str]:
    done = [*event.done, name]
    if not lease.held.update(done=done):
        raise LeaseLost
    return done


def _renew_lease(lease: Lease) -> None:
    """Renew the lease, as the first write of a transaction: without the lease, nothing in it may commit."""
    if not lease.renew():
        raise LeaseLost


def _finish(lease: Lease, **columns: Any) -> None:
    lease.release(**{"next_attempt_at": None, "last_error": "", **columns})


def _fail(event: WebhookEvent, lease: Lease, errors: list[str]) -> None:
    error = "; ".join(errors)[:300]
    if event.attempts <= len(RETRY_DELAYS):
        state, retry_at = WebhookEvent.State.FAILED, timezone.now() + RETRY_DELAYS[event.attempts - 1]
    else:
        state, retry_at = WebhookEvent.State.DEAD, None
    _finish(lease, state=state, next_attempt_at=retry_at, last_error=error)
    logger.error("webhook event %s: %s; %s", event.pk, error, state.value)


def _describe(what: str, error: Exception) -> str:
    """Return the error's class and place. Its message may contain a position, so it is left out."""
    frames = traceback.extract_tb(error.__traceback__)
    where = f" at {frames[-1].filename.rpartition('/')[2]}:{frames[-1].lineno}" if frames else ""
    return f"{what}: {type(error).__name__}{where}"
