"""Background work leaves a reserve of Smartcar's rate limit to requests that a driver waits for.

Smartcar does not tell how many requests are left. So the requests of background work are counted, and its
share of ``SMARTCAR_RATE_LIMIT`` is a bucket of its own: whatever background work does, the rest is left.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from itertools import accumulate

from django.db import router, transaction
from django.db.models import QuerySet

from ..conf import Rate, conf
from ..exceptions import RateLimited
from ..models import RateLimit
from . import _token_bucket

#: The part of the rate limit that background work may use.
SHARE = 0.8


def take(api_version: str, costs: Sequence[int] = (1,)) -> int:
    """Return how many of these requests, the first ones, background work may send now: one at least.

    Raises RateLimited, with ``retry_after``, if it may not send even the first.
    """
    if conf.SMARTCAR_RATE_LIMIT is None:
        return len(costs)
    rate = _share()
    key = f"application:{api_version}"
    rows: QuerySet[RateLimit] = RateLimit.objects.using(router.db_for_write(RateLimit)).filter(key=key)

    def create() -> None:
        with transaction.atomic(using=rows.db):
            rows.bulk_create([RateLimit(key=key)], ignore_conflicts=True)

    sums = list(accumulate(costs))
    granted = max(1, bisect_right(sums, _token_bucket.available(rows, rate)))
    if seconds := _token_bucket.take(rows, rate, min(sums[granted - 1], rate.number), create):
        raise RateLimited(
            "RATE_LIMIT:SMARTCAR_API: the rest is kept for drivers",
            type="RATE_LIMIT",
            code="SMARTCAR_API",
            retry_after=seconds,
        )
    return granted


def _share() -> Rate:
    size, per_minute = conf.SMARTCAR_RATE_LIMIT or (1, 1)
    return Rate(max(1, int(size * SHARE)), size / per_minute * 60)
