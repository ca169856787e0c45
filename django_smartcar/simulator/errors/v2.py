"""Errors of API v1 and v2 as exceptions, and their response bodies.

A view raises ``SmartcarError("VEHICLE_STATE", "DOOR_OPEN")``; a decorator in `api` turns it into a response.
"""

from __future__ import annotations

from typing import Any

from ..conf import conf
from .table import ERRORS

#: The error types of v1, by the type of v2.
_V1_TYPES = {
    "AUTHENTICATION": "authentication_error",
    "PERMISSION": "permission_error",
    "VALIDATION": "validation_error",
    "RESOURCE_NOT_FOUND": "resource_not_found_error",
    "CONNECTED_SERVICES_ACCOUNT": "vehicle_owner_action_required",
    "VEHICLE_STATE": "vehicle_state_error",
    "RATE_LIMIT": "rate_limiting_error",
    "BILLING": "monthly_limit_exceeded",
    "SERVER": "server_error",
    "UPSTREAM": "server_error",
    "COMPATIBILITY": "vehicle_not_capable_error",
}
_V1_CODES = {
    ("VEHICLE_STATE", "UNKNOWN"): "VS_000",
    ("VEHICLE_STATE", "DOOR_OPEN"): "VS_001",
    ("VEHICLE_STATE", "TRUNK_OPEN"): "VS_002",
    ("VEHICLE_STATE", "HOOD_OPEN"): "VS_003",
    ("CONNECTED_SERVICES_ACCOUNT", "AUTHENTICATION_FAILED"): "VOA_000",
    ("CONNECTED_SERVICES_ACCOUNT", "SUBSCRIPTION"): "VOA_001",
}
#: Messages of v1 that differ from v2's descriptions.
_V1_MESSAGES = {
    ("PERMISSION", None): "Insufficient permissions to access requested resource.",
    ("VEHICLE_STATE", "UNKNOWN"): "Vehicle state cannot be determined.",
}

_DOCS = "https://smartcar.com/docs/errors/api-errors"


class SmartcarError(Exception):
    """An error of `table.ERRORS`. The view's response is built from it."""

    def __init__(
        self,
        type: str,  # noqa: A002 - Smartcar's name
        code: str | None = None,
        *,
        detail: list[dict[str, Any]] | None = None,
        url: str | None = None,
        retry_after: int | None = None,
    ) -> None:
        super().__init__(type, code)
        self.type = type
        self.code = code
        self.spec = ERRORS[type, code]
        self.detail = detail
        self.url = url
        self.retry_after = retry_after

    @property
    def status(self) -> int:
        """Return the HTTP status."""
        return self.spec.status

    def body(self, request_id: str) -> dict[str, Any]:
        """Return the error body of v2."""
        resolution: dict[str, str | None] = {"type": self.spec.resolution}
        if self.url:
            resolution["url"] = self.url
        body: dict[str, Any] = {
            "statusCode": self.spec.status,
            "type": self.type,
            "code": self.code,
            "description": self.spec.description,
            "docURL": self._doc_url(),
            "resolution": resolution,
            "requestId": request_id,
        }
        if self.spec.user_message:
            body["suggestedUserMessage"] = self.spec.user_message.format(
                app=conf.SMARTCAR_SIMULATOR_APPLICATION_NAME
            )
        if self.detail:
            body["detail"] = self.detail
        return body

    def body_v1(self, request_id: str) -> dict[str, Any]:
        """Return the error body of v1."""
        body: dict[str, Any] = {
            "error": _V1_TYPES[self.type],
            "message": self._v1_message(),
            "statusCode": self.spec.status,
            "requestId": request_id,
        }
        if code := _V1_CODES.get((self.type, self.code or "")):
            body["code"] = code
        return body

    def _v1_message(self) -> str:
        # v1 has no list of details: the message is about the field.
        if self.detail and "message" in self.detail[0]:
            return str(self.detail[0]["message"])
        return _V1_MESSAGES.get((self.type, self.code), self.spec.description)

    def _doc_url(self) -> str:
        if self.type == "RESOURCE_NOT_FOUND":
            # "pathh" is Smartcar's spelling.
            return f"{_DOCS}/resource-errors#{'pathh' if self.code == 'PATH' else 'version'}"
        group = self.type.lower().replace("_", "-")
        return f"{_DOCS}/{group}-errors#{(self.code or 'null').lower().replace('_', '-')}"


def invalid(field: str, message: str) -> SmartcarError:
    """Return a VALIDATION error that names the field."""
    return SmartcarError("VALIDATION", detail=[{"field": field, "message": message}])


class GatewayTimeout(Exception):
    """The 504 of the gateway in front of Smartcar: plain text, not JSON."""

    status = 504
    text = "upstream request timeout"


class OAuthError(Exception):
    """An error of the token endpoint, whose bodies follow OAuth 2.0 (RFC 6749, 5.2)."""

    def __init__(self, error: str, description: str, status: int = 400) -> None:
        super().__init__(error, description)
        self.error = error
        self.description = description
        self.status = status

    def body(self) -> dict[str, str]:
        """Return the error body."""
        return {"error": self.error, "error_description": self.description}
