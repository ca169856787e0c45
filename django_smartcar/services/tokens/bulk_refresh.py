"""Many tokens at once: what is due is walked in pages, and exchanged by a bounded number of threads.

Any number of processes, on any number of machines, may do it in the same moment: the lease decides which of
them exchanges a token, and a row that has been renewed since it was read is left alone.
"""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from django.db import connections, router, transaction
from django.db.models import Q
from django.utils import timezone

from ... import sdk
from ...conf import conf
from ...exceptions import (
    RateLimitingException,
    ReconnectRequired,
    SmartcarAppError,
    SmartcarException,
    error_code,
)
from ...models import LeasedToken, SmartcarAccount
from ...querysets import Pages
from .. import tokens

#: How many rows are read at once: all that a walk has in memory, however many are due.
PAGE = 500

#: More threads than this would find no connection to keep open.
MAX_THREADS = sdk.MAX_CONNECTIONS


class Outcome(StrEnum):
    REFRESHED = "refreshed"
    NEEDS_DRIVER = "needs driver"
    FAILED = "failed"
    #: Somebody else has renewed it meanwhile, or is about to.
    SKIPPED = "skipped"


@dataclass(frozen=True)
class Result:
    row: LeasedToken
    outcome: Outcome
    reason: str = ""


def due(within: timedelta | None, page: int = PAGE) -> Iterator[LeasedToken]:
    """What is to be refreshed because it ends ``within`` this time (None: everything), urgent ones first.

    What a process that died has left behind goes before the rest, whenever it is found.
    """
    now = timezone.now()
    accounts = SmartcarAccount.objects
    with_expired_lock = Pages(lambda: accounts.with_expired_lock(timezone.now()), "refresh_lease_until", page)
    unknown = Pages(accounts.refresh_unknown, "access_expires_at", page)
    known = Pages(lambda: _accounts(within, now), "access_expires_at", page)
    yield from _application(within)
    for pages in (unknown, known):
        while True:
            while urgent := with_expired_lock.read():
                yield from urgent
            if not (batch := pages.read()):
                break
            yield from batch


def count_due(within: timedelta | None) -> int:
    """About how many `due` will give; it asks the database to count them all."""
    now = timezone.now()
    accounts = SmartcarAccount.objects.refresh_unknown().count() + _accounts(within, now).count()
    return int(accounts) + sum(1 for _ in _application(within))


def refresh_one(pk: int, version: int) -> Outcome:
    """Refresh the account that was found due when its token had this version, unless it has moved on since.

    Raises as `tokens.refresh` does, but for ReconnectRequired: that is an outcome.
    """
    row = SmartcarAccount.objects.refreshable().filter(pk=pk, token_version=version).first()
    return Outcome.SKIPPED if row is None else _refresh(row)


class BulkRefresher:
    """Refreshes rows with several threads, until there are no more or it is told to stop.

    ``tell`` is called with each result, by one thread at a time. When Smartcar answers 429 all threads pause.
    """

    def __init__(self, tell: Callable[[Result], None]) -> None:
        self.is_stopped = False
        self._tell = tell
        self._turn = threading.Lock()
        self._pause = _Pause()

    def stop(self) -> None:
        """Begin nothing more. A signal may call this: it takes no lock."""
        self.is_stopped = True

    def run(self, rows: Iterator[LeasedToken], concurrency: int) -> None:
        """Returns when what was begun is finished. Raises what ``rows`` and ``tell`` do."""
        alias = router.db_for_write(SmartcarAccount)
        # Other threads would not see what the caller's transaction has written.
        if concurrency == 1 or transaction.get_connection(alias).in_atomic_block:
            self._work(rows)
            return
        with ThreadPoolExecutor(concurrency, "refresh_smartcar_tokens") as pool:
            threads = [pool.submit(self._work_in_a_thread, rows) for _ in range(concurrency)]
        for thread in threads:
            thread.result()

    def wait(self, seconds: float) -> bool:
        """Sleep, unless the run is stopped meanwhile; whether it goes on."""
        ends = time.monotonic() + seconds
        while not self.is_stopped and (left := ends - time.monotonic()) > 0:
            time.sleep(min(left, 0.2))
        return not self.is_stopped

    def _work_in_a_thread(self, rows: Iterator[LeasedToken]) -> None:
        try:
            self._work(rows)
        finally:
            connections.close_all()

    def _work(self, rows: Iterator[LeasedToken]) -> None:
        try:
            while (row := self._next(rows)) is not None:
                result = self._result(row)
                with self._turn:
                    self._tell(result)
        except BaseException:
            self.stop()
            raise

    def _next(self, rows: Iterator[LeasedToken]) -> LeasedToken | None:
        if not self.wait(self._pause.left):
            return None
        with self._turn:
            return next(rows, None)

    def _result(self, row: LeasedToken) -> Result:
        while True:
            try:
                outcome = _refresh(row)
            except RateLimitingException as error:
                if not self._pause.begin(error.retry_after):
                    self.stop()
                    return Result(row, Outcome.FAILED, error_code(error))
                if not self.wait(self._pause.left):
                    return Result(row, Outcome.SKIPPED)
            except (SmartcarException, SmartcarAppError) as error:
                return Result(row, Outcome.FAILED, error_code(error))
            else:
                if outcome is not Outcome.SKIPPED:
                    self._pause.end()
                return Result(row, outcome)


class _Pause:
    """All threads stop together while Smartcar wants fewer requests, and go on together. In seconds."""

    FIRST, LONGEST = 1.0, 60.0
    #: When nothing but 429 has come for so long, the run gives up; the next one may be luckier.
    MAX_RATE_LIMIT_WAIT = 600.0

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._since: float | None = None
        self._until = 0.0
        self._length = self.FIRST

    @property
    def left(self) -> float:
        return self._until - time.monotonic()

    def begin(self, retry_after: float | None) -> bool:
        """Have everybody wait as long as Smartcar asks, or longer each time; False if it lasts too long."""
        with self._lock:
            now = time.monotonic()
            if self._since is None:
                self._since = now
            if now >= self._until:  # those whose requests were under way belong to the pause that they meet
                self._until = now + self._length * random.uniform(1, 1.25)  # noqa: S311 (copies part ways)
                self._length = min(2 * self._length, self.LONGEST)
            self._until = max(self._until, now + (retry_after or 0))
            return self._until - self._since <= self.MAX_RATE_LIMIT_WAIT

    def end(self) -> None:
        """Smartcar has answered: the next pause is a first one."""
        if self.left <= 0:  # what was sent before this one proves nothing
            self._since = None
            self._length = self.FIRST


def _accounts(within: timedelta | None, now: datetime) -> Any:
    accounts = SmartcarAccount.objects
    if within is None:
        rows = accounts.refreshable().exclude(access_expires_at=None)
    else:
        rows = accounts.refresh_due(now + within)
    # What is renewed during a walk ends later than before, and would be met again.
    return rows.filter(Q(refreshed_at=None) | Q(refreshed_at__lt=now)).defer("access_token")


def _application(within: timedelta | None) -> Iterator[LeasedToken]:
    """The application's own token, where API v3 is spoken and it is due."""
    if conf.SMARTCAR_API_VERSION == SmartcarAccount.ApiVersion.V3:
        row = tokens.application()
        if within is None or row.access_expires_within(within):
            yield row


def _refresh(row: LeasedToken) -> Outcome:
    try:
        return Outcome.REFRESHED if tokens.refresh(row, wait=False) else Outcome.SKIPPED
    except ReconnectRequired:
        return Outcome.NEEDS_DRIVER
