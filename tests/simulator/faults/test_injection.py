import threading

import pytest

from django_smartcar.simulator import store
from django_smartcar.simulator.behaviour.commands_v2 import COMMANDS
from django_smartcar.simulator.behaviour.commands_v3 import V3_COMMANDS
from django_smartcar.simulator.behaviour.make_commands import MAKE_COMMANDS
from django_smartcar.simulator.dashboard import settings_forms, vehicle_forms
from django_smartcar.simulator.errors.table import KINDS
from django_smartcar.simulator.errors.v2 import SmartcarError
from django_smartcar.simulator.errors.v3 import OWN_KINDS
from django_smartcar.simulator.faults import injection
from django_smartcar.simulator.faults import paths as fault_paths
from django_smartcar.simulator.faults.injection import (
    OF_A_CAR,
    V3_FAULTS,
    set_fault,
    set_latency,
    written,
)
from django_smartcar.simulator.signals.catalog import SIGNALS
from django_smartcar.simulator.vehicles.make_values import MAKE_READINGS
from django_smartcar.simulator.vehicles.values import READINGS
from tests.simulator.conftest import EVERYTHING, error_of, v3_error_of

PAIRS = list(KINDS)


@pytest.mark.parametrize(("type_", "code"), PAIRS)
@pytest.mark.parametrize(("method", "path"), [("GET", "odometer"), ("POST", "security"), ("GET", "vin")])
def test_every_pair_can_be_provoked_in_v2_when_one_path_fails(volt, method, path, type_, code):
    set_fault(written(type_, code), path, volt.car)
    status = KINDS[type_, code].status
    body = error_of(volt(method, path, {"action": "LOCK"}), status, type_, code)
    assert ("url" in body["resolution"]) is (code in ("AUTHENTICATION_FAILED", "VIRTUAL_KEY_REQUIRED"))
    assert volt("GET", "location").status_code == 200
    set_fault(None, path, volt.car)
    assert volt(method, path, {"action": "LOCK"}).status_code == 200


@pytest.mark.parametrize(("type_", "code"), [*PAIRS, *OWN_KINDS])
@pytest.mark.parametrize(("method", "path"), [("GET", "signals"), ("POST", "commands/security/lock")])
def test_every_pair_can_be_provoked_in_v3_when_one_path_fails(driven, method, path, type_, code):
    volt = driven()
    set_fault(written(type_, code), path, volt.car)
    status = (KINDS | OWN_KINDS)[type_, code].status
    v3_error_of(volt(method, path), status, type_, code)
    set_fault(None, path, volt.car)
    assert volt(method, path).status_code == 200


@pytest.mark.parametrize(("type_", "code"), PAIRS)
def test_every_pair_can_be_provoked_when_the_whole_car_fails(volt, driven, type_, code):
    volt.car.fault = written(type_, code)
    status = KINDS[type_, code].status
    error_of(volt("GET", "odometer"), status, type_, code)
    error_of(volt("POST", "security", {"action": "LOCK"}), status, type_, code)
    newer = driven(approval_prompt="force")
    answer = newer("GET", "signals/odometer-traveleddistance")
    if type_ in OF_A_CAR:
        error = answer.json()["data"]["attributes"]["status"]["error"]
        assert (error["type"], error["code"]) == (type_, code or "UNKNOWN")
    else:
        v3_error_of(answer, status, type_, code)


def test_a_gateway_times_out_without_an_envelope_when_it_is_told_to(volt, driven):
    set_fault("GATEWAY_TIMEOUT", "odometer", volt.car)
    for version in ("1.0", "2.0"):
        answer = volt("GET", "odometer", version=version)
        assert (answer.status_code, answer["Content-Type"]) == (504, "text/plain")
    newer = driven(approval_prompt="force")
    newer.car.fault = "GATEWAY_TIMEOUT"
    assert newer("POST", "commands/security/lock").status_code == 504


def test_only_one_method_fails_when_the_fault_names_it(volt):
    set_fault("VEHICLE_STATE:DOOR_OPEN", "security", volt.car, method="POST")
    error_of(volt("POST", "security", {"action": "LOCK"}), 409, "VEHICLE_STATE", "DOOR_OPEN")
    assert volt("GET", "security").status_code == 200


