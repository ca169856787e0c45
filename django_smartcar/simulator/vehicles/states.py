"""What a car can be doing, and what it then answers: a table."""

from __future__ import annotations

from typing import NamedTuple

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from .. import store
from ..store.models import Car


class CarState(NamedTuple):
    """Each answer is ``TYPE:CODE``, or nothing when the car does what it is asked."""

    title: str | Promise
    to_commands: str | None = None
    to_reads: str | None = None
    #: To v3's signals, which are stored at Smartcar: they outlast a car that is only out of reach.
    to_signals: str | None = None


_ASLEEP = "VEHICLE_STATE:ASLEEP"
_UNREACHABLE = "VEHICLE_STATE:UNREACHABLE"
_ACCOUNT_ISSUE = "CONNECTED_SERVICES_ACCOUNT:ACCOUNT_ISSUE"
_VEHICLE_MISSING = "CONNECTED_SERVICES_ACCOUNT:VEHICLE_MISSING"

#: The last three are those of a car of Smartcar's own simulator, which drives a recorded trip.
STATES: dict[str, CarState] = {
    "parked": CarState(_("Parked")),
    "driving": CarState(_("Driving")),
    "charging": CarState(_("Charging")),
    "asleep": CarState(_("Asleep"), _ASLEEP, _ASLEEP),
    "unreachable": CarState(_("Unreachable"), _UNREACHABLE, _UNREACHABLE),
    "paused": CarState(_("Simulation paused"), _UNREACHABLE),
    "not_started": CarState(_("Simulation not started"), _ACCOUNT_ISSUE, _ACCOUNT_ISSUE, _ACCOUNT_ISSUE),
    "deleted": CarState(_("Simulated car deleted"), _VEHICLE_MISSING, _VEHICLE_MISSING, _VEHICLE_MISSING),
}


def of(car: Car) -> CarState:
    """The row of what the car is doing."""
    return STATES[car.state]


def is_replayed(car: Car) -> bool:
    """Whether it was connected as a car of Smartcar's own simulator."""
    return any(grant.mode == "simulated" and car.id in grant.vehicle_ids for grant in store.grants())
