"""The distributed lock around a token exchange, and the compare-and-swap that stores its result.

A process that refreshes a token first takes a lease on its row. The exchange runs outside the caller's
transaction. The result is stored only if the row still has the version that the exchange started from. Other
processes wait until the version changes.
"""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from django.core.exceptions import ObjectDoesNotExist
from django.db import InterfaceError, OperationalError, connections, router
from django.utils import timezone

from ...exceptions import ReconnectRequired, RefreshInProgress, TransactionNotAllowed
from ...models import LeasedToken
from .. import _transactions
from .._leases import Lease, LeaseColumns

logger = logging.getLogger(__name__)

#: Until another process may take over: longer than two attempts last (`client.EXCHANGE_TIMEOUT`), and shorter
#: than the minute for which a used refresh token still works.
LEASE = timedelta(seconds=35)

#: Seconds to keep retrying to save a new token while the database is unavailable.
SAVE_FOR = 20.0

_POLL_SECONDS = 0.05
_SAVE_PAUSE = 0.5


def refresh_with_lock(row: LeasedToken, exchange: Callable[[Lease], bool], *, wait: bool = True) -> bool:
    """Call ``exchange`` under the row's lease, or wait for the result of another process's exchange.

    ``exchange`` runs outside any transaction, the caller's included. Returns False if it was not called
    because the row has been refreshed in the meantime: the row is then up to date. With ``wait=False`` a
    running exchange is not waited for. Raises RefreshInProgress after ``LEASE``, TransactionNotAllowed, and
    whatever ``exchange`` raises.
    """
    with _transactions.autonomous_connection(type(row)) as is_in_transaction:
        try:
            lease = _acquire(row, wait)
        except (OperationalError, ReconnectRequired) as error:
            if is_in_transaction:
                # The transaction has locked the row or the database, or has not committed the row yet.
                raise TransactionNotAllowed(row) from error
            raise
        return lease is not None and exchange(lease)


def _acquire(row: LeasedToken, wait: bool) -> Lease | None:
    """Return a lease on this version of the row; None if the version has changed or ``wait`` is False."""
    version = row.token_version
    deadline = time.monotonic() + LEASE.total_seconds()
    while True:
        if lease := _take(row, version):
            return lease  # its UPDATE names the version, so the row's tokens are those that were read
        reload(row)
        if row.token_version != version or not row.is_refreshable or not wait:
            return None
        if time.monotonic() > deadline:
            raise RefreshInProgress(row)
        time.sleep(_POLL_SECONDS * random.uniform(1, 3))  # noqa: S311 (spreads the waiting processes)


def write(row: LeasedToken, version: int, **columns: Any) -> bool:
    """Write ``columns`` if the row still has this version. Return False, with the row reloaded, if not.

    Retries for ``SAVE_FOR`` seconds while the database is unavailable: a token cannot be requested twice.
    """
    deadline = time.monotonic() + SAVE_FOR
    while True:
        try:
            if _rows(row).filter(pk=row.pk, token_version=version).update(**columns):
                for name, value in columns.items():
                    setattr(row, name, value)
                return True
            # Another process took the lease over and was faster: its token is the latest.
            reload(row)
            return False
        except (OperationalError, InterfaceError) as error:
            if time.monotonic() > deadline:
                logger.critical("could not save the new tokens of %s: %s", row, type(error).__name__)
                raise
            logger.error("could not save the new tokens of %s yet, retrying: %s", row, type(error).__name__)
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
        row.refresh_from_db()
    except ObjectDoesNotExist:
        raise ReconnectRequired(account=row) from None


def _take(row: LeasedToken, version: int) -> Lease | None:
    columns = LeaseColumns("refresh_lease", "refresh_lease_until", LEASE)
    lease = Lease(columns, _rows(row).filter(pk=row.pk))
    unchanged = _rows(row).refreshable().filter(pk=row.pk, token_version=version)
    return lease if lease.take(unchanged.filter(columns.free(timezone.now()))) else None


def _rows(row: LeasedToken) -> Any:
    return type(row)._default_manager
