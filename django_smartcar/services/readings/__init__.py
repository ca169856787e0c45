"""Store readings: one row for each value, in metric units, with the latest of each type marked.

Reads, webhooks and syncs all call `save`, or `save_many` for any number of values and vehicles: the number of
queries is the same. Saved readings resolve unconfirmed commands (`commands.resolve`), and `cached` returns
them in the format of the SDK.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from django.db import DatabaseError
from django.utils import timezone
from django.views.decorators.debug import sensitive_variables

from ... import sdk
from ...models import READ_METHODS, READING_TYPES, ConnectedVehicle, ReadingType, VehicleReading
from ...secret_types import coordinate, protected
from .. import commands
from ..commands import ObservedValue
from . import _store
from ._store import Observation, is_older

__all__ = [
    "InUnits",
    "Observation",
    "cached",
    "in_units",
    "is_older",
    "make_observation",
    "observations_from_batch",
    "save",
    "save_batch",
    "save_many",
]

logger = logging.getLogger(__name__)

#: Maximum length of a string, a list or an object.
MAX_LENGTH = 500


class InUnits(NamedTuple):
    """A value and the name of its unit."""

    value: Any
    unit: str


@sensitive_variables()
def save(
    vehicle: ConnectedVehicle,
    kind: str,
    value: Any,
    unit: str = "",
    recorded_at: datetime | None = None,
    source: str = VehicleReading.Source.READ,
) -> VehicleReading | None:
    """Save one value and return its row; None if the vehicle has been deleted.

    ``kind`` is a name in ``models.READING_TYPES``; ``unit`` is any of Smartcar's names for it (``"km"``,
    ``"percent"``), empty if the value has none. A value with the same time is stored once. A value that is
    older or implausible never replaces the latest. Raises ValueError for an invalid value.
    """
    value = _protect(value)
    rows = save_many([make_observation(vehicle, kind, value, unit, recorded_at, source)])
    return rows[0] if rows else None


def save_many(observations: Iterable[Observation]) -> list[VehicleReading]:
    """Save observations of any vehicles in one transaction; return their rows, except of deleted vehicles."""
    try:
        rows = _store.save_observations(list(observations), timezone.now())
        commands.resolve_many(
            ObservedValue(row.vehicle_id, row.kind, row.value, row.recorded_at)
            for row in rows
            if not row.is_outlier
        )
        return rows
    except DatabaseError as error:
        # Django's frames, and all but the first line of the message, would show values in error reports.
        message = f"{error}".partition("\n")[0]
        raise type(error)(message) from None


def save_batch(vehicle: ConnectedVehicle, responses: Mapping[str, Any]) -> list[VehicleReading]:
    """Save the result of the SDK's `batch`: name -> response, or an exception, which is ignored."""
    return save_many(observations_from_batch(vehicle, responses))


def observations_from_batch(vehicle: ConnectedVehicle, responses: Mapping[str, Any]) -> list[Observation]:
    """Return the observations in the result of `batch`, without values that the brand does not provide."""
    observations = []
    for name, response in responses.items():
        if isinstance(response, Exception):
            continue
        is_imperial = (response.get("unit_system") or vehicle.unit_system) == "imperial"
        for kind in READ_METHODS[name].kinds:
            value = response["data"].get(kind.field) if kind.field else response["data"]
            if value is None or value == kind.empty_value:
                continue
            unit = sdk.units.TARGET_UNITS[kind.measure][is_imperial] if kind.measure else ""
            try:
                observations.append(make_observation(vehicle, kind.name, value, unit, response["age"]))
            except ValueError:
                logger.warning("vehicle %s: ignored an unreadable value for %s", vehicle.pk, kind.name)
    return observations


