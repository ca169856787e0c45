"""Connections of API v3: one per owner and vehicle, however many grants there are."""

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
    """A vehicle of an owner, with the permissions of the latest grant."""

    id: str
    owner_id: str
    car: Car
    permissions: list[str]
    mode: str
    external_id: str | None
    created_at: datetime
    updated_at: datetime


def connections() -> list[Connection]:
    """Return the connections that are visible by now, oldest first."""
    grants_by_pair: dict[tuple[str, str], list[Grant]] = {}
    visible_before = store.now() - timedelta(seconds=conf.SMARTCAR_SIMULATOR_CONNECTION_DELAY)
    for grant in store.grants():
        if grant.connected_at <= visible_before:
            for vehicle_id in grant.vehicle_ids:
                grants_by_pair.setdefault((grant.owner_id, vehicle_id), []).append(grant)
    return [_connection(vehicle_id, pair_grants) for (_, vehicle_id), pair_grants in grants_by_pair.items()]


def get_connection(connection_id: str) -> Connection:
    """Return the connection with this id. Raise a 404 if there is none."""
    for candidate in connections():
        if candidate.id == connection_id:
            return candidate
    raise not_found("connection")


def of_vehicle(vehicle_id: str, owner_id: str | None = None) -> Connection | None:
    """Return the latest connection of this vehicle, of any owner or of this one."""
    for candidate in reversed(connections()):
        if candidate.car.id == vehicle_id and owner_id in (None, candidate.owner_id):
            return candidate
    return None


def delete(connection: Connection) -> None:
    """Delete a connection."""
    grants.disconnect(connection.owner_id, connection.car.id)


def delete_user(owner_id: str) -> None:
    """Delete an owner, with all connections and Connect sessions. Raise a 404 if there is none."""
    with store.changes() as state:
        if state.owners.pop(owner_id, None) is None:
            raise not_found("user")
        grants.disconnect(owner_id)
        for session in [one for one in store.connect_sessions.values() if one.owner_id == owner_id]:
            del store.connect_sessions[session.id]


def _connection(vehicle_id: str, pair_grants: list[Grant]) -> Connection:
    first, latest = pair_grants[0], pair_grants[-1]
    return Connection(
        # The id comes from the first grant: connected again after a disconnect, it is a new connection.
        id=stable_id("connection", first.id, vehicle_id),
        owner_id=latest.owner_id,
        car=store.car(vehicle_id),
        permissions=latest.scopes,
        # v3 has no "test" mode.
        mode="live" if latest.mode == "live" else "simulated",
        external_id=latest.external_id,
        created_at=first.connected_at,
        updated_at=latest.connected_at,
    )
