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
| ``smartcar.E010`` | ``SMARTCAR_API_VERSION`` is unknown |
| ``smartcar.E011`` | ``SMARTCAR_APPLICATION_ID`` is missing |
| ``smartcar.E012`` | ``SMARTCAR_OWNERSHIP_PROOFS`` has no proof, or an unknown one |
| ``smartcar.E013`` | ``SMARTCAR_MANAGEMENT_TOKENS`` is not a list of tokens |
| ``smartcar.E014`` | the only proof of ownership lacks its id and secret |
| ``smartcar.E020`` | ``SMARTCAR_ENCRYPTION_KEYS`` is not a list of keys |
| ``smartcar.E021`` | ``SMARTCAR_ENCRYPTION_KEYS`` is empty |
| ``smartcar.E030`` | ``SMARTCAR_WEBHOOK_TOKENS`` is not a dict of tokens by unguessable names |
| ``smartcar.E031`` | ``SMARTCAR_WEBHOOK_WORK`` is unknown |
| ``smartcar.E032`` | ``SMARTCAR_SIGNALS`` is not a list |
| ``smartcar.E033`` | the engine that ``SMARTCAR_WEBHOOK_WORK`` names is not installed |
| ``smartcar.E034`` | ``SMARTCAR_WEBHOOKS`` is not a list of ids |
| ``smartcar.W001`` | an address without TLS that is not this machine |
| ``smartcar.W002`` | sessions live in cookies, where a connection can lose its browser |
| ``smartcar.W003`` | an id does not have the shape of what belongs there |
| ``smartcar.W004`` | a host ends in a version |
| ``smartcar.W005`` | API version 2.0 ends on 2026-12-01 |
| ``smartcar.W006`` | a secret looks like an id, or stands in two places |
| ``smartcar.W007`` | the older pair is set by half, or has no use |
| ``smartcar.W008`` | the weakest proof of ownership is switched on |
| ``smartcar.W020`` | tokens are encrypted with a key made of ``SECRET_KEY`` |
| ``smartcar.W030`` | (with ``--deploy``) ``SMARTCAR_MANAGEMENT_TOKENS`` is missing: webhooks are refused |
| ``smartcar.W031`` | the tasks that are to work webhooks have no worker |
| ``smartcar.W032`` | with 2.0, ``SMARTCAR_WEBHOOKS`` is set and no token to unsubscribe with |
"""

import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.checks import CheckMessage, Error
from django.core.checks import Warning as CheckWarning
from django.urls import NoReverseMatch, reverse

from ..conf import conf
from . import credentials, encryption, webhooks
from .webhooks import check_deployment

__all__ = ["check_deployment", "check_settings", "check_urls"]

HOSTS = (
    "SMARTCAR_CONNECT_URL",
    "SMARTCAR_IAM_URL",
    "SMARTCAR_VEHICLE_API_URL",
    "SMARTCAR_MANAGEMENT_API_URL",
    "SMARTCAR_AUTH_URL",
    "SMARTCAR_API_URL",
    "SMARTCAR_MANAGEMENT_URL",
)
TIMEOUTS = ("SMARTCAR_TIMEOUT", "SMARTCAR_COMMAND_TIMEOUT")
PERMISSION = re.compile(r"(required:)?(read|control)_\w+")
VERSION = re.compile(r"/v\d+(\.\d+)?$")
THIS_MACHINE = {"localhost", "127.0.0.1", "::1"}


def check_settings(**kwargs: Any) -> list[CheckMessage]:
    return [
        *credentials.check(),
        *encryption.check(),
        *webhooks.check(),
        *_ownership(),
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


def _ownership() -> Iterator[CheckMessage]:
    proofs: Any = conf.SMARTCAR_OWNERSHIP_PROOFS
    known = ("code", "external_id", "new_connection")
    if not isinstance(proofs, (list, tuple)) or not proofs or not set(proofs) <= set(known):
        yield Error(
            f"SMARTCAR_OWNERSHIP_PROOFS is {proofs!r}: it must name one proof or more, all known.",
            hint='Leave it out, or set SMARTCAR_OWNERSHIP_PROOFS = ["code", "external_id"].',
            id="smartcar.E012",
        )
    elif set(proofs) == {"code"} and conf.SMARTCAR_API_VERSION == "3" and not conf.SMARTCAR_V2_CLIENT_SECRET:
        yield Error(
            'SMARTCAR_OWNERSHIP_PROOFS is ["code"], and codes cannot be exchanged: nobody could connect.',
            hint="Set SMARTCAR_V2_CLIENT_ID and SMARTCAR_V2_CLIENT_SECRET, or name another proof as well.",
            id="smartcar.E014",
        )
    elif "new_connection" in proofs:
        yield CheckWarning(
            "SMARTCAR_OWNERSHIP_PROOFS has new_connection: whoever learns the Smartcar user id of somebody "
            "whose connection was just made or renewed, and who is unknown here, can have their cars.",
            hint='Use ["code", "external_id"] unless the log says that Smartcar supports neither.',
            id="smartcar.W008",
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
                f"{name} is {_shown(address)!r}, which is not an http(s):// address.",
                hint=f"Leave {name} out to speak to Smartcar, or point it at a simulator "
                "(python -m django_smartcar.simulator prints the values).",
                id="smartcar.E008",
            )
        elif _is_plain(address):
            yield _without_tls(name, address)
        if VERSION.search(address):
            yield CheckWarning(
                f"{name} is {_shown(address)!r}: the version would be there twice.",
                hint=f"Leave the version out: {name} = {VERSION.sub('', _shown(address))!r}.",
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
        f"{name} is {_shown(address)!r}: tokens and codes would travel in the clear.",
        hint=f"Use https:// in {name}.",
        id="smartcar.W001",
    )


def _shown(address: str) -> str:
    """An address without a password: what checks say lies in logs."""
    return re.sub(r"//[^/@]*@", "//…@", address)


def _is_address(address: str) -> bool:
    try:
        parts = urlsplit(address)
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(parts.hostname)


def _is_plain(address: str) -> bool:
    parts = urlsplit(address)
    return parts.scheme == "http" and parts.hostname not in THIS_MACHINE
