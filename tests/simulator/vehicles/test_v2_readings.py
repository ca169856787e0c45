import re
from datetime import UTC, datetime, timedelta

import pytest
import time_machine

from django_smartcar.simulator.vehicles.v2_readings import READINGS
from tests.simulator.conftest import ALL_SCOPES, assert_error


@pytest.mark.parametrize(
    ("level", "incapable_paths"),
    [
        ("bev", {"fuel", "engine/oil"}),
        ("fuel", {"battery", "battery/capacity", "battery/nominal_capacity", "charge", "charge/limit"}),
        ("phev", set()),
    ],
)
def test_a_read_fails_if_the_vehicle_is_not_capable(api, connect, first_car, level, incapable_paths):
    tokens = connect(f"5YJ3E1EA7JF000001@{level}.smartcar.com", scope=ALL_SCOPES)
    for path in READINGS:
        response = api("GET", f"vehicles/{first_car(tokens)}/{path}", tokens["access_token"])
        if path in incapable_paths:
            assert_error(response, 501, "COMPATIBILITY", "VEHICLE_NOT_CAPABLE")
        else:
            assert response.status_code == 200, path


def test_service_records_are_filtered_by_date(volt):
    records = volt("GET", "service/history").json()
    assert isinstance(records, list)
    assert [record["serviceId"] for record in records] == [12345]
    assert len(volt("GET", "service/history?startDate=2000-01-01").json()) == len(volt.car.service_visits) > 3
    assert volt("GET", "service/history?start_date=2000-01-01&end_date=2001-01-01").json() == []


@pytest.mark.parametrize(
    "query",
    [
        "start_date=undefined&end_date=undefined",
        "startDate=2000-01-01&endDate=2021-12-31?",
        "endDate=0001-01-01",
    ],
)
def test_unreadable_dates_are_ignored(volt, query):
    response = volt("GET", f"service/history?{query}")
    assert response.status_code == 200
    assert response.json()


@pytest.mark.parametrize(
    ("path", "names"),
    [
        ("odometer", ["distance"]),
        ("location", ["latitude", "longitude"]),
        ("fuel", ["range", "percentRemaining", "amountRemaining"]),
        ("battery", ["range", "percentRemaining"]),
        ("battery/capacity", ["capacity"]),
        ("battery/nominal_capacity", ["capacity", "nominal"]),
        ("charge/limit", ["limit"]),
        ("engine/oil", ["lifeRemaining"]),
        ("tires/pressure", ["frontLeft", "frontRight", "backLeft", "backRight"]),
        ("service/history", ["odometerDistance"]),
    ],
)
def test_numbers_are_written_as_floats(volt, path, names):
    car = volt.car
    for name in ("odometer_km", "latitude", "longitude", "fuel_range_km", "fuel_percent", "tank_litres"):
        setattr(car, name, 1)
    for name in ("battery_range_km", "battery_percent", "battery_capacity_kwh", "charge_limit", "oil_life"):
        setattr(car, name, 1)
    car.tires_kpa = [230, 230, 230, 230]
    responses = [volt("GET", path), volt("GET", path, version="1.0")]
    for response in responses[: 2 if responses[1].status_code == 200 else 1]:
        for name in names:
            values = re.findall(rf'"{name}": ([0-9.]+)', response.content.decode())
            assert values, name
            assert all("." in value for value in values), values


def test_the_data_age_of_a_parked_vehicle_does_not_change(volt):
    before = volt("GET", "odometer")["SC-Data-Age"]
    with time_machine.travel(datetime.now(UTC) + timedelta(minutes=5)):
        assert volt("GET", "odometer")["SC-Data-Age"] == before
