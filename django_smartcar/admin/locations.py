"""Where cars are, for operators with the permission ``smartcar.locate_connectedvehicle``."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any, NamedTuple

from django.http import HttpRequest
from django.utils.translation import gettext as _

from ..models import ConnectedVehicle
from .imports import places, signals


class Located(NamedTuple):
    """A vehicle and where it was last, if its driver shares that."""

    vehicle: ConnectedVehicle
    is_shared: bool
    place: places.Place | None
    at: datetime | None


def locate(model_admin: Any, request: HttpRequest, vehicles: Iterable[ConnectedVehicle]) -> list[Located]:
    """Return the last known positions that drivers share. Each vehicle's history records who looked."""
    rows = list(vehicles)
    model_admin.log_changes(request, rows, _("location viewed"))
    states = signals.latest(rows, ["location"])
    return [_located(row, states[row.pk].get("location")) for row in rows]


def _located(vehicle: ConnectedVehicle, state: Any) -> Located:
    is_shared = signals.is_shared(vehicle, "location")
    if not is_shared or state is None or not state.has_value:
        return Located(vehicle, is_shared, None, None)
    return Located(vehicle, True, places.place_of(**state.degrees), state.at)
