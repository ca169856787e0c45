"""The public test vehicle of API v3, which Smartcar's SDKs read in their own tests.

It is not one of the simulator's cars, and its values never change. Its token opens nothing else, and no other
token opens it. Its responses are those of the first API v3: single resources without ``data``, times in epoch
milliseconds, ``meta.page``.
"""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from django.utils.crypto import constant_time_compare

from .. import store
from ..errors.v3 import not_found
from .v2_responses import bearer_token

VEHICLE_ID = "tst2e255-d3c8-4f90-9fec-e6e68b98e9cb"
#: Published by Smartcar: no secret.
TOKEN = "test-data-token"  # noqa: S105

_SELF = f"/vehicles/{VEHICLE_ID}"
_ATTRIBUTES = {"make": "TESLA", "model": "Model Y", "year": 2021}
_CHARGE_TIMERS = {
    "values": [
        {
            "type": "GLOBAL",
            "condition": None,
            "schedules": [{"start": "23:00:00", "end": "05:30:00", "days": ["SATURDAY", "SUNDAY"]}],
            "departureTimers": [{"days": ["MONDAY"], "time": "08:15:00"}],
            "isOEMOptimizationEnabled": False,
        }
    ]
}
#: Group, name and body of its signals.
_SIGNALS: list[tuple[str, str, dict[str, Any]]] = [
    ("Charge", "ChargeTimers", _CHARGE_TIMERS),
    ("Odometer", "TraveledDistance", {"unit": "kilometers", "value": 48210.5}),
]


def is_requested(request: HttpRequest, vehicle_id: str) -> bool:
    """Return whether the request reads the test vehicle, with its token. It needs no ``sc-user-id``."""
    has_token = constant_time_compare(bearer_token(request) or "", TOKEN)
    return request.method == "GET" and vehicle_id == VEHICLE_ID and has_token


def vehicle() -> dict[str, Any]:
    """Return the vehicle."""
    return {"id": VEHICLE_ID, "type": "vehicle", "attributes": _ATTRIBUTES, "links": {"self": _SELF}}


def signals() -> dict[str, Any]:
    """Return the list of all signals."""
    found = [_resource(*signal) for signal in _SIGNALS]
    included = vehicle()
    # This one year is a string.
    included["attributes"] = _ATTRIBUTES | {"year": str(_ATTRIBUTES["year"])}
    return {
        "data": found,
        "meta": {"page": 1, "pageSize": len(found), "totalCount": len(found)},
        "links": {"self": f"{_SELF}/signals"},
        "included": {"vehicle": included},
    }


def signal(code: str) -> dict[str, Any]:
    """Return the signal with this code. Raise a 404 if it has none."""
    found: list[dict[str, Any]] = [one for one in signals()["data"] if one["id"] == code]
    if not found:
        raise not_found("signal")
    return found[0]


def _resource(group: str, name: str, body: dict[str, Any]) -> dict[str, Any]:
    code = f"{group}-{name}".lower()
    now = round(store.now().timestamp() * 1000)
    return {
        "id": code,
        "type": "signal",
        "attributes": {
            "code": code,
            "name": name,
            "group": group,
            "status": {"value": "SUCCESS"},
            "body": body,
        },
        "meta": {"retrievedAt": now, "oemUpdatedAt": now - 100_000},
        "links": {"self": f"{_SELF}/signals/{code}"},
    }
