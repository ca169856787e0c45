"""Whether a car can have told the truth."""

from __future__ import annotations

import math
from datetime import datetime, timedelta
from typing import Any, TypeAlias

from ...models import ReadingType
from ...secret_types import Coordinate

#: A value, and when the car recorded it.
ObservedValue: TypeAlias = tuple[Any, datetime | None]

#: No car gets further than this on average, in km/h.
FASTEST = 300
#: Brands round, and their clocks do not agree with Smartcar's: in km.
SLACK = 20
#: An odometer that is rounded now and then goes back by less than this.
ROUNDING = 1
#: How far a car's clock may be ahead of ours.
AHEAD = timedelta(days=1)
#: In km.
RADIUS_OF_THE_EARTH = 6371


def is_possible(kind: ReadingType, told: ObservedValue, now: datetime) -> bool:
    """Whether there can be such a value at all."""
    value, recorded_at = told
    if recorded_at is not None and recorded_at > now + AHEAD:
        return False
    if kind.name == "location":
        return bool(abs(value["latitude"]) <= 90 and abs(value["longitude"]) <= 180)
    if kind.measure == "percent":
        return bool(0 <= value <= 1)
    return not kind.measure or bool(value >= 0)


def can_follow(kind: ReadingType, before: ObservedValue, after: ObservedValue) -> bool:
    """Whether a car that told the one can tell the other next."""
    if kind.name not in ("odometer", "location"):
        return True
    if kind.name == "odometer" and after[0] < before[0] - ROUNDING:
        return False
    if before[1] is None or after[1] is None:
        return True
    way = after[0] - before[0] if kind.name == "odometer" else _way(before[0], after[0])
    hours = max((after[1] - before[1]) / timedelta(hours=1), 0)
    return bool(way <= hours * FASTEST + SLACK)


def _way(start: Any, end: Any) -> float:
    """Kilometres as the crow flies."""
    north_1, east_1, north_2, east_2 = (
        Coordinate(math.radians(place[name])) for place in (start, end) for name in ("latitude", "longitude")
    )
    chord = (
        math.sin((north_2 - north_1) / 2) ** 2
        + math.cos(north_1) * math.cos(north_2) * math.sin((east_2 - east_1) / 2) ** 2
    )
    return 2 * RADIUS_OF_THE_EARTH * math.asin(min(1, math.sqrt(chord)))
