"""Webhook events and signatures in the admin."""

import html
import json
import re

import pytest
from django.contrib.admin.models import LogEntry
from hypothesis import given
from hypothesis import strategies as st

from django_smartcar.admin.redaction import redact
from django_smartcar.models import WebhookEndpoint, WebhookEvent
from django_smartcar.secret_types import load_json
from tests.webhooks import TOKEN, error, event, location, odometer, post, signal

pytestmark = pytest.mark.django_db(transaction=True)

LIST = "/admin/smartcar/webhookevent/"
ENDPOINTS = "/admin/smartcar/webhookendpoint/"
VIN = "WVWZZZ1JZXW000001"
EXTERNAL_ID = "eXId" * 6
AGE = "2026-11-20T10:00:00.000Z"


@pytest.fixture(autouse=True)
def site(settings):
    settings.SMARTCAR_MANAGEMENT_TOKENS = ["another", TOKEN]


@pytest.fixture
def row(client, settings):
    """Receive an event without processing it."""
    settings.SMARTCAR_WEBHOOK_WORK = "command"
    vin = signal("vehicleidentification-vin", VIN, 1_790_000_000)
    payload = event(odometer(777.25, 1_790_000_000), location(48.137154, 11.576124, 1_790_000_000), vin)
    payload["data"]["vehicle"]["vin"] = VIN
    payload["data"]["user"]["externalId"] = EXTERNAL_ID
    assert post(client, payload).status_code == 200
    settings.SMARTCAR_WEBHOOK_WORK = "inline"
    return WebhookEvent.objects.get()


def test_the_payload_is_shown_without_positions_vins_and_external_id(admin_client, row):
    page = admin_client.get(f"{LIST}{row.pk}/change/").text
    assert "777.25" in page
    assert "vehicleidentification-vin" in page
    for secret in (VIN, "48.137", "11.576", EXTERNAL_ID):
        assert secret not in page
        assert secret not in admin_client.get(LIST).text
        assert secret in row.payload


def signals_of(*signals):
    return {"data": {"signals": list(signals)}}


def v2(*items):
    return {"payload": {"vehicles": [{"vehicleId": "car-1", "data": list(items)}]}}


#: What must not be shown, wherever it stands.
PRIVATE = {
    "v2 position and VIN": v2(
        {"path": "/location", "body": {"x": 48.137}}, {"path": "/vin", "body": {"value": VIN}}
    ),
    "v2 path that is new": v2({"path": "/location/history", "body": {"value": 48.137, "distance": 48.137}}),
    "v2 header that is new": v2({"path": "/odometer", "headers": {"sc-position": "48.137"}}),
    "field that is new": {"a": [{"b": {"Latitude": 48.137, "value": 48.137, "type": 48.137}}]},
    "text": {"data": {"errors": [{"type": "SERVER", "description": f"The car {VIN} sleeps at 48.137"}]}},
    "VIN as a name": {VIN.lower(): 1, "data": {VIN: 1}},
    "VIN as an id": {"eventId": VIN, "data": {"vehicle": {"id": f"car-{VIN}"}}},
    "signal that is new": signals_of({"code": "location-new", "body": {"value": 48.137}}),
    "group that is new": signals_of({"code": "driver-habits", "body": {"value": 48.137, "status": "48.137"}}),
    "private signal": signals_of(
        {"code": "location-preciselocation", "body": {"value": 48.137, "type": VIN}}
    ),
    "position in a public signal": signals_of(
        {
            "code": "charge-chargetimers",
            "body": {"values": [{"location": {"latitude": 48.137, "row": 48.137}}]},
        },
        {"code": "charge-chargetimers", "body": {"values": [{"lat": 48.137, "latitude": 48.137}]}},
        {"code": "odometer-traveleddistance", "body": {"value": "48.137", "address": {"value": 48.137}}},
        {"code": "odometer-traveleddistance", "position": 48.137, "meta": {"position": 48.137}},
    ),
    "VIN in a public signal": signals_of(
        {"code": "connectivitysoftware-currentfirmwareversion", "body": {"value": f"2026.1-{VIN}"}},
        {"code": "drive-mode", "body": {"value": VIN}},
    ),
    "user and token": {
        "data": {
            "user": {"id": "driver-a", "name": "48.137", "email": "48.137@example.com", "externalId": VIN},
            "vehicle": {"vin": VIN, "nickname": "48.137", "make": {"id": "48.137"}},
        },
        "access_token": "48.137",
        "location": [48.137],
    },
    "other types": ["48.137", [48.137], {"x": [[48.137]]}],
}


@pytest.mark.parametrize("payload", PRIVATE.values(), ids=PRIVATE)
def test_what_is_not_known_to_be_harmless_is_hidden_at_any_depth(payload):
    shown = json.dumps(redact(load_json(json.dumps(payload))))
    assert "48.137" in json.dumps(payload) or VIN.lower() in json.dumps(payload).lower()
    assert "48.137" not in shown
    assert VIN.lower() not in shown.lower()


leaves = st.text(max_size=20) | st.floats(1000, 2000)


@given(st.recursive(leaves, lambda inner: st.lists(inner) | st.dictionaries(st.text(max_size=20), inner)))
def test_of_a_payload_without_a_known_field_nothing_is_shown(payload):
    shown = redact({"unknown": payload, "data": {"user": {"unknown": payload}}})
    assert set(shown) == {"unknown", "data"}
    assert shown["unknown"] == shown["data"]["user"]["unknown"]
    assert isinstance(shown["unknown"], str)
    assert shown["unknown"].startswith("<")


