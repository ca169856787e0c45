"""Responses of API v1 and v2: the view decorator that adds a request id and turns errors into JSON bodies."""

from __future__ import annotations

import binascii
import functools
import re
import uuid
from base64 import b64decode
from collections.abc import Callable
from typing import Any

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils.crypto import constant_time_compare
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt

from ..errors.v2 import GatewayTimeout, OAuthError, SmartcarError
from ..errors.v3 import V3Error

View = Callable[..., HttpResponse]


def v2_api_view(view: View) -> View:
    """Make an API view of this function: no login, no CSRF check, errors in JSON, ``SC-Request-Id``."""

    @functools.wraps(view)
    def wrapper(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        request_id = str(uuid.uuid4())
        request.smartcar_request_id = request_id  # type: ignore[attr-defined]
        response: HttpResponse
        try:
            response = view(request, *args, **kwargs)
        except SmartcarError as error:
            in_v1 = is_v1(kwargs.get("version", ""))
            body = error.body_v1(request_id) if in_v1 else error.body(request_id)
            response = JsonResponse(body, status=error.status)
            if error.retry_after is not None:
                response["Retry-After"] = str(error.retry_after)
        except V3Error as v3_error:  # v2.0 has no such error, but it can be set as a fault
            response = JsonResponse(v3_error.body(), status=v3_error.status)
        except GatewayTimeout as timeout:
            response = HttpResponse(timeout.text, status=timeout.status, content_type="text/plain")
        except OAuthError as oauth_error:
            response = JsonResponse(oauth_error.body(), status=oauth_error.status)
            if oauth_error.status == 401:
                response["WWW-Authenticate"] = 'Basic realm="smartcar"'
        response["SC-Request-Id"] = request_id
        return response

    return csrf_exempt(login_not_required(never_cache(wrapper)))


def check_version(version: str) -> None:
    """Raise a 404 if this is not a version number. Versions newer than 2 get the responses of v2.0."""
    if not re.fullmatch(r"0{0,9}[1-9][0-9]{0,9}(\.[0-9]{0,9})?", version):
        raise SmartcarError("RESOURCE_NOT_FOUND", "VERSION")


def is_v1(version: str) -> bool:
    """Return whether the response must have the format of v1.0."""
    return version.split(".")[0] == "1"


def bearer_token(request: HttpRequest) -> str | None:
    """Return the token of the request's `Bearer` header, or None."""
    kind, _, token = request.headers.get("Authorization", "").partition(" ")
    return token.strip() if kind.lower() == "bearer" and token.strip() else None


def has_basic_credentials(request: HttpRequest, user: str, password: str) -> bool:
    """Return whether the request's `Basic` header has this user and password."""
    kind, _, credentials = request.headers.get("Authorization", "").partition(" ")
    if kind.lower() != "basic":
        return False
    try:
        given = b64decode(credentials.strip(), validate=True)
    except (binascii.Error, ValueError):
        return False
    return constant_time_compare(given, f"{user}:{password}".encode())
