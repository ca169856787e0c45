"""Turns the body of a webhook into the bytes of an attempt and their signature: right, or wrong on demand."""

from __future__ import annotations

import hashlib
import hmac
import json
import uuid
from collections.abc import Callable
from datetime import datetime
from typing import Any

from ..conf import conf


def sign(message: bytes, token: str | None = None) -> str:
    """The signature of these bytes, with the management token."""
    key = conf.SMARTCAR_SIMULATOR_MANAGEMENT_TOKEN if token is None else token
    return hmac.new(key.encode(), message, hashlib.sha256).hexdigest()


#: What a receiver must refuse: the bytes and the signature, turned into wrong ones.
CORRUPTIONS: dict[str, Callable[[bytes, str], tuple[bytes, str]]] = {
    "signature": lambda body, signature: (body, sign(body, "another token")),
    "unsigned": lambda body, signature: (body, ""),
    "body": lambda body, signature: (body + b" ", signature),
    "truncated": lambda body, signature: (body[: len(body) // 2], signature),
    "not-json": lambda body, signature: (body[:-1], sign(body[:-1])),
}


def dressed(
    body: dict[str, Any], moment: datetime, *, is_signed: bool = True, corruption: str = ""
) -> tuple[bytes, dict[str, str]]:
    """The bytes and the headers of one attempt: with its own delivery id and time, and signed with them."""
    if "meta" in body:
        when = "deliveryTime" if "deliveryTime" in body["meta"] else "deliveredAt"
        own = {"deliveryId": str(uuid.uuid4()), when: milliseconds(moment)}
        body = body | {"meta": body["meta"] | own}
    message = json.dumps(body, separators=(",", ":"), ensure_ascii=False).encode()
    signature = sign(message) if is_signed else ""
    if corruption:
        message, signature = CORRUPTIONS[corruption](message, signature)
    headers = {"Content-Type": "application/json", "User-Agent": "Smartcar/1.0"}
    return message, headers | ({"SC-Signature": signature} if signature else {})


def milliseconds(moment: datetime) -> int:
    return int(moment.timestamp() * 1000)
