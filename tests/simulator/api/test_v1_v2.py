import uuid
from datetime import UTC, datetime, timedelta

import pytest

from django_smartcar.simulator import store
from django_smartcar.simulator.access import grants
from django_smartcar.simulator.access.scopes import SCOPES
from django_smartcar.simulator.vehicles.v2_readings import READINGS
from tests.simulator.conftest import ALL_SCOPES, assert_error, management

#: The headers of each read's response in v2.0, besides the request id.
AGE = {"sc-data-age", "sc-fetched-at"}
HEADERS = {
    "": set(),
    "vin": set(),
    "permissions": set(),
    "odometer": AGE | {"sc-unit-system"},
    "location": AGE,
    "fuel": AGE | {"sc-unit-system"},
    "battery": AGE | {"sc-unit-system"},
    "battery/capacity": AGE,
    "battery/nominal_capacity": AGE,
    "charge": AGE,
    "charge/limit": AGE,
    "engine/oil": AGE,
    "tires/pressure": AGE | {"sc-unit-system"},
    "security": AGE,
    "diagnostics/system_status": AGE,
    "diagnostics/dtcs": AGE,
    "service/history": AGE | {"sc-unit-system"},
}


def test_the_user_endpoint_returns_the_user_of_connect(api, volt):
    response = api("GET", "user", volt.token)
    assert response.json() == {"id": store.owner("driver@example.com").id}


def test_the_list_of_vehicles_is_paginated(api, connect):
    tokens = connect("55-vehicles@smartcar.com")
    ids = store.grants()[0].vehicle_ids

    def page(query=""):
        return api("GET", f"vehicles{query}", tokens["access_token"]).json()

    assert page() == {"vehicles": ids[:10], "paging": {"count": 55, "offset": 0}}
    assert page("?limit=50&offset=20") == {"vehicles": ids[20:], "paging": {"count": 55, "offset": 20}}
    assert page("?offset=55") == {"vehicles": [], "paging": {"count": 55, "offset": 55}}


@pytest.mark.parametrize(
    "query", ["limit=0", "limit=51", "limit=x", "limit=", "limit=٣", "offset=-1", "offset=1e3"]
)
@pytest.mark.parametrize("path", ["vehicles", "permissions"])
def test_invalid_paging_parameters_are_named_in_the_error(api, volt, path, query):
    path = path if path == "vehicles" else f"vehicles/{volt.id}/{path}"
    body = assert_error(api("GET", f"{path}?{query}", volt.token), 400, "VALIDATION")
    assert body["detail"][0]["field"] == query.split("=")[0]
    assert body["suggestedUserMessage"].startswith("Your car is temporarily unable")


def test_permissions_come_in_pages_of_twenty_five(volt):
    assert volt("GET", "permissions").json() == {
        "permissions": list(SCOPES)[:25],
        "paging": {"count": len(SCOPES), "offset": 0},
    }
    assert volt("GET", "permissions?limit=1&offset=1").json()["permissions"] == [list(SCOPES)[1]]


def test_reads_have_the_documented_bodies(volt):
    car = volt.car
    assert volt("GET").json() == {"id": car.id, "make": "CHEVROLET", "model": "Volt", "year": car.year}
    assert volt("GET", "vin").json() == {"vin": car.vin}
    assert volt("GET", "odometer").json() == {"distance": car.odometer_km}
    assert volt("GET", "location").json() == {"latitude": car.latitude, "longitude": car.longitude}
    assert set(volt("GET", "fuel").json()) == {"range", "percentRemaining", "amountRemaining"}
    assert set(volt("GET", "battery").json()) == {"range", "percentRemaining"}
    assert volt("GET", "battery/capacity").json() == {"capacity": 18.4}
    assert volt("GET", "battery/nominal_capacity").json() == {
        "availableCapacities": [{"capacity": 18.4, "description": None}],
        "capacity": {"nominal": 18.4, "source": "SMARTCAR"},
        "url": None,
    }
    assert volt("GET", "charge").json() == {"isPluggedIn": True, "state": "NOT_CHARGING"}
    assert volt("GET", "charge/limit").json() == {"limit": 0.9}
    assert 0 < volt("GET", "engine/oil").json()["lifeRemaining"] < 1
    tires = volt("GET", "tires/pressure").json()
    assert set(tires) == {"frontLeft", "frontRight", "backLeft", "backRight"}
    assert all(isinstance(pressure, float) and 175 <= pressure <= 237 for pressure in tires.values())
    security = volt("GET", "security").json()
    assert set(security) == {"isLocked", "doors", "windows", "sunroof", "storage", "chargingPort"}
    assert security["doors"][0] == {"type": "frontLeft", "status": "CLOSED"}
    assert volt("GET", "diagnostics/system_status").json()["systems"][0]["status"] == "OK"
    assert set(volt("GET", "diagnostics/dtcs").json()["activeCodes"][0]) == {"code", "timestamp"}


