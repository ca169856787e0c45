"""Responses of API v3: the view decorator for errors, the check of the token, and helpers for JSON:API."""

from __future__ import annotations

import functools
import json
import uuid
from collections.abc import Callable
from typing import Any

from django.http import HttpRequest, JsonResponse
from django.http.response import HttpResponseBase

from .. import hosts
from ..access import application_tokens
from ..errors.v2 import SmartcarError
from ..errors.v3 import Conflict, V3Error, malformed, not_found, shared_body
from ..faults import injection
from .v2_responses import View, bearer_token, v2_api_view

V3View = Callable[..., HttpResponseBase]


def v3_api_view(view: V3View) -> View:
    """Make an API view of this function: `v2_api_view`, with errors in the format of API v3."""

    @functools.wraps(view)
    def wrapper(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        try:
            return view(request, *args, **kwargs)
        except (Conflict, V3Error) as error:
            return JsonResponse(error.body(), status=error.status)
        except SmartcarError as error:
            response = JsonResponse(shared_body(error), status=error.status)
            if error.retry_after is not None:
                response["Retry-After"] = str(error.retry_after)
            return response

    return v2_api_view(wrapper)  # type: ignore[arg-type]


def require_token(request: HttpRequest) -> None:
    """Raise a 401 unless the request has an application token. A user's token of API v2 is not one."""
    if not application_tokens.is_valid(bearer_token(request)):
        raise V3Error("AUTHENTICATION", "UNAUTHORIZED")


def require_method(request: HttpRequest, *methods: str) -> None:
    """Check the token, the method (404 for others) and the faults that are set for this path."""
    require_token(request)
    if request.method not in methods:
        raise not_found("path")
    injection.raise_for_path(None, str(request.method), request.path.partition("/v3/")[2])


def absolute_url(request: HttpRequest, host: str, path: str) -> str:
    """Return the absolute URL of a resource on one of the hosts."""
    return hosts.absolute_url(request, host, f"v3/{path}")


def json_attributes(request: HttpRequest) -> dict[str, Any]:
    """Return the body's ``data.attributes``. Raise a 400 if there are none."""
    try:
        body = json.loads(request.body)
        attributes = body["data"]["attributes"]
    except (KeyError, RecursionError, TypeError, ValueError):
        raise V3Error("VALIDATION", "BAD_REQUEST", "The body must hold data.attributes.") from None
    if not isinstance(attributes, dict):
        raise V3Error("VALIDATION", "BAD_REQUEST", "data.attributes must be an object.")
    return attributes


def parse_uuid(name: str, value: object) -> str:
    """Return a UUID in its canonical form. Raise a 400 if the value is not one."""
    try:
        return str(uuid.UUID(str(value)))
    except ValueError:
        raise malformed(f"{name} must be a UUID") from None
