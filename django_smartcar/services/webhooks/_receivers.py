"""Call the site's receivers of ``webhook_received``: all of them for an event, in one savepoint, or none."""

from __future__ import annotations

import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any

from django.db import router, transaction
from django.db.transaction import TransactionManagementError

from ... import sdk, signals
from ...models import ConnectedVehicle, WebhookEvent

#: Seconds for which a transaction calls receivers: it holds locks, on SQLite that of the whole database.
MAX_SECONDS = 1.0

#: What calls a receiver.
LIBRARIES = ("django", "asgiref", "asyncio", "concurrent")


@dataclass(eq=False)
class Job:
    """An event that is being processed, with its payload and the vehicles that it is about."""

    event: WebhookEvent
    payload: dict[str, Any] = field(repr=False)
    is_test: bool
    vehicles: list[ConnectedVehicle] = field(default_factory=list)
    _parsed: dict[str, sdk.webhooks.Event] = field(default_factory=dict, repr=False)

    def parsed(self, unit_system: str) -> sdk.webhooks.Event:
        """Return the event in this unit system."""
        if unit_system not in self._parsed:
            self._parsed[unit_system] = sdk.webhooks.read(self.payload, unit_system)
        return self._parsed[unit_system]

    def updates(self, vehicle: ConnectedVehicle) -> Iterator[sdk.webhooks.VehicleUpdate]:
        """Yield what the event says about a vehicle, in the vehicle's unit system."""
        for update in self.parsed(vehicle.unit_system).updates:
            if update.vehicle_id == vehicle.smartcar_vehicle_id:
                yield update


def call(jobs: Sequence[Job], should_stop: Callable[[], bool]) -> tuple[dict[int, str], list[Job]]:
    """Call the receivers of each event; return the errors by the event's key, and the events that are left.

    Events are left, but never the first, when `MAX_SECONDS` have passed or ``should_stop`` is true. What the
    receivers of an event wrote is rolled back if one of them raises.
    """
    errors: dict[int, str] = {}
    if not signals.webhook_received.has_listeners(WebhookEvent):
        return errors, []
    alias = router.db_for_write(WebhookEvent)
    deadline = time.monotonic() + MAX_SECONDS
    told: set[int] = set()
    for number, job in enumerate(jobs):
        if number and (time.monotonic() > deadline or should_stop()):
            return errors, list(jobs[number:])
        if not job.vehicles:
            continue
        try:
            with transaction.atomic(using=alias):
                _send(job, told)
                if transaction.get_rollback(using=alias):
                    raise TransactionManagementError("a receiver has left the transaction broken")
        except Exception as error:
            if transaction.get_rollback(using=alias):
                raise  # the savepoint is gone, too: MariaDB ends the transaction that loses a deadlock
            errors[job.event.pk] = describe(error)
    return errors, []


def _send(job: Job, told: set[int]) -> None:
    """Send the signal for each vehicle. ``told`` are the vehicles that earlier events were about."""
    for vehicle in job.vehicles:
        # A receiver of an earlier event may have changed the row.
        current = _reloaded(vehicle) if vehicle.pk in told else vehicle
        told.add(vehicle.pk)
        if current is None:
            continue
        for update in job.updates(current):
            signals.webhook_received.send(WebhookEvent, vehicle=current, event=job.event, update=update)


def _reloaded(vehicle: ConnectedVehicle) -> ConnectedVehicle | None:
    rows = ConnectedVehicle.objects.using(router.db_for_write(ConnectedVehicle))
    return rows.filter(pk=vehicle.pk).first()


def describe(error: BaseException) -> str:
    """Return the receiver, and the error's class and place. Not its message, which may have a position."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return f"{_receiver_in(error.__traceback__)}: {name_and_place(error)}"


def name_and_place(error: BaseException) -> str:
    """Return the class of an error, and the file and line that raised it."""
    frames = traceback.extract_tb(error.__traceback__)
    where = f" at {frames[-1].filename.rpartition('/')[2]}:{frames[-1].lineno}" if frames else ""
    return f"{type(error).__name__}{where}"


def _receiver_in(trace: TracebackType | None) -> str:
    """Return the name of the receiver: of the first function in the traceback that no library has."""
    for frame, _line in traceback.walk_tb(trace):
        module = str(frame.f_globals.get("__name__", ""))
        if module != __name__ and module.partition(".")[0] not in LIBRARIES:
            return f"{module}.{frame.f_code.co_qualname}"
    return "a receiver"
