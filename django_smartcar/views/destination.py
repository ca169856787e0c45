"""The search for a destination by its address."""

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters, sensitive_variables

from ..conf import conf
from ..databases import outside_transactions
from ..exceptions import SmartcarAppError, user_message
from ..secret_types import Secret
from ..services import places, throttling
from . import page_messages
from .decorators import post_required
from .next_url import safe_next
from .vehicles import own_vehicle, take_form


@post_required
@never_cache
@login_required
@outside_transactions
@sensitive_post_parameters("address")
@sensitive_variables()
def find(request: HttpRequest, pk: int) -> HttpResponse:
    """Find an address, and ask whether to send the place to the car."""
    form = take_form(request)
    vehicle = own_vehicle(request, pk)
    if not conf.SMARTCAR_GEOCODER or not vehicle.is_guidable:
        raise Http404
    next_url = safe_next(request, {"next": form.get("next", Secret()).reveal()})
    back_url = next_url or reverse("smartcar:vehicle", args=[pk])
    problem = _("No such place was found.")
    try:
        throttling.check(request.user, "address")
        place = places.find(form.get("address", Secret()))
    except SmartcarAppError as error:
        place, problem = None, user_message(error)
    if place is None:
        messages.error(request, problem, extra_tags=page_messages.tag_of(vehicle), fail_silently=True)
        return redirect(back_url)
    vehicle.next_url = back_url  # type: ignore[attr-defined]
    context = {
        "vehicle": vehicle,
        "place": place,
        "back_url": back_url,
        "map_tiles": conf.SMARTCAR_MAP_TILES,
    }
    return render(request, "smartcar/vehicle_destination_found.html", context)
