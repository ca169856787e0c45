"""The queue: each event is processed once, newer data wins, failed receivers are retried, nothing is lost."""

import itertools
import json
import logging
import random
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
import time_machine
from asgiref.sync import sync_to_async
from django.db import IntegrityError, OperationalError, connection, transaction
from django.db.models import Value
from django.db.models.functions import Concat
from django.utils import timezone

from django_smartcar import sdk, signals
from django_smartcar.models import ConnectedVehicle, SmartcarAccount, VehicleProblem, WebhookEvent
from django_smartcar.services import _authenticated_calls, _leases, readings, webhooks
from django_smartcar.services.commands import _records
from django_smartcar.services.webhooks import _queue, _readings, _waiting
from django_smartcar.services.webhooks._batches import RETRY_DELAYS
from tests.webhooks import TOKEN, error, event, location, odometer, post, sign, signal

pytestmark = pytest.mark.django_db(transaction=True)
NOON = 1_790_000_000


@pytest.fixture(autouse=True)
def site(settings):
    settings.SMARTCAR_MANAGEMENT_TOKENS = [TOKEN]


@pytest.fixture
def send(client):
    """Send these events to the webhook; each has to be accepted."""

    def send_(*payloads):
        for payload in payloads:
            assert post(client, payload).status_code == 200
        return WebhookEvent.objects.order_by("pk").last()

    return send_


@pytest.fixture
def receivers():
    """Return a function that connects receivers until the end of the test."""
    connected = []

    def connect(*functions):
        for function in functions:
            signals.webhook_received.connect(function, weak=False)
            connected.append(function)

    yield connect
    for function in connected:
        signals.webhook_received.disconnect(function)


def states():
    return [row.state for row in WebhookEvent.objects.order_by("pk")]


def reading(vehicle):
    newest = vehicle.signals
    odometer, place = newest.get("odometer"), newest.get("location")
    axes = (place.value["latitude"], place.value["longitude"]) if place else (None, None)
    return odometer and odometer.value, odometer and odometer.recorded_at, *axes


def moment(seconds):
    return datetime.fromtimestamp(seconds, UTC)


def later(**much):
    return time_machine.travel(timezone.now() + timedelta(**much), tick=True)


# Signals.


def test_an_event_is_saved_as_readings_when_the_request_ends(send, vehicle):
    row = send(event(odometer(120.5, NOON), location(1.5, 2.5, NOON + 1)))
    assert (row.state, row.attempts, row.next_attempt_at) == ("processed", 1, None)
    assert reading(vehicle) == (120.5, moment(NOON), 1.5, 2.5)
    place = vehicle.signals["location"]
    assert (place.recorded_at, place.source) == (moment(NOON + 1), "webhook")


def test_readings_are_metric_whatever_unit_the_event_has(send, vehicle):
    send(event(odometer(100, NOON, "mi")))
    assert reading(vehicle)[0] == pytest.approx(160.9344)


def test_the_newer_value_of_each_signal_wins_in_any_order(send, vehicle):
    events = [
        event(odometer(n, NOON + n), location(n / 1e3, -n / 1e3, NOON - n), sequence=n) for n in range(1, 9)
    ]
    random.shuffle(events)
    send(*events)
    assert reading(vehicle) == (8, moment(NOON + 8), 0.001, -0.001)


@pytest.mark.parametrize("order", [[1, 2], [2, 1]])
def test_the_sequence_decides_if_values_were_recorded_at_the_same_time(send, vehicle, order):
    send(*(event(odometer(n, NOON), sequence=n) for n in order))
    assert reading(vehicle)[0] == 2


def test_an_event_does_not_overwrite_a_later_read(send, vehicle):
    readings.save(vehicle, "odometer", 7, "km", moment(NOON + 10))
    send(event(odometer(5, NOON)))
    assert reading(vehicle)[0] == 7


def test_signals_without_permission_are_not_saved(send, vehicle):
    ConnectedVehicle.objects.update(permissions=["read_odometer"])
    send(event(odometer(5, NOON), location(1, 2, NOON)))
    assert reading(vehicle) == (5, moment(NOON), None, None)


