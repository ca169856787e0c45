"""What a vehicle is equipped with, and what never changes: trim, colour, nickname, firmware.

All follows from the vehicle's id, so that nothing of it is stored.
"""

from __future__ import annotations

from typing import TypeVar

from ..store.models import Car
from .factory import rand

_COLORS = ("SolidBlack", "PearlWhite", "DeepBlue", "MidnightSilver", "RedMultiCoat")
_PACKAGES = ("Winter", "Tow Hitch", "Premium Audio", "Driver Assistance", "Panoramic Roof")
_WHEELS = ("Aero18", "Turbine19", "Sport20", "Classic17")

Choice = TypeVar("Choice")


def trim(car: Car) -> str:
    """Return the trim level."""
    if car.powertrain == "BEV":
        return f"{car.battery_capacity_kwh:.0f}d"
    return _one_of(("Base", "Comfort", "Sport"), car, "trim")


def color(car: Car) -> str:
    """Return the colour of the paint, in the brand's words."""
    return _one_of(_COLORS, car, "color")


def nickname(car: Car) -> str:
    """Return the name that the owner gave the vehicle."""
    return f"My {car.model}"


def packages(car: Car) -> list[str]:
    """Return the optional equipment, and the model year."""
    return [*(one for one in _PACKAGES if rand("package", car.id, one) < 0.4), f"MY{car.year}"]


def wheels(car: Car) -> str:
    """Return the style of the wheels."""
    return _one_of(_WHEELS, car, "wheels")


def firmware(car: Car) -> str:
    """Return the version of the vehicle's software."""
    return "2026.8.1" if car.make == "TESLA" else f"{car.year - 2010}.{int(9 * rand('minor', car.id))}.2"


def has_digital_key(car: Car) -> bool:
    """Return whether a phone is paired as a key."""
    return rand("key", car.id) < 0.5


def surveillance_brand(car: Car) -> str:
    """Return the name of the alarm."""
    return "Sentry Mode" if car.make == "TESLA" else "Alarm"


def _one_of(choices: tuple[Choice, ...], car: Car, subject: str) -> Choice:
    return choices[int(rand(subject, car.id) * len(choices))]
