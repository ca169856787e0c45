"""No request is sent before Retry-After is over, nothing sleeps, and billable requests are counted."""

from datetime import timedelta

import pytest
from django.utils import timezone

from django_smartcar.exceptions import RateLimited, RateLimitingException, StateException
from django_smartcar.models import ConnectedVehicle, RateLimit, VehicleCommand
from django_smartcar.services import _authenticated_calls, _rate_limits, commands, vehicles
from django_smartcar.simulator import store

pytestmark = [pytest.mark.django_db, pytest.mark.parametrize("smartcar", ["2.0", "3"], indirect=True)]


@pytest.fixture
def vehicle(connect_driver):
    (vehicle,) = connect_driver().vehicles
    RateLimit.objects.all().delete()  # connecting has sent requests, too
    return vehicle


def wait(**spent):
    """Move the saved rate limits into the past."""
    for row in RateLimit.objects.exclude(blocked_until=None):
        row.blocked_until -= timedelta(**spent)
        row.save()


def test_a_rate_limited_vehicle_gets_no_request_before_retry_after(vehicle, smartcar, clock):
    smartcar.car().fault = "RATE_LIMIT:VEHICLE"
    with pytest.raises(RateLimited):
        commands.send(vehicle, "lock")
    smartcar.car().fault = None
    before = len(smartcar.requests)
    for send_request in (vehicles.odometer, vehicles.location, lambda car: commands.send(car, "unlock")):
        with pytest.raises(RateLimited) as raised:
            send_request(vehicle)
        assert raised.value.scope == "vehicle"
        assert 100 < raised.value.retry_after <= 120
        assert isinstance(raised.value, RateLimitingException)
    assert clock.elapsed == 0
    assert len(smartcar.requests) == before
    assert VehicleCommand.objects.count() == 1
    wait(seconds=121)
    assert commands.send(vehicle, "unlock").status == "succeeded"


def test_a_rate_limit_of_the_application_blocks_every_vehicle(vehicle, smartcar, connect_driver, bert):
    other = connect_driver("other@example.com", user=bert).vehicles[0]
    smartcar.car("other@example.com").fault = "RATE_LIMIT:SMARTCAR_API"
    with pytest.raises(RateLimited):
        commands.send(other, "lock")
    with store.changes():
        for car in store.cars():
            car.fault = None
    with pytest.raises(RateLimited) as raised:
        vehicles.odometer(other)
    assert raised.value.scope == "application"
    assert raised.value.retry_after <= 30
    with pytest.raises(RateLimited):
        vehicles.odometer(vehicle)
    wait(seconds=31)
    vehicles.odometer(vehicle)


def test_another_vehicle_is_not_blocked(vehicle, smartcar, connect_driver, bert):
    other = connect_driver("other@example.com", user=bert).vehicles[0]
    smartcar.car().fault = "RATE_LIMIT:VEHICLE"
    with pytest.raises(RateLimited):
        commands.send(vehicle, "lock")
    assert commands.send(other, "lock").status == "succeeded"


def test_a_blocked_vehicle_can_be_disconnected(vehicle, smartcar):
    RateLimit.objects.update_or_create(
        key=vehicle.smartcar_vehicle_id, defaults={"blocked_until": timezone.now() + timedelta(hours=1)}
    )
    assert vehicles.disconnect(vehicle)


def test_a_blocked_vehicle_can_be_connected_without_a_request(vehicle, smartcar, connect_driver):
    until = timezone.now() + timedelta(hours=1)
    RateLimit.objects.create(key=vehicle.smartcar_vehicle_id, blocked_until=until)
    ConnectedVehicle.objects.all().delete()
    before = len(smartcar.requests)
    (connected,) = connect_driver().vehicles
    assert connected.smartcar_vehicle_id == vehicle.smartcar_vehicle_id
    assert connected.vin == ""
    vehicle_path = f"vehicles/{vehicle.smartcar_vehicle_id}"
    assert not [path for _, path in smartcar.requests[before:] if vehicle_path in path]
    RateLimit.objects.update(blocked_until=None)
    assert connect_driver().vehicles[0].vin


def test_the_requests_of_connecting_are_counted(vehicle, connect_driver):
    ConnectedVehicle.objects.update(vin="")  # the VIN is read once
    """Connections of API v3 and permissions of API v2 are not billable."""
    connect_driver()
    row = RateLimit.objects.get(key=vehicle.smartcar_vehicle_id)
    assert row.requests == (1 if vehicle.account.uses_v3 else 2)


def test_connecting_again_reads_only_what_may_have_changed(vehicle, smartcar, connect_driver):
    vin, make = vehicle.vin, vehicle.make
    assert vin
    assert make
    before = len(smartcar.requests)
    ConnectedVehicle.objects.update(permissions=[])
    connect_driver()
    paths = [path for _, path in smartcar.requests[before:]]
    assert not [path for path in paths if path.endswith(("/vin", "/signals/vehicleidentification-vin"))]
    assert not RateLimit.objects.filter(requests__gt=0).exists()
    vehicle.refresh_from_db()
    assert (vehicle.vin, vehicle.make) == (vin, make)
    assert vehicle.permissions


def test_every_request_is_counted_unless_it_was_rate_limited(vehicle, smartcar):
    vehicles.odometer(vehicle)
    commands.send(vehicle, "lock")
    smartcar.car().fault = "VEHICLE_STATE:ASLEEP"
    with pytest.raises(StateException):
        commands.send(vehicle, "unlock")
    _authenticated_calls.call(vehicle, lambda car: None, requests=6)
    smartcar.car().fault = "RATE_LIMIT:VEHICLE"
    for _ in range(2):
        with pytest.raises(RateLimited):
            commands.send(vehicle, "unlock")
    row = RateLimit.objects.get(key=vehicle.smartcar_vehicle_id)
    assert (row.requests, row.month) == (9, f"{timezone.now():%Y-%m}")


def test_the_count_restarts_every_month(vehicle):
    RateLimit.objects.create(key=vehicle.smartcar_vehicle_id, month="2026-01", requests=500)
    vehicles.odometer(vehicle)
    vehicles.odometer(vehicle)
    assert RateLimit.objects.get().requests == 2


def test_a_request_is_counted_in_one_query(vehicle, django_assert_num_queries):
    _rate_limits.record_usage(vehicle)
    with django_assert_num_queries(1):
        _rate_limits.record_usage(vehicle, 6)
    assert RateLimit.objects.get().requests == 7


def test_many_vehicles_are_counted_each_by_its_own_number(vehicle):
    month = f"{timezone.now():%Y-%m}"
    RateLimit.objects.create(key="requested", month=month, requests=40)
    RateLimit.objects.create(key="requested-long-ago", month="2026-01", requests=40)
    RateLimit.objects.create(key="not-requested", month=month, requests=40)
    _rate_limits.add_usage({"requested": 3, "requested-long-ago": 2, "new": 1, "not-requested": 0})
    counted = {row.key: (row.month, row.requests) for row in RateLimit.objects.all()}
    assert counted == {
        "requested": (month, 43),
        "requested-long-ago": (month, 2),
        "new": (month, 1),
        "not-requested": (month, 40),
    }
