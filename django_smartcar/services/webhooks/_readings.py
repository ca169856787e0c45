"""Save the data of webhook events on their vehicles. Older events never overwrite newer data."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TypeAlias

from ...models import ConnectedVehicle, Source
from ...sdk.webhooks import Event, VehicleUpdate
from .. import readings
from ..readings import Observation
from . import _bounds, _problems

#: The vehicles that an update is about, its event, and the update in the unit system of these vehicles.
Item: TypeAlias = tuple[Sequence[ConnectedVehicle], Event, VehicleUpdate]


def apply_many(items: Iterable[Item]) -> None:
    """Save the data of events, in this order, in a few statements.

    The caller must hold row locks on the vehicles, and pass one instance for each row.
    """
    updates = [(vehicle, event, update) for vehicles, event, update in items for vehicle in vehicles]
    observations = (
        observation
        for vehicle, event, update in updates
        for observation in observations_of(vehicle, event, update)
    )
    readings.save_many(_bounds.within(observations), are_locked=True)
    _problems.save_many(
        (vehicle, event.sequence, update.problems[: _bounds.MAX_PROBLEMS])
        for vehicle, event, update in updates
    )


def observations_of(vehicle: ConnectedVehicle, event: Event, update: VehicleUpdate) -> Iterator[Observation]:
    """Return what an event tells about a vehicle: all signals that the driver has granted."""
    signals = update.signals[: _bounds.MAX_SIGNALS]
    return readings.observations_of(vehicle, signals, Source.WEBHOOK, event.sequence)
