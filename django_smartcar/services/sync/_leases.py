"""Cars, page by page, each page claimed by one run: any number of processes share a fleet and double no work.

A run that dies claims nothing any more: what it held is free again after `LONGEST`.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Collection, Iterator
from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone

from ...models import ConnectedVehicle

#: How long a claim holds after its run was last heard of.
LONGEST = timedelta(minutes=10)

#: Seconds after which a run that is at work says so again.
HEARTBEAT_INTERVAL = 60.0


class SyncLease:
    """A page of cars that are one run's own."""

    def __init__(self, pks: list[int], before: datetime) -> None:
        self._id = uuid.uuid4()
        self._heard_at = time.monotonic()
        # Under the condition once more: another machine may have been faster.
        due(before).filter(pk__in=pks).update(sync_claim=self._id, synced_at=timezone.now())
        self.vehicles: list[ConnectedVehicle] = list(
            self._rows().order_by("pk").select_related("account__smartcar_user")
        )

    def hold(self) -> None:
        """Say that the run is still at it. Call it as often as you like: it seldom asks the database."""
        if time.monotonic() - self._heard_at > HEARTBEAT_INTERVAL:
            self._rows().update(synced_at=timezone.now())
            self._heard_at = time.monotonic()

    def end(self, unread: Collection[int] = ()) -> None:
        """Let go of the cars; those with these keys have not been read, and are due at once."""
        if unread:
            self._rows().filter(pk__in=unread).update(sync_claim=None, synced_at=None)
        self._rows().update(sync_claim=None)

    def give_back(self) -> None:
        """Let go of all of them, unread."""
        self._rows().update(sync_claim=None, synced_at=None)

    def _rows(self) -> Any:
        return ConnectedVehicle.objects.filter(sync_claim=self._id)


def due(before: datetime) -> Any:
    """The cars that have not been read since this moment, and are nobody's."""
    return ConnectedVehicle.objects.sync_due(before, timezone.now() - LONGEST)


def pages(before: datetime, size: int, limit: int | None) -> Iterator[SyncLease]:
    """Claim what is due, so many cars at a time and no more than ``limit`` in all."""
    last, left = 0, limit
    while left is None or left > 0:
        following = due(before).filter(pk__gt=last).order_by("pk")
        pks = list(following.values_list("pk", flat=True)[: size if left is None else min(size, left)])
        if not pks:
            return
        last = pks[-1]
        claim = SyncLease(pks, before)
        if claim.vehicles:
            left = None if left is None else left - len(claim.vehicles)
            yield claim
