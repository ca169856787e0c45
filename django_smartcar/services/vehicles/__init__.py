"""What Smartcar says about cars: which there are, what they read, and that one is let go."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from datetime import timedelta
from typing import Any

from django.db import transaction
from django.utils import timezone
from django.views.decorators.debug import sensitive_variables

from ... import sdk, signals
from ...conf import conf
from ...exceptions import (
    NotCapableException,
    PermissionException,
    PermissionMissing,
    ReconnectRequired,
    ResourceNotFoundException,
    SignalNotAvailable,
    SmartcarException,
)
from ...models import READ_METHODS, ConnectedVehicle, SmartcarAccount, SmartcarUser
from .. import _rate_limits, _session, readings, tokens
from ..webhooks import subscriptions
from . import _details
from ._details import MAX_ID_LENGTH, VehicleDetails, read_all

__all__ = [
    "DASHBOARD_READINGS",
    "MAX_ID_LENGTH",
    "disconnect",
    "disconnect_at_smartcar",
    "location",
    "lock_owner",
    "mark_disconnected",
    "odometer",
    "read",
    "read_all",
    "refresh_readings",
    "reload",
    "store",
    "sync",
]

logger = logging.getLogger(__name__)


@sensitive_variables()
def odometer(vehicle: ConnectedVehicle) -> sdk.Odometer:
    """Read the odometer and keep it.

    ``{"data": {"distance": 104.32}, "unit_system": "metric", "age": datetime}``: kilometres or miles, by the
    vehicle's ``unit_system``; ``age`` is when the car recorded it, or None.
    Raises VehicleDisconnected, ReconnectRequired or a SmartcarException.
    """
    reading = _session.call(vehicle, lambda car: car.odometer(), "read_odometer")
    readings.save_batch(vehicle, {"odometer": reading})
    return reading


@sensitive_variables()
def location(vehicle: ConnectedVehicle) -> sdk.Location:
    """Read where the car is and keep it.

    ``{"data": {"latitude": 37.4, "longitude": 122.1}, "age": datetime}``: degrees; ``age`` as in `odometer`.
    Raises VehicleDisconnected, ReconnectRequired or a SmartcarException.
    """
    reading = _session.call(vehicle, lambda car: car.location(), "read_location")
    readings.save_batch(vehicle, {"location": reading})
    return reading


@sensitive_variables()
def read(
    vehicle: ConnectedVehicle, names: Iterable[str], *, max_age: timedelta | None = None
) -> dict[str, Any]:
    """Read many things in one request, and keep them: name -> what the SDK's method returns or raises.

    The names are those of the SDK's methods, ``"odometer"`` to ``"service_history"``: see
    ``models.READ_METHODS``. What the driver has not permitted is a PermissionException, and not asked for;
    each exception has its own ``retry_after``. Readings younger than ``max_age`` come from the database.

    Raises ValueError for a name that there is not, TypeError for a ``max_age`` that is no timedelta,
    VehicleDisconnected, ReconnectRequired, or a SmartcarException where the request failed as a whole.
    """
    wanted = _known_names(names)
    if max_age is not None and not isinstance(max_age, timedelta):
        raise TypeError(f"max_age is a timedelta, as timedelta(minutes=10), not {type(max_age).__name__}.")
    _session.account_of(vehicle)
    permitted = [name for name in wanted if vehicle.can(READ_METHODS[name].permission)]
    found = {} if max_age is None else readings.cached(vehicle, permitted, max_age)
    if asked := [name for name in permitted if name not in found]:
        found |= _ask_all(vehicle, asked)
    return {
        name: found[name] if name in found else PermissionMissing(scope=READ_METHODS[name].permission)
        for name in wanted
    }


def _ask_all(vehicle: ConnectedVehicle, names: list[str]) -> dict[str, Any]:
    cost = _session.cost(vehicle.account, names)
    answers: dict[str, Any] = {**_session.call(vehicle, lambda car: car.batch(names), requests=cost)}
    for name, answer in answers.items():
        if isinstance(answer, SmartcarException):
            _session.complete(answer, vehicle.account, READ_METHODS[name].permission)
            _rate_limits.record_failure(vehicle, answer, 0)  # the batch itself is counted
    readings.save_batch(vehicle, answers)
    return answers


#: What `refresh_readings` reads: what the page of a car shows.
DASHBOARD_READINGS = (
    *("odometer", "battery", "fuel", "charge", "get_charge_limit"),
    *("lock_status", "tire_pressure", "engine_oil", "location"),
)


def refresh_readings(vehicle: ConnectedVehicle) -> None:
    """Read what the car's page shows and the driver permits, in one request, and keep it.

    What this car does not have, or Smartcar has not collected, is no failure while something else was told.
    Raises VehicleDisconnected, ReconnectRequired or a SmartcarException: the first that came, once everything
    else has been kept.
    """
    found = read(vehicle, [name for name in DASHBOARD_READINGS if vehicle.can(READ_METHODS[name].permission)])
    failures = [answer for answer in found.values() if isinstance(answer, SmartcarException)]
    expected = () if len(failures) == len(found) else (NotCapableException, SignalNotAvailable)
    for failure in failures:
        if not isinstance(failure, expected):
            raise failure


def reload(vehicle: ConnectedVehicle) -> None:
    """Ask Smartcar again what the car is, what is permitted, and all that it reads. Raises as above."""
    vehicle_id = vehicle.smartcar_vehicle_id
    told = _session.as_driver(_session.account_of(vehicle), lambda driver: _details.read(driver, vehicle_id))
    if columns := told.columns():
        ConnectedVehicle.objects.filter(pk=vehicle.pk).update(**columns)
    vehicle.refresh_from_db()
    refresh_readings(vehicle)
    if told.failed is not None:
        raise told.failed


def sync(account: SmartcarAccount) -> list[ConnectedVehicle]:
    """Re-read from Smartcar which cars the account opens, what they are and what is permitted.

    Cars that Smartcar no longer lists are marked as disconnected; a car that has gone over to a newer grant
    stays there. Raises ReconnectRequired, RefreshInProgress or a SmartcarException; nothing has changed then.
    """
    before = set(account.vehicles.connected().values_list("pk", flat=True))
    found = _session.as_driver(account, read_all)
    with transaction.atomic():
        owner = lock_owner(account.smartcar_user_id)
        elsewhere = ConnectedVehicle.objects.filter(account__smartcar_user=owner).exclude(account=account)
        taken = set(elsewhere.values_list("smartcar_vehicle_id", flat=True))
        listed = [told.vehicle_id for told in found]
        back = account.vehicles.filter(smartcar_vehicle_id__in=listed).exclude(disconnected_at=None)
        subscriptions.reset(back)
        synced = store(account, [told for told in found if told.vehicle_id not in taken])
        gone = list(account.vehicles.filter(pk__in=before).exclude(smartcar_vehicle_id__in=listed))
        ConnectedVehicle.objects.filter(pk__in=[vehicle.pk for vehicle in gone]).update(
            disconnected_at=timezone.now()
        )
    for vehicle in gone:
        vehicle.refresh_from_db()
        signals.vehicle_disconnected.send_robust(ConnectedVehicle, vehicle=vehicle, actor=None)
    return synced


def lock_owner(smartcar_user_id: str) -> SmartcarUser:
    """Hold this driver's row until the transaction ends: one connection or sync at a time writes the cars."""
    return SmartcarUser.objects.select_for_update().get(pk=smartcar_user_id)


