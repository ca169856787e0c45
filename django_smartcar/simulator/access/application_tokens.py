"""The application token of v3 (client credentials grant): valid for one hour and for all users."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from datetime import timedelta

from django.utils.crypto import constant_time_compare

from .. import store
from ..conf import conf
from ..errors.v2 import OAuthError
from ..store.models import ApplicationToken

LIFETIME = timedelta(seconds=3600)


def issue(fields: Mapping[str, object]) -> dict[str, object]:
    """Return a new token response for these form fields. Earlier tokens stay valid until they expire."""
    _check_grant_type(_required(fields, "grant_type"))
    client_id, client_secret = _required(fields, "client_id"), _required(fields, "client_secret")
    is_known_client = constant_time_compare(client_id, conf.SMARTCAR_SIMULATOR_M2M_CLIENT_ID)
    if not (
        is_known_client and constant_time_compare(client_secret, conf.SMARTCAR_SIMULATOR_M2M_CLIENT_SECRET)
    ):
        raise OAuthError("invalid_client", "Invalid client_id or client_secret.", status=401)
    with store.changes() as state:
        token = secrets.token_urlsafe(32)
        state.application_tokens[token] = ApplicationToken(store.now() + LIFETIME)
        store.counters["application_tokens"] += 1
        store.touch()
    return {"access_token": token, "token_type": "Bearer", "expires_in": int(LIFETIME.total_seconds())}


def is_valid(token: str | None) -> bool:
    """Return whether this is an application token that has not expired."""
    stored = store.state().application_tokens.get(token or "")
    return stored is not None and stored.expires_at > store.now()


def revoke_all() -> None:
    """Delete all application tokens."""
    with store.changes() as state:
        state.application_tokens.clear()
        store.touch()


def _required(fields: Mapping[str, object], name: str) -> str:
    value = fields.get(name)
    if not isinstance(value, str) or not value:
        raise OAuthError("invalid_request", f"{name} is required.")
    return value


def _check_grant_type(grant_type: str) -> None:
    if grant_type != "client_credentials":
        raise OAuthError("invalid_request", f"Unsupported grant_type: {grant_type}.")
