"""Verify who consented, in API v3. The callback's ``user_id`` is only text in a URL that anyone can edit.

The application's token gives access to every driver's vehicles, so accepting a forged user id would hand over
that driver's vehicles. Only Smartcar's own data counts; SMARTCAR_OWNERSHIP_PROOFS lists what is sufficient:

* ``code``            the callback's code is valid, its token belongs to this user, and Smartcar does not list
                      the user under another external id than ours (needs the v2 secret)
* ``external_id``     a connection of this user has the unguessable id that was sent for the local user
* ``new_connection``  a connection of this user, unknown here, was created or renewed since the attempt began

The first cannot be forged. The others depend on the Connect URL: a driver who follows a link that somebody
else created connects their vehicle to that person's account, if Smartcar sends this site no codes. Where it
does, the others are no proof: that person has no code, as the driver's browser received it.
"""

from __future__ import annotations

import re
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar

from django.db.models import QuerySet
from django.utils import timezone
from django.utils.crypto import constant_time_compare

from ... import sdk
from ...conf import conf
from ...databases import primary, to_utc
from ...exceptions import (
    InvalidConnectState,
    OwnershipNotVerified,
    SmartcarAppError,
    SmartcarException,
    error_code,
)
from ...models import ApplicationToken, ConnectAttempt, SmartcarUser
from ...secret_types import Secret
from .. import _authenticated_calls, client
from . import _state

T = TypeVar("T")

#: Seconds to wait until Smartcar lists a new connection. The driver waits meanwhile.
POLL_TIMEOUT = 4.0

_FIRST_PAUSE = 0.25

#: How many times longer each pause is: few requests, as anyone can invent a connection to wait for.
_PAUSE_GROWTH = 3

#: Maximum number of connections to read: if Smartcar ignores the filter, it lists those of all users.
_MAX_CONNECTIONS = 100

#: What a code can look like. Smartcar's are UUIDs today.
_CODE = re.compile(r"[\w.~+/=-]{1,200}", re.ASCII)

_MAX_ID_LENGTH = SmartcarUser._meta.pk.max_length or 0


@dataclass(frozen=True)
class Callback:
    """The query parameters of Connect's redirect: text that the logged-in user can edit."""

    code: str = field(default="", repr=False)
    user_id: str = ""
    external_id: str = field(default="", repr=False)

    def __post_init__(self) -> None:
        for name in ("code", "external_id"):
            object.__setattr__(self, name, Secret(getattr(self, name)))


@dataclass(frozen=True)
class VerifiedUser:
    """The verified Smartcar user who consented. ``access`` has API v2 tokens if a code was exchanged."""

    user_id: str
    access: sdk.Access | None = field(default=None, repr=False)


class _NotVerified(Exception):
    """A proof that failed, with the reason."""


def verify_owner(attempt: ConnectAttempt, callback: Callback) -> VerifiedUser:
    """Return the Smartcar user who consented. Raise OwnershipNotVerified, with the result of each proof.

    Raises InvalidConnectState if the local user's data was erased in the meantime.
    """
    if not primary(ConnectAttempt).filter(pk=attempt.pk).exists():
        raise InvalidConnectState("erased")  # with the external id: do not give the user another one
    own_id = _state.external_id_of(attempt.user_id)
    if callback.external_id and not constant_time_compare(callback.external_id.encode(), own_id.encode()):
        raise OwnershipNotVerified({"callback": "the external id belongs to another user"})
    attempted_proofs: dict[str, str] = {}
    for name, proof in PROOFS.items():
        if name in conf.SMARTCAR_OWNERSHIP_PROOFS:
            try:
                return proof(attempt, callback)
            except _NotVerified as reason:
                attempted_proofs[name] = str(reason)
            except (SmartcarException, SmartcarAppError) as error:
                attempted_proofs[name] = f"failed ({error_code(error)})"
            if name == "code" and _has_codes(attempt, callback):
                break
    raise OwnershipNotVerified(attempted_proofs)


def poll(fetch: Callable[[], T]) -> T:
    """Call ``fetch`` for a few seconds, until it returns something; return its last result."""
    deadline = time.monotonic() + POLL_TIMEOUT
    pause = _FIRST_PAUSE
    while not (result := fetch()) and time.monotonic() + pause < deadline:
        time.sleep(pause)
        pause *= _PAUSE_GROWTH
    return result


