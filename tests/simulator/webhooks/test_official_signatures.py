"""Smartcar's own SDKs verify every event that the simulator can send, as it arrives at a receiver."""

import json
import os
import subprocess
import sys

import pytest

from django_smartcar.simulator import store
from django_smartcar.simulator.webhooks import payloads, queue, registry
from tests.official import node_sdk, path_of
from tests.simulator.events import every_event
from tests.simulator.program import ROOT

pytestmark = pytest.mark.slow

SCRIPTS = ROOT / "tests" / "simulator"


@pytest.fixture(params=["Python 6.19.1", "Node 10.4.0"])
def sdk(request):
    """Return a function that gives deliveries to a script with this SDK, and returns what it says."""
    if request.param.startswith("Python"):
        command = [sys.executable, SCRIPTS / "official_6_19_1_webhooks.py"]
        environment = {"PYTHONPATH": f"{path_of('6.19.1')}{os.pathsep}{ROOT}"}
    else:
        program, folder = node_sdk("10.4.0")
        command = [program, SCRIPTS / "official_node_10_4_0_webhooks.js"]
        environment = {"NODE_PATH": str(folder)}

    def ask(events=(), challenges=()):
        question = {"token": store.MANAGEMENT_TOKEN, "events": events, "challenges": challenges}
        process = subprocess.run(
            command,
            env={"PATH": os.environ["PATH"], **environment},
            input=json.dumps(question),
            capture_output=True,
            text=True,
            timeout=120,
        )
        assert process.returncode == 0, process.stderr
        return json.loads(process.stdout)

    return ask


def signature_of(received):
    return {"signature": received.headers["SC-Signature"], "body": received.raw.decode()}


def test_every_event_is_verified(sdk, make_webhook, receiver):
    webhook = make_webhook()
    receiver.received.clear()
    names = []
    for name, payload in every_event():
        names.append(name)
        queue.enqueue(webhook, name, payload)
        queue.run()
        store.deliveries.clear()
    assert len(receiver.received) == len(names) > 500
    verified = sdk([signature_of(one) for one in receiver.received])["verified"]
    assert [name for name, is_good in zip(names, verified, strict=True) if not is_good] == []


def subscribe(make_webhook, car, **options):
    """Subscribe a car to a new webhook; return the webhook and the connection."""
    webhook = make_webhook(car, **options)
    (found,) = [one.connection for one in registry.subscriptions() if one.webhook_id == webhook.id]
    return webhook, found


def test_events_that_are_sent_for_a_subscribed_car_are_verified(sdk, make_webhook, receiver, connect_v3):
    car, events = connect_v3().car, []
    for variant in payloads.VARIANTS:
        webhook, connection = subscribe(make_webhook, car, variant=variant)
        for is_test in (False, True):
            registry.send_state(webhook, connection, ["odometer-traveleddistance"], is_test=is_test)
        for is_resolved in (False, True):
            registry.send_error(webhook, connection, "VEHICLE_STATE:ASLEEP", is_resolved=is_resolved)
        queue.run()
        events += receiver.events
    webhook, connection = subscribe(make_webhook, car, version="2.0")
    registry.send_schedule(webhook)
    registry.send_charge_event(webhook, connection, "CHARGING_STARTED")
    queue.run()
    events += receiver.events
    assert {one.kind for one in events} == {"VEHICLE_STATE", "VEHICLE_ERROR", "schedule", "eventBased"}
    assert set(sdk([signature_of(one) for one in events])["verified"]) == {True}


def test_a_corrupted_event_is_refused(sdk, make_webhook, receiver, connect_v3):
    webhook, connection = subscribe(make_webhook, connect_v3().car, corruption="signature")
    registry.send_state(webhook, connection, ["odometer-traveleddistance"])
    queue.run()
    assert sdk([signature_of(receiver.events[-1])])["verified"] == [False]


@pytest.mark.parametrize("options", [{"version": "2.0"}, *({"variant": one} for one in payloads.VARIANTS)])
def test_the_sdks_answer_to_a_challenge_is_the_expected_one(sdk, make_webhook, receiver, options):
    webhook = make_webhook(**options)
    (delivery,) = [one for one in queue.log() if one.webhook_id == webhook.id]
    challenge = receiver.challenge_in(receiver.received[-1].raw)
    assert sdk(challenges=[challenge])["hashes"] == [delivery.expected]
