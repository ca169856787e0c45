import json
from datetime import timedelta
from urllib.parse import quote, urlencode

import pytest
from django.test import Client

from django_smartcar.simulator import store
from tests.simulator.conftest import ALL_SCOPES, PREFIX, assert_v3_error

UNKNOWN_ID = "00000000-0000-4000-8000-000000000000"


def ids(response):
    assert response.status_code == 200, response.content
    return [one["relationships"]["vehicle"]["data"]["id"] for one in response.json()["data"]]


@pytest.fixture
def listed(v3):
    def list_connections(**filters):
        query = {f"filter[{name.replace('__', '.')}]": value for name, value in filters.items()}
        return v3("GET", f"connections?{urlencode(query)}")

    return list_connections


def test_a_connection_has_the_documented_format(v3, visit):
    callback = visit(external_id="x-1").connect().callback
    (car,) = store.cars()
    body = v3("GET", "connections").json()
    (resource,) = body["data"]
    assert resource["type"] == "connection"
    assert resource["attributes"]["permissions"] == store.grants()[0].scopes
    assert resource["attributes"]["vehicle"] == {
        "make": "CHEVROLET",
        "model": "Volt",
        "year": car.year,
        "mode": "live",
        "powertrainType": "PHEV",
    }
    relationships = resource["relationships"]
    assert relationships["vehicle"]["data"] == {"id": car.id, "type": "vehicle"}
    assert relationships["user"]["data"] == {"id": callback["user_id"], "type": "user"}
    assert resource["meta"]["createdAt"] == resource["meta"]["updatedAt"]
    assert v3("GET", resource["links"]["self"]).json() == {"data": resource}
    assert v3("GET", f"connections/{resource['id']}").json() == {"data": resource}
    related = v3("GET", relationships["vehicle"]["links"]["related"]).json()["data"]
    assert related["attributes"] == resource["attributes"]["vehicle"]
    assert body["meta"] == {
        "pageNumber": 1,
        "pageSize": 10,
        "totalCount": 1,
        "orderBy": "createdAt",
        "orderDirection": "asc",
    }
    assert (body["links"]["prev"], body["links"]["next"]) == (None, None)


def test_a_car_that_was_connected_twice_is_listed_once_with_its_newest_permissions(v3, connect):
    connect(scope="read_vin")
    before = v3("GET", "connections").json()["data"]
    connect(scope="read_odometer")
    (after,) = v3("GET", "connections").json()["data"]
    assert after["id"] == before[0]["id"]
    assert after["attributes"]["permissions"] == ["read_odometer"]
    assert after["meta"]["updatedAt"] >= after["meta"]["createdAt"] == before[0]["meta"]["createdAt"]


@pytest.mark.parametrize("size", [None, 5, 23, 100])
def test_following_the_links_returns_every_connection_once(v3, connect, size):
    connect("23-vehicles@smartcar.com")
    user = store.owners()[0].id
    query = {"filter[userId]": user} | ({"page[size]": size} if size else {})
    seen, url = [], f"connections?{urlencode(query)}"
    while url:
        response = v3("GET", url)
        seen += ids(response)
        url = response.json()["links"]["next"]
        assert url is None or "filter" in url
    assert seen == store.grants()[0].vehicle_ids
    links = response.json()["links"]
    assert links["self"] == links["last"]
    assert ids(v3("GET", links["first"])) == seen[: size or 10]
    assert ids(v3("GET", "connections?page[number]=99")) == []


@pytest.mark.parametrize(
    "query",
    ["page[size]=101", "page[size]=0", "page[number]=0", "page[number]=x", "filter[vehicle.mode]=dream"],
)
def test_an_invalid_query_is_rejected(v3, query):
    assert_v3_error(v3("GET", f"connections?{query}"), 400, "VALIDATION", "INVALID_INPUT_FORMAT")


