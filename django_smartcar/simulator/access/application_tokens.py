"""The token of v3: bought with client credentials, good for one hour, for all drivers at once."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from datetime import timedelta

from django.utils.crypto import constant_time_compare

from .. import store
from ..conf import conf
from ..errors.v2 import OAuthError
from ..store.models import ApplicationToken

LIFE = timedelta(seconds=3600)


def issue(fields: Mapping[str, object]) -> dict[str, object]:
    """A token for these credentials; an earlier one goes on until its own hour is over."""
    _check_grant_type(_text(fields, "grant_type"))
    client_id, client_secret = _text(fields, "client_id"), _text(fields, "client_secret")
    is_known = constant_time_compare(client_id, conf.SMARTCAR_SIMULATOR_M2M_CLIENT_ID)
    if not (is_known and constant_time_compare(client_secret, conf.SMARTCAR_SIMULATOR_M2M_CLIENT_SECRET)):
        raise OAuthError("invalid_client", "Invalid client_id or client_secret.", status=401)
    with store.changes() as state:
        token = secrets.token_urlsafe(32)
        state.application_tokens[token] = ApplicationToken(store.now() + LIFE)
        store.counters["application_tokens"] += 1
        store.touch()
    return {"access_token": token, "token_type": "Bearer", "expires_in": int(LIFE.total_seconds())}


def is_good(token: str | None) -> bool:
    """Whether this is an application token whose hour is not over."""
    known = store.state().application_tokens.get(token or "")
    return known is not None and known.expires_at > store.now()


def revoke_all() -> None:
    """Forget every application token, as a Smartcar that has lost them would."""
    with store.changes() as state:
        state.application_tokens.clear()
        store.touch()


def _text(fields: Mapping[str, object], name: str) -> str:
    value = fields.get(name)
    if not isinstance(value, str) or not value:
        raise OAuthError("invalid_request", f"{name} is required.")
    return value


def _check_grant_type(grant_type: str) -> None:
    if grant_type != "client_credentials":
        raise OAuthError("invalid_request", f"Unsupported grant_type: {grant_type}.")
