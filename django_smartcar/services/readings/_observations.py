"""Make observations of the SDK's signals, whichever way they came."""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone

from ... import sdk
from ...conf import conf
from ...databases import to_database_time
from ...models import ConnectedVehicle, Source, VehicleSignal
from ...sdk.signals import Signal, SignalType, type_named, type_of
from ...secret_types import Secret, protected_copy, storable
from ._store import Observation

logger = logging.getLogger(__name__)

Status = VehicleSignal.Status

#: Maximum length of a string, a list or an object.
MAX_LENGTH = 500

MAX_NAME_LENGTH = VehicleSignal._meta.get_field("signal").max_length or 0
MAX_UNIT_LENGTH = VehicleSignal._meta.get_field("unit").max_length or 0

#: How far the clock of a vehicle, or of its maker, may be ahead. A later time is that of the arrival.
MAX_CLOCK_SKEW = timedelta(minutes=5)

#: The types of Smartcar's errors that say why there is no value.
STATUSES = {
    "COMPATIBILITY": Status.NOT_CAPABLE,
    "RESOURCE_NOT_FOUND": Status.NOT_COLLECTED,
    "PERMISSION": Status.NOT_GRANTED,
}


def observations_of(
    vehicle: ConnectedVehicle,
    signals: Iterable[Signal],
    source: str = Source.READ,
    sequence: int = 0,
    *,
    granted_only: bool = True,
) -> Iterator[Observation]:
    """Yield the observations in signals of Smartcar; those without a value have the status that says why.

    A value of another type than the catalogue's is ignored, with a warning. With ``granted_only``, values
    that the driver has not granted are left out.
    """
    now = timezone.now()
    for signal in signals:
        permission = type_of(signal["code"]).permission
        is_granted = not granted_only or not permission or vehicle.can(permission)
        status, error = _status_of(vehicle, signal)
        value = _valid_value(vehicle, signal) if status == Status.OK and is_granted else None
        if not _is_storable_name(signal["name"]) or (status == Status.OK and value is None):
            continue
        told_at = signal["retrieved_at"] or sdk.parse_datetime(sequence or None)
        yield Observation(
            vehicle.pk,
            signal["name"],
            value,
            _unit_of(signal) if status == Status.OK else "",
            _not_ahead(to_database_time(signal["age"]), now),
            _not_ahead(to_database_time(told_at), now),
            source,
            sequence,
            status,
            storable_text(str(error.get("type") or ""), 100),
            storable_text(str(error.get("code") or ""), 100),
        )


def _is_storable_name(name: str) -> bool:
    return name.isprintable() and len(name) <= MAX_NAME_LENGTH


def failures_of(vehicle: ConnectedVehicle, name: str, error: sdk.SmartcarException) -> Iterator[Observation]:
    """Yield that the signals of a read of the SDK, by its name, have no value because of this error."""
    told = {"type": error.type, "code": error.code}
    for signal in sdk.readings.SOURCES[name].names:
        yield Observation(
            vehicle.pk,
            signal,
            None,
            "",
            None,
            status=status_of(vehicle, type_named(signal).permission, told),
            error_type=storable_text(error.type or "", 100),
            error_code=storable_text(error.code or "", 100),
        )


def make_observation(
    vehicle: ConnectedVehicle,
    name: str,
    value: Any,
    unit: str,
    recorded_at: datetime | None,
    source: str = Source.READ,
) -> Observation:
    """Return a validated observation. Raises ValueError, which does not quote the value."""
    signal_type = type_named(name)
    value = protected_copy(value)
    if name not in sdk.signals.TYPES:
        raise ValueError(f"{name!r} is not a signal")
    if source not in Source.values:
        raise ValueError(f"{source!r} is not a source of readings")
    recorded_at = to_database_time(recorded_at)
    if recorded_at is not None and timezone.is_naive(recorded_at) and timezone.is_aware(timezone.now()):
        raise ValueError("recorded_at must be an aware datetime, not a naive one")
    _check_unit(signal_type, unit)
    body = sdk.signals.body_of(signal_type, value, unit)
    signal = sdk.signals.read({"code": signal_type.code, "body": body}, is_unit_sure=True)
    stored = to_json(sdk.signals.value_of(signal))
    if stored is None:
        raise ValueError(f"there is no value of {name}: not a number, or a placeholder")
    return Observation(vehicle.pk, name, stored, signal_type.unit, recorded_at, source=source)


