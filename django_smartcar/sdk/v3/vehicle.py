"""One car, API v3: a vehicle id, the application's token, and the user who granted the car."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, TypedDict, cast

from ...secret_types import Secret, protect, protected_copy
from .. import const
from .._http import Requester, protected_headers
from .._periods import Period
from .._responses import request_result
from .._schema import method_names
from .._vehicle_base import ReadMethods
from ..exceptions import ResourceNotFoundException, SmartcarException
from ..signals import Signal
from ..types import Answer, Batch, Location, Odometer, Status, Subscribed, VehicleAttributes, VehicleInfo
from . import management
from ._client import Client
from ._readings import SOURCES, is_single, reading_of, vin_of
from ._signals import FindSignal, SignalReader
from .commands import Commands
from .connections import MODES, Connection, delete_connection, get_vehicle, iter_connections


class Signals(TypedDict):
    """All signals of a car, by code. If ``is_empty``, Smartcar stores none at all for this car.

    That is not a healthy car with nothing to say: an enabled webhook with data signals has to be subscribed
    to the car before Smartcar collects any, and until then it answers 404 to each single code.
    """

    signals: dict[str, Signal]
    is_empty: bool
    unit_system: str


class Vehicle(ReadMethods, Commands):
    """Asks a car and tells it what to do: see ReadMethods and Commands.

    A reading made of several signals takes one request, for all that Smartcar has stored of the car.
    """

    def __init__(
        self,
        vehicle_id: str,
        access_token: str,
        user_id: str,
        unit_system: str = "metric",
        *,
        requester: Requester | None = None,
        api_url: str = const.VEHICLE_URL,
        management_url: str = const.MANAGEMENT_URL,
    ) -> None:
        access_token = Secret(access_token)
        for name, value in (("vehicle", vehicle_id), ("user", user_id)):
            if not str(value or "").strip("."):
                raise ValueError(f"a {name} id cannot be {value!r}")
        self.vehicle_id = vehicle_id
        self.access_token = access_token
        self.user_id = user_id
        self.api = Client(access_token, api_url, user_id=user_id, requester=requester)
        self._signals = SignalReader(self.api, vehicle_id)
        self._requester = requester
        self._api_url = api_url
        self._management_url = management_url
        self.set_unit_system(unit_system)

    def __repr__(self) -> str:
        return f"Vehicle({self.vehicle_id!r}, user_id={self.user_id!r}, unit_system={self.unit_system!r})"

    @property
    def unit_system(self) -> str:
        """``"metric"`` or ``"imperial"``: that of every number returned, whatever the wire says."""
        return self.api.unit_system or "metric"

    def set_unit_system(self, unit_system: str) -> None:
        """Ask for ``"metric"`` or ``"imperial"`` from now on; ValueError for anything else."""
        self.api.set_unit_system(unit_system)

    def connection(self) -> Connection:
        """The connection that lets the application into this car for this user, live or simulated.

        Raises ResourceNotFoundException if there is none (any more). GET /connections.
        """
        for mode in MODES:
            found = iter_connections(
                self.access_token,
                user_id=self.user_id,
                vehicle_id=self.vehicle_id,
                mode=mode,
                requester=self._requester,
                api_url=self._api_url,
            )
            for connection in found:
                # The filter is not believed: a stranger's connection must not be taken for this one.
                if (connection["vehicle_id"], connection["user_id"]) == (self.vehicle_id, self.user_id):
                    return connection
        raise ResourceNotFoundException(
            "This user has no connection to this vehicle", type="RESOURCE_NOT_FOUND", status_code=404
        )

    def permissions(self) -> list[str]:
        """What the owner has granted (``"read_odometer"``, …): the connection's. GET /connections."""
        return self.connection()["permissions"]

    def iter_permissions(self, *, page_size: int | None = None) -> Iterator[str]:
        """All that the owner has granted, each once; API v3 has no pages of it."""
        return iter(dict.fromkeys(self.permissions()))

    def attributes(self) -> VehicleAttributes:
        """``{"make", "model", "year", "mode", "powertrain_type"}``. GET the vehicle."""
        return get_vehicle(
            self.access_token, self.vehicle_id, requester=self._requester, api_url=self._api_url
        )

    def info(self) -> VehicleInfo:
        """``{"id", "make", "model", "year"}``. GET the vehicle."""
        known = self.attributes()
        return {
            "id": self.vehicle_id,
            "make": known["make"],
            "model": known["model"],
            "year": known["year"],
        }

    def vin(self) -> str:
        """The vehicle identification number. Scope ``read_vin``. Signal vehicleidentification-vin."""
        return vin_of(self._signals.get_one)

    def odometer(self) -> Odometer:
        """``{"data": {"distance"}, "unit_system", "age"}``, kilometres or miles.

        Scope ``read_odometer``. Signal odometer-traveleddistance.
        """
        return cast(Odometer, self._read("odometer"))

    def location(self) -> Location:
        """``{"data": {"latitude", "longitude"}, "age"}``, in degrees.

        Scope ``read_location``. Signal location-preciselocation.
        """
        return cast(Location, self._read("location"))

    def batch(self, paths: Iterable[str]) -> Batch:
        """Many readings in one request: method -> what it returns, or the exception that it would raise.

        As in API v2 (``sdk.Vehicle.batch``), made of all that Smartcar has stored of the car; only
        ``"attributes"`` and ``"permissions"``, which are no signals, take a request of their own. A path that
        API v3 does not have, as that of one make, is a ResourceNotFoundException. GET /signals.
        """
        names, found = method_names(paths), {}
        is_stored = set(names) - {"attributes", "permissions"}
        find = self._signals.all() if is_stored else self._signals.get_one
        for name in names:
            try:
                found[name] = self._item(name, find)
            except SmartcarException as error:
                found[name] = error.with_traceback(None)
        return cast(Batch, found)

    def request(
        self, method: str, path: str, body: Any = None, headers: Mapping[str, str] | None = None
    ) -> Answer:
        """Send anything to a path below the car: ``{"data": the JSON as it came, "unit_system", "age"}``.

        API v3 has other paths (``"signals/closure-doors"``) and none of one make. ``headers`` go before
        our own. Never sent twice, but for a GET.
        """
        body, headers = protected_copy(body), protected_headers(headers)
        path, _, query = path.partition("?")
        parts = ("vehicles", self.vehicle_id, *filter(None, path.split("/")))
        return request_result(self.api.request(method, *parts, query=query, body=body, headers=headers))

    def subscribe(self, webhook_id: str) -> Subscribed:
        """Let a webhook tell of this car: ``{"webhook_id", "vehicle_id"}``; it may not yet when this returns.

        Raises StateException if it does already. POST /subscriptions.
        """
        management.subscribe(
            self.access_token,
            webhook_id,
            self.vehicle_id,
            self.user_id,
            requester=self._requester,
            api_url=self._management_url,
        )
        return {"webhook_id": webhook_id, "vehicle_id": self.vehicle_id}

    def unsubscribe(self, amt: str | None, webhook_id: str) -> Status:
        """Let it tell no more; ``amt`` is API v2's, and not sent. DELETE /subscriptions/{id}.

        Raises ResourceNotFoundException if the webhook does not tell of this car.
        """
        amt = protect(amt)
        host = Client(self.access_token, self._management_url, requester=self._requester)
        management.unsubscribe_vehicle(host, webhook_id, self.vehicle_id, self.user_id)
        return {"status": "success"}

    def signals(self) -> Signals:
        """Everything Smartcar has stored of the car: ``{"signals": {code: …}, "is_empty", "unit_system"}``.

        From as many pages as it takes. A signal that failed is there, with its ``error`` and without a value.
        GET /signals.
        """
        found = self._signals.signals()
        return {
            "signals": {signal["code"]: signal for signal in found},
            "is_empty": not found,
            "unit_system": self.unit_system,
        }

    def signal(self, code: str) -> Signal:
        """One signal, by Smartcar's code or by the face's name (``"battery_level"``). GET /signals/{code}.

        Raises the exception of the signal's own error; SignalNotAvailable if Smartcar has nothing under this
        code, as it has under no code while its store is empty (see ``signals``).
        """
        return self._signals.get_one(code)[1]

    def disconnect(self) -> None:
        """End the application's access to this car: the owner must connect it anew. DELETE the connection."""
        delete_connection(
            self.access_token,
            self.connection()["id"],
            requester=self._requester,
            api_url=self._api_url,
        )

    def _read(self, name: str, within: Period | None = None) -> Any:
        find = self._signals.get_one if is_single(name) else self._signals.all()
        return reading_of(name, find, self.unit_system, within)

    def _item(self, name: str, find: FindSignal) -> Any:
        if name in ("attributes", "permissions"):
            return getattr(self, name)()
        if name == "vin":
            return vin_of(find)
        if name in SOURCES:
            return reading_of(name, find, self.unit_system)
        raise ResourceNotFoundException(
            f"API v3 has no reading {name!r}", type="RESOURCE_NOT_FOUND", code="PATH", status_code=404
        )
