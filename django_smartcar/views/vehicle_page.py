"""The page of one vehicle: its history as charts."""

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from ..models import ConnectedVehicle
from . import charts

#: The period that is shown without a choice.
DEFAULT_PERIOD = "week"


@require_safe
@never_cache
@login_required
def vehicle_page(request: HttpRequest, pk: int) -> HttpResponse:
    """Show one of the user's connected vehicles, with its history over ``?period=day`` to ``year``."""
    connected = ConnectedVehicle.objects.for_user(request.user).connected().select_related("account")
    vehicle = get_object_or_404(connected.prefetch_related("signal_states"), pk=pk)
    name = request.GET.get("period", DEFAULT_PERIOD)
    name = name if name in charts.PERIODS else DEFAULT_PERIOD
    context = {
        "vehicle": vehicle,
        "charts": charts.charts_of(vehicle, charts.PERIODS[name]),
        "period": name,
        "periods": charts.PERIODS,
    }
    return render(request, "smartcar/vehicle_detail.html", context)
