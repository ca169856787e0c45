"""The URLs of Connect that a user is redirected to, in both API versions. No network.

``id_name``, the parameter of the application's id, is ``"client_id"`` in API v2 and ``"application_id"`` in
API v3; the id itself is the same UUID. Source: smartcar.com/docs/connect (autumn of 2026).
"""

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from ..secret_types import Secret, Vin, protect
from . import const


def get_auth_url(
    application_id: str,
    redirect_uri: str,
    scope: Sequence[str] | None = None,
    *,
    mode: str = "live",
    force: bool = False,
    state: str | None = None,
    vehicle_info: Mapping[str, str] | None = None,
    single_select: bool | str | None = None,
    flags: Mapping[str, str | bool] | None = None,
    user: str | None = None,
    external_id: str | None = None,
    id_name: str = "application_id",
    connect_url: str = const.CONNECT_URL,
) -> str:
    """Return the URL of Connect to redirect a user to; see ``AuthClient.get_auth_url`` for the arguments.

    ``external_id`` is your own id of the user. Smartcar stores it, and can filter connections by it.
    """
    state, external_id = protect(state), protect(external_id)
    single_select = Vin(single_select) if isinstance(single_select, str) else single_select
    query = {
        "response_type": "code",
        id_name: application_id,
        "redirect_uri": redirect_uri,
        "approval_prompt": "force" if force else "auto",
        "mode": None if mode == "live" else mode,
        "scope": join_scopes(scope),
        "state": state,
        "make": (vehicle_info or {}).get("make"),
        "single_select": "true" if single_select else None,
        "single_select_vin": single_select if isinstance(single_select, Vin) else None,
        "flags": join_scopes([f"{name}:{_flag(value)}" for name, value in (flags or {}).items()]),
        "user": user,
        "external_id": external_id,
    }
    required = ("response_type", id_name, "redirect_uri", "approval_prompt")
    sent = {name: value for name, value in query.items() if value or name in required}
    return f"{connect_url.rstrip('/')}/oauth/authorize?{_encode(sent)}"


def get_reauth_url(
    application_id: str,
    vehicle_id: str,
    redirect_uri: str,
    state: str,
    *,
    external_id: str | None = None,
    id_name: str = "application_id",
    connect_url: str = const.CONNECT_URL,
) -> str:
    """Return the URL to redirect a user to whose brand requires a new login (``AUTHENTICATION_FAILED``).

    The callback has ``vehicle_id`` and ``state``, but no code: there is no new token.
    """
    state, external_id = Secret(state), protect(external_id)
    query = {
        "response_type": "vehicle_id",
        id_name: application_id,
        "vehicle_id": vehicle_id,
        **({"external_id": external_id} if external_id else {}),
    }
    base = f"{connect_url.rstrip('/')}/oauth/reauthenticate?"
    return complete_url(base + _encode(query), redirect_uri, state)


def complete_url(url: str, redirect_uri: str, state: str) -> str:
    """Return Smartcar's ``resolution["url"]`` with your redirect URI and ``state``."""
    url, state = Secret(url), Secret(state)
    own = {"redirect_uri": redirect_uri, "state": state}
    given = [(name, Secret(value)) for name, value in parse_qsl(urlsplit(url).query) if name not in own]
    return urlunsplit(urlsplit(url)._replace(query=_encode([*given, *own.items()])))


def join_scopes(scopes: Sequence[str] | None) -> str:
    """Join scopes with spaces, as OAuth requires."""
    # A string is a sequence, too: joined, it would become "r e a d".
    return scopes if isinstance(scopes, str) else " ".join(scopes or ())


def _encode(query: Any) -> str:
    # Without doseq, urlencode calls str(), which returns the placeholder of a secret. With doseq, it takes
    # anything else that has a length apart, such as a lazy text of Django.
    pairs = query.items() if isinstance(query, Mapping) else query
    texts = [(name, value if isinstance(value, str) else str(value)) for name, value in pairs]
    return urlencode(texts, doseq=True)


def _flag(value: str | bool) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
