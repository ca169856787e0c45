"""Times: those of zero, of impossible years, of none at all, and in another place."""

from __future__ import annotations

from datetime import datetime

from ..store.models import Car
from .profile import Resource, SignalChange

#: The signals that belong to the car for life.
_STATIC_GROUPS = ("VehicleIdentification", "VehicleUserAccount")
_STATIC_CODES = ("tractionbattery-nominalcapacity",)

_EPOCH = "1970-01-01T00:00:00.000Z"
#: .NET's smallest date, and one day.
_YEAR_2 = "0002-01-01T00:00:00.000Z"


def zero_for_static(resource: Resource, car: Car) -> None:
    """Send times of 0 for what never changes. Source: Polestar 2 and Jaguar I-PACE, captured events."""
    if resource["attributes"]["group"] in _STATIC_GROUPS or resource["id"] in _STATIC_CODES:
        resource["meta"] |= {"oemUpdatedAt": _EPOCH, "retrievedAt": _EPOCH}


def recorded_in_1970(*codes: str) -> SignalChange:
    """Let the car have recorded these signals at the epoch. Source: audi_connect #22."""
    return _recorded(_EPOCH, codes)


def recorded_in_year_2(*codes: str) -> SignalChange:
    """Let the car have recorded these signals in the year 2. Source: audi_connect #22."""
    return _recorded(_YEAR_2, codes)


def _recorded(time: str, codes: tuple[str, ...]) -> SignalChange:
    def change(resource: Resource, car: Car) -> None:
        if resource["id"] in codes:
            resource["meta"]["oemUpdatedAt"] = time

    return change


def no_times(*codes: str) -> SignalChange:
    """Send ``"meta": {}``. Source: VW ID.4, a captured event."""

    def change(resource: Resource, car: Car) -> None:
        if resource["id"] in codes:
            for name in ("oemUpdatedAt", "retrievedAt"):
                resource["meta"].pop(name)

    return change


def milliseconds(resource: Resource, car: Car) -> None:
    """Send times as milliseconds since the epoch in responses as well, as events do."""
    for name, time in resource["meta"].items():
        resource["meta"][name] = _milliseconds(time)


def _milliseconds(time: str) -> int:
    return int(datetime.fromisoformat(time).timestamp() * 1000)


def times_in_attributes(*codes: str) -> SignalChange:
    """Put the times into the attributes, in milliseconds. Source: wbyoung/smartcar, unknown make."""

    def change(resource: Resource, car: Car) -> None:
        if resource["id"] in codes:
            resource["attributes"]["meta"] = {
                name: _milliseconds(resource["meta"].pop(name)) for name in ("oemUpdatedAt", "retrievedAt")
            }

    return change
