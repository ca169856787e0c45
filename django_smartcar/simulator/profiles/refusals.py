"""Signals that fail among good ones, and the form of the signals in a VEHICLE_ERROR."""

from __future__ import annotations

from typing import Any

from ..errors.v2 import SmartcarError
from ..store.models import Car
from .profile import Resource, SignalChange


def refused(*codes: str, code: str | None) -> SignalChange:
    """Refuse these signals as if the owner had not granted them, with this error code.

    Source: VW ID.4 (null in events, ``UNKNOWN`` in responses); Jaguar I-PACE, wbyoung/smartcar #49.
    """
    return _failed(codes, SmartcarError("PERMISSION"), code)


def broken(*codes: str) -> SignalChange:
    """Fail these signals with SERVER/INTERNAL. Source: Polestar 2, the charge timers."""
    return _failed(codes, SmartcarError("SERVER", "INTERNAL"), "INTERNAL")


def invalid_data(*codes: str) -> SignalChange:
    """Fail these signals with UPSTREAM/INVALID_DATA. Source: Jaguar I-PACE, wbyoung/smartcar #71."""
    return _failed(codes, SmartcarError("UPSTREAM", "INVALID_DATA"), "INVALID_DATA")


def incapable(*codes: str) -> SignalChange:
    """Fail these signals with VEHICLE_NOT_CAPABLE. Source: VW ID.4, a captured event."""
    return _failed(codes, SmartcarError("COMPATIBILITY", "VEHICLE_NOT_CAPABLE"), "VEHICLE_NOT_CAPABLE")


def outdated_unless_charging(*codes: str) -> SignalChange:
    """Fail these signals while the car does not charge, beside the last value. Source: VW ID.4 and ID.7."""

    def change(resource: Resource, car: Car) -> None:
        if resource["id"] in codes and car.state != "charging":
            error = SmartcarError("VEHICLE_STATE", "NOT_CHARGING")
            resource["attributes"]["status"] = _status(error, error.code)

    return change


def _failed(codes: tuple[str, ...], error: SmartcarError, code: str | None) -> SignalChange:
    def change(resource: Resource, car: Car) -> None:
        if resource["id"] in codes:
            resource["attributes"].pop("body")
            resource["attributes"]["status"] = _status(error, code)
            resource["meta"].pop("oemUpdatedAt", None)

    return change


def _status(error: SmartcarError, code: str | None) -> dict[str, Any]:
    body: dict[str, Any] = {"type": error.type, "code": code, "description": error.spec.description}
    if error.spec.resolution:
        body["resolution"] = {"type": error.spec.resolution}
    return {"value": "ERROR", "error": body}


def named(signal: str) -> dict[str, str]:
    """Return ``Group.Name`` as events name a signal."""
    group, name = signal.split(".")
    return {"name": name, "group": group, "code": f"{group}-{name}".lower()}


def swapped(signal: str) -> dict[str, str]:
    """Return the same with name and group swapped. Source: VW ID.4, a captured VEHICLE_ERROR."""
    right = named(signal)
    return right | {"name": right["group"], "group": right["name"]}
