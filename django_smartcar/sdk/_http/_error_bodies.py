"""What an error answer says: the envelopes of v1, v2, v3 and OAuth, plain text, HTML, or nothing: one dict.

Sources: smartcar.com/docs/errors; RFC 6749 5.2. Nothing here raises, whatever the server sent.
"""

import base64
import json
import math
import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import parse_qs, quote_plus

import requests

from .. import const
from ..exceptions import CLASSES, Facts, Said, SmartcarException, UnexpectedStatusException

MAX_MESSAGE_LENGTH = 500
MAX_TEXT_LENGTH = 64 * 1024
REDACTED = "[removed]"


# What an error inside a good answer amounts to, where it names no status of its own.
STATUS_OF_TYPE = {
    "VALIDATION": 400,
    "CONNECTED_SERVICES_ACCOUNT": 400,
    "AUTHENTICATION": 401,
    "PERMISSION": 403,
    "RESOURCE_NOT_FOUND": 404,
    "VEHICLE_STATE": 409,
    "RATE_LIMIT": 429,
    "BILLING": 430,
    "SERVER": 500,
    "COMPATIBILITY": 501,
    "UPSTREAM": 502,
}
STATUS_OF_CODE = {
    "ACCESS_DENIED": 403,
    "BAD_REQUEST": 400,
    "UNAUTHORIZED": 401,
    "FORBIDDEN": 403,
    "NOT_FOUND": 404,
    "INTERNAL_ERROR": 500,
}


def exception_for(
    response: requests.Response,
    error: Mapping[str, Any] | None = None,
    kind: type[SmartcarException] | None = None,
) -> SmartcarException:
    """The exception for an answer with a bad status, whatever its body; never raises.

    Understands the envelopes of v1, v2, v3 and OAuth, text, HTML, and nothing. Of a good answer that tells of
    a failure (a 202 that ended badly), the status is the body's, or that of its type and code; ``error`` is
    the part that failed, if not all of it; ``kind`` a class that says more.
    """
    content = _content_of(response) if error is None else json.dumps({"errors": [error]}).encode()
    message, said = read_envelope(content, _secrets_of(response))
    status = response.status_code
    if 200 <= status < 300:
        status = _status_said(said) or status
    facts = Facts(
        **said, retry_after=seconds_until(response.headers.get(const.RETRY_AFTER_HEADER)), response=response
    )
    facts["status_code"] = status
    facts["request_id"] = said.get("request_id") or response.headers.get(const.REQUEST_ID_HEADER)
    if kind := kind or CLASSES.get(status):
        return kind(message or "Unknown error", **facts)
    return UnexpectedStatusException(message or f"Unexpected status {status}", **facts)


def _status_said(said: Said) -> int | None:
    code, kind = (said.get("code") or "").upper(), (said.get("type") or "").upper()
    # A code of the early v3 comes alone. With a type, only this one says more than the type does.
    by_code = STATUS_OF_CODE.get(code) if not kind or code == "ACCESS_DENIED" else None
    return said.get("status_code") or by_code or STATUS_OF_TYPE.get(kind)


def _content_of(response: requests.Response) -> bytes:
    try:
        return response.content or b""
    except (requests.RequestException, RuntimeError):
        return b""


def _secrets_of(response: requests.Response) -> list[str]:
    """What the request sent in confidence: error texts repeat tokens and codes."""
    request = getattr(response, "request", None)
    if request is None or request.headers is None:
        return []
    kind, _, credentials = _native(request.headers.get("Authorization")).partition(" ")
    secrets = [credentials]
    if kind.lower() == "basic":
        try:
            pair = base64.b64decode(credentials).decode("latin-1")
        except ValueError:
            pair = ""
        secrets.append(pair.partition(":")[2])
    if "form-urlencoded" in _native(request.headers.get("Content-Type")):
        form = parse_qs(_native(request.body))
        secrets += [
            value for key in ("code", "refresh_token", "client_secret") for value in form.get(key, [])
        ]
    return secrets


def _native(value: Any) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else value if isinstance(value, str) else ""


def read_envelope(content: bytes, secrets: Iterable[str]) -> tuple[str, Said]:
    """The message ("" if there is none) and the facts of an error's body, ``secrets`` blotted out of both."""
    text = _text_of(content)
    blot = _Redactor(secrets)
    message = ""
    said: dict[str, Any] = {}
    try:
        raw_message, raw = _read_body(json.loads(text))
        # Set both only when both are blotted: blotting, too, can go too deep.
        message, said = blot(raw_message), {name: blot(value) for name, value in raw.items()}
    except RecursionError:
        pass  # JSON nested a thousand deep says nothing to anybody
    except ValueError:
        message = blot(text[:MAX_TEXT_LENGTH])
    if len(message) > MAX_MESSAGE_LENGTH:
        message = message[:MAX_MESSAGE_LENGTH] + "…"
    return "" if message.isspace() else message, Said(
        status_code=_status(said.get("status_code")),
        type=_text(said.get("type")),
        code=_text(said.get("code")),
        description=_text(said.get("description")),
        request_id=_text(said.get("request_id")),
        resolution=_resolution(said.get("resolution")),
        detail=said.get("detail"),
        doc_url=_text(said.get("doc_url")),
        suggested_user_message=_text(said.get("suggested_user_message")),
    )


