"""The payloads of webhooks: version 4.0, as documented and as captured from Smartcar, and version 2.0."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.utils.translation import gettext_lazy as _

from .. import profiles, store
from ..access.connections import Connection
from ..conf import conf
from ..errors.v2 import SmartcarError
from ..profiles import Complaint
from ..signals.catalog import SIGNALS, signal_resource
from ..store.models import Webhook
from ..vehicles.catalog import MAKES
from ..vehicles.factory import build_car, stable_id
from ..vehicles.v2_readings import READINGS, Units, timestamp
from .signing import milliseconds

Body = dict[str, Any]

VERSIONS = ("4.0", "2.0")
#: Variants of 4.0: what Smartcar sends differs from its documentation.
VARIANTS = {
    "documented": _("as documented"),
    "captured": _("as captured in 2026: triggers beside data, units in short"),
    "captured-early": _("as captured early in 2026: deliveryTime, signals by name"),
}

#: The signals of a webhook without a selection.
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
#: The paths that a scheduled webhook (2.0) reads.
SCHEDULED_PATHS = ("odometer", "location", "fuel", "battery", "charge")

_METRIC = Units("metric")
_SHORT_UNITS = {"kilometers": "km"}


def signal_codes(webhook: Webhook) -> list[str]:
    """Return the codes of the signals that the webhook sends, without those turned off in the dashboard."""
    codes = DEFAULT_SIGNALS if webhook.signals is None else webhook.signals
    return [code for code in codes if code in SIGNALS and code not in conf.SMARTCAR_SIMULATOR_SIGNALS_OFF]


def verify(webhook: Webhook, challenge: str) -> Body:
    """Return a challenge, whose response proves that the receiver knows the management token."""
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
    webhook: Webhook,
    connection: Connection,
    triggers: Iterable[str],
    *,
    is_test: bool = False,
    read_at: datetime | None = None,
) -> Body:
    """Return an event with all signals of the webhook and the ones that triggered it.

    `read_at` is when Smartcar read the vehicle, for an event of the past; by default now.
    """
    omitted = profiles.of(connection.car).omitted
    codes = [code for code in signal_codes(webhook) if code not in omitted]
    signals = [_signal(webhook, connection, code, read_at) for code in codes]
    body = _envelope("VEHICLE_STATE", webhook, connection, is_test, read_at)
    body["data"]["signals"] = signals
    body["meta"]["signalCount"] = len(signals)
    triggers = [code for code in triggers if code not in omitted]
    if webhook.variant == "documented":
        body["data"]["triggers"] = [
            {"code": code} | (_names(code) if code in SIGNALS else {}) for code in triggers
        ]
    else:
        body["triggers"] = [_captured_trigger(webhook, code) for code in triggers]
    return body


def vehicle_error(
    webhook: Webhook,
    connection: Connection,
    error: SmartcarError,
    codes: Iterable[str],
    *,
    is_resolved: bool = False,
    is_test: bool = False,
    read_at: datetime | None = None,
) -> Body:
    """Return an event for an error of the vehicle, or its end, with the affected signals."""
    body = _envelope("VEHICLE_ERROR", webhook, connection, is_test, read_at)
    error_body = _error_body(error, is_resolved=is_resolved)
    error_body["signals"] = [_signal_reference(webhook, code) for code in codes]
    body["data"]["errors"] = [error_body]
    return body


def complaints(webhook: Webhook, connection: Connection, read_at: datetime | None = None) -> Body | None:
    """Return the errors that the car's profile sends although everything works. None: it sends none."""
    sent = profiles.of(connection.car).complaints
    if not sent:
        return None
    body = _envelope("VEHICLE_ERROR", webhook, connection, False, read_at)
    body["data"]["errors"] = [_complaint(complaint) for complaint in sent]
    return body


def dashboard_test(webhook: Webhook) -> Body:
    """Return what "Test webhook" in Smartcar's dashboard sends: a made-up car, signals without a status.

    Source: wbyoung/smartcar #39, a log.
    """
    seed, now = f"test of {webhook.id}", store.now()
    owner_id = stable_id("owner", seed)
    car = build_car(seed, owner_id=owner_id, make=MAKES["TESLA"], now=now)
    scopes = sorted({signal.scope for signal in SIGNALS.values()})
    connection = Connection(stable_id("connection", seed), owner_id, car, scopes, "live", None, now, now)
    body = vehicle_state(webhook, connection, [FIRST_DELIVERY], is_test=True)
    body["data"]["vehicle"]["make"] = MAKES["TESLA"].name
    signals = [signal for signal in body["data"]["signals"] if "body" in signal]
    for signal in signals:
        del signal["status"]
    body["data"]["signals"] = signals
    body["meta"]["signalCount"] = len(signals)
    return body


def schedule(webhook: Webhook, connections: Iterable[Connection]) -> Body:
    """Return a scheduled event of 2.0: several vehicles, each like a batch response."""
    vehicles = [_scheduled(connection) for connection in connections]
    return _v2_envelope(webhook, "schedule", {"vehicles": vehicles})


