"""Exceptions of the app, and those of the SDK, so that projects need one import only.

* SmartcarException                 Smartcar returned an error, or did not respond (see `sdk.exceptions`)
  - PermissionMissing               the driver has not granted ``scope``
  - OwnerActionRequired             the driver has something to do at the car's brand
  - ReconnectRequired               only the driver can help, by a new login or consent: has ``account``
  - NotCapableException             this car can never do it
  - StateException                  the car cannot do it now: asleep, out of reach, moving, a door open…
  - ResourceNotFoundException       Smartcar has no such car
  - RateLimited                     too many requests: ``retry_after``, ``scope``
  - MonthlyLimitExceeded            the plan does not cover it (any more)
  - AuthenticationException         Smartcar does not accept this site's token
  - ValidationException             Smartcar rejected the request as invalid
  - ServerException                 Smartcar, or the brand behind it, failed
  - NoResponseException             Smartcar did not respond
* SmartcarAppError                  raised by this app, before or after a request to Smartcar
  - RefreshInProgress               another process is refreshing this account and takes too long
  - TransactionNotAllowed           a token or a command cannot be saved inside the caller's transaction
  - VehicleDisconnected             the car is no longer connected
  - DuplicateCommand                the same command is in progress, or was sent a moment ago
  - CommandInProgress               another command to the car is in progress, and this one cannot wait for it
  - TooManyInFlight                 the user has too many commands in progress
  - CommandNotSent                  the command waited too long to be sent
  - TooManyRequests                 the user or the car has reached a limit of this site: ``retry_after``
  - CommandInvalid                  unknown command or invalid parameters; also a ValueError
  - InvalidConnectState             the OAuth state is unknown, expired, used, or another user's or session's
  - OwnedByAnotherUser              the Smartcar user belongs to another local user
  - OwnershipNotVerified            Smartcar does not confirm who has consented
  - NoVehiclesConnected             the consent covers no car
  - MissingCredentials              no client id and secret in the settings for the account's API version
  - DecryptionError                 no encryption key of this site decrypts a stored token
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

from django.core.exceptions import SuspiciousOperation
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from ._error_messages import code_message, help_url, message_for
from .fields import DecryptionError, SmartcarAppError
from .sdk import (
    AuthenticationException,
    GatewayTimeoutException,
    InvalidResponseException,
    LoginOutdated,
    LoginRequired,
    MonthlyLimitExceeded,
    NoResponseException,
    NotCapableException,
    OwnerActionRequired,
    PermissionException,
    PermissionMissing,
    RateLimited,
    RateLimitingException,
    ReconnectRequired,
    ResourceNotFoundException,
    ServerException,
    SignalNotAvailable,
    SmartcarException,
    StateException,
    UnexpectedStatusException,
    UpstreamException,
    ValidationException,
)
from .sdk.exceptions import reference_of

__all__ = [
    "AddressSearchFailed",
    "AuthenticationException",
    "CommandInProgress",
    "CommandInvalid",
    "CommandNotSent",
    "DecryptionError",
    "DuplicateCommand",
    "GatewayTimeoutException",
    "InvalidConnectState",
    "InvalidResponseException",
    "LoginOutdated",
    "LoginRequired",
    "MissingCredentials",
    "MonthlyLimitExceeded",
    "NoResponseException",
    "NoVehiclesConnected",
    "NotCapableException",
    "OwnedByAnotherUser",
    "OwnerActionRequired",
    "OwnershipNotVerified",
    "PermissionException",
    "PermissionMissing",
    "RateLimited",
    "RateLimitingException",
    "ReconnectRequired",
    "RefreshInProgress",
    "ResourceNotFoundException",
    "ServerException",
    "SignalNotAvailable",
    "SmartcarAppError",
    "SmartcarException",
    "StateException",
    "TooManyInFlight",
    "TooManyRequests",
    "TransactionNotAllowed",
    "UnexpectedStatusException",
    "UpstreamException",
    "ValidationException",
    "VehicleDisconnected",
    "error_code",
    "code_message",
    "help_url",
    "recorded_message",
    "user_message",
]


class RefreshInProgress(SmartcarAppError):
    """Another process has held the refresh lock of this account or application for too long. Has ``row``."""

    def __init__(self, row: Any) -> None:
        super().__init__(f"{reference_of(row)} is being refreshed elsewhere; try again")
        self.row = row


class TransactionNotAllowed(SmartcarAppError):
    """A token or a command cannot be saved inside the caller's transaction. Nothing was sent. Has ``row``."""

    def __init__(self, row: Any) -> None:
        super().__init__(
            f"Cannot save {reference_of(row)} inside your open transaction. Commit first, or "
            "call tokens.access_token(account) before it starts."
        )
        self.row = row


class VehicleDisconnected(SmartcarAppError):
    """The car is no longer connected. Has ``vehicle``."""

    def __init__(self, vehicle: Any) -> None:
        super().__init__(f"vehicle {vehicle.pk} is disconnected")
        self.vehicle = vehicle


class DuplicateCommand(SmartcarAppError):
    """The same command is in progress, or was sent a moment ago. ``command_id`` is that command's id."""

    is_finished = False

    def __init__(self, command_id: int, is_finished: bool = False) -> None:
        super().__init__(f"the same command is in flight, or was sent a moment ago: command {command_id}")
        self.command_id = command_id
        self.is_finished = is_finished


class CommandInProgress(SmartcarAppError):
    """Another command to the car is in progress, and this one cannot wait. ``command_id`` is the other's."""

    def __init__(self, command_id: int) -> None:
        super().__init__(f"another command to this vehicle is in flight: command {command_id}")
        self.command_id = command_id


