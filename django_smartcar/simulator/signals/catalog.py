"""Catalogue of all signals of API v3 (code, permission, body), and their JSON:API resources."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any

from .. import profiles, store
from ..conf import conf
from ..errors.v2 import SmartcarError
from ..errors.v3 import not_found
from ..faults.injection import VEHICLE_ERROR_TYPES, raise_for_signal
from ..store.models import Car
from ..vehicles.signal_names import SIGNAL_CODES
from ..vehicles.v2_readings import Units, timestamp
from .batteries import BATTERIES
from .charging import CHARGING
from .climate import CLIMATE
from .closures import CLOSURES
from .diagnostics import DIAGNOSTICS
from .driving import DRIVING
from .identification import IDENTIFICATION
from .signal import Signal

_BY_CODE = {
    signal.code: signal
    for signals in (BATTERIES, CHARGING, CLIMATE, CLOSURES, DIAGNOSTICS, DRIVING, IDENTIFICATION)
    for signal in signals
}

#: All signals, by code.
SIGNALS: dict[str, Signal] = {code: _BY_CODE[code] for code in SIGNAL_CODES}


def available_signals(car: Car) -> list[Signal]:
    """Return the signals that Smartcar stores of a car: none for an application without a webhook."""
    if not conf.SMARTCAR_SIMULATOR_SIGNALS:
        return []
    missing = {*conf.SMARTCAR_SIMULATOR_SIGNALS_OFF, *profiles.of(car).omitted}
    return [signal for signal in SIGNALS.values() if signal.code not in missing]


def get_signal(code: str, car: Car) -> Signal:
    """Return the signal with this code. Raise a 404 if it is unknown or not stored of this car."""
    for signal in available_signals(car):
        if signal.code == code:
            return signal
    raise not_found("signal")


def signal_resource(
    signal: Signal,
    car: Car,
    units: Units,
    scopes: Collection[str],
    url: str,
    read_at: datetime | None = None,
) -> dict[str, Any]:
    """Return the JSON:API resource of a signal, in the shape of the car's profile.

    An error of one signal is its status and fails no other. `read_at` is when Smartcar read it, or now.
    """
    now = timestamp(read_at or store.now())
    attributes: dict[str, Any] = {"code": signal.code, "name": signal.name, "group": signal.group}
    meta = {"retrievedAt": now}
    try:
        if signal.scope not in scopes:
            raise SmartcarError("PERMISSION")
        raise_for_signal(car, signal.code, is_static=signal.group == "VehicleIdentification")
        attributes |= {"status": {"value": "SUCCESS"}, "body": signal.body(car, units)}
        meta |= {"oemUpdatedAt": timestamp(car.recorded_at), "ingestedAt": now}
    except SmartcarError as error:
        if error.type not in VEHICLE_ERROR_TYPES:
            raise  # an error of the request, not of this signal
        attributes["status"] = _error_status(error)
    self_url = f"{url}/signals/{signal.code}"
    resource = {
        "id": signal.code,
        "type": "signal",
        "attributes": attributes,
        "meta": meta,
        "links": {"self": self_url, "values": f"{url}/signals", "vehicle": url},
    }
    return profiles.shape_signal(resource, car)


def _error_status(error: SmartcarError) -> dict[str, Any]:
    body: dict[str, Any] = {
        "type": error.type,
        "code": error.code or "UNKNOWN",
        "description": error.spec.description,
    }
    if error.spec.resolution:
        body["resolution"] = {"type": error.spec.resolution}
    return {"value": "ERROR", "error": body}
