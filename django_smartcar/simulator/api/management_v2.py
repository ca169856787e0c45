"""management.smartcar.com: the connections of the application."""

from __future__ import annotations

import base64
import binascii

from django.http import HttpRequest, HttpResponse, JsonResponse

from ..access import grants
from ..access.grants import ConnectedVehicle
from ..conf import conf
from ..errors.v2 import SmartcarError, invalid
from ..vehicles.values import timestamp
from .v2_pagination import number
from .v2_responses import answering, check_version, is_basic

_MODES = ("live", "simulated", "test")


@answering
def connections(request: HttpRequest, version: str) -> HttpResponse:
    """List the connections, or end some."""
    check_version(version)
    if not is_basic(request, "default", conf.SMARTCAR_SIMULATOR_MANAGEMENT_TOKEN):
        raise SmartcarError("AUTHENTICATION")
    owner_id = request.GET.get("user_id") or None
    vehicle_id = request.GET.get("vehicle_id") or None
    if request.method == "GET":
        return _list(request, owner_id, vehicle_id)
    if request.method == "DELETE":
        if not owner_id and not vehicle_id:
            raise invalid("user_id", "user_id or vehicle_id is required")
        ended = grants.disconnect(owner_id, vehicle_id)
        return JsonResponse(
            {"connections": [{"userId": one.owner_id, "vehicleId": one.vehicle_id} for one in ended]}
        )
    raise SmartcarError("RESOURCE_NOT_FOUND", "PATH")


@answering
def missing(request: HttpRequest, path: str) -> HttpResponse:
    """Any other path of this host."""
    raise SmartcarError("RESOURCE_NOT_FOUND", "PATH")


def _list(request: HttpRequest, owner_id: str | None, vehicle_id: str | None) -> HttpResponse:
    limit = number(request.GET, "limit", 10, 1, 100)
    mode = request.GET.get("mode")
    if mode is not None and mode not in _MODES:
        raise invalid("mode", f"mode must be one of: [{','.join(_MODES)}]")
    found = [one for one in grants.connected_vehicles(owner_id, vehicle_id) if mode in (None, one.mode)]
    if cursor := request.GET.get("cursor"):
        last = _uncursor(cursor)
        found = [one for one in found if _key(one) < last]
    shown = found[:limit]
    return JsonResponse(
        {
            "connections": [
                {
                    "vehicleId": one.vehicle_id,
                    "userId": one.owner_id,
                    "connectedAt": timestamp(one.connected_at),
                    "mode": one.mode,
                }
                for one in shown
            ],
            "paging": {"cursor": _cursor(shown[-1]) if len(found) > limit else None},
        }
    )


def _key(connection: ConnectedVehicle) -> tuple[str, str, str]:
    return (
        connection.connected_at.isoformat(timespec="microseconds"),
        connection.owner_id,
        connection.vehicle_id,
    )


def _cursor(connection: ConnectedVehicle) -> str:
    """Where a page ended: by what stood there, so that a connection made meanwhile shifts nothing."""
    return base64.urlsafe_b64encode(" ".join(_key(connection)).encode()).decode()


def _uncursor(cursor: str) -> tuple[str, str, str]:
    try:
        moment, owner_id, vehicle_id = base64.urlsafe_b64decode(cursor.encode()).decode().split(" ")
    except (binascii.Error, ValueError):
        raise invalid("cursor", "cursor is not one that this endpoint gave out") from None
    return moment, owner_id, vehicle_id
