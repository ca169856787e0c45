import pytest

from django_smartcar.exceptions import RateLimited, StateException
from django_smartcar.models import RateLimit
from django_smartcar.services.client import ApiCredentials
from django_smartcar.services.vehicles import _details

from ...wire import IN_MOTION, v2_error

pytestmark = pytest.mark.django_db

DRIVER = ApiCredentials("2.0", "access-0", "driver-a")


def test_no_vin_shows_when_facts_are_logged(wire):
    wire.driver("driver-a", ["car-2"])
    wire.car("car-2", vin="5YJSA1CN5DFP00101")
    (told,) = _details.read_all(DRIVER)
    assert told.vin == "5YJSA1CN5DFP00101"
    assert "5YJSA1CN5DFP00101" not in repr(told)


def test_a_fleet_that_takes_too_long_is_told_by_its_ids(wire, monkeypatch):
    monkeypatch.setattr(_details, "SECONDS", 0)
    wire.driver("driver-a", ["car-1", "car-2"])
    assert _details.read_all(DRIVER) == [_details.VehicleDetails("car-1"), _details.VehicleDetails("car-2")]
    assert len(wire.mock.calls) == 1


def test_what_the_driver_did_not_permit_is_not_asked_for(wire):
    wire.car("car-1", permissions=["read_odometer"])
    assert _details.read(DRIVER, "car-1") == _details.VehicleDetails("car-1", {}, ["read_odometer"])
    assert len(wire.mock.calls) == 1


def test_a_car_that_tells_nothing_just_now_is_still_a_car(wire):
    wire.get("car-1", "permissions", IN_MOTION, status=409)
    told = _details.read(DRIVER, "car-1")
    assert isinstance(told.failed, StateException)
    assert told.columns() == {}


@pytest.mark.parametrize("vehicle_id", ["", ".", "..", "x" * 65])
def test_an_id_that_is_none_is_left_out(wire, vehicle_id):
    wire.driver("driver-a", [vehicle_id, "car-1"])
    wire.car("car-1")
    assert [told.vehicle_id for told in _details.read_all(DRIVER)] == ["car-1"]


@pytest.mark.parametrize("year", ["2021", True, None, [], 99999, -1])
def test_a_year_that_is_none_is_left_out(year):
    assert "year" not in _details.VehicleDetails("car-1", {"year": year}).columns()


def test_requests_to_a_car_are_counted_but_not_those_that_the_plan_does_not_count(wire):
    wire.car("car-1", vin="5YJSA1CN5DFP00101")
    _details.read(DRIVER, "car-1")
    assert len(wire.mock.calls) == 3
    assert RateLimit.objects.get(key="car-1").requests == 2


def test_a_refusal_is_remembered_and_the_car_not_asked_until_it_is_over(wire):
    refused = v2_error(429, "RATE_LIMIT", "VEHICLE")
    permissions = {"permissions": ["read_vehicle_info"], "paging": {"count": 1, "offset": 0}}
    wire.get("car-1", "permissions", permissions)
    wire.get("car-1", "", refused, status=429, headers={"Retry-After": "77"})
    told = _details.read(DRIVER, "car-1")
    assert isinstance(told.failed, RateLimited)
    assert told.columns() == {"permissions": ["read_vehicle_info"]}
    row = RateLimit.objects.get(key="car-1")
    assert row.requests == 0
    asked = len(wire.mock.calls)
    told = _details.read(DRIVER, "car-1")
    assert (told.failed.scope, told.columns(), len(wire.mock.calls)) == ("vehicle", {}, asked)
    assert 70 < told.failed.retry_after <= 77
