"""Page of the garage for the simulator's clock, its limits, and the errors of its hosts."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse

from .. import store
from ..faults import rate_limits
from ..pages import render
from .form_page import FormPage, garage_page
from .settings_forms import CLOCK_STEPS, SETTINGS_FORMS


@garage_page
def clock_and_limits(request: HttpRequest) -> HttpResponse:
    """Show and change the clock, the limits and the errors of the hosts."""
    page = FormPage(request, SETTINGS_FORMS)
    if page.is_done:
        return page.redirect()
    context = {
        **page.context,
        "clock_steps": CLOCK_STEPS,
        "in_bucket": rate_limits.bucket_level(),
        "faults": sorted(store.state().faults.items()),
        "section": "clock-and-limits",
    }
    return render(request, "smartcar_simulator/garage/clock_and_limits.html", context, status=page.status)
