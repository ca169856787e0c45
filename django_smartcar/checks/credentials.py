"""Checks of Smartcar's four kinds of credentials, which are easily mixed up: told apart by their shapes.

Smartcar's dashboard has the Application ID (also the Client ID of API v2, with a secret of its own) under
Configuration → Application details, and the ``client_…`` id of API v3 with its secrets under API Credentials.
"""

import re
from collections.abc import Iterator
from typing import Any

from django.core.checks import CheckMessage, Error
from django.core.checks import Warning as CheckWarning

from ..conf import conf

UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
M2M = re.compile(r"client_\w+")

SIMULATOR = "To try without an account, use django_smartcar.simulator."
APPLICATION_BOX = (
    "the Application ID from Configuration → Application details in Smartcar's dashboard "
    "(a UUID, without spaces)"
)
M2M_BOX = (
    "the Client ID from the tab API Credentials in Smartcar's dashboard "
    "(it begins with client_, without spaces)"
)


def check() -> Iterator[CheckMessage]:
    if conf.SMARTCAR_API_VERSION == "3":
        yield from _version_3()
    elif conf.SMARTCAR_API_VERSION == "2.0":
        yield from _version_2()
    else:
        yield Error(
            f"SMARTCAR_API_VERSION is {conf.SMARTCAR_API_VERSION!r}.",
            hint='Set it to "3", or to "2.0" while Smartcar still serves that.',
            id="smartcar.E010",
        )
    yield from _secrets()
    yield from _management_tokens()


def _version_3() -> Iterator[CheckMessage]:
    yield from _pair(M2M_BOX)
    if conf.SMARTCAR_CLIENT_ID and not M2M.fullmatch(conf.SMARTCAR_CLIENT_ID):
        what = "an Application ID" if UUID.fullmatch(conf.SMARTCAR_CLIENT_ID) else "not the id of API v3"
        yield _misplaced("SMARTCAR_CLIENT_ID", f"is {what}: API v3 gives no token for it", M2M_BOX)
    if not conf.SMARTCAR_APPLICATION_ID:
        yield Error(
            "SMARTCAR_APPLICATION_ID is not set: Connect, where drivers consent, knows the site by it.",
            hint=f'Set SMARTCAR_APPLICATION_ID = "…" to {APPLICATION_BOX}.',
            id="smartcar.E011",
        )
    else:
        yield from _application_id("SMARTCAR_APPLICATION_ID", conf.SMARTCAR_APPLICATION_ID)
    yield from _older_pair()


def _version_2() -> Iterator[CheckMessage]:
    yield CheckWarning(
        'SMARTCAR_API_VERSION is "2.0": Smartcar ends it on 2026-12-01, and no car answers afterwards.',
        hint='Set SMARTCAR_API_VERSION = "3" with its own id and secret, move the older pair to '
        "SMARTCAR_V2_CLIENT_ID and SMARTCAR_V2_CLIENT_SECRET, and run manage.py migrate_smartcar_accounts.",
        id="smartcar.W005",
    )
    yield from _pair(APPLICATION_BOX)
    if conf.SMARTCAR_CLIENT_ID:
        yield from _application_id("SMARTCAR_CLIENT_ID", conf.SMARTCAR_CLIENT_ID)
    if conf.SMARTCAR_V2_CLIENT_ID or conf.SMARTCAR_V2_CLIENT_SECRET:
        yield CheckWarning(
            'SMARTCAR_V2_CLIENT_ID and SMARTCAR_V2_CLIENT_SECRET have no use where the version is "2.0".',
            hint="Put the pair of API v2 into SMARTCAR_CLIENT_ID and SMARTCAR_CLIENT_SECRET.",
            id="smartcar.W007",
        )