def make_observation(
    vehicle: ConnectedVehicle,
    kind: str,
    value: Any,
    unit: str,
    recorded_at: datetime | None,
    source: str = VehicleReading.Source.READ,
) -> Observation:
    """Return a validated observation. Raises ValueError, which does not quote the value."""
    value = _protect(value)
    if kind not in READING_TYPES:
        raise ValueError(f"{kind!r} is not a kind of reading")
    if source not in VehicleReading.Source.values:
        raise ValueError(f"{source!r} is not a source of readings")
    if recorded_at is not None and timezone.is_naive(recorded_at):
        raise ValueError("recorded_at must be an aware datetime, not a naive one")
    return Observation(
        vehicle.pk, READING_TYPES[kind], _to_metric(READING_TYPES[kind], value, unit), recorded_at, source
    )


def cached(vehicle: ConnectedVehicle, names: Iterable[str], max_age: timedelta) -> dict[str, Any]:
    """Return name -> the SDK's response, for the reads whose values are all younger than ``max_age``."""
    latest = {row.kind: row for row in vehicle.readings.latest_only()}
    since = timezone.now() - max_age
    responses = {}
    for name in names:
        kinds = READ_METHODS[name].kinds
        rows = [latest[kind.name] for kind in kinds if kind.name in latest]
        if rows and all(row.fetched_at >= since for row in rows):
            responses[name] = _response(name, latest, vehicle.unit_system)
    return responses


def in_units(row: VehicleReading, unit_system: str) -> InUnits:
    """Return the value of a reading in a unit system, with the name of its unit."""
    measure = READING_TYPES[row.kind].measure if row.kind in READING_TYPES else ""
    if not measure:
        return InUnits(row.value, row.unit)
    conversion = sdk.units.conversion(row.unit, measure, unit_system)
    return InUnits(conversion(row.value), str(conversion.word))


def _response(name: str, latest: Mapping[str, VehicleReading], unit_system: str) -> dict[str, Any]:
    """Build the response of an SDK method from readings."""
    read = READ_METHODS[name]
    rows = [latest[kind.name] for kind in read.kinds if kind.name in latest]
    ages = [row.recorded_at for row in rows if row.recorded_at is not None]
    values = {row.kind: _restore_datetimes(row.kind, in_units(row, unit_system).value) for row in rows}
    first = read.kinds[0]
    parts = {kind.field: values.get(kind.name, kind.empty_value) for kind in read.kinds}
    data = parts if first.field else values[first.name]
    units = {"unit_system": unit_system} if read.is_measured else {}
    return {"data": data, **units, "age": min(ages, default=None)}


def _protect(value: Any) -> Any:
    """Return the value with the positions in it as `Coordinate`."""
    return protected(dict(value)) if isinstance(value, Mapping) else value


def _to_metric(kind: ReadingType, value: Any, unit: str) -> Any:
    if kind.name == "location":
        location = value if isinstance(value, Mapping) else {}
        return {name: coordinate(_number(location.get(name))) for name in ("latitude", "longitude")}
    if not kind.measure:
        return _to_json(value)
    conversion = sdk.units.conversion(unit, kind.measure)
    if conversion.source is None or conversion.source.kind != kind.measure:
        raise ValueError(f"{unit!r} is not a unit of {kind.name}")
    return _number(conversion(_number(value)))


def _number(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError("the value is not a number")
    # An integer can have any size. One beyond the range of floats would break calculations.
    if not -sys.float_info.max <= value <= sys.float_info.max:
        raise ValueError("the value is not a number")
    return value


def _to_json(value: Any) -> Any:
    """Return the value as JSON that every database accepts."""
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, str):
        return value.replace("\x00", "")[:MAX_LENGTH]
    if isinstance(value, Mapping) and len(value) <= MAX_LENGTH:
        return {str(_to_json(str(name))): _to_json(item) for name, item in value.items()}
    if isinstance(value, list | tuple) and len(value) <= MAX_LENGTH:
        return [_to_json(item) for item in value]
    if value is None or isinstance(value, bool):
        return value
    return _number(value)


def _restore_datetimes(kind: str, value: Any) -> Any:
    """Turn the timestamps of trouble codes, strings in JSON, into datetimes again."""
    if kind != "diagnostic_trouble_codes":
        return value
    return [
        {**code, "timestamp": code["timestamp"] and datetime.fromisoformat(code["timestamp"])}
        for code in value
    ]
