import json
from datetime import UTC, datetime

import pytest

from django_smartcar import sdk

from ..conftest import Response

WEBHOOK = {
    "id": "w",
    "type": "webhook",
    "attributes": {
        "name": "Ours",
        "callbackUri": "https://site.example/hook",
        "isEnabled": True,
        "autoSubscribe": False,
    },
}
READ_WEBHOOK = {
    "id": "w",
    "name": "Ours",
    "callback_uri": "https://site.example/hook",
    "is_enabled": True,
    "auto_subscribe": False,
}
SUBSCRIPTION = {
    "id": "s",
    "type": "subscription",
    "attributes": {"vehicle": {"make": "VW", "model": "ID.3", "year": 2024, "mode": "live"}},
    "meta": {"createdAt": "2024-01-01T00:00:00Z"},
    "relationships": {name: {"data": {"id": f"{name}-1"}} for name in ("webhook", "user", "vehicle")},
}
READ_SUBSCRIPTION = {
    "id": "s",
    "webhook_id": "webhook-1",
    "user_id": "user-1",
    "vehicle_id": "vehicle-1",
    "vehicle": {"make": "VW", "model": "ID.3", "year": 2024, "mode": "live", "powertrain_type": None},
    "created_at": datetime(2024, 1, 1, tzinfo=UTC),
    "updated_at": None,
}
MODEL = {
    "id": "TESLA-Model 3-2016-2026-BEV-US",
    "type": "vehicle-model-capability",
    "attributes": {
        "make": "TESLA",
        "model": "Model 3",
        "region": "US",
        "powertrainType": "BEV",
        "years": {"start": 2016, "end": 2026},
        "capabilities": [{"type": "command", "name": "LockDoors", "permission": "control_security"}],
    },
}


@pytest.fixture
def serve(server):
    """Return a function that serves one resource, or a list of it, for every request."""

    def serve(resource, *, is_list):
        body = {"data": [resource], "links": {"next": None}} if is_list else {"data": resource}
        server.respond = lambda request: Response(body=body)

    return serve


@pytest.mark.parametrize(
    ("call", "resource", "read", "path"),
    [
        ("iter_applications", {"id": "a", "attributes": {"name": "X"}}, None, "/v3/applications"),
        ("iter_webhooks", WEBHOOK, READ_WEBHOOK, "/v3/webhooks?"),
        ("iter_subscriptions", SUBSCRIPTION, READ_SUBSCRIPTION, "/v3/subscriptions?"),
    ],
)
def test_a_list_is_requested_with_the_token(server, host, serve, call, resource, read, path):
    serve(resource, is_list=True)
    assert list(getattr(sdk.v3, call)("token", **host)) == [read or resource]
    (request,) = server.requests
    assert request.path.startswith(path)
    assert request.header("Authorization") == "Bearer token"
    assert request.header("sc-user-id") is None


@pytest.mark.parametrize(
    ("call", "resource", "read", "path"),
    [
        ("get_application", {"id": "a", "attributes": {"name": "X"}}, None, "applications"),
        ("get_webhook", WEBHOOK, READ_WEBHOOK, "webhooks"),
        ("get_subscription", SUBSCRIPTION, READ_SUBSCRIPTION, "subscriptions"),
    ],
)
def test_one_resource_is_parsed(server, host, serve, call, resource, read, path):
    serve(resource, is_list=False)
    assert getattr(sdk.v3, call)("token", "x/y", **host) == (read or resource)
    assert server.requests[0].path == f"/v3/{path}/x%2Fy"


