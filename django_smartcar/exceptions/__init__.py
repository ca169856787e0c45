"""What the app raises, and the SDK's family beside it, so that one import serves a project.

* SmartcarException                 Smartcar refused, or did not answer (the SDK's tree: `sdk.exceptions`)
  - PermissionMissing               the driver has not granted ``scope``
  - OwnerActionRequired             the driver has something to do at the car's brand
  - VehicleNotCapable               this car can never do it
  - VehicleUnavailable              not now: asleep, out of reach, moving, open…
  - VehicleNotFound                 Smartcar does not know the car
  - RateLimited                     asked too often: ``retry_after``, ``scope``
  - QuotaExceeded                   the plan does not cover it (any more)
  - AccessRefused                   Smartcar does not accept this site's token
  - RequestInvalid                  Smartcar did not understand the request
  - UpstreamFailed                  Smartcar, or the brand behind it, failed
* SmartcarAppError                  this site refused, before or after Smartcar was asked
  - ReconnectRequired               only the driver can help, by a new login or consent
  - RefreshInProgress               another process is refreshing this account and takes too long
  - TransactionPending              a token is due inside a transaction that stands in the way
  - VehicleDisconnected             the car is no longer connected
  - AttemptRefused                  a callback that no attempt of this browser and user expects
  - OwnedByAnotherUser              the Smartcar user belongs to another local user
  - OwnershipUnproven               Smartcar does not confirm who has consented
  - NothingConnected                the grant covers no car
  - CredentialsMissing              this site has no id and secret for the account's generation
  - UndecryptableToken              no key of this site opens a stored token
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.core.exceptions import SuspiciousOperation
from django.utils.translation import gettext as _

from ..fields import SmartcarAppError, UndecryptableToken
from ..sdk import (
    AuthenticationException,
    GatewayTimeoutException,
    InvalidAnswerException,
    MonthlyLimitExceeded,
    NoAnswerException,
    NotCapableException,
    NotStoredException,
    PermissionException,
    RateLimitingException,
    ResourceNotFoundException,
    ServerException,
    SmartcarException,
    StateException,
    UnexpectedStatusException,
    ValidationException,
)
from .names import (
    AccessRefused,
    OwnerActionRequired,
    PermissionMissing,
    QuotaExceeded,
    RateLimited,
    ReconnectRequired,
    RequestInvalid,
    UpstreamFailed,
    VehicleNotCapable,
    VehicleNotFound,
    VehicleUnavailable,
)
from .naming import link_of, named, sentence_of

__all__ = [
    "AccessRefused",
    "AttemptRefused",
    "AuthenticationException",
    "CredentialsMissing",
    "GatewayTimeoutException",
    "InvalidAnswerException",
    "MonthlyLimitExceeded",
    "NoAnswerException",
    "NotCapableException",
    "NotStoredException",
    "NothingConnected",
    "OwnedByAnotherUser",
    "OwnerActionRequired",
    "OwnershipUnproven",
    "PermissionException",
    "PermissionMissing",
    "QuotaExceeded",
    "RateLimited",
    "RateLimitingException",
    "ReconnectRequired",
    "RefreshInProgress",
    "RequestInvalid",
    "ResourceNotFoundException",
    "ServerException",
    "SmartcarAppError",
    "SmartcarException",
    "StateException",
    "TransactionPending",
    "UndecryptableToken",
    "UnexpectedStatusException",
    "UpstreamFailed",
    "ValidationException",
    "VehicleDisconnected",
    "VehicleNotCapable",
    "VehicleNotFound",
    "VehicleUnavailable",
    "advice",
    "link_of",
    "named",
    "reason_of",
]


class RefreshInProgress(SmartcarAppError):
    """Another process holds the refresh of this account, or application, for too long. Has ``row``."""

    def __init__(self, row: Any) -> None:
        super().__init__(f"{row} is being refreshed elsewhere; try again")
        self.row = row


class TransactionPending(SmartcarAppError):
    """A token is due, and the caller's transaction stands in the way: its rollback would lose the new one.

    Smartcar has not been asked. Has ``row``.
    """

    def __init__(self, row: Any) -> None:
        super().__init__(
            f"what Smartcar gives for {row} cannot be kept safe inside this transaction, which has changes "
            "that are not committed: commit first, or call tokens.access_token(account) before it begins"
        )
        self.row = row


class VehicleDisconnected(SmartcarAppError):
    """The car is no longer connected. Has ``vehicle``."""

    def __init__(self, vehicle: Any) -> None:
        super().__init__(f"vehicle {vehicle.pk} is disconnected")
        self.vehicle = vehicle


class AttemptRefused(SmartcarAppError, SuspiciousOperation):
    """A callback was not expected: ``reason`` says why, in a word, for the log."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"Connect callback refused: {reason}")
        self.reason = reason


class OwnedByAnotherUser(SmartcarAppError):
    """The Smartcar user who consented already belongs to another local user."""


class OwnershipUnproven(SmartcarAppError):
    """Smartcar does not confirm who has consented. ``looked_for``: each proof, and what came back."""

    def __init__(self, looked_for: Mapping[str, str]) -> None:
        told = "; ".join(f"{proof}: {answer}" for proof, answer in looked_for.items())
        super().__init__(f"no proof of ownership ({told})")
        self.looked_for = dict(looked_for)


class CredentialsMissing(SmartcarAppError):
    """An account speaks a generation that the settings have no id and secret for. Has ``names``."""

    def __init__(self, *names: str) -> None:
        super().__init__(f"set {' and '.join(names)} (see SMARTCAR_API_VERSION): an account needs them")
        self.names = names


class NothingConnected(SmartcarAppError):
    """The consent was given, but it covers no car."""


def reason_of(error: Exception) -> str:
    """What went wrong in a word, for operators: Smartcar's code or type, else the exception's name."""
    return str(getattr(error, "code", None) or getattr(error, "type", None) or type(error).__name__)


def advice(error: Exception) -> str:
    """What to tell the person at the screen: one translated sentence, without a secret in it."""
    if isinstance(error, SmartcarException) and (sentence := sentence_of(error)):
        return sentence
    for kind, sentence_for in _ADVICE:
        if isinstance(error, kind):
            return sentence_for()
    return _("Something went wrong between this site and the car. Please try again in a few minutes.")


_ADVICE = (
    (ReconnectRequired, lambda: _("The connection to this car has ended. Please connect it again.")),
    (RefreshInProgress, lambda: _("The connection is being renewed. Please try again in a moment.")),
    (VehicleDisconnected, lambda: _("This car is no longer connected.")),
    (
        CredentialsMissing,
        lambda: _("This site is not set up correctly. The fault is ours; please try again later."),
    ),
)
