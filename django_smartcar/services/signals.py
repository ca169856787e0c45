"""The stored signals of vehicles: their latest states, and their history.

    signals.latest(vehicles, ["battery_level", "is_locked"])[vehicle.pk]["battery_level"].value
    signals.history(vehicle, "battery_level", since=monday, step=timedelta(hours=1))

Access is not checked here: pass vehicles found with ``.for_user(user)``.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from django.db.models import Avg, Count, F, FloatField, Func, IntegerField, Max, Min, Q, QuerySet

from ..models import ConnectedVehicle, VehicleReading, VehicleSignal
from ..sdk.signal_types import NUMBER, PRIVATE_GROUPS
from ..sdk.signals import TYPES, type_named

__all__ = ["Bucket", "history", "icon_of", "is_private", "latest", "permission_of", "without_private"]


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
    found: dict[int, dict[str, VehicleSignal]] = {vehicle.pk: {} for vehicle in vehicles}
    rows = VehicleSignal.objects.filter(vehicle_id__in=found)
    if names is not None:
        rows = rows.filter(signal__in=list(names))
    for state in rows:
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
    rows = VehicleReading.objects.filter(vehicle=vehicle, signal=name, is_outlier=False)
    if since is not None:
        rows = rows.filter(recorded_at__gte=since)
    if until is not None:
        rows = rows.filter(recorded_at__lt=until)
    if step is None:
        return rows.order_by("recorded_at")
    return _buckets(rows, name, step)


def _buckets(rows: QuerySet[VehicleReading], name: str, step: timedelta) -> list[Bucket]:
    seconds = int(step.total_seconds())
    if seconds < 1:
        raise ValueError("step must be at least one second")
    if type_named(name).json_type != NUMBER:
        raise ValueError(f"{name} is not a number: it has no average")
    number = _Number(F("value"))
    found = (
        rows.annotate(bucket=_Step(F("recorded_at"), seconds=seconds))
        .values("bucket")
        .annotate(average=Avg(number), minimum=Min(number), maximum=Max(number), number=Count("pk"))
        .order_by("bucket")
    )
    return [
        Bucket(
            datetime.fromtimestamp(row["bucket"] * seconds, UTC),
            row["average"],
            row["minimum"],
            row["maximum"],
            row["number"],
        )
        for row in found
    ]


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


def permission_of(name: str) -> str:
    """Return the permission that a signal needs; empty if that is not known."""
    return type_named(name).permission


def icon_of(name: str) -> str:
    """Return the id of the signal's symbol in the static file ``smartcar/icons.svg``."""
    return type_named(name).icon


class _Number(Func):
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
    """The number of the step of time that a moment is in, counted from 1970 in UTC."""

    output_field = IntegerField()

    def __init__(self, moment: Any, *, seconds: int) -> None:
        super().__init__(moment, seconds=seconds)

    def as_sql(self, compiler: Any, connection: Any, **options: Any) -> Any:  # type: ignore[override]
        templates = {
            "postgresql": "FLOOR(EXTRACT(EPOCH FROM %(expressions)s) / %(seconds)s)::bigint",
            "mysql": "FLOOR(TIMESTAMPDIFF(SECOND, '1970-01-01', %(expressions)s) / %(seconds)s)",
        }
        template = templates.get(
            connection.vendor, "CAST(strftime('%%%%s', %(expressions)s) AS INTEGER) / %(seconds)s"
        )
        return super().as_sql(compiler, connection, template=template, **options)