def test_connections_can_be_filtered(v3, connect, listed):
    connect("2-vehicles@smartcar.com", external_id="x-1")
    connect("b@example.com", external_id="x-2")
    connect("c@example.com", mode="simulated", external_id="x-3")
    first, second, third, fourth = (car.id for car in store.cars())
    users = [owner.id for owner in store.owners()]
    assert ids(v3("GET", "connections")) == [first, second, third]
    assert ids(listed(userId=users[0])) == [first, second]
    assert ids(v3("GET", "connections", users[1])) == [third]
    assert ids(v3("GET", f"connections?filter[userId]={users[0]}", users[1])) == []
    assert ids(listed(vehicleId=second)) == [second]
    assert ids(listed(userId=users[1], vehicleId=second)) == []
    assert ids(listed(user__externalId="x-1")) == [first, second]
    assert ids(listed(user__externalId="x-1", userId=users[1])) == []
    assert ids(listed(vehicle__mode="simulated")) == [fourth]
    assert ids(listed(userId=users[2])) == []  # live connections only, unless the filter says otherwise
    assert ids(listed(user__externalId="x-3", vehicle__mode="simulated")) == [fourth]
    for nothing in ({"user__externalId": "x"}, {"userId": UNKNOWN_ID}, {"vehicleId": UNKNOWN_ID}):
        assert ids(listed(**nothing)) == []


def test_filters_are_ignored_when_the_setting_turns_them_off(v3, connect, listed, settings):
    settings.SMARTCAR_SIMULATOR_FILTERS = False
    connect(external_id="x-1")
    assert len(ids(listed(user__externalId="cannot exist"))) == 1


def test_a_car_in_test_mode_is_listed_as_simulated(connect, listed):
    connect(mode="test")
    assert len(ids(listed(vehicle__mode="simulated"))) == 1


def test_a_connection_has_the_external_id_of_its_own_connect_session(connect, listed):
    connect("a@example.com", external_id="x-1")
    connect("a@example.com", make="TESLA", external_id="x-2")
    chevrolet, tesla = (car.id for car in store.cars())
    assert ids(listed(user__externalId="x-1")) == [chevrolet]
    assert ids(listed(user__externalId="x-2")) == [tesla]
    connect("a@example.com", make="TESLA", scope=ALL_SCOPES)  # without an external id the stored one stays
    assert ids(listed(user__externalId="x-2")) == [tesla]
    connect("a@example.com", make="TESLA", external_id="null")
    assert ids(listed(user__externalId="x-2")) == []
    assert ids(listed(user__externalId="x-1")) == [chevrolet]


def test_a_new_connection_is_listed_after_the_configured_delay(v3, connect, settings, monkeypatch):
    settings.SMARTCAR_SIMULATOR_CONNECTION_DELAY = 5
    connect()
    assert ids(v3("GET", "connections")) == []
    later = store.now() + timedelta(seconds=6)
    monkeypatch.setattr(store, "now", lambda: later)
    assert len(ids(v3("GET", "connections"))) == 1


def test_a_deleted_connection_is_not_listed_any_more(v3, connect):
    connect("2-vehicles@smartcar.com")
    first, second = v3("GET", "connections").json()["data"]
    response = v3("DELETE", f"connections/{first['id']}")
    assert (response.status_code, response.content) == (204, b"")
    assert v3("GET", "connections").json()["data"] == [second]
    assert_v3_error(v3("DELETE", f"connections/{first['id']}"), 404, "RESOURCE_NOT_FOUND", "PATH")
    assert_v3_error(v3("GET", f"connections/{first['id']}"), 404, "RESOURCE_NOT_FOUND", "PATH")
    connect("2-vehicles@smartcar.com", approval_prompt="force")
    assert first["id"] not in [one["id"] for one in v3("GET", "connections").json()["data"]]


def test_deleting_a_user_deletes_all_of_their_data(v3, connect, visit, api):
    tokens = connect("2-vehicles@smartcar.com", external_id="x-1")
    connect("b@example.com")
    open_session = visit(approval_prompt="force").sign_in("2-vehicles@smartcar.com")
    user = store.owner("2-vehicles@smartcar.com").id
    assert v3("DELETE", f"users/{user}").status_code == 204
    assert len(ids(v3("GET", "connections"))) == 1
    assert api("GET", "vehicles", tokens["access_token"]).json()["vehicles"] == []
    assert_v3_error(v3("DELETE", f"users/{user}"), 404, "RESOURCE_NOT_FOUND", "PATH")
    assert open_session.press("approval-button").status == 410
    connect("2-vehicles@smartcar.com")
    assert store.owner("2-vehicles@smartcar.com").id == user
    assert store.owner("2-vehicles@smartcar.com").external_id is None


def test_connections_survive_a_restart(settings, tmp_path, v3, connect, listed):
    settings.SMARTCAR_SIMULATOR_STATE = str(tmp_path / "state.json")
    store.restart()
    connect("2-vehicles@smartcar.com", external_id="x-1")
    before = listed(user__externalId="x-1").json()
    store.restart()
    assert listed(user__externalId="x-1").json() == before
    assert len(before["data"]) == 2


