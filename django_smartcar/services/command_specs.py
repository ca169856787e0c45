"""The commands: their permission, their parameters, and the signal that confirms each."""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable, Mapping
from datetime import timedelta
from functools import lru_cache
from typing import Any, NamedTuple, TypeAlias

from django.utils.crypto import salted_hmac
from django.utils.translation import gettext as _

from .. import sdk
from ..exceptions import CommandInvalid, NotCapableException, PermissionMissing
from ..models import ConnectedVehicle
from ..secret_types import SecretBytes, coordinate

#: Location parameters: sent to the vehicle; stored encrypted only, and until the command is sent.
LOCATION_PARAMETERS = {"latitude", "longitude"}

#: Given the signal's value and the parameters, whether the command was executed; None if it cannot be known.
SuccessCheck: TypeAlias = Callable[[Any, Mapping[str, Any]], bool | None]


#: The value that the signal has after the command, given its parameters; None if it cannot be known.
Result: TypeAlias = Callable[[Mapping[str, Any]], Any]

#: How long a command may wait until it is sent: later, an unlocked door would be a surprise.
COMMAND_WAIT = timedelta(minutes=1)
#: How long may wait what is done to no car.
OPERATION_WAIT = timedelta(minutes=10)


class CommandSpec(NamedTuple):
    """What a command needs, and how its success is checked."""

    scope: str
    #: The signal that confirms success.
    signal: str = ""
    confirms_success: SuccessCheck = lambda value, parameters: None
    #: The value of that signal once Smartcar has confirmed the command.
    result: Result = lambda parameters: None


def _is(*expected: Any) -> SuccessCheck:
    return lambda value, parameters: any(value is item or value == item for item in expected)


def _always(value: Any) -> Result:
    return lambda parameters: value


def _is_limit(value: Any, parameters: Mapping[str, Any]) -> bool:
    limit = sdk.readings.charge_limit_of(value) if isinstance(value, Mapping) else value
    return isinstance(limit, int | float) and abs(limit - parameters["limit"]) < 0.005


def _is_open(value: Any, parameters: Mapping[str, Any]) -> bool | None:
    # A closed port proves nothing: it closes by itself if no plug is inserted.
    return True if value is True else None


def _is_closed(value: Any, parameters: Mapping[str, Any]) -> bool | None:
    return not value if isinstance(value, bool) else None


#: By action, which is the name of the SDK's method. No signal can confirm a destination or a charge schedule
#: (the record has no location), so these have no success check and stay ``unknown`` without a response.
COMMANDS = {
    "lock": CommandSpec("control_security", "is_locked", _is(True), _always(True)),
    "unlock": CommandSpec("control_security", "is_locked", _is(False), _always(False)),
    "start_charge": CommandSpec(
        "control_charge", "charge_state", _is("CHARGING", "FULLY_CHARGED"), _always("CHARGING")
    ),
    "stop_charge": CommandSpec(
        "control_charge", "charge_state", _is("NOT_CHARGING", "FULLY_CHARGED"), _always("NOT_CHARGING")
    ),
    "set_charge_limit": CommandSpec(
        "control_charge", "charge_limit", _is_limit, lambda parameters: parameters["limit"]
    ),
    "open_charge_port": CommandSpec("control_charge", "is_charge_port_open", _is_open, _always(True)),
    "close_charge_port": CommandSpec("control_charge", "is_charge_port_open", _is_closed, _always(False)),
    "send_destination": CommandSpec("control_navigation"),
    "set_daily_charge_schedule": CommandSpec("control_charge"),
    "set_weekly_charge_schedule": CommandSpec("control_charge"),
    "set_workweek_charge_schedule": CommandSpec("control_charge"),
    "delete_charge_schedule": CommandSpec("control_charge"),
}

#: What `commands.enqueue` does as well: read the car's values, its details and values, and disconnect it.
OPERATIONS = ("refresh", "reload", "disconnect")


