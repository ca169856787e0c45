"""What every answer of the pretend hosts has in common: a request id, and errors in the right envelope."""

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


def answering(view: View) -> View:
    """A view of a host that programs call: open to all, and what it raises is answered as Smartcar does."""

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
        except V3Error as v3_error:  # v2.0 has no such error; somebody provoked it all the same
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
    """Refuse what is no version. One from the future is answered by the newest there is."""
    if not re.fullmatch(r"0{0,9}[1-9][0-9]{0,9}(\.[0-9]{0,9})?", version):
        raise SmartcarError("RESOURCE_NOT_FOUND", "VERSION")


def is_v1(version: str) -> bool:
    """Whether the answer must look as v1.0 looked."""
    return version.split(".")[0] == "1"


def bearer(request: HttpRequest) -> str | None:
    """The token of a `Bearer` header."""
    kind, _, token = request.headers.get("Authorization", "").partition(" ")
    return token.strip() if kind.lower() == "bearer" and token.strip() else None


def is_basic(request: HttpRequest, user: str, password: str) -> bool:
    """Whether a `Basic` header names this user and password."""
    kind, _, credentials = request.headers.get("Authorization", "").partition(" ")
    if kind.lower() != "basic":
        return False
    try:
        given = b64decode(credentials.strip(), validate=True)
    except (binascii.Error, ValueError):
        return False
    return constant_time_compare(given, f"{user}:{password}".encode())
