"""The stored signals of vehicles: their latest states, and their history.

    signals.latest(vehicles, ["battery_level", "is_locked"])[vehicle.pk]["battery_level"].value
    signals.history(vehicle, "battery_level", since=monday, step=timedelta(hours=1))

Who asks is not checked here: pass vehicles found with ``.for_user(user)``. What the driver shares is: once a
vehicle is disconnected or a permission taken back, what says where the car is, or who has it, has no value.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from django.db.models import Avg, Count, F, FloatField, Func, IntegerField, Max, Min, Q, QuerySet
from django.utils import timezone

from ..models import ConnectedVehicle, VehicleReading, VehicleSignal, label_of
from ..sdk.signal_types import NUMBER, PRIVATE_GROUPS
from ..sdk.signals import SIGNALS, TYPES, type_named

__all__ = [
    "Bucket",
    "histories",
    "history",
    "icon_of",
    "is_private",
    "is_shared",
    "label_of_code",
    "latest",
    "permission_of",
    "public_type",
    "unit_of",
    "without_private",
]


class Bucket(NamedTuple):
    """The values of a number in one step of time that begins at ``at``."""

    at: datetime
    average: float
    minimum: float
    maximum: float
    number: int


def latest(
    vehicles: Iterable[ConnectedVehicle], names: Iterable[str] | None = None
) -> dict[int, dict[str, VehicleSignal]]:
    """Return the latest states of these signals, or of all, by the vehicle's key and the name: one query."""
    by_key = {vehicle.pk: vehicle for vehicle in vehicles}
    found: dict[int, dict[str, VehicleSignal]] = {pk: {} for pk in by_key}
    rows = VehicleSignal.objects.filter(vehicle_id__in=by_key)
    if names is not None:
        rows = rows.filter(signal__in=list(names))
    for state in rows:
        is_refused = is_private(state.signal) and state.error_type == "PERMISSION"
        if is_refused or _is_hidden(by_key[state.vehicle_id], state.signal):
            state.value = state.recorded_at = state.received_at = None
        found[state.vehicle_id][state.signal] = state
    return found


def history(
    vehicle: ConnectedVehicle,
    name: str,
    *,
    since: datetime | None = None,
    until: datetime | None = None,
    step: timedelta | None = None,
) -> QuerySet[VehicleReading] | list[Bucket]:
    """Return the readings of a signal, the oldest first, without outliers: from ``since``, before ``until``.

    With a ``step``, the numbers of each step of time, as a `Bucket`: the database computes them. Raises
    ValueError for a step below a second, or for a signal that is not a number.
    """
    if step is not None:
        return histories(vehicle, [name], step, since=since, until=until)[name]
    return _readings(vehicle, [name], since, until).order_by("recorded_at")


def histories(
    vehicle: ConnectedVehicle,
    names: Iterable[str],
    step: timedelta,
    *,
    since: datetime | None = None,
    until: datetime | None = None,
) -> dict[str, list[Bucket]]:
    """Return the numbers of each step of time by the signal's name: one query for all signals.

    Raises ValueError as `history` does.
    """
    found: dict[str, list[Bucket]] = {name: [] for name in names}
    seconds = int(step.total_seconds())
    if seconds < 1:
        raise ValueError("step must be at least one second")
    for name in found:
        if type_named(name).json_type != NUMBER:
            raise ValueError(f"{name} is not a number: it has no average")
    number = Number(F("value"))
    rows = (
        _readings(vehicle, found, since, until)
        .annotate(bucket=_Step(F("recorded_at"), seconds=seconds))
        .values("signal", "bucket")
        .annotate(average=Avg(number), minimum=Min(number), maximum=Max(number), number=Count("pk"))
        .order_by("signal", "bucket")
    )
    for row in rows:
        # The database counts in the zone in which it stores times.
        at = datetime.fromtimestamp(row["bucket"] * seconds, UTC).replace(tzinfo=timezone.now().tzinfo)
        found[row["signal"]].append(Bucket(at, row["average"], row["minimum"], row["maximum"], row["number"]))
    return found


