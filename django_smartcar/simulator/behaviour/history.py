"""The history of a vehicle: what it did before it was connected, as webhooks would have told it.

    history.live(car, days=30)                     # its subscribed webhooks hear of the last 30 days
    json_lines = map(json.dumps, history.archive(car, days=30))

The vehicle goes to work and back on weekdays and on errands and longer trips at the weekend. It charges at
night at home and sometimes at a fast charger, or fills up; it sleeps at night and on idle days. The same
vehicle has the same trips on each date. The past leads up to the present values and does not change them.

A day with trips has 15 to 60 moments at which the vehicle reports, an idle one up to 4. A webhook gets an
event for each moment at which one of its triggers has changed.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from .. import store
from ..access.connections import Connection, of_vehicle
from ..access.scopes import SCOPES
from ..conf import conf
from ..errors.v2 import SmartcarError
from ..signals.catalog import SIGNALS
from ..store.models import Car, Webhook
from ..vehicles.factory import rand, stable_id
from ..vehicles.v2_readings import Units
from ..webhooks import payloads, queue, registry
from ..webhooks.queue import Delivery
from .past import moments

MAX_DAYS = 366

#: The signals of an archive: those that change, for charts and statistics.
ARCHIVE_SIGNALS = (
    "charge-amperage",
    "charge-chargerate",
    "charge-detailedchargingstatus",
    "charge-energyadded",
    "charge-ischarging",
    "charge-ischargingcableconnected",
    "charge-isfastchargerpresent",
    "charge-timetocomplete",
    "charge-voltage",
    "charge-wattage",
    "climate-externaltemperature",
    "climate-internaltemperature",
    "closure-islocked",
    "connectivitystatus-isasleep",
    "connectivitystatus-isonline",
    "internalcombustionengine-amountremaining",
    "internalcombustionengine-fuellevel",
    "internalcombustionengine-range",
    "location-isathome",
    "location-preciselocation",
    "lowvoltagebattery-stateofcharge",
    "motion-currentspeed",
    "odometer-traveleddistance",
    "tractionbattery-range",
    "tractionbattery-stateofcharge",
    "transmission-gearstate",
)

_METRIC = Units("metric")


def live(car: Car, days: int) -> list[Delivery]:
    """Give the vehicle a past of so many days, and tell it to the webhooks that it is subscribed to.

    Raises ValueError unless `days` is from 1 to 366. The events are queued oldest first, before those of the
    vehicle that still wait. A webhook whose events were queued already gets the same ones again.
    """
    with store.changes():
        present = replace(car)
        told = [
            (webhook, subscription.connection)
            for subscription in registry.active_subscriptions(car)
            if (webhook := registry.get_webhook(subscription.webhook_id)).version == "4.0"
        ]
    # It may take seconds, in which other requests are answered.
    past = _past(present, days)
    events = [list(_events(webhook, connection, past)) for webhook, connection in told]
    with store.changes():
        car.heading, car.charge_records = past[-1].heading, past[-1].charge_records
        store.touch()
        return [
            delivery
            for (webhook, connection), found in zip(told, events, strict=True)
            for delivery in _tell(webhook, connection, found)
        ]


def archive(car: Car, days: int, signals: Sequence[str] = ARCHIVE_SIGNALS) -> Iterator[dict[str, Any]]:
    """Return the events of so many days, oldest first, as documented (4.0). Nothing is sent.

    Raises ValueError unless `days` is from 1 to 366. The events have these signals, by code, as far as the
    vehicle has them. Each event was delivered when it was retrieved.
    """
    with store.changes():
        present, connection = replace(car), of_vehicle(car.id) or _unconnected(car)
    past = _past(present, days)
    webhook = Webhook(
        id=stable_id("archive", car.id),
        name="Archive",
        callback_uri="",
        created_at=past[0].recorded_at,
        signals=[code for code in signals if _is_capable(car, code)],
    )
    return _archived(webhook, connection, past)


def tell_new_webhook(webhook: Webhook, connection: Connection) -> None:
    """Tell a webhook the past of a vehicle before its first event, if new vehicles have one.

    That is what the setting ``SMARTCAR_SIMULATOR_DAYS`` is for.
    """
    car, days = connection.car, conf.SMARTCAR_SIMULATOR_DAYS
    if not days or webhook.id in car.past_told_to:
        return
    past = _past(car, days)
    car.heading, car.charge_records = past[-1].heading, past[-1].charge_records
    _tell(webhook, connection, _events(webhook, connection, past))


registry.before_first_delivery.append(tell_new_webhook)


def _past(car: Car, days: int) -> list[Car]:
    if isinstance(days, bool) or not isinstance(days, int) or not 1 <= days <= MAX_DAYS:
        raise ValueError(f"days must be a whole number from 1 to {MAX_DAYS}, not {days!r}.")
    # A vehicle that has not reported for a while has its past before its last report.
    return moments(car, min(store.now(), car.recorded_at) - timedelta(days=days))


def _tell(webhook: Webhook, connection: Connection, events: Iterable[dict[str, Any]]) -> list[Delivery]:
    """Queue these events of the past, before those of the vehicle that wait for their delivery."""
    car = connection.car
    waiting = [one for one in store.deliveries if _waits(one, webhook, car)]
    for delivery in waiting:
        store.deliveries.remove(delivery)
    queued = [queue.enqueue(webhook, "VEHICLE_STATE", event, vehicle_id=car.id) for event in events]
    store.deliveries.extend(waiting)
    if webhook.id not in car.past_told_to:
        car.past_told_to = [*car.past_told_to, webhook.id]
    store.touch()
    return queued


def _waits(delivery: Delivery, webhook: Webhook, car: Car) -> bool:
    is_same = delivery.webhook_id == webhook.id and delivery.vehicle_id == car.id
    return is_same and delivery.outcome == "waiting" and not delivery.is_in_progress


def _events(webhook: Webhook, connection: Connection, past: Sequence[Car]) -> Iterator[dict[str, Any]]:
    """Yield an event for each moment at which a trigger of the webhook has changed."""
    codes = payloads.signal_codes(webhook) if webhook.triggers is None else webhook.triggers
    codes = [code for code in codes if code in SIGNALS and SIGNALS[code].scope in connection.permissions]
    before: dict[str, Any] | None = None
    for car in past:
        now = _values(car, codes)
        triggers = [code for code in codes if before is not None and before.get(code) != now.get(code)]
        before = now
        if triggers:
            retrieved_at = _retrieved_at(car)
            event = payloads.vehicle_state(
                webhook, replace(connection, car=car), triggers, read_at=retrieved_at
            )
            moment = car.recorded_at.isoformat()
            yield event | {"eventId": stable_id("past", webhook.id, car.id, moment)}


def _values(car: Car, codes: Sequence[str]) -> dict[str, Any]:
    values = {}
    for code in codes:
        with contextlib.suppress(SmartcarError):  # the vehicle is not capable
            values[code] = SIGNALS[code].body(car, _METRIC)
    return values


def _retrieved_at(car: Car) -> datetime:
    """Return when Smartcar read a moment: some seconds later, for a vehicle always the same."""
    return car.recorded_at + timedelta(seconds=2 + round(8 * rand("retrieved", car.id)))


def _archived(webhook: Webhook, connection: Connection, past: Sequence[Car]) -> Iterator[dict[str, Any]]:
    for event in _events(webhook, connection, past):
        delivered_at = event["meta"]["sequence"]
        delivery = {"deliveryId": stable_id("delivery", event["eventId"]), "deliveredAt": delivered_at}
        yield event | {"meta": event["meta"] | delivery}


def _unconnected(car: Car) -> Connection:
    """Return a connection for a vehicle that has none."""
    at = car.recorded_at
    return Connection(stable_id("archive", car.id), car.owner_id, car, list(SCOPES), "live", None, at, at)


def _is_capable(car: Car, code: str) -> bool:
    return bool(_values(car, [code]))
