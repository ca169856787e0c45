"""The distributed lock around a token exchange, and the compare-and-swap that stores its result.

A process that refreshes a token first takes a lease on its row. The exchange runs outside the caller's
transaction. Its result is stored only if the row still has the version that the exchange started from, and
the lease. Other processes wait until the version changes.
"""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Callable
from contextlib import closing
from datetime import timedelta
from typing import Any

from django.core.exceptions import ObjectDoesNotExist
from django.db import InterfaceError, OperationalError, connections, router
from django.utils import timezone

from ... import databases
from ...exceptions import ReconnectRequired, RefreshInProgress, TransactionNotAllowed
from ...models import LeasedToken
from .. import _transactions
from .._leases import Lease, LeaseColumns

logger = logging.getLogger(__name__)

#: How long an exchange may take: longer than its two attempts (`client.MAX_EXCHANGE_SECONDS`), and shorter
#: than the minute for which a used refresh token still works. Other processes wait for as long.
MAX_EXCHANGE = timedelta(seconds=35)

COLUMNS = LeaseColumns("refresh_lease", "refresh_lease_until")

#: Seconds to keep retrying to save a new token while the database is unavailable.
SAVE_FOR = 20.0

_POLL_SECONDS = 0.05
_SAVE_PAUSE = 0.5


def refresh_with_lock(row: LeasedToken, exchange: Callable[[Lease], bool], *, wait: bool = True) -> bool:
    """Call ``exchange`` under the row's lease, or wait for the result of another process's exchange.

    ``exchange`` runs outside any transaction, the caller's included. Returns False if it was not called
    because the row has been refreshed in the meantime: the row is then up to date. With ``wait=False`` a
    running exchange is not waited for. An ``exchange`` that has lost its lease returns False, and its result
    is not stored: then another process's is waited for. Raises RefreshInProgress after ``MAX_EXCHANGE``,
    TransactionNotAllowed, and whatever ``exchange`` raises.
    """
    version, deadline = row.token_version, time.monotonic() + MAX_EXCHANGE.total_seconds()
    with _transactions.autonomous_connection(type(row)) as is_in_transaction:
        while row.token_version == version:
            try:
                lease = _acquire(row, wait, deadline)
            except (OperationalError, ReconnectRequired) as error:
                if is_in_transaction:
                    # The transaction has locked the row or the database, or has not committed the row yet.
                    raise TransactionNotAllowed(row) from error
                raise
            if lease is None:
                return False
            with closing(lease):
                if exchange(lease):
                    return True
    return False


def _acquire(row: LeasedToken, wait: bool, deadline: float) -> Lease | None:
    """Return a lease on this version of the row; None if the version has changed or ``wait`` is False."""
    version = row.token_version
    while True:
        if lease := _take(row, version):
            return lease  # its UPDATE names the version, so the row's tokens are those that were read
        reload(row)
        if row.token_version != version or not row.is_refreshable or not wait:
            return None
        if time.monotonic() > deadline:
            raise RefreshInProgress(row)
        time.sleep(_POLL_SECONDS * random.uniform(1, 3))  # noqa: S311 (spreads the waiting processes)


def write(row: LeasedToken, version: int, lease: Lease | None = None, **columns: Any) -> bool:
    """Write ``columns`` if the row still has this version, and this lease. If not, reload it; return False.

    Retries for ``SAVE_FOR`` seconds while the database is unavailable: a token cannot be requested twice.
    """
    deadline = time.monotonic() + SAVE_FOR
    rows = lease.held if lease else _rows(row).filter(pk=row.pk)
    while True:
        try:
            if rows.filter(token_version=version).update(**columns):
                for name, value in columns.items():
                    setattr(row, name, value)
                return True
            # Another process took the lease over, and exchanges or has exchanged the token later.
            reload(row)
            return False
        except (OperationalError, InterfaceError) as error:
            if time.monotonic() > deadline:
                logger.critical(
                    "could not save the new tokens of %s: %s", row.reference, type(error).__name__
                )
                raise
            logger.error(
                "could not save the new tokens of %s yet, retrying: %s", row.reference, type(error).__name__
            )
            connections[router.db_for_write(type(row))].close_if_unusable_or_obsolete()
            time.sleep(_SAVE_PAUSE)


def release(row: LeasedToken, lease: Lease, **columns: Any) -> bool:
    """Release the lease after a failed exchange. Return False if another process had taken it over."""
    released = lease.release(refresh_lease_until=None, **columns)
    reload(row)
    return bool(released)


def reload(row: LeasedToken) -> None:
    """Reload the row. Raises ReconnectRequired if it is gone: a newer grant has replaced it."""
    try:
        databases.reload(row)
    except ObjectDoesNotExist:
        raise ReconnectRequired(account=row) from None


def _take(row: LeasedToken, version: int) -> Lease | None:
    lease = Lease(COLUMNS, _rows(row).filter(pk=row.pk), MAX_EXCHANGE)
    unchanged = _rows(row).refreshable().filter(pk=row.pk, token_version=version)
    return lease if lease.take(unchanged.filter(COLUMNS.free(timezone.now()))) else None


def _rows(row: LeasedToken) -> Any:
    return databases.primary(type(row))
