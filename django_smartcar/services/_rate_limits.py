"""Rate limiting: remember Smartcar's limits for all processes, and count billable requests.

After a 429 no process sends a request to the vehicle, or for the application, until ``Retry-After`` is over.
Callers get RateLimited at once; nothing sleeps here.
"""

from __future__ import annotations

import contextlib
import logging
import math
import threading
from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, NamedTuple

from django.db import OperationalError, router, transaction
from django.db.models import Case, DateTimeField, F, Field, IntegerField, Q, Value, When
from django.utils import timezone

from ..databases import primary
from ..exceptions import RateLimited
from ..models import ConnectedVehicle, RateLimit
from . import _transactions

logger = logging.getLogger(__name__)

#: Seconds to wait after a 429 without ``Retry-After``. The application's bucket of 120 requests refills by
#: two a minute; a vehicle's limit lasts two minutes. Brand-level limits have no known duration, so they are
#: not enforced locally.
DEFAULT_RETRY_AFTER = {"application": 30, "vehicle": 120}

#: Seconds that a request waits for another thread's request to the same vehicle. A 429 comes quickly;
#: anything slower is not one.
SINGLE_FLIGHT_TIMEOUT = 2.0


def this_month() -> str:
    """Return the month that requests are counted for: ``"2026-11"``, in UTC."""
    return f"{datetime.now(UTC):%Y-%m}"


class RateLimitKey(NamedTuple):
    """What a limit applies to: a vehicle by Smartcar's id, and the application in one API version."""

    vehicle_id: str
    api_version: str

    @property
    def application(self) -> str:
        return f"application:{self.api_version}"

    @property
    def keys(self) -> tuple[str, str]:
        return self.vehicle_id, self.application


def key_of(vehicle: ConnectedVehicle) -> RateLimitKey:
    return RateLimitKey(vehicle.smartcar_vehicle_id, vehicle.account.api_version)


_in_flight: dict[Any, threading.Event] = {}
_mutex = threading.Lock()


@contextlib.contextmanager
def single_flight(key: Any) -> Iterator[None]:
    """While another thread calls the vehicle with this primary key, wait for its response first.

    Of many threads that call one vehicle at the same time, the first sends its request. The others wait for
    its response. Check the rate limit inside: it may have been a 429.
    """
    with _mutex:
        earlier = _in_flight.get(key)
        if earlier is None:
            response_received = _in_flight[key] = threading.Event()
    if earlier is not None:
        earlier.wait(SINGLE_FLIGHT_TIMEOUT)
        yield
        return
    try:
        yield
    finally:
        with _mutex:
            del _in_flight[key]
        response_received.set()


def active_limits(keys: Collection[RateLimitKey]) -> dict[RateLimitKey, RateLimited]:
    """Return the longest active limit of each key that has one, in one query."""
    now = timezone.now()
    names = {name for key in keys for name in key.keys}
    rows = primary(RateLimit).filter(key__in=names, blocked_until__gt=now)
    blocked: dict[str, datetime] = {row.key: row.blocked_until for row in rows if row.blocked_until}
    found = {key: limit_until(blocked.get(key.vehicle_id), blocked.get(key.application)) for key in keys}
    return {key: limit for key, limit in found.items() if limit is not None}


def limit_until(vehicle: datetime | None, application: datetime | None) -> RateLimited | None:
    """Return the longer of two limits that end at these times; None if both are over."""
    now = timezone.now()
    active = [
        (until, code)
        for until, code in ((vehicle, "VEHICLE"), (application, "SMARTCAR_API"))
        if until and until > now
    ]
    if not active:
        return None
    until, code = max(active)
    return RateLimited(
        f"RATE_LIMIT:{code}: still blocked",
        type="RATE_LIMIT",
        code=code,
        retry_after=math.ceil((until - now).total_seconds()),
    )


def retry_after(limit: RateLimited) -> float | None:
    """Return the seconds to wait after this 429; None if the duration of its limit is unknown."""
    return limit.retry_after or DEFAULT_RETRY_AFTER.get(limit.scope)


def record_failure(vehicle: ConnectedVehicle, failure: Exception, requests: int = 1) -> None:
    """Save a rate limit, or count a request that failed otherwise."""
    if isinstance(failure, RateLimited):
        record_limits([(key_of(vehicle), failure)])
    else:
        record_usage(vehicle, requests)


def record_limits(limits: Iterable[tuple[RateLimitKey, RateLimited]]) -> None:
    """Save limits for all processes, outside the caller's transaction, in a fixed number of queries.

    A limit never shortens one that is already saved.
    """
    now = timezone.now()
    until: dict[str, datetime] = {}
    for key, limit in limits:
        seconds = retry_after(limit)
        if seconds is not None:
            ends = now + min(timedelta(seconds=seconds), timedelta(days=1))
            name = key.application if limit.scope == "application" else key.vehicle_id
            until[name] = max(ends, until.get(name, ends))
    if not until:
        return
    ends_at = _by_key(until, DateTimeField())
    try:
        with _transactions.autonomous_connection(RateLimit):
            _create_missing(until)
            shorter = Q(blocked_until=None) | Q(blocked_until__lt=ends_at)
            primary(RateLimit).filter(shorter, key__in=until).update(blocked_until=ends_at)
    except OperationalError:
        logger.warning("could not store the rate limit: database locked by the caller's transaction")


def record_usage(vehicle: ConnectedVehicle, requests: int = 1) -> None:
    """Add to the vehicle's billable requests of this month, after the caller's transaction (if any)."""
    add_usage({vehicle.smartcar_vehicle_id: requests})


def add_usage(requests: Mapping[str, int]) -> None:
    """Add to the billable requests of many vehicles, by Smartcar's ids, in a fixed number of queries."""
    counts = {vehicle_id: number for vehicle_id, number in requests.items() if number}
    if not counts:
        return
    if _transactions.is_open(RateLimit):
        transaction.on_commit(partial(_add, counts), using=router.db_for_write(RateLimit))
    else:
        _add(counts)


def _add(counts: Mapping[str, int]) -> None:
    month = this_month()
    try:
        if not _add_to_one(counts, month):
            _create_missing(counts)
            number = _by_key(counts, IntegerField())
            # In this order: on MariaDB the later assignments see the month that an earlier one has set.
            primary(RateLimit).filter(key__in=counts).update(
                requests=Case(When(month=month, then=F("requests") + number), default=number), month=month
            )
    except OperationalError:
        # An undercount is harmless; raising here would report a successful command as failed.
        logger.warning("could not count a request: the database is busy")


def _add_to_one(counts: Mapping[str, int], month: str) -> bool:
    """Add to the count of a single vehicle in one UPDATE. Return False if it has none for this month."""
    if len(counts) > 1:
        return False
    ((vehicle_id, number),) = counts.items()
    counted = primary(RateLimit).filter(key=vehicle_id, month=month)
    return bool(counted.update(requests=F("requests") + number))


def _create_missing(keys: Iterable[str]) -> None:
    known = set(primary(RateLimit).filter(key__in=keys).values_list("key", flat=True))
    if missing := [RateLimit(key=key) for key in keys if key not in known]:
        # Rows that another process has created meanwhile are fine. Nothing is read in this transaction:
        # SQLite refuses a write after a read if another connection has written in between.
        with transaction.atomic(using=router.db_for_write(RateLimit)):
            RateLimit.objects.bulk_create(missing, ignore_conflicts=True)


def _by_key(values: Mapping[str, Any], field: Field[Any, Any]) -> Case:
    whens = [When(key=key, then=Value(value)) for key, value in values.items()]
    return Case(*whens, output_field=field)
