"""Bodies of the signals of API v3, computed from the vehicle. Percentages are 0 to 100."""

from __future__ import annotations

from typing import Any

from ..store.models import Car
from ..vehicles.v2_readings import READINGS, Units, require_capability, timestamp

Body = dict[str, Any]

_CORNERS = [(row, column) for row in range(2) for column in range(2)]


def measured(unit: str, value: float) -> Body:
    """Return a number with its unit."""
    return {"unit": unit, "value": value}


def percent(fraction: float) -> Body:
    """Return a fraction of 1 as a percentage."""
    return measured("percent", _percentage(fraction))


def distance(kilometres: float, units: Units) -> Body:
    """Return a distance in kilometres or miles."""
    unit = "kilometers" if units.system == "metric" else "miles"
    return measured(unit, units.distance(kilometres))


def require_plug(car: Car) -> None:
    """Raise VEHICLE_NOT_CAPABLE if the vehicle has no plug."""
    require_capability(car.is_electric)


def require_tank(car: Car) -> None:
    """Raise VEHICLE_NOT_CAPABLE if the vehicle has no fuel tank."""
    require_capability(car.has_engine)


def system_status(car: Car, units: Units) -> Body:
    return {"status": "OK", "description": None}


def location(car: Car, units: Units) -> Body:
    return {
        "latitude": car.latitude,
        "longitude": car.longitude,
        "heading": 185.0,
        "direction": "S",
        "locationType": "CURRENT" if car.state == "driving" else "LAST_PARKED",
    }


def charge_limits(car: Car, units: Units) -> Body:
    require_plug(car)
    limit = _percentage(car.charge_limit)
    return {
        "values": [{"type": "GLOBAL", "limit": limit, "condition": None}],
        # No limit is active while the vehicle is not plugged in.
        "activeLimit": limit if car.is_plugged_in else None,
        "unit": "percent",
    }


def charge_timers(car: Car, units: Units) -> Body:
    require_plug(car)
    return {
        "values": [
            {
                "type": "LOCATION",
                "condition": schedule["attributes"]["location"],
                "schedules": _timer_hours(schedule),
                "scheduleType": schedule["type"],
                "scheduleId": schedule_id,
            }
            for schedule_id, schedule in car.charge_schedules.items()
        ]
    }


def battery_range(car: Car, units: Units) -> Body:
    require_plug(car)
    body = distance(car.battery_range_km, units)
    return body | {"additionalValues": [{"type": "ESTIMATED", "value": body["value"]}]}


def nominal_capacity(car: Car, units: Units) -> Body:
    require_plug(car)
    capacity = car.battery_capacity_kwh
    return {
        "source": "SMARTCAR",
        "capacity": capacity,
        "availableCapacities": [{"capacity": capacity, "description": None}],
        "unit": "kWhr",
    }


def fuel_amount(car: Car, units: Units) -> Body:
    require_tank(car)
    unit = "liters" if units.system == "metric" else "gallons"
    return measured(unit, units.volume(car.tank_litres * car.fuel_percent))


def tires(car: Car, units: Units) -> Body:
    body = _grid({"tirePressure": units.pressure(pressure)} for pressure in car.tires_kpa)
    return body | {"unit": "kilopascals" if units.system == "metric" else "psi"}


def doors(car: Car, units: Units) -> Body:
    return _grid({"isOpen": False, "isLocked": car.is_locked} for _ in _CORNERS)


def windows(car: Car, units: Units) -> Body:
    return _grid({"isOpen": False} for _ in _CORNERS)


def trunk(car: Car, units: Units) -> Body:
    return {"isOpen": False, "isLocked": car.is_locked}


def trouble_codes(car: Car, units: Units) -> Body:
    codes = ["P0420"] if car.has_engine else []
    return {"values": [{"code": code, "timestamp": timestamp(car.recorded_at)} for code in codes]}


def service_records(car: Car, units: Units) -> Body:
    visits: Any = READINGS["service/history"].body(car, units, {})
    return {
        "values": [
            {
                "id": str(visit["serviceId"]),
                "cost": {"amount": None, "currency": None},
                "time": visit["serviceDate"],
                "tasks": [
                    {"id": task["taskId"], "description": task["taskDescription"]}
                    for task in visit["serviceTasks"]
                ],
                "details": [
                    {"id": str(number), "description": f"{detail['type']}: {detail['value']}"}
                    for number, detail in enumerate(visit["serviceDetails"], 1)
                ],
                "odometer": visit["odometerDistance"],
            }
            for visit in visits
        ]
    }


def _percentage(fraction: float) -> float:
    number = round(fraction * 100, 2)
    return int(number) if number.is_integer() else number


def _grid(cells: Any) -> Body:
    """Return four cells by position: rows from front to back, columns from left to right, counted from 0."""
    values = [
        {"row": row, "column": column, **cell} for (row, column), cell in zip(_CORNERS, cells, strict=True)
    ]
    return {"values": values, "rowCount": 2, "columnCount": 2}


def _timer_hours(schedule: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the hours of a charge schedule, in the form of charge timers."""
    attributes, kind = schedule["attributes"], schedule["type"]
    week = ["MONDAY", "TUESDAY", "WEDNESDAY", "THURSDAY", "FRIDAY", "SATURDAY", "SUNDAY"]
    if kind == "daily":
        parts = [(week, attributes)]
    elif kind == "workweek":
        parts = [(week[:5], attributes["weekdays"]), (week[5:], attributes["weekends"])]
    else:
        parts = [([day.upper()], hours) for day, hours in attributes["days"].items()]
    return [{"days": days, "start": hours["startTime"], "end": hours["stopTime"]} for days, hours in parts]
