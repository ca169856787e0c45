"""Reauthentication: the driver logs in to the vehicle's brand again. No new consent, no new tokens."""

from __future__ import annotations

import contextlib
import logging
from urllib.parse import urlsplit

from ... import sdk
from ...conf import conf
from ...exceptions import InvalidConnectState, SignalNotAvailable
from ...models import ConnectAttempt, ConnectedVehicle
from ...secret_types import Secret
from .. import _authenticated_calls, client, vehicles
from . import _state

logger = logging.getLogger(__name__)


def begin(vehicle: ConnectedVehicle, *, session_key: str, redirect_uri: str, next_url: str = "") -> str:
    """Start an attempt for this vehicle's driver; return the Connect URL to redirect to."""
    session_key = Secret(session_key)
    account = vehicle.account
    state = _state.begin(
        account.user,
        session_key,
        vehicle=vehicle,
        api_version=account.api_version,
        redirect_uri=redirect_uri,
        next_url=next_url,
    )
    url = vehicle.reauthentication_url
    # A URL from Smartcar's response is used only if it is on the host of Connect.
    if url and urlsplit(url)[:2] == urlsplit(conf.SMARTCAR_CONNECT_URL)[:2]:
        return sdk.connect.complete_url(url, redirect_uri, state)
    external_id = _state.external_id_of(account.smartcar_user.user_id)
    return client.reauth_url(
        account.api_version, vehicle.smartcar_vehicle_id, redirect_uri, state, external_id
    )


def complete(attempt: ConnectAttempt, vehicle_id: str) -> ConnectedVehicle:
    """Read the vehicle again, and clear its reauthentication state if that succeeds.

    Raises InvalidConnectState if the callback is for another vehicle, or as `vehicles.reload` does.
    """
    vehicle = attempt.vehicle
    if vehicle is None or vehicle_id != vehicle.smartcar_vehicle_id:
        _state.announce_refusal(attempt.user, "another-vehicle")
        raise InvalidConnectState("another-vehicle")
    with contextlib.suppress(SignalNotAvailable):  # API v3 may not have collected anything yet
        vehicles.reload(vehicle)
    _authenticated_calls.clear_reauthentication_required(vehicle)
    logger.info("vehicle %s: its driver has reauthenticated", vehicle.pk)
    return vehicle
