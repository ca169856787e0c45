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
    assert len(volt("GET", "service/history?startDate=2000-01-01").json()) == 3
    assert volt("GET", "service/history?start_date=2000-01-01&end_date=2001-01-01").json() == []
    assert_error(volt("GET", "service/history?startDate=yesterday"), 400, "VALIDATION")


def test_the_data_age_of_a_parked_vehicle_does_not_change(volt):
    before = volt("GET", "odometer")["SC-Data-Age"]
    with time_machine.travel(datetime.now(UTC) + timedelta(minutes=5)):
        assert volt("GET", "odometer")["SC-Data-Age"] == before
