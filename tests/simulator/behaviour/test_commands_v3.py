import threading
import time

import pytest
import requests

from django_smartcar.simulator import store
from django_smartcar.simulator.behaviour.commands_v3 import V3_COMMANDS
from django_smartcar.simulator.vehicles import charging
from tests.simulator.conftest import PREFIX, assert_v3_error

BODIES = {
    "charge/set-limit": {"percent": 80},
    "navigation/set-destination": {"latitude": 40.7, "longitude": -73.9},
}
OWNER = "vehicle-owner-action-required.com"
ERROR_ACCOUNTS = [
    ("smartcar@vs-000.vehicle-state-error.com", 409, "VEHICLE_STATE", "UNKNOWN"),
    ("smartcar@vs-001.vehicle-state-error.com", 409, "VEHICLE_STATE", "DOOR_OPEN"),
    (f"smartcar@voa-000.{OWNER}", 400, "CONNECTED_SERVICES_ACCOUNT", "AUTHENTICATION_FAILED"),
    (f"smartcar@voa-001.{OWNER}", 400, "CONNECTED_SERVICES_ACCOUNT", "SUBSCRIPTION"),
]  # fmt: skip


def post(call, path, attributes=None, **options):
    return call("POST", f"commands/{path}", attributes, **options)


def value_of(call, code):
    return call("GET", f"signals/{code}").json()["data"]["attributes"]["body"]["value"]


def test_a_short_command_has_the_documented_response(connect_v3):
    volt = connect_v3()
    response = post(volt, "security/lock")
    assert response.status_code == 200
    data = response.json()["data"]
    assert data["id"].startswith("exec_")
    assert data["type"] == "command-execution"
    assert data["attributes"] == {
        "commandType": "security-lock",
        "status": {"value": "SUCCESS"},
        "executionMode": "sync",
        "parameters": {},
    }
    assert sorted(data["meta"]) == ["completedAt", "durationInSeconds", "executedAt"]
    assert store.counters["commands"] == 1


def test_the_flap_of_the_port_stays_open_while_the_car_is_plugged_in(connect_v3):
    volt = connect_v3()
    assert volt.car.is_plugged_in
    assert post(volt, "charge-port/close").status_code == 200
    assert value_of(volt, "charge-ischargingportflapopen") is True


def test_commands_change_the_signals(connect_v3):
    volt = connect_v3()
    for path, code, expected in [
        ("security/lock", "closure-islocked", True),
        ("security/unlock", "closure-islocked", False),
        ("charge/start", "charge-ischarging", True),
        ("charge/stop", "charge-ischarging", False),
    ]:
        assert post(volt, path).status_code == 200
        assert value_of(volt, code) is expected
    charging.unplug(volt.car, store.now())
    for path, code, expected in [
        ("charge-port/open", "charge-ischargingportflapopen", True),
        ("charge-port/close", "charge-ischargingportflapopen", False),
    ]:
        assert post(volt, path).status_code == 200
        assert value_of(volt, code) is expected
    response = post(volt, "navigation/set-destination", BODIES["navigation/set-destination"])
    assert response.json()["data"]["attributes"]["parameters"] == BODIES["navigation/set-destination"]
    assert volt.car.destination == [40.7, -73.9]


@pytest.mark.parametrize("percent", [50, 80, 100])
def test_a_valid_charge_limit_is_saved(connect_v3, percent):
    volt = connect_v3()
    assert post(volt, "charge/set-limit", {"percent": percent}).status_code == 200
    limits = volt("GET", "signals/charge-chargelimits").json()["data"]["attributes"]["body"]
    assert limits["activeLimit"] == percent
    assert volt.car.charge_limit == percent / 100


@pytest.mark.parametrize("percent", [49, 101, 0.8, 80.0, "80", True, None, []])
def test_an_invalid_charge_limit_is_rejected(connect_v3, percent):
    volt = connect_v3()
    response = post(volt, "charge/set-limit", {"percent": percent})
    assert_v3_error(response, 400, "VALIDATION", "INVALID_INPUT_FORMAT")
    assert volt.car.charge_limit == 0.9


@pytest.mark.parametrize(
    "body", ["", "{", "[]", '{"percent": 80}', '{"data": {"percent": 80}}', '{"data": {"attributes": []}}']
)
def test_a_body_without_attributes_is_rejected(connect_v3, body):
    response = post(connect_v3(), "charge/set-limit", body=body)
    assert_v3_error(response, 400, "VALIDATION", "BAD_REQUEST")


@pytest.mark.parametrize(
    "change", [{"latitude": 91}, {"longitude": "x"}, {"latitude": None}, {"longitude": True}]
)
def test_a_destination_with_invalid_coordinates_is_rejected(connect_v3, change):
    volt = connect_v3()
    response = post(volt, "navigation/set-destination", BODIES["navigation/set-destination"] | change)
    assert_v3_error(response, 400, "VALIDATION", "INVALID_INPUT_FORMAT")
    assert volt.car.destination is None


def test_a_command_fails_when_the_state_of_the_car_does_not_allow_it(connect_v3):
    volt = connect_v3()
    assert_v3_error(post(volt, "charge/stop"), 409, "VEHICLE_STATE", "NOT_CHARGING")
    post(volt, "charge/start")
    assert_v3_error(post(volt, "charge/start"), 409, "VEHICLE_STATE", "CHARGING_IN_PROGRESS")
    honda = connect_v3("h@example.com", make="HONDA")
    for path in ("charge/start", "charge-port/open"):
        assert_v3_error(post(honda, path), 501, "COMPATIBILITY", "VEHICLE_NOT_CAPABLE")


