"""System checks of the settings and URLs. Each message has a hint that says how to fix it.

| id | problem |
| --- | --- |
| ``smartcar.E001`` | ``SMARTCAR_CLIENT_ID`` is missing |
| ``smartcar.E002`` | ``SMARTCAR_CLIENT_SECRET`` is missing |
| ``smartcar.E003`` | ``SMARTCAR_REDIRECT_URI`` is not an absolute URL |
| ``smartcar.E004`` | ``SMARTCAR_SCOPE`` is not a list of permissions |
| ``smartcar.E005`` | ``SMARTCAR_MODE`` is unknown |
| ``smartcar.E006`` | ``SMARTCAR_UNIT_SYSTEM`` is unknown |
| ``smartcar.E007`` | a timeout is not a positive number |
| ``smartcar.E008`` | a host is not an ``http(s)://`` URL |
| ``smartcar.E009`` | ``django_smartcar.urls`` is not included |
| ``smartcar.E010`` | ``SMARTCAR_API_VERSION`` is unknown |
| ``smartcar.E011`` | ``SMARTCAR_APPLICATION_ID`` is missing |
| ``smartcar.E012`` | ``SMARTCAR_OWNERSHIP_PROOFS`` is empty or has an unknown proof |
| ``smartcar.E013`` | ``SMARTCAR_MANAGEMENT_TOKENS`` is not a list of tokens |
| ``smartcar.E014`` | the only ownership proof needs a client id and secret that are missing |
| ``smartcar.E015`` | ``SMARTCAR_REGION`` is unknown |
| ``smartcar.E016`` | ``SMARTCAR_READINGS_KEPT_DAYS`` is not a positive number, or a dict of them |
| ``smartcar.E017`` | ``SMARTCAR_USER_LIMITS`` is not a dict of rates, or has an unknown limit |
| ``smartcar.E018`` | ``SMARTCAR_RATE_LIMIT`` is not a pair of positive numbers |
| ``smartcar.E019`` | ``SMARTCAR_SIMULATOR_URL`` is set while ``DEBUG`` is off |
| ``smartcar.E020`` | ``SMARTCAR_ENCRYPTION_KEYS`` is not a list of keys |
| ``smartcar.E021`` | ``SMARTCAR_ENCRYPTION_KEYS`` is empty |
| ``smartcar.E022`` | ``SMARTCAR_MAP_TILES`` is not a dict with the URL and the attribution of a tile server |
| ``smartcar.E023`` | ``SMARTCAR_GEOCODER`` is not the dotted path of a function |
| ``smartcar.E030`` | ``SMARTCAR_WEBHOOK_TOKENS`` is not a dict of unguessable names to tokens |
| ``smartcar.E031`` | ``SMARTCAR_WEBHOOK_WORK`` is unknown |
| ``smartcar.E032`` | ``SMARTCAR_SIGNALS`` is not a list |
| ``smartcar.E033`` | the task backend of ``SMARTCAR_WEBHOOK_WORK`` is not installed |
| ``smartcar.E034`` | ``SMARTCAR_WEBHOOKS`` is not a list of ids |
| ``smartcar.E040`` | a credential has quotation marks around it, or white space in it |
| ``smartcar.E050`` | ``SMARTCAR_COMMAND_EXECUTION`` is unknown |
| ``smartcar.E051`` | the task backend of ``SMARTCAR_COMMAND_EXECUTION`` is not installed |
| ``smartcar.W001`` | a URL of another machine without TLS |
| ``smartcar.W003`` | an id does not have the expected format |
| ``smartcar.W004`` | a host ends with a version |
| ``smartcar.W005`` | API version 2.0 is deprecated from 2026-12-01 |
| ``smartcar.W006`` | a secret looks like an id, or is used twice |
| ``smartcar.W007`` | the client id and secret of API v2 are incomplete or unused |
| ``smartcar.W008`` | the weakest ownership proof is enabled |
| ``smartcar.W009`` | credentials of the simulator beside Smartcar's hosts or credentials, or the reverse |
| ``smartcar.W020`` | tokens are encrypted with a key derived from ``SECRET_KEY`` |
| ``smartcar.W030`` | (with ``--deploy``) ``SMARTCAR_MANAGEMENT_TOKENS`` is missing: webhooks are rejected |
| ``smartcar.W031`` | the task backend that processes webhooks has no worker |
| ``smartcar.W032`` | with API v2, ``SMARTCAR_WEBHOOKS`` is set without a token to unsubscribe with |
| ``smartcar.W040`` | (with ``--deploy``) a key is that of the example project or of the tests |
| ``smartcar.W041`` | (with ``--deploy``) an id, secret or token is the simulator's |
| ``smartcar.W042`` | (with ``--deploy``) the simulator is installed or used while ``DEBUG`` is off |
| ``smartcar.W043`` | (with ``--deploy``) a secret or token has fewer than 8 characters |
| ``smartcar.W050`` | the task backend that sends commands has no worker |
| ``smartcar.E090`` | users and the tables of this app are in different databases |
| ``smartcar.E091`` | the database of these tables does not exist |
| ``smartcar.W090`` | the callback and the webhook have a language in their addresses |
| ``smartcar.W091`` | ``USE_TZ`` is False in a time zone whose clocks change |
| ``smartcar.W092`` | ``django.contrib.messages`` is not installed |
| ``smartcar.W093`` | (with ``--deploy``) the redirect URI may begin with ``http://`` behind a proxy |
| ``smartcar.W094`` | the Content-Security-Policy stops the button |
"""

