"""The garage: the cars, and what they are told to be. No real host has it; it stands for a driver's hands."""

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

#: So many of the last deliveries stand in a log.
_MOST_DELIVERIES = 30


def garage_page(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """A page of the garage: open to all, as the whole pretend Smartcar is, but to no other site's forms."""
    return login_not_required(never_cache(csrf_protect(require_http_methods(["GET", "HEAD", "POST"])(view))))


@garage_page
def home(request: HttpRequest) -> HttpResponse:
    """Every car."""
    with store.changes():
        connected = {known.car.id for known in connections()}
        cars = [_tile(car, car.id in connected) for car in store.cars()]
    context = {"cars": cars, "client_id": conf.SMARTCAR_SIMULATOR_CLIENT_ID, "section": "cars"}
    return render(request, "smartcar_simulator/garage/home.html", context)


@garage_page
def car_page(request: HttpRequest, vehicle_id: str) -> HttpResponse:
    """One car: what it is, and what it does."""
    car = _car(vehicle_id)
    page = FormPage(request, CAR_FORMS, car)
    if page.is_done:
        return redirect(f"{request.path}?done={page.name}")
    with store.changes():
        known = [one for one in connections() if one.car.id == car.id]
        log = shown([one for one in queue.log() if one.vehicle_id == car.id])
    context = {
        **_tile(car, bool(known)),
        **page.context,
        "states": _states(car),
        "connections": [(one, store.state().owners.get(one.owner_id)) for one in known],
        "requests": rate_limits.requests_this_month(car),
        "log": log,
        "section": "cars",
    }
    return render(request, "smartcar_simulator/garage/car.html", context, status=page.status)


@garage_page
def errors_page(request: HttpRequest, vehicle_id: str) -> HttpResponse:
    """What goes wrong with one car: the table of errors, and how long it takes."""
    car = _car(vehicle_id)
    forms = {name: CAR_FORMS[name] for name in ("fault", "latency")}
    page = FormPage(request, forms, car)
    if page.is_done:
        return redirect(f"{request.path}?done={page.name}")
    context = {
        **_tile(car, True),
        **page.context,
        "rows": fault_rows(),
        "faults": sorted(car.faults.items()),
        "latencies": sorted(car.latencies.items()),
        "section": "cars",
    }
    return render(request, "smartcar_simulator/garage/errors.html", context, status=page.status)


class FormPage:
    """A page with several forms, each posted with its name as ``do``; at most one of them at a time."""

    def __init__(self, request: HttpRequest, forms: Mapping[str, Callable[..., Any]], *subject: Any) -> None:
        self.name = request.POST.get("do", "") if request.method == "POST" else request.GET.get("done", "")
        self.is_done = False
        self.status = 200
        # Several forms have fields of one name: their ids begin with the form's.
        bound = {name: form(*subject, auto_id=f"{name}-%s") for name, form in forms.items()}
        done = getattr(bound.get(self.name), "done", "")
        if request.method == "POST":
            done = ""
            if self.name not in forms:
                raise Http404
            form = bound[self.name] = forms[self.name](*subject, data=request.POST, auto_id=f"{self.name}-%s")
            self.is_done = form.is_valid()
            if self.is_done:
                form.carry_out()
            else:
                self.status = 400
        self.context = {"forms": bound, "done": done, "is_busy": queue.is_busy(), "now": store.now()}


def shown(log: list[Delivery]) -> list[dict[str, Any]]:
    """The newest deliveries, as a log shows them."""
    state = store.state()
    return [
        {
            "delivery": one,
            "car": state.cars.get(one.vehicle_id or ""),
            "webhook": state.webhooks.get(one.webhook_id),
            "body": json.dumps(one.payload, indent=2, ensure_ascii=False),
        }
        for one in log[:_MOST_DELIVERIES]
    ]


def _car(vehicle_id: str) -> Car:
    try:
        car = store.car(vehicle_id)
    except KeyError:
        raise Http404 from None
    motion.catch_up(car)
    return car


def _tile(car: Car, is_connected: bool) -> dict[str, Any]:
    return {
        "car": car,
        "make": MAKES[car.make].name,
        "state": states.state_of(car),
        "is_connected": is_connected,
        "battery": round(car.battery_percent * 100) if car.is_electric else None,
        "fuel": round(car.fuel_percent * 100) if car.has_engine else None,
        "problems": len(car.faults) + bool(car.fault) + bool(car.latencies),
    }


def _states(car: Car) -> list[tuple[str, Any, bool]]:
    return [
        (name, state.title, name == car.state)
        for name, state in STATES.items()
        if name != "charging" or car.is_electric
    ]
