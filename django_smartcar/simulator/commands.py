"""What a car does when it is told to: a table of paths, scopes and deeds."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from . import world
from .errors import SmartcarError, invalid
from .records import Car


class Command(NamedTuple):
    """A path below a vehicle that can be posted to."""

    scope: str
    act: Callable[[Car, dict[str, Any]], None]


def obey(car: Car, command: Command, body: dict[str, Any]) -> None:
    """Do as the command says, or raise why not."""
    with world.changes():
        world.counters["commands"] += 1
        command.act(car, body)
        car.recorded_at = world.now()
        world.touch()


def _lock(car: Car, body: dict[str, Any]) -> None:
    action = _action(body, "LOCK", "UNLOCK")
    _refuse_if_told(car)
    car.is_locked = action == "LOCK"


def _charge(car: Car, body: dict[str, Any]) -> None:
    action = _action(body, "START", "STOP")
    _need_battery(car)
    if action == "STOP":
        if car.charge_state != "CHARGING":
            raise SmartcarError("VEHICLE_STATE", car.charge_state)
        car.charge_state = "NOT_CHARGING"
        return
    if not car.is_plugged_in:
        raise SmartcarError("VEHICLE_STATE", "CHARGING_PLUG_NOT_CONNECTED")
    if car.charge_state == "CHARGING":
        raise SmartcarError("VEHICLE_STATE", "CHARGING_IN_PROGRESS")
    if car.charge_state == "FULLY_CHARGED":
        raise SmartcarError("VEHICLE_STATE", "FULLY_CHARGED")
    car.charge_state = "CHARGING"


def _charge_limit(car: Car, body: dict[str, Any]) -> None:
    limit = _number(body, "limit", 0.5, 1)
    _need_battery(car)
    car.charge_limit = limit


def _destination(car: Car, body: dict[str, Any]) -> None:
    destination = [_number(body, "latitude", -90, 90), _number(body, "longitude", -180, 180)]
    _refuse_if_told(car)
    car.destination = destination


def _amperage(car: Car, body: dict[str, Any]) -> None:
    amperage = _number(body, "amperage", 0, 80)
    _need_battery(car)
    car.charge_amperage = amperage


COMMANDS: dict[str, Command] = {
    "security": Command("control_security", _lock),
    "charge": Command("control_charge", _charge),
    "charge/limit": Command("control_charge", _charge_limit),
    "navigation/destination": Command("control_navigation", _destination),
}

#: By make, as make-specific paths are.
MAKE_COMMANDS: dict[str, dict[str, Command]] = {
    "tesla": {"charge/ammeter": Command("control_charge", _amperage)},
}


def _refuse_if_told(car: Car) -> None:
    if car.command_error:
        raise SmartcarError(*car.command_error.split(":"))


def _need_battery(car: Car) -> None:
    _refuse_if_told(car)
    if not car.is_electric:
        raise SmartcarError("COMPATIBILITY", "VEHICLE_NOT_CAPABLE")


def _action(body: dict[str, Any], *known: str) -> str:
    action = body.get("action")
    if action not in known:
        raise invalid("action", f"action must be one of: [{','.join(known)}]")
    return str(action)


def _number(body: dict[str, Any], field: str, least: float, most: float) -> float:
    value = body.get(field)
    # Node's SDK sends numbers as text.
    try:
        number = (
            float(value) if isinstance(value, (int, float, str)) and not isinstance(value, bool) else None
        )
    except ValueError:
        number = None
    if number is None or not least <= number <= most:
        raise invalid(field, f"{field} must be a number from {least} to {most}")
    return number
