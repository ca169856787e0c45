"""What an event says of a car becomes readings and problems; newer wins, in whatever order they come."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from typing import Any

from django.utils import timezone

from ...conf import conf
from ...models import (
    READ_METHODS,
    READING_TYPES,
    ConnectedVehicle,
    LatestSignal,
    ReadingType,
    VehicleProblem,
    VehicleReading,
)
from ...sdk import parse_datetime
from ...sdk.signals import CODES, Signal
from ...sdk.webhooks import Event, Problem, VehicleUpdate
from .. import _session, readings

logger = logging.getLogger(__name__)

REAUTHENTICATE = "REAUTHENTICATE"


def vehicles_of(vehicle_id: str, user_id: str) -> list[ConnectedVehicle]:
    """The connected cars that news of this car are about; a driver whom they do not name may be any."""
    found = ConnectedVehicle.objects.connected().filter(smartcar_vehicle_id=vehicle_id)
    if user_id:
        found = found.filter(account__smartcar_user_id=user_id)
    return list(found.order_by("pk"))


def apply(vehicle: ConnectedVehicle, event: Event, update: VehicleUpdate) -> None:
    """Keep what the event tells of the car. The caller holds its row, in a transaction."""
    latest = {one.name: one for one in LatestSignal.objects.filter(vehicle=vehicle)}
    for signal in update.signals:
        kind = KEPT.get(signal["name"])
        is_told = signal["status"] == "SUCCESS" and signal["value"] is not None
        if kind and is_told and vehicle.can(PERMISSIONS[kind.name]):
            _arrive(vehicle, signal, event.sequence, latest.get(signal["name"]))
    _tell_problems(vehicle, event.sequence, update.problems)


def _arrive(vehicle: ConnectedVehicle, signal: Signal, sequence: int, latest: LatestSignal | None) -> None:
    """A signal that is kept, if nothing newer has come. The one place through which all of them go."""
    at = signal["age"] or signal["retrieved_at"] or parse_datetime(sequence) or timezone.now()
    if latest is not None and (latest.recorded_at, latest.sequence) > (at, sequence):
        return
    if not _keep(vehicle, signal):
        return
    newest = {"recorded_at": at, "sequence": sequence}
    LatestSignal.objects.update_or_create(vehicle=vehicle, name=signal["name"], defaults=newest)


def _keep(vehicle: ConnectedVehicle, signal: Signal) -> bool:
    """Keep it as a reading; False where it is none."""
    name, value, age = signal["name"], signal["value"], signal["age"]
    kind, source = KEPT[name], VehicleReading.Source.WEBHOOK
    try:
        shaped = SHAPES[name](value) if name in SHAPES else value
        kept = readings.save(vehicle, kind.name, shaped, signal["unit"] or "", age, source)
    except ValueError:
        logger.warning("vehicle %s: the %s of an event makes no sense", vehicle.pk, name)
        return False
    return kept is not None


def _charge_state(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError("the charge state is not a text")
    return value


def _port(value: Any) -> list[dict[str, str]]:
    """As `lock_status` tells it."""
    if not isinstance(value, bool):
        raise ValueError("whether the port is open is no truth")
    return [{"type": "chargingPort", "status": "OPEN" if value else "CLOSED"}]


#: The signals that are a fact which a read brings too.
KEPT: dict[str, ReadingType] = {
    signal: READING_TYPES[kind]
    for signal, kind in {
        "odometer": "odometer",
        "location": "location",
        "battery_level": "battery.percent_remaining",
        "battery_range": "battery.range",
        "fuel_level": "fuel.percent_remaining",
        "fuel_range": "fuel.range",
        "fuel_amount": "fuel.amount_remaining",
        "oil_life": "engine_oil",
        "is_plugged_in": "charge.is_plugged_in",
        "charge_state": "charge.state",  # ``is_charging`` is not: a car that does not may be full
        "charge_limit": "charge_limit",
        "is_locked": "lock_status.is_locked",
        "is_charge_port_open": "lock_status.charging_port",
    }.items()
}
#: What makes of a signal the value that a read brings, where that is another. Raises ValueError.
SHAPES: dict[str, Callable[[Any], Any]] = {"charge_state": _charge_state, "is_charge_port_open": _port}
#: The permission that each of them needs; the signal of the port is one of charging.
PERMISSIONS = {kind.name: read.permission for read in READ_METHODS.values() for kind in read.kinds}
PERMISSIONS["lock_status.charging_port"] = "read_charge"


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
            _session.mark_reauthentication_required(vehicle)
        elif problem["is_resolved"] and was_about_a_login and not _is_asked_for_a_login(vehicle):
            _session.clear_reauthentication_required(vehicle)


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