def test_only_that_part_fails_when_a_batch_asks_for_a_faulty_path(volt):
    set_fault("RATE_LIMIT:VEHICLE", "fuel", volt.car)
    paths = {"requests": [{"path": "/odometer"}, {"path": "/fuel"}]}
    odometer, fuel = volt("POST", "batch", paths).json()["responses"]
    assert (odometer["code"], fuel["code"], fuel["headers"]) == (200, 429, {"retry-after": 120})
    set_fault("UPSTREAM:NO_RESPONSE", "batch", volt.car)
    error_of(volt("POST", "batch", paths), 502, "UPSTREAM", "NO_RESPONSE")


def test_one_signal_fails_and_no_other_when_its_path_does(driven):
    volt = driven()
    set_fault("VEHICLE_STATE:UNREACHABLE", "signals/closure-islocked", volt.car)
    statuses = {
        one["id"]: one["attributes"]["status"]["value"] for one in volt("GET", "signals").json()["data"]
    }
    assert (statuses["closure-islocked"], statuses["closure-doors"]) == ("ERROR", "SUCCESS")
    assert volt("GET", "signals/closure-islocked").status_code == 200
    set_fault("SERVER:INTERNAL", "signals/closure-islocked", volt.car)
    v3_error_of(volt("GET", "signals/closure-islocked"), 500, "SERVER", "INTERNAL")
    assert volt("GET", "signals").status_code == 200


def test_a_path_of_v2_stands_for_signals_and_commands_that_v3_has():
    assert {*fault_paths.SIGNALS_OF, ""} == set(READINGS)
    known = {
        "signals",
        *(f"signals/{code}" for code in SIGNALS),
        *(f"commands/{path}" for path in V3_COMMANDS),
    }
    assert set(fault_paths.OLDER) <= known
    of_makes = {f"{m}/{p}" for table in (MAKE_READINGS, MAKE_COMMANDS) for m in table for p in table[m]}
    older = {"/", "permissions", "batch", *filter(None, READINGS), *COMMANDS, *of_makes}
    assert set(fault_paths.BELOW_CAR) == known | older


@pytest.mark.parametrize(
    ("fault", "path", "asked"),
    [
        ("SERVER:INTERNAL", "tires/pressure", "signals"),
        ("SERVER:INTERNAL", "GET tires/pressure", "signals/wheel-tires"),
        ("GATEWAY_TIMEOUT", "tires/pressure", "signals"),
        ("UPSTREAM:NO_RESPONSE", "batch", "signals"),
    ],
)
def test_a_request_of_v3_fails_by_a_path_of_v2(driven, fault, path, asked):
    volt = driven()
    set_fault(fault, path, volt.car)
    assert volt("GET", asked).status_code in (500, 502, 504)
    assert volt("GET", "signals/location-preciselocation").status_code == 200
    set_fault(None, path, volt.car)
    assert volt("GET", asked).status_code == 200


def test_the_vin_of_v3_fails_by_its_path_and_not_with_the_car(driven):
    volt = driven()

    def status():
        return volt("GET", "signals/vehicleidentification-vin").json()["data"]["attributes"]["status"][
            "value"
        ]

    volt.car.fault = "VEHICLE_STATE:ASLEEP"
    assert status() == "SUCCESS"
    set_fault("UPSTREAM:NO_RESPONSE", "vin", volt.car)
    assert status() == "ERROR"


@pytest.mark.parametrize("path", ["odometre", "signals/odometer", "commands/lock", "tires", "webhooks"])
def test_a_path_is_refused_when_neither_generation_has_it(volt, path):
    for tell in (
        lambda: set_fault("SERVER:INTERNAL", path, volt.car),
        lambda: set_latency(1, volt.car, path),
    ):
        with pytest.raises(ValueError, match=f"{path}.*There are: .*odometer.*signals/odometer-traveleddis"):
            tell()
    assert not volt.car.faults
    assert not volt.car.latencies


def test_a_path_below_a_car_is_refused_without_the_car():
    with pytest.raises(ValueError, match="'odometer'.*say which car. There are: vehicles, "):
        set_fault("SERVER:INTERNAL", "odometer")
    assert not store.state().faults


