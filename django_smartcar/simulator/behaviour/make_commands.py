"""Make-specific commands of API v2, such as ``/vehicles/{id}/tesla/climate/cabin``."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from .. import store
from ..errors.v2 import invalid
from ..faults.injection import raise_for_command
from ..store.models import Car
from ..vehicles import climate
from ..vehicles.make_settings import setting
from .commands_v2 import COMMANDS, Command, parse_action, parse_number, require_battery

_DAYS = ("MONDAY", "TUESDAY", "WEDNESDAY", "THURSDAY", "FRIDAY", "SATURDAY", "SUNDAY")
_TIME = "([01][0-9]|2[0-3]):[0-5][0-9]"


def _set_and_show(path: str, parse: Callable[[dict[str, Any]], dict[str, Any]]) -> Command:
    """Return a command that changes the setting at this path and answers with the new value."""

    def run(car: Car, body: dict[str, Any]) -> None:
        changes = parse(body)
        require_battery(car)
        if path.startswith("climate/"):
            climate.mark(car, store.now())
        car.make_settings[path] = setting(car, path) | changes

    scope = "control_climate" if path.startswith("climate/") else "control_charge"
    return Command(scope, run, lambda car: setting(car, path))


def _on_off(*names: str) -> Callable[[dict[str, Any]], dict[str, Any]]:
    def parse(body: dict[str, Any]) -> dict[str, Any]:
        return dict.fromkeys(names, "ON" if parse_action(body, "START", "STOP") == "START" else "OFF")

    return parse


def _cabin(body: dict[str, Any]) -> dict[str, Any]:
    action = parse_action(body, "SET", "START", "STOP")
    changes: dict[str, Any] = {} if action == "SET" else {"status": "ON" if action == "START" else "OFF"}
    if action == "SET" or "temperature" in body:
        changes["temperature"] = parse_number(body, "temperature", 15, 28)
    return changes


def _tesla_schedule(body: dict[str, Any]) -> dict[str, Any]:
    kinds = {"START_TIME": "startTime", "DEPARTURE_TIME": "departureTime"}
    kind = kinds.get(str(body.get("type")))
    if kind is None:
        raise invalid("type", f"type must be one of: [{','.join(kinds)}]")
    # Smartcar's documentation has "enabled" in its table and "enable" in its example.
    is_enabled = body.get("enabled", body.get("enable"))
    if not isinstance(is_enabled, bool):
        raise invalid("enabled", "enabled must be a boolean")
    if not re.fullmatch(_TIME, str(body.get("time"))):
        raise invalid("time", "time must be HH:mm")
    changes = {kind: {"enabled": is_enabled, "time": body["time"]}}
    # Only one of the two schedules can be on.
    other = next(name for name in kinds.values() if name != kind)
    return changes | ({other: {"enabled": False, "time": None}} if is_enabled else {})


def _nissan_schedule(car: Car, body: dict[str, Any]) -> None:
    schedules = body.get("chargeSchedules")
    if not isinstance(schedules, list) or len(schedules) > 3 or not all(map(_is_schedule, schedules)):
        raise invalid("chargeSchedules", "chargeSchedules must be up to three of start, end and days")
    require_battery(car)
    car.make_settings["charge/schedule"] = {"chargeSchedules": schedules}


def _is_schedule(schedule: Any) -> bool:
    if not isinstance(schedule, dict) or not isinstance(schedule.get("days"), list):
        return False
    are_times = all(re.fullmatch(_TIME, str(schedule.get(name))) for name in ("start", "end"))
    return are_times and all(day in _DAYS for day in schedule["days"])


def _charge_port(car: Car, body: dict[str, Any]) -> None:
    action = parse_action(body, "OPEN", "CLOSE")
    require_battery(car)
    car.is_charge_port_open = action == "OPEN"


def _open_close(path: str) -> Command:
    def run(car: Car, body: dict[str, Any]) -> None:
        action = parse_action(body, "OPEN", "CLOSE")
        raise_for_command(car)
        car.make_settings[path] = {"status": "OPEN" if action == "OPEN" else "CLOSED"}

    return Command("control_trunk", run)


def _pin(car: Car, body: dict[str, Any]) -> None:
    if parse_action(body, "SET", "CLEAR") == "SET" and not re.fullmatch(r"[0-9]{4}", str(body.get("pin"))):
        raise invalid("pin", "pin must be four digits")
    raise_for_command(car)  # not stored: no response ever contains a PIN


def _ammeter(car: Car, body: dict[str, Any]) -> None:
    amperage = parse_number(body, "amperage", 0, 80)
    require_battery(car)
    car.charge_amperage = amperage


#: Commands by path, for each make in lower case as in the path.
MAKE_COMMANDS: dict[str, dict[str, Command]] = {
    "tesla": {
        "charge/ammeter": Command("control_charge", _ammeter),
        "charge/charge_port_door": Command("control_charge", _charge_port),
        "charge/schedule": _set_and_show("charge/schedule", _tesla_schedule),
        "climate/cabin": _set_and_show("climate/cabin", _cabin),
        "climate/defroster": _set_and_show("climate/defroster", _on_off("frontStatus", "rearStatus")),
        "climate/steering_wheel": _set_and_show("climate/steering_wheel", _on_off("status")),
        "security": COMMANDS["security"],
        "security/frunk": _open_close("security/frunk"),
        "security/trunk": _open_close("security/trunk"),
        "security/pin": Command("control_pin", _pin),
    },
    "nissan": {"charge/schedule": Command("control_charge", _nissan_schedule)},
}
