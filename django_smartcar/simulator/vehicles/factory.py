"""Makes a car out of a name: the same name gives the same car, in every process and on every machine."""

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
_VIN_YEARS = "ABCDEFGHJKLMNPRSTVWXY123456789"
_VIN_LETTERS = "ABCDEFGHJKLMNPRSTUVWXYZ0123456789"

#: A fuel car goes this far on a litre, an electric one on a kilowatt hour.
KM_PER_LITRE = 13.0
KM_PER_KWH = 6.0


def stable_id(*names: str) -> str:
    """A UUID that looks random and is always the same for these names."""
    return str(uuid.UUID(bytes=_digest(*names)[:16], version=4))


def build_car(
    seed: str,
    *,
    owner_id: str,
    make: Make,
    moment: datetime,
    number: int = 0,
    vin: str | None = None,
    powertrain: str | None = None,
    fault: str | None = None,
) -> Car:
    """The car that this seed stands for."""
    model = _model(make, number, powertrain)
    year = model.first_year + int(_share(seed, "year") * (model.last_year - model.first_year + 1))
    battery_percent = round(0.2 + 0.6 * _share(seed, "battery"), 2)
    fuel_percent = round(0.1 + 0.85 * _share(seed, "fuel"), 2)
    return Car(
        id=stable_id("vehicle", seed),
        owner_id=owner_id,
        vin=vin or _vin(seed, make, year),
        make=make.id,
        model=model.name,
        year=year,
        powertrain=model.powertrain,
        recorded_at=moment - timedelta(minutes=1 + int(_share(seed, "age") * 40)),
        odometer_km=round(10_000 + 290_000 * _share(seed, "odometer"), 2),
        latitude=round(37.1 + 3.8 * _share(seed, "latitude"), 6),  # Smartcar's test cars stand in Colorado
        longitude=round(-108.9 + 6.8 * _share(seed, "longitude"), 6),
        battery_capacity_kwh=model.battery_kwh,
        battery_percent=battery_percent,
        battery_range_km=round(min(483.0, model.battery_kwh * KM_PER_KWH * battery_percent), 2),
        tank_litres=model.tank_litres,
        fuel_percent=fuel_percent,
        fuel_range_km=round(model.tank_litres * KM_PER_LITRE * fuel_percent, 2),
        oil_life=round(0.15 + 0.8 * _share(seed, "oil"), 2),
        tires_kpa=[round(205.0 + 30.0 * _share(seed, "tire", str(wheel)), 1) for wheel in range(4)],
        is_plugged_in=model.powertrain != "ICE",
        fault=fault,
    )


def _digest(*names: str) -> bytes:
    return hashlib.sha256("\0".join(names).encode()).digest()


def _share(*names: str) -> float:
    """A number from 0 up to 1 that these names always give."""
    return int.from_bytes(_digest(*names)[:6], "big") / 2**48


def _model(make: Make, number: int, powertrain: str | None) -> Model:
    if powertrain is None:
        return make.models[number % len(make.models)]
    of_the_kind = [model for model in make.models if model.powertrain == powertrain]
    if of_the_kind:
        return of_the_kind[0]
    # The make builds no such car: lend its first name to one from a make that does.
    lent = next(model for other in MAKES.values() for model in other.models if model.powertrain == powertrain)
    return lent._replace(name=make.models[0].name)


def _vin(seed: str, make: Make, year: int) -> str:
    digest = _digest("vin", seed)
    described = "".join(_VIN_LETTERS[byte % len(_VIN_LETTERS)] for byte in digest[:5])
    serial = int.from_bytes(digest[5:9], "big") % 1_000_000
    unchecked = (
        f"{make.wmi}{described}0{_VIN_YEARS[(year - 2010) % 30]}{_VIN_LETTERS[digest[9] % 23]}{serial:06}"
    )
    remainder = (
        sum(_VIN_VALUES[sign] * weight for sign, weight in zip(unchecked, _VIN_WEIGHTS, strict=True)) % 11
    )
    return f"{unchecked[:8]}{'X' if remainder == 10 else remainder}{unchecked[9:]}"
