import pytest

from django_smartcar.simulator import store
from django_smartcar.simulator.behaviour.commands_v2 import COMMANDS
from django_smartcar.simulator.vehicles.v2_readings import READINGS
from tests.simulator.conftest import ALL_SCOPES, assert_error


@pytest.mark.parametrize("path", sorted(COMMANDS))
def test_a_command_is_rejected_without_its_scope(limited, path):
    assert_error(limited("POST", path, {"action": "LOCK"}), 403, "PERMISSION")
    assert not store.cars()[0].is_locked


def test_locking_and_unlocking_change_the_security_reading(volt):
    assert volt("GET", "security").json()["isLocked"] is False
    success = {"status": "success", "message": "Successfully sent request to vehicle"}
    assert volt("POST", "security", {"action": "LOCK"}).json() == success
    assert volt("GET", "security").json()["isLocked"] is True
    assert volt("POST", "security", {"action": "UNLOCK"}).json() == success
    assert volt("GET", "security").json()["isLocked"] is False
    assert store.counters["commands"] == 2


def test_a_command_updates_the_data_age(volt):
    before = volt("GET", "security")["SC-Data-Age"]
    volt("POST", "security", {"action": "LOCK"})
    assert volt("GET", "security")["SC-Data-Age"] > before


@pytest.mark.parametrize(
    "body", [{}, {"action": "OPEN"}, {"action": "lock"}, {"action": None}, "[]", "{", "null"]
)
def test_a_command_with_an_invalid_body_is_rejected(volt, body):
    assert_error(volt("POST", "security", body), 400, "VALIDATION")
    assert not volt.car.is_locked


def test_charge_commands_change_the_charge_state_of_a_plugged_in_car(volt):
    assert volt("POST", "charge", {"action": "START"}).status_code == 200
    assert volt("GET", "charge").json()["state"] == "CHARGING"
    assert_error(volt("POST", "charge", {"action": "START"}), 409, "VEHICLE_STATE", "CHARGING_IN_PROGRESS")
    assert volt("POST", "charge", {"action": "STOP"}).status_code == 200
    assert_error(volt("POST", "charge", {"action": "STOP"}), 409, "VEHICLE_STATE", "NOT_CHARGING")
    volt.car.is_plugged_in = False
    assert_error(
        volt("POST", "charge", {"action": "START"}), 409, "VEHICLE_STATE", "CHARGING_PLUG_NOT_CONNECTED"
    )
    volt.car.is_plugged_in, volt.car.charge_state = True, "FULLY_CHARGED"
    assert_error(volt("POST", "charge", {"action": "START"}), 409, "VEHICLE_STATE", "FULLY_CHARGED")


@pytest.mark.parametrize(("limit", "expected"), [(0.8, 0.8), ("0.7", 0.7), (1, 1.0), (0.5, 0.5)])
def test_a_valid_charge_limit_is_saved(volt, limit, expected):
    assert volt("POST", "charge/limit", {"limit": limit}).status_code == 200
    assert volt("GET", "charge/limit").json() == {"limit": expected}


@pytest.mark.parametrize("limit", [0.4, 1.1, 80, "x", None, True, [], "nan", 10**400, "1e400"])
def test_an_invalid_charge_limit_is_rejected(volt, limit):
    body = assert_error(volt("POST", "charge/limit", {"limit": limit}), 400, "VALIDATION")
    assert body["detail"][0]["field"] == "limit"


@pytest.mark.parametrize("body", ['{"limit": 1e400}', "[" * 200_000, '{"limit":' * 100_000])
def test_a_command_with_extreme_json_is_rejected(volt, body):
    assert_error(volt("POST", "charge/limit", body), 400, "VALIDATION")


def test_only_a_destination_with_valid_coordinates_is_saved(volt):
    assert volt("POST", "navigation/destination", {"latitude": 40.7, "longitude": -73.9}).status_code == 200
    assert volt.car.destination == [40.7, -73.9]
    assert_error(volt("POST", "navigation/destination", {"latitude": 91, "longitude": 0}), 400, "VALIDATION")


@pytest.mark.parametrize(
    ("email", "status", "type_", "code"),
    [
        ("smartcar@vs-000.vehicle-state-error.com", 409, "VEHICLE_STATE", "UNKNOWN"),
        ("smartcar@vs-001.vehicle-state-error.com", 409, "VEHICLE_STATE", "DOOR_OPEN"),
        ("smartcar@vs-002.vehicle-state-error.com", 409, "VEHICLE_STATE", "TRUNK_OPEN"),
        (
            "smartcar@voa-000.vehicle-owner-action-required.com",
            400,
            "CONNECTED_SERVICES_ACCOUNT",
            "AUTHENTICATION_FAILED",
        ),
        (
            "smartcar@voa-001.vehicle-owner-action-required.com",
            400,
            "CONNECTED_SERVICES_ACCOUNT",
            "SUBSCRIPTION",
        ),
    ],
)
def test_every_reading_and_command_of_an_error_account_fails_with_its_error(
    api, connect, first_car, email, status, type_, code
):
    tokens = connect(email, scope=ALL_SCOPES)
    path = f"vehicles/{first_car(tokens)}"
    for below, reading in READINGS.items():
        response = api("GET", f"{path}/{below}", tokens["access_token"])
        if reading.has_age:
            assert_error(response, status, type_, code)
        else:
            assert response.status_code == 200
    assert api("GET", f"{path}/permissions", tokens["access_token"]).status_code == 200
    batch = {"requests": [{"path": "/odometer"}, {"path": "/vin"}]}
    failed, known = api("POST", f"{path}/batch", tokens["access_token"], batch).json()["responses"]
    assert (failed["code"], failed["body"]["code"], known["code"]) == (status, code, 200)
    body = assert_error(
        api("POST", f"{path}/security", tokens["access_token"], {"action": "LOCK"}), status, type_, code
    )
    assert body["suggestedUserMessage"]
    assert not store.cars()[0].is_locked
    if code == "AUTHENTICATION_FAILED":
        assert body["resolution"] == failed["body"]["resolution"]
        assert body["resolution"]["type"] == "REAUTHENTICATE"
        url = body["resolution"]["url"]
        assert url.startswith("http://testserver/smartcar-simulator/connect/oauth/reauthenticate?")
        assert f"vehicle_id={first_car(tokens)}" in url
        assert "redirect_uri" not in url


def test_a_missing_scope_is_reported_before_the_error_of_an_error_account(api, connect, first_car):
    tokens = connect("smartcar@vs-000.vehicle-state-error.com", scope="read_vin")
    assert_error(
        api("GET", f"vehicles/{first_car(tokens)}/odometer", tokens["access_token"]), 403, "PERMISSION"
    )
