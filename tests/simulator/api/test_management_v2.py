import pytest
from django.test import Client

from django_smartcar.simulator import store
from tests.simulator.conftest import PREFIX, management


@pytest.fixture
def call():
    def call_(method, query="", authorization=None, path="/v2.0/management/connections/"):
        headers = {"authorization": management() if authorization is None else authorization}
        return Client().generic(method, f"{PREFIX}/management{path}{query}", headers=headers)

    return call_


@pytest.mark.parametrize("path", ["/v2.0/management/connections", "/v2.0/management/connections/"])
def test_connections_are_listed_newest_first(call, connect, path):
    connect("a@example.com")
    connect("b@example.com", mode="simulated")
    response = call("GET", path=path)
    assert response.status_code == 200
    body = response.json()
    assert [one["userId"] for one in body["connections"]] == [
        store.owner("b@example.com").id,
        store.owner("a@example.com").id,
    ]
    assert [one["mode"] for one in body["connections"]] == ["simulated", "live"]
    assert body["connections"][0]["connectedAt"].endswith("Z")
    assert body["paging"] == {"cursor": None}
    assert response["SC-Request-Id"]


def test_a_car_that_was_connected_twice_is_listed_once(call, connect):
    connect()
    connect()
    assert len(call("GET").json()["connections"]) == 1


def test_following_the_cursor_returns_every_connection_once(call, connect):
    connect("23-vehicles@smartcar.com")
    seen, query = [], ""
    for _ in range(10):
        body = call("GET", query).json()
        seen += [one["vehicleId"] for one in body["connections"]]
        if body["paging"]["cursor"] is None:
            break
        connect(f"meanwhile-{len(seen)}@example.com")
        query = f"?cursor={body['paging']['cursor']}"
    assert sorted(seen) == sorted(store.grants()[0].vehicle_ids)
    assert len(call("GET", "?limit=100").json()["connections"]) == 25


def test_connections_can_be_filtered(call, connect):
    connect("2-vehicles@smartcar.com")
    connect("b@example.com", mode="test")
    other = store.owner("b@example.com").id
    vehicle_id = store.cars()[0].id
    assert [one["userId"] for one in call("GET", f"?user_id={other}").json()["connections"]] == [other]
    assert len(call("GET", f"?vehicle_id={vehicle_id}").json()["connections"]) == 1
    assert call("GET", f"?vehicle_id={vehicle_id}&user_id={other}").json()["connections"] == []
    assert [one["userId"] for one in call("GET", "?mode=test").json()["connections"]] == [other]


@pytest.mark.parametrize("query", ["?limit=101", "?limit=0", "?cursor=x", "?cursor=%C3%A4", "?mode=dream"])
def test_an_invalid_query_is_rejected(call, query):
    response = call("GET", query)
    assert response.status_code == 400
    assert response.json()["type"] == "VALIDATION"
    assert response.json()["requestId"] == response["SC-Request-Id"]


@pytest.mark.parametrize("authorization", ["", management("wrong"), f"Bearer {store.MANAGEMENT_TOKEN}"])
@pytest.mark.parametrize("method", ["GET", "DELETE"])
def test_a_wrong_management_token_is_rejected(call, connect, method, authorization):
    connect()
    response = call(method, f"?user_id={store.owners()[0].id}", authorization)
    assert response.status_code == 401
    assert response.json()["type"] == "AUTHENTICATION"
    assert len(call("GET").json()["connections"]) == 1


def test_deleting_a_user_deletes_the_connections_of_all_their_cars(call, connect, api):
    tokens = connect("3-vehicles@smartcar.com")
    connect("b@example.com")
    owner = store.owner("3-vehicles@smartcar.com").id
    body = call("DELETE", f"?user_id={owner}").json()
    assert {one["userId"] for one in body["connections"]} == {owner}
    assert sorted(body["connections"][0]) == ["userId", "vehicleId"]
    assert len(body["connections"]) == 3
    assert len(call("GET").json()["connections"]) == 1
    assert api("GET", "vehicles", tokens["access_token"]).json()["vehicles"] == []


def test_deleting_a_vehicle_deletes_its_connection_only(call, connect):
    connect("3-vehicles@smartcar.com")
    vehicle_id = store.cars()[1].id
    body = call("DELETE", f"?vehicle_id={vehicle_id}").json()
    assert [one["vehicleId"] for one in body["connections"]] == [vehicle_id]
    assert len(call("GET").json()["connections"]) == 2
    assert call("DELETE", f"?vehicle_id={vehicle_id}").json() == {"connections": []}


def test_deleting_without_a_filter_is_rejected(call, connect):
    connect()
    assert call("DELETE").status_code == 400
    assert len(call("GET").json()["connections"]) == 1


def test_unknown_paths_methods_and_versions_are_not_found(call):
    assert call("GET", path="/v2.0/management/nonsense").json()["type"] == "RESOURCE_NOT_FOUND"
    assert call("POST").status_code == 404
    for path in ("/vtwo/management/connections", "/v0/management/connections/"):
        response = call("GET", path=path)
        assert (response.status_code, response.json()["code"]) == (404, "VERSION")
