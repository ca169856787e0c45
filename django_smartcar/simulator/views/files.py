"""What the pages look like. Served from here, so that no site needs ``staticfiles`` for them."""

from __future__ import annotations

from pathlib import Path

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.views.decorators.http import require_safe
from django.views.static import serve

_FOLDER = Path(__file__).parent.parent / "files"


@login_not_required
@require_safe
def file(request: HttpRequest, name: str) -> HttpResponseBase:
    """A style sheet, or the icon."""
    return serve(request, name, document_root=str(_FOLDER))
