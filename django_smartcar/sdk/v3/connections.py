"""Who has let the application into which car, API v3: connections, and the users they belong to.

These calls need the application's token only, and cost nothing. Each raises a SmartcarException.
"""

from collections.abc import Iterator
from datetime import datetime
from typing import TypedDict

from ...secret_types import Secret, protect
from .. import const
from .._dates import parse_datetime
from .._http import Requester
from ..types import VehicleAttributes
from ._client import Client, Resource, attributes_of, id_of, part_of, text_of

#: Smartcar's own is 10; other lists of API v3 take up to 100.
PAGE_SIZE = 50
#: Of a list, Smartcar gives one of them at a time.
MODES = ("live", "simulated")


class Connection(TypedDict):
    """One car of one user, and what its owner has granted (``"read_odometer"``, …).

    The moments are aware and in UTC, or None if Smartcar does not say.
    """

    id: str
    vehicle_id: str | None
    user_id: str | None
    permissions: list[str]
    vehicle: VehicleAttributes
    created_at: datetime | None
    updated_at: datetime | None


def iter_connections(
    access_token: str,
    *,
    user_id: str | None = None,
    vehicle_id: str | None = None,
    external_id: str | None = None,
    mode: str | None = None,
    page_size: int = PAGE_SIZE,
    requester: Requester | None = None,
    api_url: str = const.VEHICLE_URL,
) -> Iterator[Connection]:
    """The application's connections, each once, from as many pages as it takes; lazily.

    Filtered by Smartcar, which shows those in ``mode`` ``"live"`` if not told otherwise; ``external_id`` is
    what was given to Connect. The answer does not repeat an external id. GET /connections.
    """
    access_token, external_id = Secret(access_token), protect(external_id)
    filters = {
        "userId": user_id,
        "vehicleId": vehicle_id,
        "user.externalId": external_id,
        "vehicle.mode": mode,
    }
    host = Client(access_token, api_url, requester=requester)
    return map(_connection, host.iter_all("connections", filters=filters, page_size=page_size))


def get_connection(
    access_token: str,
    connection_id: str,
    *,
    requester: Requester | None = None,
    api_url: str = const.VEHICLE_URL,
) -> Connection:
    """One connection, by its id. GET /connections/{id}."""
    access_token = Secret(access_token)
    return _connection(
        Client(access_token, api_url, requester=requester).get_one("connections", connection_id)
    )


def delete_connection(
    access_token: str,
    connection_id: str,
    *,
    requester: Requester | None = None,
    api_url: str = const.VEHICLE_URL,
) -> None:
    """End the application's access to one car of one user. DELETE /connections/{id}."""
    access_token = Secret(access_token)
    Client(access_token, api_url, requester=requester).send("DELETE", "connections", connection_id)


def delete_user(
    access_token: str,
    user_id: str,
    *,
    requester: Requester | None = None,
    api_url: str = const.VEHICLE_URL,
) -> None:
    """Make Smartcar forget a user, and end all of the connections. DELETE /users/{id}."""
    access_token = Secret(access_token)
    Client(access_token, api_url, requester=requester).send("DELETE", "users", user_id)


def get_vehicle(
    access_token: str,
    vehicle_id: str,
    *,
    requester: Requester | None = None,
    api_url: str = const.VEHICLE_URL,
) -> VehicleAttributes:
    """``{"make", "model", "year", "mode", "powertrain_type"}`` of a car. GET /vehicles/{id}."""
    access_token = Secret(access_token)
    resource = Client(access_token, api_url, requester=requester).get_one("vehicles", vehicle_id)
    return vehicle_attributes(attributes_of(resource))


def vehicle_attributes(attributes: Resource) -> VehicleAttributes:
    """The face's form of a vehicle's attributes, wherever they stood."""
    year = attributes.get("year")
    return {
        "make": text_of(attributes, "make"),
        "model": text_of(attributes, "model"),
        "year": year if isinstance(year, int) else None,
        "mode": text_of(attributes, "mode"),
        "powertrain_type": text_of(attributes, "powertrainType"),
    }


def _connection(resource: Resource) -> Connection:
    attributes, meta = attributes_of(resource), part_of(resource, "meta")
    permissions = attributes.get("permissions")
    return {
        "id": resource["id"],
        "vehicle_id": id_of(resource, "vehicle"),
        "user_id": id_of(resource, "user"),
        "permissions": [name for name in permissions if isinstance(name, str)]
        if isinstance(permissions, list)
        else [],
        "vehicle": vehicle_attributes(part_of(attributes, "vehicle")),
        "created_at": parse_datetime(meta.get("createdAt")),
        "updated_at": parse_datetime(meta.get("updatedAt")),
    }
