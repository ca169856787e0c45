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
  - TransactionNotAllowed              a token, or a command's record, is due inside a transaction in the way
  - VehicleDisconnected             the car is no longer connected
  - DuplicateCommand                 the same command is in flight, or was sent a moment ago
  - CommandInvalid                  no car can be told this; also a ValueError
  - InvalidConnectState                  a callback that no attempt of this browser and user expects
  - OwnedByAnotherUser              the Smartcar user belongs to another local user
  - OwnershipNotVerified               Smartcar does not confirm who has consented
  - NoVehiclesConnected                the grant covers no car
  - MissingCredentials              this site has no id and secret for the account's generation
  - DecryptionError              no key of this site opens a stored token
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from django.core.exceptions import SuspiciousOperation
from django.utils.translation import gettext as _

from ..fields import DecryptionError, SmartcarAppError
from ..sdk import (
    AuthenticationException,
    GatewayTimeoutException,
    InvalidAnswerException,
    MonthlyLimitExceeded,
    NoAnswerException,
    NotCapableException,
    PermissionException,
    RateLimitingException,
    ResourceNotFoundException,
    ServerException,
    SignalNotAvailable,
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
from .naming import help_url, named, sentence_of

__all__ = [
    "AccessRefused",
    "InvalidConnectState",
    "AuthenticationException",
    "CommandInvalid",
    "DuplicateCommand",
    "MissingCredentials",
    "GatewayTimeoutException",
    "InvalidAnswerException",
    "MonthlyLimitExceeded",
    "NoAnswerException",
    "NotCapableException",
    "SignalNotAvailable",
    "NoVehiclesConnected",
    "OwnedByAnotherUser",
    "OwnerActionRequired",
    "OwnershipNotVerified",
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
    "TransactionNotAllowed",
    "DecryptionError",
    "UnexpectedStatusException",
    "UpstreamFailed",
    "ValidationException",
    "VehicleDisconnected",
    "VehicleNotCapable",
    "VehicleNotFound",
    "VehicleUnavailable",
    "advice",
    "help_url",
    "named",
    "error_code",
]


class RefreshInProgress(SmartcarAppError):
    """Another process holds the refresh of this account, or application, for too long. Has ``row``."""

    def __init__(self, row: Any) -> None:
        super().__init__(f"{row} is being refreshed elsewhere; try again")
        self.row = row


class TransactionNotAllowed(SmartcarAppError):
    """A token is due, or a command's record, and the caller's transaction stands in the way of keeping it.

    Smartcar has not been asked. Has ``row``.
    """

    def __init__(self, row: Any) -> None:
        super().__init__(
            f"what is to be kept of {row} cannot be kept safe inside this transaction, which has changes "
            "that are not committed: commit first, or (for a token) call tokens.access_token(account) before"
        )
        self.row = row


class VehicleDisconnected(SmartcarAppError):
    """The car is no longer connected. Has ``vehicle``."""

    def __init__(self, vehicle: Any) -> None:
        super().__init__(f"vehicle {vehicle.pk} is disconnected")
        self.vehicle = vehicle


class DuplicateCommand(SmartcarAppError):
    """The car has just been told the same, or is being told. ``command_id`` is the first one's record."""

    def __init__(self, command_id: int) -> None:
        super().__init__(f"the same command is in flight, or was sent a moment ago: command {command_id}")
        self.command_id = command_id


class CommandInvalid(SmartcarAppError, ValueError):
    """No such action, or not what it takes. The text is for the person who asked."""


class InvalidConnectState(SmartcarAppError, SuspiciousOperation):
    """A callback was not expected: ``reason`` says why, in a word, for the log."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"Connect callback refused: {reason}")
        self.reason = reason


class OwnedByAnotherUser(SmartcarAppError):
    """The Smartcar user who consented already belongs to another local user."""


class OwnershipNotVerified(SmartcarAppError):
    """Smartcar does not confirm who has consented. ``attempted_proofs``: each proof, and what came back."""

    def __init__(self, attempted_proofs: Mapping[str, str]) -> None:
        told = "; ".join(f"{proof}: {answer}" for proof, answer in attempted_proofs.items())
        super().__init__(f"no proof of ownership ({told})")
        self.attempted_proofs = dict(attempted_proofs)


class MissingCredentials(SmartcarAppError):
    """An account speaks a generation that the settings have no id and secret for. Has ``names``."""

    def __init__(self, *names: str) -> None:
        super().__init__(f"set {' and '.join(names)} (see SMARTCAR_API_VERSION): an account needs them")
        self.names = names


class NoVehiclesConnected(SmartcarAppError):
    """The consent was given, but it covers no car."""


def error_code(error: Exception) -> str:
    """What went wrong in a word, for operators: Smartcar's code or type, else the exception's name."""
    return str(getattr(error, "code", None) or getattr(error, "type", None) or type(error).__name__)


def user_message(error: Exception) -> str:
    """What to tell the person at the screen: one translated sentence, without a secret in it."""
    if isinstance(error, SmartcarException) and (sentence := sentence_of(error)):
        return sentence
    for kind, sentence_for in _ADVICE:
        if isinstance(error, kind):
            return sentence_for(error)
    return _("Something went wrong between this site and the car. Please try again in a few minutes.")


_ADVICE: tuple[tuple[type[Exception], Callable[[Any], str]], ...] = (
    (
        DuplicateCommand,
        lambda error: (
            _("The same was asked a moment ago (command %(id)d). Check the car before you ask again.")
            % {"id": error.command_id}
        ),
    ),
    (CommandInvalid, str),
    (ReconnectRequired, lambda error: _("The connection to this car has ended. Please connect it again.")),
    (RefreshInProgress, lambda error: _("The connection is being renewed. Please try again in a moment.")),
    (VehicleDisconnected, lambda error: _("This car is no longer connected.")),
    (
        MissingCredentials,
        lambda error: _("This site is not set up correctly. The fault is ours; please try again later."),
    ),
)
