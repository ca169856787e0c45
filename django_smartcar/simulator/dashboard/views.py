"""Pages of the garage for vehicles: show and change them, set faults. No host of Smartcar has these pages."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from django.contrib.auth.decorators import login_not_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_protect
from django.views.decorators.http import require_http_methods

from .. import store
from ..access.connections import connections
from ..behaviour import motion
from ..conf import conf
from ..faults import rate_limits
from ..pages import render
from ..store.models import Car
from ..vehicles import states
from ..vehicles.catalog import MAKES
from ..vehicles.states import STATES
from ..webhooks import queue
from ..webhooks.queue import Delivery
from .vehicle_forms import CAR_FORMS, fault_rows

#: How many deliveries a log shows, newest first.
_MAX_DELIVERIES = 30


def garage_page(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """Make a page of the garage of this view: no login, as in all of the simulator, but with a CSRF check."""
    return login_not_required(never_cache(csrf_protect(require_http_methods(["GET", "HEAD", "POST"])(view))))


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
    page = FormPage(request, CAR_FORMS, car)
    if page.is_done:
        return redirect(f"{request.path}?done={page.name}")
    with store.changes():
        found = [connection for connection in connections() if connection.car.id == car.id]
        log = log_entries([delivery for delivery in queue.log() if delivery.vehicle_id == car.id])
    context = {
        **_summary(car, bool(found)),
        **page.context,
        "states": _state_choices(car),
        "connections": [(each, store.state().owners.get(each.owner_id)) for each in found],
        "requests": rate_limits.requests_this_month(car),
        "log": log,
        "section": "cars",
    }
    return render(request, "smartcar_simulator/garage/vehicle.html", context, status=page.status)


@garage_page
def vehicle_errors(request: HttpRequest, vehicle_id: str) -> HttpResponse:
    """Show and set the faults and the latency of a vehicle."""
    car = _car(vehicle_id)
    forms = {name: CAR_FORMS[name] for name in ("fault", "latency")}
    page = FormPage(request, forms, car)
    if page.is_done:
        return redirect(f"{request.path}?done={page.name}")
    context = {
        **_summary(car, True),
        **page.context,
        "rows": fault_rows(),
        "faults": sorted(car.faults.items()),
        "latencies": sorted(car.latencies.items()),
        "section": "cars",
    }
    return render(request, "smartcar_simulator/garage/vehicle_errors.html", context, status=page.status)


class FormPage:
    """A page with several forms. A form posts its name as ``do``; one form is posted at a time."""

    def __init__(self, request: HttpRequest, forms: Mapping[str, Callable[..., Any]], *subject: Any) -> None:
        self.name = request.POST.get("do", "") if request.method == "POST" else request.GET.get("done", "")
        self.is_done = False
        self.status = 200
        # Fields of different forms can have the same name, so the form's name is part of their ids.
        bound = {name: form(*subject, auto_id=f"{name}-%s") for name, form in forms.items()}
        done = getattr(bound.get(self.name), "done", "")
        if request.method == "POST":
            done = ""
            if self.name not in forms:
                raise Http404
            form = bound[self.name] = forms[self.name](*subject, data=request.POST, auto_id=f"{self.name}-%s")
            self.is_done = form.is_valid()
            if self.is_done:
                form.save()
            else:
                self.status = 400
        self.context = {"forms": bound, "done": done, "is_busy": queue.is_busy(), "now": store.now()}


def log_entries(log: list[Delivery]) -> list[dict[str, Any]]:
    """Return the newest deliveries for the template of the log."""
    state = store.state()
    return [
        {
            "delivery": delivery,
            "car": state.cars.get(delivery.vehicle_id or ""),
            "webhook": state.webhooks.get(delivery.webhook_id),
            "body": json.dumps(delivery.payload, indent=2, ensure_ascii=False),
        }
        for delivery in log[:_MAX_DELIVERIES]
    ]


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
        "state": states.state_of(car),
        "is_connected": is_connected,
        "battery": round(car.battery_percent * 100) if car.is_electric else None,
        "fuel": round(car.fuel_percent * 100) if car.has_engine else None,
        "error_count": len(car.faults) + bool(car.fault) + bool(car.latencies),
    }


def _state_choices(car: Car) -> list[tuple[str, Any, bool]]:
    return [
        (name, state.title, name == car.state)
        for name, state in STATES.items()
        if name != "charging" or car.is_electric
    ]