def test_all_that_the_garage_offers_is_a_path(volt):
    for _, group in vehicle_forms.path_choices()[1:]:
        for path, _ in group:
            set_fault("SERVER:INTERNAL", path, volt.car)
    for path, _ in settings_forms.HOST_PATHS:
        set_fault("SERVER:INTERNAL", path)


def test_the_records_come_along_when_there_are_several(volt, driven):
    set_fault("SERVER:MULTIPLE_RECORDS_FOUND", "battery/capacity", volt.car)
    body = error_of(volt("GET", "battery/capacity"), 500, "SERVER", "MULTIPLE_RECORDS_FOUND")
    assert body["detail"] == [{"capacities": [83.9, 83.9, 70.2]}]


def test_hosts_fail_when_no_car_is_named(api, connect, token, v3, visit):
    tokens = connect()
    for path in ("vehicles", "user"):
        set_fault("SERVER:INTERNAL", path)
        error_of(api("GET", path, tokens["access_token"]), 500, "SERVER", "INTERNAL")
    set_fault("RATE_LIMIT:SMARTCAR_API", "connections")
    v3_error_of(v3("GET", "connections"), 429, "RATE_LIMIT", "SMARTCAR_API")
    set_fault("SERVER:INTERNAL", "webhooks")
    v3_error_of(v3("GET", "webhooks", host="management-api"), 500, "SERVER", "INTERNAL")
    set_fault("GATEWAY_TIMEOUT", "oauth/token")
    assert token(grant_type="refresh_token", refresh_token=tokens["refresh_token"]).status_code == 504
    assert store.counters["refreshes"] == 0
    set_fault(None, "oauth/token")
    assert token(grant_type="refresh_token", refresh_token=tokens["refresh_token"]).status_code == 200


@pytest.mark.parametrize("nonsense", ["NONSENSE", "SERVER:NONSENSE", "SERVER", ":", "VALIDATION:"])
def test_a_fault_is_refused_when_there_is_no_such_pair(volt, nonsense):
    if nonsense == "VALIDATION:":
        assert isinstance(injection.error_of(nonsense), SmartcarError)
        return
    with pytest.raises(KeyError):
        set_fault(nonsense, "odometer", volt.car)
    assert volt("GET", "odometer").status_code == 200


def test_v2_answers_all_the_same_when_the_fault_is_one_of_v3(volt):
    for fault in V3_FAULTS:
        volt.car.fault = fault
        assert volt("GET", "odometer").status_code in (400, 401, 403, 404, 409)


def test_a_car_takes_its_time_when_it_is_told_to(volt, driven, v3, monkeypatch):
    slept = []
    monkeypatch.setattr(store, "sleep", slept.append)
    set_latency(20, volt.car)
    set_latency(1.5, volt.car, "security", method="POST")
    set_latency(3, volt.car, "signals/closure-islocked")
    volt("GET", "odometer")
    volt("GET", "security")
    volt("POST", "security", {"action": "LOCK"})
    newer = driven(approval_prompt="force")
    newer("GET", "signals/closure-islocked")
    v3("GET", f"vehicles/{newer.car.id}")
    assert slept == [20, 20, 1.5, 3, 20]
    set_latency(4, volt.car, "tires/pressure")
    newer("GET", "signals/wheel-tires")
    newer("GET", "signals")
    assert slept[5:] == [4, 4]
    set_latency(None, volt.car)
    volt("GET", "odometer")
    assert len(slept) == 7


def test_the_world_goes_on_when_a_car_takes_its_time(volt, connect, api, first_car, monkeypatch):
    tokens = connect("other@example.com", scope=EVERYTHING)
    other = first_car(tokens)
    waiting, go_on = threading.Event(), threading.Event()

    def sleep(seconds):
        waiting.set()
        go_on.wait(10)

    monkeypatch.setattr(store, "sleep", sleep)
    set_latency(60, volt.car)
    statuses = []
    slow = threading.Thread(target=lambda: statuses.append(volt("GET", "odometer").status_code))
    slow.start()
    assert waiting.wait(10)
    assert api("GET", f"vehicles/{other}/odometer", tokens["access_token"]).status_code == 200
    go_on.set()
    slow.join()
    assert statuses == [200]


def test_faults_and_latencies_go_on_when_the_process_is_restarted(settings, tmp_path, connect, first_car):
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