def check_operation(action: str, parameters: Mapping[str, Any]) -> None:
    """Raise CommandInvalid if a refresh, a reload or a disconnect has parameters."""
    if parameters:
        raise CommandInvalid(f"{action} takes nothing")


def check(vehicle: ConnectedVehicle, action: str, parameters: Mapping[str, Any]) -> CommandSpec:
    """Return the spec of a valid command. Raise CommandInvalid, PermissionMissing or NotCapableException."""
    if action not in COMMANDS:
        raise CommandInvalid(f"{action!r} is not one of {', '.join(COMMANDS)}")
    method = getattr(sdk.v3.Vehicle, action)
    try:
        inspect.signature(method).bind(None, **parameters)
    except TypeError:
        accepted = [name for name in inspect.signature(method).parameters if name != "self"]
        raise CommandInvalid(f"{action} takes {', '.join(accepted) or 'nothing'}") from None
    is_v3 = vehicle.account.uses_v3
    if not is_v3 and not hasattr(sdk.Vehicle, action):
        raise NotCapableException(f"{action} exists in API v3 only", type="COMPATIBILITY")
    if "limit" in parameters:
        _check_limit(parameters["limit"], is_v3)
    if set(parameters) >= LOCATION_PARAMETERS:
        _check_location(parameters["latitude"], parameters["longitude"])
    spec = COMMANDS[action]
    # If there are no permissions at all, they have not been read from Smartcar yet.
    if vehicle.permissions and not vehicle.can(spec.scope):
        raise PermissionMissing(scope=spec.scope)
    return spec


def key(vehicle: ConnectedVehicle, action: str, parameters: Mapping[str, Any]) -> str:
    """Return the idempotency key of a command to a vehicle. It reveals no location."""
    content = SecretBytes(json.dumps([vehicle.pk, action, parameters], sort_keys=True).encode())
    return salted_hmac("django_smartcar.services.command_specs", content, algorithm="sha256").hexdigest()


def protected_parameters(parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Return the parameters with each latitude and longitude as a `Coordinate`."""
    return {
        name: coordinate(value) if name in LOCATION_PARAMETERS else value
        for name, value in parameters.items()
    }


def without_location(parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Return the parameters that may be stored."""
    return {name: value for name, value in parameters.items() if name not in LOCATION_PARAMETERS}


def location_of(parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Return the parameters that may be stored encrypted only."""
    return {name: value for name, value in parameters.items() if name in LOCATION_PARAMETERS}


def related_actions(action: str) -> list[str]:
    """Return the actions that reverse or repeat this one: those confirmed by the same signal."""
    signal = COMMANDS[action].signal if action in COMMANDS else ""
    return confirmed_by(signal) if signal else []


@lru_cache(maxsize=1024)
def confirmed_by(signal: str) -> list[str]:
    """Return the actions that this signal confirms."""
    return [name for name, spec in COMMANDS.items() if spec.signal == signal]


def confirms_success(action: str, parameters: Mapping[str, Any], value: Any) -> bool | None:
    """Return whether a signal's value shows that the command was executed; None if it cannot be known."""
    return None if value is None else COMMANDS[action].confirms_success(value, parameters)


def _check_limit(limit: Any, is_v3: bool) -> None:
    try:
        sdk.check_charge_limit(limit)
    except ValueError:
        raise CommandInvalid(
            _("A charge limit is from 50 to 100 % (0.5 to 1): Smartcar takes no less than 50.")
        ) from None
    try:
        sdk.check_charge_limit(limit, whole_percent=is_v3)
    except ValueError:
        raise CommandInvalid(
            _("A charge limit is a whole percentage: Smartcar takes no fraction of one.")
        ) from None


def _check_location(latitude: Any, longitude: Any) -> None:
    try:
        sdk.check_coordinates(latitude, longitude)
    except ValueError:
        raise CommandInvalid(
            _("There is no such place: latitude is from -90 to 90, longitude from -180 to 180.")
        ) from None
