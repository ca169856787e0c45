"""Pages about the simulator itself, which no host of Smartcar has: the start page, and the style sheets."""

from __future__ import annotations

from pathlib import Path

from django.contrib.auth.decorators import login_not_required
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from django.views.static import serve

from . import hosts, store
from .pages import render
from .vehicles.test_accounts import EXAMPLES

_FILES = Path(__file__).parent / "files"


@login_not_required
@never_cache
@require_safe
def about(request: HttpRequest) -> HttpResponse:
    """Show how to configure a client for this simulator, and the accounts to sign in with."""
    origin = hosts.absolute_url(request)
    context = {
        "environment": store.site_environment(origin),
        "sdk_environment": store.sdk_environment(origin),
        "examples": EXAMPLES,
        "section": "about",
    }
    return render(request, "smartcar_simulator/about.html", context)


@login_not_required
@require_safe
def static_file(request: HttpRequest, name: str) -> HttpResponseBase:
    """Serve a style sheet or the icon, so that the site needs no ``staticfiles`` for these pages."""
    try:
        return serve(request, name, document_root=str(_FILES))
    except OSError as error:  # such as a name that is too long
        raise Http404 from error
