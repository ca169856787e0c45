"""Values of API v2 that only some makes have (Tesla, Ford, GM, Nissan). Deprecated together with v2."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

from .. import store
from ..store.models import Car
from . import charging, climate, equipment, movement
from .make_settings import setting
from .v2_readings import READINGS, Body, Reading, Units, read_date, require_capability, timestamp

Query = Mapping[str, str]


def _setting_body(path: str) -> Callable[[Car, Units, Query], Body]:
    return lambda car, units, query: setting(car, path)


def _electric(
    scope: str, body: Callable[[Car], Body], has_units: bool = False, has_age: bool = True
) -> Reading:
    def read(car: Car, units: Units, query: Query) -> Body:
        require_capability(car.is_electric)
        return body(car)

    return Reading(scope, read, has_units, has_age)


def _completion(car: Car) -> Body:
    minutes = charging.minutes_left(car)
    return {"time": timestamp(car.recorded_at + timedelta(minutes=minutes)) if minutes else None}


def _speed(car: Car, units: Units, query: Query) -> Body:
    return {"speed": units.distance(movement.speed(car))}


def _cabin(car: Car, units: Units, query: Query) -> Body:
    return setting(car, "climate/cabin") | {"status": "ON" if climate.is_on(car) else "OFF"}


def _compass(car: Car, units: Units, query: Query) -> Body:
    return {"heading": car.heading, "direction": movement.direction(car)}


def _temperature(celsius: Callable[[Car], float]) -> Reading:
    return Reading(
        "read_thermometer",
        lambda car, units, query: {"temperature": units.temperature(celsius(car))},
        has_units=True,
    )


def _attributes(car: Car) -> Body:
    return {
        "id": car.id,
        "make": car.make,
        "model": car.model,
        "year": car.year,
        "nickname": equipment.nickname(car),
        "firmwareVersion": equipment.firmware(car),
        "driverAssistVersion": "TeslaAP3",
        "trimBadging": equipment.trim(car),
        "style": {
            "exteriorColor": equipment.color(car),
            "exteriorTrim": "Black",
            "interiorTrim": "Black2",
        },
        "sentryMode": {"available": True, "enabled": False},
        "atHome": movement.is_at_home(car),
    }


def _records_of(car: Car, query: Query) -> list[dict[str, Any]]:
    """Return the charging sessions that began between the dates of the query, latest first."""
    end = read_date(query, "endDate") or store.now()
    start = read_date(query, "startDate") or end - timedelta(days=30)
    return [
        one
        for one in reversed(car.charge_records)
        if start <= datetime.fromisoformat(one["startTime"]) <= end
    ]


def _records(car: Car, units: Units, query: Query) -> Body:
    return {"records": [_record(one) for one in _records_of(car, query)]}


def _record(session: dict[str, Any]) -> dict[str, Any]:
    energy, is_fast = session["energyAdded"], session["isPublicCharger"]
    parts = {"home": 0.0 if is_fast else energy, "other": 0.0, "superCharger": energy if is_fast else 0.0}
    return {"date": session["startTime"], **parts, "total": energy}


def _billing(car: Car, units: Units, query: Query) -> Body:
    paid = [one for one in _records_of(car, query) if one["isPublicCharger"]]
    bills = [
        {
            "chargeStart": one["startTime"],
            "chargeEnd": one["endTime"],
            "energyConsumed": one["energyAdded"],
            "cost": {"currency": "USD", "energy": f"{one['cost']['energyAmount']:.2f}", "other": "0"},
            "location": one["location"]["name"],
            "recordId": one["id"],
        }
        for one in paid
    ]
    return {"records": bills if query.get("page", "1") == "1" else [], "hasMoreData": False}


def _charging_locations(car: Car) -> Body:
    night = [{"start": "22:00", "end": "06:00"}]
    location = {"latitude": car.latitude, "longitude": car.longitude}
    schedules: dict[str, Any] = {"weekday": night, "weekend": []}
    return {
        "chargingLocations": [
            {"chargeLimit": car.charge_limit, "chargingSchedules": schedules, "location": location}
        ]
    }


_VOLTMETER = _electric("read_charge", lambda car: {"voltage": charging.volts(car)})
_COMPLETION = _electric("read_charge", _completion)
_GENERAL_MOTORS = {"charge/completion": _COMPLETION, "charge/voltmeter": _VOLTMETER}
_FORD = {"charge/schedule_by_location": _electric("read_charge_locations", _charging_locations)}

#: The GET endpoints by make (lower case, as in the path) and path below the make.
MAKE_READINGS: dict[str, dict[str, Reading]] = {
    "tesla": {
        "attributes": _electric("read_extended_vehicle_info", _attributes, has_age=False),
        "status": Reading("read_extended_vehicle_info", lambda car, units, query: {"state": "ONLINE"}),
        "charge/ammeter": _electric("read_charge", lambda car: {"amperage": charging.amperes(car)}),
        "charge/wattmeter": _electric("read_charge", lambda car: {"wattage": charging.kilowatts(car)}),
        "charge/schedule": Reading("read_charge", _setting_body("charge/schedule")),
        "charge/records": Reading("read_charge_records", _records),
        "charge/records/billing": Reading("read_charge_records", _billing),
        **_GENERAL_MOTORS,
        "climate/cabin": Reading("read_climate", _cabin),
        **{
            path: Reading("read_climate", _setting_body(path))
            for path in ("climate/defroster", "climate/steering_wheel")
        },
        "compass": Reading("read_compass", _compass),
        "security": READINGS["security"],
        "speedometer": Reading("read_speedometer", _speed, has_units=True),
        "thermometer/interior": _temperature(climate.inside),
        "thermometer/exterior": _temperature(climate.outside),
    },
    "cadillac": _GENERAL_MOTORS,
    "chevrolet": _GENERAL_MOTORS,
    "ford": _FORD,
    "lincoln": _FORD,
    "nissan": {
        "charge/schedule": _electric(
            "read_charge", lambda car: car.make_settings.get("charge/schedule", {"chargeSchedules": []})
        )
    },
}
