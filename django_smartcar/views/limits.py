"""The page for a user who has reached a limit of ``SMARTCAR_USER_LIMITS``."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from ..exceptions import TooManyRequests, user_message
from ..services import throttling

View = Callable[..., HttpResponse]


def limited(kind: str) -> Callable[[View], View]:
    """Count each call of the view, which needs a login; show a page instead beyond the user's limit."""

    def decorate(view: View) -> View:
        @wraps(view)
        def wrapper(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
            try:
                throttling.check(request.user, kind)
            except TooManyRequests as error:
                return limit_page(request, error)
            return view(request, *args, **kwargs)

        return wrapper

    return decorate


def limit_page(request: HttpRequest, error: TooManyRequests) -> HttpResponse:
    """Return a page with status 429 that says when to try again."""
    context = {"message": user_message(error)}
    response = render(request, "smartcar/too_many_requests.html", context, status=429)
    response["Retry-After"] = str(error.retry_after)
    return response
