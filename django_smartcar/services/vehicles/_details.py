"""Read a vehicle's attributes, permissions and VIN, vehicle by vehicle."""

from __future__ import annotations

import logging
import time
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Any

from ... import sdk
from ...exceptions import AuthenticationException, RateLimited, SignalNotAvailable, SmartcarException
from ...secret_types import Vin
from .. import _rate_limits, client
from ..client import ApiCredentials, Car

logger = logging.getLogger(__name__)

#: Seconds after which `read_all` stops making requests: a user may be waiting.
TIME_LIMIT = 15

#: Maximum length of a Smartcar id (UUIDs today).
MAX_ID_LENGTH = 64


@dataclass(frozen=True)
class VehicleDetails:
    """The details of one vehicle; a field that could not be read is empty. ``repr`` leaves out the VIN."""

    vehicle_id: str
    info: dict[str, Any] = field(default_factory=dict)
    permissions: list[str] | None = None
    vin: Vin = field(default=Vin(""), repr=False)
    failed: SmartcarException | None = None

    def columns(self) -> dict[str, Any]:
        """Return the columns to update. Fields that are missing or invalid are left as they are."""
        year = self.info.get("year")
        values: dict[str, Any] = {
            "vin": Vin(_text(self.vin, 17)),
            "make": _text(self.info.get("make"), 100),
            "model": _text(self.info.get("model"), 100),
            "year": year if isinstance(year, int) and 1880 < year < 2200 else None,
        }
        columns = {name: value for name, value in values.items() if value}
        if self.permissions is not None:
            columns["permissions"] = [_text(permission, 100) for permission in self.permissions]
        return columns


def read_all(credentials: ApiCredentials, identified: Collection[str] = ()) -> list[VehicleDetails]:
    """Read the details of every vehicle that the driver's consent covers.

    A vehicle whose details cannot be read is returned with empty ones. After TIME_LIMIT seconds, the
    remaining vehicles are returned without details. Of the vehicles whose ids are ``identified``, only what
    may change is read: no VIN, make and model.
    """
    deadline = time.monotonic() + TIME_LIMIT
    found = []
    for vehicle_id, connection in _listed(credentials).items():
        if not vehicle_id.strip(".") or len(vehicle_id) > MAX_ID_LENGTH:
            logger.warning("ignored a vehicle with an invalid id of %d characters", len(vehicle_id))
        elif time.monotonic() < deadline:
            found.append(read(credentials, vehicle_id, connection, is_identified=vehicle_id in identified))
        else:
            found.append(VehicleDetails(vehicle_id))
    return found


def read(
    credentials: ApiCredentials,
    vehicle_id: str,
    connection: sdk.v3.Connection | None = None,
    *,
    is_identified: bool = False,
) -> VehicleDetails:
    """Read the details and permissions of a vehicle; ``failed`` is the first error.

    Raises AuthenticationException if Smartcar rejects the token.

    In API v3 most details come from the ``connection``, which is requested unless it is given. A rate limited
    vehicle is not requested: its details are empty.
    """
    target = _rate_limits.RateLimitKey(vehicle_id, credentials.api_version)
    reader = _DetailsReader(client.car(credentials, vehicle_id), connection)
    failed: SmartcarException | None = _rate_limits.active_limits([target]).get(target)
    try:
        reader.read(is_blocked=failed is not None, is_identified=is_identified)
    except AuthenticationException:
        raise  # the caller retries with another token
    except SignalNotAvailable:
        pass  # API v3 may not have collected the VIN, or not be allowed to
    except SmartcarException as error:
        logger.warning(
            "could not read all details of a vehicle: %s %s", type(error).__name__, error.request_id
        )
        failed = error
        if isinstance(failed, RateLimited):
            _rate_limits.record_limits([(target, failed)])
            reader.requests = max(0, reader.requests - 1)  # a 429 is not billed
    finally:
        _rate_limits.add_usage({vehicle_id: reader.requests})
    return VehicleDetails(vehicle_id, reader.info, reader.permissions, reader.vin, failed)


class _DetailsReader:
    """Reads the details of one vehicle, up to the first error; ``requests`` counts the billable requests."""

    def __init__(self, car: Car, connection: sdk.v3.Connection | None) -> None:
        self._car = car
        self._connection = connection
        self.info: dict[str, Any] = {}
        self.permissions: list[str] | None = None
        self.vin = Vin("")
        self.requests = 0

    def read(self, *, is_blocked: bool, is_identified: bool) -> None:
        """Read the details. If the vehicle is blocked, send no request. Raises SmartcarException."""
        car = self._car
        if isinstance(car, sdk.v3.Vehicle):
            if self._connection is None and not is_blocked:
                self._connection = car.connection()  # not billed, like API v2's permissions
            if self._connection is not None:
                self.permissions = self._connection["permissions"]
                self.info = dict(self._connection["vehicle"])
        elif not is_blocked:
            self.permissions = list(car.iter_permissions())
            if "read_vehicle_info" in self.permissions and not is_identified:
                self.requests += 1
                self.info = dict(car.info())
        if "read_vin" in (self.permissions or ()) and not is_blocked and not is_identified:
            self.requests += 1
            self.vin = Vin(car.vin())


def _listed(credentials: ApiCredentials) -> dict[str, sdk.v3.Connection | None]:
    """Return the ids of the driver's vehicles; in API v3 each with its connection."""
    if not credentials.uses_v3:
        return dict.fromkeys(client.vehicle_ids(credentials.access_token))
    connections = client.connections(
        credentials.access_token, credentials.mode, {"user_id": credentials.user_id}
    )
    # Do not trust the filter: the application's token gives access to every user's vehicles.
    own = (connection for connection in connections if connection["user_id"] == credentials.user_id)
    return {connection["vehicle_id"]: connection for connection in own if connection["vehicle_id"]}


def _text(value: object, length: int) -> str:
    return value[:length] if isinstance(value, str) else ""
