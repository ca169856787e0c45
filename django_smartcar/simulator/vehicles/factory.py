"""Build vehicles from a seed: VIN, model, odometer and all other initial values.

The same seed gives the same vehicle, in every process.
"""

from __future__ import annotations

import hashlib
import uuid
from datetime import datetime, timedelta

from ..store.models import Car
from .catalog import MAKES, Make, Model

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

#: Range per litre of fuel, and per kWh of battery.
KM_PER_LITRE = 13.0
KM_PER_KWH = 6.0


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
    year = model.first_year + int(_rand(seed, "year") * (model.last_year - model.first_year + 1))
    battery_percent = round(0.2 + 0.6 * _rand(seed, "battery"), 2)
    fuel_percent = round(0.1 + 0.85 * _rand(seed, "fuel"), 2)
    return Car(
        id=stable_id("vehicle", seed),
        owner_id=owner_id,
        vin=vin or _vin(seed, make, year),
        make=make.id,
        model=model.name,
        year=year,
        powertrain=model.powertrain,
        recorded_at=now - timedelta(minutes=1 + int(_rand(seed, "age") * 40)),
        odometer_km=round(10_000 + 290_000 * _rand(seed, "odometer"), 2),
        latitude=round(37.1 + 3.8 * _rand(seed, "latitude"), 6),  # Smartcar's test vehicles are in Colorado
        longitude=round(-108.9 + 6.8 * _rand(seed, "longitude"), 6),
        battery_capacity_kwh=model.battery_kwh,
        battery_percent=battery_percent,
        battery_range_km=round(min(483.0, model.battery_kwh * KM_PER_KWH * battery_percent), 2),
        tank_litres=model.tank_litres,
        fuel_percent=fuel_percent,
        fuel_range_km=round(model.tank_litres * KM_PER_LITRE * fuel_percent, 2),
        oil_life=round(0.15 + 0.8 * _rand(seed, "oil"), 2),
        tires_kpa=[round(205.0 + 30.0 * _rand(seed, "tire", str(wheel)), 1) for wheel in range(4)],
        is_plugged_in=model.powertrain != "ICE",
        fault=fault,
    )


def _digest(*names: str) -> bytes:
    return hashlib.sha256("\0".join(names).encode()).digest()


def _rand(*names: str) -> float:
    """Return a pseudo-random number in [0, 1) that is derived from these names."""
    return int.from_bytes(_digest(*names)[:6], "big") / 2**48


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
