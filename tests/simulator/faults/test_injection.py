import threading

import pytest

from django_smartcar.simulator import store
from django_smartcar.simulator.behaviour.commands_v2 import COMMANDS
from django_smartcar.simulator.behaviour.commands_v3 import V3_COMMANDS
from django_smartcar.simulator.behaviour.make_commands import MAKE_COMMANDS
from django_smartcar.simulator.dashboard import fault_forms, settings_forms
from django_smartcar.simulator.errors.table import ERRORS
from django_smartcar.simulator.errors.v2 import SmartcarError
from django_smartcar.simulator.errors.v3 import V3_ERRORS
from django_smartcar.simulator.faults import injection
from django_smartcar.simulator.faults import paths as fault_paths
from django_smartcar.simulator.faults.injection import (
    V3_FAULTS,
    VEHICLE_ERROR_TYPES,
    fault_name,
    set_fault,
    set_latency,
)
from django_smartcar.simulator.signals.catalog import SIGNALS
from django_smartcar.simulator.vehicles.make_readings import MAKE_READINGS
from django_smartcar.simulator.vehicles.v2_readings import READINGS
from tests.simulator.conftest import ALL_SCOPES, assert_error, assert_v3_error

V2_ERRORS = list(ERRORS)


@pytest.mark.parametrize(("type_", "code"), V2_ERRORS)
@pytest.mark.parametrize(("method", "path"), [("GET", "odometer"), ("POST", "security"), ("GET", "vin")])
def test_every_error_can_be_set_for_a_path_of_v2(volt, method, path, type_, code):
    set_fault(fault_name(type_, code), path, volt.car)
    status = ERRORS[type_, code].status
    body = assert_error(volt(method, path, {"action": "LOCK"}), status, type_, code)
    assert ("url" in body["resolution"]) is (code in ("AUTHENTICATION_FAILED", "VIRTUAL_KEY_REQUIRED"))
    assert volt("GET", "location").status_code == 200
    set_fault(None, path, volt.car)
    assert volt(method, path, {"action": "LOCK"}).status_code == 200


@pytest.mark.parametrize(("type_", "code"), [*V2_ERRORS, *V3_ERRORS])
@pytest.mark.parametrize(("method", "path"), [("GET", "signals"), ("POST", "commands/security/lock")])
def test_every_error_can_be_set_for_a_path_of_v3(connect_v3, method, path, type_, code):
    volt = connect_v3()
    set_fault(fault_name(type_, code), path, volt.car)
    status = (ERRORS | V3_ERRORS)[type_, code].status
    assert_v3_error(volt(method, path), status, type_, code)
    set_fault(None, path, volt.car)
    assert volt(method, path).status_code == 200


@pytest.mark.parametrize(("type_", "code"), V2_ERRORS)
def test_every_error_can_be_set_for_the_whole_vehicle(volt, connect_v3, type_, code):
    volt.car.fault = fault_name(type_, code)
    status = ERRORS[type_, code].status
    assert_error(volt("GET", "odometer"), status, type_, code)
    assert_error(volt("POST", "security", {"action": "LOCK"}), status, type_, code)
    v3_vehicle = connect_v3(approval_prompt="force")
    response = v3_vehicle("GET", "signals/odometer-traveleddistance")
    if type_ in VEHICLE_ERROR_TYPES:
        error = response.json()["data"]["attributes"]["status"]["error"]
        assert (error["type"], error["code"]) == (type_, code or "UNKNOWN")
    else:
        assert_v3_error(response, status, type_, code)


def test_a_gateway_timeout_is_plain_text(volt, connect_v3):
    set_fault("GATEWAY_TIMEOUT", "odometer", volt.car)
    for version in ("1.0", "2.0"):
        response = volt("GET", "odometer", version=version)
        assert (response.status_code, response["Content-Type"]) == (504, "text/plain")
    v3_vehicle = connect_v3(approval_prompt="force")
    v3_vehicle.car.fault = "GATEWAY_TIMEOUT"
    assert v3_vehicle("POST", "commands/security/lock").status_code == 504


def test_a_fault_can_be_limited_to_a_method(volt):
    set_fault("VEHICLE_STATE:DOOR_OPEN", "security", volt.car, method="POST")
    assert_error(volt("POST", "security", {"action": "LOCK"}), 409, "VEHICLE_STATE", "DOOR_OPEN")
    assert volt("GET", "security").status_code == 200


def test_a_fault_of_a_path_fails_only_its_part_of_a_batch(volt):
    set_fault("RATE_LIMIT:VEHICLE", "fuel", volt.car)
    paths = {"requests": [{"path": "/odometer"}, {"path": "/fuel"}]}
    odometer, fuel = volt("POST", "batch", paths).json()["responses"]
    assert (odometer["code"], fuel["code"], fuel["headers"]) == (200, 429, {"retry-after": 120})
    set_fault("UPSTREAM:NO_RESPONSE", "batch", volt.car)
    assert_error(volt("POST", "batch", paths), 502, "UPSTREAM", "NO_RESPONSE")


