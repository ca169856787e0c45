"""Webhook events that wait until their vehicle is connected, and events that are to be processed again."""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import Any

from django.db.models import Exists, OuterRef, Q
from django.utils import timezone

from ...databases import primary
from ...models import ConnectedVehicle, WebhookEvent

#: Seconds between two looks at all waiting events, in each process: for those that `wake` has missed, because
#: a process was killed after it had connected a vehicle.
SWEEP_INTERVAL = 60.0

_swept_at: list[float] = []


def wake(vehicles: Iterable[ConnectedVehicle]) -> int:
    """Make the events due that wait for these vehicles; return how many.

    Call it after the commit that connects them: a worker that puts an event aside looks for its vehicle again
    after that, so that one of both sees the other.
    """
    ids = {vehicle.smartcar_vehicle_id for vehicle in vehicles}
    return _wake(primary(WebhookEvent).filter(smartcar_vehicle_id__in=ids)) if ids else 0


def sweep() -> None:
    """Make all events due whose vehicle has been connected, unless this process has done so recently."""
    now = time.monotonic()
    if not _swept_at or now - _swept_at[-1] >= SWEEP_INTERVAL:
        _swept_at[:] = [now]
        _wake(primary(WebhookEvent).all())


def requeue(events: Any) -> int:
    """Make these events due now and reset their attempts; return how many. Their data is not saved again."""
    return int(
        events.update(
            state=WebhookEvent.State.RECEIVED, attempts=0, next_attempt_at=timezone.now(), lease=None
        )
    )


def _wake(events: Any) -> int:
    vehicles = primary(ConnectedVehicle).connected()
    same = vehicles.filter(smartcar_vehicle_id=OuterRef("smartcar_vehicle_id"))
    own = same.filter(account__smartcar_user_id=OuterRef("smartcar_user_id"))
    # Without a user id, an event from before the connection may be about the driver who had the car then.
    since = same.filter(connected_at__lte=OuterRef("received_at"))
    is_known = Q(Exists(own)) | Q(Exists(since), smartcar_user_id="")
    return requeue(events.filter(is_known, state=WebhookEvent.State.WAITING))
