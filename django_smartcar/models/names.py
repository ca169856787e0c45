"""How rows are named for people."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.db import models
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext_lazy

#: Makes with their own spelling. Smartcar sends all makes in capitals.
SPELLINGS = {
    "BMW": "BMW",
    "GMC": "GMC",
    "MINI": "MINI",
    "MERCEDES_BENZ": "Mercedes-Benz",
    "ROLLS_ROYCE": "Rolls-Royce",
}

#: The name of each permission that a signal or a command needs, in the order of pages.
PERMISSION_NAMES = {
    "read_vehicle_info": gettext_lazy("make and model"),
    "read_vin": gettext_lazy("VIN"),
    "read_extended_vehicle_info": gettext_lazy("equipment"),
    "read_odometer": gettext_lazy("odometer"),
    "read_battery": gettext_lazy("battery"),
    "read_fuel": gettext_lazy("fuel"),
    "read_charge": gettext_lazy("charging state"),
    "read_security": gettext_lazy("doors and locks"),
    "read_tires": gettext_lazy("tires"),
    "read_engine_oil": gettext_lazy("engine oil"),
    "read_thermometer": gettext_lazy("temperatures"),
    "read_climate": gettext_lazy("climate settings"),
    "read_speedometer": gettext_lazy("speed"),
    "read_diagnostics": gettext_lazy("diagnostics"),
    "read_service_history": gettext_lazy("service records"),
    "read_charge_records": gettext_lazy("charging sessions"),
    "read_user_profile": gettext_lazy("profile at the brand"),
    "read_location": gettext_lazy("location"),
    "control_security": gettext_lazy("locking"),
    "control_charge": gettext_lazy("charging commands"),
    "control_navigation": gettext_lazy("sending a destination"),
}


def make_as_written(make: str) -> str:
    """Return a make as it is spelled: ``"LAND_ROVER"`` is Land Rover, ``"BMW"`` BMW. Mixed case is kept."""
    return SPELLINGS.get(make) or (make.replace("_", " ").title() if make.isupper() else make)


def time_as_written(moment: datetime) -> str:
    """Return a time as the pages of Django's admin write it."""
    # Without a time zone in the settings there is none in the database, either.
    local = timezone.localtime(moment) if timezone.is_aware(moment) else moment
    return date_format(local, "DATETIME_FORMAT")


def named_permissions(permissions: Iterable[str]) -> list[tuple[str, str]]:
    """Return permissions with their names, in the order of pages; at the end, those that have no name."""
    granted = {*permissions}
    named = [(code, str(name)) for code, name in PERMISSION_NAMES.items() if code in granted]
    unnamed = sorted(granted - PERMISSION_NAMES.keys())
    return [*named, *((code, code.replace("_", " ")) for code in unnamed)]


def of_its_vehicle(row: Any, name: str) -> str:
    """Return a row's name with its vehicle's: "Lock · 2021 Tesla Model 3". Takes no query."""
    vehicle = row.vehicle if is_loaded(row, "vehicle") else f"vehicle {row.vehicle_id}"
    return f"{name} · {vehicle}"


def is_loaded(row: models.Model, *path: str) -> bool:
    """Return whether the row at the end of these foreign keys is loaded, so that its name takes no query."""
    for name in path:
        if not row._meta.get_field(name).is_cached(row):  # type: ignore[union-attr]
            return False
        row = getattr(row, name)
    return True
