"""Store observations: the latest state of each signal, and its history.

An older value never overwrites a newer one; it is history. Outliers are history, too, and marked. A failure
changes the status of a signal and leaves its value.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Any, NamedTuple, TypeAlias

from django.db import connections, router, transaction
from django.db.models import F

from ...models import ConnectedVehicle, Source, VehicleReading, VehicleSignal
from . import _bulk, _validation

#: A vehicle's key and a signal's name.
SignalKey: TypeAlias = tuple[int, str]

OK = VehicleSignal.Status.OK


def is_older(
    recorded_at: datetime | None, stored_at: datetime | None, sequence: int = 0, stored_sequence: int = 0
) -> bool:
    """Return whether a value must not overwrite the stored one, of a signal or a problem.

    The time of recording decides, then the sequence of webhook events. A stored value without a time never
    blocks one that has a time, and a value without a time never replaces one that has a time: where the car
    told no time, pass that of the arrival.
    """
    if recorded_at == stored_at:
        return sequence < stored_sequence
    if stored_at is None:
        return False
    return recorded_at is None or recorded_at < stored_at


class Observation(NamedTuple):
    """What a vehicle told about one signal: a valid value in the catalogue's unit, or why there is none."""

    vehicle_id: int
    signal: str
    value: Any
    unit: str
    #: When the vehicle recorded it, and when Smartcar got it; None if unknown.
    recorded_at: datetime | None
    told_at: datetime | None = None
    source: str = Source.READ
    #: That of the webhook event; 0 without one.
    sequence: int = 0
    status: str = OK
    error_type: str = ""
    error_code: str = ""

    def __repr__(self) -> str:
        return f"{self.signal} of vehicle {self.vehicle_id}"

    @property
    def key(self) -> SignalKey:
        return self.vehicle_id, self.signal


class Outcome(Enum):
    """What became of an observation."""

    LATEST = "latest"
    UNCHANGED = "unchanged"
    LATE = "late"
    OUTLIER = "outlier"
    FAILURE = "failure"


@dataclass(slots=True)
class State:
    """The row of a signal's latest state: a `VehicleSignal`, which takes longer to make."""

    vehicle_id: int
    signal: str
    status_at: datetime
    value: Any = None
    unit: str = ""
    source: str = ""
    recorded_at: datetime | None = None
    received_at: datetime | None = None
    sequence: int = 0
    status: str = OK
    status_sequence: int = 0
    error_type: str = ""
    error_code: str = ""

    def __repr__(self) -> str:
        return f"{self.signal} of vehicle {self.vehicle_id}"

    @property
    def at(self) -> datetime | None:
        return self.recorded_at or self.received_at


_STATE_COLUMNS = tuple(State.__dataclass_fields__)


class Reading(NamedTuple):
    """The row of a `VehicleReading`."""

    vehicle_id: int
    signal: str
    value: Any
    unit: str
    recorded_at: datetime
    received_at: datetime
    source: str
    is_outlier: bool

    def __repr__(self) -> str:
        return f"{self.signal} of vehicle {self.vehicle_id}"


class Saved(NamedTuple):
    """An observation, what became of it, and the latest state of its signal."""

    observation: Observation
    outcome: Outcome
    row: State

    @property
    def state(self) -> VehicleSignal:
        return VehicleSignal(**{name: getattr(self.row, name) for name in _STATE_COLUMNS})


def save_observations(
    observations: Sequence[Observation], now: datetime, *, are_locked: bool = False
) -> list[Saved]:
    """Save observations in one transaction, in their order. Those of deleted vehicles are left out.

    With ``are_locked``, the caller has locked the vehicles.
    """
    if not observations:
        return []
    alias = router.db_for_write(VehicleSignal)
    with transaction.atomic(alias):
        vehicle_ids = _lock(alias, observations, now, are_locked)
        saved = [item for item in observations if item.vehicle_id in vehicle_ids]
        return Decisions(alias, saved, _stored_states(alias, saved), now).write()


def _lock(
    alias: str, observations: Sequence[Observation], now: datetime, are_locked: bool
) -> Collection[int]:
    """Lock the vehicles, so that one process at a time saves their signals; return those that exist."""
    wanted = {item.vehicle_id for item in observations}
    seen = {item.vehicle_id for item in observations if item.status == OK}
    vehicles = ConnectedVehicle.objects.using(alias).filter(pk__in=wanted)
    if are_locked:
        if seen:
            ConnectedVehicle.objects.using(alias).filter(pk__in=seen).update(last_seen_at=now)
        return wanted
    if connections[alias].features.has_select_for_update:
        # In the order of their keys, or two processes could wait for each other.
        # Rows that refer to a vehicle, such as commands, may still be inserted.
        is_weak = connections[alias].features.has_select_for_no_key_update
        locked = vehicles.order_by("pk").select_for_update(no_key=is_weak)
        found = set(locked.values_list("pk", flat=True))
        if seen & found:
            vehicles.filter(pk__in=seen).update(last_seen_at=now)
        return found
    # A write locks the database; one after a read could fail.
    updated = vehicles.update(last_seen_at=now if seen else F("last_seen_at"))
    return wanted if updated == len(wanted) else set(vehicles.values_list("pk", flat=True))


def _stored_states(alias: str, observations: Sequence[Observation]) -> Iterable[State]:
    rows = VehicleSignal.objects.using(alias).filter(
        vehicle_id__in={item.vehicle_id for item in observations},
        signal__in={item.signal for item in observations},
    )
    return (State(*row) for row in _bulk.values(rows, _STATE_COLUMNS))


