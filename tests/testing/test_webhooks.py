"""Signed webhooks for the tests of a site's receivers."""

import json

import pytest

from django_smartcar import testing
from django_smartcar.conf import conf
from django_smartcar.models import VehicleProblem, WebhookEvent
from django_smartcar.signals import webhook_received


@pytest.fixture
def vehicle(db, pretend, anna):
    (vehicle,) = pretend.connect(anna).vehicles
    return vehicle


@pytest.fixture
def told():
    """What a receiver of the site was told."""
    updates = []

    def receive(vehicle, event, update, **kwargs):
        heard.append((vehicle, {one["name"]: one["value"] for one in update.signals}))

    heard = updates
    webhook_received.connect(receive)
    yield heard
    webhook_received.disconnect(receive)


def test_a_receiver_is_told_of_the_car_as_it_is(pretend, vehicle, told):
    pretend.car(vehicle).odometer_km = 4321.0
    assert testing.send_webhook(pretend.state_event(vehicle)).status_code == 200
    ((car, signals),) = told
    assert car == vehicle
    assert signals["odometer"] == 4321.0
    assert len(signals) > 1
    assert vehicle.latest()["odometer"].value == 4321.0


@pytest.mark.parametrize("way", ["inline", "command", "tasks", "celery"])
def test_an_event_is_worked_at_once_whoever_works_it_on_the_site(pretend, vehicle, told, settings, way):
    settings.SMARTCAR_WEBHOOK_WORK = way
    assert testing.send_webhook(pretend.state_event(vehicle)).status_code == 200
    assert [car for car, _ in told] == [vehicle]
    assert way == conf.SMARTCAR_WEBHOOK_WORK


def test_chosen_signals_come_alone(pretend, vehicle, told):
    testing.send_webhook(pretend.state_event(vehicle, ["odometer-traveleddistance"]))
    assert list(told[0][1]) == ["odometer"]


def test_the_test_client_of_a_test_sends_one_too(
    pretend, vehicle, client, django_capture_on_commit_callbacks, told
):
    with django_capture_on_commit_callbacks(execute=True):
        answer = client.post("/cars/webhook/", **testing.signed(pretend.state_event(vehicle)))
    assert answer.status_code == 200
    assert len(told) == 1


def test_a_wrong_signature_is_refused_and_nothing_is_told(pretend, vehicle, client, told):
    request = testing.signed(pretend.state_event(vehicle), token="another token")
    assert client.post("/cars/webhook/", **request).status_code == 401
    assert not WebhookEvent.objects.exists()
    assert not told


def test_a_problem_begins_and_ends(pretend, vehicle):
    fault = "CONNECTED_SERVICES_ACCOUNT:AUTHENTICATION_FAILED"
    testing.send_webhook(pretend.error_event(vehicle, fault))
    problem = VehicleProblem.objects.get(vehicle=vehicle)
    assert (problem.type, problem.code) == tuple(fault.split(":"))
    assert problem.resolved_at is None
    testing.send_webhook(pretend.error_event(vehicle, fault, is_resolved=True))
    problem.refresh_from_db()
    assert problem.resolved_at is not None


def test_each_event_is_one_of_its_own(pretend, vehicle, told):
    event = pretend.state_event(vehicle)
    for _ in range(2):
        testing.send_webhook(event)
    testing.send_webhook(pretend.state_event(vehicle))
    assert len(told) == 2


def test_a_body_of_ones_own_is_signed_as_it_is(settings):
    settings.SMARTCAR_MANAGEMENT_TOKENS = ["mine", "older"]
    request = testing.signed(b'{"eventId": "1"}')
    assert request["data"] == b'{"eventId": "1"}'
    assert request == testing.signed(b'{"eventId": "1"}', token="mine")
    assert json.loads(testing.signed({"eventId": "1"})["data"]) == {"eventId": "1"}


def test_what_cannot_be_is_told(pretend, vehicle, settings):
    with pytest.raises(ValueError, match="no error of a car. There are: "):
        pretend.error_event(vehicle, "CAR:TIRED")
    vehicle.smartcar_vehicle_id = "somewhere else"
    with pytest.raises(KeyError, match="connect it with"):
        pretend.state_event(vehicle)
    settings.SMARTCAR_MANAGEMENT_TOKENS = []
    with pytest.raises(ValueError, match="set SMARTCAR_MANAGEMENT_TOKENS"):
        testing.signed({})
