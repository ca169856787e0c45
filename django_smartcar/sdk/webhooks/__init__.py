"""Webhooks: verify signatures, and parse the events of all payload versions into one form. No network.

    if webhooks.verify_payload(token, headers["SC-Signature"], body):      # the unparsed body
        event = webhooks.read(webhooks.load(body))
        event.kind, event.updates[0].vehicle_id, event.updates[0].signals  # as returned by `signals.read`

Smartcar signs events with the application management token. To verify an endpoint, it sends a challenge for
the endpoint to sign with the same token: call `is_challenge` before you sign one.
"""

import hashlib
import hmac
import json
import re
from collections.abc import Mapping
from typing import Any, Final

from ...secret_types import load_json, protect
from . import _v2, _v4
from ._v4 import ERROR, STATE, VERIFY, Event, Problem, VehicleUpdate

__all__ = [
    "ERROR",
    "STATE",
    "VERIFY",
    "Event",
    "VehicleUpdate",
    "Problem",
    "envelope",
    "hash_challenge",
    "identity",
    "is_challenge",
    "load",
    "read",
    "split",
    "verify_payload",
]

#: A text that cannot be an event, as it has no brace: its signature cannot be used to forge one.
CHALLENGE: Final = re.compile(r"[A-Za-z0-9+/=_.-]{1,256}", re.ASCII)
#: Maximum depth of nested JSON. Smartcar's events have about ten levels.
MAX_DEPTH: Final = 40

#: Maximum length of a Smartcar id (UUIDs today).
MAX_ID_LENGTH: Final = 64
#: The ``meta`` fields that differ between deliveries of one event.
DELIVERY_FIELDS: Final = frozenset({"deliveryId", "deliveredAt", "deliveryTime"})


def hash_challenge(token: str, challenge: str | bytes) -> str:
    """Return the HMAC-SHA256 of ``challenge`` in hex: the response to VERIFY, and the signature of a body."""
    token, challenge = protect(token), protect(challenge)
    return hmac.new(_bytes(token), _bytes(challenge), hashlib.sha256).hexdigest()


def verify_payload(token: str, signature: str | bytes | None, body: str | bytes) -> bool:
    """Return True if ``signature`` is that of ``body``. Compares in constant time, and never raises.

    An empty token never matches: anyone could sign with it.
    """
    token, signature, body = protect(token), protect(signature), protect(body)
    if not token or not all(isinstance(value, str | bytes) for value in (token, signature, body)):
        return False
    return hmac.compare_digest(hash_challenge(token, body).encode(), _bytes(signature or b""))


def is_challenge(challenge: object) -> bool:
    """Return True if it is safe to sign this for any sender, because it cannot be an event."""
    return isinstance(challenge, str) and CHALLENGE.fullmatch(challenge) is not None


def load(body: str | bytes) -> dict[str, Any] | None:
    """Return the JSON object in ``body``, or None if it is not one, or nested too deep. Never raises."""
    body = protect(body)
    try:
        payload = load_json(body, parse_constant=_refuse)
    except (ValueError, RecursionError, TypeError):
        return None
    return payload if isinstance(payload, dict) and _is_shallow(payload) else None


def read(payload: Mapping[str, Any], unit_system: str = "metric") -> Event:
    """Parse an event. Never raises for a payload that `load` returned."""
    if "eventName" in payload:
        return _v2.read(payload, unit_system)
    return _v4.read(payload, unit_system)


def envelope(payload: Mapping[str, Any]) -> Event:
    """Parse the ids of an event and its vehicles, which is enough to store it. The rest may be empty."""
    return _v2.read(payload, "metric") if "eventName" in payload else _v4.envelope(payload)


def split(payload: dict[str, Any]) -> list[dict[str, Any]]:
    """Split an event into one payload per vehicle: a schedule of payload version 2.0 has several."""
    return _v2.split(payload) if "eventName" in payload else [payload]


def identity(payload: Mapping[str, Any], event_id: str | None = None) -> str:
    """Return the key of an event, equal for all of its deliveries: its id, else a hash of its content.

    ``event_id`` is the id of its `envelope`, if you have parsed that already.
    """
    event_id = envelope(payload).id if event_id is None else event_id
    is_whole = event_id.isprintable() and "\ufffd" not in event_id
    if is_whole and 0 < len(event_id) <= MAX_ID_LENGTH:
        return event_id
    meta = {
        name: value for name, value in _v4.mapping(payload.get("meta")).items() if name not in DELIVERY_FIELDS
    }
    common = {**payload, "meta": meta}
    return hashlib.sha256(json.dumps(common, sort_keys=True).encode()).hexdigest()


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is not JSON")


def _is_shallow(payload: dict[str, Any]) -> bool:
    level: list[Any] = [payload]
    depth = 0
    while level:
        if depth == MAX_DEPTH:
            return False
        depth += 1
        level = [
            part
            for node in level
            for part in (node.values() if type(node) is dict else node)
            if type(part) is dict or type(part) is list
        ]
    return True


def _bytes(value: str | bytes) -> bytes:
    return value if isinstance(value, bytes) else value.encode("utf-8", "surrogatepass")
