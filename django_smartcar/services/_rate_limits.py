"""Keeps this site from asking what Smartcar would refuse, and counts what it asks.

What Smartcar says of its limits is in the database, for all workers: nobody asks a car again before its
``Retry-After`` is over, and nobody sleeps until then.
"""

from __future__ import annotations

import contextlib
import logging
import math
import threading
from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from functools import partial
from typing import Any, NamedTuple

from django.db import OperationalError, router, transaction
from django.db.models import Case, DateTimeField, F, Field, IntegerField, Q, Value, When
from django.utils import timezone

from ..exceptions import RateLimited
from ..models import Allowance, ConnectedVehicle
from . import _transactions

logger = logging.getLogger(__name__)

#: Seconds to leave Smartcar alone where it does not say. The application's bucket of 120 requests gets two
#: new ones a minute; a car rests two minutes. How long a brand is sore is not known: nothing is blocked then.
DEFAULT_RETRY_AFTER = {"application": 30, "vehicle": 120}

#: How long, in seconds, a request waits for the answer to another thread's to the same car: a refusal comes
#: at once, so what takes longer is none.
SINGLE_FLIGHT_TIMEOUT = 2.0


class RateLimitKey(NamedTuple):
    """What a limit of Smartcar's is on: a car by Smartcar's id, and the application in one generation."""

    vehicle_id: str
    api_version: str

    @property
    def application(self) -> str:
        return f"application:{self.api_version}"

    @property
    def keys(self) -> tuple[str, str]:
        return self.vehicle_id, self.application


def target_of(vehicle: ConnectedVehicle) -> RateLimitKey:
    return RateLimitKey(vehicle.smartcar_vehicle_id, vehicle.account.api_version)


_asked: dict[str, threading.Event] = {}
_mutex = threading.Lock()


@contextlib.contextmanager
def single_flight(vehicle: ConnectedVehicle) -> Iterator[None]:
    """Let one request pass; RateLimited where Smartcar would refuse it.

    Of many threads that ask one car in one moment the first goes ahead: if it is refused, so are they.
    """
    with _mutex:
        ahead = _asked.get(vehicle.smartcar_vehicle_id)
        if ahead is None:
            mine = _asked[vehicle.smartcar_vehicle_id] = threading.Event()
    if ahead is not None:
        ahead.wait(SINGLE_FLIGHT_TIMEOUT)
        check(vehicle)
        yield
        return
    try:
        check(vehicle)
        yield
    finally:
        with _mutex:
            del _asked[vehicle.smartcar_vehicle_id]
        mine.set()


def check(vehicle: ConnectedVehicle) -> None:
    """Raise RateLimited as long as Smartcar's last word on this car, or on this application, holds."""
    for refusal in active_limits([target_of(vehicle)]).values():
        raise refusal


def active_limits(targets: Collection[RateLimitKey]) -> dict[RateLimitKey, RateLimited]:
    """Which of these Smartcar would refuse now: one query for all of them. The longest refusal of each."""
    now = timezone.now()
    keys = {key for target in targets for key in target.keys}
    rows = Allowance.objects.filter(key__in=keys, blocked_until__gt=now)
    blocked: dict[str, datetime] = {row.key: row.blocked_until for row in rows if row.blocked_until}
    found = {}
    for target in targets:
        if own := [(blocked[key], key) for key in target.keys if key in blocked]:
            until, key = max(own)
            seconds = math.ceil((until - now).total_seconds())
            code = "VEHICLE" if key == target.vehicle_id else "SMARTCAR_API"
            found[target] = RateLimited(
                f"RATE_LIMIT:{code}: still blocked", type="RATE_LIMIT", code=code, retry_after=seconds
            )
    return found


def record_failure(vehicle: ConnectedVehicle, failure: Exception, requests: int = 1) -> None:
    """Count what failed, too; or remember for all workers that it was refused, past a transaction."""
    if isinstance(failure, RateLimited):
        record_limits([(target_of(vehicle), failure)])
    else:
        record_usage(vehicle, requests)


def record_limits(refused: Iterable[tuple[RateLimitKey, RateLimited]]) -> None:
    """Remember for all workers, past a transaction, what was refused: as many queries for many as for one.

    A refusal that ends sooner than one that is known changes nothing.
    """
    now = timezone.now()
    until: dict[str, datetime] = {}
    for target, refusal in refused:
        seconds = refusal.retry_after or DEFAULT_RETRY_AFTER.get(refusal.scope)
        if seconds is not None:
            ends = now + min(timedelta(seconds=seconds), timedelta(days=1))
            key = target.application if refusal.scope == "application" else target.vehicle_id
            until[key] = max(ends, until.get(key, ends))
    if not until:
        return
    ends_at = _by_key(until, DateTimeField())
    try:
        with _transactions.autonomous_connection(Allowance):
            _make_rows(until)
            shorter = Q(blocked_until=None) | Q(blocked_until__lt=ends_at)
            Allowance.objects.filter(shorter, key__in=until).update(blocked_until=ends_at)
    except OperationalError:
        logger.warning("a rate limit could not be remembered: the caller's transaction holds the database")


def record_usage(vehicle: ConnectedVehicle, requests: int = 1) -> None:
    """Add to what this car was asked this month, once the caller's transaction (if any) has ended."""
    add_usage({vehicle.smartcar_vehicle_id: requests})


def add_usage(requests: Mapping[str, int]) -> None:
    """The same for many cars, by Smartcar's ids: as many queries as for one."""
    asked = {vehicle_id: number for vehicle_id, number in requests.items() if number}
    if not asked:
        return
    if _transactions.is_open(Allowance):
        transaction.on_commit(partial(_add, asked), using=router.db_for_write(Allowance))
    else:
        _add(asked)


def _add(asked: Mapping[str, int]) -> None:
    month = f"{timezone.now():%Y-%m}"
    try:
        if not _add_to_one(asked, month):
            _make_rows(asked)
            number = _by_key(asked, IntegerField())
            # In this order: MariaDB lets what follows see the month that was set before.
            Allowance.objects.filter(key__in=asked).update(
                requests=Case(When(month=month, then=F("requests") + number), default=number), month=month
            )
    except OperationalError:
        # A count that is one too low is no reason to call a command lost that the car has obeyed.
        logger.warning("a request could not be counted: the database is busy")


def _add_to_one(asked: Mapping[str, int], month: str) -> bool:
    """What nearly every read comes to, in one plain query: a car that has been asked before in this month."""
    if len(asked) > 1:
        return False
    ((vehicle_id, number),) = asked.items()
    mine = Allowance.objects.filter(key=vehicle_id, month=month)
    return bool(mine.update(requests=F("requests") + number))


def _make_rows(keys: Iterable[str]) -> None:
    known = set(Allowance.objects.filter(key__in=keys).values_list("key", flat=True))
    if missing := [Allowance(key=key) for key in keys if key not in known]:
        # What another worker has made meanwhile is as good. Nothing is read in this transaction: on SQLite
        # one that writes after it has read is refused at once.
        with transaction.atomic(using=router.db_for_write(Allowance)):
            Allowance.objects.bulk_create(missing, ignore_conflicts=True)


def _by_key(values: Mapping[str, Any], field: Field[Any, Any]) -> Case:
    whens = [When(key=key, then=Value(value)) for key, value in values.items()]
    return Case(*whens, output_field=field)