@pytest.mark.parametrize(
    ("call", "filters", "query"),
    [
        ("iter_webhooks", {"name": "n"}, "filter%5Bname%5D=n&"),
        ("iter_webhooks", {"callback_uri": "u"}, "filter%5BcallbackUri%5D=u&"),
        ("iter_webhooks", {"is_enabled": False}, "filter%5BisEnabled%5D=false&"),
        ("iter_subscriptions", {"user_id": "u"}, "filter%5BuserId%5D=u&"),
        ("iter_subscriptions", {"vehicle_id": "v"}, "filter%5BvehicleId%5D=v&"),
        ("iter_subscriptions", {"webhook_id": "w"}, "filter%5BwebhookId%5D=w&"),
        ("iter_subscriptions", {"mode": "simulated"}, "filter%5Bvehicle.mode%5D=simulated&"),
    ],
)
def test_a_list_is_filtered_by_smartcar(server, host, call, filters, query):
    server.respond = lambda request: Response(body={"data": [], "links": {"next": None}})
    assert list(getattr(sdk.v3, call)("token", **filters, **host)) == []
    assert server.requests[0].path.endswith(f"?{query}page%5Bnumber%5D=1&page%5Bsize%5D=100")


def test_a_subscription_is_created(server, host):
    server.respond = lambda request: Response(202, {"meta": {"message": "subscription creation in progress"}})
    assert sdk.v3.subscribe("token", "w", "v", "u", **host) is None
    (request,) = server.requests
    assert (request.method, request.path) == ("POST", "/v3/subscriptions")
    attributes = {"webhookId": "w", "vehicleId": "v", "userId": "u"}
    assert json.loads(request.body) == {"data": {"attributes": attributes}}


@pytest.mark.parametrize("status", [409, 202])
def test_an_existing_subscription_is_a_state_exception(server, host, status):
    server.respond = lambda request: Response(status, {"errors": [{"status": "409", "detail": "exists"}]})
    with pytest.raises(sdk.StateException):
        sdk.v3.subscribe("token", "w", "v", "u", **host)


def test_a_subscription_is_deleted(server, host):
    server.respond = lambda request: Response(204, b"")
    assert sdk.v3.unsubscribe("token", "s", **host) is None
    assert (server.requests[0].method, server.requests[0].path) == ("DELETE", "/v3/subscriptions/s")


def test_compatible_vehicles_are_public(server, host, serve):
    serve(MODEL, is_list=True)
    found = list(sdk.v3.iter_compatible_vehicles("US", make="TESLA", powertrain_type="BEV", **host))
    assert found == [
        {
            "id": "TESLA-Model 3-2016-2026-BEV-US",
            "make": "TESLA",
            "model": "Model 3",
            "region": "US",
            "powertrain_type": "BEV",
            "first_year": 2016,
            "last_year": 2026,
            "capabilities": MODEL["attributes"]["capabilities"],
        }
    ]
    (request,) = server.requests
    assert request.header("Authorization") is None
    assert request.path == (
        "/v3/compatible-vehicles?filter%5Bregion%5D=US&filter%5Bmake%5D=TESLA&filter%5BpowertrainType%5D=BEV"
    )


@pytest.mark.parametrize("call", ["iter_webhooks", "iter_subscriptions"])
def test_missing_values_are_none(host, serve, call):
    serve({"id": "x", "attributes": {"isEnabled": "yes", "vehicle": 5}, "relationships": []}, is_list=True)
    (found,) = getattr(sdk.v3, call)("token", **host)
    assert found.pop("id") == "x"
    found.pop("vehicle", None)
    assert set(found.values()) == {None}


def test_a_model_without_details_has_no_capabilities(host, serve):
    serve({"id": "x"}, is_list=True)
    (found,) = sdk.v3.iter_compatible_vehicles("US", **host)
    assert (found["capabilities"], found["first_year"]) == ([], None)


def test_the_default_urls_are_smartcars():
    assert sdk.const.VEHICLE_URL == "https://vehicle.api.smartcar.com/v3"
    assert sdk.const.MANAGEMENT_URL == "https://management.api.smartcar.com/v3"
    assert sdk.const.COMPATIBILITY_URL == "https://compatibility.api.smartcar.com/v3"