@pytest.mark.parametrize("value", ["null", '"far"', "true", "1" * 400, "1e400", "{}", "[]"])
def test_invalid_values_are_not_saved(send, vehicle, value):
    payload = event(odometer("?", NOON), location("?", 1, NOON))
    assert send(json.dumps(payload).replace('"?"', value).encode()).state == "processed"
    assert reading(vehicle) == (None, None, None, None)


POLESTAR = [
    ("closure-islocked", {"value": True}, NOON),
    ("closure-doors", {"values": [{"row": 0, "column": 0, "isOpen": False, "isLocked": True}]}, NOON),
    ("closure-fronttrunk", {"isLocked": None, "isOpen": False}, NOON),
    ("closure-sunroof", {"isOpen": None}, NOON),
    ("vehicleidentification-packages", {"values": ["Performance", "Pilot"]}, NOON),
    ("vehicleidentification-exteriorcolor", {"value": "Space"}, 0),
    ("charge-timetocomplete", {"value": 16}, NOON),
    ("charge-wattage", {"value": 4279, "unit": "watts"}, NOON),
    ("charge-amperage", {"value": 6, "unit": "ampere"}, NOON),
    ("charge-chargelimits", {"values": [], "activeLimit": 83, "unit": "percent"}, NOON),
    ("tractionbattery-stateofcharge", {"value": 95, "unit": "percent"}, NOON),
    ("tractionbattery-nominalcapacity", {"capacity": 88, "source": "SMARTCAR", "unit": "kWh"}, NOON),
    ("connectivitysoftware-currentfirmwareversion", {"value": "4.2.13"}, NOON),
    ("connectivitystatus-isasleep", {"value": False}, NOON),
    ("wheel-tires", {"values": [{"row": 0, "column": 0, "tirePressure": 258}], "unit": "bar"}, NOON),
]
POLESTAR_GRANTED = [
    *("read_security", "read_extended_vehicle_info", "read_charge", "read_battery"),
    *("read_vehicle_info", "read_tires"),
]


def test_all_granted_signals_of_an_event_are_stored(send, vehicle):
    ConnectedVehicle.objects.update(permissions=POLESTAR_GRANTED)
    refused = {"type": "SERVER", "code": "INTERNAL"}
    timers = {"code": "charge-chargetimers", "status": {"value": "ERROR", "error": refused}, "meta": {}}
    send(event(*(signal(code, body, at) for code, body, at in POLESTAR), timers))
    found = vehicle.signals
    timers = found.pop("charge_timers")
    assert (timers.status, timers.error_type, timers.error_code) == ("error", "SERVER", "INTERNAL")
    assert {name: (state.value, state.unit) for name, state in found.items()} == {
        "is_locked": (True, ""),
        "doors": ({"values": [{"row": 0, "column": 0, "isOpen": False, "isLocked": True}]}, ""),
        "front_trunk": ({"isLocked": None, "isOpen": False}, ""),
        "packages": (["Performance", "Pilot"], ""),
        "exterior_color": ("Space", ""),
        "charge_time_left": (16, "min"),
        "charge_power": (4279, "W"),
        "charge_current": (6, "A"),
        "charge_limit": ({"values": [], "activeLimit": 0.83}, "fraction"),
        "battery_level": (0.95, "fraction"),
        "battery_capacity": ({"capacity": 88, "source": "SMARTCAR"}, "kWh"),
        "firmware_version": ("4.2.13", ""),
        "is_asleep": (False, ""),
        "tires": ({"values": [{"row": 0, "column": 0, "tirePressure": 258}]}, "kPa"),
    }
    assert set(vehicle.readings.values_list("signal", flat=True)) == set(found)


def test_the_number_of_statements_does_not_depend_on_the_number_of_signals_or_events(
    vehicle, make_vehicle, account, django_assert_num_queries
):
    """Two of them are the savepoint's; the others load, write states, history and vehicles, and resolve."""
    ConnectedVehicle.objects.update(permissions=POLESTAR_GRANTED)
    cars = [ConnectedVehicle.objects.get(), make_vehicle(account, "car-2", permissions=POLESTAR_GRANTED)]

    def items(number):
        for one in range(number):
            payload = event(*(signal(code, body, at and at + one) for code, body, at in POLESTAR))
            parsed = sdk.webhooks.read(payload)
            yield cars, parsed, parsed.updates[0]

    for number in (1, 3):
        with transaction.atomic(), django_assert_num_queries(7):
            _readings.apply_many(items(number))
    assert cars[1].signals["is_locked"].recorded_at == moment(NOON + 2)


