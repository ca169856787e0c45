"""Writes facts into the rows of readings: which is new, which is the newest, which cannot be true."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple, TypeAlias

from django.db import transaction
from django.db.models import Q

from ...models import ConnectedVehicle, ReadingType, VehicleReading
from . import _validation

#: A car, and a kind by its name.
ReadingKey: TypeAlias = tuple[int, str]


class Observation(NamedTuple):
    """What a car has told, fit for a row: the value is in the unit of its kind."""

    vehicle_id: int
    kind: ReadingType
    value: Any
    recorded_at: datetime | None
    source: str

    def __repr__(self) -> str:
        return f"{self.kind.name} of vehicle {self.vehicle_id}"

    @property
    def place(self) -> ReadingKey:
        return self.vehicle_id, self.kind.name

    @property
    def told(self) -> _validation.ObservedValue:
        return self.value, self.recorded_at


def save_observations(facts: Sequence[Observation], now: datetime) -> list[VehicleReading]:
    """Write them in one transaction; their rows, but for cars that are gone."""
    if not facts:
        return []
    with transaction.atomic():
        told = {fact.vehicle_id for fact in facts}
        cars = ConnectedVehicle.objects.filter(pk__in=told)
        # A write first: on every database it lets one writer at a time have a car.
        written = cars.update(last_seen_at=now)
        there = told if written == len(told) else set(cars.values_list("pk", flat=True))
        ledger = _ReadingWriter([fact for fact in facts if fact.vehicle_id in there], now)
        return ledger.write()


class _ReadingWriter:
    def __init__(self, facts: Sequence[Observation], now: datetime) -> None:
        self._facts = facts
        self._now = now
        moments = {fact.recorded_at for fact in facts}
        told = Q(recorded_at__in=moments) | (Q(recorded_at=None) if None in moments else Q())
        known = VehicleReading.objects.filter(
            told | Q(is_latest=True),
            vehicle_id__in={fact.vehicle_id for fact in facts},
            kind__in={fact.kind.name for fact in facts},
        )
        self._rows = {(row.vehicle_id, row.kind, row.recorded_at): row for row in known.order_by()}
        self._newest: dict[ReadingKey, VehicleReading] = {
            (row.vehicle_id, row.kind): row for row in self._rows.values() if row.is_latest
        }
        self._new: list[VehicleReading] = []
        self._told_again: list[VehicleReading] = []
        self._changed: list[VehicleReading] = []
        self._outdated: list[VehicleReading] = []

    def write(self) -> list[VehicleReading]:
        kept = [self._save(fact) for fact in self._facts]
        rows = VehicleReading.objects
        if self._outdated:
            rows.filter(pk__in={row.pk for row in self._outdated}).update(is_latest=False)
        if self._told_again:
            rows.filter(pk__in={row.pk for row in self._told_again}).update(fetched_at=self._now)
        if self._changed:
            rows.bulk_update(self._changed, ["value", "fetched_at", "source"])
        if self._new:
            rows.bulk_create(self._new)
        return kept

    def _save(self, fact: Observation) -> VehicleReading:
        is_plausible = self._is_plausible(fact)
        row = self._rows.get((*fact.place, fact.recorded_at))
        if row is None:
            return self._add(fact, is_plausible)
        # A part of a reading may change while the moment stays that of its oldest part.
        if is_plausible and (row.is_latest or row.recorded_at is None):
            self._tell_again(row, fact)
        return row

    def _add(self, fact: Observation, is_plausible: bool) -> VehicleReading:
        row = VehicleReading(
            vehicle_id=fact.vehicle_id,
            kind=fact.kind.name,
            value=fact.value,
            unit=fact.kind.unit,
            recorded_at=fact.recorded_at,
            fetched_at=self._now,
            source=fact.source,
            is_outlier=not is_plausible,
        )
        if is_plausible and self._is_news(fact):
            before = self._newest.get(fact.place)
            if before is not None:
                before.is_latest = False
                if before.pk is not None:
                    self._outdated.append(before)
            row.is_latest = True
            self._newest[fact.place] = row
        self._rows[(*fact.place, fact.recorded_at)] = row
        self._new.append(row)
        return row

    def _tell_again(self, row: VehicleReading, fact: Observation) -> None:
        is_same = row.value == fact.value
        row.value, row.fetched_at = fact.value, self._now
        if row.pk is None:
            return
        if is_same:
            self._told_again.append(row)
        else:
            row.source = fact.source
            self._changed.append(row)

    def _is_news(self, fact: Observation) -> bool:
        """Whether it is not older than what is known. What has no moment stands in nobody's way."""
        newest = self._newest.get(fact.place)
        if newest is None or newest.recorded_at is None:
            return True
        return fact.recorded_at is not None and fact.recorded_at >= newest.recorded_at

    def _is_plausible(self, fact: Observation) -> bool:
        if not _validation.is_possible(fact.kind, fact.told, self._now):
            return False
        newest = self._newest.get(fact.place)
        if newest is None or not self._is_news(fact):
            return True
        if _validation.can_follow(fact.kind, (newest.value, newest.recorded_at), fact.told):
            return True
        return self._confirms(fact, newest)

    def _confirms(self, fact: Observation, newest: VehicleReading) -> bool:
        """Whether it agrees with one that did not fit either: then the last that did was wrong."""
        if fact.recorded_at is None or newest.recorded_at is None:
            return False
        doubted = VehicleReading.objects.filter(
            vehicle_id=fact.vehicle_id,
            kind=fact.kind.name,
            is_outlier=True,
            recorded_at__gt=newest.recorded_at,
            recorded_at__lt=fact.recorded_at,
        )
        last = doubted.order_by("-recorded_at").first()
        if last is None:
            return False
        told = (last.value, last.recorded_at)
        return _validation.is_possible(fact.kind, told, self._now) and _validation.can_follow(
            fact.kind, told, fact.told
        )
