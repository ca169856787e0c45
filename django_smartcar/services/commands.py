"""Lock, unlock: a record first, then the wire. No command is ever sent a second time by ourselves."""

from __future__ import annotations

import logging
from functools import partial
from typing import Any

from django.utils import timezone
from django.views.decorators.debug import sensitive_variables

from .. import signals
from ..exceptions import InvalidAnswerException, VehicleDisconnected
from ..models import ConnectedVehicle, VehicleCommand
from . import cars, client
from .client import Car

logger = logging.getLogger(__name__)


@sensitive_variables()
def send(vehicle: ConnectedVehicle, action: str, *, actor: Any = None) -> VehicleCommand:
    """Tell the car to ``"lock"`` or ``"unlock"``; returns the record, ``succeeded``, once Smartcar says so.

    The record is written before Smartcar is asked. What is raised has been recorded: as ``failed``, or as
    ``unknown`` when the car may have obeyed although Smartcar did not say so.
    Raises VehicleDisconnected, ReconnectRequired, RefreshInProgress or a SmartcarException; ValueError for
    an action that does not exist.
    """
    if action not in VehicleCommand.Action.values:
        raise ValueError(f"{action!r} is not one of {', '.join(VehicleCommand.Action.values)}")
    if not vehicle.is_connected:
        raise VehicleDisconnected(vehicle)
    command = VehicleCommand.objects.create(vehicle=vehicle, action=action, actor=actor)
    on_the_way = False
    try:
        reached = cars.reach(vehicle)
        on_the_way = True
        reached.tell(partial(_say, action=action), "control_security")
    except Exception as error:
        unknown = on_the_way and client.may_have_arrived(error)
        _finish(command, VehicleCommand.Status.UNKNOWN if unknown else VehicleCommand.Status.FAILED, error)
        raise
    _finish(command, VehicleCommand.Status.SUCCEEDED)
    return command


@sensitive_variables()
def _say(car: Car, action: str) -> None:
    answer = car.lock() if action == VehicleCommand.Action.LOCK else car.unlock()
    if answer["status"] != "success":
        raise InvalidAnswerException("Smartcar's answer to the command says neither success nor failure")


def _finish(command: VehicleCommand, status: VehicleCommand.Status, error: Exception | None = None) -> None:
    command.status = status
    command.finished_at = timezone.now()
    if error is not None:
        command.error_type = str(getattr(error, "type", None) or type(error).__name__)[:100]
        command.error_code = str(getattr(error, "code", None) or "")[:100]
        command.request_id = str(getattr(error, "request_id", None) or "")[:100]
    # An update, since the row may have gone with its car while Smartcar was asked.
    VehicleCommand.objects.filter(pk=command.pk).update(
        status=command.status,
        finished_at=command.finished_at,
        error_type=command.error_type,
        error_code=command.error_code,
        request_id=command.request_id,
    )
    logger.info("command %s (%s of vehicle %s): %s", command.pk, command.action, command.vehicle_id, status)
    signals.command_finished.send_robust(VehicleCommand, command=command)