def test_a_fault_of_a_signal_fails_no_other_signal(connect_v3):
    volt = connect_v3()
    set_fault("VEHICLE_STATE:UNREACHABLE", "signals/closure-islocked", volt.car)
    statuses = {
        one["id"]: one["attributes"]["status"]["value"] for one in volt("GET", "signals").json()["data"]
    }
    assert (statuses["closure-islocked"], statuses["closure-doors"]) == ("ERROR", "SUCCESS")
    assert volt("GET", "signals/closure-islocked").status_code == 200
    set_fault("SERVER:INTERNAL", "signals/closure-islocked", volt.car)
    assert_v3_error(volt("GET", "signals/closure-islocked"), 500, "SERVER", "INTERNAL")
    assert volt("GET", "signals").status_code == 200


def test_a_path_of_v2_includes_the_signals_with_its_data():
    signals = fault_paths.SIGNALS_BY_V2_PATH
    closures = {code for code in SIGNALS if code.startswith("closure-")}
    assert set(signals["security"]) == closures | {"charge-ischargingportflapopen"}
    counts = {"diagnostics-dtccount", "diagnostics-dtclist"}
    systems = {code for code in SIGNALS if code.startswith("diagnostics-")} - counts
    assert set(signals["diagnostics/system_status"]) == systems
    assert set(signals["diagnostics/dtcs"]) == counts
    assert {code for codes in signals.values() for code in codes} <= set(SIGNALS)


def test_the_tables_of_paths_are_complete():
    assert {*fault_paths.SIGNALS_BY_V2_PATH, ""} == set(READINGS)
    v3_paths = {
        "signals",
        *(f"signals/{code}" for code in SIGNALS),
        *(f"commands/{path}" for path in V3_COMMANDS),
    }
    assert set(fault_paths.V2_EQUIVALENTS) <= v3_paths
    of_makes = {f"{m}/{p}" for table in (MAKE_READINGS, MAKE_COMMANDS) for m in table for p in table[m]}
    v2_paths = {"/", "permissions", "batch", *filter(None, READINGS), *COMMANDS, *of_makes}
    assert set(fault_paths.VEHICLE_PATHS) == v3_paths | v2_paths


@pytest.mark.parametrize(
    ("fault", "path", "requested_path"),
    [
        ("SERVER:INTERNAL", "tires/pressure", "signals"),
        ("SERVER:INTERNAL", "GET tires/pressure", "signals/wheel-tires"),
        ("GATEWAY_TIMEOUT", "tires/pressure", "signals"),
        ("UPSTREAM:NO_RESPONSE", "batch", "signals"),
    ],
)
def test_a_fault_of_a_v2_path_applies_to_v3(connect_v3, fault, path, requested_path):
    volt = connect_v3()
    set_fault(fault, path, volt.car)
    assert volt("GET", requested_path).status_code in (500, 502, 504)
    assert volt("GET", "signals/location-preciselocation").status_code == 200
    set_fault(None, path, volt.car)
    assert volt("GET", requested_path).status_code == 200


def test_the_vin_of_v3_gets_the_fault_of_its_path_but_not_of_the_vehicle(connect_v3):
    volt = connect_v3()

    def status():
        return volt("GET", "signals/vehicleidentification-vin").json()["data"]["attributes"]["status"][
            "value"
        ]

    volt.car.fault = "VEHICLE_STATE:ASLEEP"
    assert status() == "SUCCESS"
    set_fault("UPSTREAM:NO_RESPONSE", "vin", volt.car)
    assert status() == "ERROR"


@pytest.mark.parametrize("path", ["odometre", "signals/odometer", "commands/lock", "tires", "webhooks"])
def test_an_unknown_path_is_rejected(volt, path):
    for set_ in (
        lambda: set_fault("SERVER:INTERNAL", path, volt.car),
        lambda: set_latency(1, volt.car, path),
    ):
        with pytest.raises(ValueError, match=f"{path}.*There are: .*odometer.*signals/odometer-traveleddis"):
            set_()
    assert not volt.car.faults
    assert not volt.car.latencies


def test_a_path_below_a_vehicle_is_rejected_without_the_vehicle():
    with pytest.raises(ValueError, match="'odometer'.*pass the vehicle. There are: vehicles, "):
        set_fault("SERVER:INTERNAL", "odometer")
    assert not store.state().faults


