"""Checks of Smartcar's four kinds of credentials, which are easily mixed up; their formats differ.

Smartcar's dashboard has the Application ID (also the Client ID of API v2, with a secret of its own) under
Configuration → Application details, and the ``client_…`` id of API v3 with its secrets under API Credentials.
"""

import re
from collections.abc import Iterator
from typing import Any

from django.core.checks import CheckMessage, Error
from django.core.checks import Warning as CheckWarning

from ..conf import conf
from ..secret_types import Secret

UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
V3_CLIENT_ID = re.compile(r"client_\w+")

#: Quotation marks at an end of a credential, and white space anywhere: Smartcar's have neither.
_NOT_PART = re.compile(r"^[\"'`“”„‘’«»]|[\"'`“”„‘’«»]$|\s")
_SINGLE = (
    "SMARTCAR_CLIENT_ID",
    "SMARTCAR_CLIENT_SECRET",
    "SMARTCAR_APPLICATION_ID",
    "SMARTCAR_V2_CLIENT_ID",
    "SMARTCAR_V2_CLIENT_SECRET",
)

USE_SIMULATOR = (
    "To try it without an account, run django_smartcar.simulator and set only SMARTCAR_SIMULATOR_URL = "
    '"http://127.0.0.1:8100".'
)
APPLICATION_ID_SOURCE = (
    "the Application ID from Configuration → Application details in Smartcar's dashboard (a UUID)"
)
CLIENT_ID_SOURCE = (
    "the Client ID from the tab API Credentials in Smartcar's dashboard (it begins with client_)"
)


def check() -> Iterator[CheckMessage]:
    if conf.SMARTCAR_API_VERSION == "3":
        yield from _version_3()
    elif conf.SMARTCAR_API_VERSION == "2.0":
        yield from _version_2()
    else:
        yield Error(
            f"SMARTCAR_API_VERSION is {conf.SMARTCAR_API_VERSION!r}.",
            hint='Set it to "3", or to "2.0" while Smartcar still supports it.',
            id="smartcar.E010",
        )
    yield from _secrets()
    yield from _management_tokens()
    yield from _wrapped()


def _version_3() -> Iterator[CheckMessage]:
    yield from _pair(CLIENT_ID_SOURCE)
    if conf.SMARTCAR_CLIENT_ID and not V3_CLIENT_ID.fullmatch(conf.SMARTCAR_CLIENT_ID):
        kind = "an Application ID" if UUID.fullmatch(conf.SMARTCAR_CLIENT_ID) else "not a client id of API v3"
        yield _misplaced("SMARTCAR_CLIENT_ID", f"is {kind}: API v3 issues no token for it", CLIENT_ID_SOURCE)
    if not conf.SMARTCAR_APPLICATION_ID:
        yield Error(
            "SMARTCAR_APPLICATION_ID is not set: Connect, where users give consent, needs it.",
            hint=f'Set SMARTCAR_APPLICATION_ID = "…" to {APPLICATION_ID_SOURCE}.',
            id="smartcar.E011",
        )
    else:
        yield from _application_id("SMARTCAR_APPLICATION_ID", conf.SMARTCAR_APPLICATION_ID)
    yield from _v2_pair()


def _version_2() -> Iterator[CheckMessage]:
    yield CheckWarning(
        'SMARTCAR_API_VERSION is "2.0", which Smartcar deprecates on 2026-12-01.',
        hint='Set SMARTCAR_API_VERSION = "3" with its own client id and secret, move those of API v2 to '
        "SMARTCAR_V2_CLIENT_ID and SMARTCAR_V2_CLIENT_SECRET, and run manage.py migrate_smartcar_accounts.",
        id="smartcar.W005",
    )
    yield from _pair(APPLICATION_ID_SOURCE)
    if conf.SMARTCAR_CLIENT_ID:
        yield from _application_id("SMARTCAR_CLIENT_ID", conf.SMARTCAR_CLIENT_ID)
    if conf.SMARTCAR_V2_CLIENT_ID or conf.SMARTCAR_V2_CLIENT_SECRET:
        yield CheckWarning(
            "SMARTCAR_V2_CLIENT_ID and SMARTCAR_V2_CLIENT_SECRET are not used if SMARTCAR_API_VERSION is "
            '"2.0".',
            hint="Set SMARTCAR_CLIENT_ID and SMARTCAR_CLIENT_SECRET to the client id and secret of API v2.",
            id="smartcar.W007",
        )


def _pair(source: str) -> Iterator[CheckMessage]:
    if not conf.SMARTCAR_CLIENT_ID:
        yield Error(
            "SMARTCAR_CLIENT_ID is not set.",
            hint=f'Set SMARTCAR_CLIENT_ID = "…" to {source}. {USE_SIMULATOR}',
            id="smartcar.E001",
        )
    if not conf.SMARTCAR_CLIENT_SECRET:
        yield Error(
            "SMARTCAR_CLIENT_SECRET is not set.",
            hint='Set SMARTCAR_CLIENT_SECRET = os.environ["SMARTCAR_CLIENT_SECRET"] and set that '
            "variable to the secret that Smartcar's dashboard shows with the id of SMARTCAR_CLIENT_ID.",
            id="smartcar.E002",
        )