def to_json(value: Any) -> Any:
    """Return the value as JSON that every database accepts. Raises ValueError, which does not quote it."""
    if value is None or isinstance(value, bool):
        return value
    # An integer can have any size. One beyond the range of floats would break calculations.
    if isinstance(value, int | float) and abs(value) <= sys.float_info.max:
        return value
    if isinstance(value, Secret):
        return value if storable_text(value) == value else None
    if isinstance(value, str):
        return storable_text(value)
    if isinstance(value, list | tuple) and len(value) <= MAX_LENGTH:
        return [to_json(item) for item in value]
    if isinstance(value, Mapping) and len(value) <= MAX_LENGTH:
        return {str(to_json(str(name))): to_json(item) for name, item in value.items()}
    raise ValueError("the value is not a number")


def storable_text(value: str, length: int = MAX_LENGTH) -> str:
    """Return the text as every database accepts it."""
    return storable(value)[:length]


def _check_unit(signal_type: SignalType, unit: str) -> None:
    quantity = signal_type.quantity
    source = sdk.units.conversion(unit, quantity).source if quantity else None
    if quantity and (source is None or source.kind != quantity):
        raise ValueError(f"{unit!r} is not a unit of {signal_type.name}")


def _valid_value(vehicle: ConnectedVehicle, signal: Signal) -> Any:
    try:
        return to_json(sdk.signals.value_of(_metric(signal)))
    except ValueError:
        logger.warning("vehicle %s: ignored an invalid %s", vehicle.pk, signal["name"])
        return None


def _metric(signal: Signal) -> Signal:
    """Return the signal in metric units."""
    if signal["unit"] in (None, type_of(signal["code"]).unit):
        return signal
    body = {**(signal["body"] or {}), "unit": signal["unit"]}
    return sdk.signals.read({"code": signal["code"], "body": body}, is_unit_sure=True)


def _unit_of(signal: Signal) -> str:
    """Return the catalogue's unit; of an unknown signal, the one that it came in."""
    if signal["code"] in sdk.signals.SIGNALS:
        return type_of(signal["code"]).unit
    return storable_text(signal["unit"] or "", MAX_UNIT_LENGTH)


def _status_of(vehicle: ConnectedVehicle, signal: Signal) -> tuple[str, Mapping[str, Any]]:
    """Return the status of a signal, and its error."""
    if signal["status"] == "SUCCESS":
        return Status.OK, {}
    error: Mapping[str, Any] = signal["error"] or {}
    return status_of(vehicle, type_of(signal["code"]).permission, error), error


def status_of(vehicle: ConnectedVehicle, permission: str, error: Mapping[str, Any]) -> str:
    """Return the status of a signal that has no value, and this error or none."""
    kind, code = error.get("type"), error.get("code")
    is_granted = not permission or vehicle.can(permission)
    if kind == "PERMISSION" and is_granted:
        return Status.ERROR  # the brand refuses it, and nothing that the driver grants changes that
    if kind == "PERMISSION" or (not error and not is_granted):
        requested = {scope.removeprefix("required:") for scope in conf.SMARTCAR_SCOPE}
        return Status.NOT_GRANTED if permission in requested else Status.NOT_REQUESTED
    if kind == "BILLING" and code == "INVALID_PLAN":
        return Status.NOT_IN_PLAN
    return STATUSES.get(str(kind), Status.ERROR) if error else Status.NOT_COLLECTED


def _not_ahead(moment: datetime | None, now: datetime) -> datetime | None:
    return now if moment is not None and moment > now + MAX_CLOCK_SKEW else moment
