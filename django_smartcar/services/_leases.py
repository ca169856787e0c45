"""Leases on rows: the one lock that token refresh, vehicle sync and the webhook queue share.

A lease is an id in one column of a row and a time in another. It is taken, renewed and released with
conditional UPDATEs alone, so it works on every database and outside any transaction. While its process works,
a thread renews it. The lease of a process that died is free within `DURATION`.

A process that is suspended or cut off from the database loses its leases although it continues later. So
whoever holds a lease writes its results only to rows that are still `Lease.held`.

The times are those of the application's clocks. A live process never has less than `DURATION` minus
`HEARTBEAT` left, so clocks may differ by three seconds before one takes another's lease too early.
"""

from __future__ import annotations

import logging
import os
import threading
import time
import uuid
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from functools import reduce
from operator import or_
from typing import Any, NamedTuple

from django.db import connections, router, transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from . import _transactions

logger = logging.getLogger(__name__)

#: How long a lease is valid after it was last renewed.
DURATION = timedelta(seconds=4)

#: Seconds between two renewals: two of them may fail, or come late.
HEARTBEAT = 1.0


class LeaseColumns(NamedTuple):
    """Where a model stores its leases: the column of the id, and the column of the time."""

    holder: str
    time: str
    #: Whether the time is when the lease ends. Otherwise it is when the lease was last renewed.
    is_end: bool = True

    def free(self, now: datetime) -> Q:
        """Return the condition for rows without a lease, or with one that has expired."""
        return Q((self.time, None)) | Q((f"{self.time}__lte", self._last(now)))

    def expired(self, now: datetime) -> Q:
        """Return the condition for rows whose lease has expired: the process that held it died."""
        return Q((f"{self.holder}__isnull", False), (f"{self.time}__lte", self._last(now)))

    def renewed(self, now: datetime) -> datetime:
        """Return the time to store when the lease is taken or renewed."""
        return now + DURATION if self.is_end else now

    def _last(self, now: datetime) -> datetime:
        return now if self.is_end else now - DURATION


class Lease:
    """A process's lease on one or more of ``rows``, a queryset.

    It is renewed from `take` or `begin` until `close` or `release`, but not for longer than ``max_age`` since
    the last `extend`: a thread that hangs does not keep its rows for ever.
    """

    def __init__(self, columns: LeaseColumns, rows: QuerySet[Any], max_age: timedelta) -> None:
        self.id = uuid.uuid4()
        self.alias = router.db_for_write(rows.model)
        self._columns = columns
        self._rows = rows.using(self.alias)
        self._max_age = max_age
        self._deadline = 0.0
        self._begun_at = 0.0

    @property
    def held(self) -> QuerySet[Any]:
        """The rows that are still held: update these only, or another process's work is overwritten."""
        return self._rows.filter((self._columns.holder, self.id))

    @property
    def columns(self) -> dict[str, Any]:
        """The column values of a new row that this lease holds; `begin` follows the INSERT."""
        return {self._columns.holder: self.id, **self.time}

    @property
    def time(self) -> dict[str, datetime]:
        """The column value of a row whose lease is renewed now."""
        return {self._columns.time: self._columns.renewed(timezone.now())}

    @property
    def table(self) -> tuple[Any, ...]:
        """The leases with the same table are renewed together."""
        return self.alias, self._rows.model, self._columns

    @property
    def is_overdue(self) -> bool:
        """Whether the work has taken longer than ``max_age`` since the last `extend`."""
        return time.monotonic() > self._deadline

    def take(self, free: QuerySet[Any], **values: Any) -> int:
        """Take the lease on the rows that match ``free``, and write ``values``. Return how many were taken.

        The UPDATE itself checks the condition, so columns in it need not be read again.
        """
        number = free.using(self.alias).update(**self.columns, **values)
        if number:
            self.begin()
        return number

    def begin(self) -> None:
        """Start to renew the lease. Another process does not see the rows of a test's transaction."""
        self.extend()
        self._begun_at = time.time()
        if not _transactions.is_of_test(connections[self.alias]):
            _heartbeat.add(self)

    def extend(self) -> None:
        """Renew the lease for another ``max_age``: the work goes on. Sends no query."""
        self._deadline = time.monotonic() + self._max_age.total_seconds()

    def on(self, rows: QuerySet[Any]) -> Lease:
        """Return this lease on these rows only, of those that it was taken on."""
        part = Lease(self._columns, rows, self._max_age)
        part.id = self.id
        return part

    def renew(self) -> int:
        """Renew the lease at once. Return how many rows are still held: others may have been taken."""
        return self.held.update(**self.time)

    def is_held(self) -> bool:
        """Return whether all is still held. Sends no query until `HEARTBEAT` seconds after `begin`."""
        return 0 <= time.time() - self._begun_at < HEARTBEAT or bool(self.renew())

    def release(self, **values: Any) -> int:
        """End the lease and write ``values`` in the same statement. Return how many rows were still held."""
        self.close()
        return self.held.update(**{self._columns.holder: None}, **values)

    def close(self) -> None:
        """Stop renewing the lease. Rows that are still held are free within `DURATION`."""
        _heartbeat.discard(self)


