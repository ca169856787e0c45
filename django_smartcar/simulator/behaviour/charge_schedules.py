"""v3's charge schedules: at this place, charge during these hours."""

from __future__ import annotations

import re
import uuid
from typing import Any

from .. import store
from ..access.connections import Connection
from ..errors.v2 import SmartcarError
from ..errors.v3 import malformed, not_found
from ..faults.injection import refuse_command
from ..store.models import Car
from ..vehicles.values import timestamp
from .commands_v2 import Command, execute
from .commands_v3 import coordinates

_WEEK = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_PARTS = {"daily": (), "weekly": ("days",), "workweek": ("weekdays", "weekends")}
#: Which makes can do which.
_CAPABLE = {"TESLA": set(_PARTS), "VOLVO": {"daily"}}


def create(known: Connection, kind: str, attributes: dict[str, Any]) -> dict[str, Any]:
    """Give the car a schedule; what is answered for it."""
    _check_scope(known)
    schedule = {"type": kind, "attributes": _read(kind, attributes)}
    schedule_id = str(uuid.uuid4())

    def act(car: Car, body: dict[str, Any]) -> None:
        refuse_command(car)
        if kind not in _CAPABLE.get(car.make, ()):
            raise SmartcarError("COMPATIBILITY", "VEHICLE_NOT_CAPABLE")
        car.charge_schedules[schedule_id] = schedule

    execute(known.car, Command("control_charge", act), {})
    return _execution("CREATE", kind, schedule_id)


def delete(known: Connection, schedule_id: str) -> dict[str, Any]:
    """Take a schedule away from the car."""
    _check_scope(known)
    schedule = known.car.charge_schedules.get(schedule_id)
    if schedule is None:
        raise not_found("charge schedule")

    def act(car: Car, body: dict[str, Any]) -> None:
        refuse_command(car)
        del car.charge_schedules[schedule_id]

    execute(known.car, Command("control_charge", act), {})
    return _execution("DELETE", schedule["type"], schedule_id)


def _check_scope(known: Connection) -> None:
    if "control_charge" not in known.permissions:
        raise SmartcarError("PERMISSION")


def _read(kind: str, attributes: dict[str, Any]) -> dict[str, Any]:
    if kind not in _PARTS:
        raise not_found("path")
    location = attributes.get("location")
    read: dict[str, Any] = {"location": coordinates(location if isinstance(location, dict) else {})}
    if kind == "daily":
        return read | _hours("attributes", attributes)
    if kind == "workweek":
        return read | {part: _hours(part, attributes.get(part)) for part in _PARTS[kind]}
    days = attributes.get("days")
    if not isinstance(days, dict) or not days or not set(days) <= set(_WEEK):
        raise malformed("days must be keyed by weekday")
    return read | {"days": {day: _hours(f"days.{day}", hours) for day, hours in days.items()}}


def _hours(name: str, value: object) -> dict[str, str]:
    hours = value if isinstance(value, dict) else {}
    found = {field: str(hours.get(field, "")) for field in ("startTime", "stopTime")}
    for field, text in found.items():
        if not re.fullmatch(r"([01][0-9]|2[0-3]):[0-5][0-9]", text):
            raise malformed(f"{name}.{field} must be a time such as 08:00")
    return found


def _execution(action: str, kind: str, schedule_id: str) -> dict[str, Any]:
    return {
        "id": f"exec_{uuid.uuid4().hex}",
        "type": "charge-schedule-execution",
        "attributes": {
            "action": action,
            "scheduleType": kind.upper(),
            "scheduleId": schedule_id,
            "status": {"value": "SUCCESS"},
        },
        "meta": {"executedAt": timestamp(store.now())},
    }
