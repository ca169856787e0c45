"""A press of Connect by a user who has to log in first: the session remembers it, once and briefly."""

from __future__ import annotations

import secrets
import time
from collections.abc import Mapping
from typing import Any

from django.http import HttpRequest
from django.utils.crypto import constant_time_compare
from django.utils.http import urlencode

from ..secret_types import storable
from .next_url import safe_next

#: The key of the session.
SESSION_PRESS = "smartcar_connect_press"
#: How many seconds a user has for the login.
PRESS_LIFETIME = 600


def fields_of(request: HttpRequest, form: Mapping[str, str]) -> dict[str, Any]:
    """Return what the button of Connect asks for."""
    return {
        "make": storable(form.get("make", ""))[:50],
        "single_select": "single_select" in form,
        "next_url": safe_next(request, form),
    }


def remember(request: HttpRequest) -> str:
    """Remember what an anonymous user has posted; return the URL that continues, for the login page.

    No other site knows the value in that URL, so none can begin a connection for the user.
    """
    value = secrets.token_urlsafe(32)
    request.session[SESSION_PRESS] = {
        "value": value,
        "expires_at": time.time() + PRESS_LIFETIME,
        "fields": fields_of(request, request.POST),
    }
    return f"{request.path}?{urlencode({'press': value})}"


def take(request: HttpRequest) -> dict[str, Any] | None:
    """Return what was remembered for this URL, and forget it; None if there is nothing, or it is too old."""
    press = request.session.get(SESSION_PRESS)
    if press is None or not constant_time_compare(press["value"], request.GET.get("press", "")):
        return None
    del request.session[SESSION_PRESS]
    fields: dict[str, Any] = press["fields"]
    return fields if time.time() < press["expires_at"] else None
