"""What Smartcar says about cars: which there are, what they read, and that one is let go."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import Q
from django.utils import timezone
from django.views.decorators.debug import sensitive_variables

from .. import sdk, signals
from ..conf import conf
from ..exceptions import (
    PermissionException,
    ReconnectRequired,
    ResourceNotFoundException,
    SmartcarException,
)
from ..models import ConnectedVehicle, SmartcarAccount, SmartcarUser
from . import cars, facts, tokens
from .facts import Facts

logger = logging.getLogger(__name__)


@sensitive_variables()
def odometer(vehicle: ConnectedVehicle) -> sdk.Odometer:
    """Read the odometer and keep it on the row.

    ``{"data": {"distance": 104.32}, "unit_system": "metric", "age": datetime}``: kilometres or miles, by the
    vehicle's ``unit_system``; ``age`` is when the car recorded it, or None.
    Raises VehicleDisconnected, ReconnectRequired or a SmartcarException.
    """
    reading = cars.ask(vehicle, lambda car: car.odometer(), "read_odometer")
    sent = reading["unit_system"]
    units = sent if sent in ConnectedVehicle.UnitSystem.values else vehicle.unit_system
    distance = reading["data"]["distance"]
    _keep(vehicle, "odometer", reading["age"], odometer=distance, odometer_unit_system=units)
    return reading


@sensitive_variables()
def location(vehicle: ConnectedVehicle) -> sdk.Location:
    """Read where the car is and keep it on the row.

    ``{"data": {"latitude": 37.4, "longitude": 122.1}, "age": datetime}``: degrees; ``age`` as in `odometer`.
    Raises VehicleDisconnected, ReconnectRequired or a SmartcarException.
    """
    reading = cars.ask(vehicle, lambda car: car.location(), "read_location")
    data = reading["data"]
    _keep(vehicle, "location", reading["age"], latitude=data["latitude"], longitude=data["longitude"])
    return reading


#: Each reading, after the permission that it needs.
READINGS = [("read_odometer", odometer), ("read_location", location)]


def refresh_readings(vehicle: ConnectedVehicle) -> None:
    """Read everything that the driver permits, and keep it on the row.

    Raises VehicleDisconnected, ReconnectRequired or a SmartcarException: the first that came, once
    everything else has been read.
    """
    failed: SmartcarException | None = None
    for permission, read in READINGS:
        if vehicle.can(permission):
            try:
                read(vehicle)
            except SmartcarException as error:
                failed = failed or error
    if failed is not None:
        raise failed


@sensitive_variables()
def reread(vehicle: ConnectedVehicle) -> None:
    """Ask Smartcar again what the car is, what is permitted, and all that it reads. Raises as above."""
    vehicle_id = vehicle.smartcar_vehicle_id
    told = tokens.as_driver(cars.account_of(vehicle), lambda driver: facts.read(driver, vehicle_id))
    if columns := told.columns():
        ConnectedVehicle.objects.filter(pk=vehicle.pk).update(**columns)
    vehicle.refresh_from_db()
    refresh_readings(vehicle)
    if told.failed is not None:
        raise told.failed


@sensitive_variables()
def sync(account: SmartcarAccount) -> list[ConnectedVehicle]:
    """Re-read from Smartcar which cars the account opens, what they are and what is permitted.

    Cars that Smartcar no longer lists are marked as disconnected; a car that has gone over to a newer grant
    stays there. Raises ReconnectRequired, RefreshInProgress or a SmartcarException; nothing has changed then.
    """
    before = set(account.vehicles.connected().values_list("pk", flat=True))
    found = tokens.as_driver(account, facts.read_all)
    with transaction.atomic():
        owner = lock_owner(account.smartcar_user_id)
        elsewhere = ConnectedVehicle.objects.filter(account__smartcar_user=owner).exclude(account=account)
        taken = set(elsewhere.values_list("smartcar_vehicle_id", flat=True))
        synced = store(account, [told for told in found if told.vehicle_id not in taken])
        listed = [told.vehicle_id for told in found]
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


def store(account: SmartcarAccount, found: Iterable[Facts]) -> list[ConnectedVehicle]:
    """Write what `facts.read_all` found; a car moves to this account. The caller holds the owner."""
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
        let_go(vehicle)
    except ReconnectRequired as error:
        if isinstance(error, SmartcarException):
            raise  # about the login at the brand: our tokens are good, and Smartcar has not let it go
        told = False
    if mark_disconnected(vehicle, actor, before):
        tokens.forget_if_unused(vehicle.account)
    return told


def let_go(vehicle: ConnectedVehicle) -> None:
    """Tell Smartcar that the car is given back; it may know already. The row is not touched."""
    try:
        cars.ask(vehicle, lambda car: car.disconnect(), requests=0)
    except (PermissionException, ResourceNotFoundException) as error:
        if not _is_gone(error, vehicle.account):
            raise
        logger.info("vehicle %s was already disconnected at Smartcar", vehicle.pk)


def _is_gone(error: SmartcarException, account: SmartcarAccount) -> bool:
    """Whether Smartcar means this car, not the application or a wrong address."""
    if not account.speaks_v3:
        return error.type == "PERMISSION" or (error.type == "RESOURCE_NOT_FOUND" and error.code is None)
    # The SDK's own word where no connection is shown, or Smartcar's where it has gone since.
    return error.response is None or error.response.request.method == "DELETE"


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


def _keep(vehicle: ConnectedVehicle, name: str, recorded_at: datetime | None, **values: Any) -> None:
    """Keep a reading, unless the row has one that the car recorded later."""
    recorded = f"{name}_recorded_at"
    not_newer = Q(**{recorded: None})
    if recorded_at is not None:
        not_newer |= Q(**{f"{recorded}__lte": recorded_at})
    ConnectedVehicle.objects.filter(not_newer, pk=vehicle.pk).update(
        **values, **{recorded: recorded_at, f"{name}_fetched_at": timezone.now()}
    )
    vehicle.refresh_from_db(fields=[*values, recorded, f"{name}_fetched_at"])


def _store(account: SmartcarAccount, told: Facts) -> ConnectedVehicle:
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