@pytest.mark.parametrize("path", sorted(HEADERS))
def test_reads_have_the_documented_headers(volt, path):
    response = volt("GET", path)
    assert response.status_code == 200
    names = {name.lower() for name in response.headers if name.lower().startswith("sc-")}
    assert names == HEADERS[path] | {"sc-request-id"}
    assert uuid.UUID(response["SC-Request-Id"])
    if "sc-data-age" in names:
        recorded = datetime.strptime(response["SC-Data-Age"], "%Y-%m-%dT%H:%M:%S.%fZ").replace(tzinfo=UTC)
        assert timedelta(0) < datetime.now(UTC) - recorded < timedelta(hours=1)


def test_every_read_is_in_the_table_of_headers():
    assert set(HEADERS) == {*READINGS, "permissions"}


@pytest.mark.parametrize("path", ["", "/"])
def test_a_trailing_slash_does_not_redirect(api, volt, path):
    assert api("GET", f"vehicles/{volt.id}{path}", volt.token).json()["make"] == "CHEVROLET"
    assert volt("GET", f"odometer{path}").status_code == 200


def test_imperial_units_are_used_when_the_header_requests_them(volt):
    kilometres = volt("GET", "odometer").json()["distance"]
    response = volt("GET", "odometer", SC_Unit_System="imperial")
    assert response["SC-Unit-System"] == "imperial"
    assert response.json()["distance"] == round(kilometres * 0.621371, 2)
    assert volt("GET", "odometer")["SC-Unit-System"] == "metric"
    assert volt("GET", "tires/pressure", SC_Unit_System="imperial").json()["frontLeft"] < 35
    litres = volt("GET", "fuel").json()["amountRemaining"]
    gallons = volt("GET", "fuel", SC_Unit_System="imperial").json()["amountRemaining"]
    assert gallons == pytest.approx(litres * 0.264172, abs=0.01)


def test_an_unknown_unit_system_is_rejected(volt):
    body = assert_error(volt("GET", "odometer", SC_Unit_System="furlongs"), 400, "VALIDATION")
    assert body["detail"][0]["field"] == "sc-unit-system"


@pytest.mark.parametrize("path", sorted(set(READINGS) - {"odometer"}))
def test_a_read_is_rejected_without_its_scope(limited, path):
    body = assert_error(limited("GET", path), 403, "PERMISSION")
    assert body["resolution"] == {"type": "REAUTHENTICATE"}
    assert "suggestedUserMessage" not in body
    assert "detail" not in body


@pytest.mark.parametrize("token", [None, "nonsense", ""])
@pytest.mark.parametrize(
    "path", ["user", "vehicles", "vehicles/36ab27d0-fd9d-4455-823a-ce30af709ffc/odometer"]
)
def test_an_invalid_token_is_rejected(api, path, token):
    body = assert_error(api("GET", path, token), 401, "AUTHENTICATION")
    assert body["description"].startswith("The authorization header is missing or malformed, or it contains")
    assert body["resolution"] == {"type": None}
    assert body["docURL"].endswith("/authentication-errors#null")


