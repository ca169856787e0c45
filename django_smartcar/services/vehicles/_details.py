"""What Smartcar tells of a car: asked for car by car, and made fit for a row."""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass, field
from typing import Any

from ... import sdk
from ...exceptions import AuthenticationException, RateLimited, SignalNotAvailable, SmartcarException
from ...secret_types import Vin
from .. import _rate_limits, client
from ..client import ApiCredentials, Car

logger = logging.getLogger(__name__)

#: How long `read_all` goes on asking: a person may be waiting for it.
SECONDS = 15

#: The longest id of Smartcar's that a row takes. They are UUIDs, so far.
MAX_ID_LENGTH = 64


@dataclass(frozen=True)
class VehicleDetails:
    """What Smartcar tells of one car; empty where it would not tell. The VIN stays out of ``repr``."""

    vehicle_id: str
    info: dict[str, Any] = field(default_factory=dict)
    permissions: list[str] | None = None
    vin: Vin = field(default=Vin(""), repr=False)
    failed: SmartcarException | None = None

    def columns(self) -> dict[str, Any]:
        """The columns that Smartcar told: what could not be read, or makes no sense, wipes out nothing."""
        year = self.info.get("year")
        told: dict[str, Any] = {
            "vin": Vin(_text(self.vin, 17)),
            "make": _text(self.info.get("make"), 100),
            "model": _text(self.info.get("model"), 100),
            "year": year if isinstance(year, int) and 1880 < year < 2200 else None,
        }
        columns = {name: value for name, value in told.items() if value}
        if self.permissions is not None:
            columns["permissions"] = [_text(permission, 100) for permission in self.permissions]
        return columns


def read_all(driver: ApiCredentials) -> list[VehicleDetails]:
    """Ask about every car that the driver's consent covers.

    A car that will not tell its make or VIN just now is still a car: what is missing stays empty. So do the
    facts of those that are left when the time is up.
    """
    ends = time.monotonic() + SECONDS
    found = []
    for vehicle_id, connection in _listed(driver).items():
        if not vehicle_id.strip(".") or len(vehicle_id) > MAX_ID_LENGTH:
            logger.warning(
                "Smartcar named a vehicle by an id that is none, of %d characters", len(vehicle_id)
            )
        elif time.monotonic() < ends:
            found.append(read(driver, vehicle_id, connection))
        else:
            found.append(VehicleDetails(vehicle_id))
    return found


def read(
    driver: ApiCredentials, vehicle_id: str, connection: sdk.v3.Connection | None = None
) -> VehicleDetails:
    """Ask what this car is and what the driver permits; ``failed`` is the first thing that went wrong.

    Raises AuthenticationException if Smartcar does not take the token.

    In API v3 a ``connection`` tells most of it, and is asked for where it is not given. A car that is
    not to be asked just now is not: it will not tell.
    """
    target = _rate_limits.RateLimitKey(vehicle_id, driver.api_version)
    told = _Told(client.car(driver, vehicle_id), connection)
    failed: SmartcarException | None = _rate_limits.active_limits([target]).get(target)
    try:
        told.ask(is_blocked=failed is not None)
    except AuthenticationException:
        raise  # about the token, not about the car: it is asked again with another
    except SignalNotAvailable:
        pass  # API v3 may have collected no VIN yet, or have it turned off
    except SmartcarException as error:
        logger.warning("Smartcar told only part of a vehicle: %s %s", type(error).__name__, error.request_id)
        failed = error
        if isinstance(failed, RateLimited):
            _rate_limits.record_limits([(target, failed)])
            told.requests = max(0, told.requests - 1)  # what the plan does not count comes first
    finally:
        _rate_limits.add_usage({vehicle_id: told.requests})
    return VehicleDetails(vehicle_id, told.info, told.permissions, told.vin, failed)


class _Told:
    """What one car tells, as far as it gets; ``requests`` is how many of the plan's that has taken."""

    def __init__(self, car: Car, connection: sdk.v3.Connection | None) -> None:
        self._car = car
        self._connection = connection
        self.info: dict[str, Any] = {}
        self.permissions: list[str] | None = None
        self.vin = Vin("")
        self.requests = 0

    def ask(self, *, is_blocked: bool) -> None:
        """Raises SmartcarException. Where it is blocked, only what needs no request is told."""
        car = self._car
        if isinstance(car, sdk.v3.Vehicle):
            if self._connection is None and not is_blocked:
                self._connection = car.connection()  # the plan does not count it, nor API v2's permissions
            if self._connection is not None:
                self.permissions = self._connection["permissions"]
                self.info = dict(self._connection["vehicle"])
        elif not is_blocked:
            self.permissions = list(car.iter_permissions())
            if "read_vehicle_info" in self.permissions:
                self.requests += 1
                self.info = dict(car.info())
        if "read_vin" in (self.permissions or ()) and not is_blocked:
            self.requests += 1
            self.vin = Vin(car.vin())


def _listed(driver: ApiCredentials) -> dict[str, sdk.v3.Connection | None]:
    """The ids of the driver's cars; in API v3 each with its connection."""
    if not driver.uses_v3:
        return dict.fromkeys(client.vehicle_ids(driver.access_token))
    shown = client.connections(driver.access_token, driver.mode, {"user_id": driver.user_id})
    # The filter is not believed: the application's token opens everybody's cars.
    own = (connection for connection in shown if connection["user_id"] == driver.user_id)
    return {connection["vehicle_id"]: connection for connection in own if connection["vehicle_id"]}


def _text(value: object, length: int) -> str:
    # PostgreSQL takes no NUL in a text.
    return value.replace("\x00", "")[:length] if isinstance(value, str) else ""
