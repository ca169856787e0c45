"""Signed webhooks for the tests of a site's receivers."""

import json

import pytest

from django_smartcar import testing
from django_smartcar.conf import conf
from django_smartcar.models import VehicleProblem, WebhookEvent
from django_smartcar.signals import webhook_received


@pytest.fixture
def vehicle(db, simulator, anna):
    (vehicle,) = simulator.connect(anna).vehicles
    return vehicle


@pytest.fixture
def received():
    """Return the calls of a receiver of `webhook_received`."""
    calls = []

    def receive(vehicle, event, update, **kwargs):
        calls.append((vehicle, {signal["name"]: signal["value"] for signal in update.signals}))

    webhook_received.connect(receive)
    yield calls
    webhook_received.disconnect(receive)


def test_a_receiver_gets_the_current_state_of_the_vehicle(simulator, vehicle, received):
    simulator.car(vehicle).odometer_km = 4321.0
    assert testing.send_webhook(simulator.state_event(vehicle)).status_code == 200
    ((car, signals),) = received
    assert car == vehicle
    assert signals["odometer"] == 4321.0
    assert len(signals) > 1
    assert vehicle.signals["odometer"].value == 4321.0


@pytest.mark.parametrize("way", ["inline", "command", "tasks", "celery"])
def test_an_event_is_processed_at_once_whatever_the_setting(simulator, vehicle, received, settings, way):
    settings.SMARTCAR_WEBHOOK_WORK = way
    assert testing.send_webhook(simulator.state_event(vehicle)).status_code == 200
    assert [car for car, _ in received] == [vehicle]
    assert way == conf.SMARTCAR_WEBHOOK_WORK


def test_an_event_may_contain_chosen_signals_only(simulator, vehicle, received):
    testing.send_webhook(simulator.state_event(vehicle, ["odometer-traveleddistance"]))
    assert list(received[0][1]) == ["odometer"]


def test_a_signed_event_can_be_sent_with_any_test_client(
    simulator, vehicle, client, django_capture_on_commit_callbacks, received
):
    with django_capture_on_commit_callbacks(execute=True):
        response = client.post("/cars/webhook/", **testing.signed(simulator.state_event(vehicle)))
    assert response.status_code == 200
    assert len(received) == 1


def test_a_wrong_signature_is_rejected_and_no_receiver_is_called(simulator, vehicle, client, received):
    request = testing.signed(simulator.state_event(vehicle), token="another token")
    assert client.post("/cars/webhook/", **request).status_code == 401
    assert not WebhookEvent.objects.exists()
    assert not received


def test_error_events_open_and_resolve_a_problem(simulator, vehicle):
    fault = "CONNECTED_SERVICES_ACCOUNT:AUTHENTICATION_FAILED"
    testing.send_webhook(simulator.error_event(vehicle, fault))
    problem = VehicleProblem.objects.get(vehicle=vehicle)
    assert (problem.type, problem.code) == tuple(fault.split(":"))
    assert problem.resolved_at is None
    testing.send_webhook(simulator.error_event(vehicle, fault, is_resolved=True))
    problem.refresh_from_db()
    assert problem.resolved_at is not None


def test_each_event_has_its_own_id(simulator, vehicle, received):
    event = simulator.state_event(vehicle)
    for _ in range(2):
        testing.send_webhook(event)
    testing.send_webhook(simulator.state_event(vehicle))
    assert len(received) == 2


def test_bytes_are_signed_unchanged(settings):
    settings.SMARTCAR_MANAGEMENT_TOKENS = ["mine", "older"]
    request = testing.signed(b'{"eventId": "1"}')
    assert request["data"] == b'{"eventId": "1"}'
    assert request == testing.signed(b'{"eventId": "1"}', token="mine")
    assert json.loads(testing.signed({"eventId": "1"})["data"]) == {"eventId": "1"}


def test_invalid_arguments_raise_clear_errors(simulator, vehicle, settings):
    with pytest.raises(ValueError, match="not an error of a vehicle. Choose one of: "):
        simulator.error_event(vehicle, "CAR:TIRED")
    vehicle.smartcar_vehicle_id = "somewhere else"
    with pytest.raises(KeyError, match="connect it with"):
        simulator.state_event(vehicle)
    settings.SMARTCAR_MANAGEMENT_TOKENS = []
    with pytest.raises(ValueError, match="set SMARTCAR_MANAGEMENT_TOKENS"):
        testing.signed({})
