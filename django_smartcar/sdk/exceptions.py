"""The exceptions of the SDK: one family under SmartcarException.

* SmartcarException
  x ValidationException          400
    - OwnerActionRequired        400: the owner has something to do at the vehicle's brand
  - ReconnectRequired            only the owner can restore access, by a new login or consent
    - LoginRequired              400: the brand asks for a new login; also a ValidationException
    - LoginOutdated              501: the brand has a newer login; also a NotCapableException
  x AuthenticationException      401
  x PermissionException          403
    - PermissionMissing          403: the owner has not granted ``scope``
  x ResourceNotFoundException    404
    - SignalNotAvailable         404 of a signal: API v3 has not collected it
  x StateException               409
  x RateLimitingException        429
    - RateLimited                429, or the brand's own limit: has ``scope``
  x MonthlyLimitExceeded         430
  x ServerException              500
    x GatewayTimeoutException    504
    - UpstreamException          any other 5xx: the brand failed; also an UnexpectedStatusException
  x NotCapableException          501
  x UnexpectedStatusException    any other status; also a ``requests.HTTPError``
  x InvalidResponseException     a 2xx whose body is not what Smartcar documents
  x NoResponseException          no response at all; also a ``requests.RequestException``

x: the names in the Smartcar SDK 3.0.1. `class_for` picks the class by Smartcar's ``type`` and ``code``; a
status above always has its class, or a subclass of it. Invalid arguments raise ``ValueError``.
"""

from collections.abc import Callable
from typing import Any, TypedDict, Unpack

import requests


class ErrorFields(TypedDict, total=False):
    """Fields of an error body, besides the message. ``status_code`` may differ from the response's own."""

    status_code: int | None
    type: str | None
    code: str | None
    description: str | None
    request_id: str | None
    resolution: dict[str, Any] | None
    detail: Any
    doc_url: str | None
    suggested_user_message: str | None


class ErrorDetails(ErrorFields, total=False):
    """Keyword arguments of every SmartcarException."""

    retry_after: float | None
    response: requests.Response | None


class SmartcarException(Exception):  # noqa: N818 - the name in Smartcar SDK 3.0.1
    """Base class. Every attribute but ``message`` may be None.

    ``type`` and ``code`` are Smartcar's (``"VEHICLE_STATE"``, ``"DOOR_OPEN"``). For an OAuth error they are
    ``"OAUTH"`` and the error (``"invalid_grant"``). ``retry_after`` is in seconds. ``resolution`` is
    ``{"type": …, "url": …}``. ``detail`` is a list (v2) or a string (v3). Secrets of the request are redacted
    from every text. ``response`` is the raw response; it is dropped from pickles and copies.
    """

    def __init__(self, message: str = "Unknown error", **details: Unpack[ErrorDetails]) -> None:
        super().__init__(message)
        self.message = message
        self.status_code = details.get("status_code")
        self.type = details.get("type")
        self.code = details.get("code")
        self.description = details.get("description")
        self.request_id = details.get("request_id")
        self.retry_after = details.get("retry_after")
        self.resolution = details.get("resolution")
        self.detail = details.get("detail")
        self.doc_url = details.get("doc_url")
        self.suggested_user_message = details.get("suggested_user_message")
        self.response = details.get("response")

    def __str__(self) -> str:
        return self.message

    def __reduce__(self) -> tuple[Callable[..., "SmartcarException"], tuple[Any, ...], dict[str, Any]]:
        # The raw response refers to its request, which holds the Authorization header: keep both out of
        # pickles (the results of a task queue, caches).
        hidden = ("response", "request")
        state = {name: None if name in hidden else value for name, value in self.__dict__.items()}
        return type(self), self.args, state


class ValidationException(SmartcarException):
    """400: the request is invalid, or the owner's account at the brand needs attention (see ``type``)."""


class OwnerActionRequired(ValidationException):
    """400: the owner has something to do at the vehicle's brand; ``resolution`` may have a link."""


def reference_of(row: Any) -> str:
    """Return a row's ``reference``, which names no person, for logs and messages; its text without one."""
    return str(getattr(row, "reference", row))


class ReconnectRequired(SmartcarException):
    """Only the owner can restore access, by a new login or consent.

    Raised as it is where an account's tokens no longer work. ``account`` is the account, or None.
    """

    def __init__(self, message: str = "", *, account: Any = None, **details: Unpack[ErrorDetails]) -> None:
        super().__init__(message or f"{reference_of(account)} needs its driver to connect again", **details)
        self.account = account


class LoginRequired(ReconnectRequired, ValidationException):
    """400: the vehicle's brand asks for a new login or consent."""


class AuthenticationException(SmartcarException):
    """401: the token, or the client id and secret, are not valid."""


class PermissionException(SmartcarException):
    """403: access is denied."""


class PermissionMissing(PermissionException):
    """403: the owner has not granted ``scope`` (empty if it is not known which)."""

    def __init__(self, message: str = "", *, scope: str = "", **details: Unpack[ErrorDetails]) -> None:
        details.setdefault("type", "PERMISSION")
        super().__init__(message or f"the owner has not granted {scope}", **details)
        self.scope = scope