def _readings(
    vehicle: ConnectedVehicle, names: Iterable[str], since: datetime | None, until: datetime | None
) -> QuerySet[VehicleReading]:
    """Return the readings of these signals without outliers: from ``since``, before ``until``."""
    shown = [name for name in names if not _is_hidden(vehicle, name)]
    rows = VehicleReading.objects.filter(vehicle=vehicle, signal__in=shown, is_outlier=False)
    if since is not None:
        rows = rows.filter(recorded_at__gte=since)
    if until is not None:
        rows = rows.filter(recorded_at__lt=until)
    return rows


def without_private(rows: QuerySet[Any]) -> QuerySet[Any]:
    """Leave out the signals that may say where a car is, or who has it."""
    known = [name for name, signal_type in TYPES.items() if signal_type.is_private]
    unknown = Q()
    for group in PRIVATE_GROUPS:
        unknown |= Q(signal__startswith=group.replace("-", "_"))
    return rows.exclude(signal__in=known).exclude(unknown)


def is_private(name: str) -> bool:
    """Return whether a signal may say where the car is, or who has it."""
    return type_named(name).is_private


def is_shared(vehicle: ConnectedVehicle, name: str) -> bool:
    """Return whether the driver shares a signal now: the vehicle is connected, and the permission granted."""
    permission = permission_of(name)
    return vehicle.is_connected and (not permission or vehicle.can(permission))


def _is_hidden(vehicle: ConnectedVehicle, name: str) -> bool:
    return is_private(name) and not is_shared(vehicle, name)


def public_type(name: str) -> str:
    """Return the JSON type of a signal, by our name or Smartcar's code; empty if private or not known."""
    signal_type = TYPES.get(name) or SIGNALS.get(name)
    return "" if signal_type is None or signal_type.is_private else signal_type.json_type


def label_of_code(code: str) -> str:
    """Return the label of a signal by Smartcar's code: "Odometer". An unknown one has its code."""
    known = SIGNALS.get(code)
    return code if known is None else label_of(known.name)


def permission_of(name: str) -> str:
    """Return the permission that a signal needs; empty if that is not known."""
    return type_named(name).permission


def unit_of(name: str) -> str:
    """Return the unit in which a signal is stored; empty without one."""
    return type_named(name).unit


def icon_of(name: str) -> str:
    """Return the id of the signal's symbol in the static file ``smartcar/icons.svg``."""
    return type_named(name).icon


class Number(Func):
    """The number in a JSON column."""

    output_field = FloatField()

    def as_sql(self, compiler: Any, connection: Any, **options: Any) -> Any:  # type: ignore[override]
        templates = {
            "postgresql": "(%(expressions)s #>> '{}')::double precision",
            "mysql": "CAST(JSON_VALUE(%(expressions)s, '$') AS DOUBLE)",
        }
        template = templates.get(connection.vendor, "CAST(%(expressions)s AS REAL)")
        return super().as_sql(compiler, connection, template=template, **options)


class _Step(Func):
    """The number of the step of time that a moment is in, counted from 1970 in the zone of stored times."""

    output_field = IntegerField()

    def __init__(self, moment: Any, *, seconds: int) -> None:
        super().__init__(moment, seconds=seconds)

    def as_sql(self, compiler: Any, connection: Any, **options: Any) -> Any:  # type: ignore[override]
        templates = {
            "postgresql": "FLOOR(EXTRACT(EPOCH FROM (%(expressions)s)::timestamp) / %(seconds)s)::bigint",
            "mysql": "FLOOR(TIMESTAMPDIFF(SECOND, '1970-01-01', %(expressions)s) / %(seconds)s)",
        }
        template = templates.get(
            connection.vendor, "CAST(strftime('%%%%s', %(expressions)s) AS INTEGER) / %(seconds)s"
        )
        return super().as_sql(compiler, connection, template=template, **options)
