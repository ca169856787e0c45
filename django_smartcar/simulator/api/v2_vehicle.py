"""api.smartcar.com, ``/v2.0/vehicles/{id}/…``: reads (``odometer``), commands and batches of one vehicle.

The paths are in tables: `READINGS` and `COMMANDS`, and for each make `MAKE_READINGS` and `MAKE_COMMANDS`.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from django.http import HttpResponse, JsonResponse

from .. import profiles, store
from ..behaviour import motion
from ..behaviour.commands_v2 import COMMANDS, Command, execute
from ..behaviour.make_commands import MAKE_COMMANDS
from ..errors.v2 import SmartcarError, invalid
from ..faults import injection, rate_limits
from ..store.models import Car, Grant
from ..vehicles.catalog import find_make
from ..vehicles.make_readings import MAKE_READINGS
from ..vehicles.v2_readings import READINGS, Reading, Units, timestamp
from .v2_pagination import paginate

Entry = TypeVar("Entry", Reading, Command)

_SUCCESS = {"status": "success", "message": "Successfully sent request to vehicle"}


@dataclass
class VehicleRequest:
    """A request about one vehicle: its grant, its vehicle, its units and its query."""

    grant: Grant
    car: Car
    units: Units
    query: Mapping[str, str]
    is_v1: bool
    request_id: str
    reauthenticate_url: str

    def respond(self, method: str, path: str, body: Callable[[], dict[str, Any]]) -> HttpResponse:
        """Return the response to a method on a path below the vehicle."""
        motion.catch_up(self.car)
        if method == "POST" and path == "batch":
            self._check_limits_and_faults(method, path, is_counted=False)  # its items are counted one by one
            return JsonResponse({"responses": self._batch(body())})
        if method == "POST":
            command = self._command(path)
            self._check_limits_and_faults(method, path)
            return self._execute(command, body())
        if method == "GET":
            result, headers = self.read(path)
            return JsonResponse(result, safe=False, headers=headers)
        raise SmartcarError("RESOURCE_NOT_FOUND", "PATH")

    def read(self, path: str) -> tuple[Any, dict[str, str]]:
        """Return the body and the headers of a path that can be read."""
        reading = self._reading(path)
        self._check_limits_and_faults("GET", path, is_billed=path != "permissions")
        self._check_scope(reading.scope)
        store.counters["reads"] += 1
        if reading.has_age:
            # Only readings of the vehicle itself fail: its attributes stay available, so that Connect works.
            with self._adding_reauthentication_url():
                injection.raise_for_read(self.car)
        if path == "permissions":
            return paginate("permissions", self.grant.scopes, self.query, default=25), self._headers(reading)
        body = reading.body(self.car, self.units, self.query)
        return profiles.shape_v2_body(path, body, self.car), self._headers(reading)

    def _check_limits_and_faults(
        self, method: str, path: str, *, is_counted: bool = True, is_billed: bool = True
    ) -> None:
        """Raise the error of a rate limit or of a fault that is set for this path."""
        if is_counted:
            rate_limits.count(self.car, is_billed=is_billed)
        with self._adding_reauthentication_url():
            injection.raise_for_path(self.car, method, path)

    def _execute(self, command: Command, body: dict[str, Any]) -> HttpResponse:
        self._check_scope(command.scope)
        with self._adding_reauthentication_url():
            execute(self.car, command, body)
        if command.response_body:
            return JsonResponse(command.response_body(self.car))
        # v1.0 has no message.
        return JsonResponse({"status": "success"} if self.is_v1 else _SUCCESS)

    @contextlib.contextmanager
    def _adding_reauthentication_url(self) -> Iterator[None]:
        """Add the address of the re-authentication to an error that it would resolve."""
        try:
            yield
        except SmartcarError as error:
            if error.code == "AUTHENTICATION_FAILED":
                error.url = self.reauthenticate_url
            raise

    def _batch(self, body: dict[str, Any]) -> list[dict[str, Any]]:
        requests = body.get("requests")
        if not isinstance(requests, list) or not requests:
            raise invalid("requests", "requests must be a list of paths")
        paths = [item.get("path") if isinstance(item, dict) else None for item in requests]
        for index, path in enumerate(paths):
            if not isinstance(path, str) or not self._is_readable(path.strip("/")):
                raise invalid(f"requests[{index}].path", "path is not one that can be read")
        return [self._batch_item(str(path)) for path in paths]

    def _batch_item(self, path: str) -> dict[str, Any]:
        try:
            body, headers = self.read(path.strip("/"))
        except SmartcarError as error:
            error_body = error.body_v1(self.request_id) if self.is_v1 else error.body(self.request_id)
            item: dict[str, Any] = {"path": path, "code": error.status, "body": error_body}
            if error.retry_after is not None:
                item["headers"] = {"retry-after": error.retry_after}
            return item
        return {
            "path": path,
            "code": 200,
            "body": body,
            "headers": {k.lower(): v for k, v in headers.items()},
        }

    def _is_readable(self, path: str) -> bool:
        try:
            self._reading(path)
        except SmartcarError as error:
            return error.type != "RESOURCE_NOT_FOUND"
        return True

    def _reading(self, path: str) -> Reading:
        if path == "permissions":
            return Reading(None, READINGS[""].body, has_age=False)
        return READINGS.get(path) or self._make_specific(path, MAKE_READINGS)

    def _command(self, path: str) -> Command:
        return COMMANDS.get(path) or self._make_specific(path, MAKE_COMMANDS)

    def _make_specific(self, path: str, table: Mapping[str, Mapping[str, Entry]]) -> Entry:
        """Return the entry for a make-specific path such as ``tesla/compass``: the make is in lower case."""
        make, _, rest = path.partition("/")
        if find_make(make) is None or not rest:
            raise SmartcarError("RESOURCE_NOT_FOUND", "PATH")
        if make != make.lower():
            raise SmartcarError("PERMISSION")
        if make != self.car.make.lower():
            raise SmartcarError("COMPATIBILITY", "VEHICLE_NOT_CAPABLE")
        if rest not in table.get(make, {}):
            raise SmartcarError("COMPATIBILITY", "SMARTCAR_NOT_CAPABLE")
        return table[make][rest]

    def _check_scope(self, scope: str | None) -> None:
        connected = self.car.id in self.grant.vehicle_ids
        if not connected or (scope is not None and scope not in self.grant.scopes):
            raise SmartcarError("PERMISSION")

    def _headers(self, reading: Reading) -> dict[str, str]:
        headers = {}
        if reading.has_age or self.is_v1:
            headers["SC-Data-Age"] = timestamp(self.car.recorded_at)
        if reading.has_age and not self.is_v1:
            headers["SC-Fetched-At"] = timestamp(store.now())
        if reading.has_units or self.is_v1:
            headers["SC-Unit-System"] = self.units.system
        return headers
