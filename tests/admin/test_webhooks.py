"""Webhook events and signatures in the admin."""

import json

import pytest
from django.contrib.admin.models import LogEntry

from django_smartcar.admin.redaction import redact
from django_smartcar.models import WebhookEndpoint, WebhookEvent
from tests.webhooks import TOKEN, error, event, location, odometer, post, signal

pytestmark = pytest.mark.django_db(transaction=True)

LIST = "/admin/smartcar/webhookevent/"
ENDPOINTS = "/admin/smartcar/webhookendpoint/"
VIN = "WVWZZZ1JZXW000001"
EXTERNAL_ID = "eXId" * 6


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


@pytest.mark.parametrize(
    "payload",
    [
        {"data": [{"path": "/location", "body": {"x": 48.137}}, {"path": "/vin", "body": {"y": VIN}}]},
        {"a": [{"b": {"Latitude": 48.137, "longitude": 48.137}}]},
        {"description": f"The car {VIN} sleeps.", VIN.lower(): 1},
        {"code": "location-new", "body": {"value": 48.137}},
        {"location": [48.137]},
    ],
)
def test_positions_and_vins_are_hidden_at_any_depth(payload):
    shown = json.dumps(redact(payload))
    assert "48.137" not in shown
    assert VIN.lower() not in shown.lower()


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
