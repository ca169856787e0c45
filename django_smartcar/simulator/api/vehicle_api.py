"""vehicle.api.smartcar.com, ``/v3/…``: connections, users, vehicles, signals and commands (API v3)."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.http.response import HttpResponseBase

from .. import profiles, store
from ..access import connections
from ..access.connections import Connection
from ..behaviour import charge_schedules, commands_v3, motion
from ..conf import conf
from ..connect import reauthentication
from ..errors.v2 import SmartcarError
from ..errors.v3 import malformed, not_found
from ..errors.v3 import missing as missing_parameter
from ..faults import injection, rate_limits
from ..signals import catalog
from ..signals.catalog import Signal
from ..vehicles.v2_readings import Units, timestamp
from . import v3_test_vehicle
from .v3_pagination import paginate
from .v3_responses import absolute_url, json_attributes, parse_uuid, require_method, v3_api_view

_MODES = ("live", "simulated")
_HOST = "vehicle-api"


@v3_api_view
def connection_list(request: HttpRequest) -> HttpResponseBase:
    """List the connections of the application, oldest first."""
    require_method(request, "GET")
    if request.GET.get("filter[vehicle.mode]", "live") not in _MODES:
        raise malformed(f"filter[vehicle.mode] must be one of: [{','.join(_MODES)}]")
    with store.changes():
        rate_limits.count()
        found = [
            connection for connection in connections.connections() if _matches_filters(request, connection)
        ]
        body = paginate(
            request,
            found,
            lambda connection: _connection_resource(request, connection),
            size=10,
            orderBy="createdAt",
            orderDirection="asc",
        )
    return JsonResponse(body)


@v3_api_view
def connection_detail(request: HttpRequest, connection_id: str) -> HttpResponseBase:
    """Return or delete a connection."""
    require_method(request, "GET", "DELETE")
    with store.changes():
        rate_limits.count()
        connection = connections.get_connection(parse_uuid("connectionId", connection_id))
        if request.method == "DELETE":
            connections.delete(connection)
            return HttpResponse(status=204)
        return JsonResponse({"data": _connection_resource(request, connection)})


@v3_api_view
def user_detail(request: HttpRequest, user_id: str) -> HttpResponseBase:
    """Delete a user and all of the user's connections."""
    require_method(request, "DELETE")
    with store.changes():
        rate_limits.count()
        connections.delete_user(parse_uuid("userId", user_id))
    return HttpResponse(status=204)


@v3_api_view
def vehicle_detail(request: HttpRequest, vehicle_id: str) -> HttpResponseBase:
    """Return the attributes of a vehicle. Needs no ``sc-user-id``."""
    if v3_test_vehicle.is_requested(request, vehicle_id):
        return JsonResponse(v3_test_vehicle.vehicle())
    require_method(request, "GET")
    vehicle_uuid = parse_uuid("vehicleId", vehicle_id)
    _apply_latency(request, vehicle_id)
    with store.changes():
        connection = connections.of_vehicle(vehicle_uuid)
        if connection is None:
            raise not_found("vehicle")
        _check_limits_and_faults(request, vehicle_id, connection)
        return JsonResponse({"data": _vehicle_resource(request, connection)})


@v3_api_view
def signal_list(request: HttpRequest, vehicle_id: str) -> HttpResponseBase:
    """List every stored signal of a vehicle. The list may be empty."""
    if v3_test_vehicle.is_requested(request, vehicle_id):
        return JsonResponse(v3_test_vehicle.signals())
    require_method(request, "GET")
    _apply_latency(request, vehicle_id)
    with store.changes():
        connection, units = _connection_of_request(request, vehicle_id), _parse_units(request)
        store.counters["reads"] += 1
        signals, profile = catalog.available_signals(connection.car), profiles.of(connection.car)
        if not signals and profile.is_empty_list_missing:
            raise not_found("signals")
        body = paginate(
            request,
            signals,
            lambda signal: _signal_resource(request, connection, signal, units),
            size=100,
            page=profile.page,
        )
        return JsonResponse(body | {"included": {"vehicle": _vehicle_resource(request, connection)}})


@v3_api_view
def signal_detail(request: HttpRequest, vehicle_id: str, code: str) -> HttpResponseBase:
    """Return one signal of a vehicle, such as its odometer."""
    if v3_test_vehicle.is_requested(request, vehicle_id):
        return JsonResponse(v3_test_vehicle.signal(code))
    require_method(request, "GET")
    _apply_latency(request, vehicle_id)
    with store.changes():
        connection, units = _connection_of_request(request, vehicle_id), _parse_units(request)
        store.counters["reads"] += 1
        data = _signal_resource(request, connection, catalog.get_signal(code, connection.car), units)
        return JsonResponse({"data": data, "included": {"vehicle": _vehicle_resource(request, connection)}})


@v3_api_view
def send_command(request: HttpRequest, vehicle_id: str, path: str) -> HttpResponseBase:
    """Send a command to a vehicle."""
    require_method(request, "POST")
    v3_command = commands_v3.V3_COMMANDS.get(path.rstrip("/"))
    if v3_command is None:
        raise not_found("path")
    _apply_latency(request, vehicle_id)
    with store.changes():
        connection = _connection_of_request(request, vehicle_id)
        attributes = json_attributes(request) if commands_v3.has_attributes(v3_command) else {}
        url = reauthentication.resolution_url(request, connection.car.id)
        return commands_v3.execute(connection, v3_command, attributes, url)


