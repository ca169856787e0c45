"""Subscribe vehicles to the webhooks in SMARTCAR_WEBHOOKS.

A vehicle's row lists the webhooks that it is subscribed to, as far as known. Vehicles whose rows differ from
the setting are due, and `subscribe_smartcar_vehicles` processes them.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable
from typing import Any

from ...conf import conf
from ...databases import primary
from ...exceptions import (
    MissingCredentials,
    PermissionException,
    RateLimited,
    RateLimitingException,
    ResourceNotFoundException,
    SmartcarAppError,
    SmartcarException,
    StateException,
    error_code,
)
from ...models import ConnectedVehicle
from ...secret_types import Secret
from .. import _authenticated_calls, _background, client
from ..client import ApiCredentials

logger = logging.getLogger(__name__)

#: Seconds that `begin` may take, while the driver waits; vehicles that are left stay due.
TIME_LIMIT = 5.0


def due() -> Any:
    """Return the vehicles whose subscriptions differ from the setting."""
    return primary(ConnectedVehicle).subscription_due(wanted_webhooks())


def begin(vehicles: Iterable[ConnectedVehicle]) -> None:
    """Subscribe vehicles that have just been connected. Never raises: what fails stays due."""
    deadline = time.monotonic() + TIME_LIMIT
    for vehicle in vehicles:
        if time.monotonic() > deadline:
            return
        try:
            if isinstance(_reconcile(vehicle, wanted_webhooks()), RateLimitingException):
                return
        except Exception as error:
            logger.error("could not subscribe vehicle %s: %s", vehicle.pk, type(error).__name__)


def reconcile(vehicle: ConnectedVehicle) -> Exception | None:
    """Subscribe and unsubscribe the vehicle to match the setting; return the first error, or None.

    The row has the resulting subscriptions and the error. Do not call it inside a transaction. This is
    background work: it returns RateLimited rather than use Smartcar's rate limit up.
    """
    wanted = wanted_webhooks() if vehicle.is_connected else set()
    for _webhook_id in wanted ^ set(vehicle.webhooks.split()):
        try:
            _background.take(vehicle.account.api_version)
        except RateLimited as error:
            return error
    return _reconcile(vehicle, wanted)


def end(vehicle: ConnectedVehicle) -> None:
    """Unsubscribe a vehicle before it is disconnected. What fails stays due."""
    _reconcile(vehicle, set())


def reset(vehicles: Iterable[ConnectedVehicle]) -> None:
    """Mark the vehicles as not subscribed: a new connection may lack an earlier one's subscriptions."""
    for vehicle in vehicles:
        if vehicle.webhooks:
            _write(vehicle, set(vehicle.webhooks.split()) - wanted_webhooks(), "")


def wanted_webhooks() -> set[str]:
    """Return the ids in SMARTCAR_WEBHOOKS; none if it is not a list."""
    setting: Any = conf.SMARTCAR_WEBHOOKS
    return set(setting) if isinstance(setting, list | tuple) else set()


def _reconcile(vehicle: ConnectedVehicle, wanted: set[str]) -> Exception | None:
    known = set(vehicle.webhooks.split())
    failure: Exception | None = None
    for webhook_id in sorted(wanted ^ known):
        try:
            if webhook_id in wanted:
                _subscribe(vehicle, webhook_id)
            else:
                _unsubscribe(vehicle, webhook_id)
            known ^= {webhook_id}
        except (SmartcarException, SmartcarAppError) as error:
            failure = failure or error
            if isinstance(error, RateLimitingException):
                break
    if failure is not None:
        logger.warning(
            "the subscriptions of vehicle %s differ from SMARTCAR_WEBHOOKS: %s",
            vehicle.pk,
            error_code(failure),
        )
    _write(vehicle, known, error_code(failure) if failure else "")
    return failure


def _subscribe(vehicle: ConnectedVehicle, webhook_id: str) -> None:
    vehicle_id = vehicle.smartcar_vehicle_id
    try:
        _authenticated_calls.as_driver(
            _authenticated_calls.account_of(vehicle),
            lambda credentials: client.car(credentials, vehicle_id).subscribe(webhook_id),
        )
    except StateException as error:
        if error.type == "VEHICLE_STATE":
            raise
        logger.info("vehicle %s was already subscribed", vehicle.pk)


def _unsubscribe(vehicle: ConnectedVehicle, webhook_id: str) -> None:
    """Unsubscribe with the management token (v2) or the application's (v3), not the driver's."""
    account = _authenticated_calls.stored_account(vehicle)
    management_token = next(iter(conf.SMARTCAR_MANAGEMENT_TOKENS), "")

    def unsubscribe(access_token: Secret) -> None:
        credentials = ApiCredentials(
            account.api_version, access_token, account.smartcar_user_id, account.mode
        )
        client.car(credentials, vehicle.smartcar_vehicle_id).unsubscribe(management_token, webhook_id)

    try:
        if account.uses_v3:
            _authenticated_calls.as_application(unsubscribe)
        elif not management_token:
            raise MissingCredentials("SMARTCAR_MANAGEMENT_TOKENS")
        elif not _is_used_by_another_account(vehicle, webhook_id):
            unsubscribe(Secret(""))
    except (PermissionException, ResourceNotFoundException) as error:
        if not _authenticated_calls.is_gone(error, account):
            raise
        logger.info("vehicle %s was no longer subscribed", vehicle.pk)


def _is_used_by_another_account(vehicle: ConnectedVehicle, webhook_id: str) -> bool:
    """Return whether another account needs the subscription: in API v2 it belongs to the vehicle."""
    if webhook_id not in wanted_webhooks():
        return False
    same = primary(ConnectedVehicle).connected().filter(smartcar_vehicle_id=vehicle.smartcar_vehicle_id)
    return bool(same.exclude(pk=vehicle.pk).exists())


def _write(vehicle: ConnectedVehicle, known: set[str], error: str) -> None:
    vehicle.webhooks, vehicle.webhooks_error = " ".join(sorted(known)), error[:100]
    primary(ConnectedVehicle).filter(pk=vehicle.pk).update(
        webhooks=vehicle.webhooks, webhooks_error=vehicle.webhooks_error
    )
