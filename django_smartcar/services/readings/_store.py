"""Store readings. An older value never overwrites a newer one; duplicates and outliers are marked."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple, TypeAlias

from django.db import transaction
from django.db.models import Q

from ...models import ConnectedVehicle, ReadingType, VehicleReading
from . import _validation

#: A vehicle's key and a reading type's name.
ReadingKey: TypeAlias = tuple[int, str]


def is_older(
    recorded_at: datetime | None, stored_at: datetime | None, sequence: int = 0, stored_sequence: int = 0
) -> bool:
    """Return whether a value must not overwrite the stored one, of a reading, a signal or a problem.

    The time of recording decides, then the sequence of webhook events. A stored value without a time never
    blocks one that has a time, and a value without a time never replaces one that has a time.
    """
    if recorded_at == stored_at:
        return sequence < stored_sequence
    if stored_at is None:
        return False
    return recorded_at is None or recorded_at < stored_at


class Observation(NamedTuple):
    """A value that a vehicle reported, validated, in the unit of its type."""

    vehicle_id: int
    kind: ReadingType
    value: Any
    recorded_at: datetime | None
    source: str

    def __repr__(self) -> str:
        return f"{self.kind.name} of vehicle {self.vehicle_id}"

    @property
    def key(self) -> ReadingKey:
        return self.vehicle_id, self.kind.name

    @property
    def observed(self) -> _validation.ObservedValue:
        return self.value, self.recorded_at


def save_observations(observations: Sequence[Observation], now: datetime) -> list[VehicleReading]:
    """Save observations in one transaction; return their rows, except of deleted vehicles."""
    if not observations:
        return []
    with transaction.atomic():
        vehicle_ids = {observation.vehicle_id for observation in observations}
        vehicles = ConnectedVehicle.objects.filter(pk__in=vehicle_ids)
        # Write first: on every database this locks the vehicles, so one process at a time saves readings.
        updated = vehicles.update(last_seen_at=now)
        if updated < len(vehicle_ids):
            vehicle_ids = set(vehicles.values_list("pk", flat=True))
        return _ReadingWriter(
            [observation for observation in observations if observation.vehicle_id in vehicle_ids], now
        ).write()


class _ReadingWriter:
    """Compares observations with the stored readings, then writes all changes in bulk."""

    def __init__(self, observations: Sequence[Observation], now: datetime) -> None:
        self._observations = observations
        self._now = now
        times = {observation.recorded_at for observation in observations}
        same_time = Q(recorded_at__in=times) | (Q(recorded_at=None) if None in times else Q())
        stored = VehicleReading.objects.filter(
            same_time | Q(is_latest=True),
            vehicle_id__in={observation.vehicle_id for observation in observations},
            kind__in={observation.kind.name for observation in observations},
        )
        self._rows = {(row.vehicle_id, row.kind, row.recorded_at): row for row in stored.order_by()}
        self._latest: dict[ReadingKey, VehicleReading] = {
            (row.vehicle_id, row.kind): row for row in self._rows.values() if row.is_latest
        }
        self._new: list[VehicleReading] = []
        self._repeated: list[VehicleReading] = []
        self._changed: list[VehicleReading] = []
        self._outdated: list[VehicleReading] = []

    def write(self) -> list[VehicleReading]:
        saved = [self._save(observation) for observation in self._observations]
        rows = VehicleReading.objects
        if self._outdated:
            rows.filter(pk__in={row.pk for row in self._outdated}).update(is_latest=False)
        if self._repeated:
            rows.filter(pk__in={row.pk for row in self._repeated}).update(fetched_at=self._now)
        if self._changed:
            rows.bulk_update(self._changed, ["value", "fetched_at", "source"])
        if self._new:
            rows.bulk_create(self._new)
        return saved

    def _save(self, observation: Observation) -> VehicleReading:
        is_plausible = self._is_plausible(observation)
        row = self._rows.get((*observation.key, observation.recorded_at))
        if row is None:
            return self._add(observation, is_plausible)
        # A response has the time of its oldest part; another part may change without changing it.
        if is_plausible and (row.is_latest or row.recorded_at is None):
            self._update(row, observation)
        return row

    def _add(self, observation: Observation, is_plausible: bool) -> VehicleReading:
        row = VehicleReading(
            vehicle_id=observation.vehicle_id,
            kind=observation.kind.name,
            value=observation.value,
            unit=observation.kind.unit,
            recorded_at=observation.recorded_at,
            fetched_at=self._now,
            source=observation.source,
            is_outlier=not is_plausible,
        )
        if is_plausible and self._is_current(observation):
            previous = self._latest.get(observation.key)
            if previous is not None:
                previous.is_latest = False
                if previous.pk is not None:
                    self._outdated.append(previous)
            row.is_latest = True
            self._latest[observation.key] = row
        self._rows[(*observation.key, observation.recorded_at)] = row
        self._new.append(row)
        return row

    def _update(self, row: VehicleReading, observation: Observation) -> None:
        is_same = row.value == observation.value
        row.value, row.fetched_at = observation.value, self._now
        if row.pk is None:
            return
        if is_same:
            self._repeated.append(row)
        else:
            row.source = observation.source
            self._changed.append(row)

    def _is_current(self, observation: Observation) -> bool:
        """Return whether it is as new as the latest."""
        latest = self._latest.get(observation.key)
        return latest is None or not is_older(observation.recorded_at, latest.recorded_at)

    def _is_plausible(self, observation: Observation) -> bool:
        if not _validation.is_possible(observation.kind, observation.observed, self._now):
            return False
        latest = self._latest.get(observation.key)
        if latest is None or not self._is_current(observation):
            return True
        if _validation.can_follow(observation.kind, (latest.value, latest.recorded_at), observation.observed):
            return True
        return self._confirms(observation, latest)

    def _confirms(self, observation: Observation, latest: VehicleReading) -> bool:
        """Return whether it agrees with an earlier outlier: then the latest reading was the wrong one."""
        if observation.recorded_at is None or latest.recorded_at is None:
            return False
        if observation.kind.name == "odometer" and not observation.value:
            return False  # some cars send 0 for hours; none is new again
        outliers = VehicleReading.objects.filter(
            vehicle_id=observation.vehicle_id,
            kind=observation.kind.name,
            is_outlier=True,
            recorded_at__gt=latest.recorded_at,
            recorded_at__lt=observation.recorded_at,
        )
        last = outliers.order_by("-recorded_at").first()
        if last is None:
            return False
        outlier = (last.value, last.recorded_at)
        return _validation.is_possible(observation.kind, outlier, self._now) and _validation.can_follow(
            observation.kind, outlier, observation.observed
        )
