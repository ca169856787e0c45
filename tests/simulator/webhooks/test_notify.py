"""Which events are sent for which change of a vehicle."""

import pytest

from django_smartcar.simulator import store
from django_smartcar.simulator.behaviour import motion
from django_smartcar.simulator.faults import injection
from django_smartcar.simulator.webhooks import notify, queue, registry
from tests.simulator.conftest import ALL_SCOPES

CSA = "CONNECTED_SERVICES_ACCOUNT"


@pytest.fixture
def events(receiver):
    """Deliver what is queued; return the type and the triggers or errors of each event."""

    def deliver():
        queue.run()
        payloads = [one.body for one in receiver.received]
        receiver.received.clear()
        return [
            (
                event["eventType"],
                [one["code"] for one in event["data"].get("triggers", [])]
                or [(one["type"], one["code"], one["state"]) for one in event["data"].get("errors", [])],
            )
            for event in payloads
        ]

    return deliver


def test_a_v2_command_sends_an_event(volt, make_webhook, events):
    make_webhook(volt.car)
    volt("POST", "security", {"action": "LOCK"})
    assert events() == [("VEHICLE_STATE", ["closure-islocked"])]
    volt("POST", "security", {"action": "LOCK"})
    assert events() == []  # nothing has changed
    volt("POST", "charge", {"action": "START"})
    assert events() == [("VEHICLE_STATE", ["charge-detailedchargingstatus", "charge-ischarging"])]


def test_a_v3_command_sends_an_event(connect_v3, make_webhook, events):
    volt = connect_v3()
    make_webhook(volt.car)
    volt("POST", "commands/security/lock")
    volt("POST", "commands/charge/set-limit", {"percent": 70})
    assert events() == [
        ("VEHICLE_STATE", ["closure-islocked"]),
        ("VEHICLE_STATE", ["charge-chargelimits"]),
    ]


def test_a_failed_command_sends_no_event(volt, make_webhook, events):
    make_webhook(volt.car)
    volt.car.fault = "VEHICLE_STATE:DOOR_OPEN"
    assert volt("POST", "security", {"action": "LOCK"}).status_code == 409
    assert events() == []


def test_nested_changes_send_one_event(volt, make_webhook, events):
    make_webhook(volt.car)
    with notify.changing(volt.car):
        volt.car.odometer_km += 5
        motion.enter(volt.car, "asleep")
    assert events() == [
        ("VEHICLE_ERROR", [("VEHICLE_STATE", "ASLEEP", "ERROR")]),
        (
            "VEHICLE_STATE",
            ["connectivitystatus-isasleep", "connectivitystatus-isonline", "odometer-traveleddistance"],
        ),
    ]


def test_errors_are_sent_and_resolved(volt, make_webhook, events):
    make_webhook(volt.car)
    for fault in (f"{CSA}:AUTHENTICATION_FAILED", f"{CSA}:SUBSCRIPTION", None):
        with notify.changing(volt.car):
            volt.car.fault = fault
    assert events() == [
        ("VEHICLE_ERROR", [(CSA, "AUTHENTICATION_FAILED", "ERROR")]),
        ("VEHICLE_ERROR", [(CSA, "AUTHENTICATION_FAILED", "RESOLVED")]),
        ("VEHICLE_ERROR", [(CSA, "SUBSCRIPTION", "ERROR")]),
        ("VEHICLE_ERROR", [(CSA, "SUBSCRIPTION", "RESOLVED")]),
    ]


def test_the_error_of_a_signal_names_the_signal(volt, make_webhook, receiver):
    make_webhook(volt.car)
    with notify.changing(volt.car):
        injection.set_fault("COMPATIBILITY:VEHICLE_NOT_CAPABLE", "signals/closure-islocked", volt.car)
    queue.run()
    (event,) = receiver.received
    (error,) = event.body["data"]["errors"]
    assert [one["code"] for one in error["signals"]] == ["closure-islocked"]


def test_changes_of_an_unreachable_vehicle_send_no_event(volt, make_webhook, events):
    make_webhook(volt.car)
    with notify.changing(volt.car):
        volt.car.fault = f"{CSA}:SUBSCRIPTION"
    events()
    with notify.changing(volt.car):
        volt.car.odometer_km += 1
    assert events() == []


def test_errors_of_requests_send_no_event(volt, make_webhook, events):
    make_webhook(volt.car)
    with notify.changing(volt.car):
        volt.car.fault = "SERVER:INTERNAL"
    assert events() == []


def test_signing_in_again_resolves_the_error(connect, first_car, api, make_webhook, events, visit):
    email = "smartcar@voa-000.vehicle-owner-action-required.com"
    tokens = connect(email, scope=ALL_SCOPES)
    car = store.car(first_car(tokens))
    make_webhook(car)
    url = api("GET", f"vehicles/{car.id}/odometer", tokens["access_token"]).json()["resolution"]["url"]
    page = visit()
    page.open(f"{url}&redirect_uri=https://app.example.com/callback&state=s")
    page.sign_in(email)
    assert page.callback["vehicle_id"] == car.id
    assert events() == [("VEHICLE_ERROR", [(CSA, "AUTHENTICATION_FAILED", "RESOLVED")])]


