"""Signals of the groups Closure and Surveillance.

No page of Smartcar's documentation names the permission of the surveillance signals. API v2 has the same data
among a Tesla's attributes, so theirs is taken.
"""

from __future__ import annotations

from collections.abc import Callable

from ..store.models import Car
from ..vehicles import equipment
from ..vehicles.make_settings import is_open
from ..vehicles.v2_readings import Units
from .signal import CORNERS, Body, Signal, grid, value

_SCOPE = "read_security"


def _doors(car: Car, units: Units) -> Body:
    return grid({"isOpen": False, "isLocked": car.is_locked} for _ in CORNERS)


def _windows(car: Car, units: Units) -> Body:
    return grid({"isOpen": False} for _ in CORNERS)


def _lid(name: str) -> Callable[[Car, Units], Body]:
    return lambda car, units: {"isOpen": is_open(car, name), "isLocked": car.is_locked}


def _closed(car: Car, units: Units) -> Body:
    return {"isOpen": False}


CLOSURES = [
    Signal("Closure", "Doors", _SCOPE, _doors),
    Signal("Closure", "EngineCover", _SCOPE, _closed, "tank"),
    Signal("Closure", "FrontTrunk", _SCOPE, _lid("frunk")),
    Signal("Closure", "IsLocked", _SCOPE, value(lambda car: car.is_locked)),
    Signal("Closure", "RearTrunk", _SCOPE, _lid("trunk")),
    Signal("Closure", "Sunroof", _SCOPE, _closed),
    Signal("Closure", "Tailgate", _SCOPE, _lid("trunk")),
    Signal("Closure", "Windows", _SCOPE, _windows),
    Signal("Surveillance", "Brand", "read_extended_vehicle_info", value(equipment.surveillance_brand)),
    Signal("Surveillance", "IsEnabled", "read_extended_vehicle_info", value(lambda car: False)),
]
