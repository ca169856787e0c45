"""Catalogue of the signals of API v3 (code, permission, body), and their JSON:API resources."""

from __future__ import annotations

from collections.abc import Callable, Collection
from datetime import datetime
from typing import Any, NamedTuple

from .. import profiles, store
from ..conf import conf
from ..errors.v2 import SmartcarError
from ..errors.v3 import not_found
from ..faults.injection import VEHICLE_ERROR_TYPES, raise_for_signal
from ..store.models import Car
from ..vehicles.v2_readings import Units, timestamp
from . import bodies
from .bodies import Body, measured, percent


class Signal(NamedTuple):
    """A signal: `scope` is its permission, `body` computes its value for a vehicle."""

    group: str
    name: str
    scope: str
    body: Callable[[Car, Units], Body]

    @property
    def code(self) -> str:
        """Return the code: ``odometer-traveleddistance``."""
        return f"{self.group}-{self.name}".lower()


def _value(value: Callable[[Car], Any], check: Callable[[Car], None] | None = None) -> Callable[..., Body]:
    """Return a body function for a single value. `check` raises for vehicles without it."""
    return _checked(lambda car, units: {"value": value(car)}, check)


def _checked(body: Callable[[Car, Units], Body], check: Callable[[Car], None] | None) -> Callable[..., Body]:
    def checked(car: Car, units: Units) -> Body:
        if check:
            check(car)
        return body(car, units)

    return checked


def _electric(body: Callable[[Car, Units], Body]) -> Callable[..., Body]:
    return _checked(body, bodies.require_plug)


def _fuelled(body: Callable[[Car, Units], Body]) -> Callable[..., Body]:
    return _checked(body, bodies.require_tank)


def _is_charging(car: Car) -> bool:
    return car.charge_state == "CHARGING"


def _amperage(car: Car) -> float:
    return car.charge_amperage if _is_charging(car) else 0


_CHARGE = [
    ("Amperage", _electric(lambda car, units: measured("amps", _amperage(car)))),
    ("AmperageMax", _electric(lambda car, units: measured("amps", 48))),
    ("AmperageRequested", _electric(lambda car, units: measured("amps", car.charge_amperage))),
    ("ChargeLimits", bodies.charge_limits),
    ("ChargeTimers", bodies.charge_timers),
    ("DetailedChargingStatus", _value(lambda car: car.charge_state, bodies.require_plug)),
    ("IsCharging", _value(_is_charging, bodies.require_plug)),
    ("IsChargingCableConnected", _value(lambda car: car.is_plugged_in, bodies.require_plug)),
    ("IsChargingPortFlapOpen", _value(lambda car: car.is_charge_port_open, bodies.require_plug)),
    ("IsFastChargerPresent", _value(lambda car: False, bodies.require_plug)),
    ("Voltage", _electric(lambda car, units: measured("volts", 240))),
]  # fmt: skip

_SYSTEMS = ("ABS", "Airbag", "BrakeFluid", "Lighting", "TirePressureMonitoring", "WasherFluid")

