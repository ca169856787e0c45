"""auth.smartcar.com, ``/oauth/token``: the token endpoint of API v2."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils.crypto import constant_time_compare

from ..access import grants
from ..conf import conf
from ..errors.v2 import OAuthError
from ..faults import injection
from .v2_responses import has_basic_credentials, v2_api_view


@v2_api_view
def token(request: HttpRequest) -> HttpResponse:
    """Exchange a code or a refresh token for a new pair of tokens."""
    if request.method != "POST":
        raise OAuthError("invalid_request", "The token endpoint takes POST.", status=405)
    if not _has_client_credentials(request):
        raise OAuthError("invalid_client", "Invalid client_id or client_secret.", status=401)
    injection.raise_for_path(None, "POST", "oauth/token")
    grant_type = request.POST.get("grant_type")
    if grant_type == "authorization_code":
        return JsonResponse(
            grants.exchange_code(_field(request, "code"), request.POST.get("redirect_uri", ""))
        )
    if grant_type == "refresh_token":
        return JsonResponse(grants.refresh(_field(request, "refresh_token")))
    if not grant_type:
        raise OAuthError("invalid_request", "grant_type is required.")
    raise OAuthError("unsupported_grant_type", f"Unsupported grant_type: {grant_type}.")


def _has_client_credentials(request: HttpRequest) -> bool:
    """Return whether the client's credentials are right: in the `Basic` header, in the body, or in both.

    The OAuth library of Smartcar's Ruby SDK sends them in the body.
    """
    expected = {
        "client_id": conf.SMARTCAR_SIMULATOR_CLIENT_ID,
        "client_secret": conf.SMARTCAR_SIMULATOR_CLIENT_SECRET,
    }
    if request.headers.get("Authorization"):
        if not has_basic_credentials(request, *expected.values()):
            return False
        # The body may repeat them, but not contradict them.
        expected = {name: value for name, value in expected.items() if name in request.POST}
    return all(constant_time_compare(request.POST.get(name, ""), value) for name, value in expected.items())


def _field(request: HttpRequest, name: str) -> str:
    value = request.POST.get(name)
    if not value:
        raise OAuthError("invalid_request", f"{name} is required.")
    return value
