"""Token buckets in the database: a bucket holds a number of tokens and is refilled evenly.

Its row has one column, ``full_at``: the time at which the bucket is full again. One conditional UPDATE takes
tokens, so that concurrent processes never take more than there are.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Case, DateTimeField, ExpressionWrapper, F, Q, QuerySet, Value, When
from django.utils import timezone

from ..conf import Rate


def take(rows: QuerySet[Any], rate: Rate, number: int, create: Callable[[], object]) -> int:
    """Take tokens from the bucket in ``rows``, and return 0; or take none, and return the seconds to wait.

    ``create`` creates the row, if no other process has. More tokens than the bucket holds are never there.
    """
    for _attempt in range(2):
        now = timezone.now()
        has_enough = Q(full_at=None) | Q(full_at__lte=now + _time_of(rate, rate.number - number))
        if rows.filter(has_enough).update(full_at=_later(now, _time_of(rate, number))):
            return 0
        if row := rows.values_list("full_at").first():
            break
        create()
    else:
        return 1  # deleted by another process just now
    wait = (row[0] or now) + _time_of(rate, number - rate.number) - now
    return max(1, math.ceil(wait.total_seconds()))


def available(rows: QuerySet[Any], rate: Rate) -> int:
    """Return how many tokens are in the bucket. Another process may take them first."""
    full_at: datetime | None = rows.values_list("full_at", flat=True).first()
    if full_at is None or full_at <= (now := timezone.now()):
        return rate.number
    return math.floor(rate.number - (full_at - now) / _time_of(rate, 1))


def put_back(rows: QuerySet[Any], rate: Rate, number: int) -> None:
    """Put tokens back that were taken and not needed."""
    earlier = ExpressionWrapper(F("full_at") - _time_of(rate, number), output_field=DateTimeField())
    rows.update(full_at=earlier)


def _time_of(rate: Rate, number: int) -> timedelta:
    """Return how long it takes to refill this number of tokens."""
    return timedelta(seconds=number * rate.seconds / rate.number)


def _later(now: datetime, duration: timedelta) -> Case:
    added = ExpressionWrapper(F("full_at") + duration, output_field=DateTimeField())
    return Case(
        When(full_at__gt=now, then=added), default=Value(now + duration), output_field=DateTimeField()
    )
