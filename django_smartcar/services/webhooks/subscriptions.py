"""Which webhooks tell of which cars: Smartcar is asked for what SMARTCAR_WEBHOOKS says, until it is so.

A car's row says which webhooks it is subscribed to, as far as we know. Rows that say something else than the
setting are due, and `subscribe_smartcar_vehicles` works them.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable
from typing import Any

from ...conf import conf
from ...exceptions import (
    MissingCredentials,
    PermissionException,
    RateLimitingException,
    ResourceNotFoundException,
    SmartcarAppError,
    SmartcarException,
    StateException,
    error_code,
)
from ...models import ConnectedVehicle
from ...secret_types import Secret
from .. import _session, client
from ..client import ApiCredentials

logger = logging.getLogger(__name__)

#: Seconds for which a driver who has just connected waits for this; the rest is due.
SECONDS = 5.0


def due() -> Any:
    """Cars whose subscriptions are not as the setting says."""
    return ConnectedVehicle.objects.subscription_due(wanted_webhooks())


def begin(vehicles: Iterable[ConnectedVehicle]) -> None:
    """Subscribe cars that have just been connected. Never raises: what does not succeed is due."""
    ends = time.monotonic() + SECONDS
    for vehicle in vehicles:
        if time.monotonic() > ends:
            return
        try:
            if isinstance(reconcile(vehicle), RateLimitingException):
                return
        except Exception as error:
            logger.error("vehicle %s could not be subscribed: %s", vehicle.pk, type(error).__name__)


def reconcile(vehicle: ConnectedVehicle) -> Exception | None:
    """Subscribe the car to what the setting names, unsubscribe it from others; what failed first, or None.

    What has succeeded is on the row, and so is why the rest failed. Call it outside of transactions.
    """
    return _arrange(vehicle, wanted_webhooks() if vehicle.is_connected else set())


def end(vehicle: ConnectedVehicle) -> None:
    """Unsubscribe a car that is about to be disconnected; what fails is due, once it is."""
    _arrange(vehicle, set())


def reset(vehicles: Iterable[ConnectedVehicle]) -> None:
    """Believe no more that these are subscribed: a new connection may be without what an earlier one had."""
    for vehicle in vehicles:
        if vehicle.webhooks:
            _write(vehicle, set(vehicle.webhooks.split()) - wanted_webhooks(), "")


def wanted_webhooks() -> set[str]:
    """The webhooks of the setting; none, where that is no list."""
    given: Any = conf.SMARTCAR_WEBHOOKS
    return set(given) if isinstance(given, list | tuple) else set()


def _arrange(vehicle: ConnectedVehicle, wanted: set[str]) -> Exception | None:
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
        logger.warning("the subscriptions of vehicle %s are not as set: %s", vehicle.pk, error_code(failure))
    _write(vehicle, known, error_code(failure) if failure else "")
    return failure


def _subscribe(vehicle: ConnectedVehicle, webhook_id: str) -> None:
    vehicle_id = vehicle.smartcar_vehicle_id
    try:
        _session.as_driver(
            _session.account_of(vehicle), lambda driver: client.car(driver, vehicle_id).subscribe(webhook_id)
        )
    except StateException as error:
        if error.type == "VEHICLE_STATE":
            raise
        logger.info("vehicle %s was subscribed already", vehicle.pk)


def _unsubscribe(vehicle: ConnectedVehicle, webhook_id: str) -> None:
    """In API v2 the management token opens this, in 3 the application's; so the car may have gone."""
    account = vehicle.account
    management_token = next(iter(conf.SMARTCAR_MANAGEMENT_TOKENS), "")

    def tell(access_token: str) -> None:
        driver = ApiCredentials(
            account.api_version, Secret(access_token), account.smartcar_user_id, account.mode
        )
        client.car(driver, vehicle.smartcar_vehicle_id).unsubscribe(management_token, webhook_id)

    try:
        if account.uses_v3:
            _session.as_application(tell)
        elif not management_token:
            raise MissingCredentials("SMARTCAR_MANAGEMENT_TOKENS")
        elif not _is_for_another(vehicle, webhook_id):
            tell("")
    except (PermissionException, ResourceNotFoundException) as error:
        if not _session.is_gone(error, account):
            raise
        logger.info("vehicle %s was not subscribed any more", vehicle.pk)


def _is_for_another(vehicle: ConnectedVehicle, webhook_id: str) -> bool:
    """Whether it is to tell of this car for another driver: API v2 subscribes the car, whoever's."""
    if webhook_id not in wanted_webhooks():
        return False
    same = ConnectedVehicle.objects.connected().filter(smartcar_vehicle_id=vehicle.smartcar_vehicle_id)
    return bool(same.exclude(pk=vehicle.pk).exists())


def _write(vehicle: ConnectedVehicle, known: set[str], error: str) -> None:
    vehicle.webhooks, vehicle.webhooks_error = " ".join(sorted(known)), error[:100]
    ConnectedVehicle.objects.filter(pk=vehicle.pk).update(
        webhooks=vehicle.webhooks, webhooks_error=vehicle.webhooks_error
    )