def test_a_schedule_of_v2_is_saved_as_signals(send, vehicle):
    ConnectedVehicle.objects.update(permissions=["read_security", "read_tires"])
    headers = {"sc-data-age": moment(NOON).isoformat(), "sc-unit-system": "metric"}
    closed = [{"type": "frontLeft", "status": "CLOSED"}]
    bodies = {
        "/security": {"isLocked": False, "doors": closed, "storage": [{"type": "rear", "status": "OPEN"}]},
        "/tires/pressure": {"frontLeft": 219, "frontRight": 219, "backLeft": 219, "backRight": 219},
        "/battery": {"percentRemaining": 0.5, "range": 200},
    }
    data = [{"path": path, "code": 200, "body": body, "headers": headers} for path, body in bodies.items()]
    content = {"vehicles": [{"vehicleId": "car-1", "data": data}]}
    assert send({"version": "2.0", "webhookId": "w", "eventName": "schedule", "payload": content})
    found = vehicle.signals
    assert set(found) == {"is_locked", "doors", "rear_trunk", "tires"}
    assert (found["is_locked"].value, found["is_locked"].recorded_at) == (False, moment(NOON))


@pytest.mark.parametrize(("is_locked", "status"), [(True, "succeeded"), (False, "unknown")])
def test_an_event_resolves_a_command_whose_response_was_lost(send, vehicle, is_locked, status):
    ConnectedVehicle.objects.update(permissions=["read_security"])
    command = _records.create(vehicle, "lock", {}, "pending")
    _records.finish(command, command.Status.UNKNOWN)
    locked = signal("closure-islocked", is_locked, timezone.now().timestamp() + 1)
    send(event(locked))
    command.refresh_from_db()
    assert command.status == status
    assert vehicle.signals["is_locked"].value is is_locked


def test_command_finished_is_sent_after_the_commit_and_not_after_a_rollback(send, vehicle):
    ConnectedVehicle.objects.update(permissions=["read_security"])
    command = _records.create(vehicle, "lock", {}, "pending")
    _records.finish(command, command.Status.UNKNOWN)
    received = []

    def receive(command, **named):
        received.append((command.status, connection.in_atomic_block))

    def refuse(execute, sql, params, many, context):
        if sql.startswith("UPDATE") and "processed_at" in sql:
            raise OperationalError("gone")
        return execute(sql, params, many, context)

    signals.command_finished.connect(receive)
    try:
        with connection.execute_wrapper(refuse):
            row = send(event(signal("closure-islocked", True, timezone.now().timestamp() + 1)))
        assert (row.state, received) == ("failed", [])
        with later(minutes=1):
            _queue.process_due()
    finally:
        signals.command_finished.disconnect(receive)
    assert received == [("succeeded", False)]


@pytest.mark.parametrize(
    ("action", "code", "value", "status"),
    [
        ("open_charge_port", "charge-ischargingportflapopen", True, "succeeded"),
        ("close_charge_port", "charge-ischargingportflapopen", False, "succeeded"),
        ("close_charge_port", "charge-ischargingportflapopen", "shut", "unknown"),
        ("start_charge", "charge-detailedchargingstatus", "CHARGING", "succeeded"),
        ("start_charge", "charge-detailedchargingstatus", True, "unknown"),
        ("stop_charge", "charge-detailedchargingstatus", "FULLY_CHARGED", "succeeded"),
        ("stop_charge", "charge-ischarging", False, "unknown"),
    ],
)
def test_an_event_resolves_commands_that_its_signal_confirms(send, vehicle, action, code, value, status):
    ConnectedVehicle.objects.update(permissions=["read_charge"])
    command = _records.create(vehicle, action, {}, "pending")
    _records.finish(command, command.Status.UNKNOWN)
    assert send(event(signal(code, value, timezone.now().timestamp() + 1))).state == "processed"
    command.refresh_from_db()
    assert command.status == status


