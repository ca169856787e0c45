"""The records of commands: created, claimed by one process, and finished."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from contextlib import nullcontext
from datetime import timedelta
from typing import Any

from django.db import IntegrityError, connections, transaction
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import timezone

from ...conf import conf
from ...databases import primary
from ...exceptions import CommandInProgress, CommandNotSent, DuplicateCommand, help_url
from ...models import ConnectedVehicle, VehicleCommand, VehicleSignal
from ...secret_types import Secret, coordinate
from .. import command_outcomes, command_specs
from .._leases import Lease
from ..signals import unit_of

logger = logging.getLogger(__name__)

Status = VehicleCommand.Status
QUEUED, PENDING = Status.QUEUED, Status.PENDING

#: Time for refreshing the token, on top of the command's timeout. No process executes a command for longer.
TOKEN_ALLOWANCE = timedelta(seconds=90)

#: How long a finished refresh or reload is kept: they are many, and only the last one matters.
OPERATIONS_KEPT = timedelta(hours=1)


def rows() -> QuerySet[VehicleCommand]:
    """Return all commands, from the database that they are written to."""
    found: QuerySet[VehicleCommand] = primary(VehicleCommand)
    return found


def lease_on(commands: QuerySet[VehicleCommand]) -> Lease:
    """Return a lease on these commands, which is not taken yet."""
    max_age = timedelta(seconds=conf.SMARTCAR_COMMAND_TIMEOUT) + TOKEN_ALLOWANCE
    return Lease(command_outcomes.LEASE, commands, max_age)


def create(
    vehicle: ConnectedVehicle, action: str, parameters: Mapping[str, Any], status: str, **columns: Any
) -> VehicleCommand:
    """Insert a record. Raises DuplicateCommand or CommandInProgress.

    A command whose process died refuses no other one.
    """
    try:
        return _insert(vehicle, action, parameters, status, **columns)
    except (DuplicateCommand, CommandInProgress):
        if not command_outcomes.expire(vehicle.pk):
            raise
    except IntegrityError:
        pass  # The command that was in its way has ended meanwhile.
    return _insert(vehicle, action, parameters, status, **columns)


def _insert(
    vehicle: ConnectedVehicle, action: str, parameters: Mapping[str, Any], status: str, **columns: Any
) -> VehicleCommand:
    """Insert a record. Raises DuplicateCommand or CommandInProgress.

    The database decides which of two processes is first: ``in_flight_key`` and ``slot`` are unique.
    """
    key = command_specs.key(vehicle, action, parameters)
    _release_keys(vehicle, action, key)
    if status == QUEUED:
        _check_pair(vehicle, action, key, status)
    connection = connections[rows().db]
    command = VehicleCommand(
        vehicle=vehicle,
        action=action,
        parameters=command_specs.without_location(parameters),
        idempotency_key=key,
        in_flight_key=key,
        slot=_slot(vehicle.pk, status),
        status=status,
        **columns,
    )
    try:
        with transaction.atomic(connection.alias) if connection.in_atomic_block else nullcontext():
            command.save(using=connection.alias, force_insert=True)
    except IntegrityError:
        _check_pair(vehicle, action, key, status)
        raise
    except BaseException:
        # A receiver of `post_save` has refused it: without a transaction, it is stored already.
        if command.pk is not None:
            rows().filter(pk=command.pk).delete()
        raise
    return command


def create_leased(
    vehicle: ConnectedVehicle, action: str, parameters: Mapping[str, Any], **columns: Any
) -> tuple[VehicleCommand, Lease]:
    """Insert the record of a command that this process executes at once. Raises as `create` does."""
    lease = lease_on(rows())
    command = create(vehicle, action, parameters, PENDING, **columns, **lease.columns)
    own = lease.on(rows().filter(pk=command.pk))
    own.begin()
    return command, own


def _slot(vehicle_id: int, status: str) -> str:
    return f"{vehicle_id}:{status}"


def _check_pair(vehicle: ConnectedVehicle, action: str, key: str, status: str) -> None:
    """Refuse a command that may not follow the vehicle's commands in flight (`may_wait`)."""
    taken = Q(vehicle=vehicle, slot__isnull=False) | Q(in_flight_key=key)
    found = list(rows().filter(taken).order_by("pk"))
    for other in found:
        if other.in_flight_key == key:
            raise DuplicateCommand(other.pk, other.is_finished)
    for other in found:
        if status == PENDING or not may_wait(action, other.action) or other.status == QUEUED:
            raise CommandInProgress(other.pk)


def may_wait(action: str, earlier: str) -> bool:
    """Return whether a command may wait until an earlier one to the same car is finished.

    | in flight     | asked for                            | it is                             |
    | ------------- | ------------------------------------ | --------------------------------- |
    | any           | the same, with the same parameters   | a duplicate                       |
    | any           | the same, with other parameters      | refused: one limit after another  |
    | a disconnect  | any other                            | refused: there will be no car     |
    | any other     | the reverse, or something else       | queued, unless one is queued      |
    """
    return action != earlier and earlier != "disconnect"


