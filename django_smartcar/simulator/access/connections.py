"""Connections as v3 sees them: one for each owner's car, however often it was allowed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from .. import store
from ..conf import conf
from ..errors.v3 import not_found
from ..store.models import Car, Grant
from ..vehicles.factory import stable_id
from . import grants


@dataclass(frozen=True)
class Connection:
    """An owner's car, and what was allowed for it last."""

    id: str
    owner_id: str
    car: Car
    permissions: list[str]
    mode: str
    external_id: str | None
    created_at: datetime
    updated_at: datetime


def connections() -> list[Connection]:
    """Every connection that can be seen by now, oldest first."""
    of_pair: dict[tuple[str, str], list[Grant]] = {}
    visible_before = store.now() - timedelta(seconds=conf.SMARTCAR_SIMULATOR_CONNECTION_DELAY)
    for grant in store.grants():
        if grant.connected_at <= visible_before:
            for vehicle_id in grant.vehicle_ids:
                of_pair.setdefault((grant.owner_id, vehicle_id), []).append(grant)
    return [_connection(vehicle_id, allowed) for (_, vehicle_id), allowed in of_pair.items()]


def connection(connection_id: str) -> Connection:
    """The connection of this id."""
    for known in connections():
        if known.id == connection_id:
            return known
    raise not_found("connection")


def of_vehicle(vehicle_id: str, owner_id: str | None = None) -> Connection | None:
    """The newest connection of this car, of any owner or of this one."""
    for known in reversed(connections()):
        if known.car.id == vehicle_id and owner_id in (None, known.owner_id):
            return known
    return None


def delete(known: Connection) -> None:
    """End a connection."""
    grants.disconnect(known.owner_id, known.car.id)


def delete_user(owner_id: str) -> None:
    """Forget an owner, with all connections and the visits that are under way."""
    with store.changes() as state:
        if state.owners.pop(owner_id, None) is None:
            raise not_found("user")
        grants.disconnect(owner_id)
        for run in [run for run in store.runs.values() if run.owner_id == owner_id]:
            del store.runs[run.id]


def _connection(vehicle_id: str, allowed: list[Grant]) -> Connection:
    first, newest = allowed[0], allowed[-1]
    return Connection(
        # Named by the grant that it began with: connected anew after its end, it is another one.
        id=stable_id("connection", first.id, vehicle_id),
        owner_id=newest.owner_id,
        car=store.car(vehicle_id),
        permissions=newest.scopes,
        # v3 knows no "test" mode.
        mode="live" if newest.mode == "live" else "simulated",
        external_id=newest.external_id,
        created_at=first.connected_at,
        updated_at=newest.connected_at,
    )
