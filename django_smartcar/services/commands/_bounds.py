"""Bounds of what is queued: for a car, whoever asks, and for a driver. Counted in the database."""

from __future__ import annotations

import math
from datetime import timedelta
from typing import Any

from django.db.models import QuerySet
from django.utils import timezone

from ...conf import conf
from ...exceptions import TooManyInFlight, TooManyRequests
from ...models import ConnectedVehicle, VehicleCommand
from .. import command_specs
from . import _records

MINUTE = timedelta(minutes=1)


def check(vehicle: ConnectedVehicle, action: str, actor: Any) -> None:
    """Raise TooManyRequests or TooManyInFlight if nothing more may be queued.

    A disconnect may be, whatever else is or was queued, for the car or the driver.
    """
    if action == "disconnect":
        _check_rate(_records.rows().filter(vehicle=vehicle, action="disconnect"))
        return
    _check_vehicle(vehicle, action)
    if actor is not None:
        _check_driver(actor)


def _check_vehicle(vehicle: ConnectedVehicle, action: str) -> None:
    """Count the commands, or the refreshes, to the car within a minute, of all who have connected it."""
    is_operation = action in command_specs.OPERATIONS
    kinds = command_specs.OPERATIONS if is_operation else tuple(command_specs.COMMANDS)
    of_car = _records.rows().filter(vehicle__smartcar_vehicle_id=vehicle.smartcar_vehicle_id)
    _check_rate(of_car.filter(action__in=kinds))


def _check_rate(commands: QuerySet[VehicleCommand]) -> None:
    now = timezone.now()
    recent = commands.filter(created_at__gt=now - MINUTE).order_by("created_at")
    times = list(recent.values_list("created_at", flat=True))
    if len(times) >= conf.SMARTCAR_COMMANDS_PER_CAR:
        wait = ((times[0] if times else now) + MINUTE - now).total_seconds()
        raise TooManyRequests("commands to a car", max(1, math.ceil(wait)))


def _check_driver(actor: Any) -> None:
    """Count what the actor has in flight to own cars; operators command other people's."""
    own = _records.rows().filter(
        slot__isnull=False, actor_id=actor.pk, vehicle__account__smartcar_user__user_id=actor.pk
    )
    if (number := own.count()) >= conf.SMARTCAR_COMMANDS_IN_FLIGHT:
        raise TooManyInFlight(number)
