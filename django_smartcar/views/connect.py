"""Connect your car: the way there, and the way back."""

import logging
from typing import NamedTuple

from django.contrib import messages
from django.contrib.auth.decorators import login_not_required, login_required
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET

from ..conf import conf
from ..exceptions import AttemptRefused, NothingConnected, OwnedByAnotherUser, SmartcarException
from ..models import ConnectAttempt, make_as_written
from ..services import connect
from .posting import only_by_post

logger = logging.getLogger(__name__)


class Problem(NamedTuple):
    status: int
    title: str | Promise
    text: str | Promise


#: Connect's errors, and this site's own, in plain words. Anything else is a `server_error`.
PROBLEMS = {
    "access_denied": Problem(
        200, _("You did not connect a car"), _("You chose not to give access. Nothing has changed.")
    ),
    "user_manually_returned_to_application": Problem(
        200, _("You did not connect a car"), _("You left before giving access. Nothing has changed.")
    ),
    "vehicle_incompatible": Problem(
        400,
        _("This car cannot be connected"),
        _("It does not support remote access through Smartcar. Another car may."),
    ),
    "invalid_subscription": Problem(
        400,
        _("The car's online services are not active"),
        _("Activate the subscription of your car's brand, in its app or on its website, and try again."),
    ),
    "no_vehicles": Problem(
        400,
        _("There is no car in that account"),
        _("Add your car to your account with its brand, in the brand's app, and try again."),
    ),
    "configuration_error": Problem(
        500,
        _("This site is not set up correctly"),
        _("The fault is ours, not yours, and has been written down. Please try again later."),
    ),
    "server_error": Problem(
        502,
        _("Something went wrong at Smartcar"),
        _("Nothing has changed. Please try again in a few minutes."),
    ),
    "exchange_failed": Problem(
        502,
        _("The connection could not be completed"),
        _(
            "Your car's brand said yes, but Smartcar did not answer this site. Nothing is stored. "
            "Please try again."
        ),
    ),
    "owned_by_another_user": Problem(
        409,
        _("This car account belongs to somebody else here"),
        _(
            "Another user of this site has connected with the same login. Nothing has changed. If that was "
            "you, log in as that user; otherwise ask the people who run this site."
        ),
    ),
    "attempt_refused": Problem(
        400,
        _("Please start again"),
        _(
            "This page was opened too late, twice, or in another browser than the one that started. "
            "If your car is not among your cars, please start again."
        ),
    ),
}


@only_by_post
@login_required
@transaction.non_atomic_requests
def start(request: HttpRequest) -> HttpResponse:
    """Send the driver to Connect. POST: ``make``, ``single_select`` and ``next`` are optional."""
    if not request.session.session_key:
        request.session.create()
    url = connect.begin(
        request.user,
        session_key=request.session.session_key or "",
        redirect_uri=conf.SMARTCAR_REDIRECT_URI or request.build_absolute_uri(reverse("smartcar:callback")),
        next_url=_safe_next(request),
        make=request.POST.get("make", "").replace("\x00", "")[:50],
        single_select="single_select" in request.POST,
    )
    return HttpResponseRedirect(url)


@require_GET
@never_cache
@login_not_required
@transaction.non_atomic_requests
def callback(request: HttpRequest) -> HttpResponse:
    """Where Connect sends the driver back to, with ``state`` and a ``code`` or an ``error``."""
    if not request.user.is_authenticated and "again" not in request.GET:
        return _come_again(request)
    try:
        attempt = connect.consume(
            request.GET.get("state", ""),
            user=request.user,
            session_key=request.session.session_key or "",
        )
    except AttemptRefused as refusal:
        logger.warning("Connect callback refused: %s", refusal.reason)
        return _problem(request, "attempt_refused")
    error = request.GET.get("error", "")
    code = request.GET.get("code", "")
    # The SDK's documentation of old has the refusal in `code`.
    if error or not code or code == "access_denied":
        return _connect_error(request, attempt, error or code or "server_error")
    return _complete(request, attempt, code)


def _complete(request: HttpRequest, attempt: ConnectAttempt, code: str) -> HttpResponse:
    try:
        connected = connect.complete(attempt, code)
    except OwnedByAnotherUser:
        return _problem(request, "owned_by_another_user", attempt)
    except NothingConnected:
        return _problem(request, "no_vehicles", attempt)
    except SmartcarException as failure:
        logger.warning(
            "Connect could not be completed: %s %s", type(failure).__name__, failure.request_id or ""
        )
        return _problem(request, "exchange_failed", attempt)
    count = len(connected.vehicles)
    names = ", ".join(vehicle.name for vehicle in connected.vehicles[:5])
    messages.success(
        request,
        ngettext("Connected: %(names)s.", "Connected %(count)d cars: %(names)s.", count)
        % {"count": count, "names": names + (" …" if count > 5 else "")},
    )
    return HttpResponseRedirect(attempt.next_url or reverse("smartcar:vehicles"))


def _connect_error(request: HttpRequest, attempt: ConnectAttempt, error: str) -> HttpResponse:
    if error not in ("access_denied", "user_manually_returned_to_application"):
        log = logger.error if error == "configuration_error" else logger.warning
        log("Connect came back with the error %.60r", error)
    return _problem(request, error if error in PROBLEMS else "server_error", attempt)


def _problem(request: HttpRequest, slug: str, attempt: ConnectAttempt | None = None) -> HttpResponse:
    problem = PROBLEMS[slug]
    year, make, model = (request.GET.get(name, "")[:50] for name in ("year", "make", "model"))
    car = (year, make_as_written(make), model)
    context = {
        "problem": problem,
        "car": " ".join(filter(None, car)) if slug == "vehicle_incompatible" else "",
        "attempt": attempt,
        "next": attempt.next_url if attempt else "",
    }
    return render(request, "smartcar/connect_problem.html", context, status=problem.status)


def _come_again(request: HttpRequest) -> HttpResponse:
    """Let the browser ask once more, from a page of this site.

    Where session cookies are SameSite=Strict, they do not come along from Connect, only from here.
    """
    again = request.GET.copy()
    again["again"] = "1"
    return render(request, "smartcar/connect_continue.html", {"url": f"{request.path}?{again.urlencode()}"})


def _safe_next(request: HttpRequest) -> str:
    """Where to go afterwards, if that lies in this site."""
    url = request.POST.get("next", "")
    # Relative to where? A path says it, and a NUL says that somebody is trying something.
    if not url.startswith(("/", "http://", "https://")) or "\x00" in url:
        return ""
    inside = url_has_allowed_host_and_scheme(
        url, allowed_hosts={request.get_host()}, require_https=request.is_secure()
    )
    return url if inside and len(url) <= 2000 else ""