def test_driving_sends_events(volt, make_webhook, events):
    make_webhook(volt.car)
    motion.enter(volt.car, "driving")
    events()
    motion.pass_time(600)
    ((kind, triggers),) = events()
    assert kind == "VEHICLE_STATE"
    assert "odometer-traveleddistance" in triggers
    assert "location-preciselocation" in triggers


def test_only_permitted_signals_are_sent(connect, first_car, make_webhook, receiver):
    car = store.car(first_car(connect(scope="read_odometer")))
    make_webhook(car)
    with notify.changing(car):
        car.is_locked = True
    assert queue.run() == 0
    with notify.changing(car):
        car.odometer_km += 1
    queue.run()
    (event,) = receiver.received
    statuses = {one["code"]: one["status"] for one in event.body["data"]["signals"]}
    assert statuses["odometer-traveleddistance"] == {"value": "SUCCESS"}
    assert statuses["closure-islocked"]["error"] == {"type": "PERMISSION", "code": "UNKNOWN"}


def test_only_the_chosen_triggers_send_events(volt, make_webhook, events):
    make_webhook(volt.car, triggers=["odometer-traveleddistance"], signals=["closure-islocked"])
    volt("POST", "security", {"action": "LOCK"})
    assert events() == []
    with notify.changing(volt.car):
        volt.car.odometer_km += 1
    assert events() == [("VEHICLE_STATE", ["odometer-traveleddistance"])]


def test_a_webhook_without_triggers_sends_no_events(volt, make_webhook, events):
    make_webhook(volt.car, triggers=[])
    volt("POST", "security", {"action": "LOCK"})
    assert events() == []


def test_a_first_event_is_sent_after_subscribing_enabling_and_verifying(volt, make_webhook, events, api, v3):
    webhook = make_webhook()
    events()
    registry.subscribe(webhook.id, volt.car.owner_id, volt.car.id)
    assert events() == [("VEHICLE_STATE", ["FIRST_DELIVERY"])]
    registry.enable(webhook, False)
    registry.enable(webhook, True)
    assert events() == [("VEHICLE_STATE", ["FIRST_DELIVERY"])]
    registry.enable(webhook, True)
    assert events() == []
    webhook.is_verified = False
    registry.verify(webhook)
    assert events() == [("VERIFY", []), ("VEHICLE_STATE", ["FIRST_DELIVERY"])]
    registry.verify(webhook)
    assert events() == [("VERIFY", [])]
    other = make_webhook()
    events()
    assert volt("POST", f"webhooks/{other.id}").status_code == 200
    assert events() == [("VEHICLE_STATE", ["FIRST_DELIVERY"])]
    third = make_webhook()
    events()
    attributes = {"webhookId": third.id, "userId": volt.car.owner_id, "vehicleId": volt.car.id}
    assert v3("POST", "subscriptions", attributes=attributes, host="management-api").status_code == 202
    assert events() == [("VEHICLE_STATE", ["FIRST_DELIVERY"])]


def test_new_vehicles_are_subscribed_automatically(connect, make_webhook, events):
    make_webhook(auto_subscribe=True)
    events()
    connect("2-vehicles@smartcar.com")
    assert events() == [("VEHICLE_STATE", ["FIRST_DELIVERY"])] * 2
    connect("2-vehicles@smartcar.com")
    assert events() == []


def test_a_disconnected_vehicle_sends_no_events(volt, make_webhook, events):
    make_webhook(volt.car)
    assert volt("DELETE", "application").status_code == 200
    with notify.changing(volt.car):
        volt.car.odometer_km += 1
    assert events() == []


def test_the_start_and_end_of_charging_are_sent_to_v2_webhooks(volt, make_webhook, receiver):
    make_webhook(volt.car, version="2.0")
    volt.car.battery_percent, volt.car.charge_limit = 0.5, 0.6
    volt("POST", "charge", {"action": "START"})
    volt("POST", "charge", {"action": "STOP"})
    volt("POST", "charge", {"action": "START"})
    motion.pass_time(3600)
    volt("POST", "security", {"action": "LOCK"})
    queue.run()
    assert [one.kind for one in receiver.received] == ["eventBased"] * 4
    kinds = [one.body["payload"]["eventType"] for one in receiver.received]
    assert kinds == ["CHARGING_STARTED", "CHARGING_STOPPED", "CHARGING_STARTED", "CHARGING_COMPLETED"]
    assert all(one.is_signed for one in receiver.received)


def test_charging_events_require_their_permission(connect, first_car, make_webhook):
    car = store.car(first_car(connect(scope="read_charge")))
    make_webhook(car, version="2.0")
    motion.enter(car, "charging")
    assert queue.run() == 0


def test_webhooks_survive_a_restart(settings, tmp_path, connect, first_car, make_webhook, events):
    settings.SMARTCAR_SIMULATOR_STATE = tmp_path / "state.json"
    store.restart()
    car = store.car(first_car(connect(scope=ALL_SCOPES)))
    make_webhook(car, variant="captured", triggers=["closure-islocked"])
    before = store.state()
    store.restart()
    assert store.state() == before
    with notify.changing(store.car(car.id)):
        store.car(car.id).is_locked = True
    queue.run()
    assert len(queue.log()) == 1
