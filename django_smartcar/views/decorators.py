"""Decorators for views."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

#: How many messages may wait for the user's next page. A session that they fill is written with each.
MAX_MESSAGES = 10


def post_required(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """Run the view for a POST; redirect a GET to the list of cars, where the button is.

    A user who had to log in after pressing a button returns with a GET: a 405 would not help them.
    """

    @require_http_methods(["GET", "HEAD", "POST"])
    @wraps(view)
    def wrapper(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if request.method != "POST":
            return press_again(request)
        return view(request, *args, **kwargs)

    return wrapper


def press_again(request: HttpRequest) -> HttpResponse:
    """Redirect to the list of cars, and ask a user who has logged in to press the button again."""
    if request.user.is_authenticated and len(messages.get_messages(request)) < MAX_MESSAGES:
        text = _("You are logged in. Please press the button again.")
        messages.info(request, text, fail_silently=True)
    return redirect("smartcar:vehicles")
