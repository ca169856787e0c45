"""A driver's session in Connect: validate the authorize URL, and store the session that starts with it."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from .. import store
from ..access import redirect_uris
from ..access.scopes import SCOPES, VEHICLE_ACCESS
from ..conf import conf
from ..vehicles.catalog import MAKES, Make, find_make
from ..vehicles.test_accounts import make_for_vin

MODES = ("live", "simulated", "test")

_MAX_AGE = timedelta(hours=1)


class InvalidParameter(Exception):
    """A parameter of the authorize URL is wrong. Shown on a page: never redirect to an unchecked address."""

    def __init__(self, name: str, unregistered_uri: str = "") -> None:
        super().__init__(name)
        self.name = name
        #: The redirect URI, if the problem is only that it is not registered.
        self.unregistered_uri = unregistered_uri


@dataclass
class ConnectSession:
    """One driver's way through Connect, from the start page to the redirect."""

    id: str
    started_at: datetime
    #: The address to redirect to at the end.
    redirect_uri: str
    #: Whether the authorize URL named it. If so, the exchange of the code must name it, too.
    is_redirect_uri_named: bool
    scopes: list[str]
    required: set[str]
    state: str | None
    is_forced: bool
    mode: str
    single_select: bool
    vin: str | None
    external_id: str | None
    #: The make that the authorize URL names; the brand list is skipped then.
    preselected_make: Make | None
    #: Whether ``response_type`` is ``code``. If not, the redirect URI is optional.
    wants_code: bool = True
    #: Set in a re-authentication: the vehicle whose owner signs in again.
    vehicle_id: str | None = None
    make: Make | None = None
    owner_id: str | None = None
    vehicle_ids: list[str] = field(default_factory=list)
    #: Set at the end. A second click on the last button redirects here again.
    redirect_url: str | None = None


def start(query: Mapping[str, str]) -> ConnectSession:
    """Start a session for an authorize URL. Raise `InvalidParameter` if a parameter is wrong."""
    _check_client(query)
    if query.get("response_type") not in ("code", "none"):
        raise InvalidParameter("response_type")
    wants_code = query["response_type"] == "code"
    single_select = _flag(query, "single_select")
    # Without single_select the VIN has no effect.
    vin = (query.get("single_select_vin") or "").upper() or None if single_select else None
    scopes = _scopes(query.get("scope"))
    preselected_make = make_for_vin(vin) if vin else _make(query.get("make"))
    session = ConnectSession(
        id=secrets.token_urlsafe(24),
        started_at=store.now(),
        redirect_uri=_redirect_uri(query.get("redirect_uri", ""), is_required=wants_code),
        is_redirect_uri_named=bool(query.get("redirect_uri")),
        scopes=[scope.removeprefix("required:") for scope in scopes],
        required={scope.removeprefix("required:") for scope in scopes if scope.startswith("required:")},
        state=query.get("state"),
        is_forced=_choice(query, "approval_prompt", ("auto", "force")) == "force",
        mode=_choice(query, "mode", MODES),
        single_select=single_select,
        vin=vin,
        external_id=query.get("external_id"),
        preselected_make=preselected_make,
        wants_code=wants_code,
        make=preselected_make,
    )
    _store(session)
    return session


def start_reauthentication(query: Mapping[str, str]) -> ConnectSession:
    """Start a re-authentication for one vehicle, which grants no permission. Raise `InvalidParameter`."""
    _check_client(query)
    if query.get("response_type") != "vehicle_id":
        raise InvalidParameter("response_type")
    car = store.state().cars.get(query.get("vehicle_id", ""))
    if car is None:
        raise InvalidParameter("vehicle_id")
    session = ConnectSession(
        id=secrets.token_urlsafe(24),
        started_at=store.now(),
        redirect_uri=_redirect_uri(query.get("redirect_uri", "")),
        is_redirect_uri_named=bool(query.get("redirect_uri")),
        scopes=[],
        required=set(),
        state=query.get("state"),
        is_forced=False,
        mode="live",
        single_select=True,
        vin=None,
        external_id=query.get("external_id"),
        preselected_make=MAKES[car.make],
        vehicle_id=car.id,
        make=MAKES[car.make],
    )
    _store(session)
    return session


def _store(session: ConnectSession) -> None:
    with store.changes():
        for old in [
            stored
            for stored in store.connect_sessions.values()
            if stored.started_at < session.started_at - _MAX_AGE
        ]:
            del store.connect_sessions[old.id]
        store.connect_sessions[session.id] = session


def _check_client(query: Mapping[str, str]) -> None:
    # Newer SDKs send the same id as "application_id".
    name = "application_id" if "application_id" in query else "client_id"
    if query.get(name) != conf.SMARTCAR_SIMULATOR_CLIENT_ID:
        raise InvalidParameter(name)


def _redirect_uri(uri: str, is_required: bool = True) -> str:
    if not uri and not is_required:
        return ""  # the session ends on a page of Connect itself
    registered = redirect_uris.registered()
    if not uri and registered:
        return registered[0]
    if not redirect_uris.is_redirect_uri(uri):
        raise InvalidParameter("redirect_uri")
    if redirect_uris.is_checked() and uri not in registered:
        raise InvalidParameter("redirect_uri", unregistered_uri=uri)
    return uri


def _scopes(text: str | None) -> list[str]:
    scopes = list(dict.fromkeys((text or "").split())) or list(VEHICLE_ACCESS)
    names = [scope.removeprefix("required:") for scope in scopes]
    if not set(names) <= set(SCOPES) or len(set(names)) != len(names):
        raise InvalidParameter("scope")
    return scopes


def _make(text: str | None) -> Make | None:
    if not text:
        return None
    make = find_make(text)
    if make is None:
        raise InvalidParameter("make")
    return make


def _choice(query: Mapping[str, str], name: str, allowed: tuple[str, ...]) -> str:
    value = query.get(name) or allowed[0]
    if value not in allowed:
        raise InvalidParameter(name)
    return value


def _flag(query: Mapping[str, str], name: str) -> bool:
    return _choice(query, name, ("false", "true")) == "true"
