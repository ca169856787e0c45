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
from django_smartcar.simulator.webhooks.signing import CORRUPTIONS, dressed, sign
from tests.official import path_of

MINUTE = 60


def lock(car):
    with notify.changing(car):
        car.is_locked = not car.is_locked


def wait_for(condition):
    for _ in range(500):
        if condition():
            return
        time.sleep(0.02)
    pytest.fail("it never happened")


def test_an_event_is_signed_over_its_raw_bytes_when_it_is_sent(volt, hook, receiver):
    hook(volt.car)
    lock(volt.car)
    queue.run()
    (event,) = receiver.received
    assert event.is_signed
    assert event.path == "/hook"
    assert event.headers["Content-Type"] == "application/json"
    assert event.headers["User-Agent"].startswith("Smartcar/")
    assert len(event.raw) < 50_000


def test_the_signature_is_the_known_one_when_key_and_message_are():
    assert sign(b"c", "k") == "7aa2abf547bf1a1f096eedeeab61b60aa6435f34d7fb4f09abe3f30cf5c00f4f"


def test_smartcars_own_sdk_finds_the_signature_good_when_it_looks(volt, hook, receiver):
    hook(volt.car)
    lock(volt.car)
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
def test_a_receiver_is_verified_when_it_knows_the_token(receiver, hook, version):
    known = hook(version=version)
    (challenge,) = receiver.received
    assert "SC-Signature" not in challenge.headers
    assert known.is_verified
    receiver.token = "another token"
    registry.verify(known)
    queue.run()
    assert not known.is_verified
    store.advance(1000)
    assert queue.run() == 0  # it is asked once
    assert queue.log()[0].outcome == "dropped"


@pytest.mark.parametrize(
    "body", [b"", b"{}", b"null", b'{"challenge": 1}', b"\xff", b"[" * 100_000, b'{"challenge": "x"}']
)
def test_a_receiver_is_not_verified_when_its_answer_is_none(receiver, settings, monkeypatch, body):
    settings.SMARTCAR_SIMULATOR_DELIVERIES = False
    known = registry.add("Everything", receiver.url)
    monkeypatch.setattr(receiver, "answer_to", lambda raw: (200, {}, body))
    registry.verify(known)
    queue.run()
    assert not known.is_verified


def test_nothing_is_sent_when_the_receiver_is_not_verified_or_off(volt, hook, receiver):
    known = hook(volt.car)
    known.is_verified = False
    lock(volt.car)
    known.is_verified = True
    registry.enable(known, False)
    lock(volt.car)
    assert queue.run() == 0
    assert receiver.received == []


@pytest.mark.parametrize("status", [200, 201, 202, 204, 299])
def test_it_is_delivered_once_when_the_receiver_says_any_2xx(volt, hook, receiver, status):
    hook(volt.car)
    receiver.answer = (status, {}, b"")
    lock(volt.car)
    queue.run()
    store.advance(1000)
    assert queue.run() == 0
    assert len(receiver.received) == 1
    assert queue.log()[0].outcome == "delivered"


@pytest.mark.parametrize("status", [301, 302, 307, 400, 404, 410, 500, 503])
def test_it_is_tried_four_times_when_the_receiver_says_anything_else(volt, hook, receiver, status):
    hook(volt.car)
    receiver.answer = (status, {"Location": f"{receiver.url}/elsewhere"}, b"")
    lock(volt.car)
    elapsed, began = [], store.now()
    for _ in range(300):
        if queue.run():
            elapsed.append(round((store.now() - began).total_seconds()))
        store.advance(1)
    assert elapsed == [0, 25, 75, 175]
    assert {one.path for one in receiver.received} == {"/hook"}
    assert queue.log()[0].outcome == "dropped"
    bodies = [one.body for one in receiver.received]
    assert len({body["eventId"] for body in bodies}) == 1
    assert len({body["meta"]["deliveryId"] for body in bodies}) == 4
    assert len({body["meta"]["deliveredAt"] for body in bodies}) == 4
    assert all(one.is_signed for one in receiver.received)


def test_it_is_delivered_later_when_the_receiver_was_down(volt, hook, receiver):
    hook(volt.car)
    receiver.answer = (503, {}, b"")
    lock(volt.car)
    queue.run()
    receiver.answer = (200, {}, b"")
    store.advance(24)
    assert queue.run() == 0
    store.advance(1)
    assert queue.run() == 1
    delivery = queue.log()[0]
    assert delivery.outcome == "delivered"
    assert [attempt.answer.status for attempt in delivery.attempts] == [503, 200]


def test_it_has_failed_when_the_receiver_takes_too_long(volt, hook, receiver, monkeypatch):
    assert http.TIME_LIMIT == 15
    hook(volt.car)
    monkeypatch.setattr(http, "TIME_LIMIT", 0.2)
    receiver.is_open.clear()
    lock(volt.car)
    queue.run()
    (attempt,) = queue.log()[0].attempts
    assert (attempt.answer.status, attempt.answer.problem[:16]) == (None, "no answer within")


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
def test_it_has_failed_when_nobody_is_there(volt, hook, receiver, url):
    known = hook(volt.car)
    known.callback_uri = url.format(port=receiver.server.server_port)
    lock(volt.car)
    queue.run()
    (attempt,) = queue.log()[0].attempts
    assert attempt.answer.status is None
    assert attempt.answer.problem
    assert queue.log()[0].outcome == "waiting"


