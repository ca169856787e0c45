"""One car, generation 3: a vehicle id, the application's token, and the user who granted the car.

    access = sdk.ApplicationAuth(client_id, client_secret).request_token()
    for connection in sdk.v3.iter_connections(access["access_token"], user_id=user_id):
        car = sdk.v3.Vehicle(connection["vehicle_id"], access["access_token"], user_id)
        car.odometer()["data"]["distance"]

The methods and shapes of generation 2, over signals; what came after them stands here too. Every call raises
a SmartcarException when it fails.
"""

from collections.abc import Iterator
from typing import TypedDict, TypeGuard

from . import const
from .commands import Commands, ScheduleStatus, Window
from .connections import (
    Connection,
    VehicleAttributes,
    delete_connection,
    delete_user,
    get_connection,
    get_vehicle,
    iter_connections,
)
from .exceptions import NotStoredException, ResourceNotFoundException, exception_for
from .management import (
    CompatibleVehicle,
    Subscription,
    Webhook,
    get_application,
    get_subscription,
    get_webhook,
    iter_applications,
    iter_compatible_vehicles,
    iter_subscriptions,
    iter_webhooks,
    subscribe,
    unsubscribe,
)
from .requester import Requester, Response, invalid
from .resources import Resources, resource_of
from .shapes import Location, Odometer, VehicleInfo
from .signals import CODES, Signal, SignalError, read

__all__ = [
    "CompatibleVehicle",
    "Connection",
    "ScheduleStatus",
    "Signal",
    "SignalError",
    "Signals",
    "Subscription",
    "Vehicle",
    "VehicleAttributes",
    "Webhook",
    "Window",
    "delete_connection",
    "delete_user",
    "get_application",
    "get_connection",
    "get_subscription",
    "get_vehicle",
    "get_webhook",
    "iter_applications",
    "iter_compatible_vehicles",
    "iter_connections",
    "iter_subscriptions",
    "iter_webhooks",
    "subscribe",
    "unsubscribe",
]

MODES = ("live", "simulated")


class Signals(TypedDict):
    """All signals of a car, by code. If ``is_empty``, Smartcar stores none at all for this car.

    That is not a healthy car with nothing to say: an enabled webhook with data signals has to be subscribed
    to the car before Smartcar collects any, and until then it answers 404 to each single code.
    """

    signals: dict[str, Signal]
    is_empty: bool
    unit_system: str


class Vehicle(Commands):
    """Asks a car and tells it what to do (see Commands for the latter)."""

    def __init__(
        self,
        vehicle_id: str,
        access_token: str,
        user_id: str,
        unit_system: str = "metric",
        *,
        requester: Requester | None = None,
        api_url: str = const.VEHICLE_URL,
    ) -> None:
        for name, value in (("vehicle", vehicle_id), ("user", user_id)):
            if not str(value or "").strip("."):
                raise ValueError(f"a {name} id cannot be {value!r}")
        self.vehicle_id = vehicle_id
        self.access_token = access_token
        self.user_id = user_id
        self.api = Resources(access_token, api_url, user_id=user_id, requester=requester)
        self._requester = requester
        self._api_url = api_url
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
        """All that the owner has granted, each once; generation 3 has no pages of it."""
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
        """The vehicle identification number. Signal vehicleidentification-vin."""
        response, signal = self._ask("vin")
        if not isinstance(signal["value"], str) or not signal["value"]:
            raise invalid(response, "the VIN is not a text")
        return signal["value"]

    def odometer(self) -> Odometer:
        """``{"data": {"distance"}, "unit_system", "age"}``. Signal odometer-traveleddistance."""
        response, signal = self._ask("odometer")
        if not _is_number(signal["value"]) or signal["unit"] not in ("km", "mi"):
            raise invalid(response, "the distance is not a number of kilometres or miles")
        return {
            "data": {"distance": signal["value"]},
            "unit_system": self.unit_system,
            "age": signal["age"],
        }

    def location(self) -> Location:
        """``{"data": {"latitude", "longitude"}, "age"}``. Signal location-preciselocation."""
        response, signal = self._ask("location")
        body = signal["body"] or {}
        latitude, longitude = body.get("latitude"), body.get("longitude")
        if not _is_number(latitude) or not _is_number(longitude):
            raise invalid(response, "the latitude and the longitude are not numbers")
        return {"data": {"latitude": latitude, "longitude": longitude}, "age": signal["age"]}

    def signals(self) -> Signals:
        """Everything Smartcar has stored of the car: ``{"signals": {code: …}, "is_empty", "unit_system"}``.

        From as many pages as it takes. A signal that failed is there, with its ``error`` and without a value.
        GET /signals.
        """
        resources = self.api.every("vehicles", self.vehicle_id, "signals")
        found = [read(resource, self.unit_system, sent_in=self.unit_system) for resource in resources]
        return {
            "signals": {signal["code"]: signal for signal in found},
            "is_empty": not found,
            "unit_system": self.unit_system,
        }

    def signal(self, code: str) -> Signal:
        """One signal, by Smartcar's code or by the face's name (``"battery_level"``). GET /signals/{code}.

        Raises the exception of the signal's own error; NotStoredException if Smartcar has nothing under this
        code, as it has under no code while its store is empty (see ``signals``).
        """
        return self._ask(code)[1]

    def disconnect(self) -> None:
        """End the application's access to this car: the owner must connect it anew. DELETE the connection."""
        delete_connection(
            self.access_token,
            self.connection()["id"],
            requester=self._requester,
            api_url=self._api_url,
        )

    def _ask(self, name: str) -> tuple[Response, Signal]:
        try:
            response = self.api.get("vehicles", self.vehicle_id, "signals", CODES.get(name, name))
        except ResourceNotFoundException as error:
            if error.response is None:
                raise
            raise exception_for(error.response, kind=NotStoredException) from None
        signal = read(resource_of(response), self.unit_system, sent_in=self.unit_system)
        if signal["error"] is not None:
            raise exception_for(response, signal["error"])
        if signal["status"] != "SUCCESS":
            missing = {"status": "404", "detail": f"{signal['code']}: {signal['status']}"}
            raise exception_for(response, missing, NotStoredException)
        return response, signal


def _is_number(value: object) -> TypeGuard[float]:
    return isinstance(value, int | float) and not isinstance(value, bool)
