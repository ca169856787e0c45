"""The payloads of webhooks, compared with smartcar-api.md 6.2 to 6.5."""

import pytest

from django_smartcar.simulator import store
from django_smartcar.simulator.access.connections import of_vehicle
from django_smartcar.simulator.signals.catalog import SIGNALS
from django_smartcar.simulator.webhooks import notify, queue, registry


@pytest.fixture
def sent(receiver):
    """Deliver what is queued; return the payload of the last event."""

    def deliver():
        queue.run()
        return receiver.received.pop().body

    return deliver


def toggle_lock(car):
    with notify.changing(car):
        car.is_locked = not car.is_locked


def test_the_challenge_of_v4_is_as_documented(make_webhook, receiver):
    webhook = make_webhook()
    (challenge,) = receiver.received
    body = challenge.body
    assert set(body) == {"eventId", "eventType", "data", "meta"}
    assert body["eventType"] == "VERIFY"
    assert set(body["data"]) == {"challenge"}
    assert set(body["meta"]) == {"version", "webhookId", "webhookName", "deliveryId", "deliveredAt"}
    assert body["meta"]["webhookId"] == webhook.id


def test_the_challenge_of_v2_is_as_documented(make_webhook, receiver):
    webhook = make_webhook(version="2.0")
    (challenge,) = receiver.received
    expected = {"version": "2.0", "webhookId": webhook.id, "eventName": "verify"}
    body = challenge.body
    assert set(body.pop("payload")) == {"challenge"}
    assert body == expected


def test_the_default_variant_is_as_documented(volt, make_webhook, sent):
    webhook = make_webhook(volt.car)
    toggle_lock(volt.car)
    body = sent()
    car = volt.car
    assert set(body) == {"eventId", "eventType", "data", "meta"}
    assert body["data"]["user"] == {"id": car.owner_id, "externalId": None}
    assert body["data"]["vehicle"] == {
        "id": car.id,
        "make": "CHEVROLET",
        "model": "Volt",
        "year": car.year,
        "mode": "live",
        "powertrainType": "PHEV",
    }
    assert body["data"]["triggers"] == [{"code": "closure-islocked", "name": "IsLocked", "group": "Closure"}]
    signal = next(one for one in body["data"]["signals"] if one["code"] == "odometer-traveleddistance")
    assert (signal["name"], signal["group"]) == ("TraveledDistance", "Odometer")
    assert signal["status"] == {"value": "SUCCESS"}
    assert signal["body"] == {"unit": "kilometers", "value": car.odometer_km}
    assert set(signal["meta"]) == {"oemUpdatedAt", "retrievedAt"}
    assert all(type(value) is int and value > 10**12 for value in signal["meta"].values())
    meta = body["meta"]
    assert meta["signalCount"] == len(body["data"]["signals"])
    assert (meta["version"], meta["mode"], meta["webhookId"]) == ("4.0", "LIVE", webhook.id)
    assert type(meta["sequence"]) is type(meta["deliveredAt"]) is int


def test_the_trigger_of_a_first_delivery_has_no_names(volt, make_webhook, sent):
    webhook = make_webhook()
    registry.subscribe(webhook.id, volt.car.owner_id, volt.car.id)
    assert sent()["data"]["triggers"] == [{"code": "FIRST_DELIVERY"}]
    webhook.variant = "captured"
    registry.first_delivery(webhook.id, volt.car.id)
    assert sent()["triggers"] == [{"type": "FIRST_DELIVERY"}]


def test_the_captured_variant_is_as_captured(volt, make_webhook, sent):
    make_webhook(volt.car, variant="captured")
    toggle_lock(volt.car)
    body = sent()
    assert list(body["data"]) == ["user", "vehicle", "signals"]
    assert body["triggers"] == [
        {
            "type": "SIGNAL_UPDATED",
            "signal": {"code": "closure-islocked", "name": "IsLocked", "group": "Closure"},
        }
    ]
    assert set(body["data"]["user"]) == {"id"}
    assert set(body["data"]["vehicle"]) == {"id", "make", "model", "year", "mode", "powertrainType"}
    assert set(body["meta"]) == {
        "deliveryId",
        "deliveredAt",
        "version",
        "webhookId",
        "webhookName",
        "mode",
        "signalCount",
    }
    signal = next(one for one in body["data"]["signals"] if one["code"] == "odometer-traveleddistance")
    assert signal["body"]["unit"] == "km"


def test_the_early_variant_is_as_captured(volt, make_webhook, sent):
    make_webhook(volt.car, variant="captured-early")
    toggle_lock(volt.car)
    body = sent()
    assert body["triggers"] == [{"type": "SIGNAL_UPDATED", "signal": "Closure.IsLocked"}]
    assert set(body["data"]["vehicle"]) == {"id", "make", "model", "year"}
    assert type(body["meta"]["deliveryTime"]) is int
    assert "deliveredAt" not in body["meta"]


