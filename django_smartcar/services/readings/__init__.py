"""What cars have told, kept: one row a fact, in metric units, the newest of each known.

Whatever brings a fact calls `save`, or `save_many` for many of them, also of many cars: the number of queries
is the same. What is kept says what came of commands whose answer was lost (`commands.resolve`), and is served
again by `cached`, in the shapes of the SDK.
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
from ._store import Observation

logger = logging.getLogger(__name__)

#: The longest text, or list, that is a fact.
LONGEST = 500


class InUnits(NamedTuple):
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
    """Keep one fact, and give its row; None if the car's row has gone.

    ``kind`` is a name in ``models.READING_TYPES``; ``unit`` is any word of Smartcar's for it (``"km"``,
    ``"percent"``), empty for what is not measured. The same fact of the same moment is kept once. One that is
    older than what is known, or implausible, does not take its place. ValueError for a fact that is none.
    """
    value = _protect(value)
    kept = save_many([make_observation(vehicle, kind, value, unit, recorded_at, source)])
    return kept[0] if kept else None


def save_many(facts: Iterable[Observation]) -> list[VehicleReading]:
    """Keep facts of any cars, in one transaction; their rows, but for cars that are gone."""
    try:
        kept = _store.save_observations(list(facts), timezone.now())
        told = (
            ObservedValue(row.vehicle_id, row.kind, row.value, row.recorded_at)
            for row in kept
            if not row.is_outlier
        )
        commands.resolve_many(told)
        return kept
    except DatabaseError as error:
        # Django's frames, and what databases say below the first line, would show values in error reports.
        message = f"{error}".partition("\n")[0]
        raise type(error)(message) from None


def save_batch(vehicle: ConnectedVehicle, answers: Mapping[str, Any]) -> list[VehicleReading]:
    """Keep what `batch` has given: name -> the SDK's shape, or the exception, which changes nothing."""
    return save_many(observations_from_batch(vehicle, answers))


def observations_from_batch(vehicle: ConnectedVehicle, answers: Mapping[str, Any]) -> list[Observation]:
    """The facts in what `batch` has given. What the brand does not tell is none."""
    facts = []
    for name, answer in answers.items():
        if isinstance(answer, Exception):
            continue
        is_imperial = (answer.get("unit_system") or vehicle.unit_system) == "imperial"
        for kind in READ_METHODS[name].kinds:
            value = answer["data"].get(kind.field) if kind.field else answer["data"]
            if value is None or value == kind.nothing:
                continue
            unit = sdk.units.TARGET_UNITS[kind.measure][is_imperial] if kind.measure else ""
            try:
                facts.append(make_observation(vehicle, kind.name, value, unit, answer["age"]))
            except ValueError:
                logger.warning("vehicle %s told its %s in a way that is not kept", vehicle.pk, kind.name)
    return facts


def make_observation(
    vehicle: ConnectedVehicle,
    kind: str,
    value: Any,
    unit: str,
    recorded_at: datetime | None,
    source: str = VehicleReading.Source.READ,
) -> Observation:
    """A fact that can be kept. Raises ValueError, which does not quote the value."""
    value = _protect(value)
    if kind not in READING_TYPES:
        raise ValueError(f"{kind!r} is not a kind of reading")
    if source not in VehicleReading.Source.values:
        raise ValueError(f"{source!r} is not a source of readings")
    if recorded_at is not None and timezone.is_naive(recorded_at):
        raise ValueError("recorded_at is naive: nobody knows when that was")
    return Observation(
        vehicle.pk, READING_TYPES[kind], _metric(READING_TYPES[kind], value, unit), recorded_at, source
    )


def cached(vehicle: ConnectedVehicle, names: Iterable[str], max_age: timedelta) -> dict[str, Any]:
    """name -> the SDK's shape, of the reads whose facts Smartcar has all told within ``max_age``."""
    newest = {row.kind: row for row in vehicle.readings.latest_only()}
    since = timezone.now() - max_age
    found = {}
    for name in names:
        kinds = READ_METHODS[name].kinds
        rows = [newest[kind.name] for kind in kinds if kind.name in newest]
        if rows and all(row.fetched_at >= since for row in rows):
            found[name] = _shape(name, newest, vehicle.unit_system)
    return found


def in_units(row: VehicleReading, unit_system: str) -> InUnits:
    """The value of a reading in these units, with their word."""
    measure = READING_TYPES[row.kind].measure if row.kind in READING_TYPES else ""
    if not measure:
        return InUnits(row.value, row.unit)
    conversion = sdk.units.conversion(row.unit, measure, unit_system)
    return InUnits(conversion(row.value), str(conversion.word))


def _shape(name: str, newest: Mapping[str, VehicleReading], unit_system: str) -> dict[str, Any]:
    read = READ_METHODS[name]
    rows = [newest[kind.name] for kind in read.kinds if kind.name in newest]
    ages = [row.recorded_at for row in rows if row.recorded_at is not None]
    values = {row.kind: _revived(row.kind, in_units(row, unit_system).value) for row in rows}
    first = read.kinds[0]
    parts = {kind.field: values.get(kind.name, kind.nothing) for kind in read.kinds}
    data = parts if first.field else values[first.name]
    units = {"unit_system": unit_system} if read.is_measured else {}
    return {"data": data, **units, "age": min(ages, default=None)}


def _protect(value: Any) -> Any:
    return protected(dict(value)) if isinstance(value, Mapping) else value


def _metric(kind: ReadingType, value: Any, unit: str) -> Any:
    if kind.name == "location":
        place = value if isinstance(value, Mapping) else {}
        return {name: coordinate(_number(place.get(name))) for name in ("latitude", "longitude")}
    if not kind.measure:
        return _plain(value)
    conversion = sdk.units.conversion(unit, kind.measure)
    if conversion.source is None or conversion.source.kind != kind.measure:
        raise ValueError(f"{unit!r} is not a unit of {kind.name}")
    return _number(conversion(_number(value)))


def _number(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError("the value is not a number")
    # A whole number can have any length; one that no float holds would break the sums made with it.
    if not -sys.float_info.max <= value <= sys.float_info.max:
        raise ValueError("the value is not a number")
    return value


def _plain(value: Any) -> Any:
    """What JSON can say of it, and every database takes."""
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, str):
        return value.replace("\x00", "")[:LONGEST]
    if isinstance(value, Mapping) and len(value) <= LONGEST:
        return {str(_plain(str(name))): _plain(item) for name, item in value.items()}
    if isinstance(value, list | tuple) and len(value) <= LONGEST:
        return [_plain(item) for item in value]
    if value is None or isinstance(value, bool):
        return value
    return _number(value)


def _revived(kind: str, value: Any) -> Any:
    """JSON knows no moments; the trouble codes have some."""
    if kind != "diagnostic_trouble_codes":
        return value
    return [
        {**code, "timestamp": code["timestamp"] and datetime.fromisoformat(code["timestamp"])}
        for code in value
    ]
