"""One vehicle of API v3: its id, the application's token, and the user who granted access."""

from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property
from typing import Any, TypedDict, cast

from ...secret_types import Secret, protect, protected_copy
from .. import const, readings
from .._http.requester import Requester, invalid, protected_headers
from .._periods import Period
from .._response_schema import method_names
from .._responses import request_result
from .._vehicle_base import ReadMethods
from ..exceptions import ResourceNotFoundException, SmartcarException
from ..readings import SOURCES, is_single
from ..signals import Signal
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
from . import management
from ._client import Client
from ._signal_reader import FindSignal, SignalReader, StoredSignals
from .commands import Commands
from .connections import MODES, Connection, delete_connection, get_vehicle, iter_connections


class Signals(TypedDict):
    """All signals of a vehicle, by code. If ``is_empty``, Smartcar stores none for this vehicle.

    Smartcar collects signals only once the vehicle is subscribed to an enabled webhook with data signals.
    Until then, it responds to a request for any single signal with 404.
    """

    signals: dict[str, Signal]
    is_empty: bool
    unit_system: str


class Vehicle(ReadMethods, Commands):
    """Reads one vehicle and sends commands to it: see ReadMethods and Commands.

    A reading of several signals takes one request, for all signals that Smartcar has stored for the vehicle.
    Raises ValueError for an invalid vehicle id, user id or unit system.
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
        self._requester = requester
        self._api_url = api_url
        self._management_url = management_url
        self.set_unit_system(unit_system)

    def __repr__(self) -> str:
        return f"Vehicle({self.vehicle_id!r}, user_id={self.user_id!r}, unit_system={self.unit_system!r})"

    @cached_property
    def _signals(self) -> SignalReader:
        return SignalReader(self.api, self.vehicle_id)

    @property
    def unit_system(self) -> str:
        """Return the unit system of all returned numbers: ``"metric"`` or ``"imperial"``."""
        return self.api.unit_system or "metric"

    def set_unit_system(self, unit_system: str) -> None:
        """Request ``"metric"`` or ``"imperial"`` units from now on. Raise ValueError for anything else."""
        self.api.set_unit_system(unit_system)

    def connection(self) -> Connection:
        """Return this user's connection to this vehicle, live or simulated.

        Raises ResourceNotFoundException if there is none. GET /connections.
        """
        for mode in MODES:
            connections = iter_connections(
                self.access_token,
                user_id=self.user_id,
                vehicle_id=self.vehicle_id,
                mode=mode,
                requester=self._requester,
                api_url=self._api_url,
            )
            for connection in connections:
                # Do not rely on Smartcar's filter: never use the connection of another user or vehicle.
                if (connection["vehicle_id"], connection["user_id"]) == (self.vehicle_id, self.user_id):
                    return connection
        raise ResourceNotFoundException(
            "This user has no connection to this vehicle", type="RESOURCE_NOT_FOUND", status_code=404
        )

    def permissions(self) -> list[str]:
        """Return the permissions of the connection (``"read_odometer"``, …). GET /connections."""
        return self.connection()["permissions"]

    def iter_permissions(self, *, page_size: int | None = None) -> Iterator[str]:
        """Yield all granted permissions, each once. API v3 has no pages, so ``page_size`` has no effect."""
        return iter(dict.fromkeys(self.permissions()))

    def attributes(self) -> VehicleAttributes:
        """Return ``{"make", "model", "year", "mode", "powertrain_type"}``. GET the vehicle."""
        return get_vehicle(
            self.access_token, self.vehicle_id, requester=self._requester, api_url=self._api_url
        )

    def info(self) -> VehicleInfo:
        """Return ``{"id", "make", "model", "year"}``. GET the vehicle."""
        attributes = self.attributes()
        return {
            "id": self.vehicle_id,
            "make": attributes["make"],
            "model": attributes["model"],
            "year": attributes["year"],
        }

    def vin(self) -> str:
        """Return the vehicle identification number. Scope ``read_vin``. Signal vehicleidentification-vin."""
        return _vin_of(self._signals.get_one)

    def odometer(self) -> Odometer:
        """Return ``{"data": {"distance"}, "unit_system", "age"}``, kilometres or miles.

        Scope ``read_odometer``. Signal odometer-traveleddistance.
        """
        return cast(Odometer, self._read("odometer"))

    def location(self) -> Location:
        """Return ``{"data": {"latitude", "longitude"}, "age"}``, in degrees.

        Scope ``read_location``. Signal location-preciselocation.
        """
        return cast(Location, self._read("location"))

    def batch_with_signals(self, paths: Iterable[str]) -> WithSignals:
        """Call ``batch``, and return its result with all signals in the response. GET /signals."""
        names, results = method_names(paths), {}
        needs_signals = set(names) - {"attributes", "permissions"}
        stored = self._signals.all() if needs_signals else StoredSignals([])
        for name in names:
            try:
                results[name] = self._item(name, stored.find)
            except SmartcarException as error:
                results[name] = error.with_traceback(None)
        return WithSignals(results, stored.signals)

    def request(
        self, method: str, path: str, body: Any = None, headers: Mapping[str, str] | None = None
    ) -> RequestResult:
        """Send any request to a path below the vehicle. Return ``{"data": the JSON, "unit_system", "age"}``.

        API v3 has paths such as ``"signals/closure-doors"``, and none for one brand. ``headers`` override
        ours. Only a GET is retried.
        """
        body, headers = protected_copy(body), protected_headers(headers)
        path, _, query = path.partition("?")
        parts = ("vehicles", self.vehicle_id, *filter(None, path.split("/")))
        return request_result(self.api.request(method, *parts, query=query, body=body, headers=headers))

    def subscribe(self, webhook_id: str) -> Subscribed:
        """Subscribe this vehicle to a webhook. Return ``{"webhook_id", "vehicle_id"}``.

        Smartcar does this asynchronously, after it returns. Raises StateException if the vehicle is already
        subscribed. POST /subscriptions.
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
        """Unsubscribe this vehicle. ``amt`` is for API v2 and not sent. DELETE /subscriptions/{id}.

        Raises ResourceNotFoundException if the vehicle is not subscribed.
        """
        amt = protect(amt)
        client = Client(self.access_token, self._management_url, requester=self._requester)
        management.unsubscribe_vehicle(client, webhook_id, self.vehicle_id, self.user_id)
        return {"status": "success"}

    def signals(self) -> Signals:
        """Return all stored signals: ``{"signals": {code: …}, "is_empty", "unit_system"}``.

        From all pages. A signal that failed has an ``error`` and no value. GET /signals.
        """
        signals = self._signals.signals()
        return {
            "signals": {signal["code"]: signal for signal in signals},
            "is_empty": not signals,
            "unit_system": self.unit_system,
        }

    def signal(self, code: str) -> Signal:
        """Return one signal, by Smartcar's code or our name (``"battery_level"``). GET /signals/{code}.

        Raises the exception of the signal's own error, and SignalNotAvailable if Smartcar has not stored this
        signal, or any signal of the vehicle (see ``signals``).
        """
        return self._signals.get_one(code)[1]

    def disconnect(self) -> None:
        """End the application's access to this vehicle; the owner has to connect it again.

        DELETE the connection.
        """
        delete_connection(
            self.access_token,
            self.connection()["id"],
            requester=self._requester,
            api_url=self._api_url,
        )

    def read_with_signals(self, name: str) -> WithSignals:
        """Call the read method ``name``, and return its result with all signals in the response."""
        if not is_single(name):
            stored = self._signals.all()
            return WithSignals(_reading_of(name, stored.find, self.unit_system), stored.signals)
        found = self._signals.get_one(SOURCES[name].names[0])
        return WithSignals(_reading_of(name, lambda _: found, self.unit_system), [found[1]])

    def _read(self, name: str, period: Period | None = None) -> Any:
        find = self._signals.get_one if is_single(name) else self._signals.all().find
        return _reading_of(name, find, self.unit_system, period)

    def _item(self, name: str, find: FindSignal) -> Any:
        if name in ("attributes", "permissions"):
            return getattr(self, name)()
        if name == "vin":
            return _vin_of(find)
        if name in SOURCES:
            return _reading_of(name, find, self.unit_system)
        raise ResourceNotFoundException(
            f"API v3 has no reading {name!r}", type="RESOURCE_NOT_FOUND", code="PATH", status_code=404
        )


def _reading_of(name: str, find: FindSignal, unit_system: str, period: Period | None = None) -> Any:
    """Return what the method ``name`` returns. Raise InvalidResponseException if its signals are invalid."""
    responses = []

    def find_signal(signal_name: str) -> Signal:
        response, signal = find(signal_name)
        responses.append(response)
        return signal

    try:
        return readings.reading_of(name, find_signal, unit_system, period)
    except ValueError as error:
        raise invalid(responses[-1], str(error)) from None


def _vin_of(find: FindSignal) -> str:
    """Return the value of the signal ``vin``. Raise InvalidResponseException."""
    response, signal = find("vin")
    if not isinstance(signal["value"], str) or not signal["value"]:
        raise invalid(response, "the VIN is not a string")
    return signal["value"]
