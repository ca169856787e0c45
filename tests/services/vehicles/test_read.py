"""Many readings in one request: `vehicles.read`."""

from datetime import timedelta

import pytest
import time_machine
from django.utils import timezone

from django_smartcar.exceptions import (
    AuthenticationException,
    NotCapableException,
    PermissionException,
    RateLimitingException,
    SignalNotAvailable,
    StateException,
    VehicleDisconnected,
)
from django_smartcar.models import ConnectedVehicle, RateLimit, VehicleReading, VehicleSignal
from django_smartcar.sdk.readings import PERMISSIONS
from django_smartcar.services import vehicles

from ...mock_api import v2_error

pytestmark = pytest.mark.django_db
in_both_versions = pytest.mark.parametrize("smartcar", ["2.0", "3"], indirect=True)

EVERYTHING = ["required:read_vehicle_info", *sorted(set(PERMISSIONS.values()))]


@pytest.fixture
def driven(connect_driver, settings):
    settings.SMARTCAR_SCOPE = EVERYTHING
    return connect_driver().vehicles[0]


@in_both_versions
def test_many_readings_take_one_request_and_are_saved(driven, smartcar):
    found = vehicles.read(driven, ["odometer", "location", "battery", "charge", "tire_pressure"])
    assert list(found) == ["odometer", "location", "battery", "charge", "tire_pressure"]
    car = smartcar.car()
    assert found["odometer"]["data"] == {"distance": pytest.approx(car.odometer_km)}
    assert found["battery"]["data"]["percent_remaining"] == pytest.approx(car.battery_percent)
    latest = driven.signals
    assert latest["odometer"].value == pytest.approx(car.odometer_km)
    assert latest["battery_level"].value == pytest.approx(car.battery_percent)
    assert latest["charge_state"].value == found["charge"]["data"]["state"]


@in_both_versions
def test_everything_can_be_read_and_the_cache_returns_the_same(driven):
    names = [name for name in PERMISSIONS if name != "service_history"]
    found = vehicles.read(driven, names)
    values = {name: value for name, value in found.items() if not isinstance(value, Exception)}
    assert len(values) > 8
    cached = vehicles.read(driven, list(values), max_age=timedelta(minutes=5))
    assert cached == {name: approximately(value) for name, value in values.items()}


def approximately(node):
    """Return a value whose numbers may differ by the rounding of unit conversions."""
    if isinstance(node, dict):
        return {name: approximately(inner) for name, inner in node.items()}
    return pytest.approx(node) if isinstance(node, float) else node


@in_both_versions
def test_one_item_that_fails_does_not_fail_the_others(driven, smartcar, settings):
    car = ConnectedVehicle.objects.get()
    ConnectedVehicle.objects.update(permissions=[*car.permissions, "read_odometer"])
    smartcar.car().fault = "VEHICLE_STATE:ASLEEP"
    found = vehicles.read(driven, ["odometer"])
    assert isinstance(found["odometer"], StateException)
    assert not VehicleReading.objects.exists()


def test_a_batch_is_one_request_and_each_error_has_its_own_retry_after(vehicle, mock_api):
    refused = (429, v2_error(429, "RATE_LIMIT", "VEHICLE"), {"Retry-After": "77"})
    mock_api.batch("car-1", {"odometer": {"distance": 5}, "location": refused})
    found = vehicles.read(vehicle, ["location", "odometer"])
    assert len(mock_api.mock.calls) == 1
    assert isinstance(found["location"], RateLimitingException)
    assert found["location"].retry_after == 77
    assert found["odometer"]["data"] == {"distance": 5}
    assert set(vehicle.signals) == {"odometer"}


def test_readings_without_permission_are_not_requested(vehicle, mock_api):
    mock_api.batch("car-1", {"odometer": {"distance": 5}})
    found = vehicles.read(vehicle, ["fuel", "odometer"])
    assert isinstance(found["fuel"], PermissionException)
    assert "read_fuel" in str(found["fuel"])
    assert list(found) == ["fuel", "odometer"]
    assert isinstance(vehicles.read(vehicle, ["fuel"])["fuel"], PermissionException)
    assert len(mock_api.mock.calls) == 1


