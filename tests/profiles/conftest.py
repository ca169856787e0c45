"""Cars of a shape profile, connected to the site, and their events through the site's webhook."""

from types import SimpleNamespace

import pytest

from django_smartcar.models import WebhookEvent
from django_smartcar.signals import webhook_received
from django_smartcar.simulator import store
from django_smartcar.simulator.access.connections import of_vehicle
from django_smartcar.simulator.access.scopes import SCOPES
from django_smartcar.simulator.webhooks import payloads, signing
from tests.simulator.events import enter, make_of, webhook_of

from ..webhooks import post
from . import truth


@pytest.fixture
def connect_car(smartcar, settings, connect_driver):
    """Return a function that connects a car of a profile, with all permissions and the values of the tables.

    ``vehicle`` is the site's, ``car`` the simulator's and ``connection`` Smartcar's.
    """

    def connect(profile):
        settings.SMARTCAR_SCOPE = list(SCOPES)
        settings.SMARTCAR_SIMULATOR_PROFILE = profile
        (vehicle,) = connect_driver(make=make_of(profile)).vehicles
        car = store.car(vehicle.smartcar_vehicle_id)
        truth.set_values(car)
        return SimpleNamespace(vehicle=vehicle, car=car, connection=of_vehicle(car.id))

    return connect


@pytest.fixture
def send(client, settings):
    """Return a function that posts an event of the simulator to the site, as the simulator signs it."""
    settings.SMARTCAR_MANAGEMENT_TOKENS = [store.MANAGEMENT_TOKEN]

    def send_(payload):
        body, headers = signing.build_request(payload, store.now())
        assert post(client, body, signature=headers["SC-Signature"]).status_code == 200
        return WebhookEvent.objects.order_by("pk").last()

    return send_


@pytest.fixture
def updates():
    """Return the updates that a receiver of the project gets."""
    received = []

    def receive(update, **kwargs):
        received.append(update)

    webhook_received.connect(receive)
    yield received
    webhook_received.disconnect(receive)


@pytest.fixture
def tell(connect_car, send, updates):
    """Return a function that connects a car and takes one event with all its signals to the site.

    The car has been parked an hour before; "bmw, asleep" is a BMW that has fallen asleep since.
    """

    def tell_(scenario, variant="documented"):
        profile, _, state = scenario.partition(", ")
        connected = connect_car(profile)
        webhook = webhook_of(variant)
        if state:
            send(payloads.vehicle_state(webhook, connected.connection, [payloads.FIRST_DELIVERY]))
            enter(connected.car, state)
            connected.car.recorded_at = truth.RECORDED_AT.replace(hour=11)
        event = send(payloads.vehicle_state(webhook, connected.connection, ["closure-islocked"]))
        connected.event, connected.signals = event, updates[-1].signals
        return connected

    return tell_