_SIGNALS = [
    *(Signal("Charge", name, "read_charge", body) for name, body in _CHARGE),
    Signal("Climate", "ExternalTemperature", "read_climate", lambda car, units: _temperature(14.5, units)),
    Signal("Climate", "InternalTemperature", "read_climate", lambda car, units: _temperature(21.0, units)),
    Signal("Closure", "Doors", "read_security", bodies.doors),
    Signal("Closure", "EngineCover", "read_security", _fuelled(lambda car, units: {"isOpen": False})),
    Signal("Closure", "FrontTrunk", "read_security", bodies.trunk),
    Signal("Closure", "IsLocked", "read_security", _value(lambda car: car.is_locked)),
    Signal("Closure", "RearTrunk", "read_security", bodies.trunk),
    Signal("Closure", "Sunroof", "read_security", lambda car, units: {"isOpen": False}),
    Signal("Closure", "Windows", "read_security", bodies.windows),
    Signal("ConnectivityStatus", "IsAsleep", "read_vehicle_info", _value(lambda car: car.state == "asleep")),
    Signal(
        "ConnectivityStatus",
        "IsOnline",
        "read_vehicle_info",
        _value(lambda car: car.state not in ("asleep", "unreachable")),
    ),
    *(Signal("Diagnostics", name, "read_diagnostics", bodies.system_status) for name in _SYSTEMS),
    Signal(
        "Diagnostics",
        "DTCCount",
        "read_diagnostics",
        lambda car, units: measured("count", len(bodies.trouble_codes(car, units)["values"])),
    ),
    Signal("Diagnostics", "DTCList", "read_diagnostics", bodies.trouble_codes),
    Signal("InternalCombustionEngine", "AmountRemaining", "read_fuel", bodies.fuel_amount),
    Signal(
        "InternalCombustionEngine",
        "FuelLevel",
        "read_fuel",
        _fuelled(lambda car, units: percent(car.fuel_percent)),
    ),
    Signal(
        "InternalCombustionEngine",
        "OilLife",
        "read_engine_oil",
        _fuelled(lambda car, units: percent(car.oil_life)),
    ),
    Signal(
        "InternalCombustionEngine",
        "Range",
        "read_fuel",
        _fuelled(lambda car, units: bodies.distance(car.fuel_range_km, units)),
    ),
    Signal("Location", "PreciseLocation", "read_location", bodies.location),
    Signal(
        "Odometer",
        "TraveledDistance",
        "read_odometer",
        lambda car, units: bodies.distance(car.odometer_km, units),
    ),
    Signal("Service", "IsInService", "read_service_history", _value(lambda car: False)),
    Signal("Service", "Records", "read_service_history", bodies.service_records),
    Signal("TractionBattery", "NominalCapacity", "read_battery", bodies.nominal_capacity),
    Signal("TractionBattery", "Range", "read_battery", bodies.battery_range),
    Signal(
        "TractionBattery",
        "StateOfCharge",
        "read_battery",
        _electric(lambda car, units: percent(car.battery_percent)),
    ),
    Signal("VehicleIdentification", "VIN", "read_vin", _value(lambda car: car.vin)),
    Signal("Wheel", "Tires", "read_tires", bodies.tires),
]

#: All signals, by code.
SIGNALS: dict[str, Signal] = {signal.code: signal for signal in _SIGNALS}


def available_signals(car: Car) -> list[Signal]:
    """Return the signals that Smartcar stores of a car: none for an application without a webhook."""
    if not conf.SMARTCAR_SIMULATOR_SIGNALS:
        return []
    missing = {*conf.SMARTCAR_SIMULATOR_SIGNALS_OFF, *profiles.of(car).omitted}
    return [signal for signal in _SIGNALS if signal.code not in missing]


def get_signal(code: str, car: Car) -> Signal:
    """Return the signal with this code. Raise a 404 if it is unknown or not stored of this car."""
    for signal in available_signals(car):
        if signal.code == code:
            return signal
    raise not_found("signal")


def signal_resource(
    signal: Signal,
    car: Car,
    units: Units,
    scopes: Collection[str],
    url: str,
    read_at: datetime | None = None,
) -> dict[str, Any]:
    """Return the JSON:API resource of a signal, in the shape of the car's profile.

    An error of one signal is its status and fails no other. `read_at` is when Smartcar read it, or now.
    """
    now = timestamp(read_at or store.now())
    attributes: dict[str, Any] = {"code": signal.code, "name": signal.name, "group": signal.group}
    meta = {"retrievedAt": now}
    try:
        if signal.scope not in scopes:
            raise SmartcarError("PERMISSION")
        raise_for_signal(car, signal.code, is_static=signal.group == "VehicleIdentification")
        attributes |= {"status": {"value": "SUCCESS"}, "body": signal.body(car, units)}
        meta |= {"oemUpdatedAt": timestamp(car.recorded_at), "ingestedAt": now}
    except SmartcarError as error:
        if error.type not in VEHICLE_ERROR_TYPES:
            raise  # an error of the request, not of this signal
        attributes["status"] = _error_status(error)
    self_url = f"{url}/signals/{signal.code}"
    resource = {
        "id": signal.code,
        "type": "signal",
        "attributes": attributes,
        "meta": meta,
        "links": {"self": self_url, "values": f"{url}/signals", "vehicle": url},
    }
    return profiles.shape_signal(resource, car)


def _error_status(error: SmartcarError) -> dict[str, Any]:
    body: dict[str, Any] = {
        "type": error.type,
        "code": error.code or "UNKNOWN",
        "description": error.spec.description,
    }
    if error.spec.resolution:
        body["resolution"] = {"type": error.spec.resolution}
    return {"value": "ERROR", "error": body}


def _temperature(celsius: float, units: Units) -> Body:
    if units.system == "metric":
        return measured("celsius", celsius)
    return measured("fahrenheit", round(celsius * 9 / 5 + 32, 2))