@in_both_versions
def test_any_signal_can_be_read_by_its_name(driven, smartcar):
    found = vehicles.read(driven, ["odometer", "tires", "is_locked", "front_trunk", "abs_status"])
    car = smartcar.car()
    assert found["odometer"]["data"] == {"distance": pytest.approx(car.odometer_km)}
    assert (found["is_locked"].value, found["is_locked"].is_ok) == (car.is_locked, True)
    assert [tire["tirePressure"] for tire in found["tires"].value["values"]] == pytest.approx(car.tires_kpa)
    assert found["front_trunk"].value["isOpen"] is False
    assert found["abs_status"].value["status"] == "OK"
    stored = driven.signals
    assert {name: stored[name].pk for name in found if name != "odometer"} == {
        name: state.pk for name, state in found.items() if name != "odometer"
    }


def test_through_v3_all_signals_of_the_response_are_saved(smartcar, connect_driver, settings):
    settings.SMARTCAR_SCOPE = EVERYTHING
    vehicle = connect_driver().vehicles[0]
    vehicles.read(vehicle, ["odometer"])
    assert {"is_locked", "doors", "battery_level", "charge_voltage", "abs_status"} <= set(vehicle.signals)


@in_both_versions
def test_a_signal_that_the_car_does_not_have_says_why(connect_driver, settings):
    settings.SMARTCAR_SCOPE = EVERYTHING
    tesla = connect_driver(make="TESLA").vehicles[0]
    found = vehicles.read(tesla, ["odometer", "fuel_level"])["fuel_level"]
    assert isinstance(found, VehicleSignal if tesla.account.uses_v3 else NotCapableException)
    state = tesla.signals["fuel_level"]
    assert (state.status, state.error_code, state.value) == ("not_capable", "VEHICLE_NOT_CAPABLE", None)


def test_a_signal_that_smartcar_has_not_collected_says_so(smartcar, connect_driver, settings):
    settings.SMARTCAR_SCOPE = EVERYTHING + ["read_speedometer"]
    settings.SMARTCAR_SIMULATOR_SIGNALS = False
    vehicle = connect_driver().vehicles[0]
    state = vehicles.read(vehicle, ["speed"])["speed"]
    assert (state.status, state.value, state.pk) == ("not_collected", None, None)


def test_signals_of_v2_take_the_requests_of_their_readings(make_vehicle, account, mock_api):
    vehicle = make_vehicle(account, permissions=["read_battery", "read_speedometer", "read_charge"])
    mock_api.batch("car-1", {"battery": {"percentRemaining": 0.5, "range": 200}})
    found = vehicles.read(vehicle, ["battery_range", "battery_level", "battery", "speed", "is_charging"])
    assert [found[name].value for name in ("battery_range", "battery_level")] == [200, 0.5]
    assert found["battery"]["data"] == {"percent_remaining": 0.5, "range": 200}
    for name in ("speed", "is_charging"):
        assert isinstance(found[name], SignalNotAvailable)
    assert len(mock_api.mock.calls) == 1
    assert RateLimit.objects.get().requests == 1
    again = vehicles.read(vehicle, ["battery_range", "battery"], max_age=timedelta(minutes=5))
    assert again["battery_range"].value == 200
    assert again["battery"]["data"] == found["battery"]["data"]
    assert len(mock_api.mock.calls) == 1


def test_all_parts_of_a_reading_of_v2_are_saved_and_cached(make_vehicle, account, mock_api):
    """Through API v2, ``read_security`` includes the charging port; its signal needs ``read_charge``."""
    vehicle = make_vehicle(account, permissions=["read_security"])
    port = [{"type": "chargingPort", "status": "OPEN"}]
    mock_api.batch("car-1", {"security": {"isLocked": True, "chargingPort": port}})
    found = vehicles.read(vehicle, ["lock_status"])
    assert vehicle.signals["is_charge_port_open"].value is True
    assert vehicles.read(vehicle, ["lock_status"], max_age=timedelta(minutes=5)) == found


def test_a_signal_without_permission_is_not_requested(vehicle, mock_api):
    found = vehicles.read(vehicle, ["tires"])
    assert isinstance(found["tires"], PermissionException)
    assert "read_tires" in str(found["tires"])
    assert not mock_api.mock.calls


@pytest.mark.parametrize("names", [["odometer", "range"], "odometer", ["attributes"]])
def test_an_unknown_name_is_a_value_error(vehicle, mock_api, names):
    with pytest.raises(ValueError, match="name"):
        vehicles.read(vehicle, names)
    assert not mock_api.mock.calls


