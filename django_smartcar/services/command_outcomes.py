"""Outcomes of commands that no response told: a reading shows them, or their process died.

`commands` imports this module, and `readings`, which `commands` imports, too.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from datetime import datetime, timedelta
from functools import partial
from typing import Any, NamedTuple

from django.db import router, transaction
from django.db.models import Q, QuerySet
from django.db.models.functions import Coalesce
from django.utils import timezone

from .. import signals
from ..conf import conf
from ..databases import primary, reload, to_database_time
from ..exceptions import CommandNotSent
from ..models import ConnectedVehicle, VehicleCommand
from . import command_specs
from ._leases import LeaseColumns

logger = logging.getLogger(__name__)

Status = VehicleCommand.Status

LEASE = LeaseColumns("lease", "lease_until")

#: The columns of a command that has ended, besides its status.
ENDED: dict[str, Any] = {"slot": None, "lease": None, "lease_until": None, "location": ""}

#: The columns of a command that was queued, and is not sent.
NOT_SENT: dict[str, Any] = {
    **ENDED,
    "status": Status.FAILED,
    "error_type": CommandNotSent.__name__,
    "in_flight_key": None,
}


def expire(vehicle_id: int | None = None) -> int:
    """Mark commands whose process died as ``unknown``, and those that waited too long as ``failed``.

    Return how many: of this vehicle, or of all.
    """
    now = timezone.now()
    rows: QuerySet[VehicleCommand] = primary(VehicleCommand)
    if vehicle_id is not None:
        rows = rows.filter(vehicle_id=vehicle_id)
    found = list(rows.filter(is_lost(now) | is_late(now)).values_list("pk", flat=True))
    if not found:
        return 0
    those = rows.filter(pk__in=found)
    lost = {**ENDED, "status": Status.UNKNOWN, "in_flight_key": None}
    number = those.filter(is_lost(now)).update(finished_at=now, **lost)
    number += those.filter(is_late(now)).update(finished_at=now, **NOT_SENT)
    for command in those.filter(finished_at=now):
        logger.warning("command %s: its process died, or none had time: %s", command.pk, command.status)
        transaction.on_commit(partial(announce, command), using=rows.db)
    return number


def cancel_disconnects(vehicles: Iterable[ConnectedVehicle]) -> None:
    """Do not disconnect these vehicles if that is still queued: their driver has connected them again."""
    queued = primary(VehicleCommand).filter(action="disconnect", status=Status.QUEUED)
    queued.filter(vehicle__in=list(vehicles)).update(finished_at=timezone.now(), **NOT_SENT)


def is_lost(now: datetime) -> Q:
    """Match pending commands whose process must have died."""
    return Q(LEASE.expired(now), status=Status.PENDING)


def is_late(now: datetime) -> Q:
    """Match queued commands that must not be sent any more."""
    is_operation = Q(action__in=command_specs.OPERATIONS)
    is_late = is_operation & Q(created_at__lte=now - command_specs.OPERATION_WAIT)
    is_late |= ~is_operation & Q(created_at__lte=now - command_specs.COMMAND_WAIT)
    return Q(is_late, status=Status.QUEUED)


def announce(command: VehicleCommand) -> None:
    """Send `command_finished`, for a command to the car."""
    if command.action in command_specs.COMMANDS:
        signals.command_finished.send_robust(VehicleCommand, command=command)


class ObservedValue(NamedTuple):
    """One value of a signal, by our name, that a vehicle reported."""

    vehicle_id: int
    signal: str
    value: Any
    recorded_at: datetime | None

    def __repr__(self) -> str:
        return f"{self.signal} of vehicle {self.vehicle_id}"


def resolve(vehicle: ConnectedVehicle, signal: str, value: Any, recorded_at: datetime | None) -> int:
    """Decide the outcome of an ``unknown`` command from a reading; return how many were resolved.

    `readings.save` calls this for everything that it saves. A reading from before the command is ignored. A
    reading that matches the command makes it ``succeeded``. One that does not makes it ``failed``, but only
    once the command's timeout has passed: until then the vehicle may still execute it.
    """
    return resolve_many([ObservedValue(vehicle.pk, signal, value, to_database_time(recorded_at))])


def resolve_many(values: Iterable[ObservedValue]) -> int:
    """Resolve commands from readings of any vehicles: one query if there is nothing to resolve."""
    usable = [
        value
        for value in values
        if value.recorded_at is not None and command_specs.confirmed_by(value.signal)
    ]
    if not usable:
        return 0
    unresolved = primary(VehicleCommand).filter(
        Q(status=Status.UNKNOWN) | is_lost(timezone.now()),
        vehicle_id__in={value.vehicle_id for value in usable},
        action__in={action for value in usable for action in command_specs.confirmed_by(value.signal)},
    )
    vehicle_ids = set(unresolved.values_list("vehicle_id", flat=True))
    return sum(_resolve(value) for value in usable if value.vehicle_id in vehicle_ids)


def _resolve(observed: ObservedValue) -> int:
    expire(observed.vehicle_id)
    sent = (
        primary(VehicleCommand)
        .annotate(began_at=Coalesce("sent_at", "created_at"))
        .filter(
            vehicle_id=observed.vehicle_id,
            action__in=command_specs.confirmed_by(observed.signal),
            began_at__lte=observed.recorded_at,
        )
    )
    # A reading says nothing about commands before the last one.
    last = sent.exclude(status__in=(Status.FAILED, Status.QUEUED)).order_by("-began_at", "-pk").first()
    if last is None or last.status != Status.UNKNOWN:
        return 0
    is_done = command_specs.confirms_success(last.action, last.parameters, observed.value)
    times_out_at = last.began_at + timedelta(seconds=conf.SMARTCAR_COMMAND_TIMEOUT)
    if is_done is None or observed.recorded_at is None:
        return 0
    if not is_done and observed.recorded_at < times_out_at:
        return 0
    status = Status.SUCCEEDED if is_done else Status.FAILED
    unknown: QuerySet[VehicleCommand] = primary(VehicleCommand).filter(pk=last.pk, status=Status.UNKNOWN)
    resolved = unknown.update(status=status, resolved_at=timezone.now(), in_flight_key=None)
    if resolved:
        reload(last)
        logger.info("command %s: resolved as %s by a reading of %s", last.pk, status, observed.signal)
        # Webhook events are processed in a transaction, which may still be rolled back.
        transaction.on_commit(partial(announce, last), using=router.db_for_write(VehicleCommand))
    return resolved
