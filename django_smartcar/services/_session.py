"""Asks a car, and tells it what to do, with a token that works: what every read and command has in common."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any, TypeVar

from django.utils import timezone
from django.views.decorators.debug import sensitive_variables

from ..exceptions import (
    AuthenticationException,
    PermissionMissing,
    ReconnectRequired,
    SmartcarException,
    VehicleDisconnected,
)
from ..models import ConnectedVehicle, SmartcarAccount
from . import _rate_limits, client, tokens
from .client import ApiCredentials, Car

T = TypeVar("T")


@dataclass(frozen=True)
class VehicleSession:
    """A car that may be given an order: a row, whose car it is, and the car itself."""

    vehicle: ConnectedVehicle
    driver: ApiCredentials
    car: Car
    #: How many requests of the plan it takes to ask: a batch takes one for each path, a disconnection none.
    requests: int = 1

    @sensitive_variables()
    def tell(self, order: Callable[[Car], T], scope: str = "") -> T:
        """Give one order, once. What its failure says of the token and of the login is remembered."""
        try:
            answer = self.ask(order, scope)
        except AuthenticationException:
            tokens.invalidate(self.vehicle.account, self.driver)
            raise
        clear_reauthentication_required(self.vehicle)
        return answer

    @sensitive_variables()
    def ask(self, question: Callable[[Car], T], scope: str = "") -> T:
        """What the car answers, asked once; an error gets its account and scope (`complete`).

        Among the answers to many questions there may be failures as well.
        """
        try:
            answer = question(self.car)
        except SmartcarException as error:
            self.update_login_status([error])
            complete(error, self.vehicle.account, scope)
            _rate_limits.record_failure(self.vehicle, error, self.requests)
            raise
        _rate_limits.record_usage(self.vehicle, self.requests)
        self.update_login_status(answer.values() if isinstance(answer, dict) else [answer])
        return answer

    def update_login_status(self, answers: Iterable[Any]) -> None:
        """Remember what these answers, or failures, say of the login at the car's brand."""
        if self.apply_login_status(answers):
            save_logins([self.vehicle])

    def apply_login_status(self, answers: Iterable[Any]) -> bool:
        """The same, for `save_logins` to save; False where there is nothing to be saved."""
        answers = list(answers)
        failures = [answer for answer in answers if isinstance(answer, SmartcarException)]
        refused = [error for error in failures if error.code == "AUTHENTICATION_FAILED"]
        if refused:
            _set_marked(self.vehicle, str((refused[0].resolution or {}).get("url") or ""))
            return True
        # In API v3 answers come from Smartcar's store, and not from the car.
        if len(failures) == len(answers) or self.driver.uses_v3 or not self.vehicle.needs_reauthentication:
            return False
        _set_unmarked(self.vehicle)
        return True


def complete(error: SmartcarException, account: SmartcarAccount, scope: str) -> None:
    """Add what Smartcar does not say: the account to connect again, or the scope that is missing."""
    if isinstance(error, ReconnectRequired):
        error.account = account
    elif isinstance(error, PermissionMissing):
        error.scope = scope


def cost(account: SmartcarAccount, names: Collection[str]) -> int:
    """How many of the plan's requests it takes to read all of these at once.

    API v2 counts each of them; API v3 has all in one answer.
    """
    return 1 if account.uses_v3 else len(names)


@sensitive_variables()
def reach(vehicle: ConnectedVehicle) -> VehicleSession:
    """The car, with a token that opens it. Raises VehicleDisconnected, and as `tokens.driver` does."""
    return _reached(vehicle, tokens.driver(account_of(vehicle)))


@sensitive_variables()
def ask(vehicle: ConnectedVehicle, question: Callable[[Car], T], scope: str = "", *, requests: int = 1) -> T:
    """What the car answers; asked once more with a new token where Smartcar refuses one that looked good.

    Only for what may be asked twice. ``scope`` is the permission that it takes, ``requests`` how many of the
    plan's requests: 0 is never too many. Raises as `reach` does, or a SmartcarException.
    """
    account = account_of(vehicle)
    with _rate_limits.single_flight(vehicle) if requests else nullcontext():
        return tokens.as_driver(
            account, lambda driver: _reached(vehicle, driver, requests).ask(question, scope)
        )


def account_of(vehicle: ConnectedVehicle) -> SmartcarAccount:
    """The account that opens the car. Raises VehicleDisconnected."""
    if not vehicle.is_connected:
        raise VehicleDisconnected(vehicle)
    account: SmartcarAccount = vehicle.account
    return account


@sensitive_variables()
def _reached(vehicle: ConnectedVehicle, driver: ApiCredentials, requests: int = 1) -> VehicleSession:
    car = client.car(driver, vehicle.smartcar_vehicle_id, vehicle.unit_system)
    return VehicleSession(vehicle, driver, car, requests)


def is_gone(error: SmartcarException, account: SmartcarAccount) -> bool:
    """Whether Smartcar means this car or its subscription, not the application or a wrong address."""
    if not account.uses_v3:
        return error.type == "PERMISSION" or (error.type == "RESOURCE_NOT_FOUND" and error.code is None)
    # The SDK's own word where no such thing is shown, or Smartcar's where it has gone since.
    return error.response is None or error.response.request.method == "DELETE"


def clear_reauthentication_required(vehicle: ConnectedVehicle) -> None:
    """The car's brand lets us in again."""
    if vehicle.needs_reauthentication:
        _set_unmarked(vehicle)
        save_logins([vehicle])


def mark_reauthentication_required(vehicle: ConnectedVehicle, url: str = "") -> None:
    """The car's brand wants a new login of its driver, at this address if Smartcar says one."""
    _set_marked(vehicle, url)
    save_logins([vehicle])


def save_logins(vehicles: Collection[ConnectedVehicle]) -> None:
    """Write whether these cars need a new login: as many queries for many as for one."""
    ConnectedVehicle.objects.bulk_update(vehicles, ["reauthentication_required_at", "reauthentication_url"])


def _set_unmarked(vehicle: ConnectedVehicle) -> None:
    vehicle.reauthentication_required_at, vehicle.reauthentication_url = None, ""


def _set_marked(vehicle: ConnectedVehicle, url: str) -> None:
    vehicle.reauthentication_required_at = vehicle.reauthentication_required_at or timezone.now()
    longest = ConnectedVehicle._meta.get_field("reauthentication_url").max_length or 0
    # A signal's error brings no address: one that a command brought is still good.
    if 0 < len(url) <= longest:
        vehicle.reauthentication_url = url
