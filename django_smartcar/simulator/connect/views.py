"""connect.smartcar.com, ``/oauth/authorize``: start page, brands, sign in, consent (`approval`), redirect."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlencode, urlsplit, urlunsplit

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.encoding import iri_to_uri
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache

from .. import store
from ..access import grants
from ..access.scopes import SCOPES
from ..conf import conf
from ..pages import render
from ..vehicles.catalog import MAKES, Make
from ..vehicles.test_accounts import EXAMPLES, ConnectError, UnknownErrorAccount, sign_in
from ..webhooks import registry
from . import reauthentication
from .session import ConnectSession, InvalidParameter, start, start_reauthentication

#: An account with more vehicles than this is connected as a whole, without a check box for each.
_MAX_CHOICES = 50

_STEPS = {
    "preamble": _("Start"),
    "brands": _("Brand"),
    "sign_in": _("Sign in"),
    "approval": _("Allow"),
}


@login_not_required
@never_cache
def authorize(request: HttpRequest) -> HttpResponse:
    """Start Connect: the application redirects its user here."""
    return _start(request, start)


@login_not_required
@never_cache
def reauthenticate(request: HttpRequest) -> HttpResponse:
    """Start a re-authentication: the application redirects its user to this ``resolution.url``."""
    return _start(request, start_reauthentication)


@login_not_required
@never_cache
def finished(request: HttpRequest) -> HttpResponse:
    """Show the end of a session that has no redirect URI."""
    return render(request, "smartcar_simulator/finished.html", {"has_failed": "error" in request.GET})


def _start(request: HttpRequest, create: Callable[[Mapping[str, str]], ConnectSession]) -> HttpResponse:
    try:
        session = create(request.GET.dict())
    except InvalidParameter as error:
        context = {"parameter": error.name, "unregistered_uri": error.unregistered_uri, "status": 400}
        return render(request, "smartcar_simulator/refused.html", context, status=400)
    return redirect("smartcar_simulator:connect-preamble", session_id=session.id)


@login_not_required
@never_cache
def preamble(request: HttpRequest, session_id: str) -> HttpResponse:
    """Show the start page, which explains Connect."""
    session = _session(session_id)
    if session is None:
        return _session_ended(request)
    if request.method == "POST":
        return redirect(_next_step(session), session_id=session.id)
    return _page(request, session, "preamble", {})


@login_not_required
@never_cache
def brands(request: HttpRequest, session_id: str) -> HttpResponse:
    """Let the driver choose a make, among all or among those whose name has the searched text."""
    session = _session(session_id)
    if session is None:
        return _session_ended(request)
    make = MAKES.get(request.POST.get("make", ""))
    if request.method == "POST" and make:
        session.make = make
        return redirect("smartcar_simulator:connect-sign-in", session_id=session.id)
    search = request.GET.get("search", "").strip()
    context = {"makes": [make for make in MAKES.values() if _matches(make, search)], "search": search}
    return _page(request, session, "brands", context)


def _matches(make: Make, search: str) -> bool:
    """Return whether the make's name contains the searched text. The id is its name without accents."""
    names = (make.name, make.id.replace("_", " "))
    return any(search.casefold() in name.casefold() for name in names)


@login_not_required
@never_cache
def sign_in_page(request: HttpRequest, session_id: str) -> HttpResponse:
    """Sign in to the make's account: any password works, the email address decides about the vehicles."""
    session = _session(session_id)
    if session is None:
        return _session_ended(request)
    if session.make is None:
        return redirect("smartcar_simulator:connect-brands", session_id=session.id)
    email, password = request.POST.get("username", "").strip(), request.POST.get("password", "")
    problem: object = None
    if request.method == "POST":
        problem = _("Enter an email address and a password. Any password works.")
        if "@" in email and password:
            try:
                return _sign_in(session, session.make, email)
            except UnknownErrorAccount as error:
                problem = str(error)
    context = {"email": email, "problem": problem, "examples": EXAMPLES}
    return _page(request, session, "sign_in", context, status=400 if problem else 200)


@login_not_required
@never_cache
def approval(request: HttpRequest, session_id: str) -> HttpResponse:
    """Ask the driver for consent: which vehicles and permissions the application gets, or none."""
    session = _session(session_id)
    if session is None:
        ended = store.connect_sessions.get(session_id)
        # A second click on the button, before the browser followed the redirect.
        return (
            _redirect_to_application(ended) if ended and request.method == "POST" else _session_ended(request)
        )
    if session.owner_id is None:
        return redirect("smartcar_simulator:connect-preamble", session_id=session.id)
    problem = None
    if request.method == "POST":
        if request.POST.get("decision") == "deny":
            return _finish_with_error(session, "access_denied", "User denied access to application.")
        vehicle_ids = _chosen_vehicles(session, request.POST.getlist("vehicle"))
        if vehicle_ids:
            ticked = {*request.POST.getlist("scope"), *session.required}
            return _finish(session, vehicle_ids, [scope for scope in session.scopes if scope in ticked])
        problem = _("Choose a car.")
    context = {
        "problem": problem,
        "scopes": [(scope, SCOPES[scope], scope in session.required) for scope in session.scopes],
        "cars": [(MAKES[car.make].name, car) for car in map(store.car, session.vehicle_ids)],
        "is_choice": _is_choice(session),
    }
    return _page(request, session, "approval", context, status=400 if problem else 200)


