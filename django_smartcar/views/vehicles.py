"""The pages of a user's own vehicles: list, commands, refresh and disconnect. None waits for a car."""

import logging
from collections.abc import Callable, Mapping
from datetime import time
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters, sensitive_variables
from django.views.decorators.http import require_http_methods, require_safe

from ..databases import outside_transactions, primary
from ..exceptions import CommandInvalid, SmartcarAppError, SmartcarException, help_url, user_message
from ..models import ConnectedVehicle
from ..secret_types import Coordinate, Secret
from ..services import commands, throttling
from . import page_messages, vehicle_states
from .decorators import post_required
from .next_url import safe_next

logger = logging.getLogger(__name__)


@require_safe
@never_cache
@login_required
@outside_transactions
def vehicle_list(request: HttpRequest) -> HttpResponse:
    """List the user's connected vehicles as cards, in pages: ``?page=2``."""
    page = vehicle_states.page_of(request)
    vehicle_states.read_new(request.user, page.object_list)
    followed = next(
        (vehicle for vehicle in page.object_list if vehicle.followed or vehicle.awaits_first_read), None
    )
    if followed is not None:
        commands.expire_pending()
    context = {
        "vehicles": page,
        "page_numbers": list(page.paginator.get_elided_page_range(page.number)),
        "followed": followed,
        "messages": page_messages.take(request, page.object_list),
    }
    return render(request, "smartcar/vehicle_list.html", context)


@post_required
@login_required
@outside_transactions
def lock(request: HttpRequest, pk: int) -> HttpResponse:
    """Lock the vehicle."""
    return _enqueue(request, own_vehicle(request, pk), "lock")


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@login_required
@outside_transactions
def unlock(request: HttpRequest, pk: int) -> HttpResponse:
    """Ask for confirmation (GET), or unlock the vehicle (POST)."""
    vehicle = own_vehicle(request, pk)
    if request.method == "POST":
        return _enqueue(request, vehicle, "unlock")
    next_url = safe_next(request, request.GET)
    context = {"vehicle": vehicle, "next": next_url, "back_url": next_url or _list_url(request, vehicle)}
    return render(request, "smartcar/vehicle_unlock.html", context)


def _time(text: str) -> str:
    return time.fromisoformat(text).strftime("%H:%M")


#: The other commands of the page: how each form field is parsed.
FORM_COMMANDS: dict[str, dict[str, Callable[[str], Any]]] = {
    "start_charge": {},
    "stop_charge": {},
    "set_charge_limit": {"limit": lambda percent: float(percent) * 0.01},
    "open_charge_port": {},
    "close_charge_port": {},
    "send_destination": {"latitude": Coordinate, "longitude": Coordinate},
    "set_daily_charge_schedule": {"start": _time, "stop": _time},
}


@post_required
@login_required
@outside_transactions
@sensitive_post_parameters("latitude", "longitude")
@sensitive_variables()
def send_command(request: HttpRequest, pk: int, action: str) -> HttpResponse:
    """Send another command; the parameters are POST fields. An unknown one is a 404."""
    form = take_form(request)
    vehicle = own_vehicle(request, pk)
    if action not in FORM_COMMANDS:
        raise Http404
    next_url = safe_next(request, {"next": form.get("next", Secret()).reveal()})
    return _enqueue(request, vehicle, action, lambda: _parameters(vehicle, action, form), next_url)


@post_required
@login_required
@outside_transactions
def refresh(request: HttpRequest, pk: int) -> HttpResponse:
    """Read the vehicle's signals from Smartcar again."""
    return _enqueue(request, own_vehicle(request, pk), "refresh")


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@login_required
@outside_transactions
def disconnect(request: HttpRequest, pk: int) -> HttpResponse:
    """Ask for confirmation (GET), or disconnect the vehicle (POST)."""
    vehicle = own_vehicle(request, pk)
    if request.method != "POST":
        back_url = safe_next(request, request.GET) or _list_url(request, vehicle)
        context = {"vehicle": vehicle, "back_url": back_url}
        return render(request, "smartcar/vehicle_disconnect.html", context)
    return _enqueue(request, vehicle, "disconnect")


def own_vehicle(request: HttpRequest, pk: int) -> ConnectedVehicle:
    """Return a connected vehicle of the user, or raise Http404."""
    connected = primary(ConnectedVehicle).for_user(request.user).connected()
    vehicle: ConnectedVehicle = get_object_or_404(connected.select_related("account__smartcar_user"), pk=pk)
    return vehicle


def take_form(request: HttpRequest) -> dict[str, Secret]:
    """Return the form, and remove it from the request: error reports include what was posted."""
    form = {name: Secret(request.POST[name]) for name in request.POST}
    request.POST = QueryDict()  # type: ignore[assignment]
    return form


def _parameters(vehicle: ConnectedVehicle, action: str, form: Mapping[str, str]) -> dict[str, Any]:
    """Return the parameters of a command. The car is charged at certain times where it is now."""
    is_schedule = action == "set_daily_charge_schedule"
    try:
        fields = {name: parse(form[name]) for name, parse in FORM_COMMANDS[action].items()}
    except (KeyError, ValueError):
        hint = _("Please fill in times, such as 22:00.") if is_schedule else _("Please fill in numbers.")
        raise CommandInvalid(hint) from None
    if not is_schedule:
        return fields
    location = vehicle.signals.get("location")
    if location is None or not location.has_value or not vehicle.can("read_location"):
        raise CommandInvalid(_("This site does not know where the car is."))
    return {name: location.value[name] for name in ("latitude", "longitude")} | {"window": fields}


def _enqueue(
    request: HttpRequest,
    vehicle: ConnectedVehicle,
    action: str,
    parameters: Callable[[], Mapping[str, Any]] = dict,
    next_url: str = "",
) -> HttpResponse:
    """Queue the command, or say why not, and redirect to the form's ``next`` or the vehicle in the list."""
    try:
        if action != "disconnect":
            throttling.check(request.user, "refresh" if action == "refresh" else "command")
        commands.enqueue(vehicle, action, actor=request.user, **parameters())
    except (SmartcarException, SmartcarAppError) as error:
        logger.info("vehicle %s: %s", vehicle.pk, type(error).__name__)
        link = help_url(error)
        help_link = format_html(' <a href="{}">{}</a>', link, _("What to do")) if link else ""
        text = format_html("{}: {}{}", vehicle.name, user_message(error), help_link)
        messages.error(request, text, extra_tags=page_messages.tag_of(vehicle), fail_silently=True)
    return redirect(next_url or safe_next(request, request.POST) or _list_url(request, vehicle))


def _list_url(request: HttpRequest, vehicle: ConnectedVehicle) -> str:
    """Return the URL of the vehicle in the list, on its page."""
    before = vehicle_states.listed(request.user).filter(pk__lt=vehicle.pk).count()
    number = before // vehicle_states.VEHICLES_PER_PAGE + 1
    page = f"?page={number}" if number > 1 else ""
    return f"{reverse('smartcar:vehicles')}{page}#vehicle-{vehicle.pk}"
