"""Asks the cars of a page in rounds, a bounded number at once, until each has answered.

The threads do nothing but wait for Smartcar; what needs the database is done by the one thread that reads the
answers. What Smartcar allows is asked of the database before each round, and told to it for all workers. A
round ends early where Smartcar wants fewer requests of the whole application: the next waits.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Generator, Iterable, Iterator
from concurrent.futures import Executor, Future, wait
from dataclasses import replace
from typing import Any, NamedTuple, TypeAlias

from django.views.decorators.debug import sensitive_variables

from ...exceptions import AuthenticationException, RateLimited, SmartcarAppError, SmartcarException
from ...models import ConnectedVehicle, SmartcarAccount
from .. import _rate_limits, _session, client, tokens
from .._rate_limits import RateLimitKey
from .._session import VehicleSession
from ..client import ApiCredentials
from . import _leases
from ._leases import SyncLease

#: When the application may ask nothing for so many seconds, the run gives up; the next one may be luckier.
MAX_RATE_LIMIT_WAIT = 600.0


class BatchRequest(NamedTuple):
    reached: VehicleSession
    names: list[str]
    #: Whether it is asked again, with another token.
    is_second: bool = False

    @property
    def target(self) -> RateLimitKey:
        return _rate_limits.target_of(self.reached.vehicle)


#: name -> what the car tells of it, or the exception; or the exception of the whole question.
Answer: TypeAlias = Any


class BatchReader:
    """The asking of one run. Once stopped, it asks no more; a signal may stop it, which takes no lock."""

    def __init__(self) -> None:
        self.is_stopped = False
        self._is_limited = False
        self._idle_since: float | None = None

    @sensitive_variables()
    def ask(
        self, questions: list[BatchRequest], claim: SyncLease, pool: Executor
    ) -> Iterator[tuple[BatchRequest, Answer]]:
        """Each question with its answer; without those that are left unasked because the run was stopped."""
        notes = _UsageCollector()
        left = questions
        while left and not self.is_stopped:
            active_limits = _rate_limits.active_limits([question.target for question in left])
            shared = [refusal for refusal in active_limits.values() if refusal.scope == "application"]
            if shared:
                self._wait(max(refusal.retry_after or 0.0 for refusal in shared), claim)
                continue
            yield from ((each, active_limits[each.target]) for each in left if each.target in active_limits)
            free = [question for question in left if question.target not in active_limits]
            notes.pause = 0.0
            left = yield from self._round(free, claim, pool, notes)
            if notes.pause:
                self._wait(notes.pause, claim)
        notes.write()

    @sensitive_variables()
    def _round(
        self, questions: list[BatchRequest], claim: SyncLease, pool: Executor, notes: _UsageCollector
    ) -> Generator[tuple[BatchRequest, Answer], None, list[BatchRequest]]:
        """Ask each of them once; what has to be asked again is returned."""
        self._is_limited = False
        again, rejected = [], []
        awaited = [(question, pool.submit(self._batch, question)) for question in questions]
        for question, future in awaited:
            answer = _answer(future, claim)
            if answer is None:
                again.append(question)
                continue
            notes.take(question, answer)
            if _is_shared_limit(answer):
                again.append(question)
            elif isinstance(answer, AuthenticationException) and not question.is_second:
                rejected.append(question)
            else:
                self._idle_since = None
                yield question, answer
        for question, answer in _with_new_tokens(rejected):
            if answer is None:
                again.append(question)
            else:
                yield question, answer
        return again

    @sensitive_variables()
    def _batch(self, question: BatchRequest) -> Answer | None:
        """In a thread: the answer; None if it is not to be asked any more. It touches no database."""
        if self.is_stopped or self._is_limited:
            return None
        try:
            answer: Answer = question.reached.car.batch(question.names)
        except SmartcarException as error:
            answer = error.with_traceback(None)
        if _is_shared_limit(answer):
            self._is_limited = True
        return answer

    def _wait(self, seconds: float, claim: SyncLease) -> None:
        """Until Smartcar takes requests again; the run is stopped instead if that lasts too long."""
        now = time.monotonic()
        self._idle_since = self._idle_since or now
        if now + seconds - self._idle_since > MAX_RATE_LIMIT_WAIT:
            self.is_stopped = True
        while not self.is_stopped and (left := now + seconds - time.monotonic()) > 0:
            time.sleep(min(left, 0.2))
            claim.renew()


class _UsageCollector:
    """What the answers say of Smartcar's limits and of the plan, to be written with the page."""

    def __init__(self) -> None:
        self._counts: Counter[str] = Counter()
        self._limits: list[tuple[RateLimitKey, RateLimited]] = []
        #: How long the application is to rest, in seconds.
        self.pause = 0.0

    def take(self, question: BatchRequest, answer: Answer) -> None:
        limits = [(question.target, limit) for limit in _limits_in(answer)]
        if not (limits and isinstance(answer, Exception)):
            self._counts[question.target.vehicle_id] += question.reached.requests
        self._limits += limits
        # Other processes are to know at once what concerns them all.
        shared = [limit for _, limit in limits if limit.scope == "application"]
        pause = max(
            (limit.retry_after or _rate_limits.DEFAULT_RETRY_AFTER[limit.scope] for limit in shared),
            default=0.0,
        )
        if pause > self.pause:
            self.pause = pause
            _rate_limits.record_limits(limits)

    def write(self) -> None:
        _rate_limits.add_usage(self._counts)
        _rate_limits.record_limits(self._limits)


