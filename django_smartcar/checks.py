"""System checks: a short function per concern, each message says what to type.

| id | what is wrong |
| --- | --- |
| ``smartcar.E001`` | ``SMARTCAR_CLIENT_ID`` is missing |
| ``smartcar.E002`` | ``SMARTCAR_CLIENT_SECRET`` is missing |
| ``smartcar.E003`` | ``SMARTCAR_REDIRECT_URI`` is not an absolute address |
| ``smartcar.E004`` | ``SMARTCAR_SCOPE`` is not a list of permissions |
| ``smartcar.E005`` | ``SMARTCAR_MODE`` is unknown |
| ``smartcar.E006`` | ``SMARTCAR_UNIT_SYSTEM`` is unknown |
| ``smartcar.E007`` | a timeout is not a positive number |
| ``smartcar.E008`` | a host is not an ``http(s)://`` address |
| ``smartcar.E009`` | ``django_smartcar.urls`` is not included |
| ``smartcar.W001`` | an address without TLS that is not this machine |
| ``smartcar.W002`` | sessions live in cookies, where a connection can lose its browser |
| ``smartcar.W003`` | ``SMARTCAR_CLIENT_ID`` does not have the shape of a Client ID |
| ``smartcar.W004`` | a host ends in a version |
"""

import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.checks import CheckMessage, Error
from django.core.checks import Warning as CheckWarning
from django.urls import NoReverseMatch, reverse

from .conf import conf

HOSTS = (
    "SMARTCAR_CONNECT_URL",
    "SMARTCAR_AUTH_URL",
    "SMARTCAR_API_URL",
    "SMARTCAR_MANAGEMENT_URL",
)
TIMEOUTS = ("SMARTCAR_TIMEOUT", "SMARTCAR_COMMAND_TIMEOUT")
UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
PERMISSION = re.compile(r"(required:)?(read|control)_\w+")
VERSION = re.compile(r"/v\d+(\.\d+)?$")
THIS_MACHINE = {"localhost", "127.0.0.1", "::1"}


def check_settings(**kwargs: Any) -> list[CheckMessage]:
    return [
        *_credentials(),
        *_redirect_uri(),
        *_scope(),
        *_choices(),
        *_timeouts(),
        *_hosts(),
        *_sessions(),
    ]


def check_urls(**kwargs: Any) -> list[CheckMessage]:
    try:
        reverse("smartcar:callback")
    except NoReverseMatch:
        return [
            Error(
                "The addresses of django_smartcar are not part of this site.",
                hint='Add path("cars/", include("django_smartcar.urls")) to the urlpatterns of your URLconf.',
                id="smartcar.E009",
            )
        ]
    return []


def _credentials() -> Iterator[CheckMessage]:
    if not conf.SMARTCAR_CLIENT_ID:
        yield Error(
            "SMARTCAR_CLIENT_ID is not set.",
            hint=(
                'Set SMARTCAR_CLIENT_ID = "…" to the Client ID of your application in Smartcar\'s dashboard '
                "(Configuration → API keys). To try without an account, use django_smartcar.simulator."
            ),
            id="smartcar.E001",
        )
    elif not UUID.fullmatch(conf.SMARTCAR_CLIENT_ID):
        yield CheckWarning(
            "SMARTCAR_CLIENT_ID is not a UUID. One that begins with “client_” belongs to machine-to-machine "
            "credentials, which Smartcar Connect refuses.",
            hint="Copy the Client ID (also called Application ID) from Smartcar's dashboard, without spaces.",
            id="smartcar.W003",
        )
    if not conf.SMARTCAR_CLIENT_SECRET:
        yield Error(
            "SMARTCAR_CLIENT_SECRET is not set.",
            hint=(
                'Set SMARTCAR_CLIENT_SECRET = os.environ["SMARTCAR_CLIENT_SECRET"] and put the Client Secret '
                "of your application there."
            ),
            id="smartcar.E002",
        )


