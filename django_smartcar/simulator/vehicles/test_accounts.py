"""Sign-in at a car maker: the email address decides which vehicles or which error the account has."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, NamedTuple

from django.utils.translation import gettext_lazy as _

from .. import profiles, store
from ..errors.table import ERRORS
from ..store.models import Car, Owner
from .catalog import MAKES, Make, make_of_vin
from .factory import build_car, stable_id


@dataclass(eq=False)
class ConnectError(Exception):
    """Redirects the user back to the application with an error."""

    error: str
    description: str
    vin: str | None = None
    make: str | None = None
    model: str | None = None
    year: int | None = None


class UnknownErrorAccount(ValueError):
    """An address such as ``TYPE.CODE@smartcar.com`` has a type of errors, and a code that the type lacks."""


class _Account(NamedTuple):
    vin: str
    fault: str | None = None


#: Smartcar's test accounts with a fixed vehicle, whatever make was chosen.
_ACCOUNTS = {
    "smartcar@successful-request.com": _Account("0SCAUDI037A5ADB1C"),
    "smartcar@vs-000.vehicle-state-error.com": _Account("0SCLR000292E53813", "VEHICLE_STATE:UNKNOWN"),
    "smartcar@vs-001.vehicle-state-error.com": _Account("0SCLR00022F1A83F5", "VEHICLE_STATE:DOOR_OPEN"),
    "smartcar@vs-002.vehicle-state-error.com": _Account("0SCLR00028D1AA6DF", "VEHICLE_STATE:TRUNK_OPEN"),
    "smartcar@voa-000.vehicle-owner-action-required.com": _Account(
        "0SCLR0002EDAB90A7", "CONNECTED_SERVICES_ACCOUNT:AUTHENTICATION_FAILED"
    ),
    "smartcar@voa-001.vehicle-owner-action-required.com": _Account(
        "0SCLR0002AB072EEA", "CONNECTED_SERVICES_ACCOUNT:SUBSCRIPTION"
    ),
}

#: Vehicles that cannot be connected. The second is a real one, which Smartcar's SDKs test.
INCOMPATIBLE_VINS = {"0SCAUDI012FE3B132", "WBAKE5C58DJ107700"}
#: Permissions that a real vehicle lacks, which Smartcar's SDKs test.
INCAPABLE_VINS = {"WAUAFAFL1GN014882": {"read_odometer", "read_location"}}

_INCOMPATIBLE = ("vehicle_incompatible", "The user's vehicle is not compatible.")
_NO_VEHICLES = ("no_vehicles", "No vehicles found. Please add vehicles to your account and try again.")

#: Accounts that cannot connect: the arguments of `ConnectError`. Smartcar itself lacks the last two.
_ERRORS: dict[str, tuple[Any, ...]] = {
    "smartcar@vehicle-incompatible.com": (*_INCOMPATIBLE, "0SCAUDI012FE3B132", "AUDI", "A4", 2017),
    "smartcar@invalid-subscription.com": (
        "invalid_subscription",
        "User does not have an active connected vehicle subscription.",
    ),
    "smartcar@configuration-error.com": (
        "configuration_error",
        "The application is not configured for this vehicle.",
    ),
    "smartcar@server-error.com": ("server_error", "An unexpected Smartcar error has occurred."),
}

_LEVELS = {"compatible": None, "bev": "BEV", "phev": "PHEV", "fuel": "ICE"}

#: The examples on the sign-in page.
EXAMPLES = (
    ("you@example.com", _("any address: one car of the chosen brand")),
    ("3-vehicles@smartcar.com", _("three cars; 1 to 999, and 0 for none")),
    (
        "1G1RC6S55JU123456@bev.smartcar.com",
        _("a car with this VIN; also compatible, phev, fuel, incompatible"),
    ),
    (
        "smartcar@vs-000.vehicle-state-error.com",
        _("a Land Rover that answers reads and commands with an error; also vs-001, vs-002"),
    ),
    (
        "smartcar@voa-000.vehicle-owner-action-required.com",
        _("a Land Rover that asks to sign in again; with voa-001, to pay for its online services"),
    ),
    (
        "VEHICLE_STATE.ASLEEP@smartcar.com",
        _("a car of the chosen brand that returns this error; any TYPE.CODE of Smartcar's works"),
    ),
    ("smartcar@vehicle-incompatible.com", _("a car that cannot be connected")),
    ("smartcar@invalid-subscription.com", _("an expired subscription")),
    ("smartcar@configuration-error.com", _("a misconfigured application")),
    ("smartcar@server-error.com", _("a server error at Smartcar")),
)


def sign_in(email: str, make: Make, vin: str | None = None) -> tuple[Owner, list[Car]]:
    """Return the owner with this email address and the vehicles of the account.

    With a `vin` (`single_select_vin`) only that vehicle is returned. Raise `ConnectError` if the account
    cannot connect, and `UnknownErrorAccount` if there is no such account.
    """
    email = email.strip().lower()
    if email in _ERRORS:
        raise ConnectError(*_ERRORS[email])
    with store.changes() as state:
        owner_id = stable_id("owner", email)
        vehicles = _account_vehicles(email, owner_id, make, vin)
        if vin:
            vehicles = [car for car in vehicles if car.vin == vin]
        if not vehicles:
            raise ConnectError(*_NO_VEHICLES)
        for car in vehicles:
            car.profile = profiles.default_for(car.make)
        owner = state.owners.setdefault(owner_id, Owner(owner_id, email))
        # A known vehicle keeps its state: it stays locked when its owner signs in again.
        cars = [state.cars.setdefault(car.id, car) for car in vehicles]
        store.touch()
        return owner, cars


def _account_vehicles(email: str, owner_id: str, make: Make, wanted_vin: str | None) -> list[Car]:
    if account := _ACCOUNTS.get(email):
        return [_car_with_vin(email, owner_id, make, account.vin, fault=account.fault)]
    if match := re.fullmatch(
        r"([a-z0-9]{17})@(compatible|bev|phev|fuel|incompatible|dinosaur)\.smartcar\.com", email
    ):
        vin, level = match[1].upper(), match[2]
        if level not in _LEVELS:
            raise ConnectError(*_INCOMPATIBLE, vin, make.id, make.models[0].name, make.models[0].first_year)
        return [_car_with_vin(email, owner_id, make, vin, powertrain=_LEVELS[level])]
    if match := re.fullmatch(r"(\d{1,3})-vehicles@smartcar\.com", email):
        return [_car(email, owner_id, make, number) for number in range(int(match[1]))]
    fault = _fault(email)
    if wanted_vin:
        return [_car_with_vin(email, owner_id, make, wanted_vin, fault=fault)]
    return [_car(email, owner_id, make, 0, fault)]


def _fault(email: str) -> str | None:
    """Return the fault that ``TYPE.CODE@smartcar.com`` names, or ``TYPE@…`` if its code is null."""
    match = re.fullmatch(r"([a-z_]+)(?:\.([a-z_]+))?@smartcar\.com", email)
    if match is None:
        return None
    type_, code = match[1].upper(), match[2] and match[2].upper()
    name = f"{type_}.{code}" if code else type_
    names = [f"{pair[0]}.{pair[1]}" if pair[1] else pair[0] for pair in ERRORS if pair[0] == type_]
    if name in names:
        return name.replace(".", ":")
    if names:
        raise UnknownErrorAccount(
            _("Smartcar has no error {name}. Write one of: {names}.").format(
                name=name, names=", ".join(names)
            )
        )
    return None  # a person's address: jane.doe@smartcar.com


def _car(email: str, owner_id: str, make: Make, number: int, fault: str | None = None) -> Car:
    seed = f"{email}|{make.id}|{number}"
    return build_car(seed, owner_id=owner_id, make=make, now=store.now(), number=number, fault=fault)


def _car_with_vin(
    email: str,
    owner_id: str,
    make: Make,
    vin: str,
    powertrain: str | None = None,
    fault: str | None = None,
) -> Car:
    return build_car(
        f"{email}|{vin}",
        owner_id=owner_id,
        make=make_of_vin(vin) or make,
        now=store.now(),
        vin=vin,
        powertrain=powertrain,
        fault=fault,
    )


def make_for_vin(vin: str) -> Make:
    """Return the make to sign in with if only a VIN is known."""
    return make_of_vin(vin) or next(iter(MAKES.values()))
