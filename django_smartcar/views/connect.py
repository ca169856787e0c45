"""Views that send a user to Smartcar Connect and handle the callback."""

import logging
import secrets
from collections.abc import Mapping
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_not_required, login_required
from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict
from django.shortcuts import render
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods

from .. import addresses
from ..databases import outside_transactions
from ..exceptions import (
    InvalidConnectState,
    MissingCredentials,
    SmartcarAppError,
    SmartcarException,
    TooManyRequests,
    error_code,
    user_message,
)
from ..models import ConnectAttempt, SmartcarAccount
from ..secret_types import Secret, storable
from ..services import connect, throttling
from ..services.connect import Callback, reauthentication
from . import connect_presses, first_reads
from .connect_errors import ERROR_PAGES, NOT_COMPLETED, error_page
from .decorators import post_required, press_again
from .limits import limit_page, limited
from .next_url import safe_next
from .vehicles import own_vehicle

logger = logging.getLogger(__name__)

#: What a callback that connects no car counts for: Smartcar has to be asked about an invented one, too.
FAILED_CALLBACK_COST = 3


#: Where a session keeps the value that attempts are bound to. Its own key changes when the user logs in again
#: or changes the password, and in signed cookies with every response.
SESSION_VALUE = "smartcar_connect"


class ConnectRedirect(HttpResponseRedirect):
    """A redirect to Connect. Its ``repr`` leaves out the URL, which has the ``state`` and the external id."""

    def __repr__(self) -> str:
        return f"<{type(self).__name__} status_code={self.status_code}>"


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@login_not_required
@outside_transactions
def start(request: HttpRequest) -> HttpResponse:
    """Redirect the user to Connect. Optional POST fields: ``make``, ``single_select`` and ``next``.

    Without a login, the press of the button is remembered: Connect comes after the login.
    """
    if request.method == "POST":
        if not request.user.is_authenticated:
            return redirect_to_login(connect_presses.remember(request))
        return _begin(request, connect_presses.fields_of(request, request.POST))
    if request.method == "GET" and request.user.is_authenticated:
        fields = connect_presses.take(request)
        if fields is not None:
            return _begin(request, fields)
    return press_again(request)


@limited("connect")
def _begin(request: HttpRequest, fields: Mapping[str, Any]) -> HttpResponse:
    url = Secret(
        connect.begin(
            request.user,
            session_key=_begun_session(request),
            redirect_uri=addresses.redirect_uri(request),
            # Now, as the callback does not know the language of the pages.
            next_url=fields["next_url"] or reverse("smartcar:vehicles"),
            make=fields["make"],
            single_select=fields["single_select"],
        )
    )
    return ConnectRedirect(url.reveal())


@post_required
@login_required
@outside_transactions
@limited("connect")
def reauthenticate(request: HttpRequest, pk: int) -> HttpResponse:
    """Redirect the user to a new login at the car's brand. Optional POST field: ``next``."""
    url = Secret(
        reauthentication.begin(
            own_vehicle(request, pk),
            session_key=_begun_session(request),
            redirect_uri=addresses.redirect_uri(request),
            next_url=safe_next(request, request.POST) or reverse("smartcar:vehicles"),
        )
    )
    return ConnectRedirect(url.reveal())


@require_GET
@never_cache
@login_not_required
@outside_transactions
def callback(request: HttpRequest) -> HttpResponse:
    """Handle the redirect from Connect, which has a ``state`` and a ``code``, ids or an ``error``."""
    parameters = _take_parameters(request)
    if not request.user.is_authenticated and "again" not in parameters:
        return _continue_page(request, parameters)
    try:
        attempt = connect.consume(
            parameters.get("state", Secret()),
            user=request.user,
            session_key=Secret(request.session.get(SESSION_VALUE, "")),
        )
    except InvalidConnectState as refusal:
        logger.warning("rejected a Connect callback: %s", refusal.reason)
        return error_page(request, "attempt_refused")
    error, code = parameters.get("error", ""), parameters.get("code", Secret())
    # According to older documentation of Smartcar's SDK, `code` may be "access_denied".
    if error or code == "access_denied":
        return _connect_error(request, attempt, error or "access_denied", parameters)
    if attempt.vehicle_id is not None:
        return _complete_reauthentication(request, attempt, parameters.get("vehicle_id", ""))
    if not code and attempt.api_version == SmartcarAccount.ApiVersion.V2:
        return _connect_error(request, attempt, "server_error", parameters)
    user_id, external_id = parameters.get("user_id", ""), parameters.get("external_id", Secret())
    return _complete(request, attempt, Callback(code, user_id, external_id))


#: Query parameters that are not secret. Any other may be: ``vehicle_incompatible`` comes with a VIN.
_PLAIN_PARAMETERS = {"again", "error", "make", "model", "user_id", "vehicle_id", "year"}


