from datetime import timedelta

import pytest
from django.utils import timezone

from django_smartcar.diagnostics import signal_statuses
from django_smartcar.models import ConnectedVehicle, VehicleSignal

pytestmark = pytest.mark.django_db


@pytest.fixture
def save(vehicle):
    def save(signal, status, error_type="", error_code=""):
        VehicleSignal.objects.create(
            vehicle=vehicle,
            signal=signal,
            status=status,
            status_at=timezone.now(),
            error_type=error_type,
            error_code=error_code,
        )

    return save


def test_no_signal_has_an_error(find_one, save):
    save("odometer", "ok")
    save("fuel_level", "not_capable", "COMPATIBILITY", "VEHICLE_NOT_CAPABLE")
    save("nickname", "not_requested", "PERMISSION")
    assert find_one(signal_statuses.signal_statuses)[:2] == ("ok", "no signal has an error")


@pytest.mark.parametrize(
    ("status", "text", "hint"),
    [
        ("not_granted", "signals that drivers have not granted, although", "connect their car again"),
        ("not_in_plan", "signals that are not in your plan: 2", "Choose a plan"),
        ("not_collected", "signals that Smartcar has not collected since", "SMARTCAR_WEBHOOKS"),
    ],
)
def test_each_reason_is_counted_with_what_to_do(find_one, save, status, text, hint):
    ConnectedVehicle.objects.update(created_at=timezone.now() - timedelta(days=3))
    save("odometer", status)
    save("location", status)
    outcome, found_text, found_hint = find_one(signal_statuses.signal_statuses)
    assert outcome == "warning"
    assert text in found_text
    assert found_text.endswith(": 2")
    assert hint in found_hint


def test_a_new_vehicle_has_two_days_until_its_signals_are_collected(find_one, save):
    save("odometer", "not_collected")
    assert find_one(signal_statuses.signal_statuses)[0] == "ok"


def test_the_most_frequent_errors_are_named(find_one, save):
    for name in ("odometer", "location"):
        save(name, "error", "UPSTREAM", "RATE_LIMIT")
    save("tires", "error", "VEHICLE_STATE", "ASLEEP")
    save("speed", "error")
    assert find_one(signal_statuses.signal_statuses)[1] == (
        "signals whose last value is an error: 4 (UPSTREAM:RATE_LIMIT 2, unknown 1, VEHICLE_STATE:ASLEEP 1)"
    )


def test_disconnected_vehicles_are_left_out(find_one, save):
    save("odometer", "not_in_plan")
    ConnectedVehicle.objects.update(disconnected_at=timezone.now())
    assert find_one(signal_statuses.signal_statuses)[0] == "ok"
