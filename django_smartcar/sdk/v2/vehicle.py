"""One car, API v2: a vehicle id and an access token that covers it."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, cast

from ...secret_types import Secret, coordinate, protected_copy
from .. import const
from .._http import Requester, body_of, protected_headers
from .._periods import Period
from .._responses import request_result
from .._schema import PATHS, method_names
from .._validation import check_charge_limit, check_coordinates
from .._vehicle_base import ReadMethods
from ..types import Answer, Batch, Location, Odometer, Status, Subscribed, VehicleAttributes, VehicleInfo
from ._client import Api, iter_all
from ._responses import attributes_of, batch_of, info_of, permissions_of, read, vin_of

# What Smartcar itself puts on a page of permissions.
PERMISSIONS_PAGE_SIZE = 25


class Vehicle(ReadMethods):
    """Asks a car and tells it what to do. Every call raises a SmartcarException when it fails."""

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
        """``"metric"`` or ``"imperial"``: what is asked for."""
        return self.api.unit_system

    def set_unit_system(self, unit_system: str) -> None:
        """Ask for ``"metric"`` or ``"imperial"`` from now on; ValueError for anything else."""
        self.api.set_unit_system(unit_system)

    def permissions(self) -> list[str]:
        """The first page of what the owner has granted (``"read_odometer"``, …). GET /permissions."""
        return permissions_of(self.api.permissions())

    def iter_permissions(self, *, page_size: int = PERMISSIONS_PAGE_SIZE) -> Iterator[str]:
        """All that the owner has granted, each once, from as many pages as it takes."""
        return iter_all(self.api.permissions, "permissions", page_size)

    def info(self) -> VehicleInfo:
        """``{"id", "make", "model", "year"}``. Scope ``read_vehicle_info``. GET the vehicle."""
        return info_of(self.api.get(""))

    def attributes(self) -> VehicleAttributes:
        """``{"make", "model", "year", "mode", "powertrain_type"}``, the last two None in API v2.

        Scope ``read_vehicle_info``. GET the vehicle.
        """
        return attributes_of(self.api.get(""))

    def vin(self) -> str:
        """The vehicle identification number. Scope ``read_vin``. GET /vin."""
        return vin_of(self.api.get("vin"))

    def location(self) -> Location:
        """``{"data": {"latitude", "longitude"}, "age"}``, in degrees.

        Scope ``read_location``. GET /location.
        """
        return cast(Location, self._read("location"))

    def odometer(self) -> Odometer:
        """``{"data": {"distance"}, "unit_system", "age"}``, kilometres or miles.

        Scope ``read_odometer``. GET /odometer.
        """
        return cast(Odometer, self._read("odometer"))

    def batch(self, paths: Iterable[str]) -> Batch:
        """Many readings in one request: method -> what it returns, or the exception that it would raise.

        ``paths`` are Smartcar's (``"/tires/pressure"``) or the methods' names (``"tire_pressure"``); each
        counts as a request. One that fails fails no other, and its exception knows its own ``retry_after``::

            for name, found in car.batch(["odometer", "/fuel"]).items():
                print(name, "failed" if isinstance(found, sdk.SmartcarException) else found)

        A make's own path is named after itself, ``"tesla_charge_ammeter"``, and has what ``request`` returns.
        Raises the exception of the whole, for a path that Smartcar does not know. POST /batch.
        """
        names = method_names(paths)
        return batch_of(self.api.batch(names.values()), names) if names else {}

    def request(
        self, method: str, path: str, body: Any = None, headers: Mapping[str, str] | None = None
    ) -> Answer:
        """Send anything to a path below the car: ``{"data": the JSON as it came, "unit_system", "age"}``.

        For what has no method here, like the paths of one make: ``request("GET", "tesla/charge/ammeter")``,
        ``request("POST", "tesla/charge/ammeter", {"amperage": 16})``; the make in lower case. ``headers`` go
        before our own. Never sent twice, but for a GET.
        """
        body, headers = protected_copy(body), protected_headers(headers)
        return request_result(self.api.request(method, path, body, headers))

    def subscribe(self, webhook_id: str) -> Subscribed:
        """Let a webhook tell of this car: ``{"webhook_id", "vehicle_id"}``. POST /webhooks/{id}."""
        body = body_of(self.api.webhook("POST", webhook_id), webhookId=str, vehicleId=str)
        return {"webhook_id": body["webhookId"], "vehicle_id": body["vehicleId"]}

    def unsubscribe(self, amt: str, webhook_id: str) -> Status:
        """Let it tell no more; ``amt`` is the application management token. DELETE /webhooks/{id}."""
        amt = Secret(amt)
        self.api.webhook("DELETE", webhook_id, amt)
        return {"status": "success"}

    def disconnect(self) -> None:
        """End the application's access to this car: the owner must connect it anew. DELETE /application."""
        self.api.disconnect()

    def lock(self) -> Status:
        """Lock the car: ``{"status": "success"}``. Never sent twice. Scope ``control_security``.

        POST /security.
        """
        return self._command("security", action="LOCK")

    def unlock(self) -> Status:
        """Unlock the car: ``{"status": "success"}``. Never sent twice. Scope ``control_security``.

        POST /security.
        """
        return self._command("security", action="UNLOCK")

    def start_charge(self) -> Status:
        """Begin to charge; StateException if it does already, or has no plug in. Never sent twice.

        Scope ``control_charge``. POST /charge.
        """
        return self._command("charge", action="START")

    def stop_charge(self) -> Status:
        """Stop charging; StateException if it does not charge. Never sent twice.

        Scope ``control_charge``. POST /charge.
        """
        return self._command("charge", action="STOP")

    def set_charge_limit(self, limit: float) -> Status:
        """Charge up to ``limit``, from 0.5 to 1; ValueError for another. Never sent twice.

        Scope ``control_charge``. POST /charge/limit.
        """
        return self._command("charge/limit", limit=check_charge_limit(limit))

    def send_destination(self, latitude: float, longitude: float) -> Status:
        """Set the navigation's destination, in degrees; ValueError for no place. Never sent twice.

        Scope ``control_navigation``. POST /navigation/destination.
        """
        latitude, longitude = coordinate(latitude), coordinate(longitude)
        return self._command("navigation/destination", **check_coordinates(latitude, longitude))

    def _command(self, endpoint: str, **body: Any) -> Status:
        return {"status": body_of(self.api.post(endpoint, **body), status=str)["status"]}

    def _read(self, name: str, within: Period | None = None) -> Any:
        return read(name, self.api.get(PATHS[name], **(within.params() if within else {})))
