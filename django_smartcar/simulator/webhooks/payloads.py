"""The bodies of webhooks: version 4.0 as it is documented and as it was captured, and the older 2.0."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from typing import Any

from django.utils.translation import gettext_lazy as _

from .. import store
from ..access.connections import Connection
from ..conf import conf
from ..errors.v2 import SmartcarError
from ..signals.catalog import SIGNALS, resource
from ..store.models import Webhook
from ..vehicles.values import READINGS, Units, timestamp
from .signing import milliseconds

Body = dict[str, Any]

VERSIONS = ("4.0", "2.0")
#: Shapes of 4.0 that receivers have met; documents and servers do not agree.
VARIANTS = {
    "documented": _("as documented"),
    "captured": _("as captured in 2026: triggers beside data, units in short"),
    "captured-early": _("as captured early in 2026: deliveryTime, signals by name"),
}

#: What a webhook sends when nobody has chosen.
DEFAULT_SIGNALS = (
    "charge-chargelimits",
    "charge-detailedchargingstatus",
    "charge-ischarging",
    "charge-ischargingcableconnected",
    "closure-islocked",
    "connectivitystatus-isasleep",
    "connectivitystatus-isonline",
    "internalcombustionengine-fuellevel",
    "internalcombustionengine-range",
    "location-preciselocation",
    "odometer-traveleddistance",
    "tractionbattery-range",
    "tractionbattery-stateofcharge",
)
FIRST_DELIVERY = "FIRST_DELIVERY"
#: The paths that a scheduled webhook of 2.0 reads.
SCHEDULED_PATHS = ("odometer", "location", "fuel", "battery", "charge")

_METRIC = Units("metric")
_SHORT_UNITS = {"kilometers": "km"}


def codes_of(webhook: Webhook) -> list[str]:
    """The signals that the webhook sends, as far as they are not turned off in the dashboard."""
    codes = DEFAULT_SIGNALS if webhook.signals is None else webhook.signals
    return [code for code in codes if code in SIGNALS and code not in conf.SMARTCAR_SIMULATOR_SIGNALS_OFF]


def verify(webhook: Webhook, challenge: str) -> Body:
    """The challenge whose answer proves that the receiver knows the token."""
    if webhook.version == "2.0":
        payload = {"challenge": challenge}
        return {"version": "2.0", "webhookId": webhook.id, "eventName": "verify", "payload": payload}
    return {
        "eventId": str(uuid.uuid4()),
        "eventType": "VERIFY",
        "data": {"challenge": challenge},
        "meta": {"version": "4.0", "webhookId": webhook.id, "webhookName": webhook.name},
    }


def vehicle_state(
    webhook: Webhook, known: Connection, triggers: Iterable[str], *, is_test: bool = False
) -> Body:
    """All the signals of the webhook, and which of them caused it."""
    signals = [_signal(webhook, known, code) for code in codes_of(webhook)]
    body = _envelope("VEHICLE_STATE", webhook, known, is_test)
    body["data"]["signals"] = signals
    body["meta"]["signalCount"] = len(signals)
    if webhook.variant == "documented":
        body["data"]["triggers"] = [
            {"code": code} | (_names(code) if code in SIGNALS else {}) for code in triggers
        ]
    else:
        body["triggers"] = [_captured_trigger(webhook, code) for code in triggers]
    return body


def vehicle_error(
    webhook: Webhook,
    known: Connection,
    error: SmartcarError,
    codes: Iterable[str],
    *,
    is_resolved: bool = False,
    is_test: bool = False,
) -> Body:
    """That the car cannot be reached, or can again; and which signals that concerns."""
    told = error.body("")
    body = _envelope("VEHICLE_ERROR", webhook, known, is_test)
    told_error: Body = {
        "type": error.type,
        "code": error.code,
        "state": "RESOLVED" if is_resolved else "ERROR",
        "description": told["description"],
        "suggestedUserMessage": told.get("suggestedUserMessage"),
        "docURL": told["docURL"],
        "signals": [_named(webhook, code) for code in codes],
    }
    if not is_resolved:
        told_error["resolution"] = {"type": error.kind.resolution}
    body["data"]["errors"] = [told_error]
    return body


def schedule(webhook: Webhook, connections: Iterable[Connection]) -> Body:
    """What 2.0 sends by the clock: several cars at once, each read as in a batch."""
    vehicles = [_scheduled(known) for known in connections]
    return _older(webhook, "schedule", {"vehicles": vehicles})


def charge_event(webhook: Webhook, known: Connection, kind: str) -> Body:
    """What 2.0 sends when a car starts or ends charging."""
    payload = {
        "eventId": str(uuid.uuid4()),
        "vehicleId": known.car.id,
        "eventType": kind,
        "eventTime": timestamp(known.car.recorded_at),
    }
    return _older(webhook, "eventBased", payload, known.mode)


def _envelope(kind: str, webhook: Webhook, known: Connection, is_test: bool) -> Body:
    car = known.car
    vehicle: Body = {"id": car.id, "make": car.make, "model": car.model, "year": car.year}
    user: Body = {"id": known.owner_id}
    meta: Body = {"version": "4.0", "webhookId": webhook.id, "webhookName": webhook.name}
    meta["mode"] = "TEST" if is_test or known.mode != "live" else "LIVE"
    if webhook.variant == "documented":
        user["externalId"] = known.external_id
        meta["sequence"] = _next_in_sequence()
    if webhook.variant == "captured-early":
        meta["deliveryTime"] = None  # in place of deliveredAt; each attempt says when it was made
    else:
        vehicle |= {"mode": known.mode, "powertrainType": car.powertrain}
    return {
        "eventId": str(uuid.uuid4()),
        "eventType": kind,
        "data": {"user": user, "vehicle": vehicle},
        "meta": meta,
    }


def _signal(webhook: Webhook, known: Connection, code: str) -> Body:
    attributes = resource(SIGNALS[code], known.car, _METRIC, known.permissions, "")["attributes"]
    status, body = attributes["status"], attributes.get("body")
    if "error" in status:
        told = {name: status["error"][name] for name in ("type", "code")}
        return {**_named_fully(code), "status": {"value": "ERROR", "error": told}}
    if webhook.variant != "documented" and "unit" in body:
        body = body | {"unit": _SHORT_UNITS.get(body["unit"], body["unit"])}
    times = {
        "oemUpdatedAt": milliseconds(known.car.recorded_at),
        "retrievedAt": milliseconds(store.now()),
    }
    return {**_named_fully(code), "body": body, "meta": times, "status": status}


def _scheduled(known: Connection) -> Body:
    items = []
    for path in SCHEDULED_PATHS:
        reading = READINGS[path]
        if reading.scope in known.permissions:
            items.append(_scheduled_item(known, path))
    now = timestamp(store.now())
    return {"vehicleId": known.car.id, "requestId": str(uuid.uuid4()), "timestamp": now, "data": items}


def _scheduled_item(known: Connection, path: str) -> Body:
    reading = READINGS[path]
    try:
        body: Any = reading.body(known.car, _METRIC, {})
    except SmartcarError as error:
        return {"path": f"/{path}", "code": error.status, "body": error.body(str(uuid.uuid4()))}
    headers = {"sc-data-age": timestamp(known.car.recorded_at)}
    if reading.has_units:
        headers["sc-unit-system"] = "metric"
    return {"path": f"/{path}", "code": 200, "body": body, "headers": headers}


def _older(webhook: Webhook, name: str, payload: Body, mode: str = "live") -> Body:
    return {
        "version": "2.0",
        "webhookId": webhook.id,
        "eventName": name,
        "mode": mode,
        "payload": payload,
    }


def _captured_trigger(webhook: Webhook, code: str) -> Body:
    if code not in SIGNALS:
        return {"type": code}
    return {"type": "SIGNAL_UPDATED", "signal": _named(webhook, code)}


def _named(webhook: Webhook, code: str) -> Any:
    names = _names(code)
    return f"{names['group']}.{names['name']}" if webhook.variant == "captured-early" else _named_fully(code)


def _named_fully(code: str) -> Body:
    return {"code": code, **_names(code)}


def _names(code: str) -> dict[str, str]:
    return {"name": SIGNALS[code].name, "group": SIGNALS[code].group}


def _next_in_sequence() -> int:
    """Rises with every event, also within one millisecond."""
    last: int = store.traffic.get("sequence", 0)
    store.traffic["sequence"] = max(last + 1, milliseconds(store.now()))
    return int(store.traffic["sequence"])