def _application_id(name: str, value: str) -> Iterator[CheckMessage]:
    if V3_CLIENT_ID.fullmatch(value):
        yield _misplaced(
            name, "is a client id of API v3, which Smartcar Connect rejects", APPLICATION_ID_SOURCE
        )
    elif not UUID.fullmatch(value):
        yield _misplaced(name, "is not a UUID", APPLICATION_ID_SOURCE)


def _v2_pair() -> Iterator[CheckMessage]:
    client_id, secret = conf.SMARTCAR_V2_CLIENT_ID, conf.SMARTCAR_V2_CLIENT_SECRET
    if bool(client_id) != bool(secret):
        yield CheckWarning(
            "Only one of SMARTCAR_V2_CLIENT_ID and SMARTCAR_V2_CLIENT_SECRET is set: accounts of API v2 "
            "do not work.",
            hint="Set both, or remove both if no account of API v2 is left.",
            id="smartcar.W007",
        )
    if client_id:
        yield from _application_id("SMARTCAR_V2_CLIENT_ID", client_id)
        if UUID.fullmatch(client_id) and client_id.lower() != conf.SMARTCAR_APPLICATION_ID.lower():
            problem = "differs from SMARTCAR_APPLICATION_ID, but they are the same id"
            yield _misplaced("SMARTCAR_V2_CLIENT_ID", problem, APPLICATION_ID_SOURCE)


def _secrets() -> Iterator[CheckMessage]:
    secrets = {
        "SMARTCAR_CLIENT_SECRET": conf.SMARTCAR_CLIENT_SECRET,
        "SMARTCAR_V2_CLIENT_SECRET": conf.SMARTCAR_V2_CLIENT_SECRET,
    }
    ids = (conf.SMARTCAR_CLIENT_ID, conf.SMARTCAR_APPLICATION_ID, conf.SMARTCAR_V2_CLIENT_ID)
    for name, secret in secrets.items():
        if secret and (secret in ids or V3_CLIENT_ID.fullmatch(secret)):
            yield CheckWarning(
                f"{name} is an id, not a secret.",
                hint=f"Copy the secret that Smartcar's dashboard shows, once, with the id of {name[:-6]}ID.",
                id="smartcar.W006",
            )
    if secrets["SMARTCAR_CLIENT_SECRET"] and len(set(secrets.values())) == 1:
        yield CheckWarning(
            "SMARTCAR_CLIENT_SECRET and SMARTCAR_V2_CLIENT_SECRET are the same, but API v3 and API v2 "
            "have different secrets.",
            hint="Copy the secret of API v3 from the tab API Credentials in Smartcar's dashboard.",
            id="smartcar.W006",
        )


def _management_tokens() -> Iterator[CheckMessage]:
    tokens: Any = conf.SMARTCAR_MANAGEMENT_TOKENS
    is_list = isinstance(tokens, (list, tuple)) and all(isinstance(token, str) and token for token in tokens)
    if not is_list:
        yield Error(
            "SMARTCAR_MANAGEMENT_TOKENS is not a list of tokens.",
            hint='Set SMARTCAR_MANAGEMENT_TOKENS = ["…"] to the Application Management Token of your '
            "application in Smartcar's dashboard, or leave it out.",
            id="smartcar.E013",
        )


def _wrapped() -> Iterator[CheckMessage]:
    for name, values in texts().items():
        if any(map(_NOT_PART.search, values)):
            yield Error(
                f"{name} has quotation marks around it, or white space in it, which are sent to Smartcar.",
                hint=f"Set {name} to the value alone. Quotation marks of a shell do not belong in a file.",
                id="smartcar.E040",
            )


def texts() -> dict[str, list[str]]:
    """Return the plain texts of each setting that Smartcar issues; other types are reported elsewhere."""
    endpoints: Any = conf.SMARTCAR_WEBHOOK_TOKENS
    tokens = endpoints.values() if isinstance(endpoints, dict) else ()
    return {
        **{name: _plain([getattr(conf, name)]) for name in _SINGLE},
        "SMARTCAR_MANAGEMENT_TOKENS": _plain(conf.SMARTCAR_MANAGEMENT_TOKENS),
        "SMARTCAR_WEBHOOK_TOKENS": [token for listed in tokens for token in _plain(listed)],
    }


def _plain(values: Any) -> list[str]:
    listed = values if isinstance(values, list | tuple) else ()
    return [Secret(value).reveal() for value in listed if isinstance(value, str)]


def _misplaced(name: str, problem: str, source: str) -> CheckMessage:
    return CheckWarning(f"{name} {problem}.", hint=f"Copy {source}.", id="smartcar.W003")
