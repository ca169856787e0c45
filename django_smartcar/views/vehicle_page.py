"""The page of one vehicle: everything it told, its commands, its history as charts, and what is shared."""

from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from .. import charts
from ..conf import conf
from ..databases import outside_transactions
from ..models import ConnectedVehicle
from ..services import commands
from ..services.command_specs import COMMANDS
from . import command_sentences, page_messages, presenters
from .vehicle_states import COMMANDS_LISTED, add_state, add_values, read_new, with_state


@require_safe
@never_cache
@login_required
@outside_transactions
def vehicle_page(request: HttpRequest, pk: int) -> HttpResponse:
    """Show one of the user's connected vehicles, with its history over ``?period=day`` to ``year``."""
    own = ConnectedVehicle.objects.for_user(request.user).connected()
    vehicle: Any = get_object_or_404(with_state(own, COMMANDS_LISTED), pk=pk)
    name = charts.period_named(request.GET.get("period", ""))
    add_state(vehicle, reverse("smartcar:vehicle", args=[vehicle.pk]))
    read_new(request.user, [vehicle])
    add_values(vehicle)
    vehicle.history = command_sentences.of_all(vehicle.latest_commands)
    if vehicle.followed is not None:
        commands.expire_pending()
    context = {
        "vehicle": vehicle,
        "shared": presenters.shared(vehicle),
        "not_shared": presenters.not_shared(vehicle),
        "has_charging": any(COMMANDS[action].scope == "control_charge" for action in vehicle.offered),
        "map_tiles": conf.SMARTCAR_MAP_TILES,
        "has_search": bool(conf.SMARTCAR_GEOCODER),
        "charts": charts.charts_of(vehicle, charts.PERIODS[name]),
        "period": name,
        "periods": charts.PERIODS,
        "messages": page_messages.take(request, [vehicle]),
    }
    return render(request, "smartcar/vehicle_detail.html", context)
