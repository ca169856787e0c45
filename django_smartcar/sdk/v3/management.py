"""The management API of v3: applications, webhooks and subscriptions; and the compatible vehicles.

All but the compatible vehicles need the application's token. Each call raises a SmartcarException.
"""

from collections.abc import Iterator
from datetime import datetime
from typing import Any, TypedDict

from ...secret_types import Secret
from .. import const
from .._dates import parse_datetime
from .._http.requester import Requester
from ..exceptions import ResourceNotFoundException
from ..types import VehicleAttributes
from ._client import Client, Resource, attributes_of, id_of, part_of, text_of
from .connections import MODES, vehicle_attributes

#: Smartcar's maximum.
PAGE_SIZE = 100


class Webhook(TypedDict):
    """A webhook, created in Smartcar's dashboard. ``auto_subscribe`` subscribes every new connection."""

    id: str
    name: str | None
    callback_uri: str | None
    is_enabled: bool | None
    auto_subscribe: bool | None


class Subscription(TypedDict):
    """The subscription of a user's vehicle to a webhook. The datetimes are aware and in UTC, or None."""

    id: str
    webhook_id: str | None
    user_id: str | None
    vehicle_id: str | None
    vehicle: VehicleAttributes
    created_at: datetime | None
    updated_at: datetime | None


class CompatibleVehicle(TypedDict):
    """A model in a region (``"US"``, ``"CA"``, ``"EUROPE"``); the years are its first and last.

    A capability is ``{"type": "signal" or "command", "name", "group", "code", "capability", "permission"}``.
    """

    id: str
    make: str | None
    model: str | None
    region: str | None
    powertrain_type: str | None
    first_year: int | None
    last_year: int | None
    capabilities: list[dict[str, Any]]


def iter_applications(
    access_token: str, *, requester: Requester | None = None, api_url: str = const.MANAGEMENT_URL
) -> Iterator[Resource]:
    """Yield the applications that this token can access, as Smartcar sends them. GET /applications."""
    access_token = Secret(access_token)
    return Client(access_token, api_url, requester=requester).iter_all("applications")


def get_application(
    access_token: str,
    application_id: str,
    *,
    requester: Requester | None = None,
    api_url: str = const.MANAGEMENT_URL,
) -> Resource:
    """Return one application, as Smartcar sends it. GET /applications/{id}."""
    access_token = Secret(access_token)
    return Client(access_token, api_url, requester=requester).get_one("applications", application_id)


def iter_webhooks(
    access_token: str,
    *,
    name: str | None = None,
    callback_uri: str | None = None,
    is_enabled: bool | None = None,
    page_size: int = PAGE_SIZE,
    requester: Requester | None = None,
    api_url: str = const.MANAGEMENT_URL,
) -> Iterator[Webhook]:
    """Yield the application's webhooks; Smartcar applies the filters. GET /webhooks."""
    access_token = Secret(access_token)
    enabled = None if is_enabled is None else str(is_enabled).lower()
    filters = {"name": name, "callbackUri": callback_uri, "isEnabled": enabled}
    client = Client(access_token, api_url, requester=requester)
    return map(_webhook, client.iter_all("webhooks", filters=filters, page_size=page_size))


def get_webhook(
    access_token: str,
    webhook_id: str,
    *,
    requester: Requester | None = None,
    api_url: str = const.MANAGEMENT_URL,
) -> Webhook:
    """Return one webhook. GET /webhooks/{id}."""
    access_token = Secret(access_token)
    return _webhook(Client(access_token, api_url, requester=requester).get_one("webhooks", webhook_id))


def iter_subscriptions(
    access_token: str,
    *,
    user_id: str | None = None,
    vehicle_id: str | None = None,
    webhook_id: str | None = None,
    mode: str | None = None,
    page_size: int = PAGE_SIZE,
    requester: Requester | None = None,
    api_url: str = const.MANAGEMENT_URL,
) -> Iterator[Subscription]:
    """Yield the subscriptions of vehicles to webhooks; Smartcar applies the filters. GET /subscriptions."""
    access_token = Secret(access_token)
    filters = {"userId": user_id, "vehicleId": vehicle_id, "webhookId": webhook_id, "vehicle.mode": mode}
    client = Client(access_token, api_url, requester=requester)
    return map(_subscription, client.iter_all("subscriptions", filters=filters, page_size=page_size))


def get_subscription(
    access_token: str,
    subscription_id: str,
    *,
    requester: Requester | None = None,
    api_url: str = const.MANAGEMENT_URL,
) -> Subscription:
    """Return one subscription. GET /subscriptions/{id}."""
    access_token = Secret(access_token)
    client = Client(access_token, api_url, requester=requester)
    return _subscription(client.get_one("subscriptions", subscription_id))