def test_an_operator_sees_what_an_event_is_about(admin_client, row):
    page = admin_client.get(f"{LIST}{row.pk}/change/").text
    told = json.loads(html.unescape(re.search(r"<pre>(.*?)</pre>", page, re.DOTALL)[1]))
    payload = json.loads(row.payload)
    for name in ("eventId", "eventType", "meta"):
        assert told[name] == payload[name]
    odometer_, position, vin = told["data"]["signals"]
    assert odometer_ == payload["data"]["signals"][0], "all of it"
    assert (position["code"], position["status"]) == ("location-preciselocation", {"value": "SUCCESS"})
    assert position["body"] == "<object, 2 items>"
    assert vin["meta"] == payload["data"]["signals"][2]["meta"]
    assert '<div class="readonly">Odometer, Location, VIN</div>' in page
    assert told["data"]["user"] == {"id": "driver-a", "externalId": "<text, 24 characters>"}
    assert told["data"]["vehicle"] == {"id": "car-1", "vin": "<text, 17 characters>"}


def test_an_operator_sees_the_error_and_the_numbers_of_any_public_signal():
    shown = redact(error(codes=["odometer-traveleddistance"]))["data"]["errors"][0]
    assert (shown["type"], shown["code"], shown["state"]) == (
        "CONNECTED_SERVICES_ACCOUNT", "AUTHENTICATION_FAILED", "ERROR",
    )  # fmt: skip
    assert shown["signals"] == [{"code": "odometer-traveleddistance"}]
    for item in (
        {
            "code": "closure-doors",
            "body": {"values": [{"row": 0, "column": 1, "isOpen": True}], "rowCount": 2},
        },
        {
            "code": "charge-chargelimits",
            "body": {"values": [{"type": "GLOBAL", "limit": 80}], "unit": "percent"},
        },
        {"code": "transmission-gearstate", "body": {"value": "PARK"}},
        {"code": "charge-ischarging", "status": {"value": "ERROR", "error": {"type": "SERVER", "code": "X"}}},
    ):
        assert redact(signals_of(item)) == signals_of(item)
    item = {
        "path": "/tires/pressure",
        "code": 200,
        "body": {"frontLeft": 219},
        "headers": {"sc-data-age": AGE},
    }
    assert redact(v2(item)) == v2(item)


@pytest.mark.parametrize(
    ("payload", "shown"),
    [
        (
            signals_of(
                {
                    "code": "internalcombustionengine-fuellevel",
                    "status": {"value": "ERROR", "error": {"type": "COMPATIBILITY", "code": "NOT_CAPABLE"}},
                },
                {"code": f"new-{VIN}"},
            ),
            "Fuel (NOT_CAPABLE), &lt;text, 21 characters&gt;",
        ),
        (signals_of(7, {"code": 7}, {"code": "odometer-traveleddistance", "status": 7}), "Odometer"),
        ({"data": {"signals": 7}}, "–"),
        ({"data": [7]}, "–"),
        ([7], "–"),
    ],
)
def test_the_signals_of_any_event_are_named(admin_client, payload, shown):
    row = WebhookEvent.objects.create(event_id="e", payload=json.dumps(payload), size=2, key_position=1)
    page = admin_client.get(f"{LIST}{row.pk}/change/").text
    assert f'<div class="readonly">{shown}</div>' in page
    assert VIN not in page


def test_an_undecryptable_event_can_be_viewed(admin_client, row, lose_key):
    lose_key()
    assert "cannot be decrypted" in admin_client.get(f"{LIST}{row.pk}/change/").text
    assert admin_client.get(LIST).status_code == 200


def rerun(client, *rows):
    return client.post(LIST, {"action": "requeue", "_selected_action": [row.pk for row in rows]}, follow=True)


def test_a_dead_event_is_queued_again(admin_client, row, vehicle):
    WebhookEvent.objects.update(state="dead", attempts=7, next_attempt_at=None)
    assert "1 event is queued again." in rerun(admin_client, row).text
    row.refresh_from_db()
    assert (row.state, vehicle.signals["odometer"].value) == ("processed", 777.25)
    assert LogEntry.objects.get().get_change_message() == "queued again"
    assert "0 events are queued again." in rerun(admin_client, row).text


def test_running_again_needs_its_own_permission(staff, row):
    WebhookEvent.objects.update(state="dead", next_attempt_at=None)
    rerun(staff("view_webhookevent", "change_webhookevent"), row)
    row.refresh_from_db()
    assert row.state == "dead"


def test_events_cannot_be_changed_added_or_deleted(admin_client, row):
    assert admin_client.post(f"{LIST}{row.pk}/change/", {"state": "processed"}).status_code == 403
    assert admin_client.get(f"{LIST}add/").status_code == 403
    assert admin_client.post(f"{LIST}{row.pk}/delete/", {"post": "yes"}).status_code == 403
    assert admin_client.get(f"{LIST}?payload__startswith=a").status_code in (302, 400)


@pytest.mark.parametrize("page", [LIST, ENDPOINTS, "/admin/smartcar/vehicleproblem/"])
def test_viewing_needs_a_permission(staff, row, page):
    assert staff("view_connectedvehicle").get(page).status_code == 403


def test_the_last_accepted_and_rejected_signatures_are_shown(client, admin_client, row):
    assert post(client, event(), signature="abcdef0123<script>").status_code == 401
    page = admin_client.get(ENDPOINTS).text
    assert '<td class="field-matching_key">2</td>' in page
    assert '<td class="field-refused">1</td>' in page
    endpoint = WebhookEndpoint.objects.get()
    page = admin_client.get(f"{ENDPOINTS}{endpoint.pk}/change/").text
    assert "abcdef" in page
    assert "0123" not in page
    assert "script&gt;" not in page


def test_vehicle_problems_are_listed(client, admin_client, vehicle):
    post(client, error())
    assert "AUTHENTICATION_FAILED" in admin_client.get("/admin/smartcar/vehicleproblem/").text
