"""What owners allowed: codes, tokens and connections, from the approval page to the disconnect."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import NamedTuple

from .. import store
from ..conf import conf
from ..errors.v2 import OAuthError, SmartcarError
from ..store.models import AccessToken, Code, Grant, Owner, RefreshToken, State

CODE_LIFE = timedelta(minutes=10)
ACCESS_LIFE = timedelta(seconds=7200)
REFRESH_LIFE = timedelta(days=60)


class Connection(NamedTuple):
    """One owner's car, connected to the application."""

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
    """Record what an owner allows; the authorization code for it, where there is to be one."""
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
        state.codes[code] = Code(grant.id, redirect_uri, store.now() + CODE_LIFE, is_redirect_uri_named)
        return code


def earlier_grant(
    owner: Owner, vehicle_ids: set[str], scopes: Iterable[str], mode: str = "live"
) -> Grant | None:
    """The owner's newest grant in this mode that covers these scopes, for just these cars."""
    for grant in reversed(store.grants()):
        is_same = (grant.owner_id, grant.mode, set(grant.vehicle_ids)) == (owner.id, mode, vehicle_ids)
        # A code that nobody exchanged connected nothing.
        if is_same and grant.is_redeemed and set(scopes) <= set(grant.scopes):
            return grant
    return None


def exchange_code(code: str, redirect_uri: str) -> dict[str, object]:
    """A pair of tokens for a code."""
    with store.changes() as state:
        known = state.codes.get(code)
        if known is None or known.expires_at <= store.now():
            raise OAuthError("invalid_grant", f"Invalid code: {code}.")
        if redirect_uri != known.redirect_uri and (redirect_uri or known.is_redirect_uri_named):
            raise OAuthError("invalid_grant", f"Unauthorized redirect_uri: {redirect_uri}")
        del state.codes[code]
        state.grants[known.grant_id].is_redeemed = True
        store.counters["code_exchanges"] += 1
        return _new_pair(state, known.grant_id)


def refresh(token: str) -> dict[str, object]:
    """A fresh pair for a refresh token; the old one dies when its grace is over."""
    with store.changes() as state:
        known = state.refresh_tokens.get(token)
        if known is None or not _is_refreshable(state, known):
            raise OAuthError("invalid_grant", f"Invalid refresh_token: {token}.")
        if known.used_at is None:
            known.used_at = store.now()
        store.counters["refreshes"] += 1
        return _new_pair(state, known.grant_id)


def grant_of(access_token: str | None) -> Grant:
    """The grant behind a bearer token."""
    with store.changes() as state:
        known = state.access_tokens.get(access_token or "")
        if known is None or known.expires_at <= store.now():
            raise SmartcarError("AUTHENTICATION")
        return state.grants[known.grant_id]


def connections(owner_id: str | None = None, vehicle_id: str | None = None) -> list[Connection]:
    """The cars that are connected, newest first; one that was connected twice stands once."""
    found: dict[tuple[str, str], Connection] = {}
    for grant in store.grants():
        for connected in grant.vehicle_ids:
            if owner_id in (None, grant.owner_id) and vehicle_id in (None, connected):
                key = (grant.owner_id, connected)
                found[key] = Connection(connected, grant.owner_id, grant.connected_at, grant.mode)
    return sorted(
        found.values(), key=lambda one: (one.connected_at, one.owner_id, one.vehicle_id), reverse=True
    )


def disconnect(owner_id: str | None = None, vehicle_id: str | None = None) -> list[Connection]:
    """End connections: a car's, an owner's, or just that pair.

    A grant whose last car goes cannot be refreshed.
    """
    with store.changes() as state:
        ended = connections(owner_id, vehicle_id)
        pairs = {(connection.owner_id, connection.vehicle_id) for connection in ended}
        for grant in state.grants.values():
            grant.vehicle_ids = [known for known in grant.vehicle_ids if (grant.owner_id, known) not in pairs]
        for connection in ended:
            state.subscriptions.pop(connection.vehicle_id, None)
        store.touch()
        return ended


def _is_refreshable(state: State, token: RefreshToken) -> bool:
    now = store.now()
    if token.expires_at <= now or not state.grants[token.grant_id].vehicle_ids:
        return False
    grace = timedelta(seconds=conf.SMARTCAR_SIMULATOR_GRACE)
    return token.used_at is None or now < token.used_at + grace


def _new_pair(state: State, grant_id: str) -> dict[str, object]:
    access_token, refresh_token = str(uuid.uuid4()), str(uuid.uuid4())
    state.access_tokens[access_token] = AccessToken(grant_id, store.now() + ACCESS_LIFE)
    state.refresh_tokens[refresh_token] = RefreshToken(grant_id, store.now() + REFRESH_LIFE)
    store.touch()
    return {
        "access_token": access_token,
        "token_type": "Bearer",
        "expires_in": int(ACCESS_LIFE.total_seconds()),
        "refresh_token": refresh_token,
    }
