"""What Smartcar's failures are called here.

A named failure is also of the SDK's class that it came as (see `naming`): whoever catches a StateException
catches a VehicleUnavailable.
"""

from __future__ import annotations

from typing import Any

from ..fields import SmartcarAppError
from ..sdk import (
    MonthlyLimitExceeded,
    NotCapableException,
    PermissionException,
    RateLimitingException,
    ResourceNotFoundException,
    SmartcarException,
    StateException,
    ValidationException,
)


class ReconnectRequired(SmartcarAppError):
    """Only the driver can bring the way to the car back, by a new login or consent. Has ``account``."""

    def __init__(self, account: Any) -> None:
        super().__init__(f"{account} needs its driver to connect again")
        self.account = account


class PermissionMissing(PermissionException):
    """The driver has not granted ``scope`` (empty where it is not known which)."""

    scope = ""

    def __init__(self, scope: str) -> None:
        super().__init__(f"the driver has not granted {scope}", type="PERMISSION")
        self.scope = scope


class OwnerActionRequired(ValidationException):
    """The driver has something to do at the car's brand; `help_url` may say where."""


class VehicleNotCapable(NotCapableException):
    """This car, or this generation of the API, can never do it."""


class VehicleUnavailable(StateException):
    """The car cannot do it now: it is asleep, out of reach, moving, open… ``code`` says which."""


class VehicleNotFound(ResourceNotFoundException):
    """Smartcar knows no such car."""


class RateLimited(RateLimitingException):
    """Asked too often: ``retry_after`` is in seconds.

    ``scope`` is whose limit it is: ``"vehicle"``, ``"application"`` or ``"brand"``. Raised before
    Smartcar is asked, too, as long as its last word on this holds.
    """

    scope = ""

    def __init__(self, retry_after: float, scope: str) -> None:
        code = "SMARTCAR_API" if scope == "application" else "VEHICLE"
        super().__init__(f"RATE_LIMIT:{code}: still blocked", type="RATE_LIMIT", code=code)
        self.retry_after = retry_after
        self.scope = scope


class QuotaExceeded(MonthlyLimitExceeded):
    """This site's plan does not cover it (any more): the operator has to speak to Smartcar."""


class AccessRefused(SmartcarException):
    """Smartcar does not accept this site's token or credentials."""


class RequestInvalid(SmartcarException):
    """Smartcar did not understand the request, or what stood in it."""


class UpstreamFailed(SmartcarException):
    """Smartcar, or the brand behind it, failed. After a command, check the car before another try."""


NAMES = (
    ReconnectRequired,
    PermissionMissing,
    OwnerActionRequired,
    VehicleNotCapable,
    VehicleUnavailable,
    VehicleNotFound,
    RateLimited,
    QuotaExceeded,
    AccessRefused,
    RequestInvalid,
    UpstreamFailed,
)