@pytest.mark.parametrize("path", sorted(V3_COMMANDS))
@pytest.mark.parametrize(("email", "status", "type_", "code"), ERROR_ACCOUNTS)
def test_every_command_of_an_error_account_fails_with_its_error(connect_v3, path, email, status, type_, code):
    car = connect_v3(email)
    if path.startswith("charge"):
        car.car.powertrain = "BEV"
    error = assert_v3_error(post(car, path, BODIES.get(path)), status, type_, code)
    assert error["suggestedUserMessage"]
    assert not car.car.is_locked
    if code == "AUTHENTICATION_FAILED":
        assert error["resolution"]["type"] == "REAUTHENTICATE"
        assert f"vehicle_id={car.car.id}" in error["resolution"]["url"]
        assert "redirect_uri" not in error["resolution"]["url"]


@pytest.mark.parametrize("path", sorted(V3_COMMANDS))
def test_a_command_is_rejected_without_its_permission(connect_v3, path):
    limited = connect_v3(scope="read_odometer")
    assert_v3_error(post(limited, path, BODIES.get(path)), 403, "PERMISSION")
    assert store.counters["commands"] == 0


@pytest.mark.parametrize("path", sorted(V3_COMMANDS))
def test_a_command_needs_the_user_id_header(connect_v3, v3, path):
    volt = connect_v3()
    response = v3("POST", f"vehicles/{volt.car.id}/commands/{path}", attributes=BODIES.get(path))
    assert_v3_error(response, 400, "VALIDATION", "MISSING_PARAMETER")
    assert store.counters["commands"] == 0


def test_a_command_for_another_users_car_is_rejected(connect_v3, v3):
    volt, other = connect_v3(), connect_v3("other@example.com")
    response = v3("POST", f"vehicles/{volt.car.id}/commands/security/lock", other.user)
    assert_v3_error(response, 403, "PERMISSION")
    assert not volt.car.is_locked


def test_an_unknown_command_is_not_found(connect_v3):
    volt = connect_v3()
    for method, path in [("POST", "climate/start"), ("GET", "security/lock"), ("POST", "")]:
        assert_v3_error(volt(method, f"commands/{path}"), 404, "RESOURCE_NOT_FOUND", "PATH")


@pytest.fixture
def over_http(live_server, connect_v3, v3):
    """Post a command over HTTP and return the streamed response."""

    def send(call, path):
        token = v3("GET", "connections").wsgi_request.headers["authorization"]
        url = f"{live_server.url}{PREFIX}/vehicle-api/v3/vehicles/{call.car.id}/commands/{path}"
        headers = {"Authorization": token, "sc-user-id": call.user}
        return requests.post(url, headers=headers, stream=True, timeout=10)

    return send


def test_a_long_command_sends_202_first_and_its_result_at_the_end(connect_v3, over_http, settings):
    volt = connect_v3()
    settings.SMARTCAR_SIMULATOR_COMMAND_SECONDS = 0.5
    response = over_http(volt, "security/lock")
    assert response.status_code == 202
    assert "Content-Length" not in response.headers
    assert response.headers["SC-Request-Id"]
    assert not volt.car.is_locked
    data = response.json()["data"]
    assert data["attributes"]["status"] == {"value": "SUCCESS"}
    assert data["meta"]["durationInSeconds"] >= 0.5
    assert volt.car.is_locked


def test_a_long_command_that_fails_has_the_error_in_its_body(connect_v3, over_http, settings):
    car = connect_v3("smartcar@vs-001.vehicle-state-error.com")
    settings.SMARTCAR_SIMULATOR_COMMAND_SECONDS = 0.1
    response = over_http(car, "security/lock")
    assert response.status_code == 202
    (error,) = response.json()["errors"]
    assert (error["status"], error["type"], error["code"]) == ("409", "VEHICLE_STATE", "DOOR_OPEN")
    assert not car.car.is_locked


def test_other_requests_are_served_while_a_long_command_waits(connect_v3, over_http, settings):
    volt = connect_v3()
    settings.SMARTCAR_SIMULATOR_COMMAND_SECONDS = 1
    bodies = []
    thread = threading.Thread(target=lambda: bodies.append(over_http(volt, "security/lock").json()))
    thread.start()
    time.sleep(0.2)
    assert value_of(volt, "closure-islocked") is False
    assert thread.is_alive()
    thread.join()
    assert bodies[0]["data"]["type"] == "command-execution"


def test_an_invalid_request_for_a_long_command_is_rejected_at_once(connect_v3, settings):
    settings.SMARTCAR_SIMULATOR_COMMAND_SECONDS = 60
    limited = connect_v3(scope="read_odometer")
    assert_v3_error(post(limited, "security/lock"), 403, "PERMISSION")
    volt = connect_v3("b@example.com")
    response = post(volt, "charge/set-limit", {"percent": 1})
    assert_v3_error(response, 400, "VALIDATION", "INVALID_INPUT_FORMAT")


@pytest.mark.parametrize("body", ["[" * 200_000, '{"data":' * 100_000])
def test_a_command_with_deeply_nested_json_is_rejected(v3, connect_v3, body):
    volt = connect_v3()
    path = f"vehicles/{volt.car.id}/commands/charge/set-limit"
    assert_v3_error(v3("POST", path, volt.user, body=body), 400, "VALIDATION", "BAD_REQUEST")
