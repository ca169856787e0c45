"""Access tokens of drivers and of the application: refreshed by one process at a time, never lost.

API v2: each account has a refresh token, which works once. API v3: the application has one access token for
all drivers, and requests a new one with its client id and secret. Both are refreshed under `_refresh_lock`.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from datetime import timedelta
from functools import partial
from typing import Any

from django.db import router, transaction
from django.db.models import F
from django.utils import timezone
from django.views.decorators.debug import sensitive_variables

from ... import signals
from ...databases import primary, to_database_time
from ...exceptions import DecryptionError, ReconnectRequired, SmartcarException, error_code
from ...models import ApplicationToken, ConnectedVehicle, LeasedToken, SmartcarAccount
from ...secret_types import Secret
from .. import _transactions, client
from .._leases import Lease
from ..client import ApiCredentials
from . import _refresh_lock

logger = logging.getLogger(__name__)

#: An access token that expires sooner than this is refreshed before it is used.
REFRESH_MARGIN = timedelta(minutes=5)

#: One that is valid for longer than this is still used if another process refreshes it or a refresh fails.
MIN_REMAINING_LIFETIME = timedelta(seconds=60)

#: Column values of a healthy account. Clears the lock too, so a running exchange cannot set the flag again.
RECONNECT_CLEARED = dict.fromkeys(["reconnect_required_at", "refresh_lease", "refresh_lease_until"])

#: `refresh` does not refresh the application's token more often than this: many accounts share it.
MIN_REFRESH_INTERVAL = timedelta(minutes=1)


def credentials(account: SmartcarAccount, shared: ApplicationToken | None = None) -> ApiCredentials:
    """Return the account's API credentials, with a valid token. Raises as `access_token` does.

    ``shared`` is the row of the application's token, if the caller has just read it.
    """
    row, token = _row_and_token(account, shared)
    version = row.token_version
    return ApiCredentials(account.api_version, token, account.smartcar_user_id, account.mode, version)


def application_credentials() -> ApiCredentials:
    """Return the application's own credentials, with a valid token and no user.

    Raises RefreshInProgress, MissingCredentials, DecryptionError or a SmartcarException.
    """
    row = application()
    _ensure_fresh(row)
    return ApiCredentials(client.V3, Secret(row.access_token), "", token_version=row.token_version)


@sensitive_variables()
def access_token(account: SmartcarAccount) -> Secret:
    """Return a valid access token for the account; sends no request while the stored one is valid.

    In API v3 it is the application's. Raises ReconnectRequired, RefreshInProgress, MissingCredentials,
    DecryptionError or a SmartcarException.
    """
    return _row_and_token(account)[1]


def application() -> ApplicationToken:
    """Return the row of the application's token; create it the first time. Raises MissingCredentials."""
    client_id = client.application_id()
    row: ApplicationToken | None = primary(ApplicationToken).filter(client_id=client_id).first()
    if row is not None:
        return row
    with _transactions.autonomous_connection(ApplicationToken):
        return ApplicationToken.objects.get_or_create(client_id=client_id)[0]


def refresh(row: LeasedToken, *, wait: bool = True) -> bool:
    """Request a new access token, whether or not it is due, and update ``row``.

    If another process is already refreshing it, return False, with ``wait`` after it has finished. For an
    account of API v3, refresh the application's token, at most once in MIN_REFRESH_INTERVAL. Raises
    ReconnectRequired, RefreshInProgress, MissingCredentials, DecryptionError or a SmartcarException (then the
    tokens are unchanged).
    """
    if isinstance(row, SmartcarAccount) and row.needs_reconnecting:
        raise ReconnectRequired(account=row)
    if isinstance(row, SmartcarAccount) and row.uses_v3:
        shared = application()
        is_recent = (
            shared.refreshed_at is not None and timezone.now() - shared.refreshed_at < MIN_REFRESH_INTERVAL
        )
        return False if is_recent else refresh(shared, wait=wait)
    refreshed = _refresh_lock.refresh_with_lock(row, partial(_exchange, row), wait=wait)
    if isinstance(row, SmartcarAccount) and row.reconnect_required_at is not None:
        raise ReconnectRequired(account=row)
    return refreshed


def invalidate(account: SmartcarAccount | None, rejected: ApiCredentials) -> None:
    """Delete a token that Smartcar rejected before it expired, unless a newer one has been stored since.

    ``account`` is needed for a token of API v2 only.
    """
    row: LeasedToken = application() if rejected.uses_v3 or account is None else account
    logger.warning("Smartcar rejected an access token of %s that had not expired", row.reference)
    _refresh_lock.write(row, rejected.token_version, access_token="", access_expires_at=timezone.now())


def store(row: LeasedToken, access: Mapping[str, Any]) -> None:
    """Set a new token on the row without saving it; a driver's comes with the next refresh token."""
    row.access_token = access["access_token"]
    row.access_expires_at = to_database_time(access["expiration"])
    row.token_version += 1
    row.refreshed_at = timezone.now()
    row.refresh_error = ""
    row.refresh_lease = None
    row.refresh_lease_until = None
    if isinstance(row, SmartcarAccount) and "refresh_token" in access:
        row.refresh_token = access["refresh_token"]
        row.spare_refresh_token = ""
        row.refresh_expires_at = to_database_time(access["refresh_expiration"])
        row.reconnect_required_at = None


