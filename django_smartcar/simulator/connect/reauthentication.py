"""Re-authentication: the owner signs in to the make's account again, and the vehicle can be reached again."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest

from .. import hosts, store
from ..conf import conf
from ..vehicles.test_accounts import ConnectError
from ..webhooks import notify
from .session import ConnectSession


def resolution_url(request: HttpRequest, vehicle_id: str) -> str:
    """Return the ``resolution.url`` of an error. The application adds its redirect URI and state."""
    query = {
        "response_type": "vehicle_id",
        "client_id": conf.SMARTCAR_SIMULATOR_CLIENT_ID,
        "vehicle_id": vehicle_id,
    }
    return f"{hosts.absolute_url(request, 'connect', 'oauth/reauthenticate')}?{urlencode(query)}"


def complete(session: ConnectSession, vehicle_id: str, email: str) -> dict[str, Any]:
    """Clear the vehicle's authentication error and return the redirect's parameters. There is no code."""
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
    return {"vehicle_id": vehicle_id, "state": session.state, "external_id": session.external_id}
