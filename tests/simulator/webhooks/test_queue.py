import hashlib
import hmac
import json
import os
import subprocess
import sys
import threading
import time

import pytest

from django_smartcar.simulator import store
from django_smartcar.simulator.webhooks import http, notify, queue, registry
from django_smartcar.simulator.webhooks.signing import CORRUPTIONS, build_request, sign
from tests.official import path_of

MINUTE = 60


def toggle_lock(car):
    with notify.changing(car):
        car.is_locked = not car.is_locked


def wait_for(condition):
    for _ in range(500):
        if condition():
            return
        time.sleep(0.02)
    pytest.fail("the condition was not met within 10 s")


def test_an_event_is_signed_over_its_raw_bytes(volt, make_webhook, receiver):
    make_webhook(volt.car)
    toggle_lock(volt.car)
    queue.run()
    (event,) = receiver.received
    assert event.is_signed
    assert event.path == "/hook"
    assert event.headers["Content-Type"] == "application/json"
    assert event.headers["User-Agent"].startswith("Smartcar/")
    assert len(event.raw) < 50_000


def test_a_known_message_has_the_known_signature():
    assert sign(b"c", "k") == "7aa2abf547bf1a1f096eedeeab61b60aa6435f34d7fb4f09abe3f30cf5c00f4f"


def test_smartcars_own_sdk_accepts_the_signature(volt, make_webhook, receiver):
    make_webhook(volt.car)
    toggle_lock(volt.car)
    queue.run()
    (event,) = receiver.received
    program = (
        "import sys, smartcar; token, signature, challenge, hashed = sys.argv[1:]\n"
        "assert smartcar.verify_payload(token, signature, sys.stdin.read())\n"
        "assert smartcar.hash_challenge(token, challenge) == hashed"
    )
    arguments = [store.MANAGEMENT_TOKEN, event.headers["SC-Signature"], "a-challenge", sign(b"a-challenge")]
    subprocess.run(
        [sys.executable, "-c", program, *arguments],
        input=event.raw.decode(),
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(path_of("6.19.1"))},
        text=True,
        check=True,
    )


@pytest.mark.parametrize("version", ["4.0", "2.0"])
def test_a_receiver_is_verified_if_it_knows_the_token(receiver, make_webhook, version):
    webhook = make_webhook(version=version)
    (challenge,) = receiver.received
    assert "SC-Signature" not in challenge.headers
    assert webhook.is_verified
    receiver.token = "another token"
    registry.verify(webhook)
    queue.run()
    assert not webhook.is_verified
    store.advance(1000)
    assert queue.run() == 0  # there is no retry
    assert queue.log()[0].outcome == "dropped"


@pytest.mark.parametrize(
    "body", [b"", b"{}", b"null", b'{"challenge": 1}', b"\xff", b"[" * 100_000, b'{"challenge": "x"}']
)
def test_a_receiver_is_not_verified_by_an_invalid_response(receiver, settings, monkeypatch, body):
    settings.SMARTCAR_SIMULATOR_DELIVERIES = False
    webhook = registry.add("Everything", receiver.url)
    monkeypatch.setattr(receiver, "response_to", lambda raw: (200, {}, body))
    registry.verify(webhook)
    queue.run()
    assert not webhook.is_verified


def test_nothing_is_sent_to_an_unverified_or_disabled_webhook(volt, make_webhook, receiver):
    webhook = make_webhook(volt.car)
    webhook.is_verified = False
    toggle_lock(volt.car)
    webhook.is_verified = True
    registry.enable(webhook, False)
    toggle_lock(volt.car)
    assert queue.run() == 0
    assert receiver.received == []


@pytest.mark.parametrize("status", [200, 201, 202, 204, 299])
def test_any_2xx_completes_a_delivery(volt, make_webhook, receiver, status):
    make_webhook(volt.car)
    receiver.response = (status, {}, b"")
    toggle_lock(volt.car)
    queue.run()
    store.advance(1000)
    assert queue.run() == 0
    assert len(receiver.received) == 1
    assert queue.log()[0].outcome == "delivered"


