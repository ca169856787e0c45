"""Send commands. Each is recorded before it is sent and is never retried automatically.

`send` waits for the car; `enqueue` returns at once, and an executor (`_executors`) sends the command.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import closing
from functools import partial
from typing import Any

from django.db import IntegrityError, OperationalError, transaction
from django.db.models import Model

from ...conf import conf
from ...exceptions import InvalidResponseException, SmartcarAppError, SmartcarException, TransactionNotAllowed
from ...models import ConnectedVehicle, VehicleCommand
from .. import (
    _access,
    _authenticated_calls,
    _concurrency,
    _transactions,
    client,
    command_outcomes,
    command_specs,
    vehicles,
)
from .._access import Access
from .._leases import Lease
from ..client import Car
from ..command_outcomes import ObservedValue, resolve, resolve_many
from ..command_specs import CommandSpec
from ..outcomes import Outcome, Result
from . import _bounds, _executors, _records
from ._offers import offered, refusals
from ._threads import Pool

__all__ = [
    "ObservedValue",
    "Pool",
    "enqueue",
    "expire_pending",
    "offered",
    "refusals",
    "resolve",
    "resolve_many",
    "send",
    "send_many",
    "waiting",
    "work",
]

logger = logging.getLogger(__name__)

Status = VehicleCommand.Status

#: Maximum number of waiting commands that are begun at once.
MAX_BEGUN = 100

#: What else is executed in the background, by action.
OPERATIONS: dict[str, Callable[[VehicleCommand], Any]] = {
    "refresh": lambda command: vehicles.refresh_readings(command.vehicle),
    "reload": lambda command: vehicles.reload(command.vehicle),
    "disconnect": lambda command: vehicles.disconnect(command.vehicle, actor=command.actor),
}


def send(
    vehicle: ConnectedVehicle, action: str, *, actor: Any = None, reason: str = "", **parameters: Any
) -> VehicleCommand:
    """Send a command to the vehicle and return its record, ``succeeded``, once Smartcar confirms it.

    ``action`` is one of `command_specs.COMMANDS`, with the parameters of the SDK's method of that name:
    ``send(vehicle, "set_charge_limit", limit=0.8, actor=user)``.

    The record is committed before the API call, even inside your own transaction. An exception after that is
    recorded: as ``failed``, or as ``unknown`` if the vehicle may have executed the command without Smartcar's
    confirmation (see `resolve`). Raises these without a record: VehicleDisconnected, PermissionMissing,
    NotCapableException, RateLimited, CommandInvalid, DuplicateCommand, CommandInProgress and
    TransactionNotAllowed. Otherwise raises a SmartcarException, ReconnectRequired or RefreshInProgress.
    """
    parameters = command_specs.protected_parameters(parameters)
    access = _access.load(vehicle, command=action)
    spec = command_specs.check(vehicle, action, parameters)
    access.check_capability()
    access.check_limits()
    with _transactions.autonomous_connection(VehicleCommand) as is_in_transaction:
        try:
            command, lease = _records.create_leased(vehicle, action, parameters, actor=actor, reason=reason)
        except (IntegrityError, OperationalError) as error:
            if is_in_transaction:
                # The caller's transaction has locked the database, or not committed the vehicle or the actor.
                raise TransactionNotAllowed(vehicle) from error
            raise
        with closing(lease):
            # The rows of a transaction may be old: MariaDB reads them as they were at its start.
            failure = _execute(command, lease, spec, parameters, None if is_in_transaction else access)
    command_outcomes.announce(command)
    _begin_waiting(vehicle.pk)
    if is_in_transaction and isinstance(failure, OperationalError):
        # The caller's transaction has locked the account, whose token must be refreshed.
        raise TransactionNotAllowed(vehicle) from failure
    if failure is not None:
        raise failure
    return command


def send_many(
    vehicles: Iterable[ConnectedVehicle],
    action: str,
    *,
    actor: Any = None,
    reason: str = "",
    **parameters: Any,
) -> Iterator[Result[ConnectedVehicle]]:
    """Send a command to many vehicles concurrently; yield a result for each, in their order.

    ``SMARTCAR_COMMANDS_AT_ONCE`` is the maximum at a time. What `send` raises becomes ``result.error``.
    """
    parameters = command_specs.protected_parameters(parameters)

    def send_one(vehicle: ConnectedVehicle) -> VehicleCommand:
        return send(vehicle, action, actor=actor, reason=reason, **parameters)

    yield from _concurrency.each(send_one, vehicles, conf.SMARTCAR_COMMANDS_AT_ONCE, Outcome.DONE)


def enqueue(
    vehicle: ConnectedVehicle, action: str, *, actor: Any = None, reason: str = "", **parameters: Any
) -> VehicleCommand:
    """Record a command, ``queued``, and return at once: ``SMARTCAR_COMMAND_EXECUTION`` says who sends it.

    ``action`` and parameters are those of `send`, or one of these: "refresh" (`vehicles.refresh_readings`),
    "reload" (`vehicles.reload`) and "disconnect" (`vehicles.disconnect`).

    Inside your transaction the record is part of it: the command is sent once the transaction is committed,
    and never if it is rolled back. A command that could not be sent within a minute is not sent any more.
    What `send` raises without a record is raised here, and TooManyRequests or TooManyInFlight. What comes
    later is on the record, and receivers of `command_finished` are called.
    """
    parameters = command_specs.protected_parameters(parameters)
    access = _access.load(vehicle, command=action)
    if action in OPERATIONS:
        command_specs.check_operation(action, parameters)
    else:
        command_specs.check(vehicle, action, parameters)
        access.check_capability()
    if action != "disconnect":
        access.check_limits()
    _bounds.check(vehicle, action, actor)
    location = _records.location_json(parameters)
    columns = {"actor": actor, "reason": reason, "location": location}
    command = _records.create(vehicle, action, parameters, Status.QUEUED, **columns)

    _hand_over(command)
    return command


def work(vehicle_id: int | None = None) -> bool:
    """Execute the next queued command, of this vehicle or of any. Return whether there was one."""
    commands = _records.rows().select_related("vehicle", "actor")
    claimed = _records.claim(commands if vehicle_id is None else commands.filter(vehicle_id=vehicle_id))
    if claimed is None:
        return False
    command, lease = claimed
    with closing(lease):
        failure = _execute_claimed(command, lease)
    if failure is not None and not isinstance(failure, (SmartcarException, SmartcarAppError)):
        logger.error("command %s failed", command.pk, exc_info=failure)
    command_outcomes.announce(command)
    _begin_waiting(command.vehicle_id)
    return True


def expire_pending(vehicle_id: int | None = None) -> int:
    """Decide about commands of dead processes and those that waited too long; return how many, of all or one.

    The former become ``unknown``, the latter ``failed``. Whatever still waits is executed. Call it regularly.
    """
    number = command_outcomes.expire(vehicle_id)
    _begin_waiting(vehicle_id, is_new=bool(number))
    return number


def waiting(vehicle_id: int | None = None) -> int:
    """Return how many queued commands could be executed now, `MAX_BEGUN` at most."""
    return len(_waiting(vehicle_id))


def _waiting(vehicle_id: int | None) -> list[VehicleCommand]:
    commands = _records.claimable(_records.rows()).order_by("pk")
    if vehicle_id is not None:
        commands = commands.filter(vehicle_id=vehicle_id)
    return list(commands[:MAX_BEGUN])


def _begin_waiting(vehicle_id: int | None, *, is_new: bool = True) -> None:
    """Have executed what waits for this vehicle, or for any. If nothing is new, tasks are on their way."""
    if is_new or not _executors.has_tasks():
        for command in _waiting(vehicle_id):
            _hand_over(command)


def _hand_over(command: VehicleCommand) -> None:
    """Have a queued command executed, once the caller's transaction is committed."""
    begin = partial(_executors.begin, work, command)
    if _transactions.is_open(VehicleCommand):
        transaction.on_commit(begin, using=_records.rows().db)
    else:
        begin()


