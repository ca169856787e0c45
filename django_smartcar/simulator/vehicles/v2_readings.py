"""What API v2 reads from a simulated vehicle (odometer, location, fuel, battery…): path -> scope and body.

The state itself is `store.models.Car`: `factory` creates it, and `behaviour.motion` changes it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from .. import store
from ..errors.v2 import SmartcarError
from ..store.models import Car
from . import charging, systems
from .consumption import reported
from .make_settings import is_open

Body = dict[str, Any] | list[dict[str, Any]]


class Units:
    """Convert metric values to the requested unit system, "metric" or "imperial".

    All values are floats, as everywhere below: the Python and Ruby SDKs expect ``92.0``, not ``92``.
    """

    def __init__(self, system: str) -> None:
        self.system = system

    def _convert(self, value: float, imperial_factor: float) -> float:
        return round(float(value if self.system == "metric" else value * imperial_factor), 2)

    def distance(self, kilometres: float) -> float:
        """Return kilometres or miles."""
        return self._convert(kilometres, 0.621371)

    def volume(self, litres: float) -> float:
        """Return litres or US gallons."""
        return self._convert(litres, 0.264172)

    def temperature(self, celsius: float) -> float:
        """Return degrees Celsius or Fahrenheit."""
        return float(celsius) if self.system == "metric" else round(celsius * 1.8 + 32, 2)

    def pressure(self, kilopascals: float) -> float:
        """Return kPa or psi."""
        return self._convert(kilopascals, 0.145038)


class Reading(NamedTuple):
    """A GET endpoint below a vehicle."""

    scope: str | None
    body: Callable[[Car, Units, Mapping[str, str]], Body]
    has_units: bool = False
    #: Whether the response has the ``SC-Data-Age`` header. Attributes of the vehicle have none.
    has_age: bool = True


def _attributes(car: Car, units: Units, query: Mapping[str, str]) -> Body:
    return {"id": car.id, "make": car.make, "model": car.model, "year": car.year}


def _vin(car: Car, units: Units, query: Mapping[str, str]) -> Body:
    return {"vin": car.vin}


def _odometer(car: Car, units: Units, query: Mapping[str, str]) -> Body:
    return {"distance": units.distance(car.odometer_km)}


def _location(car: Car, units: Units, query: Mapping[str, str]) -> Body:
    return {"latitude": float(car.latitude), "longitude": float(car.longitude)}


def _fuel(car: Car, units: Units, query: Mapping[str, str]) -> Body:
    require_capability(car.has_engine)
    return {
        "range": units.distance(car.fuel_range_km),
        "percentRemaining": reported(car.fuel_percent),
        "amountRemaining": units.volume(car.tank_litres * car.fuel_percent),
    }


def _battery(car: Car, units: Units, query: Mapping[str, str]) -> Body:
    require_capability(car.is_electric)
    return {"percentRemaining": reported(car.battery_percent), "range": units.distance(car.battery_range_km)}


def _battery_capacity(car: Car, units: Units, query: Mapping[str, str]) -> Body:
    require_capability(car.is_electric)
    return {"capacity": float(car.battery_capacity_kwh)}


def _nominal_capacity(car: Car, units: Units, query: Mapping[str, str]) -> Body:
    require_capability(car.is_electric)
    capacity = float(car.battery_capacity_kwh)
    return {
        "availableCapacities": [{"capacity": capacity, "description": None}],
        "capacity": {"nominal": capacity, "source": "SMARTCAR"},
        "url": None,
    }


def _charge(car: Car, units: Units, query: Mapping[str, str]) -> Body:
    require_capability(car.is_electric)
    return {"isPluggedIn": car.is_plugged_in, "state": charging.state(car)}


def _charge_limit(car: Car, units: Units, query: Mapping[str, str]) -> Body:
    require_capability(car.is_electric)
    return {"limit": float(car.charge_limit)}


def _engine_oil(car: Car, units: Units, query: Mapping[str, str]) -> Body:
    require_capability(car.has_engine)
    return {"lifeRemaining": float(car.oil_life)}


def _tires(car: Car, units: Units, query: Mapping[str, str]) -> Body:
    names = ("frontLeft", "frontRight", "backLeft", "backRight")
    return {name: units.pressure(pressure) for name, pressure in zip(names, car.tires_kpa, strict=True)}


def _security(car: Car, units: Units, query: Mapping[str, str]) -> Body:
    def closed(*types: str) -> list[dict[str, str]]:
        return [{"type": type_, "status": "CLOSED"} for type_ in types]

    corners = ("frontLeft", "frontRight", "backLeft", "backRight")
    port = "OPEN" if charging.is_port_open(car) else "CLOSED"
    return {
        "isLocked": car.is_locked,
        "doors": closed(*corners),
        "windows": closed(*corners),
        "sunroof": closed("sunroof"),
        "storage": [_lid(car, "front", "frunk"), _lid(car, "rear", "trunk")],
        "chargingPort": [{"type": "chargingPort", "status": port}] if car.is_electric else [],
    }


def _lid(car: Car, place: str, name: str) -> dict[str, str]:
    return {"type": place, "status": "OPEN" if is_open(car, name) else "CLOSED"}


def _system_status(car: Car, units: Units, query: Mapping[str, str]) -> Body:
    return {
        "systems": [
            {"systemId": f"SYSTEM_{system.v2_id}", **systems.status(car, system)}
            for system in systems.SYSTEMS
            if systems.has(car, system.needs)
        ]
    }


def _trouble_codes(car: Car, units: Units, query: Mapping[str, str]) -> Body:
    return {"activeCodes": car.trouble_codes}


def _service_history(car: Car, units: Units, query: Mapping[str, str]) -> Body:
    # Smartcar's Python SDK sends camelCase, the Node SDK snake_case.
    end = read_date(query, "endDate", "end_date") or store.now()
    start = read_date(query, "startDate", "start_date") or end - timedelta(days=365)
    return [
        visit | {"odometerDistance": units.distance(visit["odometerDistance"])}
        for visit in service_visits(car)
        if start <= datetime.fromisoformat(visit["serviceDate"]) <= end
    ]


def service_visits(car: Car) -> list[dict[str, Any]]:
    """Return the visits to a workshop, latest first, with distances in km."""
    return [
        {
            "serviceId": 12345 + number,
            "odometerDistance": visit["odometer_km"],
            "serviceDate": visit["time"],
            "serviceTasks": [{"taskId": "1", "taskDescription": "Tires rotated"}],
            "serviceDetails": [{"type": "Service Dealer", "value": "Example Motors"}],
            "serviceCost": {"totalCost": None, "currency": None},
        }
        for number, visit in enumerate(car.service_visits)
    ]


#: The GET endpoints of all makes, by path below the vehicle.
READINGS: dict[str, Reading] = {
    "": Reading("read_vehicle_info", _attributes, has_age=False),
    "vin": Reading("read_vin", _vin, has_age=False),
    "odometer": Reading("read_odometer", _odometer, has_units=True),
    "location": Reading("read_location", _location),
    "fuel": Reading("read_fuel", _fuel, has_units=True),
    "battery": Reading("read_battery", _battery, has_units=True),
    "battery/capacity": Reading("read_battery", _battery_capacity),
    "battery/nominal_capacity": Reading("read_battery", _nominal_capacity),
    "charge": Reading("read_charge", _charge),
    "charge/limit": Reading("read_charge", _charge_limit),
    "engine/oil": Reading("read_engine_oil", _engine_oil),
    "tires/pressure": Reading("read_tires", _tires, has_units=True),
    "security": Reading("read_security", _security),
    "diagnostics/system_status": Reading("read_diagnostics", _system_status),
    "diagnostics/dtcs": Reading("read_diagnostics", _trouble_codes),
    "service/history": Reading("read_service_history", _service_history, has_units=True),
}


def timestamp(moment: datetime) -> str:
    """Format a datetime as Smartcar does: ISO 8601 with milliseconds and ``Z``."""
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def require_capability(is_capable: bool) -> None:
    """Raise VEHICLE_NOT_CAPABLE unless the vehicle is capable."""
    if not is_capable:
        raise SmartcarError("COMPATIBILITY", "VEHICLE_NOT_CAPABLE")


def read_date(query: Mapping[str, str], *names: str) -> datetime | None:
    """Return the date in the first of these query parameters that has one. Ignore what is not a date.

    Smartcar's SDKs send ``undefined`` and ``2021-12-31?``, and Smartcar answers.
    """
    for name in names:
        try:
            moment = datetime.fromisoformat(query.get(name, ""))
        except ValueError:
            continue
        if moment.year > 1900:  # a date in year 1 has no day before it
            return moment if moment.tzinfo else moment.replace(tzinfo=store.now().tzinfo)
    return None
