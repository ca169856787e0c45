"""What every answer of the hosts of v3 has in common: the token, the envelopes, the pages."""

from __future__ import annotations

import functools
import json
import uuid
from collections.abc import Callable, Sequence
from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest, JsonResponse
from django.http.response import HttpResponseBase
from django.urls import reverse

from ..access import application_tokens
from ..errors.v2 import SmartcarError
from ..errors.v3 import V3Error, malformed, not_found, shared_body
from ..faults import injection
from .v2_responses import View, answering, bearer

V3View = Callable[..., HttpResponseBase]


def answering_v3(view: V3View) -> View:
    """A view of a host of v3: `answers.answering`, with v3's errors."""

    @functools.wraps(view)
    def wrapper(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        try:
            return view(request, *args, **kwargs)
        except V3Error as error:
            return JsonResponse(error.body(), status=error.status)
        except SmartcarError as error:
            response = JsonResponse(shared_body(error), status=error.status)
            if error.retry_after is not None:
                response["Retry-After"] = str(error.retry_after)
            return response

    return answering(wrapper)  # type: ignore[arg-type]


def need_token(request: HttpRequest) -> None:
    """Refuse whoever does not show the application's token; a driver's token of v2 is none."""
    if not application_tokens.is_valid(bearer(request)):
        raise V3Error("AUTHENTICATION", "UNAUTHORIZED")


def need_method(request: HttpRequest, *methods: str) -> None:
    """Refuse other methods than these, once the token is good; and what was told to fail."""
    need_token(request)
    if request.method not in methods:
        raise not_found("path")
    injection.refuse_path(None, str(request.method), request.path.partition("/v3/")[2])


def address(request: HttpRequest, host: str, path: str) -> str:
    """The absolute address of something on one of the hosts."""
    root = reverse("smartcar_simulator:about")
    return request.build_absolute_uri(f"{root}{host}/v3/{path}")


def page_of(
    request: HttpRequest,
    items: Sequence[Any],
    show: Callable[[Any], dict[str, Any]],
    *,
    size: int,
    most: int = 100,
    **meta: Any,
) -> dict[str, Any]:
    """One page of these items, with the links to the others. A page past the last one is empty."""
    number = _whole(request, "page[number]", 1, 1_000_000)
    size = _whole(request, "page[size]", size, most)
    last = max(1, -(-len(items) // size))

    def link(wanted: int) -> str:
        query = request.GET.copy()
        query["page[number]"], query["page[size]"] = str(wanted), str(size)
        return f"{request.build_absolute_uri(request.path)}?{urlencode(list(query.lists()), doseq=True)}"

    return {
        "data": [show(item) for item in items[(number - 1) * size : number * size]],
        "meta": {"pageNumber": number, "pageSize": size, "totalCount": len(items), **meta},
        "links": {
            "self": link(number),
            "first": link(1),
            "prev": link(min(number - 1, last)) if number > 1 else None,
            "next": link(number + 1) if number < last else None,
            "last": link(last),
        },
    }


def json_attributes(request: HttpRequest) -> dict[str, Any]:
    """What stands under ``data.attributes`` of the body."""
    try:
        body = json.loads(request.body)
        attributes = body["data"]["attributes"]
    except (KeyError, RecursionError, TypeError, ValueError):
        raise V3Error("VALIDATION", "BAD_REQUEST", "The body must hold data.attributes.") from None
    if not isinstance(attributes, dict):
        raise V3Error("VALIDATION", "BAD_REQUEST", "data.attributes must be an object.")
    return attributes


def identifier(name: str, value: object) -> str:
    """A UUID, in its usual spelling."""
    try:
        return str(uuid.UUID(str(value)))
    except ValueError:
        raise malformed(f"{name} must be a UUID") from None


def _whole(request: HttpRequest, name: str, default: int, most: int) -> int:
    text = request.GET.get(name, str(default))
    # isdecimal() also takes other scripts' digits, and a text as long as the sender likes.
    if not (text.isascii() and text.isdecimal() and len(text) < 10 and 1 <= int(text) <= most):
        raise malformed(f"{name} must be a whole number from 1 to {most}")
    return int(text)
