"""What a person does in Smartcar's dashboard, once: the page of a car then follows the garage."""

from typing import Any

from django.conf import settings
from django.urls import reverse

from django_smartcar.simulator import store
from django_smartcar.simulator.webhooks import registry


def register(account: Any, vehicles: list[Any], **kwargs: Any) -> None:
    """Register this site's webhook with the pretend Smartcar, for these cars and all that come later."""
    address = settings.ORIGIN + reverse("smartcar:webhook")
    if any(known.callback_uri == address for known in store.state().webhooks.values()):
        return
    made = registry.add("The example", address, auto_subscribe=True)
    for vehicle in vehicles:
        registry.subscribe(made.id, account.smartcar_user_id, vehicle.smartcar_vehicle_id)
    registry.verify(made)