def test_fresh_readings_are_not_requested_again(vehicle, mock_api):
    place = {"latitude": 1.5, "longitude": 2.5}
    mock_api.batch("car-1", {"odometer": {"distance": 5}, "location": place})
    first = vehicles.read(vehicle, ["odometer"])
    assert vehicles.read(vehicle, ["odometer"], max_age=timedelta(minutes=5)) == first
    assert len(mock_api.mock.calls) == 1
    both = vehicles.read(vehicle, ["odometer", "location"], max_age=timedelta(minutes=5))
    assert b'"/odometer"' not in mock_api.mock.calls[1].request.body
    assert both == {**first, "location": {"data": place, "age": first["odometer"]["age"]}}
    with time_machine.travel(timezone.now() + timedelta(minutes=6)):
        vehicles.read(vehicle, ["odometer"], max_age=timedelta(minutes=5))
    assert len(mock_api.mock.calls) == 3


def test_a_max_age_that_is_a_number_is_a_type_error(vehicle):
    with pytest.raises(
        TypeError, match=r"max_age must be a timedelta, like timedelta\(minutes=10\), not int"
    ):
        vehicles.read(vehicle, ["odometer"], max_age=10)


def test_the_cache_is_not_used_without_permission(vehicle, mock_api):
    mock_api.batch("car-1", {"odometer": {"distance": 5}})
    vehicles.read(vehicle, ["odometer"])
    vehicle.permissions = []
    found = vehicles.read(vehicle, ["odometer"], max_age=timedelta(days=1))
    assert isinstance(found["odometer"], PermissionException)


def test_the_cache_is_not_used_for_a_disconnected_vehicle(vehicle, mock_api):
    mock_api.batch("car-1", {"odometer": {"distance": 5}})
    vehicles.read(vehicle, ["odometer"])
    vehicle.disconnected_at = timezone.now()
    with pytest.raises(VehicleDisconnected):
        vehicles.read(vehicle, ["odometer"], max_age=timedelta(days=1))


def test_a_failed_batch_raises_and_changes_nothing(vehicle, mock_api):
    mock_api.batch("car-1", {"odometer": {"distance": 5}})
    vehicles.read(vehicle, ["odometer"])
    mock_api.mock.reset()
    url = "https://api.smartcar.com/v2.0/vehicles/car-1/batch"
    mock_api.mock.add("POST", url, status=401, json=v2_error(401, "AUTHENTICATION"))
    mock_api.tokens()
    with pytest.raises(AuthenticationException):
        vehicles.read(vehicle, ["odometer"])
    assert vehicle.signals["odometer"].value == 5


def test_an_item_with_a_login_error_marks_the_vehicle_for_reauthentication(vehicle, mock_api):
    url = {"resolution": {"type": "REAUTHENTICATE", "url": "https://connect.smartcar.com/again"}}
    refused = v2_error(400, "CONNECTED_SERVICES_ACCOUNT", "AUTHENTICATION_FAILED", **url)
    mock_api.batch("car-1", {"odometer": (400, refused), "location": (400, refused)})
    vehicles.read(vehicle, ["odometer", "location"])
    row = ConnectedVehicle.objects.get()
    assert (row.needs_reauthentication, row.reauthentication_url) == (True, url["resolution"]["url"])
    mock_api.mock.reset()
    mock_api.batch("car-1", {"odometer": {"distance": 5}})
    vehicles.read(vehicle, ["odometer"])
    assert not ConnectedVehicle.objects.get().needs_reauthentication


def test_a_refresh_ignores_values_that_the_vehicle_does_not_have(make_vehicle, account, mock_api):
    vehicle = make_vehicle(account, permissions=["read_odometer", "read_fuel"])
    incapable = (501, v2_error(501, "COMPATIBILITY", "VEHICLE_NOT_CAPABLE"))
    mock_api.batch("car-1", {"odometer": {"distance": 5}, "fuel": incapable})
    vehicles.refresh_readings(vehicle)
    mock_api.mock.reset()
    mock_api.batch("car-1", {"odometer": incapable, "fuel": incapable})
    with pytest.raises(NotCapableException):
        vehicles.refresh_readings(vehicle)
