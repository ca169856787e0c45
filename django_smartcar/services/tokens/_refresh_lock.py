"""One process at a time renews a token, and what it got is never written over something newer.

Who wants to renew a token first takes a lease on its row with one conditional UPDATE; the exchange itself
runs outside any transaction of ours; its result is written only over the version that it came from. Everybody
else waits for the version to move.
"""

from __future__ import annotations

import logging
import random
import time
import uuid
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from django.core.exceptions import ObjectDoesNotExist
from django.db import InterfaceError, OperationalError, connections, router
from django.db.models import Q
from django.utils import timezone
from django.views.decorators.debug import sensitive_variables

from ...exceptions import ReconnectRequired, RefreshInProgress, TransactionNotAllowed
from ...models import LeasedToken
from .. import _transactions

logger = logging.getLogger(__name__)

#: How long one process may hold a row's exchange before another takes over: longer than two tries last
#: (`client.EXCHANGE_TIMEOUT`), and well inside the minute in which a used refresh token surely still works.
LEASE = timedelta(seconds=35)

#: How long a token that Smartcar has given is tried to be saved, in seconds, should the database be away.
SAVE_FOR = 20.0

_POLL_SECONDS = 0.05
_SAVE_PAUSE = 0.5


@sensitive_variables()
def renew(row: LeasedToken, exchange: Callable[[uuid.UUID], bool], *, wait: bool = True) -> bool:
    """Have the row's token exchanged by this process, or get what another one's exchange brought.

    ``exchange`` is called with the lease, outside any transaction, the caller's included. False where it was
    not called, because the row has moved on meanwhile: it is up to date then. Without ``wait`` another's
    exchange is not waited for. Raises RefreshInProgress after ``LEASE``, TransactionNotAllowed, and what
    ``exchange`` does.
    """
    with _transactions.autonomous_connection(type(row)) as is_past_a_transaction:
        try:
            lease = _lease(row, wait)
        except (OperationalError, ReconnectRequired) as error:
            if is_past_a_transaction:
                # The transaction holds the row or the database, or has not committed the row yet.
                raise TransactionNotAllowed(row) from error
            raise
        return lease is not None and exchange(lease)


def _lease(row: LeasedToken, wait: bool) -> uuid.UUID | None:
    """The lease of this version of the row; None once that has moved on, or another's is not waited for."""
    version = row.token_version
    deadline = time.monotonic() + LEASE.total_seconds()
    while True:
        if lease := _claim(row, version):
            return lease  # under this version, so the row's tokens are those that were read
        reload(row)
        if row.token_version != version or not row.is_refreshable or not wait:
            return None
        if time.monotonic() > deadline:
            raise RefreshInProgress(row)
        time.sleep(_POLL_SECONDS * random.uniform(1, 3))  # noqa: S311 (spreads the waiters, guards nothing)


@sensitive_variables()
def write(row: LeasedToken, version: int, **columns: Any) -> bool:
    """Write what an exchange brought, unless the row has moved on from the version that it came from.

    A database that is away is waited for: what is written here cannot be had a second time.
    """
    deadline = time.monotonic() + SAVE_FOR
    while True:
        try:
            if _rows(row).filter(pk=row.pk, token_version=version).update(**columns):
                for name, value in columns.items():
                    setattr(row, name, value)
                return True
            # Somebody took the lease over and was faster: theirs is the newest one.
            reload(row)
            return False
        except (OperationalError, InterfaceError) as error:
            if time.monotonic() > deadline:
                logger.critical("the new tokens of %s could not be saved: %s", row, type(error).__name__)
                raise
            logger.error("the new tokens of %s are not saved yet (%s)", row, type(error).__name__)
            connections[router.db_for_write(type(row))].close_if_unusable_or_obsolete()
            time.sleep(_SAVE_PAUSE)


def give_back(row: LeasedToken, lease: uuid.UUID, **columns: Any) -> bool:
    """End the lease without a result; False if it had already been taken over."""
    mine = _rows(row).filter(pk=row.pk, refresh_lease=lease)
    ended = mine.update(refresh_lease=None, refresh_lease_until=None, **columns)
    reload(row)
    return bool(ended)


def reload(row: LeasedToken) -> None:
    """Read the row anew. One that is gone was replaced by a newer grant: its holder starts from the car."""
    try:
        row.refresh_from_db()
    except ObjectDoesNotExist:
        raise ReconnectRequired(account=row) from None


def _claim(row: LeasedToken, version: int) -> uuid.UUID | None:
    now = timezone.now()
    lease = uuid.uuid4()
    free = Q(refresh_lease_until=None) | Q(refresh_lease_until__lte=now)
    won = (
        _rows(row)
        .refreshable()
        .filter(free, pk=row.pk, token_version=version)
        .update(refresh_lease=lease, refresh_lease_until=now + LEASE)
    )
    return lease if won else None


def _rows(row: LeasedToken) -> Any:
    return type(row)._default_manager
