"""Connections of API v3 (the vehicles that users have granted access to), and their users.

These calls need only the application's token and are not billed. Each raises a SmartcarException.
"""

from collections.abc import Iterator
from datetime import datetime
from typing import TypedDict

from ...secret_types import Secret, protect
from .. import const
from .._dates import parse_datetime
from .._http.requester import Requester
from ..types import VehicleAttributes
from ._client import Client, Resource, attributes_of, id_of, part_of, text_of

#: Smartcar's default is 10; other lists of API v3 accept up to 100.
PAGE_SIZE = 50
#: Smartcar lists the connections of one mode at a time.
MODES = ("live", "simulated")


class Connection(TypedDict):
    """One vehicle of one user, and the granted permissions (``"read_odometer"``, …).

    The datetimes are aware and in UTC, or None if they are unknown.
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
    """Yield the application's connections, each once, from all pages. Lazy: one request per page.

    Smartcar applies the filters. The default ``mode`` is ``"live"``; ``external_id`` is the one that was
    passed to Connect, and not part of the response. GET /connections.
    """
    access_token, external_id = Secret(access_token), protect(external_id)
    filters = {
        "userId": user_id,
        "vehicleId": vehicle_id,
        "user.externalId": external_id,
        "vehicle.mode": mode,
    }
    client = Client(access_token, api_url, requester=requester)
    return map(_connection, client.iter_all("connections", filters=filters, page_size=page_size))


def get_connection(
    access_token: str,
    connection_id: str,
    *,
    requester: Requester | None = None,
    api_url: str = const.VEHICLE_URL,
) -> Connection:
    """Return one connection. GET /connections/{id}."""
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
    """End the application's access to one vehicle of one user. DELETE /connections/{id}."""
    access_token = Secret(access_token)
    Client(access_token, api_url, requester=requester).send("DELETE", "connections", connection_id)


def delete_user(
    access_token: str,
    user_id: str,
    *,
    requester: Requester | None = None,
    api_url: str = const.VEHICLE_URL,
) -> None:
    """Delete a user at Smartcar, with all of the connections. DELETE /users/{id}."""
    access_token = Secret(access_token)
    Client(access_token, api_url, requester=requester).send("DELETE", "users", user_id)


def get_vehicle(
    access_token: str,
    vehicle_id: str,
    *,
    requester: Requester | None = None,
    api_url: str = const.VEHICLE_URL,
) -> VehicleAttributes:
    """Return ``{"make", "model", "year", "mode", "powertrain_type"}`` of a vehicle. GET /vehicles/{id}."""
    access_token = Secret(access_token)
    resource = Client(access_token, api_url, requester=requester).get_one("vehicles", vehicle_id)
    return vehicle_attributes(attributes_of(resource))


def vehicle_attributes(attributes: Resource) -> VehicleAttributes:
    """Parse the attributes of a vehicle from a resource."""
    return {
        "make": text_of(attributes, "make"),
        "model": text_of(attributes, "model"),
        "year": _year_of(attributes.get("year")),
        "mode": text_of(attributes, "mode"),
        "powertrain_type": text_of(attributes, "powertrainType"),
    }


def _year_of(value: object) -> int | None:
    """Return the model year, which some cars have as text."""
    if isinstance(value, str) and len(value) == 4 and value.isascii() and value.isdecimal():
        return int(value)
    return value if isinstance(value, int) else None


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