def clear_tokens_if_unused(account: SmartcarAccount) -> None:
    """Delete the tokens of an account without a connected vehicle: they are no longer needed."""
    with transaction.atomic(using=router.db_for_write(SmartcarAccount)):
        locked = primary(SmartcarAccount).select_for_update().filter(pk=account.pk)
        connected = primary(ConnectedVehicle).connected().filter(account=account)
        if locked.first() and not connected.exists():
            # The version changes, so that a running exchange does not store its tokens.
            locked.update(
                access_token="",
                refresh_token="",
                spare_refresh_token="",
                access_expires_at=None,
                refresh_expires_at=None,
                refresh_lease=None,
                refresh_lease_until=None,
                token_version=F("token_version") + 1,
            )


def _row_and_token(
    account: SmartcarAccount, shared: ApplicationToken | None = None
) -> tuple[LeasedToken, Secret]:
    while not account.needs_reconnecting:
        row = (shared or application()) if account.uses_v3 else account
        was_v3 = account.uses_v3
        _ensure_fresh(row)
        # Another process may have migrated the account to the other API version in the meantime.
        if account.uses_v3 == was_v3 and not account.needs_reconnecting:
            return row, Secret(row.access_token)
    raise ReconnectRequired(account=account)


def _ensure_fresh(row: LeasedToken) -> None:
    """Refresh the row's token if it is due; again if the token that another process stored is due, too."""
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
            logger.warning(
                "could not refresh the token of %s early, still using the old one: %s",
                row.reference,
                error_code(error),
            )
            return


def _exchange(row: LeasedToken, lease: Lease) -> bool:
    """Request and store a new token. Return False if another process has taken the lease over."""
    version, spare = row.token_version, _spare_of(row)
    try:
        access = _new_access(row, spare)
    except Exception as error:
        if not _exchange_failed(row, lease, error):
            return False
        if isinstance(row, SmartcarAccount) and row.needs_reconnecting:
            raise ReconnectRequired(account=row) from error
        raise
    store(row, access)
    columns = {name: getattr(row, name) for name in row.TOKEN_FIELDS}
    if spare == "":  # leave the column alone: another process may be writing one now (`_keep_spare`)
        columns.pop("spare_refresh_token", None)
    if _refresh_lock.write(row, version, lease, **columns):
        return True
    _keep_spare(row, version, access)
    return False


def _keep_spare(row: LeasedToken, version: int, access: Mapping[str, Any]) -> None:
    """Keep the refresh token of an exchange that lost its lease to another process, which exchanged the same.

    Smartcar does not say whether both of the new ones work. If only that of its last exchange does, it may be
    this one: which of two exchanges came last, only Smartcar knows.
    """
    if isinstance(row, SmartcarAccount) and "refresh_token" in access:
        refreshable = primary(SmartcarAccount).refreshable()
        refreshable.filter(pk=row.pk, token_version__in=(version, version + 1)).update(
            spare_refresh_token=access["refresh_token"]
        )


def _spare_of(row: LeasedToken) -> Secret | None:
    """Return the account's spare refresh token, empty without one; None if it cannot be decrypted."""
    try:
        return Secret(row.spare_refresh_token if isinstance(row, SmartcarAccount) else "")
    except DecryptionError:
        return None


def _new_access(row: LeasedToken, spare: Secret | None) -> Mapping[str, Any]:
    if not isinstance(row, SmartcarAccount):
        return client.application_auth().request_token()
    try:
        return _exchange_refresh_token(row.refresh_token)
    except SmartcarException as error:
        if not (spare and _is_token_rejected(error)):
            raise
    logger.warning(
        "Smartcar rejected the refresh token of %s, trying that of an overtaken exchange", row.reference
    )
    return _exchange_refresh_token(spare)


def _exchange_refresh_token(token: str) -> Mapping[str, Any]:
    auth = client.auth_client()
    try:
        return auth.exchange_refresh_token(token)
    except SmartcarException as error:
        if not client.may_have_been_executed(error):
            raise
        # If the response was lost, the refresh token may be used up. It works for one more minute: retry now.
        logger.info("lost the response to a token exchange (%s), retrying once", type(error).__name__)
        return auth.exchange_refresh_token(token)


def _exchange_failed(row: LeasedToken, lease: Lease, error: Exception) -> bool:
    """Release the lease; if Smartcar rejects the driver's refresh token, mark the account, once.

    Return False if another process has taken the lease over: then only its exchange counts.
    """
    columns: dict[str, object] = {"refresh_error": error_code(error)[:200]}
    is_rejected = isinstance(row, SmartcarAccount) and _is_token_rejected(error)
    if is_rejected:
        columns["reconnect_required_at"] = timezone.now()
    if not _refresh_lock.release(row, lease, **columns):
        return False
    if is_rejected:
        logger.warning(
            "%s: the driver has to connect again, Smartcar rejected the refresh token", row.reference
        )
        signals.reconnect_required.send_robust(SmartcarAccount, account=row)
    return True


def _is_token_rejected(error: Exception) -> bool:
    """Return whether Smartcar rejects this very token: not a network error, a 5xx or wrong credentials."""
    return getattr(error, "status_code", None) == 400 and getattr(error, "code", None) == "invalid_grant"
