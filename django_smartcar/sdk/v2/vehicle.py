"""One vehicle of API v2: its id, and an access token that covers it."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, cast

from ...secret_types import Secret, coordinate, protected_copy
from .. import const
from .._command_parameters import check_charge_limit, check_coordinates
from .._http.requester import Requester, body_of, protected_headers
from .._periods import Period
from .._response_schema import PATHS, method_names
from .._responses import request_result
from .._vehicle_base import ReadMethods
from ..types import (
    Location,
    Odometer,
    RequestResult,
    Status,
    Subscribed,
    VehicleAttributes,
    VehicleInfo,
    WithSignals,
)
from ._client import Api, iter_all
from ._responses import attributes_of, batch_of, info_of, permissions_of, read, vin_of, with_signals

# Smartcar's default.
PERMISSIONS_PAGE_SIZE = 25


class Vehicle(ReadMethods):
    """Reads one vehicle and sends commands to it. Every method raises a SmartcarException when it fails.

    Raises ValueError for an invalid vehicle id or unit system.
    """

    def __init__(
        self,
        vehicle_id: str,
        access_token: str,
        unit_system: str = "metric",
        *,
        requester: Requester | None = None,
        api_url: str = const.API_URL,
    ) -> None:
        access_token = Secret(access_token)
        self.vehicle_id = vehicle_id
        self.access_token = access_token
        self.api = Api(access_token, vehicle_id, requester=requester, api_url=api_url)
        self.set_unit_system(unit_system)

    def __repr__(self) -> str:
        return f"Vehicle({self.vehicle_id!r}, unit_system={self.api.unit_system!r})"

    @property
    def unit_system(self) -> str:
        """Return the requested units: ``"metric"`` or ``"imperial"``."""
        return self.api.unit_system

    def set_unit_system(self, unit_system: str) -> None:
        """Request ``"metric"`` or ``"imperial"`` units from now on. Raise ValueError for anything else."""
        self.api.set_unit_system(unit_system)

    def permissions(self) -> list[str]:
        """Return the first page of granted permissions (``"read_odometer"``, …). GET /permissions."""
        return permissions_of(self.api.permissions())

    def iter_permissions(self, *, page_size: int = PERMISSIONS_PAGE_SIZE) -> Iterator[str]:
        """Yield all granted permissions, each once, from all pages."""
        return iter_all(self.api.permissions, "permissions", page_size)

    def info(self) -> VehicleInfo:
        """Return ``{"id", "make", "model", "year"}``. Scope ``read_vehicle_info``. GET the vehicle."""
        return info_of(self.api.get(""))

    def attributes(self) -> VehicleAttributes:
        """Return ``{"make", "model", "year", "mode", "powertrain_type"}``, the last two None in API v2.

        Scope ``read_vehicle_info``. GET the vehicle.
        """
        return attributes_of(self.api.get(""))

    def vin(self) -> str:
        """Return the vehicle identification number. Scope ``read_vin``. GET /vin."""
        return vin_of(self.api.get("vin"))

    def location(self) -> Location:
        """Return ``{"data": {"latitude", "longitude"}, "age"}``, in degrees.

        Scope ``read_location``. GET /location.
        """
        return cast(Location, self._read("location"))

    def odometer(self) -> Odometer:
        """Return ``{"data": {"distance"}, "unit_system", "age"}``, kilometres or miles.

        Scope ``read_odometer``. GET /odometer.
        """
        return cast(Odometer, self._read("odometer"))

    def batch_with_signals(self, paths: Iterable[str]) -> WithSignals:
        """Call ``batch``, and return its result with all signals in the response. POST /batch."""
        names = method_names(paths)
        if not names:
            return WithSignals({}, [])
        return batch_of(self.api.batch(names.values()), names, self.unit_system)

    def read_with_signals(self, name: str) -> WithSignals:
        """Call the read method ``name``, and return its result with the signals in the response."""
        return with_signals(name, self.api.get(PATHS[name]), self.unit_system)

    def request(
        self, method: str, path: str, body: Any = None, headers: Mapping[str, str] | None = None
    ) -> RequestResult:
        """Send any request to a path below the vehicle. Return ``{"data": the JSON, "unit_system", "age"}``.

        For endpoints without a method, such as those of one brand: ``request("GET",
        "tesla/charge/ammeter")``, ``request("POST", "tesla/charge/ammeter", {"amperage": 16})``; the brand in
        lower case. ``headers`` override ours. Only a GET is retried.
        """
        body, headers = protected_copy(body), protected_headers(headers)
        return request_result(self.api.request(method, path, body, headers))

    def subscribe(self, webhook_id: str) -> Subscribed:
        """Subscribe this vehicle to a webhook. Return ``{"webhook_id", "vehicle_id"}``.

        POST /webhooks/{id}.
        """
        body = body_of(self.api.webhook("POST", webhook_id), webhookId=str, vehicleId=str)
        return {"webhook_id": body["webhookId"], "vehicle_id": body["vehicleId"]}

    def unsubscribe(self, amt: str, webhook_id: str) -> Status:
        """Unsubscribe this vehicle; ``amt`` is the application management token. DELETE /webhooks/{id}."""
        amt = Secret(amt)
        self.api.webhook("DELETE", webhook_id, amt)
        return {"status": "success"}

    def disconnect(self) -> None:
        """End the application's access to this vehicle; the owner has to connect it again.

        DELETE /application.
        """
        self.api.disconnect()

    def lock(self) -> Status:
        """Lock the vehicle. Return ``{"status": "success"}``. Never retried. Scope ``control_security``.

        POST /security.
        """
        return self._command("security", action="LOCK")

    def unlock(self) -> Status:
        """Unlock the vehicle. Return ``{"status": "success"}``. Never retried. Scope ``control_security``.

        POST /security.
        """
        return self._command("security", action="UNLOCK")

    def start_charge(self) -> Status:
        """Start charging. Raise StateException if it is charging already, or not plugged in. Never retried.

        Scope ``control_charge``. POST /charge.
        """
        return self._command("charge", action="START")

    def stop_charge(self) -> Status:
        """Stop charging. Raise StateException if it is not charging. Never retried.

        Scope ``control_charge``. POST /charge.
        """
        return self._command("charge", action="STOP")

    def set_charge_limit(self, limit: float) -> Status:
        """Set the charge limit, from 0.5 to 1. Raise ValueError for any other. Never retried.

        Scope ``control_charge``. POST /charge/limit.
        """
        return self._command("charge/limit", limit=check_charge_limit(limit))

    def send_destination(self, latitude: float, longitude: float) -> Status:
        """Set the navigation destination, in degrees. Raise ValueError if out of range. Never retried.

        Scope ``control_navigation``. POST /navigation/destination.
        """
        latitude, longitude = coordinate(latitude), coordinate(longitude)
        return self._command("navigation/destination", **check_coordinates(latitude, longitude))

    def _command(self, endpoint: str, **body: Any) -> Status:
        return {"status": body_of(self.api.post(endpoint, **body), status=str)["status"]}

    def _read(self, name: str, period: Period | None = None) -> Any:
        return read(name, self.api.get(PATHS[name], **(period.params() if period else {})))
