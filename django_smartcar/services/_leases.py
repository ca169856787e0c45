"""Leases on rows: the one lock that token refresh, vehicle sync and the webhook queue share.

A lease is an id in one column of a row and a time in another. It is taken, renewed and released with
conditional UPDATEs alone, so it works on every database and outside any transaction. The lease of a process
that died expires.
"""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from django.db.models import Q, QuerySet
from django.utils import timezone


class LeaseColumns(NamedTuple):
    """Where a model stores its leases: the column of the id, and the column of the time."""

    holder: str
    #: When the lease ends; or when it was last renewed, if ``duration`` is zero.
    time: str
    duration: timedelta = timedelta(0)

    def free(self, now: datetime) -> Q:
        """Return the condition for rows without a lease, or with one that has expired."""
        return Q((self.time, None)) | Q((f"{self.time}__lte", now))


class Lease:
    """A process's lease on one or more of ``rows``, a queryset."""

    def __init__(self, columns: LeaseColumns, rows: QuerySet[Any]) -> None:
        self.id = uuid.uuid4()
        #: The column values that `take` wrote.
        self.values: dict[str, Any] = {}
        self._columns = columns
        self._rows = rows

    @property
    def held(self) -> QuerySet[Any]:
        """The rows that are still held: update these only, or another process's work is overwritten."""
        return self._rows.filter((self._columns.holder, self.id))

    def take(self, free: QuerySet[Any], **values: Any) -> int:
        """Take the lease on the rows that match ``free``. Return how many were taken.

        The UPDATE itself checks the condition, so columns in it need not be read again.
        """
        self.values = {self._columns.holder: self.id, **self._time()}
        return free.update(**self.values, **values)

    def on(self, rows: QuerySet[Any]) -> Lease:
        """Return this lease on these rows only, of those that it was taken on."""
        part = Lease(self._columns, rows)
        part.id, part.values = self.id, self.values
        return part

    def renew(self) -> int:
        """Extend the lease. Return how many rows are still held: another process may have taken some."""
        return self.held.update(**self._time())

    def release(self, **values: Any) -> int:
        """End the lease and write ``values`` in the same statement. Return how many rows were still held."""
        return self.held.update(**{self._columns.holder: None}, **values)

    def _time(self) -> dict[str, datetime]:
        return {self._columns.time: timezone.now() + self._columns.duration}
