"""How much may be asked: the application's bucket, a car's throttle, and the plan that is paid for.

``store.state().limits`` says how much. All of it is off until somebody turns it on.
"""

from __future__ import annotations

import math
from datetime import datetime, timedelta

from .. import store
from ..access.grants import connections
from ..errors.v2 import SmartcarError
from ..store.models import Car, Limits

#: Smartcar's own numbers: 120 requests at once and two more a minute; a car asked twice rests two minutes.
SMARTCARS = Limits(bucket_size=120, throttle_requests=2, monthly_requests=500, most_vehicles=1)


def count(car: Car | None = None, *, is_billed: bool = True) -> None:
    """Count one request, or refuse it; one that is refused is not billed.

    What is not about a car is never billed, and neither is asking for a car's permissions.
    """
    limits, now = store.state().limits, store.now()
    if limits.bucket_size is not None:
        _take_from_bucket(limits.bucket_size, limits.bucket_refill, now)
    if car is None or not is_billed:
        return
    _check_plan(limits, car, _month(now))
    if limits.throttle_requests is not None:
        _throttle(car, limits.throttle_requests, timedelta(seconds=limits.throttle_seconds), now)
    car.requests[_month(now)] = requests_this_month(car) + 1


def requests_this_month(car: Car) -> int:
    """How often the car was asked since the month began."""
    return car.requests.get(_month(store.now()), 0)


def in_bucket() -> int | None:
    """How many requests are left at once; nothing when there is no bucket."""
    limits = store.state().limits
    if limits.bucket_size is None:
        return None
    return math.floor(_level(limits.bucket_size, limits.bucket_refill, store.now()))


def forget() -> None:
    """Fill the bucket and let every throttled car go: what has been asked stays asked in the plan."""
    with store.changes():
        store.traffic.clear()


def _take_from_bucket(size: int, refill: float, now: datetime) -> None:
    level = _level(size, refill, now)
    is_enough = level >= 1
    store.traffic["bucket"] = level - is_enough, now
    if not is_enough:
        raise SmartcarError("RATE_LIMIT", "SMARTCAR_API")


def _level(size: int, refill: float, now: datetime) -> float:
    level, at = store.traffic.get("bucket", (float(size), now))
    return float(min(size, level + refill * (now - at).total_seconds() / 60))


def _throttle(car: Car, most: int, window: timedelta, now: datetime) -> None:
    lately = [moment for moment in store.traffic.get(car.id, []) if moment > now - window]
    store.traffic[car.id] = lately
    if len(lately) >= most:
        # A throttle of no request at all never opens by itself.
        opens = lately[-most] + window if lately else now + window
        retry_after = math.ceil((opens - now).total_seconds())
        raise SmartcarError("RATE_LIMIT", "VEHICLE", retry_after=retry_after)
    lately.append(now)


def _check_plan(limits: Limits, car: Car, month: str) -> None:
    if limits.most_vehicles is not None:
        oldest_first = list(dict.fromkeys(known.vehicle_id for known in reversed(connections())))
        if car.id in oldest_first[limits.most_vehicles :]:
            raise SmartcarError("BILLING", "VEHICLE_LIMIT")
    if limits.monthly_requests is not None and car.requests.get(month, 0) >= limits.monthly_requests:
        raise SmartcarError("BILLING", "VEHICLE_REQUEST_LIMIT")


def _month(moment: datetime) -> str:
    return f"{moment:%Y-%m}"
