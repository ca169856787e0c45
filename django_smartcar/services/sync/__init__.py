"""Reads many cars: page by page, a bounded number of requests at once, and each page kept in one transaction.

Any number of processes, on any number of machines, may do it in the same moment: each claims its pages before
it reads them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from django.views.decorators.debug import sensitive_variables

from ...exceptions import (
    RateLimited,
    ReconnectRequired,
    SmartcarAppError,
    SmartcarException,
    error_code,
)
from ...models import READ_METHODS, ConnectedVehicle
from .. import _session, readings, vehicles
from . import _leases
from ._batch_reader import BatchReader, BatchRequest, Drivers
from ._leases import SyncLease, due

__all__ = ["MAX_THREADS", "Outcome", "Result", "Sync", "due"]

#: How many cars are claimed, read and kept together: all that a run has in memory.
PAGE = 100

#: Fewer than the connections that the SDK keeps open: one thread reads the answers of all.
MAX_THREADS = 64


class Outcome(StrEnum):
    READ = "read"
    NEEDS_DRIVER = "needs driver"
    FAILED = "failed"
    #: Smartcar does not want it to be asked now. It stays due.
    RATE_LIMITED = "rate limited"
    #: Its driver permits nothing that the page shows.
    NOT_PERMITTED = "not permitted"


@dataclass(frozen=True)
class Result:
    vehicle: ConnectedVehicle
    outcome: Outcome
    reason: str = ""
    #: What was asked and not told: the name of the read, and why.
    missing: Mapping[str, str] = field(default_factory=dict)
    #: In seconds, where it is rate limited and Smartcar says so.
    retry_after: float | None = None


class Sync:
    """Reads cars until there are no more, or it is told to stop; ``tell`` is called with each result."""

    def __init__(self, tell: Callable[[Result], None]) -> None:
        self._tell = tell
        self._rounds = BatchReader()

    @property
    def is_stopped(self) -> bool:
        return self._rounds.is_stopped

    def stop(self) -> None:
        """Ask no more cars. A signal may call this: it takes no lock."""
        self._rounds.is_stopped = True

    def run(self, before: datetime, *, concurrency: int, limit: int | None = None) -> None:
        """Read the cars that no sync has read since ``before``.

        Once stopped, it waits for the requests in flight, keeps what they bring, and gives back the rest. It
        stops by itself where Smartcar wants too long a pause.
        """
        with ThreadPoolExecutor(concurrency, "sync_smartcar_vehicles") as pool:
            pages = _leases.pages(before, PAGE, limit)
            while not self.is_stopped and (claim := next(pages, None)):
                try:
                    results = self._read(claim, pool)
                    read = {each.vehicle.pk for each in results if each.outcome != Outcome.RATE_LIMITED}
                    claim.end({vehicle.pk for vehicle in claim.vehicles} - read)
                except BaseException:
                    self.stop()  # or the threads would go on
                    claim.give_back()
                    raise
                for result in results:
                    self._tell(result)

    @sensitive_variables()
    def _read(self, claim: SyncLease, pool: Executor) -> list[Result]:
        """Ask each car of a page and keep what they tell; what became of those that were asked."""
        asked, results = self._questions(claim)
        facts, noticed = [], []
        for question, answer in self._rounds.ask(asked, claim, pool):
            vehicle = question.reached.vehicle
            told = [answer] if isinstance(answer, Exception) else answer.values()
            if question.reached.apply_login_status(told):
                noticed.append(vehicle)
            if not isinstance(answer, Exception):
                facts += readings.observations_from_batch(vehicle, answer)
            results.append(_result(vehicle, answer))
        _session.save_logins(noticed)
        readings.save_many(facts)
        return results

    @sensitive_variables()
    def _questions(self, claim: SyncLease) -> tuple[list[BatchRequest], list[Result]]:
        """What to ask which car, and the results of those that are not to be asked."""
        asked: list[BatchRequest] = []
        results: list[Result] = []
        drivers = Drivers()
        for vehicle in claim.vehicles:
            # Each may have another driver, whose token has to be renewed first.
            if self.is_stopped:
                break
            claim.renew()
            names = [
                name for name in vehicles.DASHBOARD_READINGS if vehicle.can(READ_METHODS[name].permission)
            ]
            try:
                if names:
                    asked.append(drivers.question(vehicle, names))
                else:
                    results.append(Result(vehicle, Outcome.NOT_PERMITTED))
            except (SmartcarException, SmartcarAppError) as error:
                results.append(_failed(vehicle, error))
        return asked, results


@sensitive_variables()
def _result(vehicle: ConnectedVehicle, answer: Any) -> Result:
    if isinstance(answer, Exception):
        return _failed(vehicle, answer)
    failures = {name: told for name, told in answer.items() if isinstance(told, Exception)}
    missing = {name: error_code(failure) for name, failure in failures.items()}
    if len(missing) == len(answer):
        return _failed(vehicle, next(iter(failures.values())), missing)
    return Result(vehicle, Outcome.READ, missing=missing)


def _failed(vehicle: ConnectedVehicle, error: Exception, missing: Mapping[str, str] | None = None) -> Result:
    if isinstance(error, RateLimited):
        outcome, retry_after = Outcome.RATE_LIMITED, error.retry_after
    else:
        is_drivers = isinstance(error, ReconnectRequired)
        outcome, retry_after = Outcome.NEEDS_DRIVER if is_drivers else Outcome.FAILED, None
    return Result(vehicle, outcome, error_code(error), missing or {}, retry_after)
