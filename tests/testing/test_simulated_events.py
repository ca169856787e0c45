"""All signals and the past of a simulated car, digested by the site's own webhook view."""

import logging

import pytest

from django_smartcar import testing
from django_smartcar.models import VehicleReading, WebhookEvent
from django_smartcar.simulator.access.scopes import SCOPES
from django_smartcar.simulator.behaviour import history, motion
from django_smartcar.simulator.signals.catalog import SIGNALS


@pytest.fixture
def connected(db, simulator, anna, settings):
    """Return a function that connects a car of a make with all permissions."""
    settings.SMARTCAR_SCOPE = list(SCOPES)
    return lambda make: simulator.connect(anna, make=make).vehicles[0]


@pytest.mark.parametrize("days", [2, pytest.param(30, marks=pytest.mark.slow)])
@pytest.mark.parametrize("make", ["TESLA", "CHEVROLET", "HONDA"])
@pytest.mark.parametrize("simulator", ["3"], indirect=True)
def test_a_site_digests_the_past_of_a_car(simulator, connected, make, days, caplog):
    caplog.set_level(logging.WARNING)
    vehicle = connected(make)
    events = list(history.archive(simulator.car(vehicle), days))
    assert len(events) > days
    for event in events:
        assert testing.send_webhook(event).status_code == 200
    assert caplog.messages == []
    assert WebhookEvent.objects.count() == len(events)
    rows = VehicleReading.objects.filter(vehicle=vehicle)
    assert not rows.filter(is_outlier=True).exists()
    odometer = [row.value for row in rows.filter(signal="odometer").order_by("recorded_at")]
    assert odometer == sorted(odometer)
    assert vehicle.signals["odometer"].value == pytest.approx(simulator.car(vehicle).odometer_km)


@pytest.mark.parametrize("state", ["parked", "driving", "charging"])
@pytest.mark.parametrize("simulator", ["3"], indirect=True)
def test_a_site_digests_all_signals(simulator, connected, state, caplog):
    caplog.set_level(logging.WARNING)
    vehicle = connected("CHEVROLET")
    motion.enter(simulator.car(vehicle), state)
    assert testing.send_webhook(simulator.state_event(vehicle, list(SIGNALS))).status_code == 200
    assert caplog.messages == []
    latest = vehicle.signals
    assert {signal.status for signal in latest.values()} == {"ok"}
    assert latest["odometer"].value == simulator.car(vehicle).odometer_km
    assert latest["charge_state"].value == ("CHARGING" if state == "charging" else "NOT_CHARGING")
