"""What a car does when it is told to: a table of paths, scopes and deeds."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from .. import store
from ..errors.v2 import SmartcarError, invalid
from ..faults.injection import refuse_command
from ..store.models import Car
from ..vehicles import states
from ..webhooks import notify


class Command(NamedTuple):
    """A path below a vehicle that can be posted to."""

    scope: str
    act: Callable[[Car, dict[str, Any]], None]
    #: What is answered afterwards; without it, that the request was sent.
    answer: Callable[[Car], dict[str, Any]] | None = None


def execute(car: Car, command: Command, body: dict[str, Any]) -> None:
    """Do as the command says, or raise why not."""
    with notify.changing(car):
        store.counters["commands"] += 1
        command.act(car, body)
        car.recorded_at = car.evolved_at = store.now()


def _lock(car: Car, body: dict[str, Any]) -> None:
    wanted = action(body, "LOCK", "UNLOCK")
    refuse_command(car)
    if car.state == "driving":
        raise SmartcarError("VEHICLE_STATE", "IN_MOTION")
    car.is_locked = wanted == "LOCK"


def _charge(car: Car, body: dict[str, Any]) -> None:
    wanted = action(body, "START", "STOP")
    need_battery(car)
    if not car.is_plugged_in:
        raise SmartcarError("VEHICLE_STATE", "CHARGING_PLUG_NOT_CONNECTED")
    if wanted == "STOP":
        if car.charge_state != "CHARGING":
            raise SmartcarError("VEHICLE_STATE", car.charge_state)
        if states.is_simulated(car):
            # So Smartcar's documents have it: a recorded charge cannot be cut short.
            raise SmartcarError("VEHICLE_STATE", "UNKNOWN")
        car.charge_state = "NOT_CHARGING"
        return
    if car.charge_state == "CHARGING":
        raise SmartcarError("VEHICLE_STATE", "CHARGING_IN_PROGRESS")
    if car.charge_state == "FULLY_CHARGED":
        raise SmartcarError("VEHICLE_STATE", "FULLY_CHARGED")
    car.charge_state = "CHARGING"


def _charge_limit(car: Car, body: dict[str, Any]) -> None:
    limit = number(body, "limit", 0.5, 1)
    need_battery(car)
    car.charge_limit = limit


def _destination(car: Car, body: dict[str, Any]) -> None:
    destination = [number(body, "latitude", -90, 90), number(body, "longitude", -180, 180)]
    refuse_command(car)
    car.destination = destination


COMMANDS: dict[str, Command] = {
    "security": Command("control_security", _lock),
    "charge": Command("control_charge", _charge),
    "charge/limit": Command("control_charge", _charge_limit),
    "navigation/destination": Command("control_navigation", _destination),
}


def need_battery(car: Car) -> None:
    """Refuse what is about charging, where nothing can be charged."""
    refuse_command(car)
    if not car.is_electric:
        raise SmartcarError("COMPATIBILITY", "VEHICLE_NOT_CAPABLE")


def action(body: dict[str, Any], *known: str) -> str:
    """What is to be done: one of these."""
    wanted = body.get("action")
    if wanted not in known:
        raise invalid("action", f"action must be one of: [{','.join(known)}]")
    return str(wanted)


def number(body: dict[str, Any], field: str, least: float, most: float) -> float:
    """A number between these."""
    value = body.get(field)
    # Node's SDK sends numbers as text.
    try:
        found = float(value) if isinstance(value, (int, float, str)) and not isinstance(value, bool) else None
    except (OverflowError, ValueError):
        found = None
    if found is None or not least <= found <= most:
        raise invalid(field, f"{field} must be a number from {least} to {most}")
    return found
