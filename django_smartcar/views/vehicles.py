"""The pages of a user's own vehicles: list, commands, refresh and disconnect. None waits for a car."""

import logging
from collections.abc import Callable, Iterable, Mapping
from datetime import timedelta
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.db.models import Exists, OuterRef, Prefetch, Q, QuerySet
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters, sensitive_variables
from django.views.decorators.http import require_http_methods, require_safe

from ..databases import outside_transactions, primary, reload
from ..exceptions import CommandInvalid, SmartcarAppError, SmartcarException, help_url, user_message
from ..models import ConnectedVehicle, VehicleCommand
from ..querysets import ConnectedVehicleQuerySet
from ..secret_types import Coordinate, Secret
from ..services import commands, throttling
from . import command_sentences, presenters
from .decorators import post_required

logger = logging.getLogger(__name__)

VEHICLES_PER_PAGE = 20

#: How long the page still shows a car that the driver has disconnected.
DISCONNECTED_SHOWN = timedelta(minutes=5)


@require_safe
@never_cache
@login_required
@outside_transactions
def vehicle_list(request: HttpRequest) -> HttpResponse:
    """List the user's connected vehicles with their latest readings, in pages: ``?page=2``."""
    page = Paginator(with_state(_listed(request.user)), VEHICLES_PER_PAGE).get_page(request.GET.get("page"))
    notices, others = _notices(request, page.object_list)
    for vehicle in page.object_list:
        add_state(vehicle)
        vehicle.notices = notices.get(vehicle.pk, [])
        vehicle.not_shared = presenters.not_shared(vehicle)
    followed = next((vehicle for vehicle in page.object_list if vehicle.followed), None)
    if followed is not None:
        commands.expire_pending()
    context = {
        "vehicles": page,
        "page_numbers": list(page.paginator.get_elided_page_range(page.number)),
        "followed": followed,
        "messages": others,
    }
    return render(request, "smartcar/vehicle_list.html", context)


@require_safe
@never_cache
@login_required
@outside_transactions
def command_state(request: HttpRequest, pk: int, command_pk: int) -> HttpResponse:
    """Return what the page shows of the command's car as a fragment of HTML, for the page's script."""
    command = _own_command(request, pk, command_pk)
    own = with_state(ConnectedVehicle.objects.for_user(request.user))
    vehicle = get_object_or_404(own, pk=command.vehicle_id)
    add_state(vehicle)
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
        reload(command)
    return command


def _commands() -> QuerySet[VehicleCommand]:
    """Return all commands, from the writer: a replica may not have yet what the user has just asked for."""
    found: QuerySet[VehicleCommand] = primary(VehicleCommand)
    return found


def _listed(user: Any) -> ConnectedVehicleQuerySet:
    """Return the user's connected vehicles, and those that the user disconnected a moment ago."""
    ended = VehicleCommand.objects.filter(
        vehicle_id=OuterRef("pk"),
        action="disconnect",
        status=VehicleCommand.Status.SUCCEEDED,
        finished_at__gte=timezone.now() - DISCONNECTED_SHOWN,
    )
    own = ConnectedVehicle.objects.for_user(user).order_by("pk")
    return own.filter(Q(disconnected_at=None) | Q(Exists(ended), disconnected_at__isnull=False))


def with_state(vehicles: ConnectedVehicleQuerySet) -> ConnectedVehicleQuerySet:
    """Prefetch what `add_state` needs."""
    latest = Prefetch("commands", _commands().order_by("-pk")[:2], to_attr="latest_commands")
    return vehicles.select_related("account").prefetch_related(latest, "signal_states")


def add_state(vehicle: Any) -> None:
    """Set what the templates show: readings, commands, and which command is followed until it is finished."""
    presenter = presenters.VehiclePresenter(vehicle) if vehicle.is_connected else None
    vehicle.display_rows = presenter.display_rows() if presenter else []
    vehicle.explanations = presenter.explanations() if presenter else []
    vehicle.shown_commands = command_sentences.of_latest(vehicle.latest_commands)
    vehicle.followed = next(
        (shown.command for shown in vehicle.shown_commands if not shown.command.is_finished), None
    )


def _notices(request: HttpRequest, vehicles: Iterable[Any]) -> tuple[dict[int, list[Any]], list[Any]]:
    """Return the messages about each of these vehicles, by their keys, and all other messages."""
    tags = {_tag(vehicle): vehicle.pk for vehicle in vehicles}
    notices: dict[int, list[Any]] = {}
    others = []
    for message in messages.get_messages(request):
        if message.extra_tags in tags:
            notices.setdefault(tags[message.extra_tags], []).append(message)
        else:
            others.append(message)
    return notices, others


