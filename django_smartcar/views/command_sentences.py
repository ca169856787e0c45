"""What a driver reads about a command: a sentence, never a code or a number of a record."""

from __future__ import annotations

import math
from datetime import datetime, timedelta
from typing import NamedTuple

from django.utils import timezone
from django.utils.functional import Promise
from django.utils.text import capfirst
from django.utils.timesince import timesince
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from ..conf import conf
from ..exceptions import recorded_message
from ..models import VehicleCommand

Action, Status = VehicleCommand.Action, VehicleCommand.Status


class Texts(NamedTuple):
    """The sentences of an action; ``%s`` is how long ago that was, or why it failed."""

    waiting: Promise
    doing: Promise
    done: Promise
    failed: Promise


_SCHEDULE = Texts(
    gettext_lazy("Waiting to set the charging times…"),
    gettext_lazy("Setting the charging times…"),
    gettext_lazy("Charging times set %s."),
    gettext_lazy("Could not set the charging times: %s"),
)
_READ = Texts(
    gettext_lazy("Reading your car…"),  # a driver need not know what a read waits for
    gettext_lazy("Reading your car…"),
    gettext_lazy("Read %s."),
    gettext_lazy("Could not read the car: %s"),
)

TEXTS: dict[str, Texts] = {
    Action.LOCK: Texts(
        gettext_lazy("Waiting to lock…"),
        gettext_lazy("Locking…"),
        gettext_lazy("Locked %s."),
        gettext_lazy("Could not lock: %s"),
    ),
    Action.UNLOCK: Texts(
        gettext_lazy("Waiting to unlock…"),
        gettext_lazy("Unlocking…"),
        gettext_lazy("Unlocked %s."),
        gettext_lazy("Could not unlock: %s"),
    ),
    Action.START_CHARGE: Texts(
        gettext_lazy("Waiting to start charging…"),
        gettext_lazy("Starting to charge…"),
        gettext_lazy("Charging started %s."),
        gettext_lazy("Could not start charging: %s"),
    ),
    Action.STOP_CHARGE: Texts(
        gettext_lazy("Waiting to stop charging…"),
        gettext_lazy("Stopping the charge…"),
        gettext_lazy("Charging stopped %s."),
        gettext_lazy("Could not stop charging: %s"),
    ),
    Action.SET_CHARGE_LIMIT: Texts(
        gettext_lazy("Waiting to set the charge limit…"),
        gettext_lazy("Setting the charge limit…"),
        gettext_lazy("Charge limit set %s."),
        gettext_lazy("Could not set the charge limit: %s"),
    ),
    Action.OPEN_CHARGE_PORT: Texts(
        gettext_lazy("Waiting to open the charge port…"),
        gettext_lazy("Opening the charge port…"),
        gettext_lazy("Charge port opened %s."),
        gettext_lazy("Could not open the charge port: %s"),
    ),
    Action.CLOSE_CHARGE_PORT: Texts(
        gettext_lazy("Waiting to close the charge port…"),
        gettext_lazy("Closing the charge port…"),
        gettext_lazy("Charge port closed %s."),
        gettext_lazy("Could not close the charge port: %s"),
    ),
    Action.SEND_DESTINATION: Texts(
        gettext_lazy("Waiting to send the destination…"),
        gettext_lazy("Sending the destination…"),
        gettext_lazy("Destination sent %s."),
        gettext_lazy("Could not send the destination: %s"),
    ),
    Action.SET_DAILY_CHARGE_SCHEDULE: _SCHEDULE,
    Action.SET_WEEKLY_CHARGE_SCHEDULE: _SCHEDULE,
    Action.SET_WORKWEEK_CHARGE_SCHEDULE: _SCHEDULE,
    Action.DELETE_CHARGE_SCHEDULE: Texts(
        gettext_lazy("Waiting to remove the charging times…"),
        gettext_lazy("Removing the charging times…"),
        gettext_lazy("Charging times removed %s."),
        gettext_lazy("Could not remove the charging times: %s"),
    ),
    Action.REFRESH: _READ,
    Action.RELOAD: _READ,
    Action.DISCONNECT: Texts(
        gettext_lazy("Waiting to disconnect…"),
        gettext_lazy("Disconnecting…"),
        gettext_lazy("Disconnected %s."),
        gettext_lazy("Could not disconnect: %s"),
    ),
}

#: These take as long as a read or two; a command may have to wake the car.
QUICK = (Action.REFRESH, Action.RELOAD, Action.DISCONNECT)


def sentence(command: VehicleCommand, *, is_behind: bool = False) -> str:
    """Return the sentence about a command. ``is_behind`` says that the car is busy with an earlier one."""
    texts = TEXTS[command.action]
    if command.status == Status.QUEUED:
        note = _("The car is still busy with what it was asked before.") if is_behind else ""
        return f"{texts.waiting} {note}".rstrip()
    if command.status == Status.PENDING:
        return f"{texts.doing} {_duration(command)}".rstrip()
    if command.status == Status.SUCCEEDED:
        return str(texts.done) % since(command.resolved_at or command.finished_at or command.created_at)
    if command.status == Status.FAILED:
        return str(texts.failed) % recorded_message(command.error_type, command.error_code)
    # Not that it has failed: the car may be unlocked.
    unknown = _("No answer came. The car may or may not have done it: please check the car.")
    return f"{capfirst(command.get_action_display())}: {unknown}"


def _duration(command: VehicleCommand) -> str:
    """Return how long the command can take; empty if that is no time to speak of."""
    if command.action in QUICK:
        return ""
    minutes = math.floor(max(conf.SMARTCAR_COMMAND_TIMEOUT, 60) / 60)
    return ngettext("This can take up to a minute.", "This can take up to %(minutes)d minutes.", minutes) % {
        "minutes": minutes
    }


def since(moment: datetime) -> str:
    """Return "just now" or "31 minutes ago": true for a minute, after which open pages ask again."""
    if timezone.now() - moment < timedelta(minutes=1):
        return _("just now")
    return _("%s ago") % timesince(moment)


class Shown(NamedTuple):
    """A command on the page."""

    command: VehicleCommand
    text: str
    help_url: str


def of_latest(commands: list[VehicleCommand]) -> list[Shown]:
    """Return what the page shows of a vehicle's last two commands, the newest first in the argument.

    That is the last one, and the one before it if it is still under way.
    """
    shown: list[Shown] = []
    for command in reversed(commands):
        if command is commands[0] or not command.is_finished:
            shown.append(_shown(command, is_behind=bool(shown)))
    return shown


def of_all(commands: list[VehicleCommand]) -> list[Shown]:
    """Return these commands, which are a vehicle's last, in their order."""
    return [_shown(command) for command in commands]


def _shown(command: VehicleCommand, *, is_behind: bool = False) -> Shown:
    """Return a command with its help, unless a reading has shown since that the car has done it."""
    is_open = command.status in (Status.FAILED, Status.UNKNOWN)
    return Shown(command, sentence(command, is_behind=is_behind), command.help_url if is_open else "")
