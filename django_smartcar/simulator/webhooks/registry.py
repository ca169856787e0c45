"""Webhooks and their subscriptions: register, verify, subscribe, and send events."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from .. import store
from ..access.connections import Connection, connections, of_vehicle
from ..errors.v2 import SmartcarError
from ..errors.v3 import Conflict, not_found
from ..faults import injection
from ..store.models import Car, Webhook
from ..vehicles.factory import stable_id
from . import payloads, queue
from .queue import Delivery
from .signing import sign

#: Called with a webhook and a connected vehicle before the first event: `behaviour.history` tells the past.
before_first_delivery: list[Callable[[Webhook, Connection], None]] = []


@dataclass(frozen=True)
class Subscription:
    """A connected vehicle that is subscribed to a webhook."""

    id: str
    webhook_id: str
    connection: Connection


def add(name: str, callback_uri: str, **options: Any) -> Webhook:
    """Create a webhook, as in Smartcar's dashboard (there is no endpoint for it).

    The options are fields of `store.models.Webhook`. Nothing is sent before the receiver is verified: call
    `verify`.
    """
    with store.changes() as state:
        webhook = Webhook(
            id=str(uuid.uuid4()),
            name=name,
            callback_uri=callback_uri,
            created_at=store.now(),
            **options,
        )
        state.webhooks[webhook.id] = webhook
        store.touch()
        return webhook


def get_webhook(webhook_id: str) -> Webhook:
    """Return the webhook with this id. Raise a 404 if there is none."""
    webhook = store.state().webhooks.get(webhook_id)
    if webhook is None:
        raise not_found("webhook")
    return webhook


def subscriptions() -> list[Subscription]:
    """Return the subscriptions of all connected vehicles."""
    subscribed = store.state().subscriptions
    return [
        Subscription(stable_id("subscription", webhook_id, connection.id), webhook_id, connection)
        for connection in connections()
        for webhook_id in subscribed.get(connection.car.id, [])
    ]


def get_subscription(subscription_id: str) -> Subscription:
    """Return the subscription with this id. Raise a 404 if there is none."""
    for subscription in subscriptions():
        if subscription.id == subscription_id:
            return subscription
    raise not_found("subscription")


def subscribe(webhook_id: str, owner_id: str, vehicle_id: str) -> None:
    """Subscribe an owner's vehicle, and send its first event. Raise a 404 or a 409."""
    with store.changes() as state:
        get_webhook(webhook_id)
        if of_vehicle(vehicle_id, owner_id) is None:
            raise not_found("vehicle")
        subscribed = state.subscriptions.setdefault(vehicle_id, [])
        if webhook_id in subscribed:
            raise Conflict("The vehicle is subscribed to the webhook already.")
        subscribed.append(webhook_id)
        store.touch()
        first_delivery(webhook_id, vehicle_id)


def subscribe_automatically(owner_id: str, vehicle_ids: Iterable[str]) -> None:
    """Subscribe newly connected vehicles to the webhooks with `auto_subscribe`."""
    with store.changes() as state:
        for vehicle_id in vehicle_ids:
            for webhook in state.webhooks.values():
                subscribed = state.subscriptions.get(vehicle_id, [])
                is_wanted = webhook.auto_subscribe and webhook.id not in subscribed
                if is_wanted and of_vehicle(vehicle_id, owner_id):
                    subscribe(webhook.id, owner_id, vehicle_id)


def unsubscribe(subscription: Subscription) -> None:
    """Delete a subscription."""
    with store.changes() as state:
        state.subscriptions[subscription.connection.car.id].remove(subscription.webhook_id)
        store.touch()


def is_active(webhook: Webhook) -> bool:
    """Return whether events are sent to it. Changes in the meantime are not sent later."""
    return webhook.is_enabled and webhook.is_verified


def active_subscriptions(car: Car) -> list[Subscription]:
    """Return the vehicle's subscriptions to active webhooks."""
    state = store.state()
    active_ids = {
        webhook_id
        for webhook_id in state.subscriptions.get(car.id, [])
        if webhook_id in state.webhooks and is_active(state.webhooks[webhook_id])
    }
    if not active_ids:
        return []
    return [
        one for one in subscriptions() if one.connection.car.id == car.id and one.webhook_id in active_ids
    ]


def verify(webhook: Webhook) -> Delivery:
    """Send a challenge. The receiver's response must prove that it knows the management token."""
    challenge = str(uuid.uuid4())
    payload = payloads.verify(webhook, challenge)
    return queue.enqueue(
        webhook,
        "VERIFY",
        payload,
        expected=sign(challenge.encode()),
        on_response=lambda is_correct: _record_verification(webhook, is_correct),
    )


