"""Forgets a driver: first at Smartcar, then here. What cannot be forgotten there stays here as well."""

from __future__ import annotations

import logging
from typing import Any

from django.views.decorators.debug import sensitive_variables

from ..exceptions import ResourceNotFoundException
from ..models import ConnectAttempt, ExternalId, SmartcarUser
from . import client, tokens, vehicles

logger = logging.getLogger(__name__)


def erase(user: Any, *, actor: Any = None) -> None:
    """Forget all that Smartcar and this site know of a local user's cars. Call it before deleting the user.

    Raises as `forget` does: what could not be forgotten at Smartcar is still here then.
    """
    for smartcar_user in SmartcarUser.objects.filter(user=user):
        forget(smartcar_user, actor=actor)
    ConnectAttempt.objects.filter(user=user).delete()
    ExternalId.objects.filter(user=user).delete()


def forget(smartcar_user: SmartcarUser, *, actor: Any = None) -> None:
    """Forget one Smartcar user: the connections at Smartcar, then accounts, cars and commands here.

    In generation 3 Smartcar deletes the user. In generation 2 each car is given back. Raises
    CredentialsMissing, RefreshInProgress or a SmartcarException: then nothing has been deleted here.
    """
    accounts = smartcar_user.accounts.all()
    if any(account.speaks_v3 for account in accounts):
        _delete_at_smartcar(smartcar_user.pk)
    for account in accounts:
        for vehicle in account.vehicles.connected():
            if account.speaks_v3:
                vehicles.mark_disconnected(vehicle, actor)
            else:
                vehicles.disconnect(vehicle, actor=actor)
    logger.info("a Smartcar user of local user %s is forgotten", smartcar_user.user_id)
    SmartcarUser.objects.filter(pk=smartcar_user.pk).delete()


@sensitive_variables()
def _delete_at_smartcar(user_id: str) -> None:
    try:
        tokens.as_application(lambda token: client.delete_user(token, user_id))
    except ResourceNotFoundException:
        logger.info("Smartcar had forgotten the user already")
