"""Begin and complete a connection: from the button to a driver's cars as rows."""

from __future__ import annotations

import hashlib
import logging
import secrets
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.db import transaction
from django.utils import timezone
from django.utils.crypto import constant_time_compare, salted_hmac
from django.views.decorators.debug import sensitive_variables

from .. import signals
from ..conf import conf
from ..exceptions import AttemptRefused, InvalidAnswerException, NothingConnected, OwnedByAnotherUser
from ..models import ConnectAttempt, ConnectedVehicle, SmartcarAccount, SmartcarUser
from . import client, facts, tokens, vehicles

logger = logging.getLogger(__name__)

#: How long a driver may take from the button to the callback. Smartcar's codes live as long.
ATTEMPT_LIFE = timedelta(minutes=10)

#: How long attempts are kept after that, so that a late callback can be told why it is refused.
ATTEMPT_KEPT = timedelta(days=1)


@dataclass(frozen=True)
class Connected:
    """What came of a connection."""

    account: SmartcarAccount
    vehicles: list[ConnectedVehicle]


def begin(
    user: Any,
    *,
    session_key: str,
    redirect_uri: str,
    next_url: str = "",
    make: str = "",
    single_select: bool = False,
) -> str:
    """Open an attempt for this user in this session; returns the address of Connect to send them to.

    ``make`` skips Smartcar's list of brands; ``single_select`` asks for one car only. ``next_url`` must
    have been checked: it is where the driver ends up.
    """
    now = timezone.now()
    ConnectAttempt.objects.filter(expires_at__lt=now - ATTEMPT_KEPT).delete()
    state = secrets.token_urlsafe(32)
    ConnectAttempt.objects.create(
        state_digest=_state_digest(state),
        session_digest=_session_digest(session_key),
        user=user,
        redirect_uri=redirect_uri,
        mode=conf.SMARTCAR_MODE,
        next_url=next_url,
        single_select=single_select,
        expires_at=now + ATTEMPT_LIFE,
    )
    return client.auth_client(redirect_uri).get_auth_url(
        # A driver who comes back to connect a second car has to see what they consent to.
        force=True,
        state=state,
        vehicle_info={"make": make} if make else None,
        single_select=single_select or None,
    )


def consume(state: str, *, user: Any, session_key: str) -> ConnectAttempt:
    """Use up the attempt that this callback belongs to, for success and for errors alike.

    Raises AttemptRefused, with a ``reason``: unknown, another-user, another-session, expired, used.
    """
    attempt = ConnectAttempt.objects.filter(state_digest=_state_digest(state)).first()
    now = timezone.now()
    if attempt is None:
        raise AttemptRefused("unknown")
    if attempt.user_id != user.pk:
        raise AttemptRefused("another-user")
    if not constant_time_compare(attempt.session_digest, _session_digest(session_key)):
        raise AttemptRefused("another-session")
    if attempt.expires_at <= now:
        raise AttemptRefused("expired")
    # Two callbacks with one state may get here together: the database lets one through.
    if not ConnectAttempt.objects.open(now).filter(pk=attempt.pk).update(consumed_at=now):
        raise AttemptRefused("used")
    return attempt


@sensitive_variables()
def complete(attempt: ConnectAttempt, code: str) -> Connected:
    """Exchange the code and store the driver's account and cars, all or nothing.

    Everything is asked of Smartcar first; then one short transaction writes it. Raises OwnedByAnotherUser,
    NothingConnected or a SmartcarException: then nothing is stored.
    """
    access = client.auth_client(attempt.redirect_uri).exchange_code(code)
    smartcar_user_id = client.user_id(access["access_token"])
    if not 0 < len(smartcar_user_id) <= facts.LONGEST_ID:
        raise InvalidAnswerException("Smartcar named the driver by an id that is none")
    found = facts.read_all(access["access_token"])
    if not found:
        raise NothingConnected
    with transaction.atomic():
        account = _account(attempt, smartcar_user_id, {told.vehicle_id for told in found})
        tokens.store(account, access)
        account.save()
        stored = vehicles.store(account, found)
        _retire_emptied(account)
    logger.info("Smartcar account %s connected with %d vehicles", account.pk, len(stored))
    signals.account_connected.send_robust(SmartcarAccount, account=account, vehicles=stored)
    return Connected(account, stored)


def _account(attempt: ConnectAttempt, smartcar_user_id: str, vehicle_ids: set[str]) -> SmartcarAccount:
    """The row for this grant: an earlier one that the grant replaces whole, or a new one.

    A grant may cover fewer cars than an earlier one (`single_select`, or a driver who ticked another car):
    the earlier one's tokens then still open the other cars, and must stay.
    """
    SmartcarUser.objects.get_or_create(id=smartcar_user_id, defaults={"user_id": attempt.user_id})
    owner = vehicles.lock_owner(smartcar_user_id)
    if owner.user_id != attempt.user_id:
        logger.warning("a Smartcar user of local user %s tried to connect to another one", owner.user_id)
        raise OwnedByAnotherUser
    for account in owner.accounts.filter(mode=attempt.mode).order_by("pk").select_for_update():
        if not account.vehicles.connected().exclude(smartcar_vehicle_id__in=vehicle_ids).exists():
            return account
    return SmartcarAccount(smartcar_user=owner, mode=attempt.mode)


def _retire_emptied(account: SmartcarAccount) -> None:
    """Earlier grants of this driver whose every car has moved to the new one: they open nothing any more."""
    for earlier in account.smartcar_user.accounts.exclude(pk=account.pk):
        if earlier.vehicles.exists():
            tokens.forget_if_unused(earlier)
        else:
            earlier.delete()


def _state_digest(state: str) -> str:
    return hashlib.sha256(state.encode()).hexdigest()


def _session_digest(session_key: str) -> str:
    return salted_hmac("django_smartcar.connect", session_key, algorithm="sha256").hexdigest()