def _take_parameters(request: HttpRequest) -> dict[str, str]:
    """Return the query parameters and remove them from the request: error reports include its URL."""
    query, request.GET = request.GET, QueryDict()
    texts = {name: storable(query[name]) for name in query}
    parameters = {name: text if name in _PLAIN_PARAMETERS else Secret(text) for name, text in texts.items()}
    for name in ("QUERY_STRING", "REQUEST_URI", "RAW_URI", "HTTP_REFERER"):
        request.META.pop(name, None)
    if scope := getattr(request, "scope", None):  # of ASGI, which error trackers read
        scope["query_string"] = b""
        scope["headers"] = [pair for pair in scope["headers"] if pair[0].lower() != b"referer"]
    return parameters


def _complete(request: HttpRequest, attempt: ConnectAttempt, callback: Callback) -> HttpResponse:
    try:
        throttling.check(request.user, "callback", FAILED_CALLBACK_COST)
        connected = connect.complete(attempt, callback)
    except TooManyRequests as error:
        return limit_page(request, error)
    except (SmartcarException, SmartcarAppError) as error:
        return _not_completed(request, attempt, error)
    throttling.give_back(request.user, "callback", FAILED_CALLBACK_COST - 1)
    first_reads.begin(request.user, connected.vehicles)
    count = len(connected.vehicles)
    names = ", ".join(vehicle.name for vehicle in connected.vehicles[:5])
    messages.success(
        request,
        ngettext("Connected: %(names)s.", "Connected %(count)d cars: %(names)s.", count)
        % {"count": count, "names": names + (" …" if count > 5 else "")},
        fail_silently=True,  # a site without django.contrib.messages shows the vehicle, and no message
    )
    return _redirect_to_next(attempt)


def _not_completed(request: HttpRequest, attempt: ConnectAttempt, error: Exception) -> HttpResponse:
    for error_class, slug in NOT_COMPLETED.items():
        if isinstance(error, error_class):
            return error_page(request, slug, attempt)
    is_misconfigured = isinstance(error, MissingCredentials)
    log = logger.error if is_misconfigured else logger.warning
    request_id = getattr(error, "request_id", None) or ""
    log("could not complete a connection: %s %s", type(error).__name__, request_id)
    return error_page(request, "configuration_error" if is_misconfigured else "exchange_failed", attempt)


def _complete_reauthentication(
    request: HttpRequest, attempt: ConnectAttempt, vehicle_id: str
) -> HttpResponse:
    try:
        throttling.check(request.user, "callback")
        vehicle = reauthentication.complete(attempt, vehicle_id)
    except TooManyRequests as error:
        return limit_page(request, error)
    except InvalidConnectState as refusal:
        logger.warning("rejected a Connect callback: %s", refusal.reason)
        return error_page(request, "attempt_refused", attempt)
    except (SmartcarException, SmartcarAppError) as error:
        logger.warning(
            "vehicle %s: still failing after a new login: %s", attempt.vehicle_id, error_code(error)
        )
        messages.error(request, f"{attempt.vehicle}: {user_message(error)}", fail_silently=True)
    else:
        messages.success(request, _("%s can be reached again.") % vehicle.name, fail_silently=True)
    return _redirect_to_next(attempt)


#: Errors that only the operator can end, in Smartcar's dashboard.
_ERRORS_OF_THE_SITE = ("configuration_error", "unauthorized_client")


def _connect_error(
    request: HttpRequest, attempt: ConnectAttempt, error: str, parameters: Mapping[str, str]
) -> HttpResponse:
    is_cancel = error in ("access_denied", "user_manually_returned_to_application")
    if not is_cancel:
        log = logger.error if error in _ERRORS_OF_THE_SITE else logger.warning
        # Any other description may name the car.
        reason = Secret(parameters.get("error_description", "") if error == "unauthorized_client" else "")
        log("Connect returned the error %.60r%.200s", error, f": {reason.reveal()!r}" if reason else "")
    slug = error if error in ERROR_PAGES else "server_error"
    if attempt.vehicle is None:
        return error_page(request, slug, attempt, parameters)
    text = _("Nothing has changed.") if is_cancel else ERROR_PAGES[slug].text
    messages.warning(request, f"{attempt.vehicle}: {text}", fail_silently=True)
    return _redirect_to_next(attempt)


def _redirect_to_next(attempt: ConnectAttempt) -> HttpResponse:
    return HttpResponseRedirect(attempt.next_url or reverse("smartcar:vehicles"))


def _continue_page(request: HttpRequest, parameters: Mapping[str, str]) -> HttpResponse:
    """Return a page of this site that repeats the request.

    Browsers send SameSite=Strict session cookies with such a request, but not with a redirect from Connect.
    """
    url = Secret(request.path + "?" + urlencode({**parameters, "again": "1"}, doseq=True))
    # Templates call callables, so the context itself holds no plain text.
    return render(request, "smartcar/connect_continue.html", {"url": url.reveal})


def _begun_session(request: HttpRequest) -> Secret:
    """Return the random value that identifies this session in callbacks; create it the first time."""
    return Secret(request.session.setdefault(SESSION_VALUE, secrets.token_urlsafe(32)))
