"""Signatures compared with Smartcar's own SDK, and every form of an event with the simulator's."""

import hashlib
import hmac
import json
import subprocess
import sys
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from django_smartcar.sdk import webhooks
from tests.official import path_of

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
    max_leaves=12,
)
ODD = st.none() | st.integers() | st.text() | st.binary()


def test_the_signature_is_that_of_the_reference():
    known = "7aa2abf547bf1a1f096eedeeab61b60aa6435f34d7fb4f09abe3f30cf5c00f4f"
    assert webhooks.hash_challenge("k", "c") == webhooks.hash_challenge("k", b"c") == known
    assert webhooks.verify_payload("k", known, "c")
    assert webhooks.verify_payload("k", known.encode(), b"c")


def test_signatures_agree_with_the_official_sdk():
    cases = [("k", "c"), ("token", '{"é": 1}'), ("ключ", "€ \n"), ("t" * 200, "x" * 5000)]
    script = (
        "import json, sys, smartcar\n"
        "cases = json.load(sys.stdin)\n"
        "print(json.dumps([[smartcar.hash_challenge(*case),"
        " smartcar.verify_payload(case[0], smartcar.hash_challenge(*case), case[1])] for case in cases]))"
    )
    result = subprocess.run(
        [sys.executable, "-c", script],
        input=json.dumps(cases),
        env={"PYTHONPATH": str(path_of("6.19.1"))},
        capture_output=True,
        text=True,
        check=True,
    )
    ours = [[webhooks.hash_challenge(token, text), True] for token, text in cases]
    assert json.loads(result.stdout) == ours
    assert all(
        webhooks.verify_payload(*case)
        for case in ((t, h, c) for (t, c), (h, _) in zip(cases, ours, strict=True))
    )


@given(token=ODD, signature=ODD, body=ODD)
def test_verify_payload_never_raises_and_accepts_only_the_signature(token, signature, body):
    right = False
    if token and all(isinstance(one, str | bytes) for one in (token, signature, body)):
        key, text, sent = (
            one if isinstance(one, bytes) else one.encode("utf-8", "surrogatepass")
            for one in (token, body, signature)
        )
        right = hmac.new(key, text, hashlib.sha256).hexdigest().encode() == sent
    assert webhooks.verify_payload(token, signature, body) is right


def test_an_empty_token_verifies_nothing():
    assert not webhooks.verify_payload("", hmac.new(b"", b"c", hashlib.sha256).hexdigest(), "c")


@pytest.mark.parametrize("challenge", ["a", "8f14e45f-ceea-467f", "a" * 256, "AZaz09+/=_.-"])
def test_a_challenge_may_be_signed(challenge):
    assert webhooks.is_challenge(challenge)


@pytest.mark.parametrize(
    "challenge", ["", "a" * 257, "{}", '{"a":1}', "a b", "a\n", "é", "[1]", '"a"', None, 5, ["a"]]
)
def test_a_challenge_that_could_be_an_event_must_not_be_signed(challenge):
    assert not webhooks.is_challenge(challenge)


@given(st.from_regex(webhooks.CHALLENGE, fullmatch=True))
def test_no_challenge_is_an_event(challenge):
    assert webhooks.is_challenge(challenge)
    assert webhooks.load(challenge) is None


@given(st.binary() | st.text() | JSON.map(json.dumps) | st.integers(900, 100_000).map(lambda n: "[" * n))
def test_load_never_raises(body):
    assert isinstance(webhooks.load(body), dict | None)


@pytest.mark.parametrize(
    "body", ["[]", "1", "null", '{"a": NaN}', '{"a": Infinity}', "", "{", b"\xff\xfe", None]
)
def test_only_a_json_object_is_an_event(body):
    assert webhooks.load(body) is None


def test_an_object_nested_too_deep_is_no_event():
    assert webhooks.load('{"a":' * 30 + "1" + "}" * 30)
    assert webhooks.load('{"a":' * 60 + "1" + "}" * 60) is None
    for innermost in ("1", "{}", "[]"):
        levels = webhooks.MAX_DEPTH - (innermost != "1")
        assert webhooks.load('{"a":' * levels + innermost + "}" * levels)
        assert webhooks.load('{"a":[' + '{"a":' * (levels - 2) + innermost + "}" * (levels - 2) + "]}")
        assert webhooks.load('{"a":' * (levels + 1) + innermost + "}" * (levels + 1)) is None
        assert (
            webhooks.load('{"a":[' + '{"a":' * (levels - 1) + innermost + "}" * (levels - 1) + "]}") is None
        )
    assert webhooks.load('{"a":' * 100_000 + "1" + "}" * 100_000) is None


