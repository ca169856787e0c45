"""Send commands. Each is recorded before it is sent and is never retried automatically."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from functools import partial
from typing import Any, NamedTuple

from django.db import IntegrityError, OperationalError, router, transaction
from django.db.models import Case, F, Q, Value, When
from django.db.models.functions import Coalesce
from django.utils import timezone

from ... import databases, signals
from ...conf import conf
from ...databases import primary, to_database_time
from ...exceptions import (
    DuplicateCommand,
    InvalidResponseException,
    TransactionNotAllowed,
)
from ...models import ConnectedVehicle, VehicleCommand
from .. import _access, _authenticated_calls, _concurrency, _transactions, client
from .._access import Access
from ..client import Car
from ..outcomes import Outcome, Result
from . import registry
from .registry import CommandSpec

__all__ = ["ObservedValue", "expire_pending", "resolve", "resolve_many", "send", "send_many"]

logger = logging.getLogger(__name__)

Status = VehicleCommand.Status

#: Time for refreshing the token, on top of the command's timeout. A command pending for longer has lost its
#: process.
TOKEN_ALLOWANCE = timedelta(seconds=90)


def send(
    vehicle: ConnectedVehicle, action: str, *, actor: Any = None, reason: str = "", **parameters: Any
) -> VehicleCommand:
    """Send a command to the vehicle and return its record, ``succeeded``, once Smartcar confirms it.

    ``action`` is one of ``VehicleCommand.Action``, with the parameters of the SDK's method of that name:
    ``send(vehicle, "set_charge_limit", limit=0.8, actor=user)``.

    The record is committed before the API call, even inside your own transaction. An exception after that is
    recorded: as ``failed``, or as ``unknown`` if the vehicle may have executed the command without Smartcar's
    confirmation (see `resolve`). Raises these without a record: VehicleDisconnected, PermissionMissing,
    NotCapableException, RateLimited, CommandInvalid, DuplicateCommand and TransactionNotAllowed. Otherwise
    raises a SmartcarException, ReconnectRequired or RefreshInProgress.
    """
    parameters = registry.protected_parameters(parameters)
    access = _access.load(vehicle, command=action)
    spec = registry.check(vehicle, action, parameters)
    access.check_capability()
    access.check_limits()
    with _transactions.autonomous_connection(VehicleCommand) as is_in_transaction:
        try:
            command = _create_record(vehicle, action, parameters, actor, reason)
        except (IntegrityError, OperationalError) as error:
            if is_in_transaction:
                # The caller's transaction has locked the database, or not committed the vehicle or the actor.
                raise TransactionNotAllowed(vehicle) from error
            raise
        # The rows of a transaction may be old: MariaDB reads them as they were at its start.
        failure = _execute(command, spec, parameters, None if is_in_transaction else access)
    signals.command_finished.send_robust(VehicleCommand, command=command)
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
    parameters = registry.protected_parameters(parameters)

    def send_one(vehicle: ConnectedVehicle) -> VehicleCommand:
        return send(vehicle, action, actor=actor, reason=reason, **parameters)

    yield from _concurrency.each(send_one, vehicles, conf.SMARTCAR_COMMANDS_AT_ONCE, Outcome.DONE)


def expire_pending(vehicle_id: int | None = None) -> int:
    """Mark pending commands of dead processes as ``unknown``, of this vehicle or of all; return how many."""
    now = timezone.now()
    expired = primary(VehicleCommand).filter(_is_expired(now))
    if vehicle_id is not None:
        expired = expired.filter(vehicle_id=vehicle_id)
    return int(expired.update(status=Status.UNKNOWN, finished_at=now, in_flight_key=None))


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
        value for value in values if value.recorded_at is not None and registry.confirmed_by(value.signal)
    ]
    if not usable:
        return 0
    unresolved = primary(VehicleCommand).filter(
        Q(status=Status.UNKNOWN) | _is_expired(timezone.now()),
        vehicle_id__in={value.vehicle_id for value in usable},
        action__in={action for value in usable for action in registry.confirmed_by(value.signal)},
    )
    vehicle_ids = set(unresolved.values_list("vehicle_id", flat=True))
    return sum(_resolve(value) for value in usable if value.vehicle_id in vehicle_ids)


def _create_record(
    vehicle: ConnectedVehicle, action: str, parameters: Mapping[str, Any], actor: Any, reason: str
) -> VehicleCommand:
    """Insert a ``pending`` record. Raise DuplicateCommand if the same is in flight or in its cooldown.

    The database decides which of two processes is first: ``in_flight_key`` is unique.
    """
    key = registry.key(vehicle, action, parameters)
    alias = router.db_for_write(VehicleCommand)
    _release_keys(vehicle, action, key)
    try:
        with transaction.atomic(alias):
            return VehicleCommand.objects.create(
                vehicle=vehicle,
                action=action,
                parameters=registry.without_location(parameters),
                actor=actor,
                reason=reason,
                idempotency_key=key,
                in_flight_key=key,
            )
    except IntegrityError as error:
        holder = primary(VehicleCommand).filter(in_flight_key=key).first()
        if holder is None:
            raise
        raise DuplicateCommand(holder.pk) from error


def _release_keys(vehicle: ConnectedVehicle, action: str, key: str) -> None:
    """Release keys that are past their cooldown, reversed by this command, or held by a dead process.

    Lock, unlock, lock is not a duplicate. Pending commands of dead processes become ``unknown``.
    """
    now = timezone.now()
    has_cooled_down = Q(finished_at__lte=now - timedelta(seconds=conf.SMARTCAR_COMMAND_COOLDOWN))
    is_reversed = Q(finished_at__isnull=False, action__in=registry.related_actions(action))
    is_reversed &= ~Q(in_flight_key=key)
    held = primary(VehicleCommand).filter(vehicle=vehicle, in_flight_key__isnull=False)
    held.filter(has_cooled_down | is_reversed | _is_expired(now)).update(
        status=Case(When(status=Status.PENDING, then=Value(Status.UNKNOWN)), default=F("status")),
        finished_at=Coalesce("finished_at", Value(now)),
        in_flight_key=None,
    )


def _execute(
    command: VehicleCommand, spec: CommandSpec, parameters: Mapping[str, Any], access: Access | None
) -> Exception | None:
    """Send the command and record its outcome; return the exception that it failed with, or None."""
    is_sent = False
    try:
        session = _authenticated_calls.open_session(command.vehicle, access=access)
        is_sent = True
        session.call(lambda car: _send(car, command.action, parameters), spec.scope)
    except Exception as error:
        is_unknown = is_sent and client.may_have_been_executed(error)
        _finish(command, Status.UNKNOWN if is_unknown else Status.FAILED, error)
        return error
    _finish(command, Status.SUCCEEDED)
    return None


def _send(car: Car, action: str, parameters: Mapping[str, Any]) -> None:
    response = getattr(car, action)(**parameters)
    if response["status"] != "success":
        raise InvalidResponseException(
            "Smartcar's response to the command reports neither success nor failure"
        )


def _finish(command: VehicleCommand, status: VehicleCommand.Status, error: Exception | None = None) -> None:
    """Record the outcome. A failed command may be sent again at once."""
    columns: dict[str, Any] = {"status": status, "finished_at": timezone.now()}
    if error is not None:
        columns["error_type"] = str(getattr(error, "type", None) or type(error).__name__)[:100]
        columns["error_code"] = str(getattr(error, "code", None) or "")[:100]
        columns["request_id"] = str(getattr(error, "request_id", None) or "")[:100]
    if status == Status.FAILED:
        columns["in_flight_key"] = None
    for name, value in columns.items():
        setattr(command, name, value)
    # An UPDATE, as the row may have been deleted with its vehicle during the API call; and never over an
    # outcome that a reading has resolved in the meantime.
    rows = primary(VehicleCommand).filter(pk=command.pk, status__in=(Status.PENDING, Status.UNKNOWN))
    rows.update(**columns)
    logger.info("command %s (%s of vehicle %s): %s", command.pk, command.action, command.vehicle_id, status)


def _is_expired(now: datetime) -> Q:
    """Match pending commands whose process must have died."""
    timeout = timedelta(seconds=conf.SMARTCAR_COMMAND_TIMEOUT) + TOKEN_ALLOWANCE
    return Q(status=Status.PENDING, created_at__lte=now - timeout)


def _resolve(observed: ObservedValue) -> int:
    expire_pending(observed.vehicle_id)
    sent = primary(VehicleCommand).filter(
        vehicle_id=observed.vehicle_id,
        action__in=registry.confirmed_by(observed.signal),
        created_at__lte=observed.recorded_at,
    )
    # A reading says nothing about commands before the last one.
    last = sent.exclude(status=Status.FAILED).order_by("-created_at", "-pk").first()
    if last is None or last.status != Status.UNKNOWN:
        return 0
    is_done = registry.confirms_success(last.action, last.parameters, observed.value)
    times_out_at = last.created_at + timedelta(seconds=conf.SMARTCAR_COMMAND_TIMEOUT)
    if is_done is None or observed.recorded_at is None:
        return 0
    if not is_done and observed.recorded_at < times_out_at:
        return 0
    status = Status.SUCCEEDED if is_done else Status.FAILED
    resolved: int = (
        primary(VehicleCommand)
        .filter(pk=last.pk, status=Status.UNKNOWN)
        .update(status=status, resolved_at=timezone.now(), in_flight_key=None)
    )
    if resolved:
        databases.reload(last)
        logger.info("command %s: resolved as %s by a reading of %s", last.pk, status, observed.signal)
        # Webhook events are processed in a transaction, which may still be rolled back.
        send_signal = partial(signals.command_finished.send_robust, VehicleCommand, command=last)
        transaction.on_commit(send_signal, using=router.db_for_write(VehicleCommand))
    return resolved
