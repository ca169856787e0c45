"""api.smartcar.com, ``/v2.0/…``: user, vehicles, compatibility, webhook subscriptions; and ``/v1.0/…``.

Of v1.0 there is only what Smartcar's SDKs for it call. The paths below a vehicle are in `v2_vehicle`.
"""

from __future__ import annotations

import json
import uuid
from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils.crypto import constant_time_compare

from .. import store
from ..access import grants
from ..conf import conf
from ..connect import reauthentication
from ..errors.v2 import SmartcarError, invalid
from ..faults import injection, rate_limits
from ..store.models import Car
from ..vehicles.v2_readings import Units
from ..webhooks import registry
from . import v2_compatibility, v2_vehicle
from .v2_pagination import paginate
from .v2_responses import bearer_token, check_version, has_basic_credentials, is_v1, v2_api_view

#: The paths below a vehicle that v1.0 answers: the calls of Smartcar's SDKs before version 5.
_V1_PATHS = {
    *("", "vin", "permissions", "odometer", "location", "security", "application", "batch"),
    *("fuel", "battery", "battery/capacity", "charge", "engine/oil", "tires/pressure"),
}


@v2_api_view
def dispatch(request: HttpRequest, version: str, path: str) -> HttpResponse:
    """Find the endpoint for a path below a version and return its response."""
    check_version(version)
    first, _, rest = path.strip("/").partition("/")
    vehicle_id, _, below = rest.partition("/")
    injection.wait(vehicle_id, str(request.method), below)
    with store.changes():
        injection.raise_for_path(None, str(request.method), path)
        if first == "compatibility":
            return _compatibility(request, version, rest)
        if first == "user" and not rest and request.method == "GET":
            rate_limits.count()
            return JsonResponse({"id": grants.grant_for_token(bearer_token(request)).owner_id})
        if first == "vehicles" and not rest and request.method == "GET":
            return _vehicles(request)
        if first == "vehicles" and rest:
            return _vehicle(request, version, vehicle_id, below)
    raise SmartcarError("RESOURCE_NOT_FOUND", "PATH")


@v2_api_view
def path_not_found(request: HttpRequest, path: str) -> HttpResponse:
    """Answer a path without a version with 404."""
    raise SmartcarError("RESOURCE_NOT_FOUND", "PATH")


def _compatibility(request: HttpRequest, version: str, rest: str) -> HttpResponse:
    if request.method != "GET" or rest not in ("", "matrix"):
        raise SmartcarError("RESOURCE_NOT_FOUND", "PATH")
    if not has_basic_credentials(
        request, conf.SMARTCAR_SIMULATOR_CLIENT_ID, conf.SMARTCAR_SIMULATOR_CLIENT_SECRET
    ):
        raise SmartcarError("AUTHENTICATION")
    query = request.GET.dict()
    if rest == "matrix":
        return JsonResponse(v2_compatibility.matrix(query))
    return JsonResponse(v2_compatibility.check_v1(query) if is_v1(version) else v2_compatibility.check(query))


def _vehicles(request: HttpRequest) -> HttpResponse:
    grant = grants.grant_for_token(bearer_token(request))
    rate_limits.count()
    return JsonResponse(paginate("vehicles", grant.vehicle_ids, request.GET, default=10))


def _vehicle(request: HttpRequest, version: str, vehicle_id: str, below: str) -> HttpResponse:
    if is_v1(version) and below not in _V1_PATHS and not below.startswith("webhooks/"):
        raise SmartcarError("RESOURCE_NOT_FOUND", "PATH")
    if below.startswith("webhooks/"):
        return _webhook_subscription(request, vehicle_id, below.removeprefix("webhooks/"))
    if below == "application" and request.method == "DELETE":
        return _disconnect(request, vehicle_id)
    vehicle_request = v2_vehicle.VehicleRequest(
        grant=grants.grant_for_token(bearer_token(request)),
        car=_car(vehicle_id),
        units=_parse_units(request),
        query=request.GET.dict(),
        is_v1=is_v1(version),
        request_id=request.smartcar_request_id,  # type: ignore[attr-defined]
        reauthenticate_url=reauthentication.resolution_url(request, vehicle_id),
    )
    return vehicle_request.respond(str(request.method), below, lambda: _parse_json(request))


def _webhook_subscription(request: HttpRequest, vehicle_id: str, webhook_id: str) -> HttpResponse:
    """Subscribe a vehicle to a webhook or unsubscribe it. The webhook need not exist yet."""
    if request.method not in ("POST", "DELETE"):
        raise SmartcarError("RESOURCE_NOT_FOUND", "PATH")
    car = _connected_car(request, vehicle_id, with_management_token=request.method == "DELETE")
    subscribed = store.state().subscriptions.setdefault(car.id, [])
    webhook_uuid = _parse_uuid("webhookId", webhook_id)
    if request.method == "POST":
        if webhook_uuid not in subscribed:
            subscribed.append(webhook_uuid)
            registry.first_delivery(webhook_uuid, car.id)
        store.touch()
        return JsonResponse({"webhookId": webhook_uuid, "vehicleId": car.id})
    if webhook_uuid in subscribed:
        subscribed.remove(webhook_uuid)
    store.touch()
    return JsonResponse({"status": "success"})


def _disconnect(request: HttpRequest, vehicle_id: str) -> HttpResponse:
    if _has_management_token(request):
        grants.disconnect(vehicle_id=_car(vehicle_id).id)
    else:
        car = _connected_car(request, vehicle_id)
        grants.disconnect(grants.grant_for_token(bearer_token(request)).owner_id, car.id)
    return JsonResponse({"status": "success"})


def _connected_car(request: HttpRequest, vehicle_id: str, with_management_token: bool = False) -> Car:
    if with_management_token:
        if not _has_management_token(request):
            raise SmartcarError("AUTHENTICATION")
        return _car(vehicle_id)
    grant = grants.grant_for_token(bearer_token(request))
    car = _car(vehicle_id)
    if car.id not in grant.vehicle_ids:
        raise SmartcarError("PERMISSION")
    return car


def _has_management_token(request: HttpRequest) -> bool:
    token = conf.SMARTCAR_SIMULATOR_MANAGEMENT_TOKEN
    return constant_time_compare(bearer_token(request) or "", token) or has_basic_credentials(
        request, "default", token
    )


def _car(vehicle_id: str) -> Car:
    # An unknown vehicle and another user's vehicle get the same error.
    car = store.state().cars.get(_parse_uuid("vehicleId", vehicle_id))
    if car is None:
        raise SmartcarError("PERMISSION")
    return car


def _parse_uuid(field: str, value: str) -> str:
    try:
        return str(uuid.UUID(value))
    except ValueError:
        raise invalid(field, f"{field} must be a UUID") from None


def _parse_units(request: HttpRequest) -> Units:
    system = request.headers.get("SC-Unit-System", "metric").lower()
    if system not in ("metric", "imperial"):
        raise invalid("sc-unit-system", "sc-unit-system must be one of: [metric,imperial]")
    return Units(system)


def _parse_json(request: HttpRequest) -> dict[str, Any]:
    try:
        body = json.loads(request.body or b"{}")
    except (RecursionError, ValueError):
        raise SmartcarError("VALIDATION") from None
    if not isinstance(body, dict):
        raise SmartcarError("VALIDATION")
    return body
