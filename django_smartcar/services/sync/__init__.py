"""Read many vehicles: page by page, with a bounded number of requests at once, one transaction per page.

Any number of processes on any number of machines may run at the same time: each leases its pages first.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import Executor, ThreadPoolExecutor
from datetime import datetime
from typing import Any, TypeAlias

from ...exceptions import (
    RateLimited,
    ReconnectRequired,
    SmartcarAppError,
    SmartcarException,
    error_code,
)
from ...models import ConnectedVehicle
from ...sdk.readings import PERMISSIONS
from .. import _authenticated_calls, outcomes, readings, vehicles
from .._authenticated_calls import CredentialsCache
from ..outcomes import Outcome
from . import _leases
from ._batch_reader import BatchReader, BatchRequest
from ._leases import SyncLease, due

__all__ = ["MAX_THREADS", "OUTCOMES", "Result", "VehicleSync", "due"]

Result: TypeAlias = outcomes.Result[ConnectedVehicle]

#: The outcomes of a sync.
OUTCOMES = (
    Outcome.READ,
    Outcome.NEEDS_DRIVER,
    Outcome.FAILED,
    Outcome.RATE_LIMITED,
    Outcome.NOT_PERMITTED,
)

#: How many vehicles are leased, read and saved together: the maximum in memory.
PAGE = 100

#: Fewer than the SDK's pooled connections; one thread handles all responses.
MAX_THREADS = 64


class VehicleSync:
    """Reads vehicles until there are no more or it is stopped, and passes each result to ``on_result``."""

    def __init__(self, on_result: Callable[[Result], None]) -> None:
        self._on_result = on_result
        self._reader = BatchReader()

    @property
    def is_stopped(self) -> bool:
        return self._reader.is_stopped

    @property
    def has_used_share(self) -> bool:
        """Whether it has stopped because the rest of Smartcar's rate limit is kept for drivers."""
        return self._reader.has_used_share

    def stop(self) -> None:
        """Send no further request. Safe to call in a signal handler: it takes no lock."""
        self._reader.is_stopped = True

    def run(self, before: datetime, *, concurrency: int, limit: int | None = None) -> None:
        """Read the vehicles that no sync has read since ``before``.

        Once stopped, it waits for the requests in flight, saves their responses and releases the other
        vehicles. It stops by itself if Smartcar's rate limit requires too long a pause, or if the rest of it
        is kept for drivers.
        """
        with ThreadPoolExecutor(concurrency, "sync_smartcar_vehicles") as pool:
            pages = _leases.pages(before, PAGE, limit)
            while not self.is_stopped and (lease := next(pages, None)):
                try:
                    results = self._read(lease, pool)
                    read = {result.row.pk for result in results if result.outcome != Outcome.RATE_LIMITED}
                    lease.end({vehicle.pk for vehicle in lease.vehicles} - read)
                except BaseException:
                    self.stop()  # or the threads would continue
                    lease.release()
                    raise
                for result in results:
                    self._on_result(result)

    def _read(self, lease: SyncLease, pool: Executor) -> list[Result]:
        """Read each vehicle of a page and save the responses."""
        requests, results = self._requests(lease)
        observations: list[readings.Observation] = []
        logins_changed: list[ConnectedVehicle] = []
        for request, response in self._reader.read(requests, lease, pool):
            vehicle = request.session.vehicle
            items = [response] if isinstance(response, Exception) else response.result.values()
            if request.session.apply_login_status(items):
                logins_changed.append(vehicle)
            if not isinstance(response, Exception):
                observations += vehicles.observations_of(vehicle, response.signals)
            results.append(_result(vehicle, response))
        _authenticated_calls.save_logins(logins_changed)
        readings.save_many(observations)
        return results

    def _requests(self, lease: SyncLease) -> tuple[list[BatchRequest], list[Result]]:
        """Return the requests for a page, and the results of vehicles that no request is sent to."""
        requests: list[BatchRequest] = []
        results: list[Result] = []
        cache = CredentialsCache()
        for vehicle in lease.vehicles:
            # Another driver's token may have to be refreshed for each vehicle, so this may take a while.
            if self.is_stopped:
                break
            lease.extend()
            names = [name for name in vehicles.DASHBOARD_READINGS if vehicle.can(PERMISSIONS[name])]
            try:
                if names:
                    session = cache.open_session(vehicle, _authenticated_calls.cost(vehicle.account, names))
                    requests.append(BatchRequest(session, names))
                else:
                    results.append(Result(vehicle, Outcome.NOT_PERMITTED))
            except (SmartcarException, SmartcarAppError) as error:
                results.append(_failed(vehicle, error))
        return requests, results


def _result(vehicle: ConnectedVehicle, response: Any) -> Result:
    if isinstance(response, Exception):
        return _failed(vehicle, response)
    failures = {name: value for name, value in response.result.items() if isinstance(value, Exception)}
    missing = {name: error_code(failure) for name, failure in failures.items()}
    if len(missing) == len(response.result):
        return _failed(vehicle, next(iter(failures.values())), missing)
    return Result(vehicle, Outcome.READ, missing=missing)


def _failed(vehicle: ConnectedVehicle, error: Exception, missing: Mapping[str, str] | None = None) -> Result:
    if isinstance(error, RateLimited):
        outcome, retry_after = Outcome.RATE_LIMITED, error.retry_after
    else:
        needs_driver = isinstance(error, ReconnectRequired)
        outcome, retry_after = Outcome.NEEDS_DRIVER if needs_driver else Outcome.FAILED, None
    return Result(vehicle, outcome, error_code(error), error, missing or {}, retry_after)
