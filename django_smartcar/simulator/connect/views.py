"""connect.smartcar.com: the pages that a driver walks through."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlencode, urlsplit, urlunsplit

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.encoding import iri_to_uri
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache

from .. import store
from ..access import grants
from ..access.scopes import SCOPES
from ..conf import conf
from ..errors.v2 import APPLICATION_NAME
from ..pages import render
from ..vehicles.catalog import MAKES, Make
from ..vehicles.test_accounts import EXAMPLES, ConnectError, sign_in
from ..webhooks import registry
from . import reauthentication, session
from .session import InvalidParameter, Run

#: An account with more cars than this is connected as a whole: a page of a thousand check boxes helps nobody.
_MOST_CHOICES = 50

_STEPS = {
    "preamble": gettext_lazy("Start"),
    "brands": gettext_lazy("Brand"),
    "sign_in": gettext_lazy("Sign in"),
    "approval": gettext_lazy("Allow"),
}


@login_not_required
@never_cache
def authorize(request: HttpRequest) -> HttpResponse:
    """The address that an application sends its driver to."""
    return _begin(request, session.begin)


@login_not_required
@never_cache
def reauthenticate(request: HttpRequest) -> HttpResponse:
    """The address that an application sends its driver to when a car needs its owner to sign in again."""
    return _begin(request, session.begin_again)


@login_not_required
@never_cache
def finished(request: HttpRequest) -> HttpResponse:
    """Where a visit ends that no application waits for."""
    return render(request, "smartcar_simulator/finished.html", {"has_failed": "error" in request.GET})


def _begin(request: HttpRequest, begin: Callable[[Mapping[str, str]], Run]) -> HttpResponse:
    try:
        run = begin(request.GET.dict())
    except InvalidParameter as error:
        context = {"parameter": error.name, "status": 400}
        return render(request, "smartcar_simulator/refused.html", context, status=400)
    return redirect("smartcar_simulator:connect-preamble", run_id=run.id)


@login_not_required
@never_cache
def preamble(request: HttpRequest, run_id: str) -> HttpResponse:
    """What Connect is, before anything is asked."""
    run = _run(run_id)
    if run is None:
        return _ended(request)
    if request.method == "POST":
        return redirect(_after_preamble(run), run_id=run.id)
    return _page(request, run, "preamble", {})


@login_not_required
@never_cache
def brands(request: HttpRequest, run_id: str) -> HttpResponse:
    """One tile per make."""
    run = _run(run_id)
    if run is None:
        return _ended(request)
    make = MAKES.get(request.POST.get("make", ""))
    if request.method == "POST" and make:
        run.make = make
        return redirect("smartcar_simulator:connect-sign-in", run_id=run.id)
    return _page(request, run, "brands", {"makes": MAKES.values()})


@login_not_required
@never_cache
def sign_in_page(request: HttpRequest, run_id: str) -> HttpResponse:
    """The make's own sign-in: any password opens, and the address decides what is behind it."""
    run = _run(run_id)
    if run is None:
        return _ended(request)
    if run.make is None:
        return redirect("smartcar_simulator:connect-brands", run_id=run.id)
    email, password = request.POST.get("username", "").strip(), request.POST.get("password", "")
    problem = None
    if request.method == "POST":
        if "@" in email and password:
            return _sign_in(run, run.make, email)
        problem = _("Enter an e-mail address and a password: any will do.")
    context = {"email": email, "problem": problem, "examples": EXAMPLES}
    return _page(request, run, "sign_in", context, status=400 if problem else 200)


@login_not_required
@never_cache
def approval(request: HttpRequest, run_id: str) -> HttpResponse:
    """What the application asks for, to allow or to deny."""
    run = _run(run_id)
    if run is None:
        finished = store.runs.get(run_id)
        # A second press of the button, before the browser has left.
        return _leave(finished) if finished and request.method == "POST" else _ended(request)
    if run.owner_id is None:
        return redirect("smartcar_simulator:connect-preamble", run_id=run.id)
    problem = None
    if request.method == "POST":
        if request.POST.get("decision") == "deny":
            return _finish_with_error(run, "access_denied", "User denied access to application.")
        vehicle_ids = _chosen_vehicles(run, request.POST.getlist("vehicle"))
        if vehicle_ids:
            ticked = {*request.POST.getlist("scope"), *run.required}
            return _finish(run, vehicle_ids, [scope for scope in run.scopes if scope in ticked])
        problem = _("Choose a car.")
    context = {
        "problem": problem,
        "scopes": [(scope, SCOPES[scope], scope in run.required) for scope in run.scopes],
        "cars": [(MAKES[car.make].name, car) for car in map(store.car, run.vehicle_ids)],
        "is_choice": _is_choice(run),
    }
    return _page(request, run, "approval", context, status=400 if problem else 200)


