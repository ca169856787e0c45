"""Bounds for what events may store: whoever has a webhook's token can send anything.

They are far above what Smartcar sends. Signals that are new at Smartcar are kept, too, but not any number.
"""

from __future__ import annotations

import json
import logging
from collections import defaultdict
from collections.abc import Iterable

from django.db import router

from ...models import VehicleSignal
from ...sdk.signals import TYPES
from ..readings import Observation

logger = logging.getLogger(__name__)

#: Maximum number of vehicles in one event: a body of `MAX_BODY_BYTES` has room for fewer real ones.
MAX_VEHICLES = 3000

#: Maximum number of signals, and of problems, of a vehicle in one event. Smartcar has 93 signals.
MAX_SIGNALS = 500
MAX_PROBLEMS = 100

#: Maximum number of different problems of a vehicle. Smartcar documents about 60.
MAX_PROBLEMS_STORED = 200

#: Maximum number of a vehicle's signals that the catalogue does not have.
MAX_UNKNOWN_SIGNALS = 100

#: Maximum length of a list or an object, as JSON.
MAX_VALUE_LENGTH = 20_000


def within(observations: Iterable[Observation]) -> list[Observation]:
    """Return the observations without values that are too long, and without too many unknown signals."""
    told = list(observations)
    kept = [item for item in told if _is_short(item.value)]
    unknown: dict[int, dict[str, None]] = defaultdict(dict)
    for item in kept:
        if item.signal not in TYPES:
            unknown[item.vehicle_id][item.signal] = None
    if unknown:
        allowed = _allowed(unknown)
        kept = [item for item in kept if item.signal in TYPES or (item.vehicle_id, item.signal) in allowed]
    if len(kept) < len(told):
        logger.warning(
            "ignored %d values in webhooks: too long, or of too many signals", len(told) - len(kept)
        )
    return kept


def _is_short(value: object) -> bool:
    return not isinstance(value, dict | list) or len(json.dumps(value)) <= MAX_VALUE_LENGTH


def _allowed(unknown: dict[int, dict[str, None]]) -> set[tuple[int, str]]:
    """Return the vehicles and names of the unknown signals that are stored or may be."""
    rows = VehicleSignal.objects.using(router.db_for_write(VehicleSignal)).filter(vehicle__in=list(unknown))
    stored = defaultdict(set)
    for vehicle_id, name in rows.exclude(signal__in=list(TYPES)).values_list("vehicle_id", "signal"):
        stored[vehicle_id].add(name)
    allowed = set()
    for vehicle_id, names in unknown.items():
        room = max(0, MAX_UNKNOWN_SIGNALS - len(stored[vehicle_id]))
        new = [name for name in names if name not in stored[vehicle_id]][:room]
        allowed |= {(vehicle_id, name) for name in (*stored[vehicle_id], *new)}
    return allowed
