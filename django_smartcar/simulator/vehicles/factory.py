"""Build vehicles from a seed: VIN, model, odometer and all other initial values.

The same seed gives the same vehicle, in every process.
"""

from __future__ import annotations

import hashlib
import uuid
from datetime import datetime, timedelta
from typing import Any

from ..store.models import Car
from . import charging
from .catalog import MAKES, Make, Model
from .consumption import battery_range, fuel_range

_VIN_VALUES = {
    **{str(digit): digit for digit in range(10)},
    **dict(zip("ABCDEFGH", range(1, 9), strict=True)),
    **dict(zip("JKLMN", range(1, 6), strict=True)),
    **{"P": 7, "R": 9},
    **dict(zip("STUVWXYZ", range(2, 10), strict=True)),
}
_VIN_WEIGHTS = (8, 7, 6, 5, 4, 3, 2, 10, 0, 9, 8, 7, 6, 5, 4, 3, 2)
_VIN_YEAR_CODES = "ABCDEFGHJKLMNPRSTVWXY123456789"
_VIN_CHARACTERS = "ABCDEFGHJKLMNPRSTUVWXYZ0123456789"

#: Distance per month that a vehicle has been driven since its first registration.
_MIN_KM_PER_MONTH, _MAX_KM_PER_MONTH = 600, 1_700
#: Visits to a workshop: the latest was this long ago, and the others a year before each.
_LATEST_VISIT, _YEAR = timedelta(days=40), timedelta(days=365)


def stable_id(*names: str) -> str:
    """Return a UUID (version 4) that is derived from these names."""
    return str(uuid.UUID(bytes=_digest(*names)[:16], version=4))


def build_car(
    seed: str,
    *,
    owner_id: str,
    make: Make,
    now: datetime,
    number: int = 0,
    vin: str | None = None,
    powertrain: str | None = None,
    fault: str | None = None,
) -> Car:
    """Return the vehicle for this seed. `number` selects the model within the make."""
    model = _model(make, number, powertrain)
    last_year = max(model.first_year, min(model.last_year, now.year))
    year = model.first_year + int(rand(seed, "year") * (last_year - model.first_year + 1))
    car = Car(
        id=stable_id("vehicle", seed),
        owner_id=owner_id,
        vin=vin or _vin(seed, make, year),
        make=make.id,
        model=model.name,
        year=year,
        powertrain=model.powertrain,
        recorded_at=now - timedelta(minutes=1 + int(rand(seed, "age") * 40)),
        **_place(seed),
        **_levels(seed, model),
        **_life(seed, year, now),
        is_plugged_in=model.powertrain != "ICE",
        is_charge_port_open=model.powertrain != "ICE",
        fault=fault,
    )
    car.charge_records = charging.earlier_records(car) if car.is_electric else []
    if car.has_engine:
        car.trouble_codes = [{"code": "P0420", "timestamp": _iso(car.recorded_at)}]
    return car


def _place(seed: str) -> dict[str, Any]:
    """Return where the vehicle is: at home, in Colorado like Smartcar's test vehicles."""
    latitude = round(37.1 + 3.8 * rand(seed, "latitude"), 6)
    longitude = round(-108.9 + 6.8 * rand(seed, "longitude"), 6)
    heading = float(int(rand(seed, "heading") * 360))
    return {
        "latitude": latitude,
        "longitude": longitude,
        "home": [latitude, longitude],
        "heading": heading,
    }


def _levels(seed: str, model: Model) -> dict[str, Any]:
    """Return the values that are no older than the latest trip."""
    battery_percent = round(0.2 + 0.6 * rand(seed, "battery"), 2)
    fuel_percent = round(0.1 + 0.85 * rand(seed, "fuel"), 2)
    return {
        "battery_capacity_kwh": model.battery_kwh,
        "battery_percent": battery_percent,
        "battery_range_km": battery_range(model.battery_kwh, battery_percent),
        "tank_litres": model.tank_litres,
        "fuel_percent": fuel_percent,
        "fuel_range_km": fuel_range(model.tank_litres, fuel_percent),
        "low_voltage_percent": round(0.85 + 0.13 * rand(seed, "12 volts"), 2),
        "oil_life": round(0.15 + 0.8 * rand(seed, "oil"), 2),
        "tires_kpa": [round(205.0 + 30.0 * rand(seed, "tire", str(wheel)), 1) for wheel in range(4)],
    }


def _life(seed: str, year: int, now: datetime) -> dict[str, Any]:
    """Return the values that grow with the age of the vehicle."""
    months = _months_on_the_road(seed, year, now)
    per_month = _MIN_KM_PER_MONTH + (_MAX_KM_PER_MONTH - _MIN_KM_PER_MONTH) * rand(seed, "odometer")
    odometer_km = round(per_month * months, 2)
    return {"odometer_km": odometer_km, "service_visits": _service_visits(now, months, odometer_km)}


def rand(*names: str) -> float:
    """Return a pseudo-random number in [0, 1) that is derived from these names."""
    return int.from_bytes(_digest(*names)[:6], "big") / 2**48


def _months_on_the_road(seed: str, year: int, now: datetime) -> int:
    """Return the months since the first registration, which was in the model year."""
    last_month = 12 if year < now.year else max(now.month - 1, 1)
    return max((now.year - year) * 12 + now.month - 1 - int(rand(seed, "month") * last_month), 1)


def _service_visits(now: datetime, months: int, odometer_km: float) -> list[dict[str, Any]]:
    """Return the visits since the first registration, latest first, each at the distance of its time."""
    life = timedelta(days=30 * months)
    ages = (_LATEST_VISIT + number * _YEAR for number in range(months // 12 + 1))
    return [
        {"time": _iso(now - age), "odometer_km": round(odometer_km * (1 - age / life), 2)}
        for age in ages
        if age < life
    ]


def _iso(moment: datetime) -> str:
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _digest(*names: str) -> bytes:
    return hashlib.sha256("\0".join(names).encode()).digest()


def _model(make: Make, number: int, powertrain: str | None) -> Model:
    if powertrain is None:
        return make.models[number % len(make.models)]
    matching = [model for model in make.models if model.powertrain == powertrain]
    if matching:
        return matching[0]
    # The make has no such model: use another make's model under the name of this make's first model.
    other_model = next(
        model
        for other_make in MAKES.values()
        for model in other_make.models
        if model.powertrain == powertrain
    )
    return other_model._replace(name=make.models[0].name)


def _vin(seed: str, make: Make, year: int) -> str:
    digest = _digest("vin", seed)
    descriptor = "".join(_VIN_CHARACTERS[byte % len(_VIN_CHARACTERS)] for byte in digest[:5])
    serial = int.from_bytes(digest[5:9], "big") % 1_000_000
    year_code = _VIN_YEAR_CODES[(year - 2010) % 30]
    plant = _VIN_CHARACTERS[digest[9] % 23]
    without_check = f"{make.wmi}{descriptor}0{year_code}{plant}{serial:06}"
    weighted = (_VIN_VALUES[sign] * weight for sign, weight in zip(without_check, _VIN_WEIGHTS, strict=True))
    remainder = sum(weighted) % 11
    return f"{without_check[:8]}{'X' if remainder == 10 else remainder}{without_check[9:]}"
