import pytest

from django_smartcar.simulator import store
from django_smartcar.simulator.faults import rate_limits
from django_smartcar.simulator.store.models import Limits
from tests.simulator.conftest import error_of, v3_error_of


@pytest.fixture
def limited():
    def limit(**changes):
        store.state().limits = Limits(**changes)

    return limit


def test_nothing_is_limited_when_nobody_turned_it_on(volt):
    for _ in range(130):
        assert volt("GET", "odometer").status_code == 200
    assert rate_limits.in_bucket() is None
    assert rate_limits.requests_this_month(volt.car) == 130


def test_the_bucket_is_smartcars_when_it_is_turned_on(volt, api, limited):
    limited(bucket_size=rate_limits.SMARTCARS.bucket_size, bucket_refill=rate_limits.SMARTCARS.bucket_refill)
    for number in range(120):
        answer = api("GET", "user", volt.token) if number % 2 else volt("GET", "odometer")
        assert answer.status_code == 200
    error_of(volt("GET", "odometer"), 429, "RATE_LIMIT", "SMARTCAR_API")
    error_of(api("GET", "vehicles", volt.token), 429, "RATE_LIMIT", "SMARTCAR_API")
    store.advance(29)
    error_of(volt("GET", "odometer"), 429, "RATE_LIMIT", "SMARTCAR_API")
    store.advance(1)
    assert volt("GET", "odometer").status_code == 200
    error_of(volt("GET", "odometer"), 429, "RATE_LIMIT", "SMARTCAR_API")
    store.advance(60)
    assert rate_limits.in_bucket() == 2
    store.advance(3600 * 24)
    assert rate_limits.in_bucket() == 120
    rate_limits.forget()
    assert rate_limits.in_bucket() == 120


def test_both_generations_drink_from_one_bucket_when_they_ask(volt, driven, limited, v3):
    newer = driven(approval_prompt="force")
    limited(bucket_size=2)
    assert newer("GET", "signals").status_code == 200
    assert volt("GET", "odometer").status_code == 200
    v3_error_of(newer("POST", "commands/security/lock"), 429, "RATE_LIMIT", "SMARTCAR_API")
    v3_error_of(v3("GET", "connections"), 429, "RATE_LIMIT", "SMARTCAR_API")


def test_each_path_counts_when_they_come_in_a_batch(volt, limited):
    limited(bucket_size=2)
    paths = {"requests": [{"path": "/odometer"}, {"path": "/fuel"}, {"path": "/location"}]}
    responses = volt("POST", "batch", paths).json()["responses"]
    assert [one["code"] for one in responses] == [200, 200, 429]


def test_the_throttle_says_when_to_come_back_when_a_car_is_asked_too_often(volt, limited):
    limited(throttle_requests=rate_limits.SMARTCARS.throttle_requests)
    assert volt("GET", "odometer").status_code == 200
    store.advance(20)
    assert volt("GET", "odometer").status_code == 200
    answer = volt("GET", "odometer")
    error_of(answer, 429, "RATE_LIMIT", "VEHICLE")
    assert 95 <= int(answer["Retry-After"]) <= 100
    store.advance(101)
    assert volt("GET", "odometer").status_code == 200
    answer = volt("GET", "odometer")
    error_of(answer, 429, "RATE_LIMIT", "VEHICLE")
    assert int(answer["Retry-After"]) <= 20
    assert volt("GET", "permissions").status_code == 200


def test_the_throttle_is_in_the_items_headers_when_a_batch_is_too_much(volt, limited):
    limited(throttle_requests=1)
    paths = {"requests": [{"path": "/odometer"}, {"path": "/fuel"}]}
    _, fuel = volt("POST", "batch", paths).json()["responses"]
    assert (fuel["code"], fuel["headers"]) == (429, {"retry-after": 120})


def test_v3_says_when_to_come_back_when_a_car_is_asked_too_often(driven, limited):
    volt = driven()
    limited(throttle_requests=1)
    assert volt("GET", "signals").status_code == 200
    answer = volt("GET", "signals")
    v3_error_of(answer, 429, "RATE_LIMIT", "VEHICLE")
    assert answer["Retry-After"] == "120"


def test_the_month_is_over_when_the_plan_says_so(volt, driven, limited):
    limited(monthly_requests=2)
    for path in ("odometer", "location"):
        assert volt("GET", path).status_code == 200
    error_of(volt("GET", "odometer"), 430, "BILLING", "VEHICLE_REQUEST_LIMIT")
    error_of(volt("POST", "security", {"action": "LOCK"}), 430, "BILLING", "VEHICLE_REQUEST_LIMIT")
    newer = driven(approval_prompt="force")
    v3_error_of(newer("GET", "signals"), 430, "BILLING", "VEHICLE_REQUEST_LIMIT")
    assert volt("GET", "permissions").status_code == 200
    store.state().access_tokens[volt.token].expires_at = store.now().replace(year=2999)
    store.advance(32 * 24 * 3600)
    assert volt("GET", "odometer").status_code == 200


def test_one_car_is_enough_when_the_plan_says_so(connect, api, limited):
    token = connect("3-vehicles@smartcar.com")["access_token"]
    limited(most_vehicles=1)
    vehicle_ids = api("GET", "vehicles", token).json()["vehicles"]

    def statuses():
        return [api("GET", f"vehicles/{one}/odometer", token).status_code for one in vehicle_ids]

    assert sorted(statuses()) == [200, 430, 430]
    served = vehicle_ids[statuses().index(200)]
    api("DELETE", f"vehicles/{served}/application", token)
    assert sorted(statuses()) == [200, 403, 430]  # there is room for another one


def test_the_limits_go_on_when_the_process_is_restarted(settings, tmp_path, connect, limited):
    settings.SMARTCAR_SIMULATOR_STATE = tmp_path / "state.json"
    store.restart()
    limited(bucket_size=5, monthly_requests=7)
    connect()
    store.restart()
    assert store.state().limits == Limits(bucket_size=5, monthly_requests=7)
