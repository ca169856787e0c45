"""Every event that the simulator can send, of every profile and variant, as a receiver in Node gets it."""

import json

import pytest

from django_smartcar.simulator import store
from django_smartcar.simulator.profiles import PROFILES
from django_smartcar.simulator.webhooks import payloads, signing
from tests.simulator.events import every_event
from tests.simulator.node import run_node

#: Smartcar's limit.
MAX_BYTES = 50_000


@pytest.fixture
def requests():
    """Return the name, the body and the signature of every event."""
    sent = []
    for name, payload in every_event():
        body, headers = signing.build_request(payload, store.now())
        sent.append((name, body.decode(), headers["SC-Signature"]))
    return sent


def test_there_are_events_of_all_profiles_and_variants(requests):
    names = [name for name, _, _ in requests]
    assert len(set(names)) == len(names)
    for profile in PROFILES:
        for variant in payloads.VARIANTS:
            assert any(name.startswith(f"{profile} / ") and f" / {variant} / " in name for name in names)
    kinds = {json.loads(body).get("eventType") or json.loads(body)["eventName"] for _, body, _ in requests}
    assert kinds == {"VERIFY", "VEHICLE_STATE", "VEHICLE_ERROR", "verify", "schedule", "eventBased"}


def test_events_are_within_the_limit_of_smartcar(requests):
    assert max(len(body.encode()) for _, body, _ in requests) < MAX_BYTES


@pytest.mark.slow
def test_a_receiver_in_node_verifies_what_it_writes_again(requests):
    script = """
        const crypto = require("crypto");
        const signed = (body) => crypto.createHmac("sha256", input.token).update(body).digest("hex");
        const wrong = input.requests.filter(
          ([name, body, signature]) => signed(JSON.stringify(JSON.parse(body))) !== signature);
        process.stdout.write(JSON.stringify(wrong.map(([name]) => name)));
    """
    assert run_node(script, {"token": store.MANAGEMENT_TOKEN, "requests": requests}) == []
