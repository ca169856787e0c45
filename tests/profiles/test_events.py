"""Of each profile: what a car truly has, beside what arrives in the site through a webhook."""

import pytest

from django_smartcar.models import LatestSignal
from django_smartcar.sdk.signals import CODES
from django_smartcar.simulator.profiles import PROFILES
from django_smartcar.simulator.signals.catalog import SIGNALS
from django_smartcar.simulator.webhooks import payloads

from . import known_differences, texts, truth

pytestmark = pytest.mark.django_db(transaction=True)

SCENARIOS = list(known_differences.SIGNALS)


def differences(true, arrived):
    """Return (truth, arrived) by name, where they differ."""
    names = [*true, *(name for name in arrived if name not in true)]
    pairs = {name: (true.get(name, "absent"), arrived.get(name, "absent")) for name in names}
    return {name: pair for name, pair in pairs.items() if pair[0] != pair[1]}


def without_reasons(table):
    """Return the differences of a table in the form of `differences`."""
    return {name: pair for group in table.values() for name, pair in group.items()}


def test_the_truth_has_every_signal(connect_car):
    assert set(truth.of_signals(connect_car("documented").car)) == set(SIGNALS)


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
        arrived[signal["code"]] = texts.of_signal(signal)
        if signal["status"] == "SUCCESS":
            true[f"{signal['code']}, time"] = truth.time_of(signal["code"], told.car)
            arrived[f"{signal['code']}, time"] = texts.time(signal["age"])
    assert differences(true, arrived) == without_reasons(known_differences.SIGNALS[scenario])


@pytest.mark.parametrize("variant", payloads.VARIANTS)
@pytest.mark.parametrize("scenario", SCENARIOS)
def test_the_readings_that_are_stored(tell, scenario, variant):
    told = tell(scenario, variant)
    true, arrived = truth.of_readings(told.car), {}
    for row in told.vehicle.readings.latest_only():
        arrived[row.kind] = texts.text(row.value, row.unit)
        true[f"{row.kind}, time"] = texts.time(told.car.recorded_at)
        arrived[f"{row.kind}, time"] = texts.time(row.recorded_at)
    arrived = dict.fromkeys(true, "not kept") | arrived
    expected = {kind: (true[kind], "not kept") for kind in known_differences.NOT_STORED_OF_EVENTS}
    expected |= without_reasons(known_differences.STORED[scenario])
    assert differences(true, arrived) == expected


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_the_latest_signals_have_the_times_that_arrived(tell, scenario):
    """Those of a signal without a time are when Smartcar read it, and those without a value stay."""
    told = tell(scenario)
    times = {
        signal["code"]: texts.time(signal["age"] or signal["retrieved_at"])
        for signal in told.signals
        if signal["value"] is not None
    }
    for row in LatestSignal.objects.filter(vehicle=told.vehicle):
        assert texts.time(row.recorded_at) == times.get(CODES[row.name], known_differences.PRESENT)
