"""Text that a database or a page cannot hold, in everything that Smartcar sends.

``tests/test_databases.py`` runs this file on the other databases, too: only PostgreSQL refuses all of it.
"""

import json

import pytest

from django_smartcar import sdk
from django_smartcar.exceptions import SmartcarException
from django_smartcar.models import ConnectedVehicle, VehicleCommand, VehicleProblem, WebhookEvent
from django_smartcar.secret_types import Secret, Vin, load_json, storable
from django_smartcar.services import commands, tokens, vehicles

from ..mock_api import API, TOKEN
from ..webhooks import error, event, odometer, signal
from ..webhooks import post as post_webhook

pytestmark = pytest.mark.django_db

NUL, HALF = "a\x00b", "a\ud83db"
CLEAN = "a\ufffdb"
BOTH = pytest.mark.parametrize("text", [NUL, HALF, "a\udc80b"])


@BOTH
@pytest.mark.parametrize("kind", [str, Secret, Vin])
def test_text_keeps_its_type(text, kind):
    cleaned = storable(kind(text))
    assert cleaned == CLEAN
    assert type(cleaned) is kind


def test_text_that_is_storable_is_returned_as_it_is():
    for text in ("", "abc", "Zürich 🚗 \ufffd", "\n\t\x1f"):
        assert storable(text) is text


@BOTH
@pytest.mark.parametrize("codec", ["ascii", "utf-8", "utf-16", "utf-32"])
def test_json_is_clean_at_any_depth(text, codec):
    body = {text: [{"make": text, "vin": text, "n": 1, "none": None}], "odd\\u": "Zürich"}
    raw = json.dumps(body, ensure_ascii=codec == "ascii").replace("\x00", "\\u0000")
    loaded = load_json(raw.encode(codec, "surrogatepass"))
    assert loaded == {CLEAN: [{"make": CLEAN, "vin": CLEAN, "n": 1, "none": None}], "odd\\u": "Zürich"}
    assert type(loaded[CLEAN][0]["vin"]) is Vin
    assert load_json(raw) == loaded


@BOTH
def test_details_of_a_vehicle(vehicle, account, mock_api, text):
    mock_api.driver("driver-a", ["car-1"])
    permissions = ["read_vehicle_info", "read_vin", text]
    mock_api.car("car-1", make=text, model=text, vin=text, permissions=permissions)
    vehicles.sync(account)
    stored = ConnectedVehicle.objects.get()
    assert (stored.make, stored.model, stored.vin.reveal()) == (CLEAN, CLEAN, CLEAN)
    assert CLEAN in stored.permissions


@BOTH
def test_the_error_of_a_command(vehicle, mock_api, text):
    body = {"type": text, "code": text, "description": text, "requestId": text, "statusCode": 409}
    mock_api.commands("car-1", body, status=409)
    with pytest.raises(SmartcarException) as caught:
        commands.send(vehicle, "lock")
    record = VehicleCommand.objects.get()
    assert (record.error_type, record.error_code, record.request_id) == (CLEAN, CLEAN, CLEAN)
    assert CLEAN in str(caught.value)


def test_the_request_id_in_a_header(vehicle, mock_api):
    url = f"{API}/vehicles/car-1/security"
    mock_api.mock.add("POST", url, body="bad", status=409, headers={"sc-request-id": NUL})
    with pytest.raises(SmartcarException):
        commands.send(vehicle, "lock")
    assert VehicleCommand.objects.get().request_id == CLEAN


@BOTH
def test_the_error_of_a_token_request(account, mock_api, text):
    mock_api.tokens_fail(400, text, text)
    with pytest.raises(SmartcarException):
        tokens.refresh(account)
    account.refresh_from_db()
    assert account.refresh_error == CLEAN


@BOTH
def test_tokens(account, mock_api, text):
    body = {"access_token": text, "refresh_token": text, "expires_in": 7200, "token_type": "Bearer"}
    mock_api.mock.add("POST", TOKEN, json=body)
    assert tokens.refresh(account)
    account.refresh_from_db()
    assert account.access_token == CLEAN


@BOTH
def test_signals_of_api_v3(text):
    item = {"id": "charge-ischarging", "attributes": {"code": "charge-ischarging", "body": {"value": text}}}
    body = load_json(json.dumps({"data": [item]}))
    assert CLEAN in json.dumps(body, ensure_ascii=False)


@BOTH
@pytest.mark.django_db(transaction=True)
def test_events_of_webhooks(client, vehicle, settings, text):
    settings.SMARTCAR_MANAGEMENT_TOKENS = ["the-management-token"]
    ConnectedVehicle.objects.update(permissions=["read_odometer", "read_extended_vehicle_info"])
    nickname = signal("vehicleidentification-nickname", text, 1_790_000_000)
    payloads = [
        event(odometer(5, 1_790_000_000), nickname, kind="VEHICLE_STATE", event_id=text),
        error(kind=text, code=text, codes=[text]),
        event(kind=text, car=text, driver=text),
        {"eventName": "schedule", "webhookId": text, "payload": {"vehicles": [{"vehicleId": text}]}},
    ]
    for payload in payloads:
        for raw in (json.dumps(payload), json.dumps(payload, ensure_ascii=False).replace("\x00", "\\u0000")):
            response = post_webhook(client, raw.encode("utf-8", "surrogatepass"))
            assert response.status_code in (200, 202, 204)
    assert set(WebhookEvent.objects.values_list("last_error", flat=True)) == {""}
    assert vehicle.signals["nickname"].value == CLEAN
    assert VehicleProblem.objects.get().type == CLEAN


def test_parameters_of_the_callback(client, anna):
    client.force_login(anna)
    for name in ("error", "state", "code", "user_id", "external_id", "vehicle_id"):
        response = client.get("/cars/callback/", {"state": "made-up", name: NUL})
        assert response.status_code == 400
        assert "\x00" not in response.text


def test_an_exception_of_the_sdk_is_printable():
    exception = sdk.SmartcarException(storable(HALF))
    assert str(exception).encode()
