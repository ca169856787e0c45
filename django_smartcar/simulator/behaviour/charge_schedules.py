"""Charge schedules of API v3: at this location, charge during these hours."""

from __future__ import annotations

import re
import uuid
from typing import Any

from .. import store
from ..access.connections import Connection
from ..errors.v2 import SmartcarError
from ..errors.v3 import malformed, not_found
from ..faults.injection import raise_for_command
from ..store.models import Car
from ..vehicles.v2_readings import timestamp
from .commands_v2 import Command, execute
from .commands_v3 import parse_coordinates

_WEEK = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
#: The kinds of schedules, and the attributes that hold the hours of each (daily: its own).
_PARTS = {"daily": (), "weekly": ("days",), "workweek": ("weekdays", "weekends")}
#: The kinds of schedules that a make supports. Other makes support none.
_SUPPORTED = {"TESLA": set(_PARTS), "VOLVO": {"daily"}}


def create(connection: Connection, kind: str, attributes: dict[str, Any]) -> dict[str, Any]:
    """Add a schedule to the vehicle and return the response data."""
    _check_scope(connection)
    schedule = {"type": kind, "attributes": _parse(kind, attributes)}
    schedule_id = str(uuid.uuid4())

    def run(car: Car, body: dict[str, Any]) -> None:
        raise_for_command(car)
        if kind not in _SUPPORTED.get(car.make, ()):
            raise SmartcarError("COMPATIBILITY", "VEHICLE_NOT_CAPABLE")
        car.charge_schedules[schedule_id] = schedule

    execute(connection.car, Command("control_charge", run), {})
    return _execution("CREATE", kind, schedule_id)


def delete(connection: Connection, schedule_id: str) -> dict[str, Any]:
    """Delete a schedule of the vehicle and return the response data."""
    _check_scope(connection)
    schedule = connection.car.charge_schedules.get(schedule_id)
    if schedule is None:
        raise not_found("charge schedule")

    def run(car: Car, body: dict[str, Any]) -> None:
        raise_for_command(car)
        del car.charge_schedules[schedule_id]

    execute(connection.car, Command("control_charge", run), {})
    return _execution("DELETE", schedule["type"], schedule_id)


def _check_scope(connection: Connection) -> None:
    if "control_charge" not in connection.permissions:
        raise SmartcarError("PERMISSION")


def _parse(kind: str, attributes: dict[str, Any]) -> dict[str, Any]:
    if kind not in _PARTS:
        raise not_found("path")
    location = attributes.get("location")
    schedule: dict[str, Any] = {"location": parse_coordinates(location if isinstance(location, dict) else {})}
    if kind == "daily":
        return schedule | _parse_hours("attributes", attributes)
    if kind == "workweek":
        return schedule | {part: _parse_hours(part, attributes.get(part)) for part in _PARTS[kind]}
    days = attributes.get("days")
    if not isinstance(days, dict) or not days or not set(days) <= set(_WEEK):
        raise malformed("days must be keyed by weekday")
    return schedule | {"days": {day: _parse_hours(f"days.{day}", hours) for day, hours in days.items()}}


def _parse_hours(name: str, value: object) -> dict[str, str]:
    hours = value if isinstance(value, dict) else {}
    times = {field: str(hours.get(field, "")) for field in ("startTime", "stopTime")}
    for field, text in times.items():
        if not re.fullmatch(r"([01][0-9]|2[0-3]):[0-5][0-9]", text):
            raise malformed(f"{name}.{field} must be a time such as 08:00")
    return times


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