def _pair(box: str) -> Iterator[CheckMessage]:
    if not conf.SMARTCAR_CLIENT_ID:
        yield Error(
            "SMARTCAR_CLIENT_ID is not set.",
            hint=f'Set SMARTCAR_CLIENT_ID = "…" to {box}. {SIMULATOR}',
            id="smartcar.E001",
        )
    if not conf.SMARTCAR_CLIENT_SECRET:
        yield Error(
            "SMARTCAR_CLIENT_SECRET is not set.",
            hint='Set SMARTCAR_CLIENT_SECRET = os.environ["SMARTCAR_CLIENT_SECRET"] and put the secret there '
            "that Smartcar's dashboard gives with the id of SMARTCAR_CLIENT_ID.",
            id="smartcar.E002",
        )


def _application_id(name: str, value: str) -> Iterator[CheckMessage]:
    if M2M.fullmatch(value):
        yield _misplaced(name, "is an id of API v3, which Smartcar Connect refuses", APPLICATION_BOX)
    elif not UUID.fullmatch(value):
        yield _misplaced(name, "is not a UUID", APPLICATION_BOX)


def _older_pair() -> Iterator[CheckMessage]:
    client_id, secret = conf.SMARTCAR_V2_CLIENT_ID, conf.SMARTCAR_V2_CLIENT_SECRET
    if bool(client_id) != bool(secret):
        yield CheckWarning(
            "Of SMARTCAR_V2_CLIENT_ID and SMARTCAR_V2_CLIENT_SECRET only one is set: no account of API v2 "
            "can be served.",
            hint="Set both, or neither once no account of API v2 is left.",
            id="smartcar.W007",
        )
    if client_id:
        yield from _application_id("SMARTCAR_V2_CLIENT_ID", client_id)
        if UUID.fullmatch(client_id) and client_id.lower() != conf.SMARTCAR_APPLICATION_ID.lower():
            problem = "is not SMARTCAR_APPLICATION_ID, which is the same id under its newer name"
            yield _misplaced("SMARTCAR_V2_CLIENT_ID", problem, APPLICATION_BOX)


def _secrets() -> Iterator[CheckMessage]:
    secrets = {
        "SMARTCAR_CLIENT_SECRET": conf.SMARTCAR_CLIENT_SECRET,
        "SMARTCAR_V2_CLIENT_SECRET": conf.SMARTCAR_V2_CLIENT_SECRET,
    }
    ids = (conf.SMARTCAR_CLIENT_ID, conf.SMARTCAR_APPLICATION_ID, conf.SMARTCAR_V2_CLIENT_ID)
    for name, secret in secrets.items():
        if secret and (secret in ids or M2M.fullmatch(secret)):
            yield CheckWarning(
                f"{name} is an id, not a secret.",
                hint=f"Copy the secret that Smartcar's dashboard gives, once, with the id of {name[:-6]}ID.",
                id="smartcar.W006",
            )
    if secrets["SMARTCAR_CLIENT_SECRET"] and len(set(secrets.values())) == 1:
        yield CheckWarning(
            "SMARTCAR_CLIENT_SECRET and SMARTCAR_V2_CLIENT_SECRET are the same: API v3 and API v2 have "
            "secrets of their own.",
            hint="Copy the secret of API v3 from the tab API Credentials in Smartcar's dashboard.",
            id="smartcar.W006",
        )


def _management_tokens() -> Iterator[CheckMessage]:
    given: Any = conf.SMARTCAR_MANAGEMENT_TOKENS
    is_list = isinstance(given, (list, tuple)) and all(isinstance(token, str) and token for token in given)
    if not is_list:
        yield Error(
            "SMARTCAR_MANAGEMENT_TOKENS is not a list of tokens.",
            hint='Set SMARTCAR_MANAGEMENT_TOKENS = ["…"] to the Application Management Token of your '
            "application in Smartcar's dashboard, or leave it out.",
            id="smartcar.E013",
        )


def _misplaced(name: str, problem: str, box: str) -> CheckMessage:
    return CheckWarning(f"{name} {problem}.", hint=f"Copy {box}.", id="smartcar.W003")
