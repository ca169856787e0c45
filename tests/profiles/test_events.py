"""Of each profile: what a car truly has, beside what arrives in the site through a webhook."""

import pytest

from django_smartcar.sdk.signals import CODES, TYPES
from django_smartcar.services import readings
from django_smartcar.simulator.profiles import PROFILES
from django_smartcar.simulator.signals.catalog import SIGNALS
from django_smartcar.simulator.webhooks import payloads

from . import known_differences, texts, truth

pytestmark = pytest.mark.django_db(transaction=True)

SCENARIOS = list(known_differences.STORED)


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
    for table in (known_differences.STORED, known_differences.READS):
        assert {name.partition(",")[0] for name in table} == set(PROFILES)
        assert set(table) == set(SCENARIOS)


@pytest.mark.parametrize("variant", payloads.VARIANTS)
@pytest.mark.parametrize("scenario", SCENARIOS)
def test_the_signals_that_are_stored(tell, scenario, variant):
    told = tell(scenario, variant)
    true, stored, arrived = truth.of_states(told.car), told.vehicle.signals, {}
    for name in [*true]:
        state = readings.state_of(told.vehicle, name, stored)
        arrived[name] = texts.of_state(state)
        if state.is_ok:
            true_time = truth.time_of(CODES[name], told.car)
            arrived_time = texts.time(state.recorded_at)
            true[f"{name}, time"], arrived[f"{name}, time"] = true_time, arrived_time
    assert set(stored) <= set(true)
    assert differences(true, arrived) == without_reasons(known_differences.STORED[scenario])


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_a_receiver_gets_the_signals_that_are_stored(tell, scenario):
    told = tell(scenario)
    assert told.event.state == "processed"
    assert len(told.signals) > 80
    stored = told.vehicle.signals
    outliers = set(told.vehicle.readings.filter(is_outlier=True).values_list("signal", flat=True))
    for signal in told.signals:
        state = stored.get(signal["name"])
        if error := signal["error"]:
            assert (state.error_type, state.error_code) == (error["type"], error["code"] or "")
        elif state is None:
            assert known_differences.NO_VALUE in texts.text(signal["value"])
        elif signal["value"] is not None and signal["name"] not in outliers:
            assert texts.of_stored(state.value, "") == texts.text(signal["value"])
            assert state.unit == TYPES[signal["name"]].unit
            assert state.recorded_at == signal["age"]