@v3_api_view
def charge_schedule(request: HttpRequest, vehicle_id: str, name: str) -> HttpResponseBase:
    """Create a charge schedule of the kind ``name`` (POST) or delete the one with the id ``name``."""
    require_method(request, "POST", "DELETE")
    _apply_latency(request, vehicle_id)
    with store.changes():
        connection = _connection_of_request(request, vehicle_id)
        if request.method == "DELETE":
            data = charge_schedules.delete(connection, name)
        else:
            data = charge_schedules.create(connection, name, json_attributes(request))
    path = f"vehicles/{connection.car.id}/charge-schedules/{data['attributes']['scheduleId']}"
    return JsonResponse({"data": data | {"links": {"schedule": absolute_url(request, _HOST, path)}}})


@v3_api_view
def path_not_found(request: HttpRequest, path: str) -> HttpResponseBase:
    """Answer any other path of this host with 404."""
    raise not_found("path")


def _connection_of_request(request: HttpRequest, vehicle_id: str) -> Connection:
    """Return the connection of this vehicle and of the user in ``sc-user-id``."""
    owner_id = request.headers.get("sc-user-id")
    if not owner_id:
        raise missing_parameter("userId")
    vehicle_uuid = parse_uuid("vehicleId", vehicle_id)
    connection = connections.of_vehicle(vehicle_uuid, parse_uuid("userId", owner_id))
    # An unknown vehicle and another user's vehicle get the same error.
    if connection is None:
        raise SmartcarError("PERMISSION")
    _check_limits_and_faults(request, vehicle_id, connection)
    return connection


def _apply_latency(request: HttpRequest, vehicle_id: str) -> None:
    injection.wait(vehicle_id, str(request.method), _path_below_vehicle(request, vehicle_id))


def _check_limits_and_faults(request: HttpRequest, vehicle_id: str, connection: Connection) -> None:
    """Raise the error of a rate limit or of a fault that is set for this path."""
    rate_limits.count(connection.car)
    motion.catch_up(connection.car)
    try:
        injection.raise_for_path(
            connection.car, str(request.method), _path_below_vehicle(request, vehicle_id)
        )
    except SmartcarError as error:
        if error.code == "AUTHENTICATION_FAILED":
            error.url = reauthentication.resolution_url(request, connection.car.id)
        raise


def _path_below_vehicle(request: HttpRequest, vehicle_id: str) -> str:
    """Return the path below the vehicle, as faults name it."""
    return request.path.partition(f"/vehicles/{vehicle_id}")[2].strip("/")


def _parse_units(request: HttpRequest) -> Units:
    system = request.headers.get("SC-Unit-System", "metric").lower()
    if system not in ("metric", "imperial"):
        raise malformed("sc-unit-system must be one of: [metric,imperial]")
    return Units(system)


def _matches_filters(request: HttpRequest, connection: Connection) -> bool:
    if not conf.SMARTCAR_SIMULATOR_FILTERS:
        return True
    filters = [
        (connection.owner_id, request.GET.get("filter[userId]")),
        (connection.owner_id, request.headers.get("sc-user-id")),
        (connection.car.id, request.GET.get("filter[vehicleId]")),
        (connection.external_id, request.GET.get("filter[user.externalId]")),
        (connection.mode, request.GET.get("filter[vehicle.mode]", "live")),
    ]
    return all(wanted in (None, value) for value, wanted in filters)


def _connection_resource(request: HttpRequest, connection: Connection) -> dict[str, Any]:
    return {
        "id": connection.id,
        "type": "connection",
        "attributes": {"permissions": connection.permissions, "vehicle": _vehicle_attributes(connection)},
        "relationships": {
            "vehicle": {
                "data": {"id": connection.car.id, "type": "vehicle"},
                "links": {"related": absolute_url(request, _HOST, f"vehicles/{connection.car.id}")},
            },
            "user": {"data": {"id": connection.owner_id, "type": "user"}},
        },
        "meta": {
            "createdAt": timestamp(connection.created_at),
            "updatedAt": timestamp(connection.updated_at),
        },
        "links": {"self": absolute_url(request, _HOST, f"connections/{connection.id}")},
    }


def _vehicle_attributes(connection: Connection) -> dict[str, Any]:
    car = connection.car
    attributes = {
        "make": car.make,
        "model": car.model,
        "year": car.year,
        "mode": connection.mode,
        "powertrainType": car.powertrain,
    }
    return profiles.shape_vehicle(attributes, car)


def _vehicle_resource(request: HttpRequest, connection: Connection) -> dict[str, Any]:
    return {
        "id": connection.car.id,
        "type": "vehicle",
        "attributes": _vehicle_attributes(connection),
        "links": {"self": absolute_url(request, _HOST, f"vehicles/{connection.car.id}")},
    }


def _signal_resource(
    request: HttpRequest, connection: Connection, signal: Signal, units: Units
) -> dict[str, Any]:
    url = absolute_url(request, _HOST, f"vehicles/{connection.car.id}")
    return catalog.signal_resource(signal, connection.car, units, connection.permissions, url)