class CommandNotSent(SmartcarAppError):
    """The command waited too long to be sent. Of a queued one, the record has the name as ``error_type``."""


class TooManyInFlight(SmartcarAppError):
    """The user already has ``number`` commands in progress, the limit of ``SMARTCAR_COMMANDS_IN_FLIGHT``."""

    def __init__(self, number: int) -> None:
        super().__init__(f"the user has {number} commands in flight")
        self.number = number


class TooManyRequests(SmartcarAppError):
    """A limit of ``SMARTCAR_USER_LIMITS`` or ``SMARTCAR_COMMANDS_PER_CAR`` is reached: ``retry_after``."""

    def __init__(self, kind: str, retry_after: int) -> None:
        super().__init__(f"limit of {kind} reached; try again in {retry_after} seconds")
        self.kind = kind
        self.retry_after = retry_after


class CommandInvalid(SmartcarAppError, ValueError):
    """Unknown command or invalid parameters. The text is for the user."""


class AddressSearchFailed(SmartcarAppError):
    """The function of ``SMARTCAR_GEOCODER`` failed."""


class InvalidConnectState(SmartcarAppError, SuspiciousOperation):
    """The OAuth state is not valid. ``reason`` says why in one word, for the log."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"Connect callback refused: {reason}")
        self.reason = reason


class OwnedByAnotherUser(SmartcarAppError):
    """The Smartcar user who consented belongs to another local user."""


class OwnershipNotVerified(SmartcarAppError):
    """Smartcar does not confirm who has consented. ``attempted_proofs`` maps each proof to its result."""

    def __init__(self, attempted_proofs: Mapping[str, str]) -> None:
        results = "; ".join(f"{proof}: {result}" for proof, result in attempted_proofs.items())
        super().__init__(f"no proof of ownership ({results})")
        self.attempted_proofs = dict(attempted_proofs)


class MissingCredentials(SmartcarAppError):
    """The settings ``names``, which an account needs, are not set."""

    def __init__(self, *names: str) -> None:
        super().__init__(f"set {' and '.join(names)} (see SMARTCAR_API_VERSION): an account needs them")
        self.names = names


class NoVehiclesConnected(SmartcarAppError):
    """The driver consented, but the consent covers no car."""


#: Of the description of an error beside its code, so that both fit into a column.
_MAX_REASON_LENGTH = 150


def error_code(error: Exception) -> str:
    """Return Smartcar's code or type, else the name of the exception, for operators.

    ``unauthorized_client`` has many reasons, which are in its description: it is added.
    """
    description = getattr(error, "description", None)
    if getattr(error, "code", None) == "unauthorized_client" and description:
        return f"unauthorized_client: {description[:_MAX_REASON_LENGTH]}"
    return str(getattr(error, "code", None) or getattr(error, "type", None) or type(error).__name__)


def _waiting_time(seconds: int) -> str:
    """Return a time in words: in seconds up to two minutes, then in minutes, rounded up."""
    if seconds < 120:
        return ngettext("%(count)d second", "%(count)d seconds", seconds) % {"count": seconds}
    minutes = math.ceil(seconds / 60)
    return ngettext("%(count)d minute", "%(count)d minutes", minutes) % {"count": minutes}


def user_message(error: Exception) -> str:
    """Return one translated sentence for the user. It holds no secret."""
    if isinstance(error, SmartcarException) and (message := message_for(error)):
        return message
    for kind, message_of in _APP_MESSAGES:
        if isinstance(error, kind):
            return message_of(error)
    return _("Something went wrong between this site and the car. Please try again in a few minutes.")


def recorded_message(error_type: str, error_code: str) -> str:
    """Return the sentence of `user_message` for the error type and code in the record of a command."""
    kind = globals().get(error_type)
    if not (isinstance(kind, type) and issubclass(kind, Exception)):
        return user_message(SmartcarException(type=error_type, code=error_code or None))
    if kind is TooManyRequests:  # the record does not say for how long
        kind = RateLimited
    return user_message(kind() if issubclass(kind, SmartcarException) else kind.__new__(kind))


_APP_MESSAGES: tuple[tuple[type[Exception], Callable[[Any], str]], ...] = (
    (
        DuplicateCommand,
        lambda error: (
            _("You have asked for this a moment ago. Check the car before you ask again.")
            if error.is_finished
            else _("That is still under way. There is no need to ask again.")
        ),
    ),
    (
        CommandInProgress,
        lambda error: _("The car is still busy with what it was asked before. Please try again after that."),
    ),
    (CommandNotSent, lambda error: _("This site was busy, and has not asked the car. Please try again.")),
    (
        TooManyInFlight,
        lambda error: _("Your cars are still busy. Please try again once one of them is done."),
    ),
    (
        TooManyRequests,
        lambda error: (
            _("You have asked this too often in a short time. Please try again in %(time)s.")
            % {"time": _waiting_time(error.retry_after)}
        ),
    ),
    (CommandInvalid, str),
    (AddressSearchFailed, lambda error: _("The search does not work now. Please try again later.")),
    (ReconnectRequired, lambda error: _("The connection to this car has ended. Please connect it again.")),
    (RefreshInProgress, lambda error: _("The connection is being renewed. Please try again in a moment.")),
    (VehicleDisconnected, lambda error: _("This car is no longer connected.")),
    (
        MissingCredentials,
        lambda error: _("This site is not set up correctly. The fault is ours; please try again later."),
    ),
)
