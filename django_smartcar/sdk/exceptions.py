"""One family for everything that can go wrong between us and Smartcar.

* SmartcarException
  x ValidationException          400
  x AuthenticationException      401
  x PermissionException          403
  x ResourceNotFoundException    404
    - SignalNotAvailable         404 of a signal: API v3 has not collected it
  x StateException               409
  x RateLimitingException        429
  x MonthlyLimitExceeded         430
  x ServerException              500
  x NotCapableException          501
  x GatewayTimeoutException      504
  x UnexpectedStatusException    any other bad status; also a ``requests.HTTPError``
  x InvalidAnswerException       a 2xx whose body is not what Smartcar promised
  x NoAnswerException            no answer at all; also a ``requests.RequestException``

Bad arguments are a ``ValueError``, as everywhere in Python.
"""

from collections.abc import Callable
from typing import Any, TypedDict, Unpack

import requests


class Said(TypedDict, total=False):
    """What an error's body can say besides its message; ``status_code`` may differ from the answer's own."""

    status_code: int | None
    type: str | None
    code: str | None
    description: str | None
    request_id: str | None
    resolution: dict[str, Any] | None
    detail: Any
    doc_url: str | None
    suggested_user_message: str | None


class Facts(Said, total=False):
    """What an exception may know besides its message."""

    retry_after: float | None
    response: requests.Response | None


class SmartcarException(Exception):
    """A call to Smartcar failed. ``message`` is always there, every other attribute may be ``None``.

    ``type`` and ``code`` are Smartcar's words (``"VEHICLE_STATE"``, ``"DOOR_OPEN"``); for an OAuth answer
    they are ``"OAUTH"`` and the error (``"invalid_grant"``). ``retry_after`` is in seconds. ``resolution`` is
    ``{"type": …, "url": …}``. ``detail`` is a list (v2) or a string (v3). What we sent in confidence is
    blotted out of every text; ``response`` is the raw answer, and does not survive pickling or copying.
    """

    def __init__(self, message: str = "Unknown error", **facts: Unpack[Facts]) -> None:
        super().__init__(message)
        self.message = message
        self.status_code = facts.get("status_code")
        self.type = facts.get("type")
        self.code = facts.get("code")
        self.description = facts.get("description")
        self.request_id = facts.get("request_id")
        self.retry_after = facts.get("retry_after")
        self.resolution = facts.get("resolution")
        self.detail = facts.get("detail")
        self.doc_url = facts.get("doc_url")
        self.suggested_user_message = facts.get("suggested_user_message")
        self.response = facts.get("response")

    def __str__(self) -> str:
        return self.message

    def __reduce__(self) -> tuple[Callable[..., "SmartcarException"], tuple[Any, ...]]:
        # The raw answer knows its request, and that one holds the Authorization header: a pickle
        # (in a task queue's result, in a cache) is no place for it.
        hidden = ("response", "request")
        state = {name: None if name in hidden else value for name, value in self.__dict__.items()}
        return _restored, (self.__class__, self.args, state)


class ValidationException(SmartcarException):
    """400: the request was wrong, or the owner's account at the maker needs attention (see ``type``)."""


class AuthenticationException(SmartcarException):
    """401: the token, or the client's id and secret, are not valid."""


class PermissionException(SmartcarException):
    """403: the owner has not granted this."""


class ResourceNotFoundException(SmartcarException):
    """404: there is no such path, vehicle or version."""


class SignalNotAvailable(ResourceNotFoundException):
    """404 of a signal, API v3: none is kept for the car (nor of any, without a webhook)."""


class StateException(SmartcarException):
    """409: the vehicle cannot do it now (a door is open, it is asleep, it moves)."""


class RateLimitingException(SmartcarException):
    """429: too many requests; ``retry_after`` says when, if Smartcar said so."""


class MonthlyLimitExceeded(SmartcarException):  # noqa: N818 - the seed's name
    """430: the plan's limit is used up."""


class ServerException(SmartcarException):
    """500: a fault at Smartcar."""


class NotCapableException(SmartcarException):
    """501: this vehicle, or Smartcar, cannot do it at all."""


class GatewayTimeoutException(SmartcarException):
    """504: Smartcar waited in vain; a command may have reached the car."""


class UnexpectedStatusException(SmartcarException, requests.HTTPError):
    """A status that is neither 2xx nor in the table: 502, a redirect (never followed), and the like."""


class InvalidAnswerException(SmartcarException):
    """A 2xx answer that is not the JSON, or not the shape, that Smartcar promised."""


class NoAnswerException(SmartcarException, requests.RequestException):
    """No answer. ``request_sent`` is False only if the request certainly never reached Smartcar."""

    #: Why there is none, in a word: one of those in `sdk.failures`.
    fault: str = "broken"

    def __init__(
        self, message: str = "No answer", *, request_sent: bool = True, **facts: Unpack[Facts]
    ) -> None:
        super().__init__(message, **facts)
        self.request_sent = request_sent


CLASSES: dict[int, type[SmartcarException]] = {
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


def _restored(
    kind: type[SmartcarException], args: tuple[Any, ...], state: dict[str, Any]
) -> SmartcarException:
    exception = kind.__new__(kind)
    exception.args = args
    exception.__dict__.update(state)
    return exception
