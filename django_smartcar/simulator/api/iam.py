"""iam.smartcar.com, ``/oauth2/token``: the token endpoint of API v3."""

from __future__ import annotations

import json
from collections.abc import Mapping

from django.http import HttpRequest, HttpResponse, JsonResponse

from ..access import application_tokens
from ..errors.v2 import OAuthError
from ..faults import injection
from .v2_responses import v2_api_view


@v2_api_view
def token(request: HttpRequest) -> HttpResponse:
    """Issue an application token for the client credentials in the body."""
    if request.method != "POST":
        raise OAuthError("invalid_request", "The token endpoint takes POST.", status=405)
    injection.raise_for_path(None, "POST", "oauth2/token")
    return JsonResponse(application_tokens.issue(_fields(request)))


def _fields(request: HttpRequest) -> Mapping[str, object]:
    # Smartcar's guide sends a form, its OpenAPI specification sends JSON.
    if request.content_type != "application/json":
        return request.POST.dict()
    try:
        fields = json.loads(request.body)
    except ValueError:
        raise OAuthError("invalid_request", "The body is not JSON.") from None
    if not isinstance(fields, dict):
        raise OAuthError("invalid_request", "The body is not a JSON object.")
    return fields