def test_the_charge_port_needs_the_permission_read_charge(send, vehicle):
    ConnectedVehicle.objects.update(permissions=["read_security"])
    send(event(signal("charge-ischargingportflapopen", True, NOON)))
    assert not vehicle.readings.exists()


def test_a_signal_without_a_value_does_not_replace_a_reading(send, vehicle):
    ConnectedVehicle.objects.update(permissions=["read_security"])
    send(event(signal("closure-islocked", True, NOON)), event(signal("closure-islocked", None, NOON + 1)))
    assert vehicle.signals["is_locked"].value is True
    assert states() == ["processed", "processed"]


def test_another_drivers_row_of_the_same_vehicle_is_not_changed(
    send, vehicle, make_account, make_vehicle, bert
):
    other = make_vehicle(make_account(bert, "driver-b"))
    send(event(odometer(5, NOON), driver="driver-a"))
    assert (reading(vehicle)[0], reading(other)[0]) == (5, None)


def test_an_event_of_a_disconnected_vehicle_is_not_saved(send, vehicle):
    ConnectedVehicle.objects.update(disconnected_at=timezone.now())
    assert send(event(odometer(5, NOON))).state == "waiting"
    assert reading(vehicle)[0] is None


# Errors.


def test_an_error_requires_reauthentication_until_it_is_resolved(send, vehicle):
    send(error(sequence=1))
    vehicle.refresh_from_db()
    assert vehicle.needs_reauthentication
    assert VehicleProblem.objects.get().is_open
    send(error("RESOLVED", sequence=2))
    vehicle.refresh_from_db()
    assert not vehicle.needs_reauthentication
    assert not VehicleProblem.objects.get().is_open


def test_an_error_received_after_its_resolution_opens_no_problem(send, vehicle):
    send(error("RESOLVED", sequence=2), error(sequence=1))
    vehicle.refresh_from_db()
    assert not vehicle.needs_reauthentication
    assert not VehicleProblem.objects.get().is_open


@pytest.mark.parametrize(
    ("used", "concerned", "asks"),
    [
        ([], [], True),
        ([], ["odometer-traveleddistance"], True),
        ([], ["vehicleuseraccount-role"], False),
        ([], ["vehicleuseraccount-role", "odometer-traveleddistance"], True),
        ([], ["charge-ischarging"], False),  # the driver did not grant it
        (["charge-ischarging"], ["charge-ischarging"], False),
        ([], ["a-newcode"], True),
        (["odometer"], ["charge-ischarging"], False),
        (["odometer"], ["odometer-traveleddistance"], True),
        (["odometer-traveleddistance"], ["odometer-traveleddistance"], True),
        (["odometer"], [], True),
    ],
)
def test_reauthentication_is_required_only_for_signals_that_the_site_uses(
    send, vehicle, settings, used, concerned, asks
):
    settings.SMARTCAR_SIGNALS = used
    send(error(codes=concerned))
    vehicle.refresh_from_db()
    assert vehicle.needs_reauthentication is asks
    assert VehicleProblem.objects.get().is_open


@pytest.mark.parametrize("codes", [[], ["odometer-traveleddistance"]])
def test_a_permission_error_requires_no_login(send, vehicle, codes):
    """The remedy is the driver's consent, or there is none."""
    send(error(kind="PERMISSION", code=None, codes=codes))
    vehicle.refresh_from_db()
    assert not vehicle.needs_reauthentication
    assert VehicleProblem.objects.get().is_open


