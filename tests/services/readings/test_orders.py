"""Values that are shuffled, doubled, late and in any batches lead to the same state and the same history."""

from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from django_smartcar.models import VehicleReading, VehicleSignal
from django_smartcar.sdk import signals
from django_smartcar.services import readings

pytestmark = pytest.mark.django_db

NOON = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
CODES = {
    "closure-islocked": st.booleans(),
    "charge-detailedchargingstatus": st.sampled_from(["CHARGING", "NOT_CHARGING"]),
    "tractionbattery-stateofcharge": st.integers(0, 100),
}


def told(code):
    values = st.dictionaries(st.integers(0, 8), CODES[code], max_size=6)
    return values.map(lambda found: [(code, minute, value) for minute, value in found.items()])


weeks = st.tuples(*map(told, CODES)).map(lambda parts: [item for part in parts for item in part])


def observation(vehicle, item):
    code, minute, value = item
    at = (NOON + timedelta(minutes=minute)).isoformat()
    signal = signals.read({"code": code, "body": {"value": value}, "meta": {"oemUpdatedAt": at}})
    sequence = int((NOON + timedelta(minutes=minute)).timestamp() * 1000)
    (found,) = readings.observations_of(vehicle, [signal], "webhook", sequence)
    return found


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(week=weeks, data=st.data())
def test_the_order_of_arrival_changes_nothing(vehicle, week, data):
    vehicle.permissions = ["read_security", "read_charge", "read_battery"]
    VehicleReading.objects.all().delete()
    VehicleSignal.objects.all().delete()
    doubled = data.draw(st.permutations([*week, *week[::2]]))
    with time_machine.travel(NOON + timedelta(hours=1), tick=False):
        while doubled:
            size = data.draw(st.integers(1, len(doubled)))
            readings.save_many(observation(vehicle, item) for item in doubled[:size])
            doubled = doubled[size:]
    expected = {}
    for item in week:
        one = observation(vehicle, item)
        expected[one.signal, one.recorded_at] = one.value
    rows = VehicleReading.objects.values_list("signal", "recorded_at", "value")
    assert {(signal, at): value for signal, at, value in rows} == expected
    latest = {}
    for (signal, at), value in sorted(expected.items()):
        latest[signal] = (at, value)
    assert {name: (state.recorded_at, state.value) for name, state in vehicle.signals.items()} == latest