def subscribe(
    access_token: str,
    webhook_id: str,
    vehicle_id: str,
    user_id: str,
    *,
    requester: Requester | None = None,
    api_url: str = const.MANAGEMENT_URL,
) -> None:
    """Subscribe a vehicle to a webhook. This is done asynchronously, after it returns. POST /subscriptions.

    Raises StateException if it is subscribed already.
    """
    access_token = Secret(access_token)
    attributes = {"webhookId": webhook_id, "userId": user_id, "vehicleId": vehicle_id}
    client = Client(access_token, api_url, requester=requester)
    client.send("POST", "subscriptions", attributes=attributes)


def unsubscribe(
    access_token: str,
    subscription_id: str,
    *,
    requester: Requester | None = None,
    api_url: str = const.MANAGEMENT_URL,
) -> None:
    """Delete a subscription. DELETE /subscriptions/{id}."""
    access_token = Secret(access_token)
    Client(access_token, api_url, requester=requester).send("DELETE", "subscriptions", subscription_id)


def unsubscribe_vehicle(client: Client, webhook_id: str, vehicle_id: str, user_id: str) -> None:
    """Delete the subscription of this user's vehicle, live or simulated, to this webhook.

    Raises ResourceNotFoundException if there is none.
    """
    wanted = {"userId": user_id, "vehicleId": vehicle_id, "webhookId": webhook_id}
    for mode in MODES:
        for resource in client.iter_all("subscriptions", filters={**wanted, "vehicle.mode": mode}):
            ids = [id_of(resource, related) for related in ("user", "vehicle", "webhook")]
            # Do not rely on Smartcar's filter: never delete the subscription of another user or vehicle.
            if ids == list(wanted.values()):
                return client.send("DELETE", "subscriptions", resource["id"])
    raise ResourceNotFoundException(
        "This vehicle is not subscribed to this webhook", type="RESOURCE_NOT_FOUND", status_code=404
    )


def iter_compatible_vehicles(
    region: str,
    *,
    make: str | None = None,
    powertrain_type: str | None = None,
    requester: Requester | None = None,
    api_url: str = const.COMPATIBILITY_URL,
) -> Iterator[CompatibleVehicle]:
    """Yield the supported models in ``"US"``, ``"CA"`` or ``"EUROPE"``, with the capabilities of each.

    The endpoint is public: no token is sent. GET /compatible-vehicles.
    """
    filters = {"region": region, "make": make, "powertrainType": powertrain_type}
    client = Client(None, api_url, requester=requester)
    return map(_compatible_vehicle, client.iter_all("compatible-vehicles", filters=filters))


def _webhook(resource: Resource) -> Webhook:
    attributes = attributes_of(resource)
    return {
        "id": resource["id"],
        "name": text_of(attributes, "name"),
        "callback_uri": text_of(attributes, "callbackUri"),
        "is_enabled": _bool_of(attributes, "isEnabled"),
        "auto_subscribe": _bool_of(attributes, "autoSubscribe"),
    }


def _subscription(resource: Resource) -> Subscription:
    meta = part_of(resource, "meta")
    return {
        "id": resource["id"],
        "webhook_id": id_of(resource, "webhook"),
        "user_id": id_of(resource, "user"),
        "vehicle_id": id_of(resource, "vehicle"),
        "vehicle": vehicle_attributes(part_of(resource, "attributes", "vehicle")),
        "created_at": parse_datetime(meta.get("createdAt")),
        "updated_at": parse_datetime(meta.get("updatedAt")),
    }


def _compatible_vehicle(resource: Resource) -> CompatibleVehicle:
    attributes = attributes_of(resource)
    years, capabilities = part_of(attributes, "years"), attributes.get("capabilities")
    known = vehicle_attributes(attributes)
    return {
        "id": resource["id"],
        "make": known["make"],
        "model": known["model"],
        "region": text_of(attributes, "region"),
        "powertrain_type": known["powertrain_type"],
        "first_year": _int_of(years, "start"),
        "last_year": _int_of(years, "end"),
        "capabilities": [item for item in capabilities if isinstance(item, dict)]
        if isinstance(capabilities, list)
        else [],
    }


def _bool_of(part: Resource, name: str) -> bool | None:
    value = part.get(name)
    return value if isinstance(value, bool) else None


def _int_of(part: Resource, name: str) -> int | None:
    value = part.get(name)
    return value if isinstance(value, int) else None
