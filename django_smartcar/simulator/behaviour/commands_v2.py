"""Commands of API v2: which path needs which scope and how it changes the vehicle."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from .. import store
from ..errors.v2 import SmartcarError, invalid
from ..faults.injection import raise_for_command
from ..store.models import Car
from ..vehicles import charging, states
from ..webhooks import notify
from . import motion


class Command(NamedTuple):
    """A command: a path below a vehicle that accepts POST requests."""

    scope: str
    run: Callable[[Car, dict[str, Any]], None]
    #: Builds the response body. None: the standard success body.
    response_body: Callable[[Car], dict[str, Any]] | None = None


def execute(car: Car, command: Command, body: dict[str, Any]) -> None:
    """Run the command on the vehicle. Raise a `SmartcarError` if the vehicle rejects it."""
    with notify.changing(car):
        store.counters["commands"] += 1
        command.run(car, body)
        motion.report(car)


def _lock(car: Car, body: dict[str, Any]) -> None:
    action = parse_action(body, "LOCK", "UNLOCK")
    raise_for_command(car)
    if car.state == "driving":
        raise SmartcarError("VEHICLE_STATE", "IN_MOTION")
    car.is_locked = action == "LOCK"


def _charge(car: Car, body: dict[str, Any]) -> None:
    action = parse_action(body, "START", "STOP")
    require_battery(car)
    if not car.is_plugged_in:
        raise SmartcarError("VEHICLE_STATE", "CHARGING_PLUG_NOT_CONNECTED")
    if action == "STOP":
        if car.charge_state != "CHARGING":
            raise SmartcarError("VEHICLE_STATE", car.charge_state)
        if states.is_simulated(car):
            # As Smartcar's documentation says: a recorded charge cannot be stopped.
            raise SmartcarError("VEHICLE_STATE", "UNKNOWN")
        charging.stop(car, store.now())
        return
    if car.charge_state == "CHARGING":
        raise SmartcarError("VEHICLE_STATE", "CHARGING_IN_PROGRESS")
    if car.charge_state == "FULLY_CHARGED":
        raise SmartcarError("VEHICLE_STATE", "FULLY_CHARGED")
    charging.start(car, store.now(), is_fast=car.is_fast_charger)


def _charge_limit(car: Car, body: dict[str, Any]) -> None:
    limit = parse_number(body, "limit", 0.5, 1)
    require_battery(car)
    car.charge_limit = limit


def _destination(car: Car, body: dict[str, Any]) -> None:
    destination = [parse_number(body, "latitude", -90, 90), parse_number(body, "longitude", -180, 180)]
    raise_for_command(car)
    car.destination = destination


COMMANDS: dict[str, Command] = {
    "security": Command("control_security", _lock),
    "charge": Command("control_charge", _charge),
    "charge/limit": Command("control_charge", _charge_limit),
    "navigation/destination": Command("control_navigation", _destination),
}


def require_battery(car: Car) -> None:
    """Raise a `SmartcarError` if the vehicle rejects commands or has no battery to charge."""
    raise_for_command(car)
    if not car.is_electric:
        raise SmartcarError("COMPATIBILITY", "VEHICLE_NOT_CAPABLE")


def parse_action(body: dict[str, Any], *allowed: str) -> str:
    """Return the body's ``action``, which must be one of those allowed."""
    action = body.get("action")
    if action not in allowed:
        raise invalid("action", f"action must be one of: [{','.join(allowed)}]")
    return str(action)


def parse_number(body: dict[str, Any], field: str, minimum: float, maximum: float) -> float:
    """Return a field of the body as a number from ``minimum`` to ``maximum``."""
    value = body.get(field)
    # Smartcar's SDK for Node sends numbers as strings.
    try:
        number = (
            float(value) if isinstance(value, (int, float, str)) and not isinstance(value, bool) else None
        )
    except (OverflowError, ValueError):
        number = None
    if number is None or not minimum <= number <= maximum:
        raise invalid(field, f"{field} must be a number from {minimum} to {maximum}")
    return number
