"""Read the vehicles of a page in rounds, with a bounded number of requests at once.

The threads only wait for Smartcar; one thread handles the responses and is the only one to use the database.
Rate limits are read before each round, and saved for all processes. If the whole application is rate limited,
the round stops and the next one waits.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Generator, Iterable, Iterator, Sequence
from concurrent.futures import Executor
from contextlib import suppress
from typing import Any, NamedTuple, TypeAlias

from ... import sdk
from ...exceptions import AuthenticationException, RateLimited, SmartcarException
from .. import _authenticated_calls, _background, _rate_limits
from .._authenticated_calls import VehicleSession
from .._backoff import Backoff
from .._rate_limits import RateLimitKey
from ._leases import SyncLease


class BatchRequest(NamedTuple):
    """A batch request to one vehicle: the session to send it with, and the names to read."""

    session: VehicleSession
    names: list[str]
    #: Whether it was sent before, with a token that Smartcar rejected.
    is_retry: bool = False

    @property
    def limit_key(self) -> RateLimitKey:
        return _rate_limits.key_of(self.session.vehicle)


#: The results by name, each a value or an exception, with all signals; or the exception of the whole request.
Response: TypeAlias = sdk.WithSignals | Exception


class BatchReader:
    """Sends the batch requests of a run. Set ``is_stopped``, in a signal handler if need be, to stop it."""

    def __init__(self) -> None:
        self.is_stopped = False
        #: Whether it stopped because the rest of Smartcar's rate limit is kept for drivers.
        self.has_used_share = False
        self._is_limited = False
        self._backoff = Backoff()

    def read(
        self, requests: list[BatchRequest], lease: SyncLease, pool: Executor
    ) -> Iterator[tuple[BatchRequest, Response]]:
        """Yield each request with its response, except those that are not sent because the run is stopped."""
        usage = _UsageCollector()
        remaining = requests
        while remaining and not self.is_stopped:
            limits = _rate_limits.active_limits([request.limit_key for request in remaining])
            shared = [limit for limit in limits.values() if limit.scope == "application"]
            if shared:
                self._pause(max(limit.retry_after or 0.0 for limit in shared), lease)
                continue
            yield from (
                (request, limits[request.limit_key]) for request in remaining if request.limit_key in limits
            )
            allowed = [request for request in remaining if request.limit_key not in limits]
            usage.pause = 0.0
            granted = _within_share(allowed)
            remaining = yield from self._round(granted, lease, pool, usage)
            if len(granted) < len(allowed):
                self.is_stopped = self.has_used_share = True
            if usage.pause:
                self._pause(usage.pause, lease)
        usage.save()

    def _round(
        self, requests: list[BatchRequest], lease: SyncLease, pool: Executor, usage: _UsageCollector
    ) -> Generator[tuple[BatchRequest, Response], None, list[BatchRequest]]:
        """Send each request once, yield the responses, and return the requests to send again."""
        self._is_limited = False
        to_retry, rejected = [], []
        futures = [(request, pool.submit(self._send, request)) for request in requests]
        for request, future in futures:
            response: Response | None = future.result()
            lease.extend()
            if response is None:
                to_retry.append(request)
                continue
            usage.add(request, response)
            if _is_application_limit(response):
                to_retry.append(request)
            elif isinstance(response, AuthenticationException) and not request.is_retry:
                rejected.append(request)
            else:
                self._backoff.end()
                yield request, response
        renewed = _authenticated_calls.renew_sessions(request.session for request in rejected)
        for request, session in zip(rejected, renewed, strict=True):
            if isinstance(session, Exception):
                yield request, session
            else:
                to_retry.append(BatchRequest(session, request.names, is_retry=True))
        return to_retry

    def _send(self, request: BatchRequest) -> Response | None:
        """Send a request, in a thread and without the database. Returns None if the run has been stopped."""
        if self.is_stopped or self._is_limited:
            return None
        try:
            response: Response = request.session.car.batch_with_signals(request.names)
        except SmartcarException as error:
            response = error.with_traceback(None)
        if _is_application_limit(response):
            self._is_limited = True
        return response

    def _pause(self, seconds: float, lease: SyncLease) -> None:
        """Wait until Smartcar accepts requests again; stop the run if that takes too long."""
        if not self._backoff.begin(seconds):
            self.is_stopped = True
        self._backoff.wait(lambda: self.is_stopped, lease.extend)


class _UsageCollector:
    """Collects usage and rate limits from responses, to be saved once per page."""

    def __init__(self) -> None:
        self._counts: Counter[str] = Counter()
        self._limits: list[tuple[RateLimitKey, RateLimited]] = []
        #: Seconds for which the application must not send requests.
        self.pause = 0.0

    def add(self, request: BatchRequest, response: Response) -> None:
        limits = [(request.limit_key, limit) for limit in _limits_in(response)]
        if not (limits and isinstance(response, Exception)):
            self._counts[request.limit_key.vehicle_id] += request.session.requests
        self._limits += limits
        # A limit of the application concerns other processes, too: save it at once.
        shared = [limit for _, limit in limits if limit.scope == "application"]
        pause = max((_rate_limits.retry_after(limit) or 0.0 for limit in shared), default=0.0)
        if pause > self.pause:
            self.pause = pause
            _rate_limits.record_limits(limits)

    def save(self) -> None:
        _rate_limits.add_usage(self._counts)
        _rate_limits.record_limits(self._limits)


def _within_share(requests: Sequence[BatchRequest]) -> list[BatchRequest]:
    """Return the requests that leave Smartcar's reserve for drivers."""
    found: list[BatchRequest] = []
    for version in {request.limit_key.api_version for request in requests}:
        group = [request for request in requests if request.limit_key.api_version == version]
        with suppress(RateLimited):
            found += group[: _background.take(version, [request.session.requests for request in group])]
    return found


def _limits_in(response: Response) -> Iterator[RateLimited]:
    failures: Iterable[Any] = [response] if isinstance(response, Exception) else response.result.values()
    for failure in failures:
        if isinstance(failure, RateLimited):
            yield failure


def _is_application_limit(response: Response) -> bool:
    """Return whether the response has no values because the whole application is rate limited."""
    has_values = not isinstance(response, Exception) and any(
        not isinstance(value, Exception) for value in response.result.values()
    )
    return not has_values and any(limit.scope == "application" for limit in _limits_in(response))
