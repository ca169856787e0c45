"""Find the vehicles that webhook events are about, and lock them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping
from datetime import datetime
from typing import NamedTuple

from django.db import connections, router

from ...models import ConnectedVehicle, SmartcarAccount


class Address(NamedTuple):
    """What an event says about its vehicle. Without a user id, the vehicle of every account is meant.

    Then ``received_at`` counts, too: before the vehicle was connected, the event was about another driver's.
    A test event is never about a real vehicle, whatever its ids are.
    """

    vehicle_id: str
    user_id: str
    is_test: bool
    #: None if there is a user id.
    received_at: datetime | None = None

    def covers(self, user_id: str, mode: str, connected_at: datetime) -> bool:
        """Return whether the vehicle of this user's account, in this mode, is meant."""
        is_real = mode == SmartcarAccount.Mode.LIVE
        is_of_before = self.received_at is not None and self.received_at < connected_at
        return self.user_id in ("", user_id) and not is_of_before and not (self.is_test and is_real)


def find(addresses: Collection[Address]) -> dict[Address, list[int]]:
    """Return the keys of the connected vehicles of each address that has any."""
    ids = {address.vehicle_id for address in addresses if address.vehicle_id}
    if not ids:
        return {}
    rows = defaultdict(list)
    known = ConnectedVehicle.objects.using(router.db_for_write(ConnectedVehicle)).connected()
    for pk, vehicle_id, *row in known.filter(smartcar_vehicle_id__in=ids).values_list(
        "pk", "smartcar_vehicle_id", "account__smartcar_user_id", "account__mode", "connected_at"
    ):
        rows[vehicle_id].append((pk, row))
    found = {
        address: [pk for pk, row in rows[address.vehicle_id] if address.covers(*row)] for address in addresses
    }
    return {address: keys for address, keys in found.items() if keys}


def lock(found: Mapping[Address, Collection[int]]) -> dict[Address, list[ConnectedVehicle]]:
    """Lock the vehicles that `find` returned, in the order of their keys; return one instance for each row.

    Every process locks them in this order, so that none waits for another that waits for it.
    """
    keys = {pk for keys in found.values() for pk in keys}
    if not keys:
        return {}
    alias = router.db_for_write(ConnectedVehicle)
    # Rows that refer to the vehicle, such as commands, may still be inserted.
    is_weak = connections[alias].features.has_select_for_no_key_update
    rows = ConnectedVehicle.objects.using(alias).connected().filter(pk__in=keys).order_by("pk")
    held = {vehicle.pk: vehicle for vehicle in rows.select_for_update(no_key=is_weak)}
    return {address: [held[pk] for pk in sorted(keys) if pk in held] for address, keys in found.items()}