def test_a_vehicle_that_is_not_connected_is_not_found(v3, connect):
    connect()
    (car,) = store.cars()
    assert v3("GET", f"vehicles/{car.id}").json()["data"]["id"] == car.id
    assert_v3_error(v3("GET", f"vehicles/{UNKNOWN_ID}"), 404, "RESOURCE_NOT_FOUND", "PATH")
    assert_v3_error(v3("GET", "vehicles/x"), 400, "VALIDATION", "INVALID_INPUT_FORMAT")
    v3("DELETE", f"users/{car.owner_id}")
    assert_v3_error(v3("GET", f"vehicles/{car.id}"), 404, "RESOURCE_NOT_FOUND", "PATH")


@pytest.mark.parametrize(
    "path", ["", "/signals", "/signals/odometer-traveleddistance", "/commands/security/lock"]
)
def test_the_paths_of_a_vehicle_work_with_a_trailing_slash(v3, connect_v3, path):
    volt = connect_v3()
    method = "POST" if "commands" in path else "GET"
    for slash in ("", "/"):
        response = v3(method, f"vehicles/{volt.car.id}{path}{slash}", volt.user)
        assert response.status_code == 200
        assert response.json()["data"]


def test_every_path_of_v3_works_with_a_trailing_slash(v3, connect):
    connect()
    (connection,) = v3("GET", "connections/").json()["data"]
    assert v3("GET", f"connections/{connection['id']}/").json()["data"] == connection
    application = v3("GET", "applications/", host="management-api").json()["data"][0]["id"]
    for path in (f"applications/{application}/", f"applications/{application}/secrets/"):
        assert v3("GET", path, host="management-api").status_code == 200
    for path in ("webhooks/", "subscriptions/"):
        assert v3("GET", path, host="management-api").status_code == 200
    assert v3("GET", "compatible-vehicles/", host="compatibility-api").status_code == 200
    assert v3("DELETE", f"users/{store.owners()[0].id}/").status_code == 204


def test_the_old_names_of_the_page_parameters_are_accepted(v3, connect):
    connect("23-vehicles@smartcar.com")
    new = v3("GET", f"connections?{urlencode({'page[number]': 2, 'page[size]': 10})}").json()
    old = v3("GET", "connections?page=2&pageSize=10").json()
    assert old == new
    assert len(old["data"]) == 10
    both = v3("GET", f"connections?page=1&{urlencode({'page[number]': 3})}&pageSize=10").json()
    assert (both["meta"]["pageNumber"], len(both["data"])) == (3, 3)
    assert_v3_error(v3("GET", "connections?page=0"), 400, "VALIDATION", "INVALID_INPUT_FORMAT")


PATHS = [
    ("GET", "connections"),
    ("GET", f"connections/{UNKNOWN_ID}"),
    ("DELETE", f"connections/{UNKNOWN_ID}"),
    ("DELETE", f"users/{UNKNOWN_ID}"),
    ("GET", f"vehicles/{UNKNOWN_ID}"),
]


@pytest.mark.parametrize(("method", "path"), PATHS)
def test_only_the_application_token_is_accepted(v3, connect, method, path):
    drivers_token = connect()["access_token"]
    for token in ("nonsense", drivers_token):
        assert_v3_error(v3(method, path, token=token), 401, "AUTHENTICATION", "UNAUTHORIZED")
    response = Client().generic(method, f"{PREFIX}/vehicle-api/v3/{quote(path)}")
    assert_v3_error(response, 401, "AUTHENTICATION", "UNAUTHORIZED")
    assert len(ids(v3("GET", "connections"))) == 1


def test_unknown_paths_and_methods_are_not_found(v3):
    for method, path in [("GET", "nonsense"), ("POST", "connections"), ("GET", f"users/{UNKNOWN_ID}")]:
        assert_v3_error(v3(method, path), 404, "RESOURCE_NOT_FOUND", "PATH")


def test_a_state_file_from_before_v3_can_be_loaded(settings, tmp_path, v3, connect):
    path = tmp_path / "state.json"
    settings.SMARTCAR_SIMULATOR_STATE = str(path)
    store.restart()
    connect()
    state = json.loads(path.read_text())
    del state["application_tokens"], state["webhooks"]
    for car in state["cars"].values():
        del car["charge_schedules"], car["is_charge_port_open"]
    for grant in state["grants"].values():
        del grant["external_id"]
    path.write_text(json.dumps(state))
    store.restart()
    assert len(ids(v3("GET", "connections"))) == 1