def enable(webhook: Webhook, is_enabled: bool) -> None:
    """Turn a webhook on or off. Turning it on sends a first event for each vehicle again."""
    with store.changes():
        is_turned_on = is_enabled and not webhook.is_enabled
        webhook.is_enabled = is_enabled
        store.touch()
        if is_turned_on:
            _send_first_deliveries(webhook)


def _record_verification(webhook: Webhook, is_correct: bool) -> None:
    is_newly_verified = is_correct and not webhook.is_verified
    webhook.is_verified = is_correct
    store.touch()
    if is_newly_verified:
        _send_first_deliveries(webhook)


def _send_first_deliveries(webhook: Webhook) -> None:
    for subscription in subscriptions():
        if subscription.webhook_id == webhook.id:
            first_delivery(webhook.id, subscription.connection.car.id)


def remove(webhook: Webhook) -> None:
    """Delete a webhook, its subscriptions and its queued deliveries."""
    with store.changes() as state:
        state.webhooks.pop(webhook.id, None)
        for subscribed in state.subscriptions.values():
            if webhook.id in subscribed:
                subscribed.remove(webhook.id)
        queue.drop(webhook.id)
        store.touch()


def first_delivery(webhook_id: str, vehicle_id: str) -> None:
    """Send the first event for a vehicle to a webhook (4.0)."""
    webhook, connection = store.state().webhooks.get(webhook_id), of_vehicle(vehicle_id)
    if webhook and connection and is_active(webhook) and webhook.version == "4.0":
        for tell in before_first_delivery:
            tell(webhook, connection)
        send_state(webhook, connection, [payloads.FIRST_DELIVERY])
        send_complaints(webhook, connection)


def send_state(
    webhook: Webhook, connection: Connection, triggers: Iterable[str], *, is_test: bool = False
) -> Delivery:
    """Send the signals of a vehicle, triggered by these codes."""
    payload = payloads.vehicle_state(webhook, connection, triggers, is_test=is_test)
    return queue.enqueue(webhook, "VEHICLE_STATE", payload, vehicle_id=connection.car.id)


def send_error(
    webhook: Webhook,
    connection: Connection,
    fault: str,
    codes: Iterable[str] | None = None,
    *,
    is_resolved: bool = False,
    is_test: bool = False,
) -> Delivery:
    """Send an error of a vehicle, or that it is resolved. Default: it affects all signals of the webhook."""
    error = injection.exception_for(fault)
    if not isinstance(error, SmartcarError):
        raise ValueError(f"{fault} is not an error of a vehicle.")
    payload = payloads.vehicle_error(
        webhook,
        connection,
        error,
        payloads.signal_codes(webhook) if codes is None else codes,
        is_resolved=is_resolved,
        is_test=is_test,
    )
    kind = "VEHICLE_ERROR (resolved)" if is_resolved else "VEHICLE_ERROR"
    return queue.enqueue(webhook, kind, payload, vehicle_id=connection.car.id, url=webhook.error_uri)


def send_complaints(webhook: Webhook, connection: Connection) -> Delivery | None:
    """Send the errors that the car's profile sends although everything works, if it has any."""
    payload = payloads.complaints(webhook, connection)
    if payload is None:
        return None
    return queue.enqueue(
        webhook, "VEHICLE_ERROR", payload, vehicle_id=connection.car.id, url=webhook.error_uri
    )


def send_test(webhook: Webhook) -> Delivery:
    """Send what "Test webhook" in Smartcar's dashboard sends (4.0): a car that nobody has."""
    return queue.enqueue(webhook, "VEHICLE_STATE (test)", payloads.dashboard_test(webhook))


def send_schedule(webhook: Webhook) -> Delivery:
    """Send the scheduled event (2.0) with all subscribed vehicles."""
    subscribed = [one.connection for one in subscriptions() if one.webhook_id == webhook.id]
    return queue.enqueue(webhook, "schedule", payloads.schedule(webhook, subscribed))


def send_charge_event(webhook: Webhook, connection: Connection, kind: str) -> Delivery:
    """Send ``CHARGING_STARTED``, ``CHARGING_STOPPED`` or ``CHARGING_COMPLETED`` (2.0)."""
    payload = payloads.charge_event(webhook, connection, kind)
    return queue.enqueue(webhook, kind, payload, vehicle_id=connection.car.id)
