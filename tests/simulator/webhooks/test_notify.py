"""What is sent when: which change of a car becomes which event, for whom."""

import pytest

from django_smartcar.simulator import store
from django_smartcar.simulator.behaviour import motion
from django_smartcar.simulator.faults import injection
from django_smartcar.simulator.webhooks import notify, queue, registry
from tests.simulator.conftest import EVERYTHING

CSA = "CONNECTED_SERVICES_ACCOUNT"


@pytest.fixture
def told(receiver):
    """What the receiver is told now: kind, and triggers or errors."""

    def told_():
        queue.run()
        events = [one.body for one in receiver.received]
        receiver.received.clear()
        return [
            (
                event["eventType"],
                [one["code"] for one in event["data"].get("triggers", [])]
                or [(one["type"], one["code"], one["state"]) for one in event["data"].get("errors", [])],
            )
            for event in events
        ]

    return told_


def test_a_command_of_v2_is_told_when_the_car_has_obeyed(volt, hook, told):
    hook(volt.car)
    volt("POST", "security", {"action": "LOCK"})
    assert told() == [("VEHICLE_STATE", ["closure-islocked"])]
    volt("POST", "security", {"action": "LOCK"})
    assert told() == []  # nothing has changed
    volt("POST", "charge", {"action": "START"})
    assert told() == [("VEHICLE_STATE", ["charge-detailedchargingstatus", "charge-ischarging"])]


def test_a_command_of_v3_is_told_when_the_car_has_obeyed(driven, hook, told):
    volt = driven()
    hook(volt.car)
    volt("POST", "commands/security/lock")
    volt("POST", "commands/charge/set-limit", {"percent": 70})
    assert told() == [
        ("VEHICLE_STATE", ["closure-islocked"]),
        ("VEHICLE_STATE", ["charge-chargelimits"]),
    ]


def test_nothing_is_told_when_the_car_has_not_obeyed(volt, hook, told):
    hook(volt.car)
    volt.car.fault = "VEHICLE_STATE:DOOR_OPEN"
    assert volt("POST", "security", {"action": "LOCK"}).status_code == 409
    assert told() == []


def test_a_change_from_code_is_told_once_when_it_brings_about_others(volt, hook, told):
    hook(volt.car)
    with notify.changing(volt.car):
        volt.car.odometer_km += 5
        motion.enter(volt.car, "asleep")
    assert told() == [
        ("VEHICLE_ERROR", [("VEHICLE_STATE", "ASLEEP", "ERROR")]),
        (
            "VEHICLE_STATE",
            ["connectivitystatus-isasleep", "connectivitystatus-isonline", "odometer-traveleddistance"],
        ),
    ]


def test_an_error_is_told_and_resolved_when_a_car_fails_and_works_again(volt, hook, told):
    hook(volt.car)
    for fault in (f"{CSA}:AUTHENTICATION_FAILED", f"{CSA}:SUBSCRIPTION", None):
        with notify.changing(volt.car):
            volt.car.fault = fault
    assert told() == [
        ("VEHICLE_ERROR", [(CSA, "AUTHENTICATION_FAILED", "ERROR")]),
        ("VEHICLE_ERROR", [(CSA, "AUTHENTICATION_FAILED", "RESOLVED")]),
        ("VEHICLE_ERROR", [(CSA, "SUBSCRIPTION", "ERROR")]),
        ("VEHICLE_ERROR", [(CSA, "SUBSCRIPTION", "RESOLVED")]),
    ]


def test_an_error_of_one_signal_names_it_when_it_is_told(volt, hook, receiver):
    hook(volt.car)
    with notify.changing(volt.car):
        injection.set_fault("COMPATIBILITY:VEHICLE_NOT_CAPABLE", "signals/closure-islocked", volt.car)
    queue.run()
    (event,) = receiver.received
    (error,) = event.body["data"]["errors"]
    assert [one["code"] for one in error["signals"]] == ["closure-islocked"]


def test_a_change_is_not_told_when_smartcar_cannot_ask_the_car(volt, hook, told):
    hook(volt.car)
    with notify.changing(volt.car):
        volt.car.fault = f"{CSA}:SUBSCRIPTION"
    told()
    with notify.changing(volt.car):
        volt.car.odometer_km += 1
    assert told() == []


def test_a_fault_of_the_request_is_not_told_when_it_is_no_cars(volt, hook, told):
    hook(volt.car)
    with notify.changing(volt.car):
        volt.car.fault = "SERVER:INTERNAL"
    assert told() == []