def charge_event(webhook: Webhook, connection: Connection, kind: str) -> Body:
    """Return an event of 2.0 for the start or end of charging."""
    payload = {
        "eventId": str(uuid.uuid4()),
        "vehicleId": connection.car.id,
        "eventType": kind,
        "eventTime": timestamp(connection.car.recorded_at),
    }
    return _v2_envelope(webhook, "eventBased", payload, connection.mode)


def _error_body(error: SmartcarError, *, is_resolved: bool = False) -> Body:
    v2_body = error.body("")
    body: Body = {
        "type": error.type,
        "code": error.code,
        "state": "RESOLVED" if is_resolved else "ERROR",
        "description": v2_body["description"],
        "suggestedUserMessage": v2_body.get("suggestedUserMessage"),
        "docURL": v2_body["docURL"],
    }
    return body if is_resolved else body | {"resolution": {"type": error.spec.resolution}}


def _complaint(complaint: Complaint) -> Body:
    body = _error_body(SmartcarError(complaint.type, complaint.code))
    if complaint.signals is None:
        return body
    return body | {"signals": [complaint.reference(signal) for signal in complaint.signals]}


def _envelope(
    kind: str, webhook: Webhook, connection: Connection, is_test: bool, read_at: datetime | None
) -> Body:
    car = connection.car
    vehicle: Body = {"id": car.id, "make": car.make, "model": car.model, "year": car.year}
    user: Body = {"id": connection.owner_id}
    meta: Body = {"version": "4.0", "webhookId": webhook.id, "webhookName": webhook.name}
    meta["mode"] = "TEST" if is_test or connection.mode != "live" else "LIVE"
    if webhook.variant == "documented":
        user["externalId"] = connection.external_id
        meta["sequence"] = milliseconds(read_at) if read_at else _next_in_sequence()
    if webhook.variant == "captured-early":
        meta["deliveryTime"] = None  # instead of deliveredAt; set by each delivery attempt
    else:
        vehicle |= {"mode": connection.mode, "powertrainType": car.powertrain}
    return {
        "eventId": str(uuid.uuid4()),
        "eventType": kind,
        "data": {"user": user, "vehicle": profiles.shape_vehicle(vehicle, car)},
        "meta": meta,
    }


def _signal(webhook: Webhook, connection: Connection, code: str, read_at: datetime | None) -> Body:
    resource = signal_resource(
        SIGNALS[code], connection.car, _METRIC, connection.permissions, "", read_at=read_at
    )
    attributes, signal = resource["attributes"], _code_and_names(code)
    body, status = attributes.get("body"), attributes.get("status")
    if body is not None:  # some cars send one beside an error
        if webhook.variant != "documented" and "unit" in body:
            body = body | {"unit": _SHORT_UNITS.get(body["unit"], body["unit"])}
        signal |= {"body": body, "meta": _times(attributes.get("meta") or resource["meta"])}
    if status and "error" in status:
        status = {"value": "ERROR", "error": {name: status["error"][name] for name in ("type", "code")}}
    return signal | ({"status": status} if status else {})


def _times(meta: Body) -> Body:
    """Return the times of a resource in milliseconds, as events have them."""
    return {
        name: milliseconds(datetime.fromisoformat(meta[name])) if isinstance(meta[name], str) else meta[name]
        for name in ("oemUpdatedAt", "retrievedAt")
        if name in meta
    }


def _scheduled(connection: Connection) -> Body:
    items = []
    for path in SCHEDULED_PATHS:
        reading = READINGS[path]
        if reading.scope in connection.permissions:
            items.append(_scheduled_item(connection, path))
    now = timestamp(store.now())
    return {"vehicleId": connection.car.id, "requestId": str(uuid.uuid4()), "timestamp": now, "data": items}


def _scheduled_item(connection: Connection, path: str) -> Body:
    reading = READINGS[path]
    try:
        body = profiles.shape_v2_body(path, reading.body(connection.car, _METRIC, {}), connection.car)
    except SmartcarError as error:
        return {"path": f"/{path}", "code": error.status, "body": error.body(str(uuid.uuid4()))}
    headers = {"sc-data-age": timestamp(connection.car.recorded_at)}
    if reading.has_units:
        headers["sc-unit-system"] = "metric"
    return {"path": f"/{path}", "code": 200, "body": body, "headers": headers}


def _v2_envelope(webhook: Webhook, name: str, payload: Body, mode: str = "live") -> Body:
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
    return {"type": "SIGNAL_UPDATED", "signal": _signal_reference(webhook, code)}


def _signal_reference(webhook: Webhook, code: str) -> Any:
    names = _names(code)
    return (
        f"{names['group']}.{names['name']}" if webhook.variant == "captured-early" else _code_and_names(code)
    )


def _code_and_names(code: str) -> Body:
    return {"code": code, **_names(code)}


def _names(code: str) -> dict[str, str]:
    return {"name": SIGNALS[code].name, "group": SIGNALS[code].group}


def _next_in_sequence() -> int:
    """Return the next sequence number. It increases with every event, even within one millisecond."""
    last: int = store.volatile.get("sequence", 0)
    store.volatile["sequence"] = max(last + 1, milliseconds(store.now()))
    return int(store.volatile["sequence"])
