"""The pages of a user's own vehicles: list, commands, refresh and disconnect."""

import logging
from collections.abc import Callable, Mapping
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.db import router
from django.db.models import Prefetch
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters, sensitive_variables
from django.views.decorators.http import require_http_methods, require_safe

from ..databases import outside_transactions, primary
from ..exceptions import CommandInvalid, SmartcarAppError, SmartcarException, help_url, user_message
from ..models import ConnectedVehicle, VehicleCommand
from ..secret_types import Coordinate, Secret
from ..services import commands, vehicles
from . import presenters
from .decorators import post_required

logger = logging.getLogger(__name__)

VEHICLES_PER_PAGE = 20


@require_safe
@never_cache
@login_required
def vehicle_list(request: HttpRequest) -> HttpResponse:
    """List the user's connected vehicles with their latest readings, in pages: ``?page=2``."""
    latest = VehicleCommand.objects.using(router.db_for_read(VehicleCommand))
    connected = (
        ConnectedVehicle.objects.for_user(request.user)
        .connected()
        .select_related("account")
        .prefetch_related(
            # Django looks at the features of "default" if a sliced queryset names no database.
            Prefetch("commands", latest.order_by("-pk")[:1], to_attr="latest_commands"),
            "signal_states",
        )
        .order_by("pk")
    )
    page = Paginator(connected, VEHICLES_PER_PAGE).get_page(request.GET.get("page"))
    for vehicle in page.object_list:
        presenter = presenters.VehiclePresenter(vehicle)
        vehicle.display_rows, vehicle.explanations = presenter.display_rows(), presenter.explanations()
        vehicle.not_shared = presenters.not_shared(vehicle)
    context = {
        "vehicles": page,
        "page_numbers": list(page.paginator.get_elided_page_range(page.number)),
        "page_query": f"?page={page.number}" if page.number > 1 else "",
    }
    return render(request, "smartcar/vehicle_list.html", context)


@post_required
@login_required
@outside_transactions
def lock(request: HttpRequest, pk: int) -> HttpResponse:
    vehicle = own_vehicle(request, pk)
    return _run(
        request, vehicle, _("%s is locked."), lambda: commands.send(vehicle, "lock", actor=request.user)
    )


@post_required
@login_required
@outside_transactions
def unlock(request: HttpRequest, pk: int) -> HttpResponse:
    vehicle = own_vehicle(request, pk)
    return _run(
        request, vehicle, _("%s is unlocked."), lambda: commands.send(vehicle, "unlock", actor=request.user)
    )


#: The other commands of the page: the message after success, and how each form field is parsed.
FORM_COMMANDS: dict[str, tuple[Any, dict[str, Callable[[str], float]]]] = {
    "start_charge": (gettext_lazy("%s starts charging."), {}),
    "stop_charge": (gettext_lazy("%s stops charging."), {}),
    "set_charge_limit": (
        gettext_lazy("%s has a new charge limit."),
        {"limit": lambda percent: float(percent) * 0.01},
    ),
    "open_charge_port": (gettext_lazy("%s opens its charge port."), {}),
    "close_charge_port": (gettext_lazy("%s closes its charge port."), {}),
    "send_destination": (
        gettext_lazy("The destination was sent to %s."),
        {"latitude": Coordinate, "longitude": Coordinate},
    ),
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
    done, fields = FORM_COMMANDS[action]

    def send() -> None:
        parameters: dict[str, Any] = _numbers(form, fields)
        commands.send(vehicle, action, actor=request.user, **parameters)

    return _run(request, vehicle, str(done), send)


@post_required
@login_required
@outside_transactions
def refresh(request: HttpRequest, pk: int) -> HttpResponse:
    vehicle = own_vehicle(request, pk)
    return _run(request, vehicle, _("%s is up to date."), lambda: vehicles.refresh_readings(vehicle))


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
@outside_transactions
def disconnect(request: HttpRequest, pk: int) -> HttpResponse:
    """Ask for confirmation (GET), or disconnect the vehicle (POST)."""
    vehicle = own_vehicle(request, pk)
    if request.method != "POST":
        context = {"vehicle": vehicle, "page_query": _page_query(request)}
        return render(request, "smartcar/vehicle_disconnect.html", context)
    return _run(
        request,
        vehicle,
        _("%s is disconnected."),
        lambda: vehicles.disconnect(vehicle, actor=request.user),
    )


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


def _run(request: HttpRequest, vehicle: ConnectedVehicle, done: str, act: Callable[[], Any]) -> HttpResponse:
    """Call ``act``, show how it went and redirect to the page of the list that the form was on."""
    try:
        act()
    except (SmartcarException, SmartcarAppError) as error:
        logger.info("vehicle %s: %s", vehicle.pk, type(error).__name__)
        link = help_url(error)
        help_link = format_html(' <a href="{}">{}</a>', link, _("What to do")) if link else ""
        text = format_html("{}: {}{}", vehicle.name, user_message(error), help_link)
        messages.error(request, text, fail_silently=True)
    else:
        messages.success(request, done % vehicle.name, fail_silently=True)
    return redirect(reverse("smartcar:vehicles") + _page_query(request))


def _page_query(request: HttpRequest) -> str:
    """Return the query string of the page of the list that a form or a link was on; empty on the first."""
    number = request.GET.get("page", "")
    return f"?page={number}" if number.isdecimal() else ""