@login_not_required
@never_cache
def leave(request: HttpRequest, session_id: str) -> HttpResponse:
    """Leave Connect: every page links here."""
    session = _session(session_id)
    if session is None:
        return _session_ended(request)
    description = "The user exited Connect before granting your application access"
    return _finish_with_error(session, "user_manually_returned_to_application", description)


def _session(session_id: str) -> ConnectSession | None:
    """Return the session of this id, or None if it is unknown or has ended."""
    session: ConnectSession | None = store.connect_sessions.get(session_id)
    return session if session and session.redirect_url is None else None


def _next_step(session: ConnectSession) -> str:
    return (
        "smartcar_simulator:connect-sign-in"
        if session.preselected_make
        else "smartcar_simulator:connect-brands"
    )


def _sign_in(session: ConnectSession, make: Make, email: str) -> HttpResponse:
    try:
        if session.vehicle_id:
            return _end(session, reauthentication.complete(session, session.vehicle_id, email))
        owner, cars = sign_in(email, make, session.vin)
    except ConnectError as error:
        parameters = {"vin": error.vin, "make": error.make, "model": error.model, "year": error.year}
        return _finish_with_error(session, error.error, error.description, parameters)
    session.owner_id, session.vehicle_ids = owner.id, [car.id for car in cars]
    earlier = None
    if not session.is_forced:
        earlier = grants.earlier_grant(owner, set(session.vehicle_ids), session.scopes, session.mode)
    if earlier and not (session.single_select and len(earlier.vehicle_ids) > 1):
        return _finish(session, earlier.vehicle_ids, session.scopes)
    return redirect("smartcar_simulator:connect-approval", session_id=session.id)


def _is_choice(session: ConnectSession) -> bool:
    """Return whether the driver can choose among the vehicles."""
    return len(session.vehicle_ids) > 1 and (
        session.single_select or len(session.vehicle_ids) <= _MAX_CHOICES
    )


def _chosen_vehicles(session: ConnectSession, chosen: list[str]) -> list[str]:
    if not _is_choice(session):
        return session.vehicle_ids
    vehicle_ids = [vehicle_id for vehicle_id in session.vehicle_ids if vehicle_id in chosen]
    return vehicle_ids[:1] if session.single_select else vehicle_ids


def _finish(session: ConnectSession, vehicle_ids: list[str], scopes: list[str]) -> HttpResponse:
    with store.changes() as state:
        if session.redirect_url is not None:
            return _redirect_to_application(session)  # two clicks at once: the other thread was first
        owner = state.owners[str(session.owner_id)]
        if session.external_id is not None:
            owner.external_id = None if session.external_id == "null" else session.external_id
        code = grants.approve(
            owner,
            vehicle_ids,
            scopes,
            redirect_uri=session.redirect_uri,
            is_redirect_uri_named=session.is_redirect_uri_named,
            mode=session.mode,
            with_code=session.wants_code and conf.SMARTCAR_SIMULATOR_CODES,
        )
        registry.subscribe_automatically(owner.id, vehicle_ids)
        parameters = {"code": code, "state": session.state, "user_id": owner.id}
        if session.external_id is not None:
            parameters["external_id"] = owner.external_id
        return _end(session, parameters)


def _finish_with_error(
    session: ConnectSession, error: str, description: str, parameters: dict[str, Any] | None = None
) -> HttpResponse:
    return _end(
        session,
        {"error": error, "error_description": description, "state": session.state, **(parameters or {})},
    )


def _end(session: ConnectSession, parameters: dict[str, Any]) -> HttpResponse:
    parts = urlsplit(session.redirect_uri or reverse("smartcar_simulator:connect-finished"))
    query = urlencode({name: value for name, value in parameters.items() if value is not None})
    with store.changes():
        if session.redirect_url is None:  # otherwise another click was first, and a code may have been issued
            session.redirect_url = urlunsplit(
                parts._replace(query=f"{parts.query}&{query}" if parts.query else query)
            )
    return _redirect_to_application(session)


def _redirect_to_application(session: ConnectSession) -> HttpResponse:
    # Django's redirect() refuses the custom schemes that mobile applications use.
    return HttpResponse(status=302, headers={"Location": iri_to_uri(str(session.redirect_url))})


def _session_ended(request: HttpRequest) -> HttpResponse:
    return render(request, "smartcar_simulator/ended.html", {"status": 410}, status=410)


def _page(
    request: HttpRequest, session: ConnectSession, step: str, context: dict[str, Any], status: int = 200
) -> HttpResponse:
    steps = {
        name: title for name, title in _STEPS.items() if not (name == "brands" and session.preselected_make)
    }
    context |= {
        "session": session,
        "application_name": conf.SMARTCAR_SIMULATOR_APPLICATION_NAME,
        "steps": steps,
        "step": step,
        "step_number": list(steps).index(step) + 1,
    }
    return render(request, f"smartcar_simulator/{step}.html", context, status=status)