def store(account: SmartcarAccount, found: Iterable[VehicleDetails]) -> list[ConnectedVehicle]:
    """Write what `_details.read_all` found; a car moves to this account. The caller holds the owner."""
    return [_store(account, told) for told in found]


def disconnect(vehicle: ConnectedVehicle, *, actor: Any = None) -> bool:
    """Give the car back: tell Smartcar, then mark the row. The row and its readings stay.

    True when Smartcar has been told; False when it could not be, because the account's tokens are dead.
    Raises VehicleDisconnected, RefreshInProgress or a SmartcarException (then the car is still connected).
    """
    # Connecting writes the row anew: a car that was connected again while we asked is not this one any more.
    before = ConnectedVehicle.objects.values_list("updated_at", flat=True).get(pk=vehicle.pk)
    told = True
    try:
        disconnect_at_smartcar(vehicle)
    except ReconnectRequired as error:
        if error.status_code is not None:
            raise  # about the login at the brand: our tokens are good, and Smartcar has not let it go
        told = False
    if mark_disconnected(vehicle, actor, before):
        tokens.clear_tokens_if_unused(vehicle.account)
    return told


def disconnect_at_smartcar(vehicle: ConnectedVehicle) -> None:
    """Tell Smartcar that the car is given back; it may know already. The row is connected still."""
    subscriptions.end(vehicle)
    try:
        _session.call(vehicle, lambda car: car.disconnect(), requests=0)
    except (PermissionException, ResourceNotFoundException) as error:
        if not _session.is_gone(error, vehicle.account):
            raise
        logger.info("vehicle %s was already disconnected at Smartcar", vehicle.pk)


def mark_disconnected(vehicle: ConnectedVehicle, actor: Any = None, unless_after: Any = None) -> bool:
    """Smartcar no longer lets us reach the car: the row says so, and the project's receivers are told.

    False if the row was written after this moment, by a new connection.
    """
    rows = ConnectedVehicle.objects.filter(pk=vehicle.pk)
    if unless_after is not None:
        rows = rows.filter(updated_at=unless_after)
    marked = rows.update(disconnected_at=timezone.now())
    vehicle.refresh_from_db()
    if marked:
        signals.vehicle_disconnected.send_robust(ConnectedVehicle, vehicle=vehicle, actor=actor)
    return bool(marked)


def _known_names(names: Iterable[str]) -> list[str]:
    if isinstance(names, str):
        raise ValueError(f"names are a list of texts, not one text: [{names!r}]")
    wanted = list(dict.fromkeys(names))
    if unknown := [name for name in wanted if name not in READ_METHODS]:
        raise ValueError(
            f"{', '.join(map(repr, unknown))}: no read has that name; choose from {', '.join(READ_METHODS)}"
        )
    return wanted


def _store(account: SmartcarAccount, told: VehicleDetails) -> ConnectedVehicle:
    known = {**told.columns(), "account": account}
    # Two people may drive one car, each with a grant of their own: the row is this driver's.
    vehicle, _created = ConnectedVehicle.objects.update_or_create(
        account__smartcar_user=account.smartcar_user,
        smartcar_vehicle_id=told.vehicle_id,
        defaults={**known, "disconnected_at": None},
        create_defaults={
            **known,
            "smartcar_vehicle_id": told.vehicle_id,
            "unit_system": conf.SMARTCAR_UNIT_SYSTEM,
        },
    )
    return vehicle
