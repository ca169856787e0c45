"""Reads many cars: page by page, a bounded number of requests at once, and each page kept in one transaction.

Any number of processes, on any number of machines, may do it in the same moment: each claims its pages before
it reads them. The threads do nothing but wait for Smartcar; what needs the database is done by the one thread
that runs the pages.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Any

from django.views.decorators.debug import sensitive_variables

from ..exceptions import (
    AuthenticationException,
    RateLimitingException,
    ReconnectRequired,
    SmartcarAppError,
    SmartcarException,
    reason_of,
)
from ..models import READS, ConnectedVehicle
from . import cars, claims, client, readings, tokens, vehicles
from .cars import Reached
from .claims import Claim
from .client import Driver

#: How many cars are claimed, read and kept together: all that a run has in memory.
PAGE = 100

#: So many connections the SDK keeps open.
MOST_THREADS = 64

#: In seconds: no longer than this does a run wait because Smartcar wants fewer requests.
LONGEST_PAUSE = 60


class Outcome(StrEnum):
    READ = "read"
    NEEDS_DRIVER = "needs driver"
    FAILED = "failed"
    #: Its driver permits nothing that the page shows.
    NOT_PERMITTED = "not permitted"


@dataclass(frozen=True)
class Result:
    vehicle: ConnectedVehicle
    outcome: Outcome
    reason: str = ""
    #: What was asked and not told: the name of the read, and why.
    missing: Mapping[str, str] = field(default_factory=dict)


class Sync:
    """Reads cars until there are no more, or it is told to stop; ``tell`` is called with each result."""

    def __init__(self, tell: Callable[[Result], None]) -> None:
        self.is_stopped = False
        self._tell = tell

    def stop(self) -> None:
        """Ask no more cars. A signal may call this: it takes no lock."""
        self.is_stopped = True

    def run(self, before: datetime, *, concurrency: int, limit: int | None = None) -> None:
        """Read the cars that no sync has read since ``before``.

        Once stopped, it waits for the requests in flight, keeps what they bring, and gives back the rest.
        """
        with ThreadPoolExecutor(concurrency, "sync_smartcar_vehicles") as pool:
            pause = 0.0
            pages = claims.pages(before, PAGE, limit)
            while self._wait(pause) and (claim := next(pages, None)):
                try:
                    results, pause = self._read(claim, pool)
                    read = {result.vehicle.pk for result in results}
                    claim.end({vehicle.pk for vehicle in claim.vehicles} - read)
                except BaseException:
                    self.stop()  # or the threads would go on
                    claim.give_back()
                    raise
                for result in results:
                    self._tell(result)

    def _wait(self, seconds: float) -> bool:
        ends = time.monotonic() + seconds
        while not self.is_stopped and (left := ends - time.monotonic()) > 0:
            time.sleep(min(left, 0.2))
        return not self.is_stopped

    @sensitive_variables()
    def _read(self, claim: Claim, pool: ThreadPoolExecutor) -> tuple[list[Result], float]:
        """What became of each car of a page, and how long to wait before the next."""
        asked, results = _questions(claim.vehicles)
        facts, pause = [], 0.0
        answers = [pool.submit(self._batch, *question) for question in asked]
        for (reached, names), awaited in zip(asked, answers, strict=True):
            answer = _answer(awaited, claim)
            if answer is None:
                continue
            if isinstance(answer, AuthenticationException):
                answer = _again(reached.vehicle, names)
            elif isinstance(answer, SmartcarException):
                reached.learn([answer])
            else:
                reached.learn(answer.values())
                facts += readings.facts_in(reached.vehicle, answer)
            if isinstance(answer, RateLimitingException):
                pause = min(max(pause, answer.retry_after or 1), LONGEST_PAUSE)
            results.append(_result(reached.vehicle, answer))
        readings.keep_all(facts)
        return results, pause

    @sensitive_variables()
    def _batch(self, reached: Reached, names: list[str]) -> Any:
        """In a thread: what the car answers, or the exception; None if it is not asked any more.

        It touches no database.
        """
        if self.is_stopped:
            return None
        try:
            return reached.car.batch(names)
        except SmartcarException as error:
            return error.with_traceback(None)


@sensitive_variables()
def _answer(awaited: Future[Any], claim: Claim) -> Any:
    """What a thread brings, however long that takes: the cars stay ours."""
    while not wait([awaited], timeout=claims.BEAT / 2).done:
        claim.hold()
    return awaited.result()


@sensitive_variables()
def _questions(page: list[ConnectedVehicle]) -> tuple[list[tuple[Reached, list[str]]], list[Result]]:
    """What to ask which car, and the results of those that are not to be asked."""
    asked, results = [], []
    drivers = _Drivers()
    for vehicle in page:
        names = [name for name in vehicles.SHOWN if vehicle.can(READS[name].permission)]
        try:
            if names:
                driver = drivers.of(vehicle)
                car = client.car(driver, vehicle.smartcar_vehicle_id, vehicle.unit_system)
                asked.append((Reached(vehicle, driver, car), names))
            else:
                results.append(Result(vehicle, Outcome.NOT_PERMITTED))
        except (SmartcarException, SmartcarAppError) as error:
            results.append(_failed(vehicle, error))
    return asked, results


class _Drivers:
    """Whoever opens the cars of a page: the application's token is looked up once, each account's once."""

    def __init__(self) -> None:
        self._found: dict[int, Driver | Exception] = {}
        self._application: Driver | None = None

    @sensitive_variables()
    def of(self, vehicle: ConnectedVehicle) -> Driver:
        """Raises as `tokens.driver` does."""
        account = cars.account_of(vehicle)
        if account.pk not in self._found:
            try:
                self._found[account.pk] = self._driver(account)
            except (SmartcarException, SmartcarAppError) as error:
                self._found[account.pk] = error
        found = self._found[account.pk]
        if isinstance(found, Exception):
            raise found
        return found

    @sensitive_variables()
    def _driver(self, account: Any) -> Driver:
        if not account.speaks_v3 or account.needs_reconnecting or self._application is None:
            driver = tokens.driver(account)
            if account.speaks_v3:
                self._application = driver
            return driver
        return replace(self._application, user_id=account.smartcar_user_id, mode=account.mode)


@sensitive_variables()
def _again(vehicle: ConnectedVehicle, names: list[str]) -> Any:
    """With another token, since Smartcar did not take one that looked good."""
    try:
        return vehicles.read(vehicle, names)
    except (SmartcarException, SmartcarAppError) as error:
        return error


@sensitive_variables()
def _result(vehicle: ConnectedVehicle, answer: Any) -> Result:
    if isinstance(answer, Exception):
        return _failed(vehicle, answer)
    missing = {name: reason_of(told) for name, told in answer.items() if isinstance(told, Exception)}
    if len(missing) == len(answer):
        return Result(vehicle, Outcome.FAILED, next(iter(missing.values())), missing)
    return Result(vehicle, Outcome.READ, missing=missing)


def _failed(vehicle: ConnectedVehicle, error: Exception) -> Result:
    is_drivers = isinstance(error, ReconnectRequired)
    return Result(vehicle, Outcome.NEEDS_DRIVER if is_drivers else Outcome.FAILED, reason_of(error))
