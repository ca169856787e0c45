"""Values of API v2 that only some makes have (Tesla, Ford, GM, Nissan). Deprecated together with v2."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

from .. import store
from ..store.models import Car
from .factory import stable_id
from .v2_readings import READINGS, Body, Reading, Units, read_date, require_capability, timestamp

Query = Mapping[str, str]

_VOLTS = 240.0
#: Initial settings, by path below the make.
_INITIAL: dict[str, dict[str, Any]] = {
    "charge/schedule": {
        "departureTime": {"enabled": False, "time": None},
        "startTime": {"enabled": False, "time": None},
    },
    "climate/cabin": {"status": "OFF", "temperature": 21.0},
    "climate/defroster": {"frontStatus": "OFF", "rearStatus": "OFF"},
    "climate/steering_wheel": {"status": "OFF"},
}


def setting(car: Car, path: str) -> dict[str, Any]:
    """Return the vehicle's settings at a path below its make."""
    return car.make_settings.get(path) or _INITIAL[path]


def _setting_body(path: str) -> Callable[[Car, Units, Query], Body]:
    return lambda car, units, query: setting(car, path)


def _electric(
    scope: str, body: Callable[[Car], Body], has_units: bool = False, has_age: bool = True
) -> Reading:
    def read(car: Car, units: Units, query: Query) -> Body:
        require_capability(car.is_electric)
        return body(car)

    return Reading(scope, read, has_units, has_age)


def kilowatts(car: Car) -> float:
    """Return the charging power in kW."""
    return round(car.charge_amperage * _VOLTS / 1000, 2)


def _completion(car: Car) -> Body:
    if car.charge_state != "CHARGING" or not car.charge_amperage:
        return {"time": None}
    remaining_kwh = max(car.charge_limit - car.battery_percent, 0) * car.battery_capacity_kwh
    return {"time": timestamp(store.now() + timedelta(hours=remaining_kwh / kilowatts(car)))}


def _speed(car: Car, units: Units, query: Query) -> Body:
    return {"speed": units.distance(60.0 if car.state == "driving" else 0.0)}


def _wattage(car: Car) -> Body:
    return {"wattage": kilowatts(car) if car.charge_state == "CHARGING" else 0.0}


def _temperature(celsius: float) -> Reading:
    return Reading(
        "read_thermometer",
        lambda car, units, query: {"temperature": units.temperature(celsius)},
        has_units=True,
    )


def _attributes(car: Car) -> Body:
    return {
        "id": car.id,
        "make": car.make,
        "model": car.model,
        "year": car.year,
        "nickname": f"My {car.model}",
        "firmwareVersion": "2026.8.1",
        "driverAssistVersion": "TeslaAP3",
        "trimBadging": f"{car.battery_capacity_kwh:.0f}d",
        "style": {"exteriorColor": "SolidBlack", "exteriorTrim": "Black", "interiorTrim": "Black2"},
        "sentryMode": {"available": True, "enabled": False},
        "atHome": True,
    }


def _records(car: Car, units: Units, query: Query) -> Body:
    end = read_date(query, "endDate") or store.now()
    start = read_date(query, "startDate") or end - timedelta(days=30)
    home = round(car.battery_capacity_kwh * 0.2, 2)
    charged_on = [car.recorded_at - timedelta(days=days) for days in (2, 9, 16)]
    return {
        "records": [
            {"date": timestamp(day), "home": home, "other": 5.0, "superCharger": 20.0, "total": home + 25.0}
            for day in charged_on
            if start <= day <= end
        ]
    }


def _billing(car: Car, units: Units, query: Query) -> Body:
    end = read_date(query, "endDate") or store.now()
    start = read_date(query, "startDate") or end - timedelta(days=30)
    started_at = car.recorded_at - timedelta(days=9)
    record = {
        "chargeStart": timestamp(started_at),
        "chargeEnd": timestamp(started_at + timedelta(minutes=25)),
        "energyConsumed": 20.0,
        "cost": {"currency": "USD", "energy": "8.40", "other": "0"},
        "location": "Silverthorne, CO",
        "recordId": stable_id("charge", car.id),
    }
    is_included = start <= started_at <= end and query.get("page", "1") == "1"
    return {"records": [record] if is_included else [], "hasMoreData": False}


def _charging_locations(car: Car) -> Body:
    night = [{"start": "22:00", "end": "06:00"}]
    location = {"latitude": car.latitude, "longitude": car.longitude}
    schedules: dict[str, Any] = {"weekday": night, "weekend": []}
    return {
        "chargingLocations": [
            {"chargeLimit": car.charge_limit, "chargingSchedules": schedules, "location": location}
        ]
    }


_VOLTMETER = _electric("read_charge", lambda car: {"voltage": _VOLTS})
_COMPLETION = _electric("read_charge", _completion)
_GENERAL_MOTORS = {"charge/completion": _COMPLETION, "charge/voltmeter": _VOLTMETER}
_FORD = {"charge/schedule_by_location": _electric("read_charge_locations", _charging_locations)}

#: The GET endpoints by make (lower case, as in the path) and path below the make.
MAKE_READINGS: dict[str, dict[str, Reading]] = {
    "tesla": {
        "attributes": _electric("read_extended_vehicle_info", _attributes, has_age=False),
        "status": Reading("read_extended_vehicle_info", lambda car, units, query: {"state": "ONLINE"}),
        "charge/ammeter": _electric("read_charge", lambda car: {"amperage": car.charge_amperage}),
        "charge/wattmeter": _electric("read_charge", _wattage),
        "charge/schedule": Reading("read_charge", _setting_body("charge/schedule")),
        "charge/records": Reading("read_charge_records", _records),
        "charge/records/billing": Reading("read_charge_records", _billing),
        **_GENERAL_MOTORS,
        **{
            path: Reading("read_climate", _setting_body(path))
            for path in ("climate/cabin", "climate/defroster", "climate/steering_wheel")
        },
        "compass": Reading("read_compass", lambda car, units, query: {"heading": 185.0, "direction": "S"}),
        "security": READINGS["security"],
        "speedometer": Reading("read_speedometer", _speed, has_units=True),
        "thermometer/interior": _temperature(21.0),
        "thermometer/exterior": _temperature(14.5),
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
