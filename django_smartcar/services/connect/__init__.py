"""Begin and complete a connection: from the button to a driver's cars as rows."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.views.decorators.debug import sensitive_variables

from ... import signals
from ...conf import conf
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
from .. import _session, _transactions, client, tokens, vehicles, webhooks
from ..client import ApiCredentials
from ..webhooks import subscriptions
from . import _ownership, _state
from ._ownership import Callback, VerifiedUser
from ._state import consume

__all__ = ["Callback", "Connected", "begin", "complete", "consume"]

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Connected:
    """What came of a connection."""

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
    """Open an attempt for this user in this session; returns the address of Connect to send them to.

    ``make`` skips Smartcar's list of brands; ``single_select`` asks for one car only. ``next_url`` must
    have been checked: it is where the driver ends up.
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
        # A driver who comes back to connect a second car has to see what they consent to.
        force=True,
        state=state,
        vehicle_info={"make": make} if make else None,
        single_select=single_select or None,
        external_id=_state.external_id_of(user),
    )


@sensitive_variables()
def complete(attempt: ConnectAttempt, said: Callback) -> Connected:
    """Find out who has consented, and store the driver's account and cars, all or nothing.

    Smartcar is asked first; one short transaction then stores the result. Raises OwnershipNotVerified,
    OwnedByAnotherUser, NoVehiclesConnected, MissingCredentials or a SmartcarException, and nothing is stored;
    or TransactionNotAllowed inside a transaction, whose rollback would lose the tokens of a code.
    """
    if _transactions.is_open(SmartcarUser):
        raise TransactionNotAllowed("a new connection")
    try:
        return _complete(attempt, said)
    except (InvalidConnectState, OwnershipNotVerified, OwnedByAnotherUser) as refusal:
        logger.warning("a connection of local user %s was refused: %s", attempt.user_id, refusal)
        _state.announce_refusal(attempt.user, str(refusal))
        raise


def _complete(attempt: ConnectAttempt, said: Callback) -> Connected:
    if attempt.api_version == client.V3:
        proven = _ownership.verify_owner(attempt, said)
        found = _ownership.poll(
            lambda: _session.as_application(lambda token: vehicles.read_all(_driver(attempt, proven, token)))
        )
    else:
        access = client.auth_client(attempt.redirect_uri).exchange_code(said.code)
        proven = VerifiedUser(client.user_id(access["access_token"]), access)
        found = vehicles.read_all(_driver(attempt, proven, access["access_token"]))
    if not found:
        raise NoVehiclesConnected
    with transaction.atomic():
        if not ConnectAttempt.objects.filter(pk=attempt.pk).exists():
            raise InvalidConnectState("erased")  # its user wanted to be forgotten meanwhile
        account = _account(attempt, proven.user_id, {told.vehicle_id for told in found})
        _save(account, attempt, proven)
        stored = vehicles.store(account, found)
        subscriptions.reset(stored)
        _retire_emptied(account)
    logger.info("%s connected with %d vehicles", account, len(stored))
    signals.account_connected.send_robust(SmartcarAccount, account=account, vehicles=stored)
    subscriptions.begin(stored)
    webhooks.begin_work()  # what webhooks have told of these cars before they were here
    return Connected(account, stored)


def _driver(attempt: ConnectAttempt, proven: VerifiedUser, access_token: str) -> ApiCredentials:
    if not 0 < len(proven.user_id) <= vehicles.MAX_ID_LENGTH:
        raise InvalidResponseException("Smartcar named the driver by an id that is none")
    return ApiCredentials(attempt.api_version, Secret(access_token), proven.user_id, attempt.mode)


def _save(account: SmartcarAccount, attempt: ConnectAttempt, proven: VerifiedUser) -> None:
    """Write the account. API v3 needs no tokens of it: those of a code are kept for the way back."""
    is_new = account.pk is None
    account.api_version = attempt.api_version
    for name, value in tokens.RECONNECT_CLEARED.items():
        setattr(account, name, value)
    # The token of a consent to one car opens that one; those that the account has may open them all.
    is_narrower = account.uses_v3 and attempt.single_select and not is_new and account.refresh_token
    columns = ["api_version", "updated_at", *tokens.RECONNECT_CLEARED]
    if proven.access is not None and not is_narrower:
        tokens.store(account, proven.access)
        columns += account.TOKEN_FIELDS
    account.save(update_fields=None if is_new else columns)


def _account(attempt: ConnectAttempt, smartcar_user_id: str, vehicle_ids: set[str]) -> SmartcarAccount:
    """The row for this grant: an earlier one that the grant replaces whole, or a new one.

    A grant may cover fewer cars than an earlier one (`single_select`, or a driver who ticked another car):
    the earlier one's tokens then still open the other cars, and must stay.
    """
    SmartcarUser.objects.get_or_create(id=smartcar_user_id, defaults={"user_id": attempt.user_id})
    owner = vehicles.lock_owner(smartcar_user_id)
    if owner.user_id != attempt.user_id:
        raise OwnedByAnotherUser(f"the Smartcar user belongs to local user {owner.user_id}")
    account: SmartcarAccount
    for account in owner.accounts.filter(mode=attempt.mode).order_by("pk").select_for_update():
        if not account.vehicles.connected().exclude(smartcar_vehicle_id__in=vehicle_ids).exists():
            return account
    return SmartcarAccount(smartcar_user=owner, mode=attempt.mode)


def _retire_emptied(account: SmartcarAccount) -> None:
    """Earlier grants of this driver whose every car has moved to the new one: they open nothing any more."""
    for earlier in account.smartcar_user.accounts.exclude(pk=account.pk):
        if earlier.vehicles.exists():
            tokens.clear_tokens_if_unused(earlier)
        else:
            earlier.delete()
