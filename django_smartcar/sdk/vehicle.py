"""One car, generation 2: a vehicle id and an access token that covers it."""

from collections.abc import Iterator
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import cast

from . import const
from .api import Api, every
from .requester import Requester, body_of
from .shapes import Location, LocationData, Odometer, OdometerData, Status, VehicleInfo

# What Smartcar itself puts on a page of permissions.
PERMISSIONS_PAGE_SIZE = 25


class Vehicle:
    """Asks a car and tells it what to do. Every call raises a SmartcarException when it fails."""

    def __init__(
        self,
        vehicle_id: str,
        access_token: str,
        unit_system: str = "metric",
        *,
        requester: Requester | None = None,
        api_url: str = const.API_URL,
    ) -> None:
        self.vehicle_id = vehicle_id
        self.access_token = access_token
        self.api = Api(access_token, vehicle_id, requester=requester, api_url=api_url)
        self.set_unit_system(unit_system)

    def __repr__(self) -> str:
        return f"Vehicle({self.vehicle_id!r}, unit_system={self.api.unit_system!r})"

    def set_unit_system(self, unit_system: str) -> None:
        """Ask for ``"metric"`` or ``"imperial"`` from now on; ValueError for anything else."""
        self.api.set_unit_system(unit_system)

    def permissions(self) -> list[str]:
        """The first page of what the owner has granted (``"read_odometer"``, …). GET /permissions."""
        return cast(list[str], body_of(self.api.permissions(), permissions=list)["permissions"])

    def iter_permissions(self, *, page_size: int = PERMISSIONS_PAGE_SIZE) -> Iterator[str]:
        """All that the owner has granted, each once, from as many pages as it takes."""
        return every(self.api.permissions, "permissions", page_size)

    def info(self) -> VehicleInfo:
        """``{"id", "make", "model", "year"}``. GET the vehicle."""
        return cast(VehicleInfo, body_of(self.api.get(""), id=str))

    def vin(self) -> str:
        """The vehicle identification number. GET /vin."""
        return cast(str, body_of(self.api.get("vin"), vin=str)["vin"])

    def location(self) -> Location:
        """``{"data": {"latitude", "longitude"}, "age"}``. GET /location."""
        response = self.api.get("location")
        data = cast(LocationData, body_of(response, latitude=float, longitude=float))
        return {"data": data, "age": _moment(response.headers.get(const.DATA_AGE_HEADER))}

    def odometer(self) -> Odometer:
        """``{"data": {"distance"}, "unit_system", "age"}``. GET /odometer."""
        response = self.api.get("odometer")
        return {
            "data": cast(OdometerData, body_of(response, distance=float)),
            "unit_system": response.headers.get(const.UNIT_SYSTEM_HEADER),
            "age": _moment(response.headers.get(const.DATA_AGE_HEADER)),
        }

    def disconnect(self) -> None:
        """End the application's access to this car: the owner must connect it anew. DELETE /application."""
        self.api.disconnect()

    def lock(self) -> Status:
        """Lock the car: ``{"status": "success"}``. Never sent twice. POST /security."""
        return self._secure("LOCK")

    def unlock(self) -> Status:
        """Unlock the car: ``{"status": "success"}``. Never sent twice. POST /security."""
        return self._secure("UNLOCK")

    def _secure(self, action: str) -> Status:
        return {"status": body_of(self.api.action("security", action), status=str)["status"]}


def _moment(header: str | None) -> datetime | None:
    """An aware moment in UTC from a header's ISO 8601 (or HTTP) date; None if there is none to read."""
    for read in (datetime.fromisoformat, parsedate_to_datetime):
        try:
            moment = read((header or "").strip())
            return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
        except (ValueError, TypeError, OverflowError, IndexError):
            continue
    return None
