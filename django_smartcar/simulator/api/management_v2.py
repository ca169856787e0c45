"""management.smartcar.com, ``/v2.0/management/connections``: list and delete connections (API v2)."""

from __future__ import annotations

import base64
import binascii

from django.http import HttpRequest, HttpResponse, JsonResponse

from ..access import grants
from ..access.grants import ConnectedVehicle
from ..conf import conf
from ..errors.v2 import SmartcarError, invalid
from ..vehicles.v2_readings import timestamp
from .v2_pagination import query_integer
from .v2_responses import check_version, has_basic_credentials, v2_api_view

_MODES = ("live", "simulated", "test")


@v2_api_view
def connections(request: HttpRequest, version: str) -> HttpResponse:
    """List the connections, or delete those of a user or of a vehicle."""
    check_version(version)
    if not has_basic_credentials(request, "default", conf.SMARTCAR_SIMULATOR_MANAGEMENT_TOKEN):
        raise SmartcarError("AUTHENTICATION")
    owner_id = request.GET.get("user_id") or None
    vehicle_id = request.GET.get("vehicle_id") or None
    if request.method == "GET":
        return _list(request, owner_id, vehicle_id)
    if request.method == "DELETE":
        if not owner_id and not vehicle_id:
            raise invalid("user_id", "user_id or vehicle_id is required")
        deleted = grants.disconnect(owner_id, vehicle_id)
        return JsonResponse(
            {
                "connections": [
                    {"userId": connection.owner_id, "vehicleId": connection.vehicle_id}
                    for connection in deleted
                ]
            }
        )
    raise SmartcarError("RESOURCE_NOT_FOUND", "PATH")


@v2_api_view
def path_not_found(request: HttpRequest, path: str) -> HttpResponse:
    """Answer any other path of this host with 404."""
    raise SmartcarError("RESOURCE_NOT_FOUND", "PATH")


def _list(request: HttpRequest, owner_id: str | None, vehicle_id: str | None) -> HttpResponse:
    limit = query_integer(request.GET, "limit", 10, 1, 100)
    mode = request.GET.get("mode")
    if mode is not None and mode not in _MODES:
        raise invalid("mode", f"mode must be one of: [{','.join(_MODES)}]")
    found = [
        connection
        for connection in grants.connected_vehicles(owner_id, vehicle_id)
        if mode in (None, connection.mode)
    ]
    if cursor := request.GET.get("cursor"):
        last = _decode_cursor(cursor)
        found = [connection for connection in found if _sort_key(connection) < last]
    page = found[:limit]
    return JsonResponse(
        {
            "connections": [
                {
                    "vehicleId": connection.vehicle_id,
                    "userId": connection.owner_id,
                    "connectedAt": timestamp(connection.connected_at),
                    "mode": connection.mode,
                }
                for connection in page
            ],
            "paging": {"cursor": _encode_cursor(page[-1]) if len(found) > limit else None},
        }
    )


def _sort_key(connection: ConnectedVehicle) -> tuple[str, str, str]:
    return (
        connection.connected_at.isoformat(timespec="microseconds"),
        connection.owner_id,
        connection.vehicle_id,
    )


def _encode_cursor(connection: ConnectedVehicle) -> str:
    """Encode the last connection of a page. Unlike an offset, it stays right when connections are added."""
    return base64.urlsafe_b64encode(" ".join(_sort_key(connection)).encode()).decode()


def _decode_cursor(cursor: str) -> tuple[str, str, str]:
    try:
        moment, owner_id, vehicle_id = base64.urlsafe_b64decode(cursor.encode()).decode().split(" ")
    except (binascii.Error, ValueError):
        raise invalid("cursor", "cursor is not one that this endpoint gave out") from None
    return moment, owner_id, vehicle_id
