"""The page that says what this is. No real host has it."""

from __future__ import annotations

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from .. import store
from ..pages import render
from ..vehicles.test_accounts import EXAMPLES


@login_not_required
@never_cache
@require_safe
def about(request: HttpRequest) -> HttpResponse:
    """What a client must be told to use this Smartcar."""
    origin = request.build_absolute_uri(reverse("smartcar_simulator:about"))
    context = {"environment": store.environment(origin), "examples": EXAMPLES}
    return render(request, "smartcar_simulator/about.html", context)
