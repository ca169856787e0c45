import pytest

from django_smartcar.exceptions import RateLimited, StateException
from django_smartcar.models import RateLimit
from django_smartcar.services.client import ApiCredentials
from django_smartcar.services.vehicles import _details

from ...mock_api import IN_MOTION, v2_error

pytestmark = pytest.mark.django_db

DRIVER = ApiCredentials("2.0", "access-0", "driver-a")


def test_repr_of_the_details_hides_the_vin(mock_api):
    mock_api.driver("driver-a", ["car-2"])
    mock_api.car("car-2", vin="5YJSA1CN5DFP00101")
    (details,) = _details.read_all(DRIVER)
    assert details.vin == "5YJSA1CN5DFP00101"
    assert "5YJSA1CN5DFP00101" not in repr(details)


def test_after_the_time_limit_only_ids_are_returned(mock_api, monkeypatch):
    monkeypatch.setattr(_details, "TIME_LIMIT", 0)
    mock_api.driver("driver-a", ["car-1", "car-2"])
    assert _details.read_all(DRIVER) == [_details.VehicleDetails("car-1"), _details.VehicleDetails("car-2")]
    assert len(mock_api.mock.calls) == 1


def test_details_without_permission_are_not_requested(mock_api):
    mock_api.car("car-1", permissions=["read_odometer"])
    assert _details.read(DRIVER, "car-1") == _details.VehicleDetails("car-1", {}, ["read_odometer"])
    assert len(mock_api.mock.calls) == 1


def test_a_vehicle_whose_details_cannot_be_read_is_returned(mock_api):
    mock_api.get("car-1", "permissions", IN_MOTION, status=409)
    details = _details.read(DRIVER, "car-1")
    assert isinstance(details.failed, StateException)
    assert details.columns() == {}


@pytest.mark.parametrize("vehicle_id", ["", ".", "..", "x" * 65])
def test_an_invalid_vehicle_id_is_ignored(mock_api, vehicle_id):
    mock_api.driver("driver-a", [vehicle_id, "car-1"])
    mock_api.car("car-1")
    assert [details.vehicle_id for details in _details.read_all(DRIVER)] == ["car-1"]


@pytest.mark.parametrize("year", ["2021", True, None, [], 99999, -1])
def test_an_invalid_year_is_ignored(year):
    assert "year" not in _details.VehicleDetails("car-1", {"year": year}).columns()


def test_only_billable_requests_are_counted(mock_api):
    mock_api.car("car-1", vin="5YJSA1CN5DFP00101")
    _details.read(DRIVER, "car-1")
    assert len(mock_api.mock.calls) == 3
    assert RateLimit.objects.get(key="car-1").requests == 2


def test_a_rate_limit_is_stored_and_no_request_is_sent_until_it_ends(mock_api):
    refused = v2_error(429, "RATE_LIMIT", "VEHICLE")
    permissions = {"permissions": ["read_vehicle_info"], "paging": {"count": 1, "offset": 0}}
    mock_api.get("car-1", "permissions", permissions)
    mock_api.get("car-1", "", refused, status=429, headers={"Retry-After": "77"})
    details = _details.read(DRIVER, "car-1")
    assert isinstance(details.failed, RateLimited)
    assert details.columns() == {"permissions": ["read_vehicle_info"]}
    row = RateLimit.objects.get(key="car-1")
    assert row.requests == 0
    before = len(mock_api.mock.calls)
    details = _details.read(DRIVER, "car-1")
    assert (details.failed.scope, details.columns(), len(mock_api.mock.calls)) == ("vehicle", {}, before)
    assert 70 < details.failed.retry_after <= 77
