"""Grants of API v2: authorization codes, access and refresh tokens, and connected vehicles."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import NamedTuple

from .. import store
from ..conf import conf
from ..errors.v2 import OAuthError, SmartcarError
from ..store.models import AccessToken, Code, Grant, Owner, RefreshToken, State

CODE_LIFETIME = timedelta(minutes=10)
ACCESS_TOKEN_LIFETIME = timedelta(seconds=7200)
REFRESH_TOKEN_LIFETIME = timedelta(days=60)


class ConnectedVehicle(NamedTuple):
    """A vehicle of an owner that is connected to the application."""

    vehicle_id: str
    owner_id: str
    connected_at: datetime
    mode: str


def approve(
    owner: Owner,
    vehicle_ids: Iterable[str],
    scopes: Iterable[str],
    *,
    redirect_uri: str,
    is_redirect_uri_named: bool = True,
    mode: str = "live",
    with_code: bool = True,
) -> str | None:
    """Save a grant. Return its authorization code, or None without `with_code`."""
    with store.changes() as state:
        grant = Grant(
            id=str(uuid.uuid4()),
            owner_id=owner.id,
            vehicle_ids=list(vehicle_ids),
            scopes=list(scopes),
            mode=mode,
            connected_at=store.now(),
            is_redeemed=not with_code,
            external_id=owner.external_id,
        )
        state.grants[grant.id] = grant
        store.touch()
        if not with_code:
            return None
        code = str(uuid.uuid4())
        state.codes[code] = Code(grant.id, redirect_uri, store.now() + CODE_LIFETIME, is_redirect_uri_named)
        return code


def earlier_grant(
    owner: Owner, vehicle_ids: set[str], scopes: Iterable[str], mode: str = "live"
) -> Grant | None:
    """Return the owner's latest grant in this mode for exactly these vehicles that covers these scopes."""
    for grant in reversed(store.grants()):
        is_match = (grant.owner_id, grant.mode, set(grant.vehicle_ids)) == (owner.id, mode, vehicle_ids)
        # A grant whose code was never exchanged has connected nothing.
        if is_match and grant.is_redeemed and set(scopes) <= set(grant.scopes):
            return grant
    return None


def exchange_code(code: str, redirect_uri: str) -> dict[str, object]:
    """Return a token response for an authorization code."""
    with store.changes() as state:
        stored = state.codes.get(code)
        if stored is None or stored.expires_at <= store.now():
            # A code that was never given out is an error of the request, as Smartcar's Java SDK tests it.
            error = "invalid_request" if stored is None else "invalid_grant"
            raise OAuthError(error, f"Invalid code: {code}.")
        if redirect_uri != stored.redirect_uri and (redirect_uri or stored.is_redirect_uri_named):
            raise OAuthError("invalid_grant", f"Unauthorized redirect_uri: {redirect_uri}")
        stored.expires_at = store.now()  # a used code is as good as an expired one
        state.grants[stored.grant_id].is_redeemed = True
        store.counters["code_exchanges"] += 1
        return _token_response(state, stored.grant_id)


def refresh(token: str) -> dict[str, object]:
    """Return a token response for a refresh token, which stays valid for the grace period."""
    with store.changes() as state:
        stored = state.refresh_tokens.get(token)
        if stored is None:
            raise OAuthError("invalid_grant", f"Invalid refresh_token: {token}.")
        if not _is_refreshable(state, stored):
            raise OAuthError("invalid_grant", "Invalid or expired refresh token.")
        if stored.used_at is None:
            stored.used_at = store.now()
        store.counters["refreshes"] += 1
        return _token_response(state, stored.grant_id)


def grant_for_token(access_token: str | None) -> Grant:
    """Return the grant of an access token. Raise AUTHENTICATION if the token is unknown or expired."""
    with store.changes() as state:
        stored = state.access_tokens.get(access_token or "")
        if stored is None or stored.expires_at <= store.now():
            raise SmartcarError("AUTHENTICATION")
        return state.grants[stored.grant_id]


def connected_vehicles(owner_id: str | None = None, vehicle_id: str | None = None) -> list[ConnectedVehicle]:
    """Return the connected vehicles, newest first, each once."""
    found: dict[tuple[str, str], ConnectedVehicle] = {}
    for grant in store.grants():
        for connected_id in grant.vehicle_ids:
            if owner_id in (None, grant.owner_id) and vehicle_id in (None, connected_id):
                key = (grant.owner_id, connected_id)
                found[key] = ConnectedVehicle(connected_id, grant.owner_id, grant.connected_at, grant.mode)
    return sorted(
        found.values(),
        key=lambda vehicle: (vehicle.connected_at, vehicle.owner_id, vehicle.vehicle_id),
        reverse=True,
    )


def disconnect(owner_id: str | None = None, vehicle_id: str | None = None) -> list[ConnectedVehicle]:
    """Disconnect a vehicle, all vehicles of an owner, or this vehicle of this owner. Return them.

    A grant without vehicles cannot be refreshed.
    """
    with store.changes() as state:
        ended = connected_vehicles(owner_id, vehicle_id)
        pairs = {(vehicle.owner_id, vehicle.vehicle_id) for vehicle in ended}
        for grant in state.grants.values():
            grant.vehicle_ids = [id_ for id_ in grant.vehicle_ids if (grant.owner_id, id_) not in pairs]
        for vehicle in ended:
            state.subscriptions.pop(vehicle.vehicle_id, None)
        store.touch()
        return ended


def _is_refreshable(state: State, token: RefreshToken) -> bool:
    now = store.now()
    if token.expires_at <= now or not state.grants[token.grant_id].vehicle_ids:
        return False
    grace_period = timedelta(seconds=conf.SMARTCAR_SIMULATOR_GRACE)
    return token.used_at is None or now < token.used_at + grace_period


def _token_response(state: State, grant_id: str) -> dict[str, object]:
    access_token, refresh_token = str(uuid.uuid4()), str(uuid.uuid4())
    state.access_tokens[access_token] = AccessToken(grant_id, store.now() + ACCESS_TOKEN_LIFETIME)
    state.refresh_tokens[refresh_token] = RefreshToken(grant_id, store.now() + REFRESH_TOKEN_LIFETIME)
    store.touch()
    return {
        "access_token": access_token,
        "token_type": "Bearer",
        "expires_in": int(ACCESS_TOKEN_LIFETIME.total_seconds()),
        "refresh_token": refresh_token,
    }
