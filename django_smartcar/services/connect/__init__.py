"""Connect a user's vehicles: begin an attempt, and complete it when Connect redirects back."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Any

from django.db import router, transaction
from django.views.decorators.debug import sensitive_variables

from ... import signals
from ...conf import conf
from ...databases import primary
from ...exceptions import (
    InvalidConnectState,
    InvalidResponseException,
    NoVehiclesConnected,
    OwnedByAnotherUser,
    OwnershipNotVerified,
    TransactionNotAllowed,
)
from ...models import ConnectAttempt, ConnectedVehicle, SmartcarAccount, SmartcarUser
from ...secret_types import Secret
from .. import _authenticated_calls, _transactions, client, command_outcomes, tokens, vehicles, webhooks
from ..client import ApiCredentials
from ..webhooks import subscriptions
from . import _ownership, _state
from ._ownership import Callback, VerifiedUser
from ._state import consume

__all__ = ["Callback", "Connected", "begin", "complete", "consume"]

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Connected:
    """The result of a completed connection."""

    account: SmartcarAccount
    vehicles: list[ConnectedVehicle]


@sensitive_variables()
def begin(
    user: Any,
    *,
    session_key: str,
    redirect_uri: str,
    next_url: str = "",
    make: str = "",
    single_select: bool = False,
) -> str:
    """Start an attempt for this user and session; return the Connect URL to redirect to.

    ``make`` skips Smartcar's list of brands; ``single_select`` lets the driver choose one vehicle only.
    ``next_url`` is where the driver is redirected at the end: validate it first.
    """
    session_key = Secret(session_key)
    version = conf.SMARTCAR_API_VERSION
    state = _state.begin(
        user,
        session_key,
        api_version=version,
        redirect_uri=redirect_uri,
        next_url=next_url,
        single_select=single_select,
    )
    return client.auth_url(
        version,
        redirect_uri,
        # A driver who connects a second vehicle must see the consent page again.
        force=True,
        state=state,
        vehicle_info={"make": make} if make else None,
        single_select=single_select or None,
        external_id=_state.external_id_of(user.pk),
    )


@sensitive_variables()
def complete(attempt: ConnectAttempt, callback: Callback) -> Connected:
    """Verify who consented, and store the account and its vehicles, all or nothing.

    All API calls come first; then one short transaction stores the result. Raises OwnershipNotVerified,
    OwnedByAnotherUser, NoVehiclesConnected, MissingCredentials or a SmartcarException, with nothing stored.
    Raises TransactionNotAllowed inside a transaction: its rollback would lose the tokens.
    """
    if _transactions.is_open(SmartcarUser):
        raise TransactionNotAllowed("a new connection")
    try:
        return _complete(attempt, callback)
    except (InvalidConnectState, OwnershipNotVerified, OwnedByAnotherUser) as refusal:
        logger.warning("a connection of local user %s was refused: %s", attempt.user_id, refusal)
        _state.announce_refusal(attempt.user, str(refusal))
        raise


def _complete(attempt: ConnectAttempt, callback: Callback) -> Connected:
    if attempt.api_version == client.V3:
        verified = _ownership.verify_owner(attempt, callback)
        found = _ownership.poll(
            lambda: _authenticated_calls.as_application(
                lambda token: vehicles.read_all(_credentials(attempt, verified, token), _identified(verified))
            )
        )
    else:
        if not _ownership.is_code(callback.code):
            raise OwnershipNotVerified({"code": "the callback has no valid code"})
        access = client.auth_client(attempt.redirect_uri).exchange_code(callback.code)
        verified = VerifiedUser(client.user_id(access["access_token"]), access)
        credentials = _credentials(attempt, verified, access["access_token"])
        found = vehicles.read_all(credentials, _identified(verified))
    if not found:
        raise NoVehiclesConnected
    with transaction.atomic(using=router.db_for_write(SmartcarUser)):
        if not primary(ConnectAttempt).filter(pk=attempt.pk).exists():
            raise InvalidConnectState("erased")  # the user's data was erased in the meantime
        account = _account(attempt, verified.user_id, {details.vehicle_id for details in found})
        _save(account, attempt, verified)
        stored = vehicles.store(account, found, attempt.created_at)
        command_outcomes.cancel_disconnects(stored)
        subscriptions.reset(stored)
        _clean_up_earlier(account)
    logger.info("%s connected with %d vehicles", account.reference, len(stored))
    signals.account_connected.send_robust(SmartcarAccount, account=account, vehicles=stored)
    subscriptions.begin(stored)
    webhooks.begin_work()  # events of these vehicles may have arrived before this
    return Connected(account, stored)


def _credentials(attempt: ConnectAttempt, verified: VerifiedUser, access_token: str) -> ApiCredentials:
    if not 0 < len(verified.user_id) <= vehicles.MAX_ID_LENGTH:
        raise InvalidResponseException("Smartcar returned an invalid user id")
    return ApiCredentials(attempt.api_version, Secret(access_token), verified.user_id, attempt.mode)


def _identified(verified: VerifiedUser) -> set[str]:
    """Return the ids of the user's vehicles whose VIN is known: connecting again does not read it again."""
    own = primary(ConnectedVehicle).filter(account__smartcar_user=verified.user_id).exclude(vin="")
    return set(own.values_list("smartcar_vehicle_id", flat=True))


