"""The past of a simulated car, digested by the site's own webhook view."""

import logging

import pytest

from django_smartcar import testing
from django_smartcar.models import VehicleReading, WebhookEvent
from django_smartcar.simulator.behaviour import history


@pytest.mark.parametrize("days", [2, pytest.param(30, marks=pytest.mark.slow)])
@pytest.mark.parametrize("make", ["TESLA", "CHEVROLET", "HONDA"])
@pytest.mark.parametrize("simulator", ["3"], indirect=True)
def test_a_site_digests_the_past_of_a_car(db, simulator, anna, make, days, caplog):
    caplog.set_level(logging.WARNING)
    (vehicle,) = simulator.connect(anna, make=make).vehicles
    events = list(history.archive(simulator.car(vehicle), days))
    assert len(events) > 10 * days
    for event in events:
        assert testing.send_webhook(event).status_code == 200
    assert caplog.messages == []
    assert WebhookEvent.objects.count() == len(events)
    rows = VehicleReading.objects.filter(vehicle=vehicle)
    assert not rows.filter(is_outlier=True).exists()
    odometer = [row.value for row in rows.filter(kind="odometer").order_by("recorded_at")]
    assert odometer == sorted(odometer)
    assert vehicle.latest()["odometer"].value == pytest.approx(simulator.car(vehicle).odometer_km)
