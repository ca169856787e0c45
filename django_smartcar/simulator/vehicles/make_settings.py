"""Settings that an owner changes by commands of one make, such as the cabin temperature of a Tesla."""

from __future__ import annotations

from typing import Any

from ..store.models import Car

#: Initial settings, by path below the make.
_INITIAL: dict[str, dict[str, Any]] = {
    "charge/schedule": {
        "departureTime": {"enabled": False, "time": None},
        "startTime": {"enabled": False, "time": None},
    },
    "climate/cabin": {"status": "OFF", "temperature": 21.0},
    "climate/defroster": {"frontStatus": "OFF", "rearStatus": "OFF"},
    "climate/steering_wheel": {"status": "OFF"},
    "security/frunk": {"status": "CLOSED"},
    "security/trunk": {"status": "CLOSED"},
}


def setting(car: Car, path: str) -> dict[str, Any]:
    """Return the vehicle's settings at a path below its make."""
    return car.make_settings.get(path) or _INITIAL[path]


def is_open(car: Car, lid: str) -> bool:
    """Return whether the front boot (``frunk``) or the boot (``trunk``) is open."""
    return bool(setting(car, f"security/{lid}")["status"] == "OPEN")