import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

from django.core.checks import CheckMessage, Error
from django.core.checks import Warning as CheckWarning
from django.urls import NoReverseMatch

from .. import addresses
from ..conf import DEFAULT_USER_LIMITS, SIMULATOR_PATHS, conf
from . import commands, credentials, encryption, form_action, maps, simulator, site, webhooks
from .published import check_published
from .simulator import LOCAL_HOSTS

__all__ = ["check_deployment", "check_published", "check_settings", "check_urls"]

TIMEOUTS = ("SMARTCAR_TIMEOUT", "SMARTCAR_COMMAND_TIMEOUT")
PERMISSION = re.compile(r"(required:)?(read|control)_\w+")
VERSION = re.compile(r"/v\d+(\.\d+)?$")


def check_settings(**kwargs: Any) -> list[CheckMessage]:
    return [
        *credentials.check(),
        *simulator.check(),
        *encryption.check(),
        *webhooks.check(),
        *commands.check(),
        *_ownership(),
        *_redirect_uri(),
        *_scope(),
        *_choices(),
        *_limits(),
        *_rate_limit(),
        *_timeouts(),
        *_hosts(),
        *form_action.check(),
        *maps.check(),
        *site.check(),
    ]


def check_deployment(**kwargs: Any) -> list[CheckMessage]:
    """Check what only a deployed site needs."""
    return [*webhooks.check_deployed(), *site.check_proxy()]


def check_urls(**kwargs: Any) -> list[CheckMessage]:
    try:
        has_prefix = addresses.has_language()
    except NoReverseMatch:
        return [
            Error(
                "The URLs of django_smartcar are not included in this site's URLconf.",
                hint='Add path("cars/", include("django_smartcar.urls")) to the urlpatterns of your URLconf.',
                id="smartcar.E009",
            )
        ]
    if has_prefix:
        return [
            CheckWarning(
                "The URLs of django_smartcar are inside i18n_patterns(): the addresses of the callback and "
                f"the webhook have a language ({addresses.callback_path()}), and so have the error pages "
                "that a driver sees after Connect.",
                hint='Keep them there, and add path("smartcar/", include("django_smartcar.endpoint_urls")) '
                "outside of i18n_patterns(); then enter the new addresses in Smartcar's dashboard.",
                id="smartcar.W090",
            )
        ]
    return []


def _ownership() -> Iterator[CheckMessage]:
    proofs: Any = conf.SMARTCAR_OWNERSHIP_PROOFS
    known = ("code", "external_id", "new_connection")
    if not isinstance(proofs, (list, tuple)) or not proofs or not set(proofs) <= set(known):
        yield Error(
            f"SMARTCAR_OWNERSHIP_PROOFS is {proofs!r}: it must be a list of one or more of code, external_id "
            "and new_connection.",
            hint='Leave it out, or set SMARTCAR_OWNERSHIP_PROOFS = ["code", "external_id"].',
            id="smartcar.E012",
        )
    elif set(proofs) == {"code"} and conf.SMARTCAR_API_VERSION == "3" and not conf.SMARTCAR_V2_CLIENT_SECRET:
        yield Error(
            'SMARTCAR_OWNERSHIP_PROOFS is ["code"], and codes cannot be exchanged: no user can connect.',
            hint="Set SMARTCAR_V2_CLIENT_ID and SMARTCAR_V2_CLIENT_SECRET, or add another proof.",
            id="smartcar.E014",
        )
    elif "new_connection" in proofs:
        yield CheckWarning(
            "SMARTCAR_OWNERSHIP_PROOFS has new_connection: anyone who learns the Smartcar user id of a new "
            "or just renewed connection that is not stored here can claim its vehicles.",
            hint='Use ["code", "external_id"] unless the log shows that Smartcar supports neither.',
            id="smartcar.W008",
        )