@pytest.mark.parametrize(
    ("kind", "told", "kept"),
    [
        ("PERMISSION", [["a-b"], ["c-d", "a-b"]], ["a-b", "c-d"]),
        ("PERMISSION", [["a-b"], []], ["a-b"]),
        ("CONNECTED_SERVICES_ACCOUNT", [["a-b"], ["c-d"]], ["a-b", "c-d"]),
        ("CONNECTED_SERVICES_ACCOUNT", [["a-b"], [], ["c-d"]], []),  # one without signals is about all
    ],
)
@pytest.mark.parametrize("is_one_event", [True, False])
def test_a_problem_has_all_signals_told_while_it_is_open(send, vehicle, kind, told, kept, is_one_event):
    payloads = [error(kind=kind, codes=codes, sequence=n) for n, codes in enumerate(told, 1)]
    if is_one_event:
        errors = [one for payload in payloads for one in payload["data"]["errors"]]
        payloads = [payloads[0] | {"data": payloads[0]["data"] | {"errors": errors}}]
    send(*payloads)
    assert VehicleProblem.objects.get().signals == kept
    send(error("RESOLVED", kind=kind, sequence=8), error(kind=kind, codes=["e-f"], sequence=9))
    assert VehicleProblem.objects.get().signals == ["e-f"]


def failed(code, kind):
    return {"code": code, "status": {"value": "ERROR", "error": {"type": kind, "code": "X"}}}


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
def test_the_status_of_a_signal_is_that_of_the_newest_event_in_any_order(send, vehicle, order):
    events = [
        event(odometer(5, NOON + 3), sequence=3),
        event(failed("odometer-traveleddistance", "COMPATIBILITY"), sequence=5),
        event(failed("odometer-traveleddistance", "UPSTREAM"), sequence=10),
    ]
    send(*(events[number] for number in order))
    state = vehicle.signals["odometer"]
    assert (state.value, state.status, state.error_type) == (5, "error", "UPSTREAM")


class ReadRouter:
    """Records the models that are read from a replica, if there is one."""

    def __init__(self):
        self.read = []

    def db_for_read(self, model, **hints):
        self.read.append(model)


def test_problems_are_read_from_the_database_that_they_are_written_to(send, vehicle, settings):
    reads = ReadRouter()
    settings.DATABASE_ROUTERS = [reads]
    send(error(sequence=1))
    assert WebhookEvent in reads.read  # by the test itself
    assert VehicleProblem not in reads.read


def test_a_value_that_is_newer_than_a_failure_is_ok_again(send, vehicle):
    send(
        event(failed("odometer-traveleddistance", "UPSTREAM"), sequence=3),
        event(odometer(5, NOON), sequence=5),
    )
    assert vehicle.signals["odometer"].status == "ok"


def test_text_that_a_database_refuses_fails_no_event(send, vehicle):
    ConnectedVehicle.objects.update(permissions=["read_odometer", "read_extended_vehicle_info"])
    problem = error(code="half \ud83d", kind="a\x00b", codes=["c\ud83d"])
    payload = event(
        odometer(5, NOON),
        signal("vehicleidentification-nickname", "My car \ud83d", NOON),
        signal("newgroup-a\x00b", 1, NOON),
        failed("closure-islocked", "half \ud83d"),
    )
    send(payload, problem)
    assert states() == ["processed", "processed"]
    assert vehicle.signals["nickname"].value == "My car \ufffd"
    assert (VehicleProblem.objects.get().type, VehicleProblem.objects.get().code) == (
        "a\ufffdb",
        "half \ufffd",
    )


# Test events, wrong times and wrong sequences.


@pytest.mark.parametrize("car", ["car-1", "nobodys-car"])
def test_a_test_event_is_acknowledged_and_applied_to_no_vehicle(send, vehicle, receivers, car):
    calls = []

    def receiver(**kwargs):
        calls.append(kwargs)

    receivers(receiver)
    payload = event(odometer(5, NOON), car=car)
    payload["meta"]["mode"] = "TEST"
    assert send(payload).state == "test"
    assert (reading(vehicle)[0], calls) == (None, [])
    webhooks.process_due()
    assert states() == ["test"]


def test_an_event_of_a_simulated_vehicle_is_applied(send, vehicle):
    """Smartcar marks these as TEST, too."""
    SmartcarAccount.objects.update(mode="simulated")
    payload = event(odometer(5, NOON))
    payload["meta"]["mode"] = "TEST"
    assert send(payload).state == "processed"
    assert reading(vehicle)[0] == 5


