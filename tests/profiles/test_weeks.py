"""Days of a car of each profile, told by events that come in any order, doubled and late."""

import logging
import random
from collections import defaultdict

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from django_smartcar import sdk
from django_smartcar.models import VehicleReading, VehicleSignal, WebhookEvent
from django_smartcar.services.webhooks import _queue
from django_smartcar.simulator import store
from django_smartcar.simulator.behaviour import history
from django_smartcar.simulator.profiles import PROFILES

from ..webhooks import post
from . import known_differences, texts, truth
from .test_events import differences, without_reasons

pytestmark = pytest.mark.django_db

#: What the simulator works out for the past: the ranges from the levels, and the heading from the last trip.
OF_THE_PAST = {"battery_range", "fuel_range", "location"}

in_all_profiles = pytest.mark.parametrize("profile", PROFILES)
given_orders = given(seed=st.integers(0, 2**32), size=st.integers(1, 50))
#: A failure is reported as it is: a smaller seed is no simpler one.
any_order = {
    "deadline": None,
    "phases": [Phase.generate],
    "suppress_health_check": [HealthCheck.function_scoped_fixture],
}


@pytest.fixture
def connected(connect_car, settings, profile, caplog):
    """Connect a car that has the values of the tables now; its events wait for a worker."""
    connected = connect_car(profile)
    connected.car.recorded_at = store.now()
    settings.SMARTCAR_MANAGEMENT_TOKENS = [store.MANAGEMENT_TOKEN]
    settings.SMARTCAR_WEBHOOK_WORK = "command"
    caplog.set_level(logging.WARNING)
    return connected


def deliver(client, events, seed, size):
    """Post the events shuffled, some twice and some once more under another id; process them in batches."""
    again = [event | {"eventId": f"{event['eventId']}-again"} for event in events[::5]]
    deliveries = [*events, *events[::3], *again]
    random.Random(seed).shuffle(deliveries)  # noqa: S311 (reproducible)
    for start in range(0, len(deliveries), size):
        for event in deliveries[start : start + size]:
            assert post(client, event, store.MANAGEMENT_TOKEN).status_code == 200
        _queue.process_due()
    assert set(WebhookEvent.objects.values_list("state", flat=True)) == {"processed"}
    assert WebhookEvent.objects.count() == len(events) + len(again)


def told(events):
    """Return what the events tell: name -> moment -> the value as a text; and the signals without times.

    What has no value is left out. A value without a time is as old as Smartcar's reading of it, or the event.
    """
    found, timeless = defaultdict(dict), set()
    for event in events:
        (update,) = sdk.webhooks.read(event).updates
        read_at = sdk.parse_datetime(event["meta"]["sequence"])
        for signal in update.signals:
            value = texts.text(signal["value"])
            if signal["error"] is None and value != known_differences.NO_VALUE:
                moment = signal["age"] or signal["retrieved_at"] or read_at
                found[signal["name"]][moment] = value
                timeless |= {signal["name"]} if signal["age"] is None else set()
    return found, timeless


def check_history(rows, events):
    """Check that the history is what was told, each moment once; without times, only such values."""
    stored = defaultdict(dict)
    for row in rows:
        assert row.recorded_at not in stored[row.signal]
        stored[row.signal][row.recorded_at] = texts.of_stored(row.value, "")
    found, timeless = told(events)
    assert stored.keys() == found.keys()
    for name, moments in found.items():
        if name in timeless:  # a value that is told again is not kept again
            assert stored[name].items() <= moments.items()
        else:
            assert stored[name] == moments


def check_latest(connected, events):
    """Check that the latest states are what the car truly has, as far as it tells."""
    true, stored = truth.of_states(connected.car), connected.vehicle.signals
    arrived = {name: texts.of_state(state) for name, state in stored.items()}
    for name in OF_THE_PAST & stored.keys():
        assert not stored[name].has_value or stored[name].recorded_at == stored["battery_level"].recorded_at
        true[name] = arrived[name]
    assert stored["location"].value.items() >= {"latitude": 52.5163, "longitude": 13.3777}.items()
    expected = without_reasons(known_differences.STORED[connected.car.profile])
    expected = {name: expected[name] for name in expected.keys() & stored.keys() - OF_THE_PAST}
    assert differences({name: true[name] for name in arrived}, arrived) == expected


def check_days(client, connected, caplog, days, seed, size):
    """Check what is stored of these days; return the odometer's history."""
    events = list(history.archive(connected.car, days))
    for model in (VehicleReading, VehicleSignal, WebhookEvent):
        model.objects.all().delete()
    deliver(client, events, seed, size)
    rows = VehicleReading.objects.filter(vehicle=connected.vehicle).order_by("recorded_at")
    check_history(rows, events)
    check_latest(connected, events)
    odometer = [row.value for row in rows if row.signal == "odometer" and not row.is_outlier]
    assert odometer == sorted(odometer)
    outliers = {(row.signal, row.value) for row in rows if row.is_outlier}
    assert outliers <= {("odometer", 0)}
    assert caplog.messages == []
    return odometer


@in_all_profiles
@settings(max_examples=3, derandomize=True, **any_order)
@given_orders
def test_days_that_are_told_in_any_order(client, connected, caplog, seed, size):
    assert check_days(client, connected, caplog, 2, seed, size)


@pytest.mark.slow
@in_all_profiles
@settings(max_examples=20, **any_order)
@given_orders
def test_weeks_that_are_told_in_any_order(client, connected, caplog, seed, size):
    # Some cars stay at home for two days, none for a week.
    assert len(check_days(client, connected, caplog, 7, seed, size)) > 7
