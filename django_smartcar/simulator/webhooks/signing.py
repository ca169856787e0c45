"""Encodes and signs the payloads of webhooks, correctly or corrupted on purpose."""

from __future__ import annotations

import hashlib
import hmac
import uuid
from collections.abc import Callable
from datetime import datetime
from typing import Any

from ..conf import conf
from . import javascript_json


def sign(message: bytes, token: str | None = None) -> str:
    """Return the signature (HMAC-SHA256, hex) of these bytes. The default key is the management token."""
    key = conf.SMARTCAR_SIMULATOR_MANAGEMENT_TOKEN if token is None else token
    return hmac.new(key.encode(), message, hashlib.sha256).hexdigest()


#: Corruptions that a receiver must reject: (body, signature) -> the corrupted pair.
CORRUPTIONS: dict[str, Callable[[bytes, str], tuple[bytes, str]]] = {
    "signature": lambda body, signature: (body, sign(body, "another token")),
    "unsigned": lambda body, signature: (body, ""),
    "body": lambda body, signature: (body + b" ", signature),
    "truncated": lambda body, signature: (body[: len(body) // 2], signature),
    "not-json": lambda body, signature: (body[:-1], sign(body[:-1])),
}


def build_request(
    payload: dict[str, Any], now: datetime, *, is_signed: bool = True, corruption: str = ""
) -> tuple[bytes, dict[str, str]]:
    """Return the body and headers of one delivery attempt, with a new delivery id and time."""
    if "meta" in payload:
        time_field = "deliveryTime" if "deliveryTime" in payload["meta"] else "deliveredAt"
        delivery = {"deliveryId": str(uuid.uuid4()), time_field: milliseconds(now)}
        payload = payload | {"meta": payload["meta"] | delivery}
    body = javascript_json.dumps(payload).encode()
    signature = sign(body) if is_signed else ""
    if corruption:
        body, signature = CORRUPTIONS[corruption](body, signature)
    headers = {"Content-Type": "application/json", "User-Agent": "Smartcar/1.0"}
    return body, headers | ({"SC-Signature": signature} if signature else {})


def milliseconds(value: datetime) -> int:
    """Return a datetime as milliseconds since the epoch."""
    return int(value.timestamp() * 1000)
