"""Of each profile: what a car truly has, beside what arrives in the site through a webhook."""

import pytest

from django_smartcar.models import LatestSignal
from django_smartcar.sdk.signals import CODES
from django_smartcar.simulator.profiles import PROFILES
from django_smartcar.simulator.webhooks import payloads

from . import known_differences, truth

pytestmark = pytest.mark.django_db(transaction=True)

SCENARIOS = list(known_differences.SIGNALS)


def differences(true, arrived):
    """Return (truth, arrived) where they differ, in the form of the tables without the reasons."""
    names = [*true, *(name for name in arrived if name not in true)]
    pairs = {name: (true.get(name, "absent"), arrived.get(name, "absent")) for name in names}
    return {name: pair for name, pair in pairs.items() if pair[0] != pair[1]}


def without_reasons(table):
    return {name: (true, arrived) for name, (true, arrived, _) in table.items()}


def test_the_tables_have_every_profile():
    for table in (known_differences.SIGNALS, known_differences.STORED, known_differences.READS):
        assert {name.partition(",")[0] for name in table} == set(PROFILES)
        assert set(table) == set(SCENARIOS)


@pytest.mark.parametrize("variant", payloads.VARIANTS)
@pytest.mark.parametrize("scenario", SCENARIOS)
def test_the_signals_that_a_receiver_gets(tell, scenario, variant):
    told = tell(scenario, variant)
    assert told.event.state == "processed"
    true, arrived = truth.of_signals(told.car), {}
    for signal in told.signals:
        arrived[signal["code"]] = truth.of_signal(signal)
        if signal["status"] == "SUCCESS":
            true[f"{signal['code']}, time"] = truth.time_of(signal["code"], told.car)
            arrived[f"{signal['code']}, time"] = truth.time(signal["age"])
    assert differences(true, arrived) == without_reasons(known_differences.SIGNALS[scenario])


@pytest.mark.parametrize("variant", payloads.VARIANTS)
@pytest.mark.parametrize("scenario", SCENARIOS)
def test_the_readings_that_are_stored(tell, scenario, variant):
    told = tell(scenario, variant)
    true, arrived = truth.of_readings(told.car), {}
    for row in told.vehicle.readings.latest_only():
        arrived[row.kind] = truth.text(row.value, row.unit)
        true[f"{row.kind}, time"] = truth.time(told.car.recorded_at)
        arrived[f"{row.kind}, time"] = truth.time(row.recorded_at)
    arrived = dict.fromkeys(true, "not kept") | arrived
    expected = known_differences.NOT_STORED_OF_EVENTS | known_differences.STORED[scenario]
    assert differences(true, arrived) == without_reasons(expected)


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_the_latest_signals_have_the_times_that_arrived(tell, scenario):
    told = tell(scenario)
    ages = {signal["code"]: truth.time(signal["age"]) for signal in told.signals}
    for row in LatestSignal.objects.filter(vehicle=told.vehicle):
        assert truth.time(row.recorded_at) == ages[CODES[row.name]]
