"""Store what vehicles tell: the latest state of each signal, and its history, in canonical units.

Reads, webhooks and syncs all call `save_many`, for any number of values and vehicles: the number of queries
is the same. Saved values resolve unconfirmed commands (`command_outcomes`), and `cached` returns them in the
format of the SDK.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from django.db import DatabaseError
from django.utils import timezone
from django.views.decorators.debug import sensitive_variables

from ... import sdk
from ...databases import to_utc
from ...models import ConnectedVehicle, Source, VehicleReading, VehicleSignal
from ...sdk.readings import PERMISSIONS, signals_of
from ...sdk.signals import Signal, body_of, type_named
from ...secret_types import protected_copy
from .. import _rate_limits, command_outcomes
from .._access import Access
from ..command_outcomes import ObservedValue
from . import _single_read, _store
from ._observations import failures_of, make_observation, observations_of, status_of, storable_text
from ._store import Observation, Outcome, Saved, is_older

__all__ = [
    "PERMISSIONS",
    "InUnits",
    "Observation",
    "Outcome",
    "Saved",
    "cached",
    "failures_of",
    "in_units",
    "is_older",
    "make_observation",
    "observations_of",
    "reading_of",
    "save",
    "save_many",
    "save_read",
    "signals_of",
    "state_of",
    "storable_text",
]


class InUnits(NamedTuple):
    """A value and the name of its unit."""

    value: Any
    unit: str


@sensitive_variables()
def save(
    vehicle: ConnectedVehicle,
    signal: str,
    value: Any,
    unit: str = "",
    recorded_at: datetime | None = None,
    source: str = Source.READ,
) -> Saved | None:
    """Save one value; return what became of it, and the signal's state. None if the vehicle has been deleted.

    ``signal`` is a name of the catalogue (``"battery_level"``); ``unit`` is any of Smartcar's names for it
    (``"km"``, ``"percent"``), empty if the value has none. A value with the same time is stored once. A value
    that is older or implausible never replaces the latest. Raises ValueError for an invalid value.
    """
    value = protected_copy(value)
    saved = save_many([make_observation(vehicle, signal, value, unit, recorded_at, source)])
    return saved[0] if saved else None


def save_read(access: Access, signals: Iterable[Signal], requests: int = 1) -> None:
    """Save the signals of a read of one value, and count its requests.

    ``access`` has the vehicle, and the state of the signal before the read. One signal takes one statement on
    PostgreSQL.
    """
    vehicle, done = access.vehicle, _single_read.NOTHING
    try:
        observations = list(observations_of(vehicle, signals, granted_only=False))
        if len(observations) == 1:
            done = _single_read.store(observations[0], access.state, access.vehicle_limit, requests)
    finally:
        if not done.is_counted:
            _rate_limits.record_usage(vehicle, requests)
    if done.saved is None:
        save_many(observations)
    else:
        _resolve_commands([done.saved])


def save_many(observations: Iterable[Observation], *, are_locked: bool = False) -> list[Saved]:
    """Save observations of any vehicles in one transaction; those of deleted vehicles are left out.

    With ``are_locked``, the caller has locked the vehicles.
    """
    try:
        saved = _store.save_observations(list(observations), timezone.now(), are_locked=are_locked)
        _resolve_commands(saved)
        return saved
    except DatabaseError as error:
        # Django's frames, and all but the first line of the message, would show values in error reports.
        message = f"{error}".partition("\n")[0]
        raise type(error)(message) from None


def _resolve_commands(saved: Iterable[Saved]) -> None:
    command_outcomes.resolve_many(
        ObservedValue(item.vehicle_id, item.signal, item.value, item.recorded_at)
        for item, outcome, _state in saved
        if outcome not in (Outcome.OUTLIER, Outcome.FAILURE)
    )


def cached(vehicle: ConnectedVehicle, names: Iterable[str], max_age: timedelta) -> dict[str, Any]:
    """Return name -> the SDK's response, for the reads whose values are all younger than ``max_age``.

    For the name of a signal that is not a read, it is the signal's state.
    """
    states, since = vehicle.signals, timezone.now() - max_age
    found: dict[str, Any] = {}
    for name in names:
        if name in sdk.readings.SOURCES:
            reading = _cached_reading(name, states, vehicle.unit_system, since)
        else:
            state = states.get(name)
            reading = state if state is not None and _is_fresh(state, since) else None
        if reading is not None:
            found[name] = reading
    return found


def reading_of(name: str, states: Mapping[str, VehicleSignal], unit_system: str) -> dict[str, Any] | None:
    """Return what the SDK's method ``name`` returns, made of stored signals; None if they have no value."""
    return _composed(name, _Finder(states, unit_system))


def in_units(row: VehicleSignal | VehicleReading, unit_system: str) -> InUnits:
    """Return the value of a signal in a unit system, with the name of its unit."""
    signal = _signal_of(row, unit_system)
    return InUnits(sdk.signals.value_of(signal), signal["unit"] or "")


def state_of(
    vehicle: ConnectedVehicle, name: str, states: Mapping[str, VehicleSignal] | None = None
) -> VehicleSignal:
    """Return the state of a signal; without a stored one, a new one whose status says why."""
    states = vehicle.signals if states is None else states
    if name in states:
        return states[name]
    status = status_of(vehicle, type_named(name).permission, {})
    return VehicleSignal(vehicle=vehicle, signal=name, status=status, status_at=timezone.now())


class _Finder:
    """Finds stored signals for `sdk.readings`, and remembers which it has found."""

    def __init__(self, states: Mapping[str, VehicleSignal], unit_system: str) -> None:
        self._states = states
        self.unit_system = unit_system
        self.used: list[VehicleSignal] = []

    def find(self, name: str) -> Signal:
        state = self._states.get(name)
        if state is None or not state.has_value:
            raise sdk.SignalNotAvailable(f"{name} is not stored")
        self.used.append(state)
        return _signal_of(state, self.unit_system)


def _cached_reading(
    name: str, states: Mapping[str, VehicleSignal], unit_system: str, since: datetime
) -> dict[str, Any] | None:
    finder = _Finder(states, unit_system)
    reading = _composed(name, finder)
    if reading is None or not all(_is_fresh(state, since) for state in finder.used):
        return None
    # API v2 tells one of the two with each of two requests.
    is_part = name == "nominal_capacity" and "availableCapacities" not in finder.used[0].value
    return None if is_part else reading


def _composed(name: str, finder: _Finder) -> dict[str, Any] | None:
    try:
        return sdk.readings.reading_of(name, finder.find, finder.unit_system)
    except (sdk.SmartcarException, ValueError):
        return None


def _is_fresh(state: VehicleSignal, since: datetime) -> bool:
    return state.is_ok and state.status_at >= since


def _signal_of(row: VehicleSignal | VehicleReading, unit_system: str) -> Signal:
    """Return a stored signal as the SDK returned it."""
    signal_type = type_named(row.signal)
    body = body_of(signal_type, row.value, row.unit)
    signal = sdk.signals.read({"code": signal_type.code, "body": body}, unit_system, is_unit_sure=True)
    return {**signal, "age": row.recorded_at and to_utc(row.recorded_at)}
