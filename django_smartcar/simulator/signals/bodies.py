"""The bodies of v3's signals: percentages from 0 to 100, and each number with the name of its unit."""

from __future__ import annotations

from typing import Any

from ..errors.v2 import SmartcarError
from ..store.models import Car
from ..vehicles.values import READINGS, Units, timestamp

Body = dict[str, Any]

_CORNERS = [(row, column) for row in range(2) for column in range(2)]


def measured(unit: str, value: float) -> Body:
    return {"unit": unit, "value": value}


def percent(share: float) -> Body:
    return measured("percent", _percentage(share))


def distance(kilometres: float, units: Units) -> Body:
    unit = "kilometers" if units.system == "metric" else "miles"
    return measured(unit, units.distance(kilometres))


def electric(car: Car) -> None:
    """Refuse for a car without a plug."""
    _need(car.is_electric)


def fuelled(car: Car) -> None:
    """Refuse for a car without a tank."""
    _need(car.has_engine)


def healthy(car: Car, units: Units) -> Body:
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
    electric(car)
    limit = _percentage(car.charge_limit)
    return {
        "values": [{"type": "GLOBAL", "limit": limit, "condition": None}],
        # No limit is active in a car that is not plugged in.
        "activeLimit": limit if car.is_plugged_in else None,
        "unit": "percent",
    }


def charge_timers(car: Car, units: Units) -> Body:
    electric(car)
    return {
        "values": [
            {
                "type": "LOCATION",
                "condition": schedule["attributes"]["location"],
                "schedules": _windows(schedule),
                "scheduleType": schedule["type"],
                "scheduleId": schedule_id,
            }
            for schedule_id, schedule in car.charge_schedules.items()
        ]
    }


def battery_range(car: Car, units: Units) -> Body:
    electric(car)
    body = distance(car.battery_range_km, units)
    return body | {"additionalValues": [{"type": "ESTIMATED", "value": body["value"]}]}


def nominal_capacity(car: Car, units: Units) -> Body:
    electric(car)
    capacity = car.battery_capacity_kwh
    return {
        "source": "SMARTCAR",
        "capacity": capacity,
        "availableCapacities": [{"capacity": capacity, "description": None}],
        "unit": "kWhr",
    }


def fuel_amount(car: Car, units: Units) -> Body:
    fuelled(car)
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


def _percentage(share: float) -> float:
    number = round(share * 100, 2)
    return int(number) if number.is_integer() else number


def _need(capable: bool) -> None:
    if not capable:
        raise SmartcarError("COMPATIBILITY", "VEHICLE_NOT_CAPABLE")


def _grid(facts: Any) -> Body:
    """Rows from front to back, columns from left to right, both counted from nought."""
    values = [
        {"row": row, "column": column, **fact} for (row, column), fact in zip(_CORNERS, facts, strict=True)
    ]
    return {"values": values, "rowCount": 2, "columnCount": 2}


def _windows(schedule: dict[str, Any]) -> list[dict[str, Any]]:
    """A schedule's hours, as timers tell them."""
    attributes, kind = schedule["attributes"], schedule["type"]
    week = ["MONDAY", "TUESDAY", "WEDNESDAY", "THURSDAY", "FRIDAY", "SATURDAY", "SUNDAY"]
    if kind == "daily":
        parts = [(week, attributes)]
    elif kind == "workweek":
        parts = [(week[:5], attributes["weekdays"]), (week[5:], attributes["weekends"])]
    else:
        parts = [([day.upper()], hours) for day, hours in attributes["days"].items()]
    return [{"days": days, "start": hours["startTime"], "end": hours["stopTime"]} for days, hours in parts]