def seconds_until(retry_after: str | None) -> float | None:
    """Seconds from a ``Retry-After`` header, in either of its two forms; None for anything else."""
    value = (retry_after or "").strip()
    if re.fullmatch(r"[0-9]{1,12}(\.[0-9]{1,12})?", value):
        return float(value)
    try:
        moment = parsedate_to_datetime(value)
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=UTC)
        seconds = (moment - datetime.now(UTC)).total_seconds()
    except (ValueError, TypeError, OverflowError, IndexError):
        return None
    return max(0.0, seconds)


def _text_of(content: bytes) -> str:
    # The header's charset is not asked: some of Python's codecs raise, and some warn.
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return content.decode("latin-1")


def _read_body(body: Any) -> tuple[str, dict[str, Any]]:
    if not isinstance(body, dict):
        return "", {}
    errors = body.get("errors")
    if isinstance(errors, list) and errors and isinstance(errors[0], dict):
        return _labelled(_read_v3(errors[0]))
    if "type" in body or "description" in body:
        return _labelled(_read_v2(body))
    if "message" in body:
        return _read_v1(body)
    if "error" in body or "error_description" in body:
        return _read_oauth(body)
    return "", {}


def _read_v1(body: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    said = {"type": body.get("error"), "code": body.get("code"), "request_id": body.get("requestId")}
    message = _text(body.get("message")) or ""
    return message, {**said, "description": message or None}


def _read_oauth(body: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    said = {"type": "OAUTH", "code": body.get("error"), "description": body.get("error_description")}
    return _text(said["description"]) or _labelled(said)[0], said


def _read_v2(body: dict[str, Any]) -> dict[str, Any]:
    return {
        "status_code": body.get("statusCode"),
        "type": body.get("type"),
        "code": body.get("code"),
        "description": _text(body.get("description")) or body.get("message"),
        "request_id": body.get("requestId"),
        "resolution": body.get("resolution"),
        "detail": body.get("detail"),
        "doc_url": body.get("docURL"),
        "suggested_user_message": body.get("suggestedUserMessage"),
    }


def _read_v3(error: dict[str, Any]) -> dict[str, Any]:
    links = error.get("links")
    return {
        "status_code": error.get("status"),
        "type": error.get("type"),
        "code": error.get("code"),
        "description": _text(error.get("detail")) or _text(error.get("description")) or error.get("title"),
        "request_id": error.get("requestId"),
        "resolution": error.get("resolution"),
        "detail": error.get("detail"),
        "doc_url": links.get("about") if isinstance(links, dict) else None,
        "suggested_user_message": error.get("suggestedUserMessage"),
    }


def _labelled(said: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """``TYPE:CODE - description``, of which any part may be missing."""
    label = ":".join(filter(None, (_text(said.get("type")), _text(said.get("code")))))
    return " - ".join(filter(None, (label, _text(said.get("description"))))), said


def _text(value: Any) -> str | None:
    if isinstance(value, int | float) and not isinstance(value, bool):
        value = str(value)
    return value or None if isinstance(value, str) else None


def _status(value: Any) -> int | None:
    text = value if isinstance(value, str) else str(value) if isinstance(value, int) else ""
    return int(text) if re.fullmatch("[45][0-9]{2}", text) else None


def _resolution(value: Any) -> dict[str, Any] | None:
    # Smartcar's first v2 bodies had a bare string here.
    return {"type": value} if isinstance(value, str) else value if isinstance(value, dict) else None


class _Redactor:
    """Takes out of an answer what its request sent in confidence: error texts repeat tokens and codes."""

    def __init__(self, secrets: Iterable[str]) -> None:
        forms = {form for secret in secrets if secret for form in (secret, quote_plus(secret))}
        longest_first = sorted(map(re.escape, forms), key=len, reverse=True)
        self.pattern = re.compile("|".join(longest_first), re.IGNORECASE) if forms else None

    def __call__(self, value: Any) -> Any:
        if isinstance(value, str):
            value = _storable(value)
            return self.pattern.sub(REDACTED, value) if self.pattern else value
        if isinstance(value, dict):
            return {_storable(key): self(item) for key, item in value.items()}
        if isinstance(value, list):
            return [self(item) for item in value]
        # Infinity and NaN are Python's extensions: no strict JSON column takes them back.
        return None if isinstance(value, float) and not math.isfinite(value) else value


def _storable(text: str) -> str:
    # Lone surrogates and NULs are legal in JSON, and break the database or terminal they end in.
    return text.encode("utf-8", "replace").decode().replace("\x00", "\ufffd")
