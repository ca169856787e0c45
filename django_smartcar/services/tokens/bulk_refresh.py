"""Refresh many tokens: read what is due in pages, and refresh it in a bounded number of threads.

Any number of processes on any number of machines may run at the same time: the lock decides which of them
refreshes a token, and a row that has been refreshed since it was read is skipped.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Any, TypeAlias

from django.db import connections, router, transaction
from django.db.models import Q
from django.utils import timezone

from ... import sdk
from ...conf import conf
from ...databases import primary
from ...exceptions import (
    RateLimitingException,
    ReconnectRequired,
    SmartcarAppError,
    SmartcarException,
    error_code,
)
from ...models import LeasedToken, SmartcarAccount
from ...querysets import Pages
from .. import _backoff, _concurrency, outcomes, tokens
from .._backoff import Backoff
from .._leases import DURATION
from ..outcomes import Outcome

Result: TypeAlias = outcomes.Result[LeasedToken]

#: How many rows are read at once: the maximum in memory, however many are due.
PAGE = 500

#: Seconds between two searches for rows whose refresh was interrupted.
SEARCH_INTERVAL = 1.0

#: A run refreshes one interrupted row at a time, and one more for each of these seconds that it has lived: a
#: run that has just begun may be killed as the one before it.
RAMP_SECONDS = 1.0

#: The SDK's connection pool has no room for more threads than this.
MAX_THREADS = sdk.MAX_CONNECTIONS


def due(
    within: timedelta | None, page: int = PAGE, wait: Callable[[float], bool] | None = None
) -> Iterator[LeasedToken]:
    """Yield the rows whose token expires ``within`` this time (None: all rows), the most urgent first.

    Rows whose refresh was interrupted when its process died come before the others, whenever they are found.
    With ``wait``, which sleeps and returns whether to continue, so do those of a process that has just died.
    """
    interrupted = _Interrupted(page)
    yield from interrupted.rows()
    for row in _rows(within, page):
        if interrupted.is_time_to_search:
            yield from interrupted.rows()
        yield row
    deadline = time.monotonic() + DURATION.total_seconds()
    while wait is not None and _is_any_locked() and time.monotonic() < deadline and wait(SEARCH_INTERVAL / 2):
        yield from interrupted.rows()


def count_due(within: timedelta | None) -> int:
    """Return about how many rows `due` will yield. The database counts all of them, which takes a while."""
    now = timezone.now()
    accounts = primary(SmartcarAccount).refresh_unknown().count() + _accounts(within, now).count()
    return int(accounts) + sum(1 for _ in _application(within))


def refresh_one(pk: int, version: int) -> Outcome:
    """Refresh the account's token, unless it no longer has the version that was due.

    Raises as `tokens.refresh` does, except for ReconnectRequired, which is an outcome.
    """
    row = primary(SmartcarAccount).refreshable().filter(pk=pk, token_version=version).first()
    return Outcome.SKIPPED if row is None else _refresh(row)


class BulkRefresher:
    """Refreshes rows in several threads, until there are no more or it is stopped.

    ``on_result`` is called with each result, by one thread at a time. After a 429 all threads pause.
    """

    def __init__(self, on_result: Callable[[Result], None]) -> None:
        self.is_stopped = False
        self._on_result = on_result
        self._results_lock = threading.Lock()
        #: Held while the next row is read; notified when an interrupted row has been refreshed.
        self._rows_lock = threading.Condition()
        self._interrupted: set[LeasedToken] = set()
        self._began_at = 0.0
        self._backoff = Backoff()

    def stop(self) -> None:
        """Start no further refresh. Safe to call in a signal handler: it takes no lock."""
        self.is_stopped = True

    def run(self, rows: Iterator[LeasedToken], concurrency: int) -> None:
        """Refresh ``rows`` and wait for all refreshes. Raises what ``rows`` and ``on_result`` raise."""
        self._began_at = time.monotonic()
        alias = router.db_for_write(SmartcarAccount)
        concurrency = _concurrency.fitting(concurrency)
        # Other threads would not see what the caller's transaction has written.
        if concurrency == 1 or transaction.get_connection(alias).in_atomic_block:
            self._refresh_all(rows)
            return
        with ThreadPoolExecutor(concurrency, "refresh_smartcar_tokens") as pool:
            threads = [pool.submit(self._refresh_all_in_thread, rows) for _ in range(concurrency)]
        for thread in threads:
            thread.result()

    def wait(self, seconds: float) -> bool:
        """Sleep. Return False if the run has been stopped."""
        return _backoff.sleep(seconds, lambda: self.is_stopped)

    def _refresh_all_in_thread(self, rows: Iterator[LeasedToken]) -> None:
        try:
            self._refresh_all(rows)
        finally:
            connections.close_all()

    def _refresh_all(self, rows: Iterator[LeasedToken]) -> None:
        try:
            while (row := self._next(rows)) is not None:
                try:
                    result = self._result(row)
                finally:
                    self._ended(row)
                with self._results_lock:
                    self._on_result(result)
        except BaseException:
            self.stop()
            raise

    def _next(self, rows: Iterator[LeasedToken]) -> LeasedToken | None:
        """Return the next row to refresh.

        While interrupted rows are refreshed, no others are, and few of them at once (`RAMP_SECONDS`): each is
        finished sooner, and a kill interrupts few again.
        """
        if not self._backoff.wait(lambda: self.is_stopped):
            return None
        with self._rows_lock:
            row = next(rows, None)
            is_interrupted = row is not None and _is_interrupted(row)
            while len(self._interrupted) > (self._ramp() if is_interrupted else 0) and not self.is_stopped:
                self._rows_lock.wait(RAMP_SECONDS)
            if self.is_stopped:
                return None
            if row is not None and is_interrupted:
                self._interrupted.add(row)
            return row

    def _ramp(self) -> int:
        return int((time.monotonic() - self._began_at) / RAMP_SECONDS)

    def _ended(self, row: LeasedToken) -> None:
        if row in self._interrupted:
            with self._rows_lock:
                self._interrupted.discard(row)
                self._rows_lock.notify_all()

    def _result(self, row: LeasedToken) -> Result:
        while True:
            try:
                outcome = _refresh(row)
            except RateLimitingException as error:
                if not self._backoff.begin(error.retry_after):
                    self.stop()
                    return Result(row, Outcome.FAILED, error_code(error), error)
                if not self._backoff.wait(lambda: self.is_stopped):
                    return Result(row, Outcome.SKIPPED)
            except (SmartcarException, SmartcarAppError) as error:
                return Result(row, Outcome.FAILED, error_code(error), error)
            else:
                if outcome is not Outcome.SKIPPED:
                    self._backoff.end()
                return Result(row, outcome)


class _Interrupted:
    """The rows whose refresh was interrupted, each once, as they become known during a run."""

    def __init__(self, page: int) -> None:
        accounts = primary(SmartcarAccount)
        # In random order: the first exchange of a run takes longest, so it must not always be the same one's.
        self._pages = Pages(lambda: accounts.with_expired_lock(timezone.now()), "refresh_lease_until", page)
        self._searched_at = 0.0

    @property
    def is_time_to_search(self) -> bool:
        return time.monotonic() - self._searched_at >= SEARCH_INTERVAL

    def rows(self) -> Iterator[LeasedToken]:
        while batch := self._pages.read():
            yield from batch
        self._searched_at = time.monotonic()


def _is_interrupted(row: LeasedToken) -> bool:
    """Return whether the row was left behind by a process that died, when it was read."""
    return row.refresh_lease_until is not None and row.refresh_lease_until <= timezone.now()


def _is_any_locked() -> bool:
    locked = primary(SmartcarAccount).refreshable().filter(refresh_lease_until__gt=timezone.now())
    return bool(locked.exists())


def _rows(within: timedelta | None, page: int) -> Iterator[LeasedToken]:
    """Yield the rows that are due, those without an access token first."""
    now = timezone.now()
    yield from _application(within)
    unknown = Pages(primary(SmartcarAccount).refresh_unknown, "access_expires_at", page)
    known = Pages(lambda: _accounts(within, now), "access_expires_at", page)
    for pages in (unknown, known):
        while batch := pages.read():
            yield from batch


def _accounts(within: timedelta | None, now: datetime) -> Any:
    accounts = primary(SmartcarAccount)
    if within is None:
        rows = accounts.refreshable().exclude(access_expires_at=None)
    else:
        rows = accounts.refresh_due(now + within)
    # A row that is refreshed during this run expires later than before, so a later page would have it again.
    return rows.filter(Q(refreshed_at=None) | Q(refreshed_at__lt=now)).defer("access_token")


def _application(within: timedelta | None) -> Iterator[LeasedToken]:
    """Yield the application's own token if the site uses API v3 and it is due."""
    if conf.SMARTCAR_API_VERSION == SmartcarAccount.ApiVersion.V3:
        row = tokens.application()
        if within is None or row.access_expires_within(within):
            yield row


def _refresh(row: LeasedToken) -> Outcome:
    try:
        return Outcome.REFRESHED if tokens.refresh(row, wait=False) else Outcome.SKIPPED
    except ReconnectRequired:
        return Outcome.NEEDS_DRIVER
