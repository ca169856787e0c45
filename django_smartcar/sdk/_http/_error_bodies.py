"""Parse error responses: the bodies of v1, v2, v3 and OAuth, plain text, HTML, or an empty body.

Sources: smartcar.com/docs/errors; RFC 6749 5.2. Nothing here raises, whatever the server sent.
"""

import base64
import contextlib
import json
import math
import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl, quote_plus

import requests

from ...secret_types import Coordinate, Secret, SecretBytes, load_json, storable
from .. import const
from .._dates import parse_datetime
from ..exceptions import (
    ErrorDetails,
    ErrorFields,
    SmartcarException,
    UnexpectedStatusException,
    class_for,
)

MAX_MESSAGE_LENGTH = 500
MAX_TEXT_LENGTH = 64 * 1024
REDACTED = "[removed]"
#: Fields of forms and queries that are removed from the error text of their response.
SECRET_FIELDS = frozenset(
    {"client_secret", "code", "external_id", "filter[user.externalId]", "refresh_token", "vin"}
)
_MIN_POSITION_LENGTH = 5


# The status of an error inside a 2xx response, unless it has one of its own.
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
    """Return the exception for an error response, whatever its body. Never raises.

    Understands the error bodies of v1, v2, v3 and OAuth, plain text, HTML and an empty body. If a 2xx
    response reports a failure (a 202 that ended badly), the status is the body's, or that of its type and
    code. ``error`` is the part of the body that failed, if not all of it; ``kind`` a more specific class.
    """
    content = (
        _content_of(response) if error is None else SecretBytes(json.dumps({"errors": [error]}).encode())
    )
    message, fields = parse_error_body(content, _secrets_of(response))
    status = response.status_code
    if 200 <= status < 300:
        status = _status_in(fields) or status
    details = ErrorDetails(
        **fields, retry_after=seconds_until(response.headers.get(const.RETRY_AFTER_HEADER)), response=response
    )
    details["status_code"] = status
    details["request_id"] = fields.get("request_id") or request_id_of(response)
    if kind is None:
        kind = class_for(status, fields.get("type"), fields.get("code"))
    is_unexpected = issubclass(kind, UnexpectedStatusException)
    return kind(message or (f"Unexpected status {status}" if is_unexpected else "Unknown error"), **details)


def request_id_of(response: requests.Response) -> str | None:
    """Return Smartcar's id of the request from the headers, as every database accepts it."""
    header = response.headers.get(const.REQUEST_ID_HEADER)
    return storable(header) if header else None


def _status_in(fields: ErrorFields) -> int | None:
    code, kind = (fields.get("code") or "").upper(), (fields.get("type") or "").upper()
    # A code of the early v3 comes alone. With a type, only this one is more specific than the type.
    by_code = STATUS_OF_CODE.get(code) if not kind or code == "ACCESS_DENIED" else None
    return fields.get("status_code") or by_code or STATUS_OF_TYPE.get(kind)


def _content_of(response: requests.Response) -> SecretBytes:
    try:
        return SecretBytes(response.content or b"")
    except (requests.RequestException, RuntimeError):
        return SecretBytes(b"")


def _secrets_of(response: requests.Response) -> list[Secret]:
    """Return the secrets, VINs and positions of the request: error texts repeat what was sent."""
    request = getattr(response, "request", None)
    if request is None or request.headers is None:
        return []
    header = _native(request.headers.get("Authorization"))
    secrets = [Secret(header.partition(" ")[2])]
    if header.partition(" ")[0].lower() == "basic":
        secrets.append(_basic_password(secrets[0]))
    secrets += _secrets_in(_native(str(request.url).partition("?")[2]))
    content_type = _native(request.headers.get("Content-Type"))
    if "form-urlencoded" in content_type:
        secrets += _secrets_in(_native(request.body))
    elif "json" in content_type:
        secrets += _positions_in(_json_of(request.body))
    return secrets


def _secrets_in(query: Secret) -> list[Secret]:
    fields = ((name, Secret(value)) for name, value in parse_qsl(query))
    return [value for name, value in fields if name in SECRET_FIELDS]


def _json_of(body: Any) -> Any:
    with contextlib.suppress(ValueError, TypeError, RecursionError):
        return load_json(body)


