"""What an event says of a car becomes facts of its row: newer wins, whatever order the events come in."""

from __future__ import annotations

import logging
import math
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.db.models import Q
from django.utils import timezone
from django.views.decorators.debug import sensitive_variables

from ..conf import conf
from ..models import ConnectedVehicle, LatestSignal, VehicleProblem
from ..sdk.signals import CODES, Signal, moment
from ..sdk.webhooks import Event, News, Problem
from . import cars

logger = logging.getLogger(__name__)

REAUTHENTICATE = "REAUTHENTICATE"


def vehicles_of(vehicle_id: str, user_id: str) -> list[ConnectedVehicle]:
    """The connected cars that news of this car are about; a driver whom they do not name may be any."""
    found = ConnectedVehicle.objects.connected().filter(smartcar_vehicle_id=vehicle_id)
    if user_id:
        found = found.filter(account__smartcar_user_id=user_id)
    return list(found.order_by("pk"))


@sensitive_variables()
def apply(vehicle: ConnectedVehicle, event: Event, news: News) -> None:
    """Write what the event tells to the row of the car. The caller holds the row, in a transaction."""
    latest = {one.name: one for one in LatestSignal.objects.filter(vehicle=vehicle)}
    for signal in news.signals:
        if signal["name"] in KEPT and vehicle.can(KEPT[signal["name"]]) and signal["status"] == "SUCCESS":
            _arrive(vehicle, signal, event.sequence, latest.get(signal["name"]))
    # Commands whose outcome is unknown are to be settled here, by what `news.signals` say of the car.
    _tell_problems(vehicle, event.sequence, news.problems)


@sensitive_variables()
def _arrive(vehicle: ConnectedVehicle, signal: Signal, sequence: int, latest: LatestSignal | None) -> None:
    """A signal that is kept, if nothing newer has come. The one place through which all of them go."""
    at = signal["age"] or signal["retrieved_at"] or moment(sequence) or timezone.now()
    if latest is not None and (latest.recorded_at, latest.sequence) > (at, sequence):
        return
    if not _keep(vehicle, signal):
        return
    newest = {"recorded_at": at, "sequence": sequence}
    LatestSignal.objects.update_or_create(vehicle=vehicle, name=signal["name"], defaults=newest)


@sensitive_variables()
def _keep(vehicle: ConnectedVehicle, signal: Signal) -> bool:
    """Put a reading on the row, unless Smartcar was asked and answered something newer."""
    name, value, age = signal["name"], signal["value"], signal["age"]
    columns: dict[str, Any] = {}
    if name == "odometer":
        units = {"km": ConnectedVehicle.UnitSystem.METRIC, "mi": ConnectedVehicle.UnitSystem.IMPERIAL}
        columns = {"odometer": _number(value), "odometer_unit_system": units.get(signal["unit"] or "")}
    elif name == "location" and isinstance(value, dict):
        columns = {axis: _number(value.get(axis)) for axis in ("latitude", "longitude")}
    if not columns or None in columns.values():
        logger.warning("vehicle %s: the %s of an event makes no sense", vehicle.pk, name)
        return False
    return _write(vehicle, name, age, columns)


@sensitive_variables()
def _write(vehicle: ConnectedVehicle, name: str, age: datetime | None, columns: dict[str, Any]) -> bool:
    recorded = f"{name}_recorded_at"
    not_newer = Q(**{recorded: None})
    if age is not None:
        not_newer |= Q(**{f"{recorded}__lte": age})
    columns |= {recorded: age, f"{name}_fetched_at": timezone.now()}
    written = ConnectedVehicle.objects.filter(not_newer, pk=vehicle.pk).update(**columns)
    if written:
        for column, value in columns.items():
            setattr(vehicle, column, value)
    return bool(written)


#: The signals that the row of a car has a place for, and the permission that each needs.
KEPT = {"odometer": "read_odometer", "location": "read_location"}


def _tell_problems(vehicle: ConnectedVehicle, sequence: int, told: Iterable[Problem]) -> None:
    """Open and close the problems of a car, and ask for a new login, or no longer, where they say so."""
    for problem in told:
        row, is_new = VehicleProblem.objects.get_or_create(
            vehicle=vehicle, type=problem["type"][:100], code=problem["code"][:100]
        )
        if sequence and row.sequence > sequence:
            continue  # it is older than what is known
        was_about_a_login = row.resolution == REAUTHENTICATE or row.type == "CONNECTED_SERVICES_ACCOUNT"
        now = timezone.now()
        row.sequence = sequence
        if problem["is_resolved"]:
            row.resolved_at = now
        else:
            row.opened_at = now if is_new or not row.is_open else row.opened_at
            row.resolved_at = None
            row.resolution = (problem["resolution"] or "")[:100]
            row.signals = [code[:100] for code in problem["signals"]]
        row.save()
        if _asks_for_a_login(row):
            _mark(vehicle, now)
        elif problem["is_resolved"] and was_about_a_login and not _is_asked_for_a_login(vehicle):
            cars.unmark(vehicle)


def _asks_for_a_login(row: VehicleProblem) -> bool:
    """Whether the driver should log in at the brand again: for a signal that the site uses, or for all.

    Smartcar lets this storm over signals of the account, which a car of another owner has not.
    """
    if not row.is_open or row.resolution != REAUTHENTICATE:
        return False
    used = {CODES.get(name, name) for name in conf.SMARTCAR_SIGNALS}
    if used:
        return not row.signals or bool(used.intersection(row.signals))
    return not row.signals or not all(code.startswith("vehicleuseraccount-") for code in row.signals)


def _is_asked_for_a_login(vehicle: ConnectedVehicle) -> bool:
    return any(map(_asks_for_a_login, VehicleProblem.objects.filter(vehicle=vehicle, resolved_at=None)))


def _mark(vehicle: ConnectedVehicle, now: datetime) -> None:
    unmarked = ConnectedVehicle.objects.filter(pk=vehicle.pk, reauthentication_required_at=None)
    if unmarked.update(reauthentication_required_at=now):
        vehicle.reauthentication_required_at = now


def _number(value: object) -> float | None:
    try:
        number = float(value) if isinstance(value, int | float) and not isinstance(value, bool) else math.nan
    except OverflowError:
        return None
    return number if math.isfinite(number) else None
