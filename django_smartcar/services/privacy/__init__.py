"""Erase a user at Smartcar, then locally. If Smartcar fails, local data is kept."""

from __future__ import annotations

import logging
from functools import partial
from typing import Any

from django.db import router, transaction

from ...conf import conf
from ...databases import primary
from ...exceptions import ResourceNotFoundException
from ...models import (
    ConnectAttempt,
    ConnectedVehicle,
    ExternalId,
    SmartcarAccount,
    SmartcarUser,
    WebhookEvent,
)
from .. import _authenticated_calls, client, vehicles

logger = logging.getLogger(__name__)


def erase(user: Any, *, actor: Any = None) -> None:
    """Erase all data about a local user's vehicles, at Smartcar and here. Call it before you delete the user.

    Raises as `erase_smartcar_user` does. What cannot be erased at Smartcar is kept here, too.
    """
    # First, so that a callback that is being processed cannot store a vehicle again.
    primary(ConnectAttempt).filter(user=user).delete()
    for smartcar_user in primary(SmartcarUser).filter(user=user):
        erase_smartcar_user(smartcar_user, actor=actor)
    primary(ExternalId).filter(user=user).delete()


def erase_smartcar_user(smartcar_user: SmartcarUser, *, actor: Any = None) -> None:
    """Erase a Smartcar user: the connections at Smartcar, then accounts, vehicles and commands here.

    Raises ReconnectRequired if the v2 tokens no longer work and there is no management token,
    MissingCredentials, RefreshInProgress or a SmartcarException, with nothing deleted here.
    """
    while True:
        _end_connections(smartcar_user, actor)
        with transaction.atomic(using=router.db_for_write(SmartcarUser)):
            owner = vehicles.lock_owner(smartcar_user.pk)
            connected = primary(ConnectedVehicle).connected().filter(account__smartcar_user=owner)
            if not connected.exists():  # else one was connected during the API call
                _delete_events(owner)
                primary(SmartcarUser).filter(pk=owner.pk).delete()
                break
    logger.info("erased a Smartcar user of local user %s", smartcar_user.user_id)


def _delete_events(owner: SmartcarUser) -> None:
    """Delete the webhook events of the user's vehicles. Events of v2 have a vehicle id only.

    Those that arrived while another user had the vehicle, too, are as much the other's, and stay.
    """
    vehicles_of_owner = primary(ConnectedVehicle).filter(account__smartcar_user=owner)
    ids = list(vehicles_of_owner.values_list("smartcar_vehicle_id", flat=True))
    others = (
        primary(ConnectedVehicle).filter(smartcar_vehicle_id__in=ids).exclude(account__smartcar_user=owner)
    )
    events = primary(WebhookEvent)
    about_owner = events.about(primary(SmartcarUser).filter(pk=owner.pk), vehicles_of_owner)
    about_owner.exclude(events.without_user(others)).delete()


def _end_connections(smartcar_user: SmartcarUser, actor: Any) -> None:
    """End all connections in one request if possible, otherwise vehicle by vehicle."""
    are_ended = False
    if conf.SMARTCAR_API_VERSION == client.V3:
        _delete_user(smartcar_user.pk)
        are_ended = True
    elif conf.SMARTCAR_MANAGEMENT_TOKENS:
        client.delete_v2_connections(smartcar_user.pk)
        are_ended = True
    for account in primary(SmartcarAccount).filter(smartcar_user=smartcar_user):
        for vehicle in primary(ConnectedVehicle).connected().filter(account=account):
            vehicle.account = account
            if not are_ended:
                vehicles.disconnect_at_smartcar(vehicle)
            vehicles.mark_disconnected(vehicle, actor)


def _delete_user(user_id: str) -> None:
    try:
        _authenticated_calls.as_application(lambda token: client.delete_user(token, user_id))
    except ResourceNotFoundException:
        # If the URL is wrong, this request fails as well.
        for mode in SmartcarAccount.Mode.values:
            if _authenticated_calls.as_application(
                partial(client.connections, mode=mode, filters={"user_id": user_id})
            ):
                raise
        logger.info("the user was already deleted at Smartcar")
