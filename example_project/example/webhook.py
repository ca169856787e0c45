"""Registers this site's webhook with the simulator, as one does in Smartcar's dashboard."""

from typing import Any

from django.conf import settings
from django.urls import reverse

from django_smartcar.simulator import store
from django_smartcar.simulator.webhooks import registry


def register(account: Any, vehicles: list[Any], **kwargs: Any) -> None:
    """Register the webhook for these vehicles and all later ones."""
    url = settings.ORIGIN + reverse("smartcar:webhook")
    if any(webhook.callback_uri == url for webhook in store.state().webhooks.values()):
        return
    webhook = registry.add("The example", url, auto_subscribe=True)
    for vehicle in vehicles:
        registry.subscribe(webhook.id, account.smartcar_user_id, vehicle.smartcar_vehicle_id)
    registry.verify(webhook)
