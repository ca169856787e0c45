"""Pages of the garage for webhooks."""

from __future__ import annotations

from django.http import Http404, HttpRequest, HttpResponse
from django.urls import reverse

from .. import store
from ..access.connections import connections
from ..pages import render
from ..store.models import Webhook
from ..vehicles.catalog import MAKES
from ..webhooks import queue
from .form_page import FormPage, garage_page
from .log import log_entries
from .webhook_forms import WEBHOOK_FORMS, DeleteForm, RegisterForm


@garage_page
def webhook_list(request: HttpRequest) -> HttpResponse:
    """List the webhooks and register new ones."""
    page = FormPage(request, {"register": RegisterForm}, messages={"delete": DeleteForm.done})
    if page.is_done:
        return page.redirect(_url(page.result))
    with store.changes() as state:
        subscribed = [webhook_id for ids in state.subscriptions.values() for webhook_id in ids]
        webhooks = [(each, subscribed.count(each.id)) for each in state.webhooks.values()]
    context = {
        **page.context,
        "webhooks": webhooks,
        "log": log_entries(queue.log()),
        "section": "webhooks",
    }
    return render(request, "smartcar_simulator/garage/webhooks.html", context, status=page.status)


@garage_page
def webhook_detail(request: HttpRequest, webhook_id: str) -> HttpResponse:
    """Show a webhook, its subscriptions and its deliveries, and apply its forms."""
    webhook = _webhook(webhook_id)
    page = FormPage(request, WEBHOOK_FORMS, webhook, messages={"register": RegisterForm.done})
    if page.is_done:
        is_deleted = page.name == "delete"
        return page.redirect(reverse("smartcar_simulator:garage-webhooks") if is_deleted else "")
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


def _webhook(webhook_id: str) -> Webhook:
    webhook = store.state().webhooks.get(webhook_id)
    if webhook is None:
        raise Http404
    return webhook


def _url(webhook: Webhook) -> str:
    return reverse("smartcar_simulator:garage-webhook", kwargs={"webhook_id": webhook.id})
