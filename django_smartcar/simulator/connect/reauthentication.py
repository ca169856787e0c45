"""Signing in again at the car's maker, when Smartcar has lost the way to a car."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest
from django.urls import reverse

from .. import store
from ..conf import conf
from ..vehicles.test_accounts import ConnectError
from ..webhooks import notify
from .session import Run


def address(request: HttpRequest, vehicle_id: str) -> str:
    """The ``resolution.url`` of an error: the application adds where to come back to, and a state."""
    query = {
        "response_type": "vehicle_id",
        "client_id": conf.SMARTCAR_SIMULATOR_CLIENT_ID,
        "vehicle_id": vehicle_id,
    }
    path = reverse("smartcar_simulator:about") + "connect/oauth/reauthenticate"
    return f"{request.build_absolute_uri(path)}?{urlencode(query)}"


def finish(run: Run, vehicle_id: str, email: str) -> dict[str, Any]:
    """Find the way to the car again; what the redirect says then. No code, and no new token."""
    with store.changes() as state:
        car, owner = state.cars[vehicle_id], state.owners.get(state.cars[vehicle_id].owner_id)
        if owner is None or owner.email != email.strip().lower():
            raise ConnectError(
                "no_vehicles", "The account does not have the vehicle that was to be found again."
            )
        if car.fault == "CONNECTED_SERVICES_ACCOUNT:AUTHENTICATION_FAILED":
            with notify.changing(car):
                car.fault = None
        store.touch()
    return {"vehicle_id": vehicle_id, "state": run.state, "external_id": run.external_id}
