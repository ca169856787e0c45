"""The part of the garage that stands for Smartcar's dashboard: webhooks, limits and the clock."""

from __future__ import annotations

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect

from .. import store
from ..access.connections import connections
from ..faults import rate_limits
from ..pages import render
from ..store.models import Webhook
from ..vehicles.catalog import MAKES
from ..webhooks import queue, registry
from .settings_forms import LEAPS, RULE_FORMS
from .views import FormPage, garage_page, shown
from .webhook_forms import WEBHOOK_FORMS, RegisterForm


@garage_page
def webhook_list(request: HttpRequest) -> HttpResponse:
    """The webhooks there are, and a new one."""
    form = RegisterForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        made = form.carry_out()
        return redirect("smartcar_simulator:garage-webhook", webhook_id=made.id)
    with store.changes() as state:
        subscribed = [webhook_id for ids in state.subscriptions.values() for webhook_id in ids]
        known = [(one, subscribed.count(one.id)) for one in state.webhooks.values()]
    context = {
        "webhooks": known,
        "form": form,
        "log": shown(queue.log()),
        "is_busy": queue.is_busy(),
        "now": store.now(),
        "section": "webhooks",
    }
    status = 400 if form.errors else 200
    return render(request, "smartcar_simulator/garage/webhooks.html", context, status=status)


@garage_page
def webhook(request: HttpRequest, webhook_id: str) -> HttpResponse:
    """One webhook: its receiver, its cars, what is sent and what came of it."""
    known = _webhook(webhook_id)
    if request.method == "POST" and request.POST.get("do") == "delete":
        registry.remove(known)
        return redirect("smartcar_simulator:garage-webhooks")
    page = FormPage(request, WEBHOOK_FORMS, known)
    if page.is_done:
        return redirect(f"{request.path}?done={page.name}")
    with store.changes() as state:
        cars = [
            (MAKES[one.car.make].name, one.car, known.id in state.subscriptions.get(one.car.id, []))
            for one in connections()
        ]
    context = {
        **page.context,
        "webhook": known,
        "cars": cars,
        "log": shown([one for one in queue.log() if one.webhook_id == known.id]),
        "section": "webhooks",
    }
    return render(request, "smartcar_simulator/garage/webhook.html", context, status=page.status)


@garage_page
def rules(request: HttpRequest) -> HttpResponse:
    """The clock, the limits, and the errors where no car is named."""
    page = FormPage(request, RULE_FORMS)
    if page.is_done:
        return redirect(f"{request.path}?done={page.name}")
    context = {
        **page.context,
        "leaps": LEAPS,
        "in_bucket": rate_limits.bucket_level(),
        "faults": sorted(store.state().faults.items()),
        "section": "rules",
    }
    return render(request, "smartcar_simulator/garage/rules.html", context, status=page.status)


def _webhook(webhook_id: str) -> Webhook:
    known = store.state().webhooks.get(webhook_id)
    if known is None:
        raise Http404
    return known