def test_a_time_in_the_future_is_that_of_the_arrival(send, vehicle):
    in_a_year = timezone.now().timestamp() + 400 * 24 * 60 * 60
    send(event(odometer(5, in_a_year)))
    value, recorded_at = reading(vehicle)[:2]
    assert value == 5
    assert abs(recorded_at - timezone.now()) < timedelta(minutes=1)
    send(event(odometer(6, timezone.now().timestamp() + 1)))
    assert reading(vehicle)[0] == 6


def test_a_sequence_in_the_future_silences_nothing(send, vehicle):
    send(event(odometer(5, NOON), sequence=2**63 - 1), error(sequence=2**63 - 1))
    send(event(odometer(6, NOON), sequence=NOON * 1000), error("RESOLVED", sequence=NOON * 1000 + 1))
    assert reading(vehicle)[0] == 6
    assert not VehicleProblem.objects.get().is_open


def test_a_value_without_a_time_is_saved_without_one(send, vehicle):
    send(event(signal("odometer-traveleddistance", {"value": 5, "unit": "km"}, 0)))
    assert reading(vehicle)[:2] == (5, None)


def test_resolving_one_error_does_not_resolve_another(send, vehicle):
    send(error(code="A", sequence=1), error(code="B", sequence=2), error("RESOLVED", code="A", sequence=3))
    vehicle.refresh_from_db()
    assert vehicle.needs_reauthentication


def test_an_unrelated_error_does_not_require_reauthentication_again(send, vehicle):
    send(error(sequence=1))
    vehicle.refresh_from_db()
    _authenticated_calls.clear_reauthentication_required(vehicle)
    send(error(kind="VEHICLE_STATE", code="ASLEEP", codes=["vehicleuseraccount-role"], sequence=2))
    vehicle.refresh_from_db()
    assert not vehicle.needs_reauthentication


# Unknown vehicles.


def test_an_event_waits_until_its_vehicle_exists(send, account, make_vehicle, monkeypatch):
    assert send(event(odometer(5, NOON))).state == "waiting"
    vehicle = make_vehicle(account)
    _queue.process_due()
    assert states() == ["waiting"]  # a sweep has looked at it less than a minute ago
    monkeypatch.setattr(_waiting, "SWEEP_INTERVAL", 0)
    _queue.process_due()
    assert states() == ["processed"]
    assert reading(vehicle)[0] == 5


def test_connecting_a_vehicle_wakes_its_own_events_only(send, account, make_vehicle):
    send(event(car="car-1", driver=""))  # of whoever had it before
    began_at = timezone.now()
    send(event(car="car-1"), event(car="car-2"), event(car="car-1", driver="another"))
    send(event(car="car-1", driver=""))
    vehicle, _other = make_vehicle(account, connected_at=began_at), make_vehicle(account, "car-2")
    assert webhooks.wake([vehicle]) == 2
    assert states() == ["waiting", "received", "waiting", "waiting", "received"]
    assert webhooks.wake([vehicle]) == webhooks.wake([]) == 0


def test_an_event_is_processed_if_its_vehicle_is_connected_just_as_it_starts_waiting(
    send, account, make_vehicle
):
    made = []

    def connect(execute, sql, params, many, context):
        is_put_aside = sql.startswith("UPDATE") and "waiting" in params and "EXISTS" not in sql
        if is_put_aside and not made:
            made.append(True)
            made.append(make_vehicle(account))
        return execute(sql, params, many, context)

    with connection.execute_wrapper(connect):
        assert send(event(odometer(5, NOON))).state == "processed"
    assert reading(made[1])[0] == 5


def test_a_waiting_event_is_processed_when_its_vehicle_is_connected(send, connect_driver, settings):
    connected = connect_driver()
    settings.SMARTCAR_MANAGEMENT_TOKENS = [*settings.SMARTCAR_MANAGEMENT_TOKENS, TOKEN]
    car, account = connected.vehicles[0].smartcar_vehicle_id, connected.account
    ConnectedVehicle.objects.all().delete()
    signal_ = odometer(5, timezone.now().timestamp() + 3600)
    assert send(event(signal_, car=car, driver=account.smartcar_user_id)).state == "waiting"
    (vehicle,) = connect_driver().vehicles
    assert states() == ["processed"]
    assert reading(vehicle)[0] == 5


# Receivers.