NAMES = """
eventId eventType eventName data meta payload vehicle vehicles vehicleId id user signals errors triggers
signal code body status value unit headers path sequence deliveredAt
oemUpdatedAt eventTime challenge type state
"""
FIELDS = st.sampled_from(NAMES.split())
ALIKE = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | FIELDS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(FIELDS, inner, max_size=8),
    max_leaves=25,
)


@given(st.dictionaries(FIELDS, ALIKE))
def test_read_never_raises(payload):
    event = webhooks.read(payload)
    assert isinstance(event.sequence, int)
    assert all(isinstance(one.vehicle_id, str) and one.vehicle_id for one in event.updates)
    webhooks.identity(payload)
    webhooks.split(payload)


SIGNAL = {
    "code": "odometer-traveleddistance",
    "name": "TraveledDistance",
    "group": "Odometer",
    "body": {"unit": "miles", "value": 100},
    "status": {"value": "SUCCESS"},
    "meta": {"oemUpdatedAt": 1731940328000, "retrievedAt": 1731940330000},
}
FAILED = {
    "code": "location-preciselocation",
    "status": {"value": "ERROR", "error": {"type": "PERMISSION", "code": None}},
}


def state(**changes):
    vehicle = {"id": "car-1", "make": "VOLKSWAGEN", "mode": "live"}
    data = {"user": {"id": "driver-a", "externalId": None}, "vehicle": vehicle, "signals": [SIGNAL, FAILED]}
    meta = {"version": "4.0", "deliveryId": "d1", "deliveredAt": 1731940328000, "webhookId": "hook-1"}
    body = {"eventId": "event-1", "eventType": "VEHICLE_STATE", "data": data, "meta": meta}
    return {**body, **changes}


def test_a_documented_state_is_parsed():
    payload = state()
    payload["data"]["triggers"] = [
        {"code": "odometer-traveleddistance", "name": "…"},
        {"code": "FIRST_DELIVERY"},
    ]
    payload["meta"]["sequence"] = 17
    event = webhooks.read(payload)
    assert (event.kind, event.id, event.webhook_id, event.sequence) == (
        "VEHICLE_STATE",
        "event-1",
        "hook-1",
        17,
    )
    (update,) = event.updates
    assert (update.vehicle_id, update.user_id) == ("car-1", "driver-a")
    assert update.triggers == ("odometer-traveleddistance", "FIRST_DELIVERY")
    odometer, location = update.signals
    assert (odometer["name"], odometer["value"], odometer["unit"]) == ("odometer", 160.9344, "km")
    assert odometer["age"] == datetime(2024, 11, 18, 14, 32, 8, tzinfo=UTC)
    assert (location["status"], location["value"], location["age"]) == ("ERROR", None, None)


@pytest.mark.parametrize("signal", [{"code": "charge-ischarging", "name": "IsCharging"}, "Charge.IsCharging"])
def test_a_captured_state_is_parsed(signal):
    triggers = [{"type": "SIGNAL_UPDATED", "signal": signal}, {"type": "FIRST_DELIVERY"}]
    payload = state(triggers=triggers, meta={"deliveryTime": 1731940328000})
    event = webhooks.read(payload)
    assert event.updates[0].triggers == ("charge-ischarging", "FIRST_DELIVERY")
    assert event.sequence == 1731940328000


@pytest.mark.parametrize("signal", [{"code": "charge-ischarging"}, "Charge.IsCharging"])
def test_an_error_and_its_resolution_are_parsed(signal):
    error = {"type": "CONNECTED_SERVICES_ACCOUNT", "code": None, "signals": [signal]}
    errors = [
        {
            **error,
            "state": "ERROR",
            "resolution": {"type": "REAUTHENTICATE"},
            "suggestedUserMessage": "Log in.",
        },
        {**error, "state": "RESOLVED"},
    ]
    payload = state(eventType="VEHICLE_ERROR")
    payload["data"]["errors"] = errors
    opened, closed = webhooks.read(payload).updates[0].problems
    assert (opened["type"], opened["code"], opened["is_resolved"]) == (
        "CONNECTED_SERVICES_ACCOUNT",
        "",
        False,
    )
    assert (opened["resolution"], opened["message"]) == ("REAUTHENTICATE", "Log in.")
    assert opened["signals"] == ["charge-ischarging"]
    assert (closed["is_resolved"], closed["resolution"]) == (True, None)


