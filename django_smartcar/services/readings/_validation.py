"""Sanity checks for the values of signals."""

from __future__ import annotations

import math
from datetime import datetime, timedelta
from typing import Any, TypeAlias

from ... import sdk
from ...secret_types import Coordinate

#: A value, and when the vehicle recorded it.
ObservedValue: TypeAlias = tuple[Any, datetime]

#: Maximum average speed, in km/h.
MAX_SPEED = 300
#: Tolerance in km for rounding and clock skew.
TOLERANCE = 20
#: A rounded odometer may go back by less than this, in km.
ROUNDING = 1
#: How far a vehicle's clock may be ahead.
MAX_CLOCK_SKEW = timedelta(days=1)
#: The earth's mean radius, in km.
EARTH_RADIUS = 6371


def is_possible(signal: str, observed: ObservedValue, now: datetime) -> bool:
    """Return whether the value is in range, and not recorded in the future."""
    value, at = observed
    if signal == "odometer" and not value:
        return False  # some cars send 0 for hours, and no car that is connected is so new
    return at <= now + MAX_CLOCK_SKEW and sdk.signals.is_possible(sdk.signals.type_named(signal), value)


def can_follow(signal: str, before: ObservedValue, after: ObservedValue) -> bool:
    """Return whether the second value is plausible after the first."""
    if signal not in ("odometer", "location"):
        return True
    if signal == "odometer" and after[0] < before[0] - ROUNDING:
        return False
    distance = after[0] - before[0] if signal == "odometer" else _distance(before[0], after[0])
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
