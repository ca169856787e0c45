"""What the page of a car in the admin shows beside its fields: signals, problems, commands, charts."""

from __future__ import annotations

import itertools
import operator
from functools import partial
from typing import Any, NamedTuple

from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.text import capfirst
from django.utils.translation import gettext_lazy as _

from ..models import (
    ConnectedVehicle,
    VehicleCommand,
    VehicleProblem,
    VehicleReading,
    VehicleSignal,
    WebhookEvent,
)
from . import display
from .imports import charts, signals

#: How many commands the page has; the list of commands has them all.
COMMANDS = 10
#: The permission of the driver that an action needs. The others need none.
NEEDS = {
    "lock": "control_security",
    "unlock": "control_security",
    "start_charge": "control_charge",
    "stop_charge": "control_charge",
}
#: The lists that have more about a car.
LISTS = [
    (VehicleCommand, _("all commands")),
    (VehicleSignal, _("latest signals")),
    (VehicleReading, _("history of signals")),
    (WebhookEvent, _("webhook events")),
]


class Button(NamedTuple):
    """An action of the list for this car alone. It leads to the confirmation page that the list has."""

    action: str
    label: str
    #: Why the car cannot do it now; empty if it can.
    obstacle: str


class SignalRow(NamedTuple):
    icon: Any
    label: str
    value: str
    status: Any
    told: Any


class CommandRow(NamedTuple):
    command: Any
    status: Any
    sender: Any
    sent: Any
    problem: str


class List(NamedTuple):
    label: Any
    url: str


def vehicle_page(
    model_admin: Any, request: HttpRequest, vehicle: ConnectedVehicle, period: str
) -> dict[str, Any]:
    """Return the sections of the page, and the buttons for actions, that the operator may see and use.

    ``period`` names the period of the charts. Rows of another table need the permission to view that table.
    """
    may_view = partial(model_admin.may_view, request)
    actions = model_admin.get_action_choices(request, default_choices=[])
    return {
        "buttons": [Button(name, str(label), _obstacle(vehicle, name)) for name, label in actions],
        **(_signals(vehicle) if may_view(VehicleSignal) else {}),
        **({"problems": _problems(vehicle)} if may_view(VehicleProblem) else {}),
        **({"commands": _commands(model_admin, vehicle)} if may_view(VehicleCommand) else {}),
        **(_charts(vehicle, period) if may_view(VehicleReading) else {}),
        "lists": [
            List(label, model_admin.search_url(model, vehicle.smartcar_vehicle_id))
            for model, label in LISTS
            if may_view(model)
        ],
    }


def _obstacle(vehicle: ConnectedVehicle, action: str) -> str:
    if not vehicle.is_connected:
        return str(_("The car is disconnected."))
    if action in NEEDS and not vehicle.can(NEEDS[action]):
        return str(_("The driver has not permitted this."))
    return ""


def _signals(vehicle: ConnectedVehicle) -> dict[str, Any]:
    """Return the latest states of the signals that operators may see, and the names of those without any.

    An error is a state, too.
    """
    rows = signals.without_private(vehicle.signal_states.all())
    states = sorted((row.current() for row in rows), key=lambda state: state.label)
    is_told = [state.has_value or state.status == VehicleSignal.Status.ERROR for state in states]
    silent: dict[str, list[str]] = {}
    for state in itertools.compress(states, map(operator.not_, is_told)):
        silent.setdefault(state.get_status_display(), []).append(state.label)
    return {
        "signals": [_signal(vehicle, state) for state in itertools.compress(states, is_told)],
        "silent": [(status, ", ".join(labels)) for status, labels in silent.items()],
    }


def _signal(vehicle: ConnectedVehicle, state: VehicleSignal) -> SignalRow:
    is_shared = signals.is_shared(vehicle, state.signal)
    return SignalRow(
        display.icon_tag(signals.icon_of(state.signal)),
        state.label,
        display.value(state, vehicle.unit_system) if is_shared else str(_("not shared")),
        "" if state.status == VehicleSignal.Status.OK else _why(state),
        display.ago(state.at),
    )


def _why(state: VehicleSignal) -> Any:
    """Return the status of a signal, and what went wrong when it was last read."""
    pill = display.state_pill(state.status, state.get_status_display())
    reason = display.problem(state.error_type, state.error_code) if state.error_type else ""
    return format_html("{} {}", pill, reason)


def _problems(vehicle: ConnectedVehicle) -> list[tuple[str, Any]]:
    rows = vehicle.problems.filter(resolved_at=None).order_by("-opened_at")
    return [(display.problem(row.type, row.code), display.ago(row.opened_at)) for row in rows]


def _commands(model_admin: Any, vehicle: ConnectedVehicle) -> list[CommandRow]:
    commands = VehicleCommand.objects.filter(vehicle=vehicle).select_related("actor")[:COMMANDS]
    return [
        CommandRow(
            model_admin.link(command, capfirst(command.get_action_display())),
            display.state_pill(command.status, command.get_status_display()),
            model_admin.link(command.actor),
            display.ago(command.created_at),
            display.problem(command.error_type, command.error_code) if command.error_type else "",
        )
        for command in commands
    ]


def _charts(vehicle: ConnectedVehicle, period: str) -> dict[str, Any]:
    """Return the charts of what the driver shares. No signal with a chart says where the car is."""
    name = charts.period_named(period)
    return {
        "charts": charts.charts_of(vehicle, charts.PERIODS[name]),
        "period": name,
        "periods": charts.PERIODS,
    }