def _redirect_uri() -> Iterator[CheckMessage]:
    uri = conf.SMARTCAR_REDIRECT_URI
    if not uri:
        return
    if not _is_url(uri):
        yield Error(
            f"SMARTCAR_REDIRECT_URI is {uri!r}, which is not an absolute URL.",
            hint='Set it to the full URL of the callback, like "https://example.com/cars/callback/", '
            "or leave it out to build it from the request.",
            id="smartcar.E003",
        )
    elif _has_no_tls(uri):
        yield _tls_warning("SMARTCAR_REDIRECT_URI", uri)


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
    if conf.SMARTCAR_REGION not in ("US", "CA", "EUROPE"):
        yield Error(
            f"SMARTCAR_REGION is {conf.SMARTCAR_REGION!r}.",
            hint='Set it to "US", "CA" or "EUROPE".',
            id="smartcar.E015",
        )
    days: Any = conf.readings_kept_days
    if not all(isinstance(number, int | float) and number > 0 for number in days.values()):
        yield Error(
            "SMARTCAR_READINGS_KEPT_DAYS is not a number of days, or a dict with one for each signal.",
            hint='Set it to 365, or to {"location": 30, "*": 365}.',
            id="smartcar.E016",
        )


def _limits() -> Iterator[CheckMessage]:
    limits: Any = conf.SMARTCAR_USER_LIMITS
    try:
        unknown = sorted(set(limits) - set(DEFAULT_USER_LIMITS))
        problem = f"has an unknown limit: {', '.join(unknown)}" if unknown else ""
        conf.user_limits  # noqa: B018 (parses all)
    except (TypeError, ValueError) as error:
        problem = f"is not a dict of rates: {error}"
    if problem:
        yield Error(
            f"SMARTCAR_USER_LIMITS {problem}.",
            hint=f"Limits are {', '.join(DEFAULT_USER_LIMITS)}. Those left out keep their defaults: "
            'SMARTCAR_USER_LIMITS = {"connect": "20/m", "refresh": None}; None removes a limit.',
            id="smartcar.E017",
        )


def _rate_limit() -> Iterator[CheckMessage]:
    pair: Any = conf.SMARTCAR_RATE_LIMIT
    if pair is None:
        return
    is_pair = isinstance(pair, (list, tuple)) and len(pair) == 2
    if not is_pair or not all(
        isinstance(number, (int, float)) and not isinstance(number, bool) and 0 < number < float("inf")
        for number in pair
    ):
        yield Error(
            "SMARTCAR_RATE_LIMIT is not a pair of positive numbers.",
            hint="Set it to what Smartcar allows your application: (120, 2) is 120 requests at once, and two "
            "more a minute. None keeps nothing for drivers.",
            id="smartcar.E018",
        )


def _timeouts() -> Iterator[CheckMessage]:
    for name in TIMEOUTS:
        seconds: Any = getattr(conf, name)
        is_number = isinstance(seconds, (int, float)) and not isinstance(seconds, bool)
        if not is_number or not 0 < seconds < float("inf"):
            yield Error(
                f"{name} is {seconds!r}: without a timeout, one slow vehicle can block every worker of "
                "the site.",
                hint=f"Set {name} to a number of seconds, like 30.",
                id="smartcar.E007",
            )


def _hosts() -> Iterator[CheckMessage]:
    simulator_url = conf.SMARTCAR_SIMULATOR_URL
    for name in (*(["SMARTCAR_SIMULATOR_URL"] if simulator_url else []), *SIMULATOR_PATHS):
        address = getattr(conf, name)
        if simulator_url and address == simulator_url + SIMULATOR_PATHS.get(name, "/"):
            continue  # reported once, for SMARTCAR_SIMULATOR_URL
        if not _is_url(address):
            yield Error(
                f"{name} is {_redact(address)!r}, which is not an http(s):// URL.",
                hint=f"Leave {name} out to use Smartcar. For a simulator, set only "
                'SMARTCAR_SIMULATOR_URL = "http://127.0.0.1:8100".',
                id="smartcar.E008",
            )
        elif _has_no_tls(address):
            yield _tls_warning(name, address)
        if VERSION.search(address):
            yield CheckWarning(
                f"{name} is {_redact(address)!r}: the version would be in the URL twice.",
                hint=f"Leave the version out: {name} = {VERSION.sub('', _redact(address))!r}.",
                id="smartcar.W004",
            )


def _tls_warning(name: str, address: str) -> CheckMessage:
    return CheckWarning(
        f"{name} is {_redact(address)!r}: tokens and codes would be sent unencrypted.",
        hint=f"Use https:// in {name}.",
        id="smartcar.W001",
    )


def _redact(address: str) -> str:
    """Return a URL without its password: messages of checks are logged."""
    return re.sub(r"//[^/@]*@", "//…@", address)


def _is_url(address: str) -> bool:
    try:
        parts = urlsplit(address)
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(parts.hostname)


def _has_no_tls(address: str) -> bool:
    parts = urlsplit(address)
    return parts.scheme == "http" and parts.hostname not in LOCAL_HOSTS