@pytest.mark.parametrize("status", [301, 302, 307, 400, 404, 410, 500, 503])
def test_any_other_status_is_retried_three_times(volt, make_webhook, receiver, status):
    make_webhook(volt.car)
    receiver.response = (status, {"Location": f"{receiver.url}/elsewhere"}, b"")
    toggle_lock(volt.car)
    elapsed, started = [], store.now()
    for _ in range(300):
        if queue.run():
            elapsed.append(round((store.now() - started).total_seconds()))
        store.advance(1)
    assert elapsed == [0, 25, 75, 175]
    assert {one.path for one in receiver.received} == {"/hook"}
    assert queue.log()[0].outcome == "dropped"
    bodies = [one.body for one in receiver.received]
    assert len({body["eventId"] for body in bodies}) == 1
    assert len({body["meta"]["deliveryId"] for body in bodies}) == 4
    assert len({body["meta"]["deliveredAt"] for body in bodies}) == 4
    assert all(one.is_signed for one in receiver.received)


def test_a_retry_delivers_the_event(volt, make_webhook, receiver):
    make_webhook(volt.car)
    receiver.response = (503, {}, b"")
    toggle_lock(volt.car)
    queue.run()
    receiver.response = (200, {}, b"")
    store.advance(24)
    assert queue.run() == 0
    store.advance(1)
    assert queue.run() == 1
    delivery = queue.log()[0]
    assert delivery.outcome == "delivered"
    assert [attempt.response.status for attempt in delivery.attempts] == [503, 200]


def test_a_timeout_fails_the_attempt(volt, make_webhook, receiver, monkeypatch):
    assert http.TIME_LIMIT == 15
    make_webhook(volt.car)
    monkeypatch.setattr(http, "TIME_LIMIT", 0.2)
    receiver.is_open.clear()
    toggle_lock(volt.car)
    queue.run()
    (attempt,) = queue.log()[0].attempts
    assert (attempt.response.status, attempt.response.error[:18]) == (None, "no response within")


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:9/",
        "http://no.such.host.invalid/",
        "https://127.0.0.1:{port}/",
        "nonsense",
        "ftp://x/",
        "http://[::1/",
        "http://.example/",
        "http://" + "x" * 70 + ".example/",
    ],
)
def test_a_connection_error_fails_the_attempt(volt, make_webhook, receiver, url):
    webhook = make_webhook(volt.car)
    webhook.callback_uri = url.format(port=receiver.server.server_port)
    toggle_lock(volt.car)
    queue.run()
    (attempt,) = queue.log()[0].attempts
    assert attempt.response.status is None
    assert attempt.response.error
    assert queue.log()[0].outcome == "waiting"


def test_events_can_be_duplicated(volt, make_webhook, receiver):
    webhook = make_webhook(volt.car)
    webhook.copies = 2
    toggle_lock(volt.car)
    queue.run()
    first, second = receiver.received
    assert first.body["eventId"] == second.body["eventId"]
    assert first.body["meta"]["deliveryId"] != second.body["meta"]["deliveryId"]


def test_consecutive_events_can_be_reordered(volt, make_webhook, receiver):
    webhook = make_webhook(volt.car)
    webhook.is_reordered = True
    for _ in range(4):
        toggle_lock(volt.car)
    queue.run()
    numbers = [one.body["meta"]["sequence"] for one in receiver.received]
    assert [sorted(numbers).index(number) for number in numbers] == [1, 0, 3, 2]
    receiver.received.clear()
    toggle_lock(volt.car)  # no event follows: it is sent after a wait
    assert queue.run() == 0
    store.advance(11)
    assert queue.run() == 1


def test_events_can_be_delayed(volt, make_webhook, receiver):
    webhook = make_webhook(volt.car)
    webhook.delay = 90
    toggle_lock(volt.car)
    store.advance(89)
    assert queue.run() == 0
    store.advance(1)
    assert queue.run() == 1


@pytest.mark.parametrize("corruption", sorted(CORRUPTIONS))
def test_a_corrupted_event_is_invalid(volt, make_webhook, receiver, corruption):
    webhook = make_webhook(volt.car)
    webhook.corruption = corruption
    toggle_lock(volt.car)
    queue.run()
    (event,) = receiver.received
    if corruption == "not-json":
        assert event.is_signed
        with pytest.raises(ValueError, match="Expecting"):
            json.loads(event.raw)
    else:
        assert not event.is_signed
    webhook.corruption = ""
    toggle_lock(volt.car)
    queue.run()
    assert receiver.received[-1].is_signed