def _positions_in(value: Any) -> list[Secret]:
    if isinstance(value, dict | list):
        inner = value.values() if isinstance(value, dict) else value
        return [position for item in inner for position in _positions_in(item)]
    text = Secret(float.__repr__(value)) if isinstance(value, Coordinate) else Secret()
    # A short number is no position, and might be part of any text.
    return [text] if len(text) > _MIN_POSITION_LENGTH else []


def _basic_password(credentials: Secret) -> Secret:
    try:
        return Secret(base64.b64decode(credentials).decode("latin-1").partition(":")[2])
    except ValueError:
        return Secret("")


def _native(value: Any) -> Secret:
    return Secret(
        value.decode("latin-1") if isinstance(value, bytes) else value if isinstance(value, str) else ""
    )


def parse_error_body(content: bytes, secrets: Iterable[str]) -> tuple[str, ErrorFields]:
    """Parse an error body into message ("" if it has none) and fields, with ``secrets`` redacted."""
    text = _text_of(content)
    redact = _Redactor(secrets)
    message = ""
    fields: dict[str, Any] = {}
    try:
        message, fields = _read_body(redact(json.loads(text)))
    except RecursionError:
        pass  # JSON that is nested this deep has no usable message
    except ValueError:
        message = redact(Secret(text[:MAX_TEXT_LENGTH]))
    if len(message) > MAX_MESSAGE_LENGTH:
        message = message[:MAX_MESSAGE_LENGTH] + "…"
    return "" if message.isspace() else message, ErrorFields(
        status_code=_status(fields.get("status_code")),
        type=_text(fields.get("type")),
        code=_text(fields.get("code")),
        description=_text(fields.get("description")),
        request_id=_text(fields.get("request_id")),
        resolution=_resolution(fields.get("resolution")),
        detail=fields.get("detail"),
        doc_url=_text(fields.get("doc_url")),
        suggested_user_message=_text(fields.get("suggested_user_message")),
    )


def seconds_until(retry_after: str | None) -> float | None:
    """Return the seconds of a ``Retry-After`` header, a number or a date; None for anything else."""
    value = (retry_after or "").strip()
    if re.fullmatch(r"[0-9]{1,12}(\.[0-9]{1,12})?", value):
        return float(value)
    moment = None if value.isdecimal() else parse_datetime(value)
    return max(0.0, (moment - datetime.now(UTC)).total_seconds()) if moment else None


def _text_of(content: bytes) -> Secret:
    # The charset of the header is ignored: some of Python's codecs raise, and some warn.
    try:
        return Secret(content.decode("utf-8-sig"))
    except UnicodeDecodeError:
        return Secret(content.decode("latin-1"))


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
    fields = {"type": body.get("error"), "code": body.get("code"), "request_id": body.get("requestId")}
    message = _text(body.get("message")) or ""
    return message, {**fields, "description": message or None}


def _read_oauth(body: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    fields = {"type": "OAUTH", "code": body.get("error"), "description": body.get("error_description")}
    return _text(fields["description"]) or _labelled(fields)[0], fields


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


def _labelled(fields: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """Return ``TYPE:CODE - description`` as the message; any part may be missing."""
    label = ":".join(filter(None, (_text(fields.get("type")), _text(fields.get("code")))))
    return " - ".join(filter(None, (label, _text(fields.get("description"))))), fields


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
    """Remove the secrets of a request from its response: error texts repeat tokens and codes."""

    def __init__(self, secrets: Iterable[str]) -> None:
        forms = {form for secret in secrets if secret for form in (secret, Secret(quote_plus(secret)))}
        longest_first = [Secret(re.escape(form)) for form in sorted(forms, key=len, reverse=True)]
        self.pattern = re.compile("|".join(longest_first), re.IGNORECASE) if forms else None

    def __call__(self, value: Any) -> Any:
        if isinstance(value, str):
            value = Secret(storable(value))
            return self.pattern.sub(REDACTED, value) if self.pattern else value.reveal()
        if isinstance(value, dict):
            return {storable(key): self(item) for key, item in value.items()}
        if isinstance(value, list):
            return [self(item) for item in value]
        # Infinity and NaN are extensions of Python: a strict JSON column rejects them.
        return None if isinstance(value, float) and not math.isfinite(value) else value