def _has_codes(attempt: ConnectAttempt, callback: Callback) -> bool:
    """Return whether Smartcar sends codes to this site, so that no other proof may be tried.

    A driver who is already this local user's may connect again without a code.
    """
    if not all(client.v2_credentials()):
        return False  # this site cannot exchange any
    if callback.code:
        return True
    is_known = primary(SmartcarUser).filter(pk=callback.user_id, user=attempt.user).exists()
    return not is_known and _application().filter(code_received_at__isnull=False).exists()


def _application() -> QuerySet[ApplicationToken]:
    rows: QuerySet[ApplicationToken] = primary(ApplicationToken)
    return rows.filter(client_id=client.application_id())


def is_code(text: str) -> bool:
    """Return whether Smartcar has to be asked if this is a code."""
    return _CODE.fullmatch(text) is not None


def _by_code(attempt: ConnectAttempt, callback: Callback) -> VerifiedUser:
    if not callback.code:
        raise _NotVerified("the callback had no code")
    if not is_code(callback.code):
        raise _NotVerified("the callback has no valid code")
    access = client.auth_client(attempt.redirect_uri).exchange_code(callback.code)
    user_id = client.user_id(access["access_token"])
    if _is_another_users(attempt, user_id):
        raise _NotVerified("Smartcar lists the user of the code, but not under the external id that was sent")
    _application().filter(code_received_at=None).update(code_received_at=timezone.now())
    return VerifiedUser(user_id, access)


def _is_another_users(attempt: ConnectAttempt, user_id: str) -> bool:
    """Return whether the user consented, but in a visit to Connect that another local user began.

    The code may have been stolen then. If Smartcar ignores the filter, this is not known, and False.
    """
    own_id = _state.external_id_of(attempt.user_id)

    def listed() -> list[sdk.v3.Connection]:
        return _own_connections(attempt, user_id, external_id=own_id)

    # The last look is for a connection that appeared just after the first.
    return not poll(listed) and bool(_own_connections(attempt, user_id)) and not listed()


def _by_external_id(attempt: ConnectAttempt, callback: Callback) -> VerifiedUser:
    user_id = _user_id_of(callback)
    own_id = _state.external_id_of(attempt.user_id)
    if not poll(lambda: _own_connections(attempt, user_id, external_id=own_id)):
        known = {connection["user_id"] for connection in _connections(attempt, external_id=own_id)}
        raise _NotVerified(
            f"Smartcar lists {len(known)} users with this external id, but not the user of the callback"
        )
    # Repeat the request with an unused id: if the user is still listed, Smartcar ignores the filter.
    if _own_connections(attempt, user_id, external_id=str(uuid.uuid4())):
        raise _NotVerified("Smartcar ignores the filter: an unused external id returns the same connections")
    return VerifiedUser(user_id)


def _by_new_connection(attempt: ConnectAttempt, callback: Callback) -> VerifiedUser:
    user_id = _user_id_of(callback)
    if primary(SmartcarUser).filter(pk=user_id).exclude(user_id=attempt.user_id).exists():
        raise _NotVerified("the Smartcar user already exists on this site")

    begun_at = to_utc(attempt.created_at)

    def is_new() -> bool:
        connections = _own_connections(attempt, user_id)
        times = [
            at for connection in connections for at in (connection["created_at"], connection["updated_at"])
        ]
        return any(at is not None and at >= begun_at for at in times)

    if not poll(is_new):
        raise _NotVerified("no connection of this user was created or renewed since the attempt began")
    return VerifiedUser(user_id)


#: Strictest first.
PROOFS: dict[str, Callable[[ConnectAttempt, Callback], VerifiedUser]] = {
    "code": _by_code,
    "external_id": _by_external_id,
    "new_connection": _by_new_connection,
}


def _user_id_of(callback: Callback) -> str:
    if not 0 < len(callback.user_id) <= _MAX_ID_LENGTH or not callback.user_id.isprintable():
        raise _NotVerified("the callback has no valid user id")
    return callback.user_id


def _own_connections(attempt: ConnectAttempt, user_id: str, **filters: str) -> list[sdk.v3.Connection]:
    """Return the user's connections. Smartcar's filter is not trusted: they are filtered here again."""
    connections = _connections(attempt, user_id=user_id, **filters)
    return [connection for connection in connections if connection["user_id"] == user_id]


def _connections(attempt: ConnectAttempt, **filters: str) -> list[sdk.v3.Connection]:
    return _authenticated_calls.as_application(
        lambda token: client.connections(token, attempt.mode, filters, first=_MAX_CONNECTIONS)
    )
