"""Errors of API v3 as exceptions, and their JSON:API bodies. v3 has the errors of v2 and some of its own."""

from __future__ import annotations

from typing import Any, NamedTuple

from ..conf import conf
from .table import ERRORS
from .v2 import SmartcarError

_DOCS = "https://smartcar.com/docs/errors/api-errors/v3"


class _V3ErrorSpec(NamedTuple):
    status: int
    description: str


#: Errors that only v3 has, by (type, code): those that Smartcar documents.
V3_ERRORS = {
    ("AUTHENTICATION", "UNAUTHORIZED"): _V3ErrorSpec(
        401, "The authorization header is missing or malformed, or its token is unknown or has expired."
    ),
    ("AUTHENTICATION", "ACCESS_DENIED"): _V3ErrorSpec(403, "The application may not use this resource."),
    ("VALIDATION", "BAD_REQUEST"): _V3ErrorSpec(400, "The request is invalid or malformed."),
    ("VALIDATION", "INVALID_INPUT_FORMAT"): _V3ErrorSpec(400, "A parameter is not of the right form."),
    ("VALIDATION", "MISSING_PARAMETER"): _V3ErrorSpec(400, "A parameter is missing."),
}


class V3Error(Exception):
    """An error that only v3 has."""

    def __init__(self, type: str, code: str, detail: str | None = None) -> None:  # noqa: A002 - Smartcar's name
        super().__init__(type, code, detail)
        spec = V3_ERRORS[type, code]
        self.type = type
        self.code = code
        self.status = spec.status
        self.detail = detail or spec.description

    def body(self) -> dict[str, Any]:
        """Return the error body."""
        return _json_api_body(self.type, self.code, self.status, self.detail, resolution=None)


class Conflict(Exception):
    """A 409 about a resource that exists already. Smartcar documents its status, but no type and no code."""

    status = 409

    def __init__(self, detail: str) -> None:
        super().__init__(detail)
        self.detail = detail

    def body(self) -> dict[str, Any]:
        """Return the error body."""
        return {"errors": [{"status": str(self.status), "title": "Conflict", "detail": self.detail}]}


def shared_body(error: SmartcarError) -> dict[str, Any]:
    """Return the v3 body of an error that v2 has, too."""
    spec = ERRORS[error.type, error.code]
    resolution: dict[str, Any] | None = {"type": spec.resolution} if spec.resolution else None
    if resolution and error.url:
        resolution["url"] = error.url
    detail = str(error.detail[0].get("message", spec.description)) if error.detail else spec.description
    body = _json_api_body(error.type, error.code, spec.status, detail, resolution)
    if spec.user_message:
        body["errors"][0]["suggestedUserMessage"] = spec.user_message.format(
            app=conf.SMARTCAR_SIMULATOR_APPLICATION_NAME
        )
    return body


def _json_api_body(
    type_: str, code: str | None, status: int, detail: str, resolution: dict[str, Any] | None
) -> dict[str, Any]:
    page = type_.lower().replace("_", "-")
    error: dict[str, Any] = {
        "status": str(status),  # a string, as JSON:API requires
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
    """Return the error for a missing parameter, with the wording of Smartcar's servers."""
    return V3Error("VALIDATION", "MISSING_PARAMETER", f"missing {name}")


def malformed(detail: str) -> V3Error:
    """Return the error for a malformed parameter."""
    return V3Error("VALIDATION", "INVALID_INPUT_FORMAT", detail)


def not_found(what: str) -> SmartcarError:
    """Return the error for a resource that does not exist. v3 documents no code of its own for it."""
    return SmartcarError("RESOURCE_NOT_FOUND", "PATH", detail=[{"message": f"{what} not found"}])