def _redirect_uri() -> Iterator[CheckMessage]:
    uri = conf.SMARTCAR_REDIRECT_URI
    if not uri:
        return
    if not _is_address(uri):
        yield Error(
            f"SMARTCAR_REDIRECT_URI is {uri!r}, which is not an absolute address.",
            hint='Set it to the full address of the callback, like "https://example.com/cars/callback/", '
            "or leave it out to have it built from the request.",
            id="smartcar.E003",
        )
    elif _is_plain(uri):
        yield _without_tls("SMARTCAR_REDIRECT_URI", uri)


def _scope() -> Iterator[CheckMessage]:
    scope: Any = conf.SMARTCAR_SCOPE
    is_list = isinstance(scope, (list, tuple)) and bool(scope)
    if not is_list or not all(isinstance(name, str) and PERMISSION.fullmatch(name) for name in scope):
        yield Error(
            "SMARTCAR_SCOPE is not a list of permissions.",
            hint='Set SMARTCAR_SCOPE = ["required:read_vehicle_info", "read_odometer", "control_security"].',
            id="smartcar.E004",
        )


def _choices() -> Iterator[CheckMessage]:
    if conf.SMARTCAR_MODE not in ("live", "simulated", "test"):
        yield Error(
            f"SMARTCAR_MODE is {conf.SMARTCAR_MODE!r}.",
            hint='Set it to "live", "simulated" or "test".',
            id="smartcar.E005",
        )
    if conf.SMARTCAR_UNIT_SYSTEM not in ("metric", "imperial"):
        yield Error(
            f"SMARTCAR_UNIT_SYSTEM is {conf.SMARTCAR_UNIT_SYSTEM!r}.",
            hint='Set it to "metric" or "imperial".',
            id="smartcar.E006",
        )


def _timeouts() -> Iterator[CheckMessage]:
    for name in TIMEOUTS:
        seconds: Any = getattr(conf, name)
        is_number = isinstance(seconds, (int, float)) and not isinstance(seconds, bool)
        if not is_number or not 0 < seconds < float("inf"):
            yield Error(
                f"{name} is {seconds!r}: without a limit, one slow car can hold every worker of the site.",
                hint=f"Set {name} to a number of seconds, like 30.",
                id="smartcar.E007",
            )


def _hosts() -> Iterator[CheckMessage]:
    for name in HOSTS:
        address = getattr(conf, name)
        if not _is_address(address):
            yield Error(
                f"{name} is {address!r}, which is not an http(s):// address.",
                hint=f"Leave {name} out to speak to Smartcar, or point it at a simulator "
                "(python -m django_smartcar.simulator prints the values).",
                id="smartcar.E008",
            )
        elif _is_plain(address):
            yield _without_tls(name, address)
        if name != "SMARTCAR_AUTH_URL" and VERSION.search(address):
            yield CheckWarning(
                f"{name} is {address!r}: the version would be there twice.",
                hint=f"Leave the version out: {name} = {VERSION.sub('', address)!r}.",
                id="smartcar.W004",
            )


def _sessions() -> Iterator[CheckMessage]:
    if settings.SESSION_ENGINE == "django.contrib.sessions.backends.signed_cookies":
        yield CheckWarning(
            "Sessions live in signed cookies, whose key changes with their content: a driver who comes back "
            "from Connect after any other change of the session is asked to start again.",
            hint='Use SESSION_ENGINE = "django.contrib.sessions.backends.db" (or cached_db, cache, file).',
            id="smartcar.W002",
        )


def _without_tls(name: str, address: str) -> CheckMessage:
    return CheckWarning(
        f"{name} is {address!r}: tokens and codes would travel in the clear.",
        hint=f"Use https:// in {name}.",
        id="smartcar.W001",
    )


def _is_address(address: str) -> bool:
    try:
        parts = urlsplit(address)
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(parts.hostname)


def _is_plain(address: str) -> bool:
    parts = urlsplit(address)
    return parts.scheme == "http" and parts.hostname not in THIS_MACHINE
