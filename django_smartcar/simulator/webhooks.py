"""The webhooks of the application, and which cars are subscribed to them. Nothing is delivered yet."""

from __future__ import annotations

import uuid
from dataclasses import dataclass

from . import world
from .cars import stable_id
from .connections import Connection, connections, of_vehicle
from .records import Webhook
from .v3_errors import V3Error, not_found


@dataclass(frozen=True)
class Subscription:
    """A connected car, and a webhook that tells of it."""

    id: str
    webhook_id: str
    connection: Connection


def add(name: str, callback_uri: str, *, is_enabled: bool = True, auto_subscribe: bool = False) -> Webhook:
    """Make a webhook, as is done in Smartcar's dashboard: no host has a path for it."""
    with world.changes() as state:
        webhook = Webhook(
            id=str(uuid.uuid4()),
            name=name,
            callback_uri=callback_uri,
            created_at=world.now(),
            is_enabled=is_enabled,
            auto_subscribe=auto_subscribe,
        )
        state.webhooks[webhook.id] = webhook
        world.touch()
        return webhook


def webhook(webhook_id: str) -> Webhook:
    """The webhook of this id."""
    known = world.state().webhooks.get(webhook_id)
    if known is None:
        raise not_found("webhook")
    return known


def subscriptions() -> list[Subscription]:
    """Every subscription of a car that is connected."""
    subscribed = world.state().subscriptions
    return [
        Subscription(stable_id("subscription", webhook_id, known.id), webhook_id, known)
        for known in connections()
        for webhook_id in subscribed.get(known.car.id, [])
    ]


def subscription(subscription_id: str) -> Subscription:
    """The subscription of this id."""
    for known in subscriptions():
        if known.id == subscription_id:
            return known
    raise not_found("subscription")


def subscribe(webhook_id: str, owner_id: str, vehicle_id: str) -> None:
    """Subscribe a driver's car."""
    with world.changes() as state:
        webhook(webhook_id)
        if of_vehicle(vehicle_id, owner_id) is None:
            raise not_found("vehicle")
        subscribed = state.subscriptions.setdefault(vehicle_id, [])
        if webhook_id in subscribed:
            raise V3Error("VALIDATION", "CONFLICT", "The vehicle is subscribed to the webhook already.")
        subscribed.append(webhook_id)
        world.touch()


def unsubscribe(known: Subscription) -> None:
    """End a subscription."""
    with world.changes() as state:
        state.subscriptions[known.connection.car.id].remove(known.webhook_id)
        world.touch()