@contextmanager
def lock_free(rows: QuerySet[Any]) -> Iterator[QuerySet[Any]]:
    """Lock the rows that no transaction has locked, and yield them by their keys. SQLite locks nothing.

    An UPDATE with another condition would let MariaDB find the rows by an index: it waits for the rows that
    others have locked on the way, and they for these, which is a deadlock.
    """
    if not connections[rows.db].features.has_select_for_update_skip_locked:
        yield rows
        return
    with transaction.atomic(rows.db):
        keys = rows.select_for_update(skip_locked=True).values_list("pk", flat=True)
        yield rows.model._default_manager.using(rows.db).filter(pk__in=list(keys))


class _Heartbeat:
    """The thread that renews the leases of this process. It ends when there are none."""

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Forget all leases: a forked process has none of its parent's, and no thread."""
        self._lock = threading.Lock()
        self._leases: set[Lease] = set()
        self._is_running = False

    def add(self, lease: Lease) -> None:
        with self._lock:
            self._leases.add(lease)
            if self._is_running:
                return
            self._is_running = True
        try:
            threading.Thread(target=self._run, name="smartcar-leases", daemon=True).start()
        except RuntimeError as error:  # too many threads, or the interpreter is exiting
            self._is_running = False
            logger.warning("cannot renew leases, they end after %s: %s", DURATION, error)

    def discard(self, lease: Lease) -> None:
        with self._lock:
            self._leases.discard(lease)

    def _run(self) -> None:
        tick = threading.Event()
        while not tick.wait(HEARTBEAT):
            with self._lock:
                self._leases = {lease for lease in self._leases if not lease.is_overdue}
                leases = list(self._leases)
                if not leases:
                    self._is_running = False
                    return
            tables = defaultdict(list)
            for lease in leases:
                tables[lease.table].append(lease)
            for those in tables.values():
                _renew_together(those)


def _renew_together(leases: list[Lease]) -> None:
    """Renew leases on one table with one UPDATE, whatever goes wrong with it."""
    try:
        with _own_connection(leases[0].alias):
            rows = reduce(or_, (lease.held for lease in leases))
            # One locked row must not delay the others; nobody else can take it either.
            with lock_free(rows) as free:
                free.update(**leases[0].time)
    except Exception as error:
        # Try again at the next tick. A lease that is lost meanwhile is noticed by whoever holds it.
        logger.warning("could not renew %d leases: %s", len(leases), type(error).__name__)


@contextmanager
def _own_connection(alias: str) -> Iterator[None]:
    """Use a new connection, outside Django's pool: that may have none left for this thread."""
    connection = connections[alias] = _transactions.separate_copy(connections[alias])
    try:
        yield
    finally:
        connection.close()
        del connections[alias]


_heartbeat = _Heartbeat()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_heartbeat.reset)
