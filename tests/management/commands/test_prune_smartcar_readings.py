from datetime import timedelta

import pytest
from django.core.management import call_command
from django.utils import timezone

from django_smartcar.management.commands import prune_smartcar_readings as command
from django_smartcar.models import VehicleReading

pytestmark = pytest.mark.django_db


@pytest.fixture
def make_reading(vehicle):
    def make_reading(days, kind="odometer", **changes):
        moment = timezone.now() - timedelta(days=days)
        return VehicleReading.objects.create(
            vehicle=vehicle, kind=kind, value=days, recorded_at=moment, fetched_at=moment, **changes
        )

    return make_reading


def remaining_values():
    return sorted(VehicleReading.objects.values_list("value", flat=True))


def test_older_readings_are_deleted_except_the_newest_of_each_kind(make_reading, settings, capsys):
    settings.SMARTCAR_READINGS_KEPT_DAYS = 30
    make_reading(50, is_latest=True, kind="fuel.range")
    make_reading(40)
    make_reading(31)
    make_reading(29)
    make_reading(2, is_latest=True)
    call_command("prune_smartcar_readings")
    assert remaining_values() == [2, 29, 50]
    assert "deleted 2 readings older than" in capsys.readouterr().out


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
