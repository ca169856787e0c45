"""What a car answers, in both generations."""

from datetime import datetime
from typing import NotRequired, TypedDict


class VehicleInfo(TypedDict):
    """Of a car, only the id is certain."""

    id: str
    make: NotRequired[str | None]
    model: NotRequired[str | None]
    year: NotRequired[int | None]


class LocationData(TypedDict):
    """Degrees."""

    latitude: float
    longitude: float


class Location(TypedDict):
    """``age`` is when the car recorded it, aware and in UTC, or None if Smartcar does not say."""

    data: LocationData
    age: datetime | None


class OdometerData(TypedDict):
    """Kilometres or miles, as the reading's ``unit_system`` says."""

    distance: float


class Odometer(TypedDict):
    """``age`` as in Location; ``unit_system`` is ``"metric"``, ``"imperial"``, or None if not said."""

    data: OdometerData
    unit_system: str | None
    age: datetime | None


class Status(TypedDict):
    """``"success"`` once the car has done it."""

    status: str
