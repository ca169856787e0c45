"""vehicle.api.smartcar.com: v3's connections, users, vehicles, signals and commands."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.http.response import HttpResponseBase

from .. import store
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
from ..vehicles.values import Units, timestamp
from .v3_responses import address, answering_v3, identifier, json_attributes, need_method, page_of

_MODES = ("live", "simulated")
_HOST = "vehicle-api"


@answering_v3
def connection_list(request: HttpRequest) -> HttpResponseBase:
    """The connections of the application, oldest first."""
    need_method(request, "GET")
    if request.GET.get("filter[vehicle.mode]", "live") not in _MODES:
        raise malformed(f"filter[vehicle.mode] must be one of: [{','.join(_MODES)}]")
    with store.changes():
        rate_limits.count()
        found = [known for known in connections.connections() if _is_wanted(request, known)]
        body = page_of(
            request,
            found,
            lambda known: _resource(request, known),
            size=10,
            orderBy="createdAt",
            orderDirection="asc",
        )
    return JsonResponse(body)


@answering_v3
def connection(request: HttpRequest, connection_id: str) -> HttpResponseBase:
    """One connection, to read or to end."""
    need_method(request, "GET", "DELETE")
    with store.changes():
        rate_limits.count()
        known = connections.get_connection(identifier("connectionId", connection_id))
        if request.method == "DELETE":
            connections.delete(known)
            return HttpResponse(status=204)
        return JsonResponse({"data": _resource(request, known)})


@answering_v3
def user(request: HttpRequest, user_id: str) -> HttpResponseBase:
    """A driver, to forget."""
    need_method(request, "DELETE")
    with store.changes():
        rate_limits.count()
        connections.delete_user(identifier("userId", user_id))
    return HttpResponse(status=204)


@answering_v3
def vehicle(request: HttpRequest, vehicle_id: str) -> HttpResponseBase:
    """What is known of a car without asking it. No driver is named here."""
    need_method(request, "GET")
    identity = identifier("vehicleId", vehicle_id)
    _wait(request, vehicle_id)
    with store.changes():
        known = connections.of_vehicle(identity)
        if known is None:
            raise not_found("vehicle")
        _admit(request, vehicle_id, known)
        return JsonResponse({"data": _vehicle_resource(request, known)})


@answering_v3
def signal_list(request: HttpRequest, vehicle_id: str) -> HttpResponseBase:
    """Every signal that is in the store; an empty store is no error."""
    need_method(request, "GET")
    _wait(request, vehicle_id)
    with store.changes():
        known, units = _named_connection(request, vehicle_id), _units(request)
        store.counters["reads"] += 1
        body = page_of(
            request,
            catalog.available_signals(),
            lambda signal: _signal(request, known, signal, units),
            size=100,
        )
        return JsonResponse(body | {"included": {"vehicle": _vehicle_resource(request, known)}})


@answering_v3
def signal(request: HttpRequest, vehicle_id: str, code: str) -> HttpResponseBase:
    """One signal."""
    need_method(request, "GET")
    _wait(request, vehicle_id)
    with store.changes():
        known, units = _named_connection(request, vehicle_id), _units(request)
        store.counters["reads"] += 1
        data = _signal(request, known, catalog.get_signal(code), units)
        return JsonResponse({"data": data, "included": {"vehicle": _vehicle_resource(request, known)}})


@answering_v3
def command(request: HttpRequest, vehicle_id: str, path: str) -> HttpResponseBase:
    """Tell a car to do something."""
    need_method(request, "POST")
    found = commands_v3.V3_COMMANDS.get(path)
    if found is None:
        raise not_found("path")
    _wait(request, vehicle_id)
    with store.changes():
        known = _named_connection(request, vehicle_id)
        attributes = json_attributes(request) if commands_v3.takes_attributes(found) else {}
        return commands_v3.execute(known, found, attributes, reauthentication.address(request, known.car.id))


@answering_v3
def charge_schedule(request: HttpRequest, vehicle_id: str, name: str) -> HttpResponseBase:
    """Give a car a charge schedule of this kind, or take away the one of this id."""
    need_method(request, "POST", "DELETE")
    _wait(request, vehicle_id)
    with store.changes():
        known = _named_connection(request, vehicle_id)
        if request.method == "DELETE":
            data = charge_schedules.delete(known, name)
        else:
            data = charge_schedules.create(known, name, json_attributes(request))
    path = f"vehicles/{known.car.id}/charge-schedules/{data['attributes']['scheduleId']}"
    return JsonResponse({"data": data | {"links": {"schedule": address(request, _HOST, path)}}})


@answering_v3
def missing(request: HttpRequest, path: str) -> HttpResponseBase:
    """Any other path of this host."""
    raise not_found("path")


def _named_connection(request: HttpRequest, vehicle_id: str) -> Connection:
    """The connection of this car and of the driver that the request names."""
    owner_id = request.headers.get("sc-user-id")
    if not owner_id:
        raise missing_parameter("userId")
    identity = identifier("vehicleId", vehicle_id)
    known = connections.of_vehicle(identity, identifier("userId", owner_id))
    # A car that nobody has and a car that is not this driver's are answered alike.
    if known is None:
        raise SmartcarError("PERMISSION")
    _admit(request, vehicle_id, known)
    return known


def _wait(request: HttpRequest, vehicle_id: str) -> None:
    injection.wait(vehicle_id, str(request.method), _below(request, vehicle_id))


def _admit(request: HttpRequest, vehicle_id: str, known: Connection) -> None:
    """Let a request pass that no fault of this path and no limit stops."""
    rate_limits.count(known.car)
    motion.catch_up(known.car)
    try:
        injection.refuse_path(known.car, str(request.method), _below(request, vehicle_id))
    except SmartcarError as error:
        if error.code == "AUTHENTICATION_FAILED":
            error.url = reauthentication.address(request, known.car.id)
        raise


def _below(request: HttpRequest, vehicle_id: str) -> str:
    """The path below the car, as faults name it."""
    return request.path.partition(f"/vehicles/{vehicle_id}")[2].strip("/")


def _units(request: HttpRequest) -> Units:
    system = request.headers.get("SC-Unit-System", "metric").lower()
    if system not in ("metric", "imperial"):
        raise malformed("sc-unit-system must be one of: [metric,imperial]")
    return Units(system)


def _is_wanted(request: HttpRequest, known: Connection) -> bool:
    if not conf.SMARTCAR_SIMULATOR_FILTERS:
        return True
    facts = [
        (known.owner_id, request.GET.get("filter[userId]")),
        (known.owner_id, request.headers.get("sc-user-id")),
        (known.car.id, request.GET.get("filter[vehicleId]")),
        (known.external_id, request.GET.get("filter[user.externalId]")),
        (known.mode, request.GET.get("filter[vehicle.mode]", "live")),
    ]
    return all(wanted in (None, fact) for fact, wanted in facts)


def _resource(request: HttpRequest, known: Connection) -> dict[str, Any]:
    return {
        "id": known.id,
        "type": "connection",
        "attributes": {"permissions": known.permissions, "vehicle": _vehicle_attributes(known)},
        "relationships": {
            "vehicle": {
                "data": {"id": known.car.id, "type": "vehicle"},
                "links": {"related": address(request, _HOST, f"vehicles/{known.car.id}")},
            },
            "user": {"data": {"id": known.owner_id, "type": "user"}},
        },
        "meta": {"createdAt": timestamp(known.created_at), "updatedAt": timestamp(known.updated_at)},
        "links": {"self": address(request, _HOST, f"connections/{known.id}")},
    }


def _vehicle_attributes(known: Connection) -> dict[str, Any]:
    car = known.car
    return {
        "make": car.make,
        "model": car.model,
        "year": car.year,
        "mode": known.mode,
        "powertrainType": car.powertrain,
    }


def _vehicle_resource(request: HttpRequest, known: Connection) -> dict[str, Any]:
    return {
        "id": known.car.id,
        "type": "vehicle",
        "attributes": _vehicle_attributes(known),
        "links": {"self": address(request, _HOST, f"vehicles/{known.car.id}")},
    }


def _signal(request: HttpRequest, known: Connection, found: Signal, units: Units) -> dict[str, Any]:
    url = address(request, _HOST, f"vehicles/{known.car.id}")
    return catalog.signal_resource(found, known.car, units, known.permissions, url)
