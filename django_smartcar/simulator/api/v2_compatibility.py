"""Compatibility of API v1 and v2: whether a VIN can be connected, which permissions work, and all models."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from .. import store
from ..access.scopes import SCOPES
from ..behaviour.commands_v2 import COMMANDS
from ..errors.v2 import invalid
from ..vehicles.catalog import MAKES, Make, Model, find_make, make_of_vin
from ..vehicles.test_accounts import INCOMPATIBLE_VINS
from ..vehicles.v2_readings import READINGS

_ELECTRIC = {"read_battery", "read_charge", "control_charge"}
_FUEL = {"read_fuel", "read_engine_oil"}
_REGIONS = ("US", "CA", "EUROPE")
_TYPES = ("ICE", "HEV", "PHEV", "BEV")
_LEVELS = ("compatible", "phev", "incompatible", "fuel", "dinosaur", "bev")

_ENDPOINTS: dict[str, list[str]] = {}
for _table in (READINGS, COMMANDS):
    for _path, _entry in _table.items():
        _ENDPOINTS.setdefault(_entry.scope or "", []).append(f"/{_path}")


def check(query: Mapping[str, str]) -> dict[str, Any]:
    """Return whether the vehicle with a VIN can be connected, and with which permissions."""
    vin, scopes = _vin_and_scopes(query)
    country = query.get("country", "US")
    if not re.fullmatch("[A-Za-z]{2}", country):
        raise invalid("country", "country must be a two-letter country code")
    reason = _reason(vin)
    capabilities = []
    # Smartcar lists capabilities for vehicles in the United States only.
    if country.upper() == "US":
        missing = set(SCOPES) if reason else _missing_permissions(_powertrain(vin))
        for scope in scopes:
            for endpoint in _ENDPOINTS.get(scope, []):
                capable = scope not in missing
                why_not = None if capable else reason or "VEHICLE_NOT_CAPABLE"
                capabilities.append(
                    {"permission": scope, "endpoint": endpoint, "capable": capable, "reason": why_not},
                )
    return {"compatible": reason is None, "reason": reason, "capabilities": capabilities}


def check_v1(query: Mapping[str, str]) -> dict[str, Any]:
    """Return whether the vehicle with a VIN can be connected, as v1.0 did: true or false only."""
    vin, _ = _vin_and_scopes(query)
    level = query.get("test_mode_compatibility_level")
    if level or query.get("mode") == "test":
        if level not in _LEVELS:
            raise invalid("test_mode_compatibility_level", f"Field must be one of: [{','.join(_LEVELS)}]")
        return {"compatible": level not in ("incompatible", "dinosaur")}
    return {"compatible": _reason(vin) is None}


def matrix(query: Mapping[str, str]) -> dict[str, Any]:
    """Return the models of every make, with their endpoints and permissions."""
    if query.get("region") not in _REGIONS:
        raise invalid("region", f"region must be one of: [{','.join(_REGIONS)}]")
    powertrain = query.get("type")
    if powertrain is not None and powertrain not in _TYPES:
        raise invalid("type", f"type must be one of: [{','.join(_TYPES)}]")
    only_make = find_make(query["make"]) if query.get("make") else None
    if query.get("make") and only_make is None:
        raise invalid("make", "make is not one that Smartcar knows")
    scopes = set(query.get("scope", "").split())
    rows: dict[str, Any] = {}
    for make in [only_make] if only_make else MAKES.values():
        models = [_row(model) for model in make.models if powertrain in (None, model.powertrain)]
        rows[make.id] = [row for row in models if scopes <= set(row["permissions"])]
    return {make: models for make, models in rows.items() if models}


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


def _reason(vin: str) -> str | None:
    if vin in INCOMPATIBLE_VINS:
        return "VEHICLE_NOT_COMPATIBLE"
    if make_of_vin(vin) is None and _known_powertrain(vin) is None:
        return "MAKE_NOT_COMPATIBLE"
    return None


def _known_powertrain(vin: str) -> str | None:
    return next((car.powertrain for car in store.cars() if car.vin == vin), None)


def _powertrain(vin: str) -> str:
    make: Make | None = make_of_vin(vin)
    return _known_powertrain(vin) or (make.models[0].powertrain if make else "ICE")


def _missing_permissions(powertrain: str) -> set[str]:
    return {"BEV": _FUEL, "ICE": _ELECTRIC}.get(powertrain, set())