class Decisions:
    """Compares observations with the stored states; `write` writes all changes in bulk."""

    def __init__(
        self, alias: str, observations: Sequence[Observation], stored: Iterable[State], now: datetime
    ) -> None:
        self._alias = alias
        self._now = now
        self._states: dict[SignalKey, State] = {(state.vehicle_id, state.signal): state for state in stored}
        self.changed: dict[SignalKey, State] = {}
        self.history: dict[tuple[SignalKey, datetime], Reading] = {}
        #: The readings of new states. They replace one of the same moment: an outlier, or an earlier value.
        self.current: dict[tuple[SignalKey, datetime], Reading] = {}
        self.saved = [Saved(item, self._save(item), self._states[item.key]) for item in observations]

    def write(self) -> list[Saved]:
        try:
            _bulk.upsert(self._alias, VehicleSignal, self.changed.values(), ("vehicle", "signal"))
            _bulk.insert_missing(self._alias, VehicleReading, self.history.values())
            key = "vehicle", "signal", "recorded_at"
            _bulk.upsert(self._alias, VehicleReading, self.current.values(), key)
        except BaseException as error:
            # The frames would show the values in error reports.
            raise error.with_traceback(None) from None
        return self.saved

    def _save(self, item: Observation) -> Outcome:
        state = self._states.get(item.key)
        if state is None:
            state = State(item.vehicle_id, item.signal, self._now)
            self._states[item.key] = state
        if item.status != OK:
            return self._fail(state, item)
        at = item.recorded_at or item.told_at or self._now
        # A read has no sequence: it is as new as what is stored with the same time.
        is_late = is_older(at, state.at, item.sequence or state.sequence, state.sequence)
        is_same = state.received_at is not None and bool(state.value == item.value)
        if is_same and (item.recorded_at is None or at == state.at):
            if not (is_late and item.sequence):
                self._repeat(state, item, at)
            return Outcome.UNCHANGED
        if not self._is_plausible(state, item, at, is_late):
            self._add_history(item, at, is_outlier=True)
            return Outcome.OUTLIER
        if is_late:
            self._add_history(item, at)
            if not item.sequence:
                self._set_status(state, item)  # Smartcar answers, if only with an older value
            return Outcome.LATE
        self._replace(state, item, at)
        return Outcome.LATEST

    def _fail(self, state: State, item: Observation) -> Outcome:
        told_at = item.told_at or self._now
        is_late = item.sequence < max(state.sequence, state.status_sequence) or (
            state.source == Source.READ and state.received_at is not None and told_at < state.received_at
        )
        if not (item.sequence and is_late):
            self._set_status(state, item)
            state.source = state.source or item.source
        return Outcome.FAILURE

    def _repeat(self, state: State, item: Observation, at: datetime) -> None:
        """Save that the value is told again: no new history."""
        if state.recorded_at is None and state.received_at is not None:
            state.received_at = max(at, state.received_at)
        elif item.recorded_at is not None:
            state.received_at = self._now
        state.sequence = max(state.sequence, item.sequence)
        self._set_status(state, item)

    def _replace(self, state: State, item: Observation, at: datetime) -> None:
        state.value, state.unit, state.source = item.value, item.unit, item.source
        state.recorded_at = item.recorded_at
        state.received_at = self._now if item.recorded_at is not None else at
        state.sequence = item.sequence or state.sequence
        self._set_status(state, item)
        self.history.pop((item.key, at), None)
        self.current[item.key, at] = self._reading(item, at)

    def _set_status(self, state: State, item: Observation) -> None:
        """Save the status that was told, unless a later event has told one."""
        state.status_at = self._now
        self.changed[item.key] = state
        if item.sequence and item.sequence < state.status_sequence:
            return
        state.status, state.status_sequence = item.status, item.sequence or state.status_sequence
        state.error_type, state.error_code = item.error_type, item.error_code

    def _add_history(self, item: Observation, at: datetime, *, is_outlier: bool = False) -> None:
        if (item.key, at) not in self.current:
            self.history.setdefault((item.key, at), self._reading(item, at, is_outlier=is_outlier))

    def _reading(self, item: Observation, at: datetime, *, is_outlier: bool = False) -> Reading:
        return Reading(
            item.vehicle_id, item.signal, item.value, item.unit, at, self._now, item.source, is_outlier
        )

    def _is_plausible(self, state: State, item: Observation, at: datetime, is_late: bool) -> bool:
        if not _validation.is_possible(item.signal, (item.value, at), self._now):
            return False
        if state.at is None or is_late:
            return True
        if _validation.can_follow(item.signal, (state.value, state.at), (item.value, at)):
            return True
        return self._confirms(state.at, item, at)

    def _confirms(self, since: datetime, item: Observation, at: datetime) -> bool:
        """Return whether it agrees with an earlier outlier: then the latest value was the wrong one."""
        outliers = VehicleReading.objects.using(self._alias).filter(
            vehicle_id=item.vehicle_id,
            signal=item.signal,
            is_outlier=True,
            recorded_at__gt=since,
            recorded_at__lt=at,
        )
        stored = [(row.value, row.recorded_at) for row in outliers.order_by("-recorded_at")[:1]]
        told = [
            (row.value, row.recorded_at)
            for (key, moment), row in self.history.items()
            if key == item.key and row.is_outlier and since < moment < at
        ]
        outlier = max([*stored, *told], key=lambda observed: observed[1], default=None)
        return (
            outlier is not None
            and _validation.is_possible(item.signal, outlier, self._now)
            and _validation.can_follow(item.signal, outlier, (item.value, at))
        )
