"""Limits of what a user can make this site do, from ``SMARTCAR_USER_LIMITS``. Views call `check`."""

from __future__ import annotations

import logging
from typing import Any

from django.db import router, transaction
from django.db.models import QuerySet

from ..conf import conf
from ..exceptions import TooManyRequests
from ..models import Throttle
from . import _token_bucket

logger = logging.getLogger(__name__)


def check(user: Any, kind: str, cost: int = 1) -> None:
    """Count a request of this kind. Raises TooManyRequests, and counts nothing, beyond the user's limit."""
    rate = conf.user_limits.get(kind)
    if rate is None:
        return

    def create() -> None:
        with transaction.atomic(using=rows.db):
            rows.bulk_create([Throttle(user=user, kind=kind)], ignore_conflicts=True)

    rows = _rows(user, kind)
    if seconds := _token_bucket.take(rows, rate, min(cost, rate.number), create):
        logger.warning("user %s has reached the limit of %s", user.pk, kind)
        raise TooManyRequests(kind, seconds)


def give_back(user: Any, kind: str, cost: int) -> None:
    """Uncount requests that turned out to cost less than was counted."""
    if (rate := conf.user_limits.get(kind)) is not None:
        _token_bucket.put_back(_rows(user, kind), rate, min(cost, rate.number))


def _rows(user: Any, kind: str) -> QuerySet[Throttle]:
    return Throttle.objects.using(router.db_for_write(Throttle)).filter(user=user, kind=kind)
