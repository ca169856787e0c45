import pytest

from django_smartcar.simulator import store
from django_smartcar.simulator.behaviour import motion
from tests.simulator.conftest import ALL_SCOPES, assert_error


def test_a_batch_has_a_response_for_each_path_when_some_fail(api, connect, first_car):
    tokens = connect(scope="read_vehicle_info read_odometer read_location read_fuel", make="TESLA")
    paths = ["/", "/odometer", "/location", "/security", "/fuel", "odometer"]
    response = api(
        "POST",
        f"vehicles/{first_car(tokens)}/batch",
        tokens["access_token"],
        {"requests": [{"path": path} for path in paths]},
        SC_Unit_System="imperial",
    )
    assert response.status_code == 200
    items = response.json()["responses"]
    assert [item["path"] for item in items] == paths
    assert [item["code"] for item in items] == [200, 200, 200, 403, 501, 200]
    assert items[1]["headers"]["sc-unit-system"] == "imperial"
    assert set(items[1]["headers"]) == {"sc-data-age", "sc-fetched-at", "sc-unit-system"}
    assert set(items[2]["headers"]) == {"sc-data-age", "sc-fetched-at"}
    assert items[1]["body"]["distance"] == round(store.cars()[0].odometer_km * 0.621371, 2)
    for failed in items[3:5]:
        assert "headers" not in failed
        assert failed["body"]["requestId"] == response["SC-Request-Id"]
        assert failed["body"]["statusCode"] == failed["code"]


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"requests": []},
        {"requests": "x"},
        {"requests": [{"path": "/odometer"}, {"path": "/LOCATIONNNNNNNN"}]},
        {"requests": [{"path": None}]},
        {"requests": ["/odometer"]},
        {"requests": [{"path": "/batch"}]},
        "not json",
    ],
)
def test_a_batch_with_an_invalid_path_is_rejected(volt, body):
    assert_error(volt("POST", "batch", body), 400, "VALIDATION")


def test_make_specific_paths_work_for_cars_of_that_make_only(api, connect, first_car):
    tokens = connect(make="TESLA", scope=ALL_SCOPES)
    path, token = f"vehicles/{first_car(tokens)}/tesla", tokens["access_token"]
    car = store.car(first_car(tokens))
    assert api("GET", f"{path}/compass", token).json()["heading"] == car.heading
    assert api("POST", f"{path}/charge/ammeter", token, {"amperage": 16}).status_code == 200
    assert api("GET", f"{path}/charge/ammeter", token).json() == {"amperage": 0}
    motion.enter(car, "charging")
    assert api("GET", f"{path}/charge/ammeter", token).json() == {"amperage": 16}
    batch = {"requests": [{"path": "/tesla/compass"}, {"path": "/nissan/charge/schedule"}]}
    items = api("POST", f"vehicles/{first_car(tokens)}/batch", token, batch).json()["responses"]
    assert [item["code"] for item in items] == [200, 501]
    assert_error(api("GET", f"{path}/climate/sauna", token), 501, "COMPATIBILITY", "SMARTCAR_NOT_CAPABLE")
    assert_error(api("GET", f"{path.replace('tesla', 'TESLA')}/compass", token), 403, "PERMISSION")
    assert_error(
        api("GET", f"{path.replace('tesla', 'nissan')}/compass", token),
        501,
        "COMPATIBILITY",
        "VEHICLE_NOT_CAPABLE",
    )
    assert_error(
        api("GET", f"{path.replace('tesla', 'batmobile')}/compass", token), 404, "RESOURCE_NOT_FOUND", "PATH"
    )