def test_a_failed_signal_has_neither_body_nor_times(connect, make_webhook, sent):
    connect(make="HONDA", scope="read_battery read_odometer")
    (car,) = store.cars()
    make_webhook(car)
    with notify.changing(car):
        car.odometer_km += 1
    signals = {one["code"]: one for one in sent()["data"]["signals"]}
    assert signals["tractionbattery-range"] == {
        "code": "tractionbattery-range",
        "name": "Range",
        "group": "TractionBattery",
        "status": {"value": "ERROR", "error": {"type": "COMPATIBILITY", "code": "VEHICLE_NOT_CAPABLE"}},
    }


def test_a_test_event_has_the_test_mode(volt, make_webhook, sent):
    webhook = make_webhook(volt.car)
    registry.send_state(webhook, of_vehicle(volt.car.id), ["closure-islocked"], is_test=True)
    body = sent()
    assert (body["meta"]["mode"], body["data"]["vehicle"]["mode"]) == ("TEST", "live")


def test_all_chosen_signals_are_sent(volt, make_webhook, sent):
    make_webhook(volt.car, signals=list(SIGNALS))
    toggle_lock(volt.car)
    assert [one["code"] for one in sent()["data"]["signals"]] == list(SIGNALS)


@pytest.mark.parametrize("variant", ["documented", "captured", "captured-early"])
def test_an_error_event_is_as_documented(volt, make_webhook, sent, variant):
    make_webhook(volt.car, variant=variant)
    with notify.changing(volt.car):
        volt.car.fault = "CONNECTED_SERVICES_ACCOUNT:AUTHENTICATION_FAILED"
    body = sent()
    assert body["eventType"] == "VEHICLE_ERROR"
    assert "signals" not in body["data"]
    (error,) = body["data"]["errors"]
    assert (error["type"], error["code"]) == ("CONNECTED_SERVICES_ACCOUNT", "AUTHENTICATION_FAILED")
    assert (error["state"], error["resolution"]) == ("ERROR", {"type": "REAUTHENTICATE"})
    assert error["description"].startswith("Smartcar was unable")
    assert error["docURL"].startswith("https://smartcar.com/docs/")
    assert error["suggestedUserMessage"].startswith("Your car got disconnected")
    first = error["signals"][0]
    if variant == "captured-early":
        assert first == "Charge.ChargeLimits"
    else:
        assert first == {"code": "charge-chargelimits", "name": "ChargeLimits", "group": "Charge"}
    with notify.changing(volt.car):
        volt.car.fault = None
    (error,) = sent()["data"]["errors"]
    assert error["state"] == "RESOLVED"
    assert "resolution" not in error


def test_errors_are_sent_to_the_error_uri(volt, make_webhook, receiver):
    make_webhook(volt.car, error_uri=receiver.url.replace("/hook", "/errors"))
    with notify.changing(volt.car):
        volt.car.fault = "VEHICLE_STATE:UNREACHABLE"
    toggle_lock(volt.car)
    with notify.changing(volt.car):
        volt.car.fault = None
        volt.car.odometer_km += 1
    queue.run()
    assert [(one.kind, one.path) for one in receiver.received] == [
        ("VEHICLE_ERROR", "/errors"),
        ("VEHICLE_ERROR", "/errors"),
        ("VEHICLE_STATE", "/hook"),
    ]


def test_an_error_of_a_request_cannot_be_sent(volt, make_webhook):
    webhook = make_webhook(volt.car)
    with pytest.raises(ValueError, match="GATEWAY_TIMEOUT"):
        registry.send_error(webhook, of_vehicle(volt.car.id), "GATEWAY_TIMEOUT")


def test_a_scheduled_event_has_all_subscribed_vehicles(connect, make_webhook, sent):
    scope = "read_odometer read_fuel read_battery read_vin"
    connect("2-vehicles@smartcar.com", make="HONDA", scope=scope)
    webhook = make_webhook(version="2.0", auto_subscribe=True)
    for car in store.cars():
        registry.subscribe(webhook.id, car.owner_id, car.id)
    registry.send_schedule(webhook)
    body = sent()
    vehicles = body["payload"].pop("vehicles")
    assert body == {
        "version": "2.0",
        "webhookId": webhook.id,
        "eventName": "schedule",
        "mode": "live",
        "payload": {},
    }
    assert [one["vehicleId"] for one in vehicles] == [car.id for car in store.cars()]
    assert set(vehicles[0]) == {"vehicleId", "requestId", "timestamp", "data"}
    items = {one["path"]: one for one in vehicles[0]["data"]}
    assert list(items) == ["/odometer", "/fuel", "/battery"]
    assert set(items["/odometer"]) == {"path", "code", "body", "headers"}
    assert items["/odometer"]["headers"]["sc-unit-system"] == "metric"
    assert (items["/battery"]["code"], items["/battery"]["body"]["code"]) == (501, "VEHICLE_NOT_CAPABLE")


def test_a_charge_event_is_as_documented(volt, make_webhook, sent):
    webhook = make_webhook(volt.car, version="2.0")
    registry.send_charge_event(webhook, of_vehicle(volt.car.id), "CHARGING_STARTED")
    body = sent()
    payload = body.pop("payload")
    assert body == {"version": "2.0", "webhookId": webhook.id, "eventName": "eventBased", "mode": "live"}
    assert set(payload) == {"eventId", "vehicleId", "eventType", "eventTime"}
    assert (payload["vehicleId"], payload["eventType"]) == (volt.car.id, "CHARGING_STARTED")