def _tag(vehicle: ConnectedVehicle) -> str:
    return f"vehicle-{vehicle.pk}"


@post_required
@login_required
@outside_transactions
def lock(request: HttpRequest, pk: int) -> HttpResponse:
    return _enqueue(request, own_vehicle(request, pk), "lock")


@post_required
@login_required
@outside_transactions
def unlock(request: HttpRequest, pk: int) -> HttpResponse:
    return _enqueue(request, own_vehicle(request, pk), "unlock")


#: The other commands of the page: how each form field is parsed.
FORM_COMMANDS: dict[str, dict[str, Callable[[str], float]]] = {
    "start_charge": {},
    "stop_charge": {},
    "set_charge_limit": {"limit": lambda percent: float(percent) * 0.01},
    "open_charge_port": {},
    "close_charge_port": {},
    "send_destination": {"latitude": Coordinate, "longitude": Coordinate},
}


@post_required
@login_required
@outside_transactions
@sensitive_post_parameters("latitude", "longitude")
@sensitive_variables()
def send_command(request: HttpRequest, pk: int, action: str) -> HttpResponse:
    form = _take_form(request)
    vehicle = own_vehicle(request, pk)
    if action not in FORM_COMMANDS:
        raise Http404
    return _enqueue(request, vehicle, action, lambda: _numbers(form, FORM_COMMANDS[action]))


@post_required
@login_required
@outside_transactions
def refresh(request: HttpRequest, pk: int) -> HttpResponse:
    return _enqueue(request, own_vehicle(request, pk), "refresh")


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
@outside_transactions
def disconnect(request: HttpRequest, pk: int) -> HttpResponse:
    """Ask for confirmation (GET), or disconnect the vehicle (POST)."""
    vehicle = own_vehicle(request, pk)
    if request.method != "POST":
        context = {"vehicle": vehicle, "list_url": _list_url(request, vehicle)}
        return render(request, "smartcar/vehicle_disconnect.html", context)
    return _enqueue(request, vehicle, "disconnect")


def own_vehicle(request: HttpRequest, pk: int) -> ConnectedVehicle:
    """Return a connected vehicle of the user, or raise Http404."""
    connected = primary(ConnectedVehicle).for_user(request.user).connected()
    vehicle: ConnectedVehicle = get_object_or_404(connected.select_related("account__smartcar_user"), pk=pk)
    return vehicle


def _take_form(request: HttpRequest) -> dict[str, Secret]:
    """Return the form, and remove it from the request: error reports include what was posted."""
    form = {name: Secret(request.POST[name]) for name in request.POST}
    request.POST = QueryDict()  # type: ignore[assignment]
    return form


def _numbers(form: Mapping[str, str], fields: dict[str, Callable[[str], float]]) -> dict[str, float]:
    try:
        return {name: parse(form[name]) for name, parse in fields.items()}
    except (KeyError, ValueError):
        raise CommandInvalid(_("Please fill in numbers.")) from None


def _enqueue(
    request: HttpRequest,
    vehicle: ConnectedVehicle,
    action: str,
    parameters: Callable[[], Mapping[str, Any]] = dict,
) -> HttpResponse:
    """Queue the command, or say why not, and redirect to the vehicle on its page of the list."""
    try:
        if action != "disconnect":
            throttling.check(request.user, "refresh" if action == "refresh" else "command")
        commands.enqueue(vehicle, action, actor=request.user, **parameters())
    except (SmartcarException, SmartcarAppError) as error:
        logger.info("vehicle %s: %s", vehicle.pk, type(error).__name__)
        link = help_url(error)
        help_link = format_html(' <a href="{}">{}</a>', link, _("What to do")) if link else ""
        text = format_html("{}: {}{}", vehicle.name, user_message(error), help_link)
        messages.error(request, text, extra_tags=_tag(vehicle), fail_silently=True)
    return redirect(_list_url(request, vehicle))


def _list_url(request: HttpRequest, vehicle: ConnectedVehicle) -> str:
    """Return the URL of the vehicle in the list, on its page."""
    number = _listed(request.user).filter(pk__lt=vehicle.pk).count() // VEHICLES_PER_PAGE + 1
    page = f"?page={number}" if number > 1 else ""
    return f"{reverse('smartcar:vehicles')}{page}#vehicle-{vehicle.pk}"
