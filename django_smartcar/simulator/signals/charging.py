"""Signals of the group Charge."""

from __future__ import annotations

from typing import Any

from ..store.models import Car
from ..vehicles import charging
from ..vehicles.v2_readings import Units
from .signal import Body, Signal, percentage, quantity, speed, value, values

_WEEK = ["MONDAY", "TUESDAY", "WEDNESDAY", "THURSDAY", "FRIDAY", "SATURDAY", "SUNDAY"]


def _limits(car: Car, units: Units) -> Body:
    limit = percentage(car.charge_limit)
    return {
        "values": [{"type": "GLOBAL", "limit": limit, "condition": None}],
        # No limit is active while the vehicle is not plugged in.
        "activeLimit": limit if car.is_plugged_in else None,
        "unit": "percent",
    }


def _timers(car: Car) -> list[Body]:
    return [
        {
            "type": "LOCATION",
            "condition": schedule["attributes"]["location"],
            "schedules": _hours(schedule),
            "departureTimers": [],
            "isOEMOptimizationEnabled": False,
            "scheduleType": schedule["type"],
            "scheduleId": schedule_id,
        }
        for schedule_id, schedule in car.charge_schedules.items()
    ]


def _hours(schedule: dict[str, Any]) -> list[Body]:
    """Return the hours of a charge schedule, as timers have them: ``08:00:00``."""
    attributes, kind = schedule["attributes"], schedule["type"]
    if kind == "daily":
        parts = [(_WEEK, attributes)]
    elif kind == "workweek":
        parts = [(_WEEK[:5], attributes["weekdays"]), (_WEEK[5:], attributes["weekends"])]
    else:
        parts = [([day.upper()], hours) for day, hours in attributes["days"].items()]
    return [
        {"days": days, "start": f"{hours['startTime']}:00", "end": f"{hours['stopTime']}:00"}
        for days, hours in parts
    ]


def _records(car: Car) -> list[Body]:
    return charging.records_until(car, car.recorded_at)


def _fast_charger_type(car: Car) -> str | None:
    return charging.connector_type(car) if charging.is_fast_charger_present(car) else None


_READERS = {
    "Amperage": quantity("amps", charging.amperes),
    "AmperageMax": quantity("amps", lambda car: charging.MAX_AC_AMPERES),
    "AmperageRequested": quantity("amps", lambda car: car.charge_amperage),
    "ChargeLimits": _limits,
    "ChargePortStatusColor": value(charging.port_color),
    "ChargeRate": speed("km/h", "miles_per_hour", charging.km_per_hour),
    "ChargerPhases": value(charging.phases),
    "ChargeTimers": values(_timers),
    "ChargingConnectorType": value(charging.connector_type),
    "DetailedChargingStatus": value(charging.state),
    "EnergyAdded": quantity("kilowatt_hours", lambda car: round(car.energy_added_kwh, 2)),
    "FastChargerType": value(_fast_charger_type),
    "IsCharging": value(charging.is_charging),
    "IsChargingCableConnected": value(lambda car: car.is_plugged_in),
    "IsChargingCableLatched": value(lambda car: car.is_plugged_in),
    "IsChargingPortFlapOpen": value(charging.is_port_open),
    "IsFastChargerPresent": value(charging.is_fast_charger_present),
    "TimeToComplete": value(charging.minutes_left),
    "Voltage": quantity("volts", charging.volts),
    "Wattage": quantity("watts", lambda car: round(charging.kilowatts(car) * 1000)),
}

CHARGING = [
    *(Signal("Charge", name, "read_charge", read, "plug") for name, read in _READERS.items()),
    Signal("Charge", "ChargeRecords", "read_charge_records", values(_records), "plug"),
]