def test_requests_for_another_users_car_are_rejected(api, volt, connect):
    other = connect("other@example.com", scope=ALL_SCOPES)
    assert_error(api("GET", f"vehicles/{volt.id}/odometer", other["access_token"]), 403, "PERMISSION")
    assert_error(
        api("POST", f"vehicles/{volt.id}/security", other["access_token"], {"action": "LOCK"}),
        403,
        "PERMISSION",
    )
    assert_error(api("DELETE", f"vehicles/{volt.id}/application", other["access_token"]), 403, "PERMISSION")
    assert_error(api("GET", f"vehicles/{uuid.uuid4()}/odometer", other["access_token"]), 403, "PERMISSION")
    assert volt("GET", "odometer").status_code == 200


def test_a_malformed_vehicle_id_is_rejected(api, volt):
    assert_error(api("GET", "vehicles/nonsense/odometer", volt.token), 400, "VALIDATION")


@pytest.mark.parametrize(
    ("version", "status"),
    [
        ("2.0", 200),
        ("2", 200),
        ("99999999.99", 200),
        ("two", 404),
        ("2.x", 404),
        ("0.9", 404),
        (".", 404),
        ("9" * 5000, 404),
        ("٢", 404),
    ],
)
def test_newer_version_numbers_get_the_newest_version(api, volt, version, status):
    response = api("GET", "user", volt.token, version=version)
    assert response.status_code == status
    if status == 404:
        body = assert_error(response, 404, "RESOURCE_NOT_FOUND", "VERSION")
        assert body["docURL"].endswith("resource-errors#version")


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "nonsense"),
        ("GET", ""),
        ("POST", "user"),
        ("GET", "vehicles/{id}/nonsense"),
        ("GET", "vehicles/{id}/batch"),
        ("GET", "vehicles/{id}/navigation/destination"),
        ("POST", "vehicles/{id}/odometer"),
        ("PUT", "vehicles/{id}/odometer"),
        ("GET", "vehicles/{id}/webhooks/36ab27d0-fd9d-4455-823a-ce30af709ffc"),
    ],
)
def test_unknown_paths_and_methods_are_not_found(api, volt, method, path):
    body = assert_error(
        api(method, path.format(id=volt.id), volt.token, {}), 404, "RESOURCE_NOT_FOUND", "PATH"
    )
    assert body["docURL"].endswith("resource-errors#pathh")


def test_a_path_without_a_version_is_not_found(client):
    assert_error(client.get("/smartcar-simulator/api/vehicles"), 404, "RESOURCE_NOT_FOUND", "PATH")


def test_a_disconnected_car_can_no_longer_be_read(volt, api):
    assert volt("DELETE", "application").json() == {"status": "success"}
    assert_error(volt("GET", "odometer"), 403, "PERMISSION")
    assert_error(volt("DELETE", "application"), 403, "PERMISSION")
    assert api("GET", "vehicles", volt.token).json() == {"vehicles": [], "paging": {"count": 0, "offset": 0}}


def test_disconnecting_one_car_keeps_the_others(api, connect):
    tokens = connect("3-vehicles@smartcar.com")
    first, *others = store.grants()[0].vehicle_ids
    assert api("DELETE", f"vehicles/{first}/application", tokens["access_token"]).status_code == 200
    assert api("GET", "vehicles", tokens["access_token"]).json()["vehicles"] == others


@pytest.mark.parametrize("authorization", [management(), f"Bearer {store.MANAGEMENT_TOKEN}"])
def test_the_management_token_can_disconnect_a_car(volt, api, authorization):
    assert api("DELETE", f"vehicles/{volt.id}/application", authorization=authorization).status_code == 200
    assert grants.connected_vehicles() == []


def test_a_car_is_subscribed_and_unsubscribed_with_the_right_token_for_each(volt, api):
    webhook_id = str(uuid.uuid4())
    path = f"vehicles/{volt.id}/webhooks/{webhook_id}"
    response = api("POST", path, volt.token)
    assert response.json() == {"webhookId": webhook_id, "vehicleId": volt.id}
    assert store.state().subscriptions == {volt.id: [webhook_id]}
    assert_error(api("DELETE", path, volt.token), 401, "AUTHENTICATION")
    assert api("DELETE", path, store.MANAGEMENT_TOKEN).json() == {"status": "success"}
    assert store.state().subscriptions == {volt.id: []}
    assert_error(api("POST", f"vehicles/{volt.id}/webhooks/x", volt.token), 400, "VALIDATION")
