"""Pages of the garage for vehicles: show and change them, set errors. No host of Smartcar has these pages."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.decorators import login_not_required
from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.utils.http import content_disposition_header
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from .. import store
from ..access.connections import connections
from ..behaviour import motion
from ..conf import conf
from ..faults import rate_limits
from ..pages import render
from ..store.models import Car
from ..vehicles import states
from ..vehicles.catalog import MAKES
from ..webhooks import queue
from . import activity
from .fault_forms import FAULT_FORMS, FilterForm
from .form_page import FormPage, garage_page
from .history_forms import ArchiveForm, HistoryForm
from .labels import MODES, POWERTRAINS
from .log import log_entries
from .vehicle_forms import CAR_FORMS, state_choices


@garage_page
def vehicle_list(request: HttpRequest) -> HttpResponse:
    """List the vehicles."""
    with store.changes():
        connected = {connection.car.id for connection in connections()}
        cars = [_summary(car, car.id in connected) for car in store.cars()]
    context = {"cars": cars, "client_id": conf.SMARTCAR_SIMULATOR_CLIENT_ID, "section": "cars"}
    return render(request, "smartcar_simulator/garage/vehicles.html", context)


@garage_page
def vehicle_detail(request: HttpRequest, vehicle_id: str) -> HttpResponse:
    """Show a vehicle with its deliveries, and apply its forms."""
    car = _car(vehicle_id)
    page = FormPage(request, CAR_FORMS | {"history": HistoryForm}, car)
    if page.is_done:
        return page.redirect()
    with store.changes() as state:
        found = [connection for connection in connections() if connection.car.id == car.id]
        log = log_entries([delivery for delivery in queue.log() if delivery.vehicle_id == car.id])
    context = {
        **_summary(car, bool(found)),
        **page.context,
        "states": state_choices(car),
        "facts": activity.facts(car),
        "connections": [
            (each, MODES.get(each.mode, each.mode), state.owners.get(each.owner_id)) for each in found
        ],
        "requests": rate_limits.requests_this_month(car),
        "archive": ArchiveForm(),
        "log": log,
        "section": "cars",
    }
    return render(request, "smartcar_simulator/garage/vehicle.html", context, status=page.status)


@garage_page
def vehicle_errors(request: HttpRequest, vehicle_id: str) -> HttpResponse:
    """Show and set the errors and delays of a vehicle."""
    car = _car(vehicle_id)
    page = FormPage(request, FAULT_FORMS, car)
    if page.is_done:
        return page.redirect()
    active = {fault for fault in (car.fault, *car.faults.values()) if fault}
    filters = FilterForm(request.GET)
    context = {
        **_summary(car, True),
        **page.context,
        "filter": filters,
        "groups": filters.groups(active),
        "active": active,
        "faults": sorted(car.faults.items()),
        "latencies": sorted(car.latencies.items()),
        "section": "cars",
    }
    return render(request, "smartcar_simulator/garage/vehicle_errors.html", context, status=page.status)


@login_not_required
@never_cache
@require_safe
def vehicle_archive(request: HttpRequest, vehicle_id: str) -> HttpResponseBase:
    """Download the past of a vehicle: the events of so many days, one in each line."""
    car = _car(vehicle_id)
    form = ArchiveForm(request.GET)
    if not form.is_valid():
        sentence = f"{form.fields['days'].label}: {form.errors['days'][0]}"
        return HttpResponse(sentence, status=400, content_type="text/plain; charset=utf-8")
    name = f"{car.vin}-{form.cleaned_data['days']}-days.jsonl"
    headers = {"Content-Disposition": content_disposition_header(True, name) or ""}
    return StreamingHttpResponse(form.lines(car), content_type="application/jsonl", headers=headers)


def _car(vehicle_id: str) -> Car:
    try:
        car = store.car(vehicle_id)
    except KeyError:
        raise Http404 from None
    motion.catch_up(car)
    return car


def _summary(car: Car, is_connected: bool) -> dict[str, Any]:
    return {
        "car": car,
        "make": MAKES[car.make].name,
        "powertrain": POWERTRAINS.get(car.powertrain, car.powertrain),
        "state": states.state_of(car),
        "is_connected": is_connected,
        "battery": round(car.battery_percent * 100) if car.is_electric else None,
        "fuel": round(car.fuel_percent * 100) if car.has_engine else None,
        "error_count": bool(car.fault) + len(car.faults),
        "delay_count": len(car.latencies),
    }
