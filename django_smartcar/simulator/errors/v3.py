"""The errors of v3: the pairs of v2.0, some of its own, and another envelope."""

from __future__ import annotations

from typing import Any, NamedTuple

from .table import KINDS
from .v2 import APPLICATION_NAME, SmartcarError

_DOCS = "https://smartcar.com/docs/errors/api-errors/v3"


class _Kind(NamedTuple):
    status: int
    description: str


#: What v3 adds to the table of v2.0.
OWN_KINDS = {
    ("AUTHENTICATION", "UNAUTHORIZED"): _Kind(
        401, "The authorization header is missing or malformed, or its token is unknown or has expired."
    ),
    ("AUTHENTICATION", "ACCESS_DENIED"): _Kind(403, "The application may not use this resource."),
    ("RESOURCE_NOT_FOUND", "NOT_FOUND"): _Kind(404, "The requested resource does not exist."),
    ("VALIDATION", "BAD_REQUEST"): _Kind(400, "The request is invalid or malformed."),
    ("VALIDATION", "CONFLICT"): _Kind(409, "The resource exists already."),
    ("VALIDATION", "INVALID_INPUT_FORMAT"): _Kind(400, "A parameter is not of the right form."),
    ("VALIDATION", "MISSING_PARAMETER"): _Kind(400, "A parameter is missing."),
}


class V3Error(Exception):
    """An error that only v3 answers with."""

    def __init__(self, type: str, code: str, detail: str | None = None) -> None:  # noqa: A002 - Smartcar's word
        super().__init__(type, code, detail)
        kind = OWN_KINDS[type, code]
        self.type = type
        self.code = code
        self.status = kind.status
        self.detail = detail or kind.description

    def body(self) -> dict[str, Any]:
        return _envelope(self.type, self.code, self.status, self.detail, resolution=None)


def shared_body(error: SmartcarError) -> dict[str, Any]:
    """The v3 envelope of an error that both API versions know."""
    kind = KINDS[error.type, error.code]
    resolution: dict[str, Any] | None = {"type": kind.resolution} if kind.resolution else None
    if resolution and error.url:
        resolution["url"] = error.url
    detail = str(error.detail[0].get("message", kind.description)) if error.detail else kind.description
    body = _envelope(error.type, error.code, kind.status, detail, resolution)
    if kind.user_message:
        body["errors"][0]["suggestedUserMessage"] = kind.user_message.format(app=APPLICATION_NAME)
    return body


def _envelope(
    type_: str, code: str | None, status: int, detail: str, resolution: dict[str, Any] | None
) -> dict[str, Any]:
    page = type_.lower().replace("_", "-")
    error: dict[str, Any] = {
        "status": str(status),  # text, as JSON:API has it
        "type": type_,
        "code": code,
        "title": (code or type_).replace("_", " ").capitalize(),
        "detail": detail,
        "links": {"about": f"{_DOCS}/{page}-errors"},
        "meta": {},
    }
    if resolution:
        error["resolution"] = resolution
    return {"errors": [error]}


def missing(name: str) -> V3Error:
    """A parameter that is not there, in the words that Smartcar's servers use."""
    return V3Error("VALIDATION", "MISSING_PARAMETER", f"missing {name}")


def malformed(detail: str) -> V3Error:
    """A parameter that is there, and is not of the right form."""
    return V3Error("VALIDATION", "INVALID_INPUT_FORMAT", detail)


def not_found(what: str) -> V3Error:
    return V3Error("RESOURCE_NOT_FOUND", "NOT_FOUND", f"{what} not found")
