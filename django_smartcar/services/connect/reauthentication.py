"""A new login at the car's brand, when Smartcar has lost the way to a car: no new consent or token."""

from __future__ import annotations

import contextlib
import logging
from urllib.parse import urlsplit

from ... import sdk
from ...conf import conf
from ...exceptions import InvalidConnectState, SignalNotAvailable
from ...models import ConnectAttempt, ConnectedVehicle
from ...secret_types import Secret
from .. import _session, client, vehicles
from . import _state

logger = logging.getLogger(__name__)


def begin(vehicle: ConnectedVehicle, *, session_key: str, redirect_uri: str, next_url: str = "") -> str:
    """Open an attempt for this car's driver; returns the address of Connect to send them to."""
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
    given = vehicle.reauthentication_url
    # Smartcar's own address is followed only to where Connect is.
    if given and urlsplit(given)[:2] == urlsplit(conf.SMARTCAR_CONNECT_URL)[:2]:
        return sdk.connect.complete_url(given, redirect_uri, state)
    external_id = _state.external_id_of(account.user)
    return client.reauth_url(
        account.api_version, vehicle.smartcar_vehicle_id, redirect_uri, state, external_id
    )


def complete(attempt: ConnectAttempt, vehicle_id: str) -> ConnectedVehicle:
    """Read the car again, and let it count as reachable only if it answers.

    Raises InvalidConnectState if the callback is about another car, and as `vehicles.reload` does.
    """
    vehicle = attempt.vehicle
    if vehicle is None or vehicle_id != vehicle.smartcar_vehicle_id:
        _state.announce_refusal(attempt.user, "another-vehicle")
        raise InvalidConnectState("another-vehicle")
    with contextlib.suppress(SignalNotAvailable):  # of API v3, which has collected nothing yet
        vehicles.reload(vehicle)
    _session.clear_reauthentication_required(vehicle)
    logger.info("vehicle %s: its driver has logged in at the brand again", vehicle.pk)
    return vehicle