SCHEDULE = {
    "version": "2.0",
    "webhookId": "hook-1",
    "eventName": "schedule",
    "mode": "live",
    "payload": {
        "vehicles": [
            {
                "vehicleId": "car-1",
                "data": [
                    {
                        "path": "/odometer",
                        "code": 200,
                        "body": {"distance": 100},
                        "headers": {"sc-unit-system": "imperial", "SC-Data-Age": "2026-11-20T10:00:00.000Z"},
                    },
                    {"path": "/battery", "code": 200, "body": {"percentRemaining": 0.3, "range": 40.5}},
                    {"path": "/location", "code": 200, "body": {"latitude": 1.5, "longitude": 2.5}},
                    {"path": "/charge", "code": 409, "body": {"type": "VEHICLE_STATE"}},
                ],
            },
            {"vehicleId": "car-2", "data": []},
        ]
    },
}


def test_a_schedule_of_2_0_is_parsed_and_split_by_vehicle():
    event = webhooks.read(SCHEDULE)
    assert (event.kind, event.id) == ("VEHICLE_STATE", "")
    assert [update.vehicle_id for update in event.updates] == ["car-1", "car-2"]
    values = {one["name"]: (one["value"], one["unit"]) for one in event.updates[0].signals}
    assert values["odometer"] == (160.9344, "km")
    assert values["battery_level"] == (0.3, "fraction")
    assert values["battery_range"] == (40.5, "km")
    assert values["location"][0] == {"latitude": 1.5, "longitude": 2.5}
    assert event.updates[0].signals[0]["age"] == datetime(2026, 11, 20, 10, tzinfo=UTC)
    assert [
        [update.vehicle_id for update in webhooks.read(one).updates] for one in webhooks.split(SCHEDULE)
    ] == [
        ["car-1"],
        ["car-2"],
    ]


def test_the_envelope_has_the_ids_of_vehicle_and_user():
    for payload in (state(), state(errors=[{"type": "VEHICLE_STATE"}]), SCHEDULE):
        envelope, event = webhooks.envelope(payload), webhooks.read(payload)
        assert (envelope.kind, envelope.id, envelope.webhook_id) == (event.kind, event.id, event.webhook_id)
        assert (envelope.sequence, envelope.challenge) == (event.sequence, event.challenge)
        about = [[(update.vehicle_id, update.user_id) for update in one.updates] for one in (envelope, event)]
        assert about[0] == about[1] != []


def test_a_charging_event_of_2_0_is_parsed():
    content = {
        "eventId": "e",
        "vehicleId": "car-1",
        "eventType": "CHARGING_STARTED",
        "eventTime": "2026-11-20T10:00:00Z",
    }
    event = webhooks.read({"version": "2.0", "webhookId": "h", "eventName": "eventBased", "payload": content})
    assert (event.kind, event.id, event.updates[0].triggers) == (
        "CHARGING_STARTED",
        "e",
        ("CHARGING_STARTED",),
    )
    (signal,) = event.updates[0].signals
    assert (signal["name"], signal["value"], signal["age"]) == (
        "is_charging",
        True,
        datetime(2026, 11, 20, 10, tzinfo=UTC),
    )


@pytest.mark.parametrize(
    "payload",
    [
        {"eventId": "e", "eventType": "VERIFY", "data": {"challenge": "abc"}},
        {"version": "2.0", "webhookId": "h", "eventName": "verify", "payload": {"challenge": "abc"}},
    ],
)
def test_a_challenge_is_parsed(payload):
    event = webhooks.read(payload)
    assert (event.kind, event.challenge, event.updates) == ("VERIFY", "abc", ())


def test_an_event_without_an_id_is_identified_by_its_content():
    first, again = state(eventId=None), state(eventId=None)
    again["meta"] = {**again["meta"], "deliveryId": "d2", "deliveredAt": 1731940399999}
    assert webhooks.identity(first) == webhooks.identity(again)
    again["data"] = {**again["data"], "vehicle": {"id": "car-2"}}
    assert webhooks.identity(first) != webhooks.identity(again)
    assert webhooks.identity(state()) == "event-1"


def test_repr_shows_no_position():
    assert "1.5" not in repr(webhooks.read(SCHEDULE))
