"""Compatibility of API v1 and v2: whether a VIN can be connected, which permissions work, and all models."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from .. import store
from ..access.scopes import SCOPES
from ..behaviour.commands_v2 import COMMANDS
from ..errors.v2 import invalid
from ..store.models import Car
from ..vehicles.catalog import MAKES, REGIONS, Make, Model, find_make, make_of_vin, regions
from ..vehicles.test_accounts import INCAPABLE_VINS, INCOMPATIBLE_VINS
from ..vehicles.v2_readings import READINGS

_ELECTRIC = {"read_battery", "read_charge", "control_charge"}
_FUEL = {"read_fuel", "read_engine_oil"}
_TYPES = ("ICE", "HEV", "PHEV", "BEV")
_LEVELS = ("compatible", "phev", "incompatible", "fuel", "dinosaur", "bev")

_ENDPOINTS: dict[str, list[str]] = {}
for _table in (READINGS, COMMANDS):
    for _path, _entry in _table.items():
        _ENDPOINTS.setdefault(_entry.scope or "", []).append(f"/{_path}")


def check(query: Mapping[str, str]) -> dict[str, Any]:
    """Return whether the vehicle with a VIN can be connected, and with which permissions."""
    vin, scopes = _vin_and_scopes(query)
    reason = _reason(vin, query)
    capabilities = []
    # Smartcar lists capabilities for vehicles in the United States only, and none for incompatible ones.
    if reason is None and _region(query) == "US":
        capabilities = [
            {"permission": scope, "endpoint": endpoint, "capable": why_not is None, "reason": why_not}
            for scope in scopes
            for endpoint in _ENDPOINTS.get(scope, [])
            for why_not in [_reason_for_scope(vin, scope)]
        ]
    return {"compatible": reason is None, "reason": reason, "capabilities": capabilities}


def check_v1(query: Mapping[str, str]) -> dict[str, Any]:
    """Return whether the vehicle with a VIN is capable of all these permissions, as v1.0 did."""
    vin, scopes = _vin_and_scopes(query)
    is_compatible = _reason(vin, query) is None
    if _test_level(query) is None:
        is_compatible = is_compatible and not any(_reason_for_scope(vin, scope) for scope in scopes)
    return {"compatible": is_compatible}


def matrix(query: Mapping[str, str]) -> dict[str, Any]:
    """Return the models of every make, with their endpoints and permissions."""
    region = query.get("region")
    if region not in REGIONS:
        raise invalid("region", f"region must be one of: [{','.join(REGIONS)}]")
    powertrain = query.get("type")
    if powertrain is not None and powertrain not in _TYPES:
        raise invalid("type", f"type must be one of: [{','.join(_TYPES)}]")
    scopes = set(query.get("scope", "").split())
    rows: dict[str, Any] = {}
    for make in _makes(query.get("make", "")):
        models = [_row(model) for model in make.models if powertrain in (None, model.powertrain)]
        if region in regions(make):
            rows[make.id] = [row for row in models if scopes <= set(row["permissions"])]
    return {make: models for make, models in rows.items() if models}


def _makes(names: str) -> list[Make]:
    """Return the make of this name, or those of several names with spaces between them; all without any."""
    one = find_make(names)
    found = [one] if one else [find_make(name) for name in names.split()]
    if None in found:
        raise invalid("make", "make is not one that Smartcar knows")
    return [make for make in found if make] or list(MAKES.values())


def _row(model: Model) -> dict[str, Any]:
    permissions = [scope for scope in _ENDPOINTS if scope not in _missing_permissions(model.powertrain)]
    return {
        "model": model.name,
        "startYear": model.first_year,
        "endYear": model.last_year,
        "type": model.powertrain,
        "endpoints": sorted({endpoint for scope in permissions for endpoint in _ENDPOINTS[scope]}),
        "permissions": permissions,
    }


def _vin_and_scopes(query: Mapping[str, str]) -> tuple[str, list[str]]:
    vin = query.get("vin", "").upper()
    if not re.fullmatch("[A-Z0-9]{17}", vin):
        raise invalid("vin", "vin must be 17 letters and digits")
    scopes = query.get("scope", "").split()
    if not scopes or not set(scopes) <= set(SCOPES):
        raise invalid("scope", "scope must be a list of permissions, with spaces between them")
    return vin, scopes


def _region(query: Mapping[str, str]) -> str:
    """Return the region of the country in the query."""
    country = query.get("country", "US").upper()
    if not re.fullmatch("[A-Z]{2}", country):
        raise invalid("country", "country must be a two-letter country code")
    return country if country in REGIONS else "EUROPE"


def _test_level(query: Mapping[str, str]) -> str | None:
    """Return the level that decides about compatibility in test mode, or None in any other mode."""
    level = query.get("test_mode_compatibility_level")
    if not level and query.get("mode") != "test":
        return None
    if level not in _LEVELS:
        raise invalid("test_mode_compatibility_level", f"Field must be one of: [{','.join(_LEVELS)}]")
    return level


def _reason(vin: str, query: Mapping[str, str]) -> str | None:
    """Return why the vehicle cannot be connected, or None if it can."""
    level, region, make = _test_level(query), _region(query), _make(vin)
    if level:
        return "VEHICLE_NOT_COMPATIBLE" if level in ("incompatible", "dinosaur") else None
    if vin in INCOMPATIBLE_VINS:
        return "VEHICLE_NOT_COMPATIBLE"
    return None if make and region in regions(make) else "MAKE_NOT_COMPATIBLE"


def _reason_for_scope(vin: str, scope: str) -> str | None:
    """Return why the vehicle lacks a permission, or None if it has it."""
    car, make = _car(vin), _make(vin)
    models = make.models if make else ()
    powertrain = car.powertrain if car else next((model.powertrain for model in models), "ICE")
    if scope not in _missing_permissions(powertrain) | INCAPABLE_VINS.get(vin, set()):
        return None
    is_known_for_make = any(scope not in _missing_permissions(model.powertrain) for model in models)
    return "VEHICLE_NOT_CAPABLE" if is_known_for_make else "SMARTCAR_NOT_CAPABLE"


def _car(vin: str) -> Car | None:
    """Return the simulated vehicle with this VIN, if there is one."""
    return next((car for car in store.cars() if car.vin == vin), None)


def _make(vin: str) -> Make | None:
    car = _car(vin)
    return make_of_vin(vin) or (MAKES[car.make] if car else None)


def _missing_permissions(powertrain: str) -> set[str]:
    return {"BEV": _FUEL, "ICE": _ELECTRIC}.get(powertrain, set())
