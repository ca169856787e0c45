"""A usable access token, of a driver or of the application: renewed by one process at a time, never lost.

API v2: each account has a refresh token, which works once. API v3: the application has one token
for all of its drivers, and asks for another with its id and secret. Both are renewed under `leases`.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from datetime import timedelta
from functools import partial
from typing import Any, TypeVar

from django.db import transaction
from django.db.models import F
from django.utils import timezone
from django.views.decorators.debug import sensitive_variables

from ... import signals
from ...exceptions import AuthenticationException, ReconnectRequired, SmartcarException, error_code
from ...models import ApplicationToken, LeasedToken, SmartcarAccount
from .. import _transactions, client
from .._leases import Lease
from ..client import ApiCredentials
from . import _refresh_lock

logger = logging.getLogger(__name__)

T = TypeVar("T")

#: An access token that ends sooner than this is renewed before it is used.
REFRESH_MARGIN = timedelta(minutes=5)

#: One that lives longer than this is used all the same while another process renews it, or if that fails.
MIN_REMAINING_LIFETIME = timedelta(seconds=60)

#: An account that needs no driver; without a lease, so that an exchange under way cannot mark it afterwards.
RECONNECT_CLEARED = dict.fromkeys(["reconnect_required_at", "refresh_lease", "refresh_lease_until"])

#: How young the application's token may be to be asked for again by hand: many accounts share it.
MIN_REFRESH_INTERVAL = timedelta(minutes=1)


@sensitive_variables()
def driver(account: SmartcarAccount) -> ApiCredentials:
    """Whoever this account is, with a token that works. Raises as `access_token` does."""
    row, token = _row_and_token(account)
    version = row.token_version
    return ApiCredentials(account.api_version, token, account.smartcar_user_id, account.mode, version)


@sensitive_variables()
def access_token(account: SmartcarAccount) -> str:
    """A token that opens this account's cars; no request while the one that is stored is good.

    In API v3 it is the application's. Raises ReconnectRequired, RefreshInProgress, MissingCredentials,
    DecryptionError or a SmartcarException.
    """
    return _row_and_token(account)[1]


@sensitive_variables()
def as_application(ask: Callable[[str], T]) -> T:
    """What ``ask`` gets with the application's token; once more with a new one if Smartcar refuses that."""
    row = application()
    _ensure_fresh(row)
    try:
        return ask(row.access_token)
    except AuthenticationException:
        _invalidate(row, row.token_version)
        row = application()
        _ensure_fresh(row)
        return ask(row.access_token)


@sensitive_variables()
def as_driver(account: SmartcarAccount, ask: Callable[[ApiCredentials], T]) -> T:
    """What ``ask`` gets with a token that opens this account's cars; once more if Smartcar refuses that.

    Only for what may be asked twice. Raises as `access_token` does, or what ``ask`` does.
    """
    first = driver(account)
    try:
        return ask(first)
    except AuthenticationException:
        invalidate(account, first)
        return ask(driver(account))


def application() -> ApplicationToken:
    """The row of the application's token, made when it is first asked for. Raises MissingCredentials."""
    client_id = client.application_id()
    if row := ApplicationToken.objects.filter(client_id=client_id).first():
        return row
    with _transactions.autonomous_connection(ApplicationToken):
        return ApplicationToken.objects.get_or_create(client_id=client_id)[0]


@sensitive_variables()
def refresh(row: LeasedToken, *, wait: bool = True) -> bool:
    """Get a new access token, whether or not it is due, and bring ``row`` up to date.

    Whoever asks while an exchange is under way gets its result instead of a second one: then the answer is
    False. Raises ReconnectRequired, RefreshInProgress, MissingCredentials, DecryptionError or a
    SmartcarException (then the tokens are as before).
    """
    if isinstance(row, SmartcarAccount) and row.needs_reconnecting:
        raise ReconnectRequired(account=row)
    if isinstance(row, SmartcarAccount) and row.uses_v3:
        shared = application()
        is_young = (
            shared.refreshed_at is not None and timezone.now() - shared.refreshed_at < MIN_REFRESH_INTERVAL
        )
        return False if is_young else refresh(shared, wait=wait)
    renewed = _refresh_lock.refresh_with_lock(row, partial(_exchange, row), wait=wait)
    if isinstance(row, SmartcarAccount) and row.reconnect_required_at is not None:
        raise ReconnectRequired(account=row)
    return renewed


