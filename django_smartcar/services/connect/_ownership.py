"""Who has consented, in API v3: asked of Smartcar, since the callback's ``user_id`` is text in a URL.

The application's token opens every driver's cars, so whoever could put another's id into the address would
have that driver's cars. What Smartcar itself says decides; SMARTCAR_OWNERSHIP_PROOFS names what is enough:

* ``code``            the callback's code is good, and its token is this user's (with API v2's secret)
* ``external_id``     a connection of this user is under the unguessable id that we sent for the local user
* ``new_connection``  a connection of this user, unknown here, was made or renewed since the attempt began

The first cannot be borrowed. The others rest on what was said in Connect: a driver who follows a link that
somebody else made gives their car to that person's account, whatever this site does.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar

from django.utils.crypto import constant_time_compare

from ... import sdk
from ...conf import conf
from ...exceptions import OwnershipNotVerified, SmartcarAppError, SmartcarException, error_code
from ...models import ConnectAttempt, SmartcarUser
from ...secret_types import Secret
from .. import _session, client
from . import _state

T = TypeVar("T")

#: How long a connection that was just made is waited for, in seconds: the driver waits as well.
VISIBLE_WITHIN = 4.0

_FIRST_PAUSE = 0.25

#: How many connections are looked at: a filter that is not heeded shows everybody's.
_MOST = 100

_MAX_ID_LENGTH = SmartcarUser._meta.pk.max_length or 0


@dataclass(frozen=True)
class Callback:
    """What Connect's redirect said: all of it text that the logged-in person can edit."""

    code: str = field(default="", repr=False)
    user_id: str = ""
    external_id: str = field(default="", repr=False)

    def __post_init__(self) -> None:
        for name in ("code", "external_id"):
            object.__setattr__(self, name, Secret(getattr(self, name)))


@dataclass(frozen=True)
class VerifiedUser:
    """Who has consented, as Smartcar says; a code's tokens are good for API v2."""

    user_id: str
    access: sdk.Access | None = field(default=None, repr=False)


class _NotVerified(Exception):
    """What was looked for is not there: says what came back instead."""


def verify_owner(attempt: ConnectAttempt, said: Callback) -> VerifiedUser:
    """Who has consented in this attempt; raises OwnershipNotVerified, which says what each proof came to."""
    ours = _state.external_id_of(attempt.user)
    if said.external_id and not constant_time_compare(said.external_id.encode(), ours.encode()):
        raise OwnershipNotVerified({"address": "it names the external id of somebody else"})
    attempted_proofs: dict[str, str] = {}
    for name, proof in PROOFS.items():
        if name in conf.SMARTCAR_OWNERSHIP_PROOFS:
            try:
                return proof(attempt, said)
            except _NotVerified as answer:
                attempted_proofs[name] = str(answer)
            except (SmartcarException, SmartcarAppError) as error:
                attempted_proofs[name] = f"failed ({error_code(error)})"
    raise OwnershipNotVerified(attempted_proofs)


def poll(ask: Callable[[], T]) -> T:
    """What ``ask`` answers, asked anew for a few seconds while it is nothing: it may not be there yet."""
    ends = time.monotonic() + VISIBLE_WITHIN
    pause = _FIRST_PAUSE
    while not (answer := ask()) and time.monotonic() + pause < ends:
        time.sleep(pause)
        pause *= 2
    return answer


def _by_code(attempt: ConnectAttempt, said: Callback) -> VerifiedUser:
    if not said.code:
        raise _NotVerified("the callback had none")
    access = client.auth_client(attempt.redirect_uri).exchange_code(said.code)
    return VerifiedUser(client.user_id(access["access_token"]), access)


def _by_external_id(attempt: ConnectAttempt, said: Callback) -> VerifiedUser:
    user_id = _named(said)
    ours = _state.external_id_of(attempt.user)
    if not poll(lambda: _own(attempt, user_id, external_id=ours)):
        known = {one["user_id"] for one in _connections(attempt, external_id=ours)}
        raise _NotVerified(f"Smartcar users under it: {len(known)}, and not the one that the address names")
    # The very same question, but for an id that nobody has: it shows nothing, or the filter shows everything.
    if _own(attempt, user_id, external_id=str(uuid.uuid4())):
        raise _NotVerified("Smartcar does not heed the filter: it shows the same under an id that nobody has")
    return VerifiedUser(user_id)


def _by_new_connection(attempt: ConnectAttempt, said: Callback) -> VerifiedUser:
    user_id = _named(said)
    if SmartcarUser.objects.filter(pk=user_id).exclude(user=attempt.user).exists():
        raise _NotVerified("the Smartcar user is known here already")

    def is_new() -> bool:
        shown = _own(attempt, user_id)
        moments = [moment for one in shown for moment in (one["created_at"], one["updated_at"])]
        return any(moment is not None and moment >= attempt.created_at for moment in moments)

    if not poll(is_new):
        raise _NotVerified("no connection of this user that was made or renewed since the attempt began")
    return VerifiedUser(user_id)


#: Strictest first.
PROOFS: dict[str, Callable[[ConnectAttempt, Callback], VerifiedUser]] = {
    "code": _by_code,
    "external_id": _by_external_id,
    "new_connection": _by_new_connection,
}


def _named(said: Callback) -> str:
    if not 0 < len(said.user_id) <= _MAX_ID_LENGTH or not said.user_id.isprintable():
        raise _NotVerified("the address names nobody")
    return said.user_id


def _own(attempt: ConnectAttempt, user_id: str, **filters: str) -> list[sdk.v3.Connection]:
    """What Smartcar shows of this very user; its filter is not believed."""
    shown = _connections(attempt, user_id=user_id, **filters)
    return [one for one in shown if one["user_id"] == user_id]


def _connections(attempt: ConnectAttempt, **filters: str) -> list[sdk.v3.Connection]:
    return _session.as_application(
        lambda token: client.connections(token, attempt.mode, filters, first=_MOST)
    )