def test_events_come_twice_when_the_webhook_is_to_duplicate(volt, hook, receiver):
    known = hook(volt.car)
    known.copies = 2
    lock(volt.car)
    queue.run()
    first, second = receiver.received
    assert first.body["eventId"] == second.body["eventId"]
    assert first.body["meta"]["deliveryId"] != second.body["meta"]["deliveryId"]


def test_neighbours_change_places_when_the_webhook_is_to_reorder(volt, hook, receiver):
    known = hook(volt.car)
    known.is_reordered = True
    for _ in range(4):
        lock(volt.car)
    queue.run()
    numbers = [one.body["meta"]["sequence"] for one in receiver.received]
    assert [sorted(numbers).index(number) for number in numbers] == [1, 0, 3, 2]
    receiver.received.clear()
    lock(volt.car)  # the last one has no neighbour, and comes all the same
    assert queue.run() == 0
    store.advance(11)
    assert queue.run() == 1


def test_events_are_late_when_the_webhook_is_to_delay(volt, hook, receiver):
    known = hook(volt.car)
    known.delay = 90
    lock(volt.car)
    store.advance(89)
    assert queue.run() == 0
    store.advance(1)
    assert queue.run() == 1


@pytest.mark.parametrize("corruption", sorted(CORRUPTIONS))
def test_an_event_must_be_refused_when_it_was_corrupted(volt, hook, receiver, corruption):
    known = hook(volt.car)
    known.corruption = corruption
    lock(volt.car)
    queue.run()
    (event,) = receiver.received
    if corruption == "not-json":
        assert event.is_signed
        with pytest.raises(ValueError, match="Expecting"):
            json.loads(event.raw)
    else:
        assert not event.is_signed
    known.corruption = ""
    lock(volt.car)
    queue.run()
    assert receiver.received[-1].is_signed


def test_text_beyond_ascii_is_signed_as_it_is_sent():
    message, headers = dressed({"name": "Citroën 車"}, store.now())
    assert "Citroën 車".encode() in message
    wanted = hmac.new(store.MANAGEMENT_TOKEN.encode(), message, hashlib.sha256).hexdigest()
    assert headers["SC-Signature"] == wanted


def test_nobody_waits_for_the_receiver_when_a_car_obeys(volt, hook, receiver, settings):
    hook(volt.car)
    settings.SMARTCAR_SIMULATOR_DELIVERIES = True
    receiver.is_open.clear()
    began = time.monotonic()
    for action in ("LOCK", "UNLOCK", "LOCK"):
        assert volt("POST", "security", {"action": action}).status_code == 200
    assert time.monotonic() - began < 5
    wait_for(lambda: len(receiver.received) == 1)
    assert queue.is_busy()
    receiver.is_open.set()
    wait_for(lambda: len(receiver.received) == 3)
    wait_for(lambda: not queue.is_busy())
    states = [signal_of(one.body, "closure-islocked")["value"] for one in receiver.received]
    assert states == [True, False, True]


def test_the_clock_drives_the_schedule_when_a_thread_delivers(volt, hook, receiver, settings):
    hook(volt.car)
    settings.SMARTCAR_SIMULATOR_DELIVERIES = True
    receiver.answer = (500, {}, b"")
    lock(volt.car)
    for number, wait in enumerate((25, 50, 100, 0), 1):
        wait_for(lambda number=number: len(queue.log()[0].attempts) == number)
        store.advance(wait)
    assert queue.log()[0].outcome == "dropped"
    wait_for(lambda: not queue._workers)


def test_another_webhook_is_served_when_one_receiver_hangs(volt, hook, receiver, settings):
    hook(volt.car)
    other = hook()
    other.callback_uri = "http://127.0.0.1:9/"
    registry.subscribe(other.id, volt.car.owner_id, volt.car.id)
    queue.run()
    receiver.received.clear()
    settings.SMARTCAR_SIMULATOR_DELIVERIES = True
    receiver.is_open.clear()
    lock(volt.car)
    wait_for(lambda: receiver.received)
    wait_for(lambda: [one for one in queue.log() if one.webhook_id == other.id][0].attempts)
    receiver.is_open.set()


def test_everything_is_forgotten_when_the_world_is_reset(volt, hook, receiver):
    hook(volt.car)
    lock(volt.car)
    store.reset()
    assert queue.log() == []
    assert queue.run() == 0


def test_the_log_does_not_grow_for_ever_when_much_is_sent(volt, hook, receiver, monkeypatch):
    known = hook(volt.car)
    monkeypatch.setattr(queue, "_KEPT", 5)
    for _ in range(9):
        registry.verify(known)
        queue.run()
    assert len(queue.log()) <= 6


def test_no_event_is_lost_when_many_threads_change_cars(connect, hook, receiver, settings):
    connect("8-vehicles@smartcar.com")
    known = hook()
    for car in store.cars():
        registry.subscribe(known.id, car.owner_id, car.id)
    queue.run()
    receiver.received.clear()
    settings.SMARTCAR_SIMULATOR_DELIVERIES = True
    threads = [threading.Thread(target=lock, args=(car,)) for car in store.cars()]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    wait_for(lambda: len(receiver.received) == 8)
    assert len({one.body["data"]["vehicle"]["id"] for one in receiver.received}) == 8


def signal_of(body, code):
    (signal,) = [one for one in body["data"]["signals"] if one["code"] == code]
    return signal["body"]
