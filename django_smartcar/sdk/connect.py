"""The addresses of Connect that a driver's browser is sent to, both API versions. No network.

The ``id_name`` of an application is ``"client_id"`` in API v2 and ``"application_id"`` in API v3;
the id itself is the same UUID. Source: smartcar.com/docs/connect (autumn of 2026).
"""

from collections.abc import Mapping, Sequence
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
    """Where to send a driver to consent; see ``AuthClient.get_auth_url``, which has the same words.

    ``external_id`` is your own name for the driver: Smartcar keeps it, and finds connections by it.
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
    always = ("response_type", id_name, "redirect_uri", "approval_prompt")
    sent = {name: value for name, value in query.items() if value or name in always}
    # Only with doseq does urlencode take a text as it is, and not what its str() prints.
    return f"{connect_url.rstrip('/')}/oauth/authorize?{urlencode(sent, doseq=True)}"


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
    """Where to send a driver whose car's brand wants a new login (``AUTHENTICATION_FAILED``).

    The redirect brings ``vehicle_id`` and ``state``: no code, and no new token.
    """
    state, external_id = Secret(state), protect(external_id)
    query = {
        "response_type": "vehicle_id",
        id_name: application_id,
        "vehicle_id": vehicle_id,
        **({"external_id": external_id} if external_id else {}),
    }
    base = f"{connect_url.rstrip('/')}/oauth/reauthenticate?"
    return complete_url(base + urlencode(query, doseq=True), redirect_uri, state)


def complete_url(url: str, redirect_uri: str, state: str) -> str:
    """A ``resolution["url"]`` of Smartcar's, with where to come back to and a ``state`` of yours."""
    url, state = Secret(url), Secret(state)
    ours = {"redirect_uri": redirect_uri, "state": state}
    given = [(name, Secret(value)) for name, value in parse_qsl(urlsplit(url).query) if name not in ours]
    return urlunsplit(urlsplit(url)._replace(query=urlencode([*given, *ours.items()], doseq=True)))


def join_scopes(words: Sequence[str] | None) -> str:
    """Words in one text, as OAuth has them."""
    # A string is a sequence too: joined, it would become "r e a d".
    return words if isinstance(words, str) else " ".join(words or ())


def _flag(value: str | bool) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