def test_receivers_are_called(send, vehicle, receivers):
    calls = []
    receivers(lambda **named: calls.append(named))
    row = send(event(odometer(5, NOON), triggers=[{"code": "FIRST_DELIVERY"}]))
    (named,) = calls
    assert (named["vehicle"], named["event"], named["sender"]) == (vehicle, row, WebhookEvent)
    assert reading(named["vehicle"])[0] == 5
    assert named["update"].triggers == ("FIRST_DELIVERY",)
    assert named["update"].signals[0]["value"] == 5


def test_a_failing_receiver_is_retried_until_the_event_is_dead(send, vehicle, receivers, caplog):
    calls = []

    def first(**named):
        calls.append("first")

    def second(**named):
        calls.append("second")
        raise KeyError("48.137154")

    async def third(**named):
        calls.append("third")

    receivers(first, second, third)
    row = send(event(odometer(5, NOON)))
    assert (row.state, calls) == ("failed", ["first", "second"])
    assert "<locals>.second: KeyError at test_queue.py:" in row.last_error
    waited = []
    while row.state == "failed":
        waited.append(row.next_attempt_at - timezone.now())
        assert _queue.process_due() == 0
        with later(seconds=waited[-1].total_seconds() + 1):
            assert _queue.process_due() == 1
            row.refresh_from_db()
            if row.next_attempt_at:
                row.next_attempt_at -= timedelta(seconds=waited[-1].total_seconds() + 1)
                row.save()
    assert calls == ["first", "second"] * (len(RETRY_DELAYS) + 1)
    assert waited == sorted(waited)
    assert len(waited) == len(RETRY_DELAYS)
    assert (row.state, row.next_attempt_at) == ("dead", None)
    assert "48.137" not in caplog.text + row.last_error


@pytest.mark.parametrize("fails", ["first", "second", "third"])
def test_all_receivers_of_an_event_take_effect_or_none(send, vehicle, receivers, fails):
    """Asynchronous ones, too, and those of every account that has the vehicle."""
    failures = [fails]

    def add(vehicle, name):
        ConnectedVehicle.objects.filter(pk=vehicle.pk).update(model=Concat("model", Value(name)))
        if name in failures:
            raise ValueError

    def first(vehicle, **named):
        add(vehicle, "first")

    async def second(vehicle, **named):
        await sync_to_async(add)(vehicle, "second")

    def third(vehicle, **named):
        add(vehicle, "third")

    receivers(first, second, third)
    ConnectedVehicle.objects.update(model="")
    row = send(event(odometer(5, NOON)))
    vehicle.refresh_from_db()
    assert (row.state, vehicle.model, reading(vehicle)[0]) == ("failed", "", 5)
    assert f"<locals>.{fails}: ValueError" in row.last_error
    failures.clear()
    with later(minutes=1):
        _queue.process_due()
    vehicle.refresh_from_db()
    assert (states(), vehicle.model) == (["processed"], "firstthirdsecond")


def test_a_retry_calls_the_receivers_and_does_not_save_the_data_again(send, vehicle, receivers):
    fails = [True]

    def receiver(**named):
        if fails:
            raise ValueError

    receivers(receiver)
    event_without_sequence = error()
    event_without_sequence["meta"].pop("deliveredAt")
    send(event_without_sequence)
    VehicleProblem.objects.update(resolved_at=timezone.now())
    fails.clear()
    with later(minutes=1):
        _queue.process_due()
    assert states() == ["processed"]
    assert not VehicleProblem.objects.get().is_open


def test_an_error_of_the_database_that_a_receiver_hides_fails_the_event(send, vehicle, receivers):
    def receiver(vehicle, **named):
        ConnectedVehicle.objects.update(model="half done")
        with suppress(IntegrityError):
            VehicleProblem.objects.create(vehicle=vehicle, type="t", opened_at=None, sequence=None)

    receivers(receiver)
    assert send(event(odometer(5, NOON))).state == "failed"
    vehicle.refresh_from_db()
    assert vehicle.model == "Bolt"


