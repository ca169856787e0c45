"""Pages of the garage for the application, and for the simulator's clock, limits and errors of hosts."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse

from .. import store
from ..access import redirect_uris
from ..conf import conf
from ..faults import rate_limits
from ..pages import render
from .application_forms import APPLICATION_FORMS
from .form_page import FormPage, garage_page
from .settings_forms import CLOCK_STEPS, SETTINGS_FORMS


@garage_page
def application(request: HttpRequest) -> HttpResponse:
    """Show the ids of the application, and show and change its redirect URIs."""
    page = FormPage(request, APPLICATION_FORMS)
    if page.is_done:
        return page.redirect()
    removable = store.state().redirect_uris
    context = {
        **page.context,
        "application_id": conf.SMARTCAR_SIMULATOR_CLIENT_ID,
        "m2m_client_id": conf.SMARTCAR_SIMULATOR_M2M_CLIENT_ID,
        "redirect_uris": [(uri, uri in removable) for uri in redirect_uris.registered()],
        "is_checked": redirect_uris.is_checked(),
        "section": "application",
    }
    return render(request, "smartcar_simulator/garage/application.html", context, status=page.status)


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
