"""Nobody asks before Smartcar's Retry-After is over, nobody sleeps, and what was asked is counted."""

import time
from datetime import timedelta

import pytest
from django.utils import timezone

from django_smartcar.exceptions import RateLimited, RateLimitingException, StateException
from django_smartcar.models import ConnectedVehicle, RateLimit, VehicleCommand
from django_smartcar.services import _rate_limits, _session, commands, vehicles
from django_smartcar.simulator import store

pytestmark = [pytest.mark.django_db, pytest.mark.parametrize("smartcar", ["2.0", "3"], indirect=True)]


@pytest.fixture
def vehicle(drives):
    (vehicle,) = drives().vehicles
    RateLimit.objects.all().delete()  # connecting has asked as well
    return vehicle


def wait(**spent):
    """Let it be so much later for us."""
    for row in RateLimit.objects.exclude(blocked_until=None):
        row.blocked_until -= timedelta(**spent)
        row.save()


def test_a_throttled_car_is_not_asked_before_its_time(vehicle, smartcar):
    smartcar.car().fault = "RATE_LIMIT:VEHICLE"
    with pytest.raises(RateLimited):
        commands.send(vehicle, "lock")
    smartcar.car().fault = None
    asked, began = len(smartcar.asked), time.monotonic()
    for ask in (vehicles.odometer, vehicles.location, lambda car: commands.send(car, "unlock")):
        with pytest.raises(RateLimited) as raised:
            ask(vehicle)
        assert raised.value.scope == "vehicle"
        assert 100 < raised.value.retry_after <= 120
        assert isinstance(raised.value, RateLimitingException)
    assert time.monotonic() - began < 1, "nobody sleeps"
    assert len(smartcar.asked) == asked
    assert VehicleCommand.objects.count() == 1
    wait(seconds=121)
    assert commands.send(vehicle, "unlock").status == "succeeded"


def test_a_full_bucket_blocks_every_car_of_the_application(vehicle, smartcar, drives, bert):
    other = drives("other@example.com", user=bert).vehicles[0]
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


def test_another_car_is_not_blocked(vehicle, smartcar, drives, bert):
    other = drives("other@example.com", user=bert).vehicles[0]
    smartcar.car().fault = "RATE_LIMIT:VEHICLE"
    with pytest.raises(RateLimited):
        commands.send(vehicle, "lock")
    assert commands.send(other, "lock").status == "succeeded"


def test_a_blocked_car_can_be_given_back(vehicle, smartcar):
    RateLimit.objects.update_or_create(
        key=vehicle.smartcar_vehicle_id, defaults={"blocked_until": timezone.now() + timedelta(hours=1)}
    )
    assert vehicles.disconnect(vehicle)


def test_a_blocked_car_can_be_connected_and_is_not_asked(vehicle, smartcar, drives):
    until = timezone.now() + timedelta(hours=1)
    RateLimit.objects.create(key=vehicle.smartcar_vehicle_id, blocked_until=until)
    ConnectedVehicle.objects.all().delete()
    asked = len(smartcar.asked)
    (connected,) = drives().vehicles
    assert connected.smartcar_vehicle_id == vehicle.smartcar_vehicle_id
    assert connected.vin == ""
    to_the_car = f"vehicles/{vehicle.smartcar_vehicle_id}"
    assert not [path for _, path in smartcar.asked[asked:] if to_the_car in path]
    RateLimit.objects.update(blocked_until=None)
    assert drives().vehicles[0].vin


def test_what_connecting_asks_a_car_is_counted(vehicle, drives):
    """What API v3 tells of a connection, and API v2 of permissions, the plan does not count."""
    drives()
    row = RateLimit.objects.get(key=vehicle.smartcar_vehicle_id)
    assert row.requests == (1 if vehicle.account.uses_v3 else 2)


def test_every_request_to_a_car_is_counted_also_one_that_fails_but_none_that_is_refused(vehicle, smartcar):
    vehicles.odometer(vehicle)
    commands.send(vehicle, "lock")
    smartcar.car().fault = "VEHICLE_STATE:ASLEEP"
    with pytest.raises(StateException):
        commands.send(vehicle, "unlock")
    _session.call(vehicle, lambda car: None, requests=6)
    smartcar.car().fault = "RATE_LIMIT:VEHICLE"
    for _ in range(2):
        with pytest.raises(RateLimited):
            commands.send(vehicle, "unlock")
    row = RateLimit.objects.get(key=vehicle.smartcar_vehicle_id)
    assert (row.requests, row.month) == (9, f"{timezone.now():%Y-%m}")


def test_a_new_month_begins_with_nothing(vehicle):
    RateLimit.objects.create(key=vehicle.smartcar_vehicle_id, month="2026-01", requests=500)
    vehicles.odometer(vehicle)
    vehicles.odometer(vehicle)
    assert RateLimit.objects.get().requests == 2


def test_a_car_that_was_asked_this_month_is_counted_with_one_query(vehicle, django_assert_num_queries):
    _rate_limits.record_usage(vehicle)
    with django_assert_num_queries(1):
        _rate_limits.record_usage(vehicle, 6)
    assert RateLimit.objects.get().requests == 7


def test_many_cars_are_counted_each_by_its_own_number(vehicle):
    month = f"{timezone.now():%Y-%m}"
    RateLimit.objects.create(key="asked", month=month, requests=40)
    RateLimit.objects.create(key="asked-long-ago", month="2026-01", requests=40)
    RateLimit.objects.create(key="not-asked", month=month, requests=40)
    _rate_limits.add_usage({"asked": 3, "asked-long-ago": 2, "new": 1, "not-asked": 0})
    counted = {row.key: (row.month, row.requests) for row in RateLimit.objects.all()}
    assert counted == {
        "asked": (month, 43),
        "asked-long-ago": (month, 2),
        "new": (month, 1),
        "not-asked": (month, 40),
    }
