"""A usable access token: exchanged by one process at a time, and never lost for want of a lock.

A refresh token works once. Who wants to exchange it first takes a lease on the row with one conditional
UPDATE; the exchange itself runs outside any transaction of ours; its result is written only over the version
that it came from. Everybody else waits for the version to move.
"""

from __future__ import annotations

import logging
import random
import time
import uuid
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import F, Q
from django.utils import timezone
from django.views.decorators.debug import sensitive_variables

from .. import sdk, signals
from ..exceptions import ReconnectRequired, RefreshInProgress, SmartcarException, reason_of
from ..models import SmartcarAccount
from . import client

logger = logging.getLogger(__name__)

#: An access token that ends sooner than this is exchanged before it is used.
MARGIN = timedelta(minutes=5)

#: How long one process may hold an account's exchange before another takes over: longer than two tries
#: last (`client.EXCHANGE_TIMEOUT`), and inside the minute in which a used refresh token surely still works.
LEASE = timedelta(seconds=55)

_POLL_SECONDS = 0.05


@sensitive_variables()
def access_token(account: SmartcarAccount) -> str:
    """A token that is good for at least ``MARGIN``; no query and no request while the row's own is.

    Raises ReconnectRequired, RefreshInProgress or a SmartcarException.
    """
    if account.needs_reconnecting:
        raise ReconnectRequired(account)
    # What somebody else stored since this row was read may have grown old as well.
    while account.access_expires_within(MARGIN) and not refresh(account):
        pass
    return account.access_token


@sensitive_variables()
def refresh(account: SmartcarAccount) -> bool:
    """Exchange the account's refresh token, whether or not it is due, and bring ``account`` up to date.

    Whoever asks while an exchange is under way gets its result instead of a second one: then the answer is
    False. Raises ReconnectRequired, RefreshInProgress or a SmartcarException (then the tokens are as before).
    """
    version = account.token_version
    deadline = time.monotonic() + LEASE.total_seconds()
    while True:
        lease = _claim(account, version)
        _reload(account)
        if account.needs_reconnecting:
            raise ReconnectRequired(account)
        if account.token_version != version:
            return False
        if lease is not None:
            return _exchange(account, lease)
        if time.monotonic() > deadline:
            raise RefreshInProgress(account)
        time.sleep(_POLL_SECONDS * random.uniform(1, 3))  # noqa: S311 (spreads the waiters, guards nothing)


@sensitive_variables()
def store(account: SmartcarAccount, access: sdk.Access) -> None:
    """Put a new pair of tokens on the row (not saved): what a code or a refresh token was exchanged for."""
    account.access_token = access["access_token"]
    account.access_expires_at = access["expiration"]
    account.refresh_token = access["refresh_token"]
    account.refresh_expires_at = access["refresh_expiration"]
    account.token_version += 1
    account.refreshed_at = timezone.now()
    account.refresh_error = ""
    account.refresh_lease = None
    account.refresh_lease_until = None
    account.reconnect_required_at = None


#: The columns that `store` sets.
TOKEN_FIELDS = [
    "access_token",
    "access_expires_at",
    "refresh_token",
    "refresh_expires_at",
    "token_version",
    "refreshed_at",
    "refresh_error",
    "refresh_lease",
    "refresh_lease_until",
    "reconnect_required_at",
]


def forget_if_unused(account: SmartcarAccount) -> None:
    """Wipe the tokens of an account without a connected car: they open nothing any more."""
    with transaction.atomic():
        locked = SmartcarAccount.objects.select_for_update().filter(pk=account.pk)
        if locked.first() and not account.vehicles.connected().exists():
            # The version moves, so that an exchange under way does not bring tokens back.
            locked.update(
                access_token="",
                refresh_token="",
                access_expires_at=None,
                refresh_expires_at=None,
                refresh_lease=None,
                refresh_lease_until=None,
                token_version=F("token_version") + 1,
            )


def _reload(account: SmartcarAccount) -> None:
    """Read the row anew. One that is gone was replaced by a newer grant: its holder starts from the car."""
    try:
        account.refresh_from_db()
    except SmartcarAccount.DoesNotExist:
        raise ReconnectRequired(account) from None


def _claim(account: SmartcarAccount, version: int) -> uuid.UUID | None:
    now = timezone.now()
    lease = uuid.uuid4()
    free = Q(refresh_lease_until=None) | Q(refresh_lease_until__lte=now)
    won = (
        SmartcarAccount.objects.refreshable()
        .filter(free, pk=account.pk, token_version=version)
        .update(refresh_lease=lease, refresh_lease_until=now + LEASE)
    )
    return lease if won else None


@sensitive_variables()
def _exchange(account: SmartcarAccount, lease: uuid.UUID) -> bool:
    version = account.token_version
    try:
        access = _exchange_once_or_twice(account.refresh_token)
    except SmartcarException as error:
        _exchange_failed(account, lease, error)
        if account.token_version != version:
            return False  # Somebody took the lease over and won: our failure says nothing about their pair.
        if account.needs_reconnecting:
            raise ReconnectRequired(account) from error
        raise
    store(account, access)
    won = SmartcarAccount.objects.filter(pk=account.pk, token_version=version).update(
        **{name: getattr(account, name) for name in TOKEN_FIELDS}
    )
    # When somebody took the lease over and was faster, their pair is the newest one.
    _reload(account)
    return bool(won)


@sensitive_variables()
def _exchange_once_or_twice(refresh_token: str) -> sdk.Access:
    """Where the answer was lost, the token may be used up: it still works for a minute, so ask again now."""
    auth = client.auth_client()
    try:
        return auth.exchange_refresh_token(refresh_token)
    except SmartcarException as error:
        if not client.may_have_arrived(error):
            raise
        logger.info("the answer to a token exchange was lost (%s): asking once more", type(error).__name__)
        return auth.exchange_refresh_token(refresh_token)


def _exchange_failed(account: SmartcarAccount, lease: uuid.UUID, error: SmartcarException) -> None:
    """Give the lease back; if Smartcar says that the token is dead, mark the account, once."""
    mine = SmartcarAccount.objects.filter(pk=account.pk, refresh_lease=lease)
    reason = reason_of(error)[:200]
    dead_since: datetime | None = timezone.now() if _is_dead(error) else None
    marked = mine.update(
        refresh_lease=None,
        refresh_lease_until=None,
        refresh_error=reason,
        reconnect_required_at=dead_since,
    )
    _reload(account)
    if marked and dead_since:
        logger.warning("Smartcar account %s needs its driver to connect again", account.pk)
        signals.reconnect_required.send_robust(SmartcarAccount, account=account)


def _is_dead(error: SmartcarException) -> bool:
    """Whether Smartcar means this very token, not the network, its own trouble or our credentials."""
    return error.status_code == 400 and error.code == "invalid_grant"
