"""Sanity checks for reported values."""

from __future__ import annotations

import math
from datetime import datetime, timedelta
from typing import Any, TypeAlias

from ...models import ReadingType
from ...sdk import units
from ...secret_types import Coordinate

#: A value, and when the vehicle recorded it.
ObservedValue: TypeAlias = tuple[Any, datetime | None]

#: Maximum average speed, in km/h.
MAX_SPEED = 300
#: Tolerance in km for rounding and clock skew.
TOLERANCE = 20
#: A rounded odometer may go back by less than this, in km.
ROUNDING = 1
#: How far a vehicle's clock may be ahead.
MAX_CLOCK_SKEW = timedelta(days=1)
#: The readings of a range, and the longest range of a car in km.
RANGES = {"battery.range", "fuel.range"}
MAX_RANGE = 3000
#: The earth's mean radius, in km.
EARTH_RADIUS = 6371


def is_possible(kind: ReadingType, observed: ObservedValue, now: datetime) -> bool:
    """Return whether the value is in range, and not recorded in the future."""
    value, recorded_at = observed
    if recorded_at is not None and recorded_at > now + MAX_CLOCK_SKEW:
        return False
    if kind.name == "location":
        return bool(abs(value["latitude"]) <= 90 and abs(value["longitude"]) <= 180)
    if not kind.measure:
        return True
    smallest, largest = units.RANGES[kind.measure]
    return bool(smallest <= value <= (MAX_RANGE if kind.name in RANGES else largest))


def can_follow(kind: ReadingType, before: ObservedValue, after: ObservedValue) -> bool:
    """Return whether the second value is plausible after the first."""
    if kind.name not in ("odometer", "location"):
        return True
    if kind.name == "odometer" and after[0] < before[0] - ROUNDING:
        return False
    if before[1] is None or after[1] is None:
        return True
    distance = after[0] - before[0] if kind.name == "odometer" else _distance(before[0], after[0])
    hours = max((after[1] - before[1]) / timedelta(hours=1), 0)
    return bool(distance <= hours * MAX_SPEED + TOLERANCE)


def _distance(start: Any, end: Any) -> float:
    """Return the great-circle distance in km."""
    north_1, east_1, north_2, east_2 = (
        Coordinate(math.radians(location[name]))
        for location in (start, end)
        for name in ("latitude", "longitude")
    )
    chord = (
        math.sin((north_2 - north_1) / 2) ** 2
        + math.cos(north_1) * math.cos(north_2) * math.sin((east_2 - east_1) / 2) ** 2
    )
    return 2 * EARTH_RADIUS * math.asin(min(1, math.sqrt(chord)))