def _execute_claimed(command: VehicleCommand, lease: Lease) -> Exception | None:
    """Execute a claimed command or operation and record its outcome; return the exception, or None."""
    try:
        parameters = _records.parameters_of(command)
        access = _access.load(command.vehicle, command=command.action)
        if command.action not in OPERATIONS:
            access.check_limits()
            spec = command_specs.COMMANDS[command.action]
            return _execute(command, lease, spec, parameters, access, _transactions.release_connection)
        _records.check_not_too_late(command, lease)
        OPERATIONS[command.action](command)
    except Exception as error:
        _records.finish(command, Status.FAILED, error)
        return error
    _records.finish(command, Status.SUCCEEDED)
    return None


def _execute(
    command: VehicleCommand,
    lease: Lease,
    spec: CommandSpec,
    parameters: Mapping[str, Any],
    access: Access | None,
    before_sending: Callable[[type[Model]], None] | None = None,
) -> Exception | None:
    """Send the command and record its outcome; return the exception that it failed with, or None."""

    def send_to(car: Car) -> None:
        if before_sending is not None:
            before_sending(VehicleCommand)
        _send(car, command.action, parameters)

    is_sent = False
    try:
        session = _authenticated_calls.open_session(command.vehicle, access=access)
        _records.check_not_too_late(command, lease)
        is_sent = True
        session.call(send_to, spec.scope)
    except Exception as error:
        is_unknown = is_sent and client.may_have_been_executed(error)
        _records.finish(command, Status.UNKNOWN if is_unknown else Status.FAILED, error)
        return error
    _records.finish(command, Status.SUCCEEDED)
    return None


def _send(car: Car, action: str, parameters: Mapping[str, Any]) -> None:
    response = getattr(car, action)(**parameters)
    if response["status"] != "success":
        raise InvalidResponseException(
            "Smartcar's response to the command reports neither success nor failure"
        )
