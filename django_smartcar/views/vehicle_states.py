"""What the pages show of vehicles: cards, values and commands, with the fragments that keep them new."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from typing import Any

from django.contrib.auth.decorators import login_required
from django.core.paginator import Page, Paginator
from django.db.models import Exists, OuterRef, Prefetch, Q, QuerySet
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from ..databases import outside_transactions, primary
from ..models import ConnectedVehicle, VehicleCommand
from ..querysets import ConnectedVehicleQuerySet
from ..services import commands
from . import command_sentences, first_reads, presenters
from .cards import Card
from .next_url import safe_next

VEHICLES_PER_PAGE = 20
#: How many commands the page of a vehicle lists.
COMMANDS_LISTED = 10
#: How long the page still shows a car that the driver has disconnected.
DISCONNECTED_SHOWN = timedelta(minutes=5)


def listed(user: Any) -> ConnectedVehicleQuerySet:
    """Return the user's connected vehicles, and those that the user disconnected a moment ago."""
    ended = VehicleCommand.objects.filter(
        vehicle_id=OuterRef("pk"),
        action="disconnect",
        status=VehicleCommand.Status.SUCCEEDED,
        finished_at__gte=timezone.now() - DISCONNECTED_SHOWN,
    )
    own = ConnectedVehicle.objects.for_user(user).order_by("pk")
    return own.filter(Q(disconnected_at=None) | Q(Exists(ended), disconnected_at__isnull=False))


def page_of(request: HttpRequest) -> Page:
    """Return the page of the user's vehicles that ``?page=2`` asks for, each with its state."""
    page = Paginator(with_state(listed(request.user)), VEHICLES_PER_PAGE).get_page(request.GET.get("page"))
    for vehicle in page.object_list:
        add_state(vehicle)
    return page


def with_state(vehicles: ConnectedVehicleQuerySet, number_of_commands: int = 2) -> ConnectedVehicleQuerySet:
    """Prefetch what `add_state` needs, and so many of the last commands."""
    latest = Prefetch("commands", _commands().order_by("-pk")[:number_of_commands], to_attr="latest_commands")
    refusals = Prefetch("commands", commands.refusals(), to_attr="refused_commands")
    return vehicles.select_related("account__smartcar_user").prefetch_related(
        latest, refusals, "signal_states"
    )


def add_state(vehicle: Any, next_url: str = "") -> None:
    """Set what a card shows: gauges, states, commands, and which command is followed until it is finished.

    ``offered`` are the commands that have a button.

    The vehicle's buttons lead back to ``next_url``; to the list of vehicles without one.
    """
    vehicle.offered = commands.offered(vehicle, vehicle.refused_commands)
    vehicle.card = Card(vehicle)
    vehicle.shown_commands = command_sentences.of_latest(vehicle.latest_commands)
    vehicle.followed = next(
        (shown.command for shown in vehicle.shown_commands if not shown.command.is_finished), None
    )
    vehicle.awaits_first_read = vehicle.followed is None and first_reads.is_awaited(vehicle)
    vehicle.next_url = next_url


def read_new(user: Any, vehicles: Iterable[Any]) -> None:
    """Read those of the user's vehicles that have just been connected and could not be read so far."""
    new = {vehicle.pk: vehicle for vehicle in vehicles if vehicle.awaits_first_read}
    for pk, command in first_reads.begin(user, new.values()).items():
        vehicle = new[pk]
        vehicle.latest_commands.insert(0, command)
        add_state(vehicle, vehicle.next_url)


def add_values(vehicle: Any) -> None:
    """Set what the vehicle's page shows besides: all values, and why some are missing."""
    presenter = presenters.VehiclePresenter(vehicle) if vehicle.is_connected else None
    vehicle.display_rows = presenter.display_rows() if presenter else []
    vehicle.place = next((row.place for row in vehicle.display_rows if row.place), None)
    vehicle.explanations = presenter.explanations() if presenter else []


@require_safe
@never_cache
@login_required
@outside_transactions
def vehicle_states(request: HttpRequest) -> HttpResponse:
    """Return the states of the vehicles on a page of the list as a fragment of HTML, for its script."""
    return render(request, "smartcar/vehicle_states.html", {"vehicles": page_of(request)})


@require_safe
@never_cache
@login_required
@outside_transactions
def vehicle_state(request: HttpRequest, pk: int) -> HttpResponse:
    """Return the state of the user's vehicle as a fragment of HTML, for the script of its page."""
    own = with_state(ConnectedVehicle.objects.for_user(request.user).connected(), COMMANDS_LISTED)
    vehicle = get_object_or_404(own, pk=pk)
    add_state(vehicle, safe_next(request, request.GET))
    read_new(request.user, [vehicle])
    add_values(vehicle)
    vehicle.history = command_sentences.of_all(vehicle.latest_commands)
    return render(request, "smartcar/vehicle_state.html", {"vehicle": vehicle})


@require_safe
@never_cache
@login_required
@outside_transactions
def command_state(request: HttpRequest, pk: int, command_pk: int) -> HttpResponse:
    """Return the state of the command's vehicle as a fragment of HTML, for the page's script."""
    command = _own_command(request, pk, command_pk)
    own = with_state(ConnectedVehicle.objects.for_user(request.user))
    vehicle = get_object_or_404(own, pk=command.vehicle_id)
    add_state(vehicle, safe_next(request, request.GET))
    add_values(vehicle)
    return render(request, "smartcar/vehicle_state.html", {"vehicle": vehicle})


@require_safe
@never_cache
@login_required
@outside_transactions
def command_json(request: HttpRequest, pk: int, command_pk: int) -> HttpResponse:
    """Return a command of the user's vehicle as JSON."""
    command = _own_command(request, pk, command_pk)
    names = ("id", "action", "status", "is_finished", "created_at", "sent_at", "finished_at")
    return JsonResponse(
        {**{name: getattr(command, name) for name in names}, "text": command_sentences.sentence(command)}
    )


def _own_command(request: HttpRequest, pk: int, command_pk: int) -> VehicleCommand:
    """Return a command of the user's vehicle, or raise Http404. What its process left behind is decided."""
    vehicles = primary(ConnectedVehicle).for_user(request.user)
    own = _commands().filter(vehicle_id=pk, vehicle__in=vehicles)
    command: VehicleCommand = get_object_or_404(own, pk=command_pk)
    if not command.is_finished:
        commands.expire_pending()
        command = get_object_or_404(own, pk=command_pk)  # its user may have been erased meanwhile
    return command


def _commands() -> QuerySet[VehicleCommand]:
    """Return all commands, from the writer: a replica may not have yet what the user has just asked for."""
    found: QuerySet[VehicleCommand] = primary(VehicleCommand)
    return found
