"""Commands of API v3. A 202 response is not a success: its body, read to the end, has the result.

No command is ever retried. Invalid arguments raise ValueError, and nothing is sent. Each command raises the
exception of a failure, whether Smartcar reports it immediately or minutes later in the body of a 202; an
InvalidResponseException if the body has no result, and a NoResponseException if the connection ends early. In
the last two cases the vehicle may have executed the command.
"""

from collections.abc import Mapping
from typing import NotRequired, TypedDict

from ...secret_types import coordinate
from .._command_parameters import check_charge_limit, check_coordinates
from ..types import Status
from ._client import Client, ensure_done, text_of


class Window(TypedDict):
    """When to charge, in the vehicle's local time: ``{"start": "22:00", "stop": "06:00"}``."""

    start: str
    stop: str


class ScheduleStatus(Status):
    """``schedule_id`` is the id for ``delete_charge_schedule``, or None if Smartcar sends none."""

    schedule_id: NotRequired[str | None]


class Commands:
    """The commands of one vehicle: paths under ``/vehicles/{id}``."""

    vehicle_id: str
    api: Client

    def lock(self) -> Status:
        """Lock the vehicle. Return ``{"status": "success"}``. POST /commands/security/lock."""
        return self._command("security", "lock")

    def unlock(self) -> Status:
        """Unlock the vehicle. Return ``{"status": "success"}``. POST /commands/security/unlock."""
        return self._command("security", "unlock")

    def start_charge(self) -> Status:
        """Start charging. POST /commands/charge/start."""
        return self._command("charge", "start")

    def stop_charge(self) -> Status:
        """Stop charging. POST /commands/charge/stop."""
        return self._command("charge", "stop")

    def set_charge_limit(self, limit: float) -> Status:
        """Set the charge limit, from 0.5 to 1, rounded to whole percent. POST /commands/charge/set-limit."""
        percent = round(check_charge_limit(limit) * 100)
        return self._command("charge", "set-limit", {"percent": percent})

    def open_charge_port(self) -> Status:
        """Open the flap of the charge port. POST /commands/charge-port/open."""
        return self._command("charge-port", "open")

    def close_charge_port(self) -> Status:
        """Close the flap of the charge port. POST /commands/charge-port/close."""
        return self._command("charge-port", "close")

    def send_destination(self, latitude: float, longitude: float) -> Status:
        """Set the navigation destination, in degrees. POST /commands/navigation/set-destination."""
        latitude, longitude = coordinate(latitude), coordinate(longitude)
        return self._command("navigation", "set-destination", check_coordinates(latitude, longitude))

    def set_daily_charge_schedule(self, latitude: float, longitude: float, window: Window) -> ScheduleStatus:
        """Charge at this location daily, within ``window``. POST /charge-schedules/daily."""
        latitude, longitude = coordinate(latitude), coordinate(longitude)
        return self._schedule("daily", {"location": check_coordinates(latitude, longitude), **_times(window)})

    def set_weekly_charge_schedule(
        self, latitude: float, longitude: float, days: Mapping[str, Window]
    ) -> ScheduleStatus:
        """Charge at this location on each of ``days`` (``"monday"``, …). POST /charge-schedules/weekly."""
        latitude, longitude = coordinate(latitude), coordinate(longitude)
        times = {day: _times(window) for day, window in days.items()}
        return self._schedule("weekly", {"location": check_coordinates(latitude, longitude), "days": times})

    def set_workweek_charge_schedule(
        self, latitude: float, longitude: float, weekdays: Window, weekends: Window
    ) -> ScheduleStatus:
        """Charge at this location, with one window for weekdays and one for weekends.

        POST /charge-schedules/workweek.
        """
        latitude, longitude = coordinate(latitude), coordinate(longitude)
        times = {"weekdays": _times(weekdays), "weekends": _times(weekends)}
        return self._schedule("workweek", {"location": check_coordinates(latitude, longitude), **times})

    def delete_charge_schedule(self, schedule_id: str) -> Status:
        """Delete a charge schedule. DELETE /charge-schedules/{id}."""
        response = self.api.command("DELETE", "vehicles", self.vehicle_id, "charge-schedules", schedule_id)
        if response.status_code != 204:
            ensure_done(response, has_resource=True)
        return {"status": "success"}

    def _command(self, group: str, name: str, attributes: Mapping[str, object] | None = None) -> Status:
        path = ("vehicles", self.vehicle_id, "commands", group, name)
        ensure_done(self.api.command("POST", *path, attributes=attributes))
        return {"status": "success"}

    def _schedule(self, kind: str, attributes: Mapping[str, object]) -> ScheduleStatus:
        path = ("vehicles", self.vehicle_id, "charge-schedules", kind)
        done = ensure_done(self.api.command("POST", *path, attributes=attributes), has_resource=True)
        return {"status": "success", "schedule_id": text_of(done, "scheduleId")}


def _times(window: Window) -> dict[str, str]:
    return {"startTime": window["start"], "stopTime": window["stop"]}
