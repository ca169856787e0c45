"""Pages of the garage for webhooks, and for the simulator's clock, limits and host faults."""

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
from .settings_forms import CLOCK_STEPS, SETTINGS_FORMS
from .views import FormPage, garage_page, log_entries
from .webhook_forms import WEBHOOK_FORMS, RegisterForm


@garage_page
def webhook_list(request: HttpRequest) -> HttpResponse:
    """List the webhooks and register new ones."""
    form = RegisterForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        created = form.save()
        return redirect("smartcar_simulator:garage-webhook", webhook_id=created.id)
    with store.changes() as state:
        subscribed = [webhook_id for ids in state.subscriptions.values() for webhook_id in ids]
        webhooks = [(each, subscribed.count(each.id)) for each in state.webhooks.values()]
    context = {
        "webhooks": webhooks,
        "form": form,
        "log": log_entries(queue.log()),
        "is_busy": queue.is_busy(),
        "now": store.now(),
        "section": "webhooks",
    }
    status = 400 if form.errors else 200
    return render(request, "smartcar_simulator/garage/webhooks.html", context, status=status)


@garage_page
def webhook_detail(request: HttpRequest, webhook_id: str) -> HttpResponse:
    """Show a webhook, its subscriptions and its deliveries, and apply its forms."""
    webhook = _webhook(webhook_id)
    if request.method == "POST" and request.POST.get("do") == "delete":
        registry.remove(webhook)
        return redirect("smartcar_simulator:garage-webhooks")
    page = FormPage(request, WEBHOOK_FORMS, webhook)
    if page.is_done:
        return redirect(f"{request.path}?done={page.name}")
    with store.changes() as state:
        cars = [
            (MAKES[each.car.make].name, each.car, webhook.id in state.subscriptions.get(each.car.id, []))
            for each in connections()
        ]
    context = {
        **page.context,
        "webhook": webhook,
        "cars": cars,
        "log": log_entries([each for each in queue.log() if each.webhook_id == webhook.id]),
        "section": "webhooks",
    }
    return render(request, "smartcar_simulator/garage/webhook.html", context, status=page.status)


@garage_page
def clock_and_limits(request: HttpRequest) -> HttpResponse:
    """Show and change the clock, the limits and the faults of the hosts."""
    page = FormPage(request, SETTINGS_FORMS)
    if page.is_done:
        return redirect(f"{request.path}?done={page.name}")
    context = {
        **page.context,
        "clock_steps": CLOCK_STEPS,
        "in_bucket": rate_limits.bucket_level(),
        "faults": sorted(store.state().faults.items()),
        "section": "clock-and-limits",
    }
    return render(request, "smartcar_simulator/garage/clock_and_limits.html", context, status=page.status)


def _webhook(webhook_id: str) -> Webhook:
    webhook = store.state().webhooks.get(webhook_id)
    if webhook is None:
        raise Http404
    return webhook