def test_an_error_is_resolved_when_its_owner_signs_in_again(connect, first_car, api, hook, told, visit):
    email = "smartcar@voa-000.vehicle-owner-action-required.com"
    tokens = connect(email, scope=EVERYTHING)
    car = store.car(first_car(tokens))
    hook(car)
    url = api("GET", f"vehicles/{car.id}/odometer", tokens["access_token"]).json()["resolution"]["url"]
    page = visit()
    page.open(f"{url}&redirect_uri=https://app.example.com/callback&state=s")
    page.sign_in(email)
    assert page.answer["vehicle_id"] == car.id
    assert told() == [("VEHICLE_ERROR", [(CSA, "AUTHENTICATION_FAILED", "RESOLVED")])]


def test_a_drive_is_told_when_time_passes(volt, hook, told):
    hook(volt.car)
    motion.enter(volt.car, "driving")
    told()
    motion.pass_time(600)
    ((kind, triggers),) = told()
    assert kind == "VEHICLE_STATE"
    assert "odometer-traveleddistance" in triggers
    assert "location-preciselocation" in triggers


def test_only_what_was_allowed_is_told_when_something_changes(connect, first_car, hook, receiver):
    car = store.car(first_car(connect(scope="read_odometer")))
    hook(car)
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


def test_only_triggers_cause_an_event_when_they_were_chosen(volt, hook, told):
    hook(volt.car, triggers=["odometer-traveleddistance"], signals=["closure-islocked"])
    volt("POST", "security", {"action": "LOCK"})
    assert told() == []
    with notify.changing(volt.car):
        volt.car.odometer_km += 1
    assert told() == [("VEHICLE_STATE", ["odometer-traveleddistance"])]


def test_nothing_is_ever_told_when_a_webhook_has_no_triggers(volt, hook, told):
    hook(volt.car, triggers=[])
    volt("POST", "security", {"action": "LOCK"})
    assert told() == []


def test_a_car_is_told_of_at_once_when_it_is_subscribed(volt, hook, told, api, v3):
    known = hook()
    told()
    registry.subscribe(known.id, volt.car.owner_id, volt.car.id)
    assert told() == [("VEHICLE_STATE", ["FIRST_DELIVERY"])]
    registry.enable(known, False)
    registry.enable(known, True)
    assert told() == [("VEHICLE_STATE", ["FIRST_DELIVERY"])]
    registry.enable(known, True)
    assert told() == []
    known.is_verified = False
    registry.verify(known)
    assert told() == [("VERIFY", []), ("VEHICLE_STATE", ["FIRST_DELIVERY"])]
    registry.verify(known)
    assert told() == [("VERIFY", [])]
    other = hook()
    told()
    assert volt("POST", f"webhooks/{other.id}").status_code == 200
    assert told() == [("VEHICLE_STATE", ["FIRST_DELIVERY"])]
    third = hook()
    told()
    attributes = {"webhookId": third.id, "userId": volt.car.owner_id, "vehicleId": volt.car.id}
    assert v3("POST", "subscriptions", attributes=attributes, host="management-api").status_code == 202
    assert told() == [("VEHICLE_STATE", ["FIRST_DELIVERY"])]


def test_a_car_is_subscribed_by_itself_when_the_webhook_wants_every_car(connect, hook, told):
    hook(auto_subscribe=True)
    told()
    connect("2-vehicles@smartcar.com")
    assert told() == [("VEHICLE_STATE", ["FIRST_DELIVERY"])] * 2
    connect("2-vehicles@smartcar.com")
    assert told() == []


def test_nothing_is_told_any_more_when_a_car_is_disconnected(volt, hook, told):
    hook(volt.car)
    assert volt("DELETE", "application").status_code == 200
    with notify.changing(volt.car):
        volt.car.odometer_km += 1
    assert told() == []


def test_charging_is_told_to_v2_webhooks_when_it_starts_and_ends(volt, hook, receiver):
    hook(volt.car, version="2.0")
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


def test_charging_is_not_told_when_it_was_not_allowed(connect, first_car, hook):
    car = store.car(first_car(connect(scope="read_charge")))
    hook(car, version="2.0")
    motion.enter(car, "charging")
    assert queue.run() == 0


def test_webhooks_go_on_when_the_process_is_restarted(settings, tmp_path, connect, first_car, hook, told):
    settings.SMARTCAR_SIMULATOR_STATE = tmp_path / "state.json"
    store.restart()
    car = store.car(first_car(connect(scope=EVERYTHING)))
    hook(car, variant="captured", triggers=["closure-islocked"])
    before = store.state()
    store.restart()
    assert store.state() == before
    with notify.changing(store.car(car.id)):
        store.car(car.id).is_locked = True
    queue.run()
    assert len(queue.log()) == 1