class ResourceNotFoundException(SmartcarException):
    """404: there is no such path, vehicle or version."""


class SignalNotAvailable(ResourceNotFoundException):
    """404 of a signal, API v3: Smartcar has no value of it (or of any signal, without a webhook)."""


class StateException(SmartcarException):
    """409: the vehicle cannot do it now: it is asleep, out of reach, moving, a door is open… See ``code``."""


class RateLimitingException(SmartcarException):
    """429: too many requests. ``retry_after`` says when to try again, if Smartcar sent it."""


class RateLimited(RateLimitingException):
    """Too many requests; ``scope`` says whose limit it is."""

    @property
    def scope(self) -> str:
        """Return ``"vehicle"``, ``"application"`` or ``"brand"``."""
        scopes = {"SMARTCAR_API": "application", "RATE_LIMIT": "brand"}
        return scopes.get((self.code or "").upper(), "vehicle")


class MonthlyLimitExceeded(SmartcarException):  # noqa: N818 - the name in Smartcar SDK 3.0.1
    """430: the plan's limit is used up, or the plan does not cover the request."""


class UnexpectedStatusException(SmartcarException, requests.HTTPError):
    """Any other status: a redirect (never followed), 402, and so on."""


class ServerException(SmartcarException):
    """500: an error at Smartcar."""


class GatewayTimeoutException(ServerException):
    """504: Smartcar received no response in time. A command may have reached the vehicle."""


class UpstreamException(ServerException, UnexpectedStatusException):
    """502 and other 5xx: the vehicle's brand failed. A command may have reached the vehicle."""


class NotCapableException(SmartcarException):
    """501: this vehicle, this API version, or Smartcar, cannot do it at all."""


class LoginOutdated(ReconnectRequired, NotCapableException):
    """501: the brand has a newer login, which this request needs: the owner has to connect again."""


class InvalidResponseException(SmartcarException):
    """A 2xx response that is not JSON, or does not have the documented shape."""


class NoResponseException(SmartcarException, requests.RequestException):
    """No response. ``request_sent`` is False only if the request certainly never reached Smartcar."""

    #: Why there is none: one of the constants of `sdk.failures`.
    fault: str = "broken"

    def __init__(
        self, message: str = "No response", *, request_sent: bool = True, **details: Unpack[ErrorDetails]
    ) -> None:
        super().__init__(message, **details)
        self.request_sent = request_sent


CLASS_BY_STATUS: dict[int, type[SmartcarException]] = {
    400: ValidationException,
    401: AuthenticationException,
    403: PermissionException,
    404: ResourceNotFoundException,
    409: StateException,
    429: RateLimitingException,
    430: MonthlyLimitExceeded,
    500: ServerException,
    501: NotCapableException,
    504: GatewayTimeoutException,
}

#: By Smartcar's type and code; by the type alone for any other code. Source: smartcar.com/docs/errors.
CLASS_BY_ERROR: dict[tuple[str, str | None], type[SmartcarException]] = {
    ("AUTHENTICATION", None): AuthenticationException,
    ("PERMISSION", None): PermissionMissing,
    ("VALIDATION", None): ValidationException,
    ("RESOURCE_NOT_FOUND", None): ResourceNotFoundException,
    ("CONNECTED_SERVICES_ACCOUNT", None): OwnerActionRequired,
    ("CONNECTED_SERVICES_ACCOUNT", "AUTHENTICATION_FAILED"): LoginRequired,
    ("CONNECTED_SERVICES_ACCOUNT", "PERMISSION"): LoginRequired,
    ("VEHICLE_STATE", None): StateException,
    ("RATE_LIMIT", None): RateLimited,
    ("BILLING", None): MonthlyLimitExceeded,
    ("SERVER", None): ServerException,
    ("COMPATIBILITY", None): NotCapableException,
    ("COMPATIBILITY", "PLATFORM_NOT_CAPABLE"): LoginOutdated,
    ("UPSTREAM", None): UpstreamException,
    ("UPSTREAM", "RATE_LIMIT"): RateLimited,
}

#: Without a type in the table, these statuses have one meaning only.
_CLASS_WITHOUT_TYPE: dict[int, type[SmartcarException]] = {403: PermissionMissing, 429: RateLimited}


def class_for(status: int, type_: str | None, code: str | None) -> type[SmartcarException]:
    """Return the class for a status, type and code. A type that contradicts the status is ignored."""
    by_status = CLASS_BY_STATUS.get(status)
    kind = (type_ or "").upper()
    by_error = CLASS_BY_ERROR.get((kind, (code or "").upper())) or CLASS_BY_ERROR.get((kind, None))
    if by_error is not None:
        return by_error if by_status is None or issubclass(by_error, by_status) else by_status
    if by_status is not None:
        return _CLASS_WITHOUT_TYPE.get(status, by_status)
    return UpstreamException if 500 <= status < 600 else UnexpectedStatusException
