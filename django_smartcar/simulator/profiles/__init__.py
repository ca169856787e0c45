"""Shape profiles: what the cars of a brand really send, instead of the documented shape.

A car has a profile (``car.profile``), and all that is read of it passes through the functions below: signals
of API v3 and of webhooks, vehicles, and bodies of API v2. The values stay those of the simulated car.
"""

from __future__ import annotations

import copy
from typing import Any

from django.core.exceptions import ImproperlyConfigured

from ..conf import conf
from ..store.models import Car
from . import brands
from .profile import Complaint, Page, Profile, Resource

__all__ = [
    "BY_BRAND",
    "PROFILES",
    "Complaint",
    "Page",
    "Profile",
    "default_for",
    "for_make",
    "of",
    "shape_signal",
    "shape_v2_body",
    "shape_vehicle",
]

PROFILES: dict[str, Profile] = {
    "documented": brands.DOCUMENTED,
    "early": brands.EARLY,
    "audi": brands.AUDI,
    "bmw": brands.BMW,
    "hyundai": brands.HYUNDAI,
    "jaguar": brands.JAGUAR,
    "polestar": brands.POLESTAR,
    "tesla": brands.TESLA,
    "volkswagen": brands.VOLKSWAGEN,
}

#: The value of the setting with which each car gets the profile of its brand.
BY_BRAND = "brand"


def for_make(make_id: str) -> str:
    """Return the key of the profile that was seen at this make, else "documented"."""
    return next((key for key, profile in PROFILES.items() if make_id in profile.brands), "documented")


def default_for(make_id: str) -> str:
    """Return the key of the profile that a new car of this make gets, by ``SMARTCAR_SIMULATOR_PROFILE``."""
    key = conf.SMARTCAR_SIMULATOR_PROFILE
    if key == BY_BRAND:
        return for_make(make_id)
    if key not in PROFILES:
        raise ImproperlyConfigured(
            f"SMARTCAR_SIMULATOR_PROFILE is {key!r}. Choose one of: {', '.join([BY_BRAND, *PROFILES])}."
        )
    return key


def of(car: Car) -> Profile:
    """Return the profile of a car."""
    return PROFILES[car.profile]


def shape_signal(resource: Resource, car: Car) -> Resource:
    """Give the resource of a signal the shape of the car's profile. One without a value stays as it is."""
    signals = of(car).signals
    if not signals:
        return resource  # a past has thousands
    shaped = copy.deepcopy(resource)
    for change in signals:
        if shaped["attributes"].get("body") is not None:
            change(shaped, car)
    return shaped


def shape_vehicle(attributes: dict[str, Any], car: Car) -> dict[str, Any]:
    """Give the attributes of a vehicle the shape of the car's profile."""
    for change in of(car).vehicle:
        change(attributes)
    return attributes


def shape_v2_body(path: str, body: Any, car: Car) -> Any:
    """Give a body of API v2 the shape of the car's profile."""
    for change in of(car).v2:
        change(path, body)
    return body