@login_not_required
@never_cache
def leave(request: HttpRequest, run_id: str) -> HttpResponse:
    """The way out that is on every page."""
    run = _run(run_id)
    if run is None:
        return _ended(request)
    description = "The user exited Connect before granting your application access"
    return _finish_with_error(run, "user_manually_returned_to_application", description)


def _run(run_id: str) -> Run | None:
    """The visit of this id, unless it has ended."""
    run: Run | None = store.runs.get(run_id)
    return run if run and run.outcome is None else None


def _after_preamble(run: Run) -> str:
    return "smartcar_simulator:connect-sign-in" if run.given_make else "smartcar_simulator:connect-brands"


def _sign_in(run: Run, make: Make, email: str) -> HttpResponse:
    try:
        if run.vehicle_id:
            return _end(run, reauthentication.finish(run, run.vehicle_id, email))
        owner, cars = sign_in(email, make, run.vin)
    except ConnectError as error:
        facts = {"vin": error.vin, "make": error.make, "model": error.model, "year": error.year}
        return _finish_with_error(run, error.error, error.description, facts)
    run.owner_id, run.vehicle_ids = owner.id, [car.id for car in cars]
    earlier = None
    if not run.is_forced:
        earlier = grants.earlier_grant(owner, set(run.vehicle_ids), run.scopes, run.mode)
    if earlier and not (run.single_select and len(earlier.vehicle_ids) > 1):
        return _finish(run, earlier.vehicle_ids, run.scopes)
    return redirect("smartcar_simulator:connect-approval", run_id=run.id)


def _is_choice(run: Run) -> bool:
    """Whether the page offers the cars one by one."""
    return len(run.vehicle_ids) > 1 and (run.single_select or len(run.vehicle_ids) <= _MOST_CHOICES)


def _chosen_vehicles(run: Run, chosen: list[str]) -> list[str]:
    if not _is_choice(run):
        return run.vehicle_ids
    vehicle_ids = [vehicle_id for vehicle_id in run.vehicle_ids if vehicle_id in chosen]
    return vehicle_ids[:1] if run.single_select else vehicle_ids


def _finish(run: Run, vehicle_ids: list[str], scopes: list[str]) -> HttpResponse:
    with store.changes() as state:
        if run.outcome is not None:
            return _leave(run)  # two presses at once: the other thread was first
        owner = state.owners[str(run.owner_id)]
        if run.external_id is not None:
            owner.external_id = None if run.external_id == "null" else run.external_id
        code = grants.approve(
            owner,
            vehicle_ids,
            scopes,
            redirect_uri=run.redirect_uri,
            is_redirect_uri_named=run.is_redirect_uri_named,
            mode=run.mode,
            with_code=run.wants_code and conf.SMARTCAR_SIMULATOR_CODES,
        )
        registry.subscribe_automatically(owner.id, vehicle_ids)
        facts = {"code": code, "state": run.state, "user_id": owner.id}
        if run.external_id is not None:
            facts["external_id"] = owner.external_id
        return _end(run, facts)


def _finish_with_error(
    run: Run, error: str, description: str, facts: dict[str, Any] | None = None
) -> HttpResponse:
    return _end(run, {"error": error, "error_description": description, "state": run.state, **(facts or {})})


def _end(run: Run, facts: dict[str, Any]) -> HttpResponse:
    parts = urlsplit(run.redirect_uri or reverse("smartcar_simulator:connect-finished"))
    query = urlencode({name: value for name, value in facts.items() if value is not None})
    with store.changes():
        if run.outcome is None:  # otherwise another press was first, and a code may have been given
            run.outcome = urlunsplit(parts._replace(query=f"{parts.query}&{query}" if parts.query else query))
    return _leave(run)


def _leave(run: Run) -> HttpResponse:
    # Django's own redirect refuses the custom schemes that applications on phones use.
    return HttpResponse(status=302, headers={"Location": iri_to_uri(str(run.outcome))})


def _ended(request: HttpRequest) -> HttpResponse:
    return render(request, "smartcar_simulator/ended.html", {"status": 410}, status=410)


def _page(
    request: HttpRequest, run: Run, step: str, context: dict[str, Any], status: int = 200
) -> HttpResponse:
    steps = {name: title for name, title in _STEPS.items() if not (name == "brands" and run.given_make)}
    context |= {
        "run": run,
        "application_name": APPLICATION_NAME,
        "steps": steps,
        "step": step,
        "step_number": list(steps).index(step) + 1,
    }
    return render(request, f"smartcar_simulator/{step}.html", context, status=status)
