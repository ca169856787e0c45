"""Your cars: what their owner, and nobody else, sees and does."""

import logging
from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db import transaction
from django.db.models import Prefetch
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from ..exceptions import SmartcarAppError, SmartcarException, advice
from ..models import ConnectedVehicle, VehicleCommand
from ..services import commands, vehicles
from .posting import only_by_post

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
            Prefetch("commands", VehicleCommand.objects.order_by("-pk")[:1], to_attr="latest_commands")
        )
        .order_by("pk")
    )
    return render(request, "smartcar/vehicle_list.html", {"vehicles": cars})


@only_by_post
@login_required
@transaction.non_atomic_requests
def lock(request: HttpRequest, pk: int) -> HttpResponse:
    vehicle = own_vehicle(request, pk)
    return _report(
        request, vehicle, _("%s is locked."), lambda: commands.send(vehicle, "lock", actor=request.user)
    )


@only_by_post
@login_required
@transaction.non_atomic_requests
def unlock(request: HttpRequest, pk: int) -> HttpResponse:
    vehicle = own_vehicle(request, pk)
    return _report(
        request, vehicle, _("%s is unlocked."), lambda: commands.send(vehicle, "unlock", actor=request.user)
    )


@only_by_post
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


def _report(
    request: HttpRequest, vehicle: ConnectedVehicle, done: str, act: Callable[[], Any]
) -> HttpResponse:
    """Do it, tell how it went, go back to the list."""
    try:
        act()
    except (SmartcarException, SmartcarAppError) as error:
        logger.info("vehicle %s: %s", vehicle.pk, type(error).__name__)
        messages.error(request, f"{vehicle.name}: {advice(error)}")
    else:
        messages.success(request, done % vehicle.name)
    return redirect("smartcar:vehicles")
