"""Bounds of what is queued, from the side of those who try to pass them, and of those who must be served."""

from datetime import timedelta

import pytest
from django.utils import timezone

from django_smartcar.exceptions import DuplicateCommand, TooManyInFlight, TooManyRequests, user_message
from django_smartcar.models import VehicleCommand
from django_smartcar.services import commands

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def nobody(settings):
    """No worker runs: commands stay queued."""
    settings.SMARTCAR_COMMAND_EXECUTION = "command"


@pytest.fixture
def fleet(make_vehicle, account):
    return [make_vehicle(account, f"car-{number}") for number in range(12)]


def finish_all():
    VehicleCommand.objects.filter(slot__isnull=False).update(
        status="succeeded", slot=None, in_flight_key=None, finished_at=timezone.now()
    )


def ask(vehicle, actor=None, number=1, action="lock"):
    for _ in range(number):
        commands.enqueue(vehicle, action, actor=actor)
        finish_all()


def test_a_driver_has_a_limited_number_of_commands_in_flight(fleet, anna):
    for car in fleet[:8]:
        commands.enqueue(car, "lock", actor=anna)
    for action in ("lock", "refresh"):
        with pytest.raises(TooManyInFlight) as raised:
            commands.enqueue(fleet[8], action, actor=anna)
    assert "Your cars are still busy" in user_message(raised.value)
    assert VehicleCommand.objects.count() == 8
    commands.enqueue(fleet[8], "disconnect", actor=anna)
    finish_all()
    commands.enqueue(fleet[9], "lock", actor=anna)


def test_another_driver_is_served_meanwhile(fleet, anna, bert, make_account, make_vehicle):
    for car in fleet[:8]:
        commands.enqueue(car, "lock", actor=anna)
    commands.enqueue(make_vehicle(make_account(bert, "driver-b"), "car-b"), "lock", actor=bert)


def test_an_operator_commands_as_many_cars_as_needed(fleet, bert):
    for car in fleet:
        commands.enqueue(car, "lock", actor=bert)
    assert VehicleCommand.objects.count() == len(fleet)


def test_a_car_is_asked_a_limited_number_of_times_a_minute(vehicle, anna):
    ask(vehicle, anna, 10)
    with pytest.raises(TooManyRequests) as raised:
        ask(vehicle, anna)
    assert 1 <= raised.value.retry_after <= 60
    with pytest.raises(TooManyRequests):
        ask(vehicle, None)
    ask(vehicle, anna, action="refresh")
    VehicleCommand.objects.update(created_at=timezone.now() - timedelta(seconds=61))
    ask(vehicle, anna)


def test_two_users_of_one_car_share_its_limit(vehicle, anna, bert, make_account, make_vehicle):
    same = make_vehicle(make_account(bert, "driver-b"), vehicle.smartcar_vehicle_id)
    ask(vehicle, anna, 5)
    ask(same, bert, 5)
    with pytest.raises(TooManyRequests):
        ask(same, bert)
    ask(make_vehicle(same.account, "another"), bert)


def test_refreshes_have_the_same_limit_of_their_own(vehicle, anna, settings):
    settings.SMARTCAR_COMMANDS_PER_CAR = 3
    ask(vehicle, anna, 3, "refresh")
    with pytest.raises(TooManyRequests):
        ask(vehicle, anna, action="refresh")
    ask(vehicle, anna)
    ask(vehicle, anna, action="disconnect")


def test_only_disconnects_of_ones_own_refuse_a_disconnect(vehicle, anna, bert, make_account, make_vehicle):
    same = make_vehicle(make_account(bert, "driver-b"), vehicle.smartcar_vehicle_id)
    ask(vehicle, anna, 10)
    ask(vehicle, anna, 10, "refresh")
    ask(vehicle, anna, 10, "disconnect")  # Smartcar has failed each time
    with pytest.raises(TooManyRequests):
        ask(vehicle, anna, action="disconnect")
    ask(same, bert, action="disconnect")


def test_a_refused_command_counts_for_nothing(vehicle, anna):
    commands.enqueue(vehicle, "lock", actor=anna)
    for _ in range(20):
        with pytest.raises(DuplicateCommand):
            commands.enqueue(vehicle, "lock", actor=anna)
    assert VehicleCommand.objects.count() == 1
