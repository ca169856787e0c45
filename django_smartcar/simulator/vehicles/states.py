"""Vehicle states (parked, driving, charging, asleep…) and the errors that requests get in each."""

from __future__ import annotations

from typing import NamedTuple

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from .. import store
from ..store.models import Car


class CarState(NamedTuple):
    """The errors of a state, each as ``TYPE:CODE``, or None if requests succeed."""

    title: str | Promise
    command_error: str | None = None
    read_error: str | None = None
    #: For signals of v3. Smartcar stores them, so they are available while the vehicle is unreachable.
    signal_error: str | None = None


_ASLEEP = "VEHICLE_STATE:ASLEEP"
_UNREACHABLE = "VEHICLE_STATE:UNREACHABLE"
_ACCOUNT_ISSUE = "CONNECTED_SERVICES_ACCOUNT:ACCOUNT_ISSUE"
_VEHICLE_MISSING = "CONNECTED_SERVICES_ACCOUNT:VEHICLE_MISSING"

#: The last three are states of vehicles in Smartcar's "simulated" mode, which replay a recorded trip.
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


def state_of(car: Car) -> CarState:
    """Return the current state of the vehicle."""
    return STATES[car.state]


def is_simulated(car: Car) -> bool:
    """Return whether the vehicle was connected in Smartcar's "simulated" mode."""
    return any(grant.mode == "simulated" and car.id in grant.vehicle_ids for grant in store.grants())
