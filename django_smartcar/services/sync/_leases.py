"""Lease vehicles in pages, so that concurrent sync processes never read the same vehicle.

The vehicles of a process that died are due again within `DURATION`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone

from ...databases import primary
from ...models import ConnectedVehicle
from .._leases import DURATION, Lease, LeaseColumns, lock_free

#: The longest time without any progress; a request and a step of a pause are shorter.
MAX_SILENCE = timedelta(minutes=10)

_COLUMNS = LeaseColumns("sync_claim", "synced_at", is_end=False)


class SyncLease:
    """A page of vehicles that only this process reads."""

    def __init__(self, vehicles: list[ConnectedVehicle], before: datetime) -> None:
        self._lease = Lease(_COLUMNS, primary(ConnectedVehicle).all(), MAX_SILENCE)
        self.vehicles = vehicles
        # Check again that they are due: another process may have been faster.
        with lock_free(due(before).filter(pk__in=[vehicle.pk for vehicle in vehicles])) as free:
            taken = self._lease.take(free)
        if taken < len(vehicles):
            held = set(self._lease.held.values_list("pk", flat=True)) if taken else set()
            self.vehicles = [vehicle for vehicle in vehicles if vehicle.pk in held]

    def extend(self) -> None:
        """Keep the lease for another `MAX_SILENCE`. Sends no query."""
        self._lease.extend()

    def end(self, unread: Collection[int] = ()) -> None:
        """Release the lease. Vehicles with these keys were not read and are due at once."""
        if unread:
            self._lease.held.filter(pk__in=unread).update(sync_claim=None, synced_at=None)
        self._lease.release()

    def release(self) -> None:
        """Release the lease without having read the vehicles: all are due at once."""
        self._lease.release(synced_at=None)


def due(before: datetime) -> Any:
    """Return the vehicles that have not been read since ``before`` and that no process is reading."""
    return primary(ConnectedVehicle).sync_due(before, timezone.now() - DURATION)


def pages(before: datetime, size: int, limit: int | None) -> Iterator[SyncLease]:
    """Lease due vehicles, ``size`` at a time and at most ``limit`` in all."""
    last_pk, remaining = 0, limit
    while remaining is None or remaining > 0:
        candidates = (
            due(before).filter(pk__gt=last_pk).order_by("pk").select_related("account__smartcar_user")
        )
        vehicles = list(candidates[: size if remaining is None else min(size, remaining)])
        if not vehicles:
            return
        last_pk = vehicles[-1].pk
        lease = SyncLease(vehicles, before)
        if lease.vehicles:
            remaining = None if remaining is None else remaining - len(lease.vehicles)
            yield lease