def _save(account: SmartcarAccount, attempt: ConnectAttempt, verified: VerifiedUser) -> None:
    """Save the account. API v3 needs no tokens of its own; those of a code are kept for a rollback to v2."""
    is_new = account.pk is None
    account.api_version = attempt.api_version
    for name, value in tokens.RECONNECT_CLEARED.items():
        setattr(account, name, value)
    # A single-select grant's tokens cover one vehicle; the account's current tokens may cover all of them.
    is_narrower = account.uses_v3 and attempt.single_select and not is_new and account.refresh_token
    columns = ["api_version", "updated_at", *tokens.RECONNECT_CLEARED]
    if verified.access is not None and not is_narrower:
        tokens.store(account, verified.access)
        columns += account.TOKEN_FIELDS
    account.save(update_fields=None if is_new else columns)


def _account(attempt: ConnectAttempt, smartcar_user_id: str, vehicle_ids: set[str]) -> SmartcarAccount:
    """Return the row for this grant: an earlier one that the grant replaces entirely, or a new one.

    A grant may cover fewer vehicles than an earlier one (`single_select`, or the driver chose another one).
    The earlier grant's tokens are then still needed for the other vehicles.
    """
    SmartcarUser.objects.get_or_create(id=smartcar_user_id, defaults={"user_id": attempt.user_id})
    owner = vehicles.lock_owner(smartcar_user_id)
    if owner.user_id != attempt.user_id:
        raise OwnedByAnotherUser(f"the Smartcar user belongs to local user {owner.user_id}")
    account: SmartcarAccount
    accounts = primary(SmartcarAccount).filter(smartcar_user=owner, mode=attempt.mode)
    for account in accounts.order_by("pk").select_for_update():
        connected = primary(ConnectedVehicle).connected().filter(account=account)
        if not connected.exclude(smartcar_vehicle_id__in=vehicle_ids).exists():
            account.smartcar_user = owner
            return account
    return SmartcarAccount(smartcar_user=owner, mode=attempt.mode)


def _clean_up_earlier(account: SmartcarAccount) -> None:
    """Delete earlier accounts of this driver that have no vehicles left; clear tokens that are unused now."""
    accounts = primary(SmartcarAccount).filter(smartcar_user=account.smartcar_user)
    for earlier in accounts.exclude(pk=account.pk):
        if primary(ConnectedVehicle).filter(account=earlier).exists():
            tokens.clear_tokens_if_unused(earlier)
        else:
            earlier.delete()
