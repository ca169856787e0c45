"""Your cars: what their owner, and nobody else, sees and does."""

import logging
from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db import transaction
from django.db.models import Prefetch
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters, sensitive_variables
from django.views.decorators.http import require_http_methods, require_safe

from ..exceptions import CommandInvalid, SmartcarAppError, SmartcarException, help_url, user_message
from ..models import ConnectedVehicle, VehicleCommand, VehicleReading
from ..services import commands, vehicles
from . import presenters
from .decorators import post_required

logger = logging.getLogger(__name__)


@require_safe
@never_cache
@login_required
def vehicle_list(request: HttpRequest) -> HttpResponse:
    """The user's connected cars, with what is known of them."""
    cars = (
        ConnectedVehicle.objects.for_user(request.user)
        .connected()
        .select_related("account")
        .prefetch_related(
            Prefetch("commands", VehicleCommand.objects.order_by("-pk")[:1], to_attr="latest_commands"),
            Prefetch("readings", VehicleReading.objects.latest_only(), to_attr="latest_readings"),
        )
        .order_by("pk")
    )
    for car in cars:
        car.shown, car.not_shared = presenters.VehiclePresenter(car).lines(), presenters.not_shared(car)
    return render(request, "smartcar/vehicle_list.html", {"vehicles": cars})


@post_required
@login_required
@transaction.non_atomic_requests
def lock(request: HttpRequest, pk: int) -> HttpResponse:
    vehicle = own_vehicle(request, pk)
    return _report(
        request, vehicle, _("%s is locked."), lambda: commands.send(vehicle, "lock", actor=request.user)
    )


@post_required
@login_required
@transaction.non_atomic_requests
def unlock(request: HttpRequest, pk: int) -> HttpResponse:
    vehicle = own_vehicle(request, pk)
    return _report(
        request, vehicle, _("%s is unlocked."), lambda: commands.send(vehicle, "unlock", actor=request.user)
    )


#: What the page can tell a car besides: what is said once it is done, and what one of each field is worth.
FORM_COMMANDS: dict[str, tuple[Any, dict[str, float]]] = {
    "start_charge": (_lazy("%s was told to charge."), {}),
    "stop_charge": (_lazy("%s was told to stop charging."), {}),
    "set_charge_limit": (_lazy("%s has its new charge limit."), {"limit": 0.01}),
    "open_charge_port": (_lazy("%s was told to open its charge port."), {}),
    "close_charge_port": (_lazy("%s was told to close its charge port."), {}),
    "send_destination": (_lazy("%s has its destination."), {"latitude": 1, "longitude": 1}),
}


@post_required
@login_required
@transaction.non_atomic_requests
@sensitive_post_parameters("latitude", "longitude")
@sensitive_variables()
def tell(request: HttpRequest, pk: int, action: str) -> HttpResponse:
    vehicle = own_vehicle(request, pk)
    if action not in FORM_COMMANDS:
        raise Http404
    done, fields = FORM_COMMANDS[action]

    @sensitive_variables()
    def send() -> None:
        parameters: dict[str, Any] = _numbers(request, fields)
        commands.send(vehicle, action, actor=request.user, **parameters)

    return _report(request, vehicle, str(done), send)


@post_required
@login_required
@transaction.non_atomic_requests
def refresh(request: HttpRequest, pk: int) -> HttpResponse:
    vehicle = own_vehicle(request, pk)
    return _report(request, vehicle, _("%s is up to date."), lambda: vehicles.refresh_readings(vehicle))


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
@transaction.non_atomic_requests
def disconnect(request: HttpRequest, pk: int) -> HttpResponse:
    """A page that asks (GET), and the deed (POST)."""
    vehicle = own_vehicle(request, pk)
    if request.method != "POST":
        return render(request, "smartcar/vehicle_disconnect.html", {"vehicle": vehicle})
    return _report(
        request,
        vehicle,
        _("%s is disconnected."),
        lambda: vehicles.disconnect(vehicle, actor=request.user),
    )


def own_vehicle(request: HttpRequest, pk: int) -> ConnectedVehicle:
    """The user's own connected car; another driver's is a 404."""
    own = ConnectedVehicle.objects.for_user(request.user).connected()
    vehicle: ConnectedVehicle = get_object_or_404(own.select_related("account__smartcar_user"), pk=pk)
    return vehicle


@sensitive_variables()
def _numbers(request: HttpRequest, fields: dict[str, float]) -> dict[str, float]:
    try:
        return {name: float(request.POST[name]) * worth for name, worth in fields.items()}
    except (KeyError, ValueError):
        raise CommandInvalid(_("Please fill in numbers.")) from None


def _report(
    request: HttpRequest, vehicle: ConnectedVehicle, done: str, act: Callable[[], Any]
) -> HttpResponse:
    """Do it, tell how it went, go back to the list."""
    try:
        act()
    except (SmartcarException, SmartcarAppError) as error:
        logger.info("vehicle %s: %s", vehicle.pk, type(error).__name__)
        link = help_url(error)
        more = format_html(' <a href="{}">{}</a>', link, _("What to do")) if link else ""
        messages.error(request, format_html("{}: {}{}", vehicle.name, user_message(error), more))
    else:
        messages.success(request, done % vehicle.name)
    return redirect("smartcar:vehicles")
