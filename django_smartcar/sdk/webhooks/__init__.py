"""Webhooks: sign and verify side by side, and every form that an event comes in, read into one. No network.

    if webhooks.verify_payload(token, headers["SC-Signature"], body):      # the bytes as they came
        event = webhooks.read(webhooks.load(body))
        event.kind, event.updates[0].vehicle_id, event.updates[0].signals   # as `signals.read` gives them

Smartcar signs with the Application Management Token, and asks a receiver for the same over a challenge: see
`is_challenge` before you answer one.
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

#: An event is a JSON object, and has a brace: what this matches is none, and its signature forges nothing.
CHALLENGE: Final = re.compile(r"[A-Za-z0-9+/=_.-]{1,256}", re.ASCII)
#: Smartcar's deepest event has some ten levels.
MAX_DEPTH: Final = 40

#: No id of Smartcar's is longer: they are UUIDs.
MAX_ID_LENGTH: Final = 64
#: What each attempt to deliver an event says anew.
DELIVERY_FIELDS: Final = frozenset({"deliveryId", "deliveredAt", "deliveryTime"})


def hash_challenge(token: str, challenge: str | bytes) -> str:
    """The HMAC-SHA256 of ``challenge``, in hex: the answer to VERIFY, and how Smartcar signs an event."""
    token, challenge = protect(token), protect(challenge)
    return hmac.new(_bytes(token), _bytes(challenge), hashlib.sha256).hexdigest()


def verify_payload(token: str, signature: str | bytes | None, body: str | bytes) -> bool:
    """Whether this is the signature of ``body``, compared in constant time; never raises.

    An empty token verifies nothing: everybody knows it.
    """
    token, signature, body = protect(token), protect(signature), protect(body)
    if not token or not all(isinstance(given, str | bytes) for given in (token, signature, body)):
        return False
    return hmac.compare_digest(hash_challenge(token, body).encode(), _bytes(signature or b""))


def is_challenge(challenge: object) -> bool:
    """Whether this may be hashed for whoever asks, because it cannot be an event."""
    return isinstance(challenge, str) and CHALLENGE.fullmatch(challenge) is not None


def load(body: str | bytes) -> dict[str, Any] | None:
    """The JSON object in ``body``; None where there is none, or one that is too deep. Never raises."""
    body = protect(body)
    try:
        payload = load_json(body, parse_constant=_refuse)
    except (ValueError, RecursionError, TypeError):
        return None
    return payload if isinstance(payload, dict) and _is_shallow(payload) else None


def read(payload: Mapping[str, Any], unit_system: str = "metric") -> Event:
    """The event that this JSON object tells of; never raises on one that `load` gave."""
    if "eventName" in payload:
        return _v2.read(payload, unit_system)
    return _v4.read(payload, unit_system)


def envelope(payload: Mapping[str, Any]) -> Event:
    """The same event, and whom it is about; what it tells of them may be left out. To store it is enough."""
    return _v2.read(payload, "metric") if "eventName" in payload else _v4.envelope(payload)


def split(payload: dict[str, Any]) -> list[dict[str, Any]]:
    """The same event car by car: a schedule of 2.0 tells of several."""
    return _v2.split(payload) if "eventName" in payload else [payload]


def identity(payload: Mapping[str, Any], known: str | None = None) -> str:
    """What an event is known by over all attempts: its id, else a hash of what they have in common.

    ``known`` is the id that its envelope tells, for whoever has read that.
    """
    known = envelope(payload).id if known is None else known
    if known.isprintable() and 0 < len(known) <= MAX_ID_LENGTH:
        return known
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