class Drivers:
    """Whoever opens the cars of a page: the application's token is looked up once, each account's once."""

    def __init__(self) -> None:
        self._found: dict[int, ApiCredentials | Exception] = {}
        self._application: ApiCredentials | None = None

    @sensitive_variables()
    def question(
        self, vehicle: ConnectedVehicle, names: list[str], *, is_second: bool = False
    ) -> BatchRequest:
        """What to ask this car with a token that opens it. Raises as `_session.reach` does."""
        driver = self._of(vehicle)
        car = client.car(driver, vehicle.smartcar_vehicle_id, vehicle.unit_system)
        return BatchRequest(
            VehicleSession(vehicle, driver, car, _session.cost(vehicle.account, names)),
            names,
            is_second=is_second,
        )

    @sensitive_variables()
    def _of(self, vehicle: ConnectedVehicle) -> ApiCredentials:
        account = _session.account_of(vehicle)
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
    def _driver(self, account: SmartcarAccount) -> ApiCredentials:
        if not account.uses_v3 or account.needs_reconnecting or self._application is None:
            driver = tokens.driver(account)
            if account.uses_v3:
                self._application = driver
            return driver
        return replace(self._application, user_id=account.smartcar_user_id, mode=account.mode)


@sensitive_variables()
def _with_new_tokens(rejected: list[BatchRequest]) -> Iterator[tuple[BatchRequest, Exception | None]]:
    """What Smartcar did not take a token for: with another token, or why there is none."""
    dropped = set()
    for reached, _, _ in rejected:
        token = (reached.driver.uses_v3 or reached.vehicle.account_id, reached.driver.token_version)
        if token not in dropped:
            dropped.add(token)
            tokens.invalidate(reached.vehicle.account, reached.driver)
    drivers = Drivers()
    for question in rejected:
        vehicle = question.reached.vehicle
        try:
            yield drivers.question(vehicle, question.names, is_second=True), None
        except (SmartcarException, SmartcarAppError) as error:
            yield question, error


@sensitive_variables()
def _answer(future: Future[Any], claim: SyncLease) -> Answer | None:
    """What a thread brings, however long that takes: the cars stay ours."""
    while not wait([future], timeout=_leases.HEARTBEAT_INTERVAL / 2).done:
        claim.renew()
    return future.result()


def _limits_in(answer: Answer) -> Iterator[RateLimited]:
    failures: Iterable[Any] = [answer] if isinstance(answer, Exception) else answer.values()
    for failure in failures:
        if isinstance(failure, RateLimited):
            yield failure


def _is_shared_limit(answer: Answer) -> bool:
    """Whether nothing was told because the application has asked too much."""
    is_told = not isinstance(answer, Exception) and any(
        not isinstance(each, Exception) for each in answer.values()
    )
    return not is_told and any(limit.scope == "application" for limit in _limits_in(answer))