def _release_keys(vehicle: ConnectedVehicle, action: str, key: str) -> None:
    """Release keys that are past their cooldown, or reversed by this command.

    Lock, unlock, lock is not a duplicate.
    """
    now = timezone.now()
    has_cooled_down = Q(finished_at__lte=now - timedelta(seconds=conf.SMARTCAR_COMMAND_COOLDOWN))
    is_reversed = Q(finished_at__isnull=False, action__in=command_specs.related_actions(action))
    is_reversed &= ~Q(in_flight_key=key)
    held = rows().filter(vehicle=vehicle, in_flight_key__isnull=False)
    held.filter(has_cooled_down | is_reversed).update(in_flight_key=None)


def claim(commands: QuerySet[VehicleCommand]) -> tuple[VehicleCommand, Lease] | None:
    """Take the first queued command whose vehicle is free; None if there is none.

    The UPDATE checks the status, so each command is executed once, whoever claims it.
    """
    while (command := claimable(commands).order_by("pk").first()) is not None:
        row, now = rows().filter(pk=command.pk), timezone.now()
        lease = lease_on(row)
        try:
            with transaction.atomic(row.db):
                slot = _slot(command.vehicle_id, PENDING)
                taken = lease.take(row.filter(status=QUEUED), status=PENDING, slot=slot, sent_at=now)
        except IntegrityError:
            taken = 0  # another process has just claimed another command of this vehicle
        if taken:
            command.status, command.sent_at = PENDING, now
            return command, lease
        commands = commands.exclude(pk=command.pk)
    return None


def claimable(commands: QuerySet[VehicleCommand]) -> QuerySet[VehicleCommand]:
    """Return the queued commands that may be executed now."""
    busy = rows().filter(vehicle_id=OuterRef("vehicle_id"), status=PENDING)
    queued = commands.filter(~Exists(busy), status=QUEUED)
    return queued.exclude(command_outcomes.is_late(timezone.now()))


def check_not_too_late(command: VehicleCommand, lease: Lease) -> None:
    """Raise CommandNotSent if another process has given the command up, or if it has waited too long.

    A process may be suspended, or wait for a token, after it has claimed the command. The driver may have
    asked for it again by then.
    """
    is_operation = command.action in command_specs.OPERATIONS
    wait = command_specs.OPERATION_WAIT if is_operation else command_specs.COMMAND_WAIT
    is_late = command.sent_at is not None and timezone.now() > command.created_at + wait
    if is_late or not lease.is_held():
        raise CommandNotSent("the command waited too long")


def location_json(parameters: Mapping[str, Any]) -> Secret:
    """Return the location parameters as stored; empty if there are none."""
    location = command_specs.location_of(parameters)
    return Secret(json.dumps({name: float(value) for name, value in location.items()}) if location else "")


def parameters_of(command: VehicleCommand) -> dict[str, Any]:
    """Return all parameters of a queued command."""
    stored = {name: coordinate(value) for name, value in json.loads(command.location or "{}").items()}
    return {**command.parameters, **stored}


def finish(command: VehicleCommand, status: str, error: Exception | None = None) -> None:
    """Record the outcome. A failed command, and an operation, may be asked for again at once."""
    is_command = command.action in command_specs.COMMANDS
    columns: dict[str, Any] = {**command_outcomes.ENDED, "status": status, "finished_at": timezone.now()}
    if error is not None:
        columns["error_type"] = str(getattr(error, "type", None) or type(error).__name__)[:100]
        columns["error_code"] = str(getattr(error, "code", None) or "")[:100]
        columns["request_id"] = str(getattr(error, "request_id", None) or "")[:100]
        columns["help_url"] = url if len(url := help_url(error)) <= 500 else ""
    if status == Status.FAILED or not is_command:
        columns["in_flight_key"] = None
    for name, value in columns.items():
        setattr(command, name, value)
    # An UPDATE, as the row may have been deleted with its vehicle during the API call; and never over an
    # outcome that a reading has resolved in the meantime.
    rows().filter(pk=command.pk, status__in=(PENDING, Status.UNKNOWN)).update(**columns)
    logger.info("command %s (%s of vehicle %s): %s", command.pk, command.action, command.vehicle_id, status)
    if is_command and status == Status.SUCCEEDED:
        _supersede(command)
    elif not is_command:
        _delete_earlier(command)


def _supersede(command: VehicleCommand) -> None:
    """Save what the command has made of its signal: the value that is stored is not current any more."""
    spec = command_specs.COMMANDS[command.action]
    if spec.signal and (value := spec.result(command.parameters)) is not None:
        states = primary(VehicleSignal)
        state = states.filter(vehicle_id=command.vehicle_id, signal=spec.signal)
        # A state that never had a value has no unit yet.
        unit = unit_of(spec.signal)
        state.update(confirmed_value=value, confirmed_at=command.finished_at, unit=unit)


def _delete_earlier(command: VehicleCommand) -> None:
    """Delete earlier refreshes and reloads of the vehicle."""
    before = timezone.now() - OPERATIONS_KEPT
    earlier = rows().filter(vehicle_id=command.vehicle_id, action__in=("refresh", "reload"))
    earlier.filter(slot=None, created_at__lt=before).delete()
