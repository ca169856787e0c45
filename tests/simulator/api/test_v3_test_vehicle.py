import json

import pytest
import time_machine
from django.test import Client

from django_smartcar.simulator import store
from django_smartcar.simulator.api.v3_test_vehicle import TOKEN, VEHICLE_ID
from tests.simulator.conftest import PREFIX, assert_v3_error

PATH = f"vehicles/{VEHICLE_ID}"
CODES = ["charge-chargetimers", "odometer-traveleddistance"]


@pytest.fixture
def test_car(v3):
    """Call a path of the test vehicle with its token, without ``sc-user-id``."""

    def call(path="", method="GET"):
        return v3(method, PATH + path, token=TOKEN)

    return call


@pytest.mark.parametrize("slash", ["", "/"])
def test_its_vehicle_is_a_bare_resource(test_car, slash):
    body = test_car(slash).json()
    assert (body["id"], body["type"]) == (VEHICLE_ID, "vehicle")
    assert body["attributes"] == {"make": "TESLA", "model": "Model Y", "year": 2021}
    assert body["links"] == {"self": f"/vehicles/{VEHICLE_ID}"}


@pytest.mark.parametrize("slash", ["", "/"])
def test_its_signals_have_the_format_of_the_first_v3(test_car, slash):
    response = test_car(f"/signals{slash}")
    body = response.json()
    assert [one["id"] for one in body["data"]] == CODES
    assert body["meta"] == {"page": 1, "pageSize": 2, "totalCount": 2}
    assert body["included"]["vehicle"]["attributes"]["year"] == "2021"
    assert len(response["SC-Request-Id"]) == 36


@pytest.mark.parametrize("code", CODES)
@time_machine.travel("2026-11-01T12:00:00Z", tick=False)
def test_one_of_its_signals_is_a_bare_resource_with_times_in_milliseconds(test_car, code):
    body = test_car(f"/signals/{code}").json()
    assert body == next(one for one in test_car("/signals").json()["data"] if one["id"] == code)
    assert body["attributes"]["code"] == code
    assert body["attributes"]["status"] == {"value": "SUCCESS"}
    assert body["meta"] == {"retrievedAt": 1793534400000, "oemUpdatedAt": 1793534300000}
    if code == "odometer-traveleddistance":
        assert isinstance(body["attributes"]["body"]["value"], float)


def test_its_unknown_signals_are_not_found(test_car):
    assert_v3_error(test_car("/signals/wheel-tires"), 404, "RESOURCE_NOT_FOUND", "PATH")


def test_its_token_opens_nothing_else(v3, connect_v3, test_car, api):
    volt = connect_v3()
    for path in ("", "signals", "signals/odometer-traveleddistance"):
        assert_v3_error(volt("GET", path, token=TOKEN), 401, "AUTHENTICATION", "UNAUTHORIZED")
    for path in ("connections", f"users/{volt.user}"):
        assert_v3_error(v3("GET", path, token=TOKEN), 401, "AUTHENTICATION", "UNAUTHORIZED")
    assert_v3_error(
        v3("GET", "applications", host="management-api", token=TOKEN), 401, "AUTHENTICATION", "UNAUTHORIZED"
    )
    assert_v3_error(test_car("/commands/security/lock", "POST"), 401, "AUTHENTICATION", "UNAUTHORIZED")
    assert_v3_error(test_car(method="DELETE"), 401, "AUTHENTICATION", "UNAUTHORIZED")
    assert api("GET", "vehicles", TOKEN).status_code == 401
    assert api("GET", PATH, TOKEN).status_code == 401


@pytest.mark.parametrize("path", ["", "/signals", "/signals/odometer-traveleddistance"])
def test_no_other_token_opens_it(v3, connect, path):
    drivers_token = connect()["access_token"]
    user = store.owners()[0].id
    assert v3("GET", PATH + path, user).status_code == 400  # an application token: the id is no UUID
    for token in ("nonsense", drivers_token, TOKEN.upper()):
        assert_v3_error(v3("GET", PATH + path, user, token=token), 401, "AUTHENTICATION", "UNAUTHORIZED")
    response = Client().get(f"{PREFIX}/vehicle-api/v3/{PATH}{path}")
    assert_v3_error(response, 401, "AUTHENTICATION", "UNAUTHORIZED")


def test_it_is_not_one_of_the_simulators_cars(test_car, v3):
    assert json.loads(test_car("/signals").content)["data"]
    assert store.cars() == []
    assert v3("GET", "connections").json()["data"] == []
