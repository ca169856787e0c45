from datetime import timedelta

import pytest
from django.core.management import call_command
from django.utils import timezone

from django_smartcar.management.commands import prune_smartcar_readings as command
from django_smartcar.models import VehicleReading

pytestmark = pytest.mark.django_db


@pytest.fixture
def make(vehicle):
    def make(days, kind="odometer", **changes):
        moment = timezone.now() - timedelta(days=days)
        return VehicleReading.objects.create(
            vehicle=vehicle, kind=kind, value=days, recorded_at=moment, fetched_at=moment, **changes
        )

    return make


def left():
    return sorted(VehicleReading.objects.values_list("value", flat=True))


def test_what_is_older_goes_and_the_newest_of_each_kind_stays(make, settings, capsys):
    settings.SMARTCAR_READINGS_KEPT_DAYS = 30
    make(50, is_latest=True, kind="fuel.range")
    make(40)
    make(31)
    make(29)
    make(2, is_latest=True)
    call_command("prune_smartcar_readings")
    assert left() == [2, 29, 50]
    assert "deleted 2 readings older than" in capsys.readouterr().out


def test_it_goes_in_batches_and_goes_on_after_an_interruption(make, settings, monkeypatch, capsys):
    settings.SMARTCAR_READINGS_KEPT_DAYS = 30
    monkeypatch.setattr(command, "BATCH_SIZE", 10)
    for number in range(25):
        make(100 + number)
    told = []

    class Interrupted(Exception):
        pass

    class Out:
        def write(self, text):
            told.append(text)
            if len(told) == 1:
                raise Interrupted

        def isatty(self):
            return False

    with pytest.raises(Interrupted):
        call_command("prune_smartcar_readings", stdout=Out())
    assert left() == list(range(100, 115)), "the oldest went first, and stayed gone"
    call_command("prune_smartcar_readings")
    assert left() == []


def test_a_year_is_kept_unless_the_settings_say_otherwise(make):
    make(364)
    make(366)
    call_command("prune_smartcar_readings")
    assert left() == [364]
