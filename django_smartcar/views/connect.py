"""Connect your car: the way there, and the way back."""

import logging

from django.contrib import messages
from django.contrib.auth.decorators import login_not_required, login_required
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict
from django.shortcuts import render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_variables
from django.views.decorators.http import require_GET

from ..conf import conf
from ..exceptions import (
    InvalidConnectState,
    MissingCredentials,
    SmartcarAppError,
    SmartcarException,
    error_code,
    user_message,
)
from ..models import ConnectAttempt, SmartcarAccount
from ..services import connect
from ..services.connect import Callback, reauthentication
from .connect_errors import NOT_COMPLETED, PROBLEMS, problem
from .decorators import post_required
from .vehicles import own_vehicle

logger = logging.getLogger(__name__)


@post_required
@login_required
@transaction.non_atomic_requests
def start(request: HttpRequest) -> HttpResponse:
    """Send the driver to Connect. POST: ``make``, ``single_select`` and ``next`` are optional."""
    if not request.session.session_key:
        request.session.create()
    url = connect.begin(
        request.user,
        session_key=request.session.session_key or "",
        redirect_uri=_redirect_uri(request),
        next_url=_safe_next(request),
        make=request.POST.get("make", "").replace("\x00", "")[:50],
        single_select="single_select" in request.POST,
    )
    return HttpResponseRedirect(url)


@post_required
@login_required
@transaction.non_atomic_requests
def reauthenticate(request: HttpRequest, pk: int) -> HttpResponse:
    """Send the driver to a new login at the car's brand. POST: ``next`` is optional."""
    if not request.session.session_key:
        request.session.create()
    url = reauthentication.begin(
        own_vehicle(request, pk),
        session_key=request.session.session_key or "",
        redirect_uri=_redirect_uri(request),
        next_url=_safe_next(request),
    )
    return HttpResponseRedirect(url)


@require_GET
@never_cache
@login_not_required
@transaction.non_atomic_requests
def callback(request: HttpRequest) -> HttpResponse:
    """Where Connect sends the driver back to, with ``state`` and an ``error`` or what they consented to."""
    if not request.user.is_authenticated and "again" not in request.GET:
        return _come_again(request)
    told = _taken_from(request)
    try:
        attempt = connect.consume(
            told.get("state", ""), user=request.user, session_key=request.session.session_key or ""
        )
    except InvalidConnectState as refusal:
        logger.warning("Connect callback refused: %s", refusal.reason)
        return problem(request, "attempt_refused")
    error, code = told.get("error", ""), told.get("code", "")
    # The SDK's documentation of old has the refusal in `code`.
    if error or code == "access_denied":
        return _connect_error(request, attempt, error or code, told)
    if attempt.vehicle_id is not None:
        return _complete_reauthentication(request, attempt, told.get("vehicle_id", ""))
    if not code and attempt.api_version == SmartcarAccount.ApiVersion.V2:
        return _connect_error(request, attempt, "server_error", told)
    return _complete(request, attempt, Callback(code, told.get("user_id", ""), told.get("external_id", "")))


def _taken_from(request: HttpRequest) -> QueryDict:
    """What the address says, taken out of it: error reports of this request are mailed with its address."""
    told = request.GET
    request.GET = QueryDict()
    for name in ("QUERY_STRING", "REQUEST_URI", "RAW_URI", "HTTP_REFERER"):
        request.META.pop(name, None)
    return told


@sensitive_variables()
def _complete(request: HttpRequest, attempt: ConnectAttempt, said: Callback) -> HttpResponse:
    try:
        connected = connect.complete(attempt, said)
    except (SmartcarException, SmartcarAppError) as failure:
        return _not_completed(request, attempt, failure)
    count = len(connected.vehicles)
    names = ", ".join(vehicle.name for vehicle in connected.vehicles[:5])
    messages.success(
        request,
        ngettext("Connected: %(names)s.", "Connected %(count)d cars: %(names)s.", count)
        % {"count": count, "names": names + (" …" if count > 5 else "")},
    )
    return _go_on(attempt)


def _not_completed(request: HttpRequest, attempt: ConnectAttempt, failure: Exception) -> HttpResponse:
    for kind, slug in NOT_COMPLETED.items():
        if isinstance(failure, kind):
            return problem(request, slug, attempt)
    log = logger.error if isinstance(failure, MissingCredentials) else logger.warning
    request_id = getattr(failure, "request_id", None) or ""
    log("Connect could not be completed: %s %s", type(failure).__name__, request_id)
    is_ours = isinstance(failure, MissingCredentials)
    return problem(request, "configuration_error" if is_ours else "exchange_failed", attempt)


def _complete_reauthentication(
    request: HttpRequest, attempt: ConnectAttempt, vehicle_id: str
) -> HttpResponse:
    try:
        vehicle = reauthentication.complete(attempt, vehicle_id)
    except InvalidConnectState as refusal:
        logger.warning("Connect callback refused: %s", refusal.reason)
        return problem(request, "attempt_refused", attempt)
    except (SmartcarException, SmartcarAppError) as failure:
        logger.warning("vehicle %s after a new login: %s", attempt.vehicle_id, error_code(failure))
        messages.error(request, f"{attempt.vehicle}: {user_message(failure)}")
    else:
        messages.success(request, _("%s can be reached again.") % vehicle.name)
    return _go_on(attempt)


def _connect_error(
    request: HttpRequest, attempt: ConnectAttempt, error: str, told: QueryDict
) -> HttpResponse:
    is_cancel = error in ("access_denied", "user_manually_returned_to_application")
    if not is_cancel:
        log = logger.error if error == "configuration_error" else logger.warning
        log("Connect came back with the error %.60r", error)
    slug = error if error in PROBLEMS else "server_error"
    if attempt.vehicle is None:
        return problem(request, slug, attempt, told)
    text = _("Nothing has changed.") if is_cancel else PROBLEMS[slug].text
    messages.warning(request, f"{attempt.vehicle}: {text}")
    return _go_on(attempt)


def _go_on(attempt: ConnectAttempt) -> HttpResponse:
    return HttpResponseRedirect(attempt.next_url or reverse("smartcar:vehicles"))


def _come_again(request: HttpRequest) -> HttpResponse:
    """Let the browser ask once more, from a page of this site.

    Where session cookies are SameSite=Strict, they do not come along from Connect, only from here.
    """
    again = request.GET.copy()
    again["again"] = "1"
    return render(request, "smartcar/connect_continue.html", {"url": f"{request.path}?{again.urlencode()}"})


def _redirect_uri(request: HttpRequest) -> str:
    return conf.SMARTCAR_REDIRECT_URI or request.build_absolute_uri(reverse("smartcar:callback"))


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
