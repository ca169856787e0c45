"""Webhook payloads as Smartcar sends them, and a signed POST to the site."""

import hashlib
import hmac
import itertools
import json

TOKEN = "the-management-token"
NUMBERS = itertools.count(1)


def sign(body, token=TOKEN):
    """Return the signature of a body: the hexadecimal HMAC-SHA256."""
    return hmac.new(token.encode(), body, hashlib.sha256).hexdigest()


def signal(code, value, at, unit=None):
    """Return a signal that the vehicle recorded at this time, in seconds since the epoch."""
    body = value if isinstance(value, dict) else {"value": value} | ({"unit": unit} if unit else {})
    meta = {"oemUpdatedAt": int(at * 1000), "retrievedAt": int(at * 1000) + 500}
    return {"code": code, "body": body, "status": {"value": "SUCCESS"}, "meta": meta}


def odometer(value, at, unit="km"):
    return signal("odometer-traveleddistance", value, at, unit)


def location(latitude, longitude, at):
    return signal("location-preciselocation", {"latitude": latitude, "longitude": longitude}, at)


def event(
    *signals, kind="VEHICLE_STATE", car="car-1", driver="driver-a", sequence=None, event_id=None, **data
):
    meta = {"version": "4.0", "webhookId": "hook-1", "deliveryId": "d", "deliveredAt": 1_790_000_000_000}
    if sequence is not None:
        meta["sequence"] = sequence
    content = {"user": {"id": driver}, "vehicle": {"id": car}, "signals": list(signals), **data}
    return {"eventId": event_id or f"event-{next(NUMBERS)}", "eventType": kind, "data": content, "meta": meta}


def error(
    state="ERROR", *, kind="CONNECTED_SERVICES_ACCOUNT", code="AUTHENTICATION_FAILED", codes=(), **more
):
    errors = [{"type": kind, "code": code, "state": state, "signals": [{"code": one} for one in codes]}]
    if state == "ERROR":
        errors[0]["resolution"] = {"type": "REAUTHENTICATE"}
    return event(kind="VEHICLE_ERROR", errors=errors, **more)


def verify(challenge="8f14e45f-ceea"):
    return {"eventId": "v", "eventType": "VERIFY", "data": {"challenge": challenge}, "meta": {}}


def post(client, payload, token=TOKEN, *, path="/cars/webhook/", signature=None, **environ):
    """Post a payload to the site, signed with the token; ``token=""`` omits the signature."""
    body = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
    signature = signature if signature is not None else sign(body, token) if token else ""
    headers = {"SC-Signature": signature} if signature else {}
    return client.generic(
        "POST", path, body, headers=headers, **{"CONTENT_TYPE": "application/json"} | environ
    )
