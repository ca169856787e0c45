from datetime import timedelta

import pytest
import time_machine
from django.core.management import call_command
from django.utils import timezone

from django_smartcar.management.commands import prune_smartcar_readings as command
from django_smartcar.models import VehicleReading
from django_smartcar.services import readings

pytestmark = pytest.mark.django_db


@pytest.fixture
def make_reading(vehicle):
    def make_reading(days, signal="odometer"):
        moment = timezone.now() - timedelta(days=days)
        return VehicleReading.objects.create(
            vehicle=vehicle, signal=signal, value=days, recorded_at=moment, received_at=moment
        )

    return make_reading


def remaining_values():
    return sorted(VehicleReading.objects.values_list("value", flat=True))


def test_older_readings_are_deleted_and_the_latest_states_stay(make_reading, vehicle, settings, capsys):
    settings.SMARTCAR_READINGS_KEPT_DAYS = 30
    with time_machine.travel(timezone.now() - timedelta(days=50)):
        readings.save(vehicle, "fuel_range", 50, "km", timezone.now())
    make_reading(40)
    make_reading(31)
    make_reading(29)
    make_reading(2)
    call_command("prune_smartcar_readings")
    assert remaining_values() == [2, 29]
    assert vehicle.signals["fuel_range"].value == 50
    assert "deleted 3 readings older than" in capsys.readouterr().out


def test_pruning_looks_for_old_readings_of_each_signal_in_an_index(
    make_reading, settings, django_assert_num_queries
):
    settings.SMARTCAR_READINGS_KEPT_DAYS = 30
    for number in range(50):
        make_reading(number * 0.1)
    make_reading(29, "speed")
    # Two names and the end of them, and old readings of each.
    with django_assert_num_queries(5):
        call_command("prune_smartcar_readings")


def test_a_signal_may_be_kept_for_a_time_of_its_own(make_reading, settings):
    settings.SMARTCAR_READINGS_KEPT_DAYS = {"location": 7, "odometer": 1000, "*": 30}
    for days in (6, 8):
        make_reading(days, "location")
    for days in (900, 1100):
        make_reading(days)
    for days in (29, 31):
        make_reading(days, "speed")
    call_command("prune_smartcar_readings")
    assert remaining_values() == [6, 29, 900]


def test_other_signals_are_kept_for_a_year_if_the_setting_names_none(make_reading, settings):
    settings.SMARTCAR_READINGS_KEPT_DAYS = {"location": 7}
    for days in (364, 366):
        make_reading(days)
    call_command("prune_smartcar_readings")
    assert remaining_values() == [364]


def test_readings_are_deleted_in_batches_and_an_interrupted_run_can_be_continued(
    make_reading, settings, monkeypatch, capsys
):
    settings.SMARTCAR_READINGS_KEPT_DAYS = 30
    monkeypatch.setattr(command, "BATCH_SIZE", 10)
    for number in range(25):
        make_reading(100 + number)
    lines = []

    class Interrupted(Exception):
        pass

    class InterruptedOutput:
        def write(self, text):
            lines.append(text)
            if len(lines) == 1:
                raise Interrupted

        def isatty(self):
            return False

    with pytest.raises(Interrupted):
        call_command("prune_smartcar_readings", stdout=InterruptedOutput())
    assert remaining_values() == list(range(100, 115)), "the oldest are deleted first, and stay deleted"
    call_command("prune_smartcar_readings")
    assert remaining_values() == []


def test_readings_are_kept_for_a_year_by_default(make_reading):
    make_reading(364)
    make_reading(366)
    call_command("prune_smartcar_readings")
    assert remaining_values() == [364]