def test_a_function_that_fails_after_the_commit_fails_no_event(send, vehicle, receivers, caplog):
    def receiver(**named):
        transaction.on_commit(lambda: 1 / 0)

    receivers(receiver)
    assert send(event(odometer(5, NOON))).state == "processed"
    assert "after the commit of webhook events: ZeroDivisionError" in caplog.text


def test_receivers_are_not_called_for_an_unknown_vehicle(send, receivers):
    receivers(lambda **named: pytest.fail("called"))
    send(event(odometer(5, NOON)))


# Several workers, and killed workers.


def test_an_event_of_a_killed_worker_is_processed_when_the_lease_expires(send, vehicle, settings):
    settings.SMARTCAR_WEBHOOK_WORK = "command"
    send(event(odometer(5, NOON)))
    assert _queue.lease_batch()  # and then SIGKILL
    assert _queue.process_due() == 0
    with later(seconds=_leases.DURATION.total_seconds() + 1):
        assert _queue.process_due() == 1
    assert reading(vehicle)[0] == 5


def test_work_after_the_lease_was_lost_is_rolled_back(send, vehicle, settings, receivers):
    settings.SMARTCAR_WEBHOOK_WORK = "command"
    calls = []

    def slow(vehicle, event, **named):
        calls.append("slow")
        ConnectedVehicle.objects.filter(pk=vehicle.pk).update(year=vehicle.year + 1)
        if len(calls) == 1:  # another worker takes the event over
            WebhookEvent.objects.update(lease=uuid4())

    receivers(slow, lambda **named: calls.append("next"))
    send(event(odometer(5, NOON)))
    _queue.process_due()
    vehicle.refresh_from_db()
    assert (vehicle.year, calls, states()) == (2021, ["slow", "next"], ["received"])
    assert not vehicle.readings.exists()
    with later(seconds=_leases.DURATION.total_seconds() + 1):
        _queue.process_due()
    vehicle.refresh_from_db()
    assert (vehicle.year, calls, states()) == (2022, ["slow", "next"] * 2, ["processed"])


def test_an_event_that_kills_every_worker_is_dead(send, vehicle, settings):
    settings.SMARTCAR_WEBHOOK_WORK = "command"
    send(event(odometer(5, NOON)))
    for _ in range(len(RETRY_DELAYS) + 1):
        _queue.lease_batch()
        WebhookEvent.objects.update(next_attempt_at=timezone.now())
    assert _queue.process_due() == 1
    assert states() == ["dead"]


def test_nothing_is_lost_when_the_database_fails_while_an_event_is_processed(send, vehicle):
    def refuse(execute, sql, params, many, context):
        if sql.startswith("UPDATE") and "connectedvehicle" in sql.split()[1]:
            raise OperationalError("gone")
        return execute(sql, params, many, context)

    with connection.execute_wrapper(refuse):
        row = send(event(odometer(5, NOON)))
    assert row.state == "failed"
    with later(minutes=1):
        _queue.process_due()
    assert reading(vehicle)[0] == 5


def test_an_undecryptable_payload_is_retried(send, vehicle, settings, lose_key):
    settings.SMARTCAR_WEBHOOK_WORK = "command"
    send(event(odometer(5, NOON)))
    before = settings.SMARTCAR_ENCRYPTION_KEYS
    lose_key()
    _queue.process_due()
    assert states() == ["failed"]
    settings.SMARTCAR_ENCRYPTION_KEYS = before
    with later(minutes=1):
        _queue.process_due()
    assert reading(vehicle)[0] == 5


def test_processing_begins_after_the_commit_and_not_after_a_rollback(vehicle):
    body = b'{"eventId": "e", "eventType": "VEHICLE_STATE", "data": {"vehicle": {"id": "car-1"}}, "meta": {}}'
    with transaction.atomic():
        assert webhooks.receive("", body, sign(body)).status == 200
        assert states() == ["received"]
        transaction.set_rollback(True)
    assert states() == []


def test_no_position_and_no_vin_is_logged(send, vehicle, receivers, caplog):
    caplog.set_level(logging.DEBUG)

    def receiver(update, **named):
        raise ValueError(str(update.signals))

    receivers(receiver)
    send(event(location(48.137154, 11.576124, NOON)))
    assert "48.137" not in caplog.text
    assert "ValueError" in caplog.text