def test_all_paths_that_the_garage_offers_exist(volt):
    for _, group in fault_forms.path_choices()[1:]:
        for path, _ in group:
            set_fault("SERVER:INTERNAL", path, volt.car)
    for path, _ in settings_forms.HOST_PATHS:
        set_fault("SERVER:INTERNAL", path)


def test_multiple_records_are_in_the_details(volt, connect_v3):
    set_fault("SERVER:MULTIPLE_RECORDS_FOUND", "battery/capacity", volt.car)
    body = assert_error(volt("GET", "battery/capacity"), 500, "SERVER", "MULTIPLE_RECORDS_FOUND")
    assert body["detail"] == [{"capacities": [83.9, 83.9, 70.2]}]


def test_faults_can_be_set_for_paths_of_hosts(api, connect, token, v3, visit):
    tokens = connect()
    for path in ("vehicles", "user"):
        set_fault("SERVER:INTERNAL", path)
        assert_error(api("GET", path, tokens["access_token"]), 500, "SERVER", "INTERNAL")
    set_fault("RATE_LIMIT:SMARTCAR_API", "connections")
    assert_v3_error(v3("GET", "connections"), 429, "RATE_LIMIT", "SMARTCAR_API")
    set_fault("SERVER:INTERNAL", "webhooks")
    assert_v3_error(v3("GET", "webhooks", host="management-api"), 500, "SERVER", "INTERNAL")
    set_fault("GATEWAY_TIMEOUT", "oauth/token")
    assert token(grant_type="refresh_token", refresh_token=tokens["refresh_token"]).status_code == 504
    assert store.counters["refreshes"] == 0
    set_fault(None, "oauth/token")
    assert token(grant_type="refresh_token", refresh_token=tokens["refresh_token"]).status_code == 200


@pytest.mark.parametrize("fault", ["NONSENSE", "SERVER:NONSENSE", "SERVER", ":", "VALIDATION:"])
def test_an_unknown_fault_is_rejected(volt, fault):
    if fault == "VALIDATION:":
        assert isinstance(injection.exception_for(fault), SmartcarError)
        return
    with pytest.raises(KeyError):
        set_fault(fault, "odometer", volt.car)
    assert volt("GET", "odometer").status_code == 200


def test_v2_responds_with_an_error_to_faults_of_v3(volt):
    for fault in V3_FAULTS:
        volt.car.fault = fault
        assert volt("GET", "odometer").status_code in (400, 401, 403, 404, 409)


def test_responses_are_delayed_by_the_latency_of_the_path(volt, connect_v3, v3, monkeypatch):
    slept = []
    monkeypatch.setattr(store, "sleep", slept.append)
    set_latency(20, volt.car)
    set_latency(1.5, volt.car, "security", method="POST")
    set_latency(3, volt.car, "signals/closure-islocked")
    volt("GET", "odometer")
    volt("GET", "security")
    volt("POST", "security", {"action": "LOCK"})
    v3_vehicle = connect_v3(approval_prompt="force")
    v3_vehicle("GET", "signals/closure-islocked")
    v3("GET", f"vehicles/{v3_vehicle.car.id}")
    assert slept == [20, 20, 1.5, 3, 20]
    set_latency(4, volt.car, "tires/pressure")
    v3_vehicle("GET", "signals/wheel-tires")
    v3_vehicle("GET", "signals")
    assert slept[5:] == [4, 4]
    set_latency(None, volt.car)
    volt("GET", "odometer")
    assert len(slept) == 7


def test_other_vehicles_respond_while_one_is_slow(volt, connect, api, first_car, monkeypatch):
    tokens = connect("other@example.com", scope=ALL_SCOPES)
    other = first_car(tokens)
    waiting, resume = threading.Event(), threading.Event()

    def sleep(seconds):
        waiting.set()
        resume.wait(10)

    monkeypatch.setattr(store, "sleep", sleep)
    set_latency(60, volt.car)
    statuses = []
    slow = threading.Thread(target=lambda: statuses.append(volt("GET", "odometer").status_code))
    slow.start()
    assert waiting.wait(10)
    assert api("GET", f"vehicles/{other}/odometer", tokens["access_token"]).status_code == 200
    resume.set()
    slow.join()
    assert statuses == [200]


def test_faults_and_latencies_survive_a_restart(settings, tmp_path, connect, first_car):
    settings.SMARTCAR_SIMULATOR_STATE = tmp_path / "state.json"
    store.restart()
    vehicle_id = first_car(connect())
    set_fault("PERMISSION", "odometer", store.car(vehicle_id))
    set_fault("SERVER:INTERNAL", "vehicles")
    set_latency(2, store.car(vehicle_id))
    store.restart()
    assert store.car(vehicle_id).faults == {"odometer": "PERMISSION"}
    assert store.car(vehicle_id).latencies == {"*": 2}
    assert store.state().faults == {"vehicles": "SERVER:INTERNAL"}
