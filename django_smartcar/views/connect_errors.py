"""Pages for a visit to Connect that did not connect a car: a plain explanation and a button to try again."""

from collections.abc import Mapping
from typing import NamedTuple

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from ..exceptions import InvalidConnectState, NoVehiclesConnected, OwnedByAnotherUser, OwnershipNotVerified
from ..models import ConnectAttempt, make_as_written


class ErrorPage(NamedTuple):
    status: int
    title: str | Promise
    text: str | Promise


#: A page for each error of Connect and of this site. Unknown errors are shown as `server_error`.
ERROR_PAGES = {
    "access_denied": ErrorPage(
        200,
        _("You did not connect a car"),
        _("You chose not to give access. Nothing has changed. If you change your mind, try again."),
    ),
    "user_manually_returned_to_application": ErrorPage(
        200,
        _("You did not connect a car"),
        _("You left before giving access. Nothing has changed. To connect it after all, try again."),
    ),
    "vehicle_incompatible": ErrorPage(
        400,
        _("This car cannot be connected"),
        _("It does not support remote access through Smartcar. If you have another one, try again with it."),
    ),
    "invalid_subscription": ErrorPage(
        400,
        _("The car's online services are not active"),
        _("Activate the subscription of your car's brand, in its app or on its website, and try again."),
    ),
    "no_vehicles": ErrorPage(
        400,
        _("There is no car in that account"),
        _("Add your car to your account with its brand, in the brand's app, and try again."),
    ),
    "configuration_error": ErrorPage(
        500,
        _("This site is not set up correctly"),
        _("The problem is on our side and has been logged. Please try again later."),
    ),
    "server_error": ErrorPage(
        502,
        _("Something went wrong at Smartcar"),
        _("Nothing has changed. Please try again in a few minutes."),
    ),
    "exchange_failed": ErrorPage(
        502,
        _("The connection could not be completed"),
        _(
            "You gave your consent, but Smartcar did not respond to this site. Nothing is stored. "
            "Please try again."
        ),
    ),
    "ownership_unproven": ErrorPage(
        409,
        _("We could not confirm whose car this is"),
        _(
            "Smartcar did not confirm to this site that the car account is the one that you logged in to. "
            "Nothing is stored. Please try again. If this keeps happening, contact the people who run this "
            "site."
        ),
    ),
    "owned_by_another_user": ErrorPage(
        409,
        _("This car account belongs to another user"),
        _(
            "Another user of this site has connected with the same login. Nothing has changed. If that was "
            "you, log in as that user. Otherwise contact the people who run this site."
        ),
    ),
    "attempt_refused": ErrorPage(
        400,
        _("Please start again"),
        _(
            "This page was opened too late, twice, or in another browser than the one you started in. "
            "If your car is not in your list, please start again."
        ),
    ),
}


#: The page for each exception of `connect.complete`.
NOT_COMPLETED: dict[type[Exception], str] = {
    InvalidConnectState: "attempt_refused",
    OwnershipNotVerified: "ownership_unproven",
    OwnedByAnotherUser: "owned_by_another_user",
    NoVehiclesConnected: "no_vehicles",
}


def error_page(
    request: HttpRequest,
    slug: str,
    attempt: ConnectAttempt | None = None,
    parameters: Mapping[str, str] | None = None,
) -> HttpResponse:
    """Render an error page with a button to try again. ``parameters`` are those of the callback."""
    page = ERROR_PAGES[slug]
    year, make, model = ((parameters or {}).get(name, "")[:50] for name in ("year", "make", "model"))
    car = (year, make_as_written(make), model)
    context = {
        "problem": page,
        "car": " ".join(filter(None, car)) if slug == "vehicle_incompatible" else "",
        "attempt": attempt,
        "next": attempt.next_url if attempt else "",
    }
    return render(request, "smartcar/connect_problem.html", context, status=page.status)
