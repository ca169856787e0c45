"""The webhooks of the application, which cars are subscribed to them, and what is sent to them."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from .. import store
from ..access.connections import Connection, connections, of_vehicle
from ..errors.v2 import SmartcarError
from ..errors.v3 import V3Error, not_found
from ..faults import injection
from ..store.models import Car, Webhook
from ..vehicles.factory import stable_id
from . import payloads, queue
from .queue import Delivery
from .signing import sign


@dataclass(frozen=True)
class Subscription:
    """A connected car, and a webhook that tells of it."""

    id: str
    webhook_id: str
    connection: Connection


def add(name: str, callback_uri: str, **options: Any) -> Webhook:
    """Make a webhook, as is done in Smartcar's dashboard: no host has a path for it.

    The options are fields of `records.Webhook`. Nothing is sent before the receiver is verified: `verify` it.
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


def webhook(webhook_id: str) -> Webhook:
    """The webhook of this id."""
    known = store.state().webhooks.get(webhook_id)
    if known is None:
        raise not_found("webhook")
    return known


def subscriptions() -> list[Subscription]:
    """Every subscription of a car that is connected."""
    subscribed = store.state().subscriptions
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
    with store.changes() as state:
        webhook(webhook_id)
        if of_vehicle(vehicle_id, owner_id) is None:
            raise not_found("vehicle")
        subscribed = state.subscriptions.setdefault(vehicle_id, [])
        if webhook_id in subscribed:
            raise V3Error("VALIDATION", "CONFLICT", "The vehicle is subscribed to the webhook already.")
        subscribed.append(webhook_id)
        store.touch()
        first_delivery(webhook_id, vehicle_id)


def subscribe_automatically(owner_id: str, vehicle_ids: Iterable[str]) -> None:
    """Subscribe cars that were just connected to the webhooks that want every car."""
    with store.changes() as state:
        for vehicle_id in vehicle_ids:
            for known in state.webhooks.values():
                subscribed = state.subscriptions.get(vehicle_id, [])
                is_new = known.auto_subscribe and known.id not in subscribed
                if is_new and of_vehicle(vehicle_id, owner_id):
                    subscribe(known.id, owner_id, vehicle_id)


def unsubscribe(known: Subscription) -> None:
    """End a subscription."""
    with store.changes() as state:
        state.subscriptions[known.connection.car.id].remove(known.webhook_id)
        store.touch()


def is_open(known: Webhook) -> bool:
    """Whether anything is sent to it. What happens while it is not is never told."""
    return known.is_enabled and known.is_verified


def of_car(car: Car) -> list[Subscription]:
    """The subscriptions of this car that something is sent to."""
    state = store.state()
    open_ids = {
        webhook_id
        for webhook_id in state.subscriptions.get(car.id, [])
        if webhook_id in state.webhooks and is_open(state.webhooks[webhook_id])
    }
    if not open_ids:
        return []
    return [one for one in subscriptions() if one.connection.car.id == car.id and one.webhook_id in open_ids]


def verify(known: Webhook) -> Delivery:
    """Ask the receiver to prove that it knows the management token; nothing else is sent before it has."""
    challenge = str(uuid.uuid4())
    body = payloads.verify(known, challenge)
    return queue.enqueue(
        known,
        "VERIFY",
        body,
        expected=sign(challenge.encode()),
        on_answer=lambda is_right: _take_answer(known, is_right),
    )


def enable(known: Webhook, is_enabled: bool) -> None:
    """Turn a webhook on or off. Once it is on again, every car is told of anew."""
    with store.changes():
        is_new = is_enabled and not known.is_enabled
        known.is_enabled = is_enabled
        store.touch()
        if is_new:
            _tell_of_all(known)


def _take_answer(known: Webhook, is_right: bool) -> None:
    is_new = is_right and not known.is_verified
    known.is_verified = is_right
    store.touch()
    if is_new:
        _tell_of_all(known)


def _tell_of_all(known: Webhook) -> None:
    for one in subscriptions():
        if one.webhook_id == known.id:
            first_delivery(known.id, one.connection.car.id)


def remove(known: Webhook) -> None:
    """Take a webhook away, with its subscriptions and what was on its way."""
    with store.changes() as state:
        state.webhooks.pop(known.id, None)
        for subscribed in state.subscriptions.values():
            if known.id in subscribed:
                subscribed.remove(known.id)
        queue.drop(known.id)
        store.touch()


def first_delivery(webhook_id: str, vehicle_id: str) -> None:
    """Tell a webhook of a car that is new to it."""
    known, connection = store.state().webhooks.get(webhook_id), of_vehicle(vehicle_id)
    if known and connection and is_open(known) and known.version == "4.0":
        send_state(known, connection, [payloads.FIRST_DELIVERY])


def send_state(
    known: Webhook, connection: Connection, triggers: Iterable[str], *, is_test: bool = False
) -> Delivery:
    """Send the signals of a car, caused by these."""
    body = payloads.vehicle_state(known, connection, triggers, is_test=is_test)
    return queue.enqueue(known, "VEHICLE_STATE", body, vehicle_id=connection.car.id)


def send_error(
    known: Webhook,
    connection: Connection,
    fault: str,
    codes: Iterable[str] | None = None,
    *,
    is_resolved: bool = False,
    is_test: bool = False,
) -> Delivery:
    """Send that a car cannot be asked, or can again: for these signals, or for all of the webhook."""
    error = injection.error_of(fault)
    if not isinstance(error, SmartcarError):
        raise ValueError(f"{fault} is no error of a car.")
    body = payloads.vehicle_error(
        known,
        connection,
        error,
        payloads.codes_of(known) if codes is None else codes,
        is_resolved=is_resolved,
        is_test=is_test,
    )
    kind = "VEHICLE_ERROR (resolved)" if is_resolved else "VEHICLE_ERROR"
    return queue.enqueue(known, kind, body, vehicle_id=connection.car.id, url=known.error_uri)


def send_schedule(known: Webhook) -> Delivery:
    """Send what a scheduled webhook of 2.0 tells of its cars by the clock."""
    cars = [one.connection for one in subscriptions() if one.webhook_id == known.id]
    return queue.enqueue(known, "schedule", payloads.schedule(known, cars))


def send_charge_event(known: Webhook, connection: Connection, kind: str) -> Delivery:
    """Send ``CHARGING_STARTED``, ``CHARGING_STOPPED`` or ``CHARGING_COMPLETED`` of 2.0."""
    body = payloads.charge_event(known, connection, kind)
    return queue.enqueue(known, kind, body, vehicle_id=connection.car.id)
