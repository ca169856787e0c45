from datetime import UTC, datetime

import pytest
import time_machine

from django_smartcar.simulator import store
from django_smartcar.simulator.faults import rate_limits
from django_smartcar.simulator.store.models import Limits
from tests.simulator.conftest import assert_error, assert_v3_error


@pytest.fixture
def set_limits():
    def set_(**changes):
        store.state().limits = Limits(**changes)

    return set_


@pytest.fixture
def frozen_time():
    with time_machine.travel(datetime.now(UTC), tick=False):
        yield


def test_no_limit_is_on_by_default(volt):
    for _ in range(130):
        assert volt("GET", "odometer").status_code == 200
    assert rate_limits.bucket_level() is None
    assert rate_limits.requests_this_month(volt.car) == 130


@time_machine.travel(datetime.now(UTC), tick=False)
def test_the_bucket_empties_and_refills(volt, api, set_limits):
    set_limits(
        bucket_size=rate_limits.SMARTCAR_LIMITS.bucket_size,
        bucket_refill=rate_limits.SMARTCAR_LIMITS.bucket_refill,
    )
    for number in range(120):
        response = api("GET", "user", volt.token) if number % 2 else volt("GET", "odometer")
        assert response.status_code == 200
    assert_error(volt("GET", "odometer"), 429, "RATE_LIMIT", "SMARTCAR_API")
    assert_error(api("GET", "vehicles", volt.token), 429, "RATE_LIMIT", "SMARTCAR_API")
    store.advance(29)
    assert_error(volt("GET", "odometer"), 429, "RATE_LIMIT", "SMARTCAR_API")
    store.advance(1)
    assert volt("GET", "odometer").status_code == 200
    assert_error(volt("GET", "odometer"), 429, "RATE_LIMIT", "SMARTCAR_API")
    store.advance(60)
    assert rate_limits.bucket_level() == 2
    store.advance(3600 * 24)
    assert rate_limits.bucket_level() == 120
    rate_limits.reset()
    assert rate_limits.bucket_level() == 120


def test_both_api_versions_share_the_bucket(volt, connect_v3, set_limits, v3):
    v3_vehicle = connect_v3(approval_prompt="force")
    set_limits(bucket_size=2)
    assert v3_vehicle("GET", "signals").status_code == 200
    assert volt("GET", "odometer").status_code == 200
    assert_v3_error(v3_vehicle("POST", "commands/security/lock"), 429, "RATE_LIMIT", "SMARTCAR_API")
    assert_v3_error(v3("GET", "connections"), 429, "RATE_LIMIT", "SMARTCAR_API")


def test_each_path_of_a_batch_counts(volt, set_limits):
    set_limits(bucket_size=2)
    paths = {"requests": [{"path": "/odometer"}, {"path": "/fuel"}, {"path": "/location"}]}
    responses = volt("POST", "batch", paths).json()["responses"]
    assert [one["code"] for one in responses] == [200, 200, 429]


def test_the_throttle_of_v2_has_the_retry_after_header(volt, set_limits):
    set_limits(throttle_requests=rate_limits.SMARTCAR_LIMITS.throttle_requests)
    assert volt("GET", "odometer").status_code == 200
    store.advance(20)
    assert volt("GET", "odometer").status_code == 200
    response = volt("GET", "odometer")
    assert_error(response, 429, "RATE_LIMIT", "VEHICLE")
    assert 95 <= int(response["Retry-After"]) <= 100
    store.advance(101)
    assert volt("GET", "odometer").status_code == 200
    response = volt("GET", "odometer")
    assert_error(response, 429, "RATE_LIMIT", "VEHICLE")
    assert int(response["Retry-After"]) <= 20
    assert volt("GET", "permissions").status_code == 200


def test_the_throttle_is_in_the_headers_of_the_part_of_a_batch(volt, set_limits, frozen_time):
    set_limits(throttle_requests=1)
    paths = {"requests": [{"path": "/odometer"}, {"path": "/fuel"}]}
    _, fuel = volt("POST", "batch", paths).json()["responses"]
    assert (fuel["code"], fuel["headers"]) == (429, {"retry-after": 120})


def test_the_throttle_of_v3_has_the_retry_after_header(connect_v3, set_limits, frozen_time):
    volt = connect_v3()
    set_limits(throttle_requests=1)
    assert volt("GET", "signals").status_code == 200
    response = volt("GET", "signals")
    assert_v3_error(response, 429, "RATE_LIMIT", "VEHICLE")
    assert response["Retry-After"] == "120"


def test_the_monthly_limit_applies_until_the_next_month(volt, connect_v3, set_limits):
    set_limits(monthly_requests=2)
    for path in ("odometer", "location"):
        assert volt("GET", path).status_code == 200
    assert_error(volt("GET", "odometer"), 430, "BILLING", "VEHICLE_REQUEST_LIMIT")
    assert_error(volt("POST", "security", {"action": "LOCK"}), 430, "BILLING", "VEHICLE_REQUEST_LIMIT")
    v3_vehicle = connect_v3(approval_prompt="force")
    assert_v3_error(v3_vehicle("GET", "signals"), 430, "BILLING", "VEHICLE_REQUEST_LIMIT")
    assert volt("GET", "permissions").status_code == 200
    store.state().access_tokens[volt.token].expires_at = store.now().replace(year=2999)
    store.advance(32 * 24 * 3600)
    assert volt("GET", "odometer").status_code == 200


def test_the_limit_of_vehicles_applies_to_the_newest_vehicles(connect, api, set_limits):
    token = connect("3-vehicles@smartcar.com")["access_token"]
    set_limits(max_vehicles=1)
    vehicle_ids = api("GET", "vehicles", token).json()["vehicles"]

    def statuses():
        return [api("GET", f"vehicles/{one}/odometer", token).status_code for one in vehicle_ids]

    assert sorted(statuses()) == [200, 430, 430]
    served = vehicle_ids[statuses().index(200)]
    api("DELETE", f"vehicles/{served}/application", token)
    assert sorted(statuses()) == [200, 403, 430]  # another vehicle takes its place


def test_the_limits_survive_a_restart(settings, tmp_path, connect, set_limits):
    settings.SMARTCAR_SIMULATOR_STATE = tmp_path / "state.json"
    store.restart()
    set_limits(bucket_size=5, monthly_requests=7)
    connect()
    store.restart()
    assert store.state().limits == Limits(bucket_size=5, monthly_requests=7)


def test_a_bucket_larger_than_a_float_never_empties(volt, set_limits):
    set_limits(bucket_size=10**400)
    assert volt("GET", "odometer").status_code == 200
    assert rate_limits.bucket_level() > 10**6
