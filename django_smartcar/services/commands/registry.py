"""What a car can be told: what it takes, and what shows that it was done. A table; nothing is sent."""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, TypeAlias

from django.utils.crypto import salted_hmac
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_variables

from ... import sdk
from ...exceptions import CommandInvalid, NotCapableException, PermissionMissing
from ...models import ConnectedVehicle

#: What of the parameters is a place: it goes to the car, and into no record.
PLACES = {"latitude", "longitude"}


#: Whether what was seen shows the order done, given its parameters; None where it does not say.
SuccessCheck: TypeAlias = Callable[[Any, Mapping[str, Any]], bool | None]


class CommandSpec(NamedTuple):
    scope: str
    #: The kind of reading that shows whether the car has obeyed, and what that is then.
    reading: str = ""
    confirms_success: SuccessCheck = lambda seen, parameters: None


def _is(*wanted: Any) -> SuccessCheck:
    return lambda seen, parameters: any(seen is each or seen == each for each in wanted)


def _is_the_limit(seen: Any, parameters: Mapping[str, Any]) -> bool:
    return isinstance(seen, int | float) and abs(seen - parameters["limit"]) < 0.005


def _is_open(seen: Any, parameters: Mapping[str, Any]) -> bool | None:
    # One that is closed says nothing: a port that no plug comes to closes by itself.
    return True if _port(seen) == "OPEN" else None


def _is_closed(seen: Any, parameters: Mapping[str, Any]) -> bool | None:
    return {"CLOSED": True, "OPEN": False}.get(_port(seen))


def _port(seen: Any) -> str:
    """What `lock_status` tells of the port: ``[{"type": "chargingPort", "status": "OPEN"}]``."""
    return str(seen[0].get("status")) if isinstance(seen, list) and seen else ""


#: Each action is named after the SDK's method. Nothing tells of a destination; and which of a car's charging
#: times came from which command cannot be told, as a record keeps no place. Without a reading, a command
#: whose answer was lost stays ``unknown``.
COMMANDS = {
    "lock": CommandSpec("control_security", "lock_status.is_locked", _is(True)),
    "unlock": CommandSpec("control_security", "lock_status.is_locked", _is(False)),
    "start_charge": CommandSpec("control_charge", "charge.state", _is("CHARGING", "FULLY_CHARGED")),
    "stop_charge": CommandSpec("control_charge", "charge.state", _is("NOT_CHARGING", "FULLY_CHARGED")),
    "set_charge_limit": CommandSpec("control_charge", "charge_limit", _is_the_limit),
    "open_charge_port": CommandSpec("control_charge", "lock_status.charging_port", _is_open),
    "close_charge_port": CommandSpec("control_charge", "lock_status.charging_port", _is_closed),
    "send_destination": CommandSpec("control_navigation"),
    "set_daily_charge_schedule": CommandSpec("control_charge"),
    "set_weekly_charge_schedule": CommandSpec("control_charge"),
    "set_workweek_charge_schedule": CommandSpec("control_charge"),
    "delete_charge_schedule": CommandSpec("control_charge"),
}


@sensitive_variables()
def check(vehicle: ConnectedVehicle, action: str, parameters: Mapping[str, Any]) -> CommandSpec:
    """The order, if it can be sent. Raises CommandInvalid, PermissionMissing or NotCapableException."""
    if action not in COMMANDS:
        raise CommandInvalid(f"{action!r} is not one of {', '.join(COMMANDS)}")
    method = getattr(sdk.v3.Vehicle, action)
    try:
        inspect.signature(method).bind(None, **parameters)
    except TypeError:
        takes = [name for name in inspect.signature(method).parameters if name != "self"]
        raise CommandInvalid(f"{action} takes {', '.join(takes) or 'nothing'}") from None
    is_v3 = vehicle.account.uses_v3
    if not is_v3 and not hasattr(sdk.Vehicle, action):
        raise NotCapableException(f"{action} exists in API v3 only", type="COMPATIBILITY")
    if "limit" in parameters:
        _check_limit(parameters["limit"], is_v3)
    if set(parameters) >= PLACES:
        _check_place(parameters["latitude"], parameters["longitude"])
    order = COMMANDS[action]
    # Without any permission on the row, Smartcar has not told yet which there are.
    if vehicle.permissions and not vehicle.can(order.scope):
        raise PermissionMissing(scope=order.scope)
    return order


@sensitive_variables()
def key(vehicle: ConnectedVehicle, action: str, parameters: Mapping[str, Any]) -> str:
    """Alike for the same order to the same car; it gives away nothing of a place."""
    order = json.dumps([vehicle.pk, action, parameters], sort_keys=True)
    return salted_hmac("django_smartcar.services.commands.registry", order, algorithm="sha256").hexdigest()


@sensitive_variables()
def without_places(parameters: Mapping[str, Any]) -> dict[str, Any]:
    """What of the parameters may stand in a record."""
    return {name: value for name, value in parameters.items() if name not in PLACES}


def related_actions(action: str) -> list[str]:
    """The actions that undo or repeat this one: what the same reading shows."""
    order = COMMANDS[action]
    return [name for name, other in COMMANDS.items() if order.reading and other.reading == order.reading]


def about(reading: str) -> list[str]:
    """The actions that a reading tells of."""
    return [name for name, order in COMMANDS.items() if order.reading == reading]


def confirms_success(action: str, parameters: Mapping[str, Any], value: Any) -> bool | None:
    """Whether a reading shows the order done; None where it does not say."""
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


@sensitive_variables()
def _check_place(latitude: Any, longitude: Any) -> None:
    try:
        sdk.check_coordinates(latitude, longitude)
    except ValueError:
        raise CommandInvalid(
            _("There is no such place: latitude is from -90 to 90, longitude from -180 to 180.")
        ) from None
