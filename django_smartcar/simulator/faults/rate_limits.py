"""Rate limits (429: token bucket of the application, throttle of a vehicle) and plan limits (430).

Configured in ``store.state().limits``. All limits are off by default.
"""

from __future__ import annotations

import math
from datetime import datetime, timedelta

from .. import store
from ..access.grants import connected_vehicles
from ..errors.v2 import SmartcarError
from ..store.models import Car, Limits

#: Smartcar's limits: 120 requests at once and two more per minute; two requests per vehicle in two minutes.
SMARTCAR_LIMITS = Limits(bucket_size=120, throttle_requests=2, monthly_requests=500, max_vehicles=1)

#: A larger bucket counts as this one: a float represents its level.
_MAX_BUCKET_SIZE = 10**9


def count(car: Car | None = None, *, is_billed: bool = True) -> None:
    """Count one request, or raise RATE_LIMIT or BILLING. A refused request is not billed.

    Requests that name no vehicle are never billed, nor is reading a vehicle's permissions.
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
    """Return the vehicle's billed requests in this month."""
    return car.requests.get(_month(store.now()), 0)


def bucket_level() -> int | None:
    """Return the number of requests left in the bucket, or None without a bucket."""
    limits = store.state().limits
    if limits.bucket_size is None:
        return None
    return math.floor(_level(limits.bucket_size, limits.bucket_refill, store.now()))


def reset() -> None:
    """Refill the bucket and clear all throttles. The requests of the plan stay counted."""
    with store.changes():
        store.volatile.clear()


def _take_from_bucket(size: int, refill: float, now: datetime) -> None:
    level = _level(size, refill, now)
    is_enough = level >= 1
    store.volatile["bucket"] = level - is_enough, now
    if not is_enough:
        raise SmartcarError("RATE_LIMIT", "SMARTCAR_API")


def _level(size: int, refill: float, now: datetime) -> float:
    size = min(size, _MAX_BUCKET_SIZE)
    level, at = store.volatile.get("bucket", (float(size), now))
    return float(min(size, level + refill * (now - at).total_seconds() / 60))


def _throttle(car: Car, limit: int, window: timedelta, now: datetime) -> None:
    recent = [moment for moment in store.volatile.get(car.id, []) if moment > now - window]
    store.volatile[car.id] = recent
    if len(recent) >= limit:
        # With a limit of 0 there is no earlier request to wait for.
        opens_at = recent[-limit] + window if recent else now + window
        retry_after = math.ceil((opens_at - now).total_seconds())
        raise SmartcarError("RATE_LIMIT", "VEHICLE", retry_after=retry_after)
    recent.append(now)


def _check_plan(limits: Limits, car: Car, month: str) -> None:
    if limits.max_vehicles is not None:
        oldest_first = list(dict.fromkeys(vehicle.vehicle_id for vehicle in reversed(connected_vehicles())))
        if car.id in oldest_first[limits.max_vehicles :]:
            raise SmartcarError("BILLING", "VEHICLE_LIMIT")
    if limits.monthly_requests is not None and car.requests.get(month, 0) >= limits.monthly_requests:
        raise SmartcarError("BILLING", "VEHICLE_REQUEST_LIMIT")


def _month(moment: datetime) -> str:
    return f"{moment:%Y-%m}"
