"""What a car of one make does when it is told to, in ways that only its make has."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from ..errors.v2 import invalid
from ..faults.injection import refuse_command
from ..store.models import Car
from ..vehicles.make_values import setting
from .commands_v2 import COMMANDS, Command, action, need_battery, number

_DAYS = ("MONDAY", "TUESDAY", "WEDNESDAY", "THURSDAY", "FRIDAY", "SATURDAY", "SUNDAY")
_TIME = "([01][0-9]|2[0-3]):[0-5][0-9]"


def _keep(path: str, change: Callable[[dict[str, Any]], dict[str, Any]]) -> Command:
    """A command that sets what the path shows, and answers with it."""

    def act(car: Car, body: dict[str, Any]) -> None:
        changed = change(body)
        need_battery(car)
        car.make_settings[path] = setting(car, path) | changed

    scope = "control_climate" if path.startswith("climate/") else "control_charge"
    return Command(scope, act, lambda car: setting(car, path))


def _switched(*names: str) -> Callable[[dict[str, Any]], dict[str, Any]]:
    def change(body: dict[str, Any]) -> dict[str, Any]:
        return dict.fromkeys(names, "ON" if action(body, "START", "STOP") == "START" else "OFF")

    return change


def _cabin(body: dict[str, Any]) -> dict[str, Any]:
    wanted = action(body, "SET", "START", "STOP")
    changed: dict[str, Any] = {} if wanted == "SET" else {"status": "ON" if wanted == "START" else "OFF"}
    if wanted == "SET" or "temperature" in body:
        changed["temperature"] = number(body, "temperature", 15, 28)
    return changed


def _tesla_schedule(body: dict[str, Any]) -> dict[str, Any]:
    kinds = {"START_TIME": "startTime", "DEPARTURE_TIME": "departureTime"}
    kind = kinds.get(str(body.get("type")))
    if kind is None:
        raise invalid("type", f"type must be one of: [{','.join(kinds)}]")
    # Smartcar's table says "enabled", its example "enable".
    is_enabled = body.get("enabled", body.get("enable"))
    if not isinstance(is_enabled, bool):
        raise invalid("enabled", "enabled must be a boolean")
    if not re.fullmatch(_TIME, str(body.get("time"))):
        raise invalid("time", "time must be HH:mm")
    changed = {kind: {"enabled": is_enabled, "time": body["time"]}}
    # Only one of the two can be on.
    other = next(name for name in kinds.values() if name != kind)
    return changed | ({other: {"enabled": False, "time": None}} if is_enabled else {})


def _nissan_schedule(car: Car, body: dict[str, Any]) -> None:
    schedules = body.get("chargeSchedules")
    if not isinstance(schedules, list) or len(schedules) > 3 or not all(map(_is_schedule, schedules)):
        raise invalid("chargeSchedules", "chargeSchedules must be up to three of start, end and days")
    need_battery(car)
    car.make_settings["charge/schedule"] = {"chargeSchedules": schedules}


def _is_schedule(schedule: Any) -> bool:
    if not isinstance(schedule, dict) or not isinstance(schedule.get("days"), list):
        return False
    are_times = all(re.fullmatch(_TIME, str(schedule.get(name))) for name in ("start", "end"))
    return are_times and all(day in _DAYS for day in schedule["days"])


def _port(car: Car, body: dict[str, Any]) -> None:
    wanted = action(body, "OPEN", "CLOSE")
    need_battery(car)
    car.is_charge_port_open = wanted == "OPEN"


def _lid(path: str) -> Command:
    def act(car: Car, body: dict[str, Any]) -> None:
        wanted = action(body, "OPEN", "CLOSE")
        refuse_command(car)
        car.make_settings[path] = {"status": "OPEN" if wanted == "OPEN" else "CLOSED"}

    return Command("control_trunk", act)


def _pin(car: Car, body: dict[str, Any]) -> None:
    if action(body, "SET", "CLEAR") == "SET" and not re.fullmatch(r"[0-9]{4}", str(body.get("pin"))):
        raise invalid("pin", "pin must be four digits")
    refuse_command(car)  # and nothing is kept: no answer ever shows a PIN


def _ammeter(car: Car, body: dict[str, Any]) -> None:
    amperage = number(body, "amperage", 0, 80)
    need_battery(car)
    car.charge_amperage = amperage


#: By make, in lower case as in the path.
MAKE_COMMANDS: dict[str, dict[str, Command]] = {
    "tesla": {
        "charge/ammeter": Command("control_charge", _ammeter),
        "charge/charge_port_door": Command("control_charge", _port),
        "charge/schedule": _keep("charge/schedule", _tesla_schedule),
        "climate/cabin": _keep("climate/cabin", _cabin),
        "climate/defroster": _keep("climate/defroster", _switched("frontStatus", "rearStatus")),
        "climate/steering_wheel": _keep("climate/steering_wheel", _switched("status")),
        "security": COMMANDS["security"],
        "security/frunk": _lid("security/frunk"),
        "security/trunk": _lid("security/trunk"),
        "security/pin": Command("control_pin", _pin),
    },
    "nissan": {"charge/schedule": Command("control_charge", _nissan_schedule)},
}