def test_non_ascii_text_is_signed_as_it_is_sent():
    body, headers = build_request({"name": "Citroën 車"}, store.now())
    assert "Citroën 車".encode() in body
    expected = hmac.new(store.MANAGEMENT_TOKEN.encode(), body, hashlib.sha256).hexdigest()
    assert headers["SC-Signature"] == expected


def test_requests_do_not_wait_for_the_receiver(volt, make_webhook, receiver, settings):
    make_webhook(volt.car)
    settings.SMARTCAR_SIMULATOR_DELIVERIES = True
    receiver.is_open.clear()
    for action in ("LOCK", "UNLOCK", "LOCK"):
        assert volt("POST", "security", {"action": action}).status_code == 200
    assert [delivery.attempts for delivery in queue.log()[:3]] == [[], [], []]
    wait_for(lambda: len(receiver.received) == 1)
    assert queue.is_busy()
    receiver.is_open.set()
    wait_for(lambda: len(receiver.received) == 3)
    wait_for(lambda: not queue.is_busy())
    states = [signal_of(one.body, "closure-islocked")["value"] for one in receiver.received]
    assert states == [True, False, True]


def test_retries_in_a_thread_follow_the_simulators_clock(volt, make_webhook, receiver, settings):
    make_webhook(volt.car)
    settings.SMARTCAR_SIMULATOR_DELIVERIES = True
    receiver.response = (500, {}, b"")
    toggle_lock(volt.car)
    for number, wait in enumerate((25, 50, 100, 0), 1):
        wait_for(lambda number=number: len(queue.log()[0].attempts) == number)
        store.advance(wait)
    assert queue.log()[0].outcome == "dropped"
    wait_for(lambda: not queue._workers)


def test_a_hanging_receiver_does_not_block_another_webhook(volt, make_webhook, receiver, settings):
    make_webhook(volt.car)
    other = make_webhook()
    other.callback_uri = "http://127.0.0.1:9/"
    registry.subscribe(other.id, volt.car.owner_id, volt.car.id)
    queue.run()
    receiver.received.clear()
    settings.SMARTCAR_SIMULATOR_DELIVERIES = True
    receiver.is_open.clear()
    toggle_lock(volt.car)
    wait_for(lambda: receiver.received)
    wait_for(lambda: [one for one in queue.log() if one.webhook_id == other.id][0].attempts)
    receiver.is_open.set()


def test_reset_empties_the_queue(volt, make_webhook, receiver):
    make_webhook(volt.car)
    toggle_lock(volt.car)
    store.reset()
    assert queue.log() == []
    assert queue.run() == 0


def test_the_log_is_limited(volt, make_webhook, receiver, monkeypatch):
    webhook = make_webhook(volt.car)
    monkeypatch.setattr(queue, "_MAX_FINISHED", 5)
    for _ in range(9):
        registry.verify(webhook)
        queue.run()
    assert len(queue.log()) == 5
    for _ in range(9):
        toggle_lock(volt.car)
    assert len(queue.log()) == 14
    queue.drop(webhook.id)
    assert len(queue.log()) == 5


def test_concurrent_changes_are_all_delivered(connect, make_webhook, receiver, settings):
    connect("8-vehicles@smartcar.com")
    webhook = make_webhook()
    for car in store.cars():
        registry.subscribe(webhook.id, car.owner_id, car.id)
    queue.run()
    receiver.received.clear()
    settings.SMARTCAR_SIMULATOR_DELIVERIES = True
    threads = [threading.Thread(target=toggle_lock, args=(car,)) for car in store.cars()]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    wait_for(lambda: len(receiver.received) == 8)
    assert len({one.body["data"]["vehicle"]["id"] for one in receiver.received}) == 8


def signal_of(body, code):
    (signal,) = [one for one in body["data"]["signals"] if one["code"] == code]
    return signal["body"]
