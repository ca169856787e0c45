"""Reads the address that an application sends a driver to, and keeps the visit that begins there."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from .. import store
from ..access.scopes import SCOPES, VEHICLE_ACCESS
from ..conf import conf
from ..vehicles.catalog import MAKES, Make, find_make
from ..vehicles.test_accounts import make_for_vin

MODES = ("live", "simulated", "test")

_VISIT_LIFE = timedelta(hours=1)
#: Schemes that run something in the browser instead of opening an application.
_UNSAFE_SCHEMES = {"about", "blob", "data", "file", "javascript", "vbscript"}


class InvalidParameter(Exception):
    """The address is wrong; shown on a page, for a wrong address is no place to redirect to."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.name = name


@dataclass
class Run:
    """One visit to Connect, from the preamble to the redirect."""

    id: str
    started_at: datetime
    #: Where the visit ends.
    redirect_uri: str
    #: Whether the address said so; the exchange must say the same then.
    is_redirect_uri_named: bool
    scopes: list[str]
    required: set[str]
    state: str | None
    is_forced: bool
    mode: str
    single_select: bool
    vin: str | None
    external_id: str | None
    #: Chosen by the address; the brand list is skipped then.
    given_make: Make | None
    #: Whether a code was asked for; where none was, the redirect itself may be left out.
    wants_code: bool = True
    #: The car to sign in for again, in a visit that is about nothing else.
    vehicle_id: str | None = None
    make: Make | None = None
    owner_id: str | None = None
    vehicle_ids: list[str] = field(default_factory=list)
    #: Where the visit ended. A second press of the last button leads there again.
    outcome: str | None = None


def begin(query: Mapping[str, str]) -> Run:
    """A new visit for this address; raises `InvalidParameter` for what is wrong with it."""
    _check_client(query)
    if query.get("response_type") not in ("code", "none"):
        raise InvalidParameter("response_type")
    wants_code = query["response_type"] == "code"
    single_select = _flag(query, "single_select")
    # Without single_select a VIN chooses nothing.
    vin = (query.get("single_select_vin") or "").upper() or None if single_select else None
    scopes = _scopes(query.get("scope"))
    given_make = make_for_vin(vin) if vin else _make(query.get("make"))
    run = Run(
        id=secrets.token_urlsafe(24),
        started_at=store.now(),
        redirect_uri=_redirect_uri(query.get("redirect_uri", ""), is_needed=wants_code),
        is_redirect_uri_named=bool(query.get("redirect_uri")),
        scopes=[scope.removeprefix("required:") for scope in scopes],
        required={scope.removeprefix("required:") for scope in scopes if scope.startswith("required:")},
        state=query.get("state"),
        is_forced=_choice(query, "approval_prompt", ("auto", "force")) == "force",
        mode=_choice(query, "mode", MODES),
        single_select=single_select,
        vin=vin,
        external_id=query.get("external_id"),
        given_make=given_make,
        wants_code=wants_code,
        make=given_make,
    )
    _keep(run)
    return run


def begin_again(query: Mapping[str, str]) -> Run:
    """A new visit to sign in again for one car; nothing is asked for and nothing allowed."""
    _check_client(query)
    if query.get("response_type") != "vehicle_id":
        raise InvalidParameter("response_type")
    car = store.state().cars.get(query.get("vehicle_id", ""))
    if car is None:
        raise InvalidParameter("vehicle_id")
    run = Run(
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
        given_make=MAKES[car.make],
        vehicle_id=car.id,
        make=MAKES[car.make],
    )
    _keep(run)
    return run


def _keep(run: Run) -> None:
    with store.changes():
        for old in [
            known for known in store.runs.values() if known.started_at < run.started_at - _VISIT_LIFE
        ]:
            del store.runs[old.id]
        store.runs[run.id] = run


def _check_client(query: Mapping[str, str]) -> None:
    # "application_id" is the name that newer SDKs use for the same id.
    name = "application_id" if "application_id" in query else "client_id"
    if query.get(name) != conf.SMARTCAR_SIMULATOR_CLIENT_ID:
        raise InvalidParameter(name)


def _redirect_uri(uri: str, is_needed: bool = True) -> str:
    if not uri and not is_needed:
        return ""  # the visit ends on a page of Connect's own
    registered = conf.SMARTCAR_SIMULATOR_REDIRECT_URIS
    if registered:
        if uri and uri not in registered:
            raise InvalidParameter("redirect_uri")
        return uri or registered[0]
    try:
        parts = urlsplit(uri)
    except ValueError:
        raise InvalidParameter("redirect_uri") from None
    is_printable = uri.isprintable() and " " not in uri and "\\" not in uri
    if not (is_printable and parts.scheme and parts.netloc and parts.scheme not in _UNSAFE_SCHEMES):
        raise InvalidParameter("redirect_uri")
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


def _choice(query: Mapping[str, str], name: str, known: tuple[str, ...]) -> str:
    value = query.get(name) or known[0]
    if value not in known:
        raise InvalidParameter(name)
    return value


def _flag(query: Mapping[str, str], name: str) -> bool:
    return _choice(query, name, ("false", "true")) == "true"
