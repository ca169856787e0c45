"""Apply a webhook event to a vehicle: save readings and problems. Older events never overwrite newer data."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from datetime import timedelta
from typing import Any

from django.utils import timezone

from ...conf import conf
from ...models import (
    READ_METHODS,
    READING_TYPES,
    ConnectedVehicle,
    LatestSignal,
    ReadingType,
    SmartcarAccount,
    VehicleProblem,
    VehicleReading,
)
from ...sdk import parse_datetime
from ...sdk.signals import CODES, Signal
from ...sdk.signals import PERMISSIONS as SIGNAL_PERMISSIONS
from ...sdk.webhooks import Event, Problem, VehicleUpdate
from .. import _authenticated_calls, readings

logger = logging.getLogger(__name__)

REAUTHENTICATE = "REAUTHENTICATE"

#: How far the clock of a vehicle, or of its maker, may be ahead. A later time is that of the arrival.
MAX_CLOCK_SKEW = timedelta(minutes=5)


def vehicles_of(vehicle_id: str, user_id: str, is_test: bool) -> list[ConnectedVehicle]:
    """Return the connected vehicles that an update refers to; without a user id, those of every account.

    A test event is never about a real vehicle, whatever its ids are.
    """
    found = ConnectedVehicle.objects.connected().filter(smartcar_vehicle_id=vehicle_id)
    if user_id:
        found = found.filter(account__smartcar_user_id=user_id)
    if is_test:
        found = found.exclude(account__mode=SmartcarAccount.Mode.LIVE)
    return list(found.order_by("pk"))


def apply(vehicle: ConnectedVehicle, event: Event, update: VehicleUpdate) -> None:
    """Save the event's data. The caller must hold a row lock on the vehicle."""
    latest = {row.name: row for row in LatestSignal.objects.filter(vehicle=vehicle)}
    for signal in update.signals:
        kind = READING_TYPES_BY_SIGNAL.get(signal["name"])
        has_value = signal["status"] == "SUCCESS" and signal["value"] is not None
        if kind and has_value and vehicle.can(PERMISSIONS[kind.name]):
            _save_if_newer(vehicle, signal, event.sequence, latest.get(signal["name"]))
    _save_problems(vehicle, event.sequence, update.problems)


def _save_if_newer(
    vehicle: ConnectedVehicle, signal: Signal, sequence: int, latest: LatestSignal | None
) -> None:
    """Save a signal, unless a newer one has been saved. All signals of webhooks pass through here."""
    now = timezone.now()
    if signal["age"] is not None and signal["age"] > now + MAX_CLOCK_SKEW:
        signal = {**signal, "age": now}  # or it would block every later value
    at = signal["age"] or signal["retrieved_at"] or parse_datetime(sequence) or now
    if latest is not None and readings.is_older(at, latest.recorded_at, sequence, latest.sequence):
        return
    if not _save(vehicle, signal):
        return
    latest_values = {"recorded_at": at, "sequence": sequence}
    LatestSignal.objects.update_or_create(vehicle=vehicle, name=signal["name"], defaults=latest_values)


def _save(vehicle: ConnectedVehicle, signal: Signal) -> bool:
    """Save the signal as a reading; return False if it is invalid."""
    name, value, age = signal["name"], signal["value"], signal["age"]
    kind, source = READING_TYPES_BY_SIGNAL[name], VehicleReading.Source.WEBHOOK
    try:
        value = CONVERTERS[name](value) if name in CONVERTERS else value
        saved = readings.save(vehicle, kind.name, value, signal["unit"] or "", age, source)
    except ValueError:
        logger.warning("vehicle %s: ignored an invalid %s in an event", vehicle.pk, name)
        return False
    return saved is not None


def _charge_state(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError("the charge state must be a string")
    return value


def _port_status(value: Any) -> list[dict[str, str]]:
    """Return the port's state in the format of `lock_status`."""
    if not isinstance(value, bool):
        raise ValueError("the charge port state must be a boolean")
    return [{"type": "chargingPort", "status": "OPEN" if value else "CLOSED"}]


#: The signals that are stored, with their reading type.
READING_TYPES_BY_SIGNAL: dict[str, ReadingType] = {
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
        "charge_state": "charge.state",  # not ``is_charging``: a vehicle that is not charging may be full
        "charge_limit": "charge_limit",
        "is_locked": "lock_status.is_locked",
        "is_charge_port_open": "lock_status.charging_port",
    }.items()
}
#: Convert a signal's value to the format of a read, if that differs. Raise ValueError.
CONVERTERS: dict[str, Callable[[Any], Any]] = {
    "charge_state": _charge_state,
    "is_charge_port_open": _port_status,
}
#: The permission that each reading type needs; the port's signal belongs to charging.
PERMISSIONS = {kind.name: read.permission for read in READ_METHODS.values() for kind in read.kinds}
PERMISSIONS["lock_status.charging_port"] = "read_charge"


def _save_problems(vehicle: ConnectedVehicle, sequence: int, problems: Iterable[Problem]) -> None:
    """Open and resolve problems of a vehicle; set or clear its reauthentication state accordingly."""
    for problem in problems:
        row, is_new = VehicleProblem.objects.get_or_create(
            vehicle=vehicle, type=problem["type"][:100], code=problem["code"][:100]
        )
        # A problem has no time of recording, and an event of API v2 no sequence.
        if sequence and readings.is_older(None, None, sequence, row.sequence):
            continue
        was_about_login = row.resolution == REAUTHENTICATE or row.type == "CONNECTED_SERVICES_ACCOUNT"
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
        if _requires_login(vehicle, row):
            _authenticated_calls.mark_reauthentication_required(vehicle)
        elif problem["is_resolved"] and was_about_login and not _is_login_required(vehicle):
            _authenticated_calls.clear_reauthentication_required(vehicle)


def _requires_login(vehicle: ConnectedVehicle, row: VehicleProblem) -> bool:
    """Return whether the driver must log in at the brand again.

    Smartcar keeps sending this error about signals that the driver did not grant, that the site does not use,
    or, with the type ``PERMISSION``, about none. A new login changes nothing then.
    """
    if not row.is_open or row.resolution != REAUTHENTICATE:
        return False
    if not row.signals:
        return row.type != "PERMISSION"
    used = {CODES.get(name, name) for name in conf.SMARTCAR_SIGNALS}
    concerned = used.intersection(row.signals) if used else row.signals
    return any(code not in SIGNAL_PERMISSIONS or vehicle.can(SIGNAL_PERMISSIONS[code]) for code in concerned)


def _is_login_required(vehicle: ConnectedVehicle) -> bool:
    problems = VehicleProblem.objects.filter(vehicle=vehicle, resolved_at=None)
    return any(_requires_login(vehicle, row) for row in problems)
