"""What a car can be told: a record first, then the wire. Nothing is ever sent a second time by ourselves."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import timedelta
from typing import Any

from django.db import IntegrityError, OperationalError
from django.utils import timezone
from django.views.decorators.debug import sensitive_variables

from ... import signals
from ...conf import conf
from ...exceptions import (
    InvalidResponseException,
    NotCapableException,
    TransactionNotAllowed,
    VehicleDisconnected,
)
from ...models import ConnectedVehicle, VehicleCommand
from .. import _concurrency, _rate_limits, _session, _transactions, client
from ..client import Car
from . import _log, registry
from ._log import ObservedValue, expire_pending, resolve, resolve_many
from .registry import CommandSpec

__all__ = ["ObservedValue", "expire_pending", "send", "send_many", "resolve", "resolve_many"]

#: What a car cannot do is not asked of it again for this long.
INCAPABLE_TTL = timedelta(days=1)
INCAPABLE = ("VEHICLE_NOT_CAPABLE", "MAKE_NOT_COMPATIBLE")


@sensitive_variables()
def send(
    vehicle: ConnectedVehicle, action: str, *, actor: Any = None, reason: str = "", **parameters: Any
) -> VehicleCommand:
    """Tell the car something; returns the record, ``succeeded``, once Smartcar says so.

    ``action`` is one of ``VehicleCommand.Action``, with the parameters of the SDK's method of that name:
    ``send(vehicle, "set_charge_limit", limit=0.8, actor=user)``.

    The record is committed before Smartcar is asked, past a transaction of yours. What is raised then has
    been recorded: as ``failed``, or as ``unknown`` when the car may have obeyed although Smartcar did not say
    so (`resolve`). Refused without a record: VehicleDisconnected, PermissionMissing, NotCapableException,
    RateLimited, CommandInvalid, DuplicateCommand and TransactionNotAllowed. Raises a SmartcarException,
    ReconnectRequired or RefreshInProgress else.
    """
    if not vehicle.is_connected:
        raise VehicleDisconnected(vehicle)
    order = registry.check(vehicle, action, parameters)
    _check_capability(vehicle, action)
    _rate_limits.check(vehicle)
    with _transactions.autonomous_connection(VehicleCommand) as is_past_a_transaction:
        try:
            command = _log.begin(vehicle, action, parameters, actor, reason)
        except (IntegrityError, OperationalError) as error:
            if is_past_a_transaction:
                # The transaction holds the database, or has not committed the car or the actor yet.
                raise TransactionNotAllowed(vehicle) from error
            raise
        failure = _execute(command, order, parameters)
    signals.command_finished.send_robust(VehicleCommand, command=command)
    if is_past_a_transaction and isinstance(failure, OperationalError):
        raise TransactionNotAllowed(vehicle) from failure  # it holds the account, whose token is due
    if failure is not None:
        raise failure
    return command


@sensitive_variables()
def send_many(
    vehicles: Iterable[ConnectedVehicle],
    action: str,
    *,
    actor: Any = None,
    reason: str = "",
    **parameters: Any,
) -> Iterator[tuple[ConnectedVehicle, Exception | None]]:
    """Tell many cars the same, some at a time; each comes with what it failed with, or None."""

    @sensitive_variables()
    def tell(vehicle: ConnectedVehicle) -> VehicleCommand:
        return send(vehicle, action, actor=actor, reason=reason, **parameters)

    yield from _concurrency.each(tell, vehicles, conf.SMARTCAR_COMMANDS_AT_ONCE)


@sensitive_variables()
def _execute(command: VehicleCommand, order: CommandSpec, parameters: Mapping[str, Any]) -> Exception | None:
    """Tell the car, and write what came of it: what it failed with is returned."""
    on_the_way = False
    try:
        reached = _session.reach(command.vehicle)
        on_the_way = True
        reached.tell(lambda car: _send(car, command.action, parameters), order.scope)
    except Exception as error:
        unknown = on_the_way and client.may_have_been_executed(error)
        _log.finish(
            command, VehicleCommand.Status.UNKNOWN if unknown else VehicleCommand.Status.FAILED, error
        )
        return error
    _log.finish(command, VehicleCommand.Status.SUCCEEDED)
    return None


@sensitive_variables()
def _send(car: Car, action: str, parameters: Mapping[str, Any]) -> None:
    answer = getattr(car, action)(**parameters)
    if answer["status"] != "success":
        raise InvalidResponseException("Smartcar's answer to the command says neither success nor failure")


def _check_capability(vehicle: ConnectedVehicle, action: str) -> None:
    since = timezone.now() - INCAPABLE_TTL
    refused = VehicleCommand.objects.filter(vehicle=vehicle, action=action, created_at__gt=since)
    if refused.filter(error_type="COMPATIBILITY", error_code__in=INCAPABLE).exists():
        raise NotCapableException(
            "Smartcar has said so lately", type="COMPATIBILITY", code="VEHICLE_NOT_CAPABLE"
        )
