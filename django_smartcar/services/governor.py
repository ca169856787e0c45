"""Keeps this site from asking what Smartcar would refuse, and counts what it asks.

What Smartcar says of its limits is in the database, for all workers: nobody asks a car again before its
``Retry-After`` is over, and nobody sleeps until then.
"""

from __future__ import annotations

import contextlib
import logging
import math
import threading
from collections.abc import Iterator
from datetime import timedelta
from functools import partial

from django.db import IntegrityError, OperationalError, router, transaction
from django.db.models import F, Q
from django.utils import timezone

from ..exceptions import RateLimited
from ..models import Allowance, ConnectedVehicle
from . import outside

logger = logging.getLogger(__name__)

#: Seconds to leave Smartcar alone where it does not say. The application's bucket of 120 requests gets two
#: new ones a minute; a car rests two minutes. How long a brand is sore is not known: nothing is blocked then.
REST = {"application": 30, "vehicle": 120}

#: How long, in seconds, a request waits for the answer to another thread's to the same car: a refusal comes
#: at once, so what takes longer is none.
GLANCE = 2.0

_asked: dict[str, threading.Event] = {}
_mutex = threading.Lock()


@contextlib.contextmanager
def admission(vehicle: ConnectedVehicle) -> Iterator[None]:
    """Let one request pass; RateLimited where Smartcar would refuse it.

    Of many threads that ask one car in one moment the first goes ahead: if it is refused, so are they.
    """
    with _mutex:
        ahead = _asked.get(vehicle.smartcar_vehicle_id)
        if ahead is None:
            mine = _asked[vehicle.smartcar_vehicle_id] = threading.Event()
    if ahead is not None:
        ahead.wait(GLANCE)
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
    now = timezone.now()
    mine = Allowance.objects.filter(key__in=_keys(vehicle).values(), blocked_until__gt=now)
    blocked = mine.order_by("-blocked_until").first()
    if blocked is not None and blocked.blocked_until is not None:
        seconds = math.ceil((blocked.blocked_until - now).total_seconds())
        is_the_cars = blocked.key == vehicle.smartcar_vehicle_id
        raise RateLimited(seconds, "vehicle" if is_the_cars else "application")


def note(vehicle: ConnectedVehicle, failure: Exception, requests: int = 1) -> None:
    """Count what failed, too; or remember for all workers that it was refused, past a transaction."""
    if not isinstance(failure, RateLimited):
        count(vehicle, requests)
        return
    seconds = failure.retry_after or REST.get(failure.scope)
    if seconds is None:
        return
    until = timezone.now() + timedelta(seconds=min(seconds, timedelta(days=1).total_seconds()))
    key = _keys(vehicle)["application" if failure.scope == "application" else "vehicle"]
    try:
        with outside.callers_transaction(Allowance):
            _row(key)
            shorter = Q(blocked_until=None) | Q(blocked_until__lt=until)
            Allowance.objects.filter(shorter, key=key).update(blocked_until=until)
    except OperationalError:
        logger.warning("a rate limit could not be remembered: the caller's transaction holds the database")


def count(vehicle: ConnectedVehicle, requests: int = 1) -> None:
    """Add to what this car was asked this month, once the caller's transaction (if any) has ended."""
    if not requests:
        return
    add = partial(_add, vehicle.smartcar_vehicle_id, requests)
    if outside.is_open(Allowance):
        transaction.on_commit(add, using=router.db_for_write(Allowance))
    else:
        add()


def _add(key: str, requests: int) -> None:
    month = f"{timezone.now():%Y-%m}"
    mine = Allowance.objects.filter(key=key)
    try:
        if not mine.filter(month=month).update(requests=F("requests") + requests):
            _row(key)
            # Whoever comes second in a new month adds to what the first has written.
            if not mine.exclude(month=month).update(month=month, requests=requests):
                mine.filter(month=month).update(requests=F("requests") + requests)
    except OperationalError:
        # A count that is one too low is no reason to call a command lost that the car has obeyed.
        logger.warning("a request could not be counted: the database is busy")


def _row(key: str) -> None:
    if Allowance.objects.filter(key=key).exists():
        return
    # Nothing is read in this transaction: on SQLite one that writes after it has read is refused at once.
    with contextlib.suppress(IntegrityError), transaction.atomic(using=router.db_for_write(Allowance)):
        Allowance.objects.create(key=key)


def _keys(vehicle: ConnectedVehicle) -> dict[str, str]:
    version = vehicle.account.api_version
    return {"vehicle": vehicle.smartcar_vehicle_id, "application": f"application:{version}"}
