"""Forgets a driver: first at Smartcar, then here. What cannot be forgotten there stays here as well."""

from __future__ import annotations

import logging
from functools import partial
from typing import Any

from django.db import transaction

from ...conf import conf
from ...exceptions import ResourceNotFoundException
from ...models import (
    ConnectAttempt,
    ConnectedVehicle,
    ExternalId,
    SmartcarAccount,
    SmartcarUser,
    WebhookEvent,
)
from .. import _session, client, vehicles

logger = logging.getLogger(__name__)


def erase(user: Any, *, actor: Any = None) -> None:
    """Forget all that Smartcar and this site know of a local user's cars. Call it before deleting the user.

    Raises as `forget` does: what could not be forgotten at Smartcar is still here then.
    """
    # First, so that no callback under way brings a car back.
    ConnectAttempt.objects.filter(user=user).delete()
    for smartcar_user in SmartcarUser.objects.filter(user=user):
        erase_smartcar_user(smartcar_user, actor=actor)
    ExternalId.objects.filter(user=user).delete()


def erase_smartcar_user(smartcar_user: SmartcarUser, *, actor: Any = None) -> None:
    """Forget one Smartcar user: the connections at Smartcar, then accounts, cars and commands here.

    Raises ReconnectRequired if the tokens of 2.0 are dead and there is no management token either,
    MissingCredentials, RefreshInProgress or a SmartcarException: then nothing has been deleted here.
    """
    while True:
        _end_connections(smartcar_user, actor)
        with transaction.atomic():
            owner = vehicles.lock_owner(smartcar_user.pk)
            cars = ConnectedVehicle.objects.connected().filter(account__smartcar_user=owner)
            if not cars.exists():  # or somebody connected one while Smartcar was asked
                _forget_events(owner)
                SmartcarUser.objects.filter(pk=owner.pk).delete()
                break
    logger.info("a Smartcar user of local user %s is forgotten", smartcar_user.user_id)


def _forget_events(owner: SmartcarUser) -> None:
    """Delete what webhooks have told of the driver's cars. Those of 2.0 name the car alone."""
    cars = ConnectedVehicle.objects.filter(account__smartcar_user=owner)
    WebhookEvent.objects.about(SmartcarUser.objects.filter(pk=owner.pk), cars).delete()


def _end_connections(smartcar_user: SmartcarUser, actor: Any) -> None:
    """Tell Smartcar of all of them at once where that is possible, else car by car."""
    is_told = False
    if conf.SMARTCAR_API_VERSION == client.V3:
        _delete_user(smartcar_user.pk)
        is_told = True
    elif conf.SMARTCAR_MANAGEMENT_TOKENS:
        client.delete_v2_connections(smartcar_user.pk)
        is_told = True
    for account in smartcar_user.accounts.all():
        for vehicle in account.vehicles.connected():
            if not is_told:
                vehicles.disconnect_at_smartcar(vehicle)
            vehicles.mark_disconnected(vehicle, actor)


def _delete_user(user_id: str) -> None:
    try:
        _session.as_application(lambda token: client.delete_user(token, user_id))
    except ResourceNotFoundException:
        # Or the address is wrong: then this fails as well.
        for mode in SmartcarAccount.Mode.values:
            if _session.as_application(partial(client.connections, mode=mode, filters={"user_id": user_id})):
                raise
        logger.info("Smartcar had forgotten the user already")