def invalidate(account: SmartcarAccount, refused: ApiCredentials) -> None:
    """Smartcar did not take this token although it looked good: drop it, unless it is not the newest one."""
    _invalidate(application() if refused.uses_v3 else account, refused.token_version)


@sensitive_variables()
def store(row: LeasedToken, access: Mapping[str, Any]) -> None:
    """Put a new token on the row (not saved); with a driver's comes the refresh token for the next one."""
    row.access_token = access["access_token"]
    row.access_expires_at = access["expiration"]
    row.token_version += 1
    row.refreshed_at = timezone.now()
    row.refresh_error = ""
    row.refresh_lease = None
    row.refresh_lease_until = None
    if isinstance(row, SmartcarAccount) and "refresh_token" in access:
        row.refresh_token = access["refresh_token"]
        row.refresh_expires_at = access["refresh_expiration"]
        row.reconnect_required_at = None


def clear_tokens_if_unused(account: SmartcarAccount) -> None:
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


@sensitive_variables()
def _row_and_token(account: SmartcarAccount) -> tuple[LeasedToken, str]:
    while not account.needs_reconnecting:
        row = application() if account.uses_v3 else account
        was_v3 = account.uses_v3
        _ensure_fresh(row)
        # It may have been moved to the other generation while somebody else's exchange was waited for.
        if account.uses_v3 == was_v3 and not account.needs_reconnecting:
            return row, row.access_token
    raise ReconnectRequired(account=account)


@sensitive_variables()
def _ensure_fresh(row: LeasedToken) -> None:
    """Renew the row's token where that is due; what somebody else stored may have grown old as well."""
    while row.is_refreshable and row.access_expires_within(REFRESH_MARGIN):
        is_urgent = row.access_expires_within(MIN_REMAINING_LIFETIME)
        try:
            if refresh(row, wait=is_urgent) or not row.access_expires_within(MIN_REMAINING_LIFETIME):
                return
        except ReconnectRequired:
            raise
        except SmartcarException as error:
            if is_urgent:
                raise
            logger.warning("%s could not be renewed early: %s", row, error_code(error))
            return


def _invalidate(row: LeasedToken, version: int) -> None:
    logger.warning("Smartcar refused a token of %s that looked good", row)
    _refresh_lock.write(row, version, access_token="", access_expires_at=timezone.now())


@sensitive_variables()
def _exchange(row: LeasedToken, lease: Lease) -> bool:
    version = row.token_version
    try:
        access = _new_access(row)
    except Exception as error:
        _exchange_failed(row, lease, error)
        if row.token_version != version:
            return False  # Somebody took the lease over and won: our failure says nothing about their pair.
        if isinstance(row, SmartcarAccount) and row.needs_reconnecting:
            raise ReconnectRequired(account=row) from error
        raise
    store(row, access)
    return _refresh_lock.write(row, version, **{name: getattr(row, name) for name in row.TOKEN_FIELDS})


@sensitive_variables()
def _new_access(row: LeasedToken) -> Mapping[str, Any]:
    if not isinstance(row, SmartcarAccount):
        return client.application_auth().request_token()
    auth = client.auth_client()
    try:
        return auth.exchange_refresh_token(row.refresh_token)
    except SmartcarException as error:
        if not client.may_have_been_executed(error):
            raise
        # Where the answer was lost, the token may be used up: it still works for a minute, so ask again now.
        logger.info("the answer to a token exchange was lost (%s): asking once more", type(error).__name__)
        return auth.exchange_refresh_token(row.refresh_token)


def _exchange_failed(row: LeasedToken, lease: Lease, error: Exception) -> None:
    """Give the lease back; if Smartcar says that a driver's token is dead, mark the account, once."""
    columns: dict[str, object] = {"refresh_error": error_code(error)[:200]}
    is_dead = isinstance(row, SmartcarAccount) and _is_dead(error)
    if is_dead:
        columns["reconnect_required_at"] = timezone.now()
    if _refresh_lock.release(row, lease, **columns) and is_dead:
        logger.warning("%s needs its driver to connect again", row)
        signals.reconnect_required.send_robust(SmartcarAccount, account=row)


def _is_dead(error: Exception) -> bool:
    """Whether Smartcar means this very token, not the network, its own trouble or our credentials."""
    return getattr(error, "status_code", None) == 400 and getattr(error, "code", None) == "invalid_grant"
