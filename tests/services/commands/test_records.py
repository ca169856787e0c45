"""Command records: duplicates are refused, and readings resolve unknown outcomes."""

import uuid
from datetime import timedelta
from io import StringIO

import pytest
import requests
from django.core.management import call_command
from django.db import connection
from django.utils import timezone

from django_smartcar import signals
from django_smartcar.exceptions import DuplicateCommand, NoResponseException, StateException, user_message
from django_smartcar.models import VehicleCommand
from django_smartcar.services import command_specs, commands, readings, vehicles
from django_smartcar.services.commands import _records
from django_smartcar.simulator import store

from ...mock_api import API, IN_MOTION

pytestmark = pytest.mark.django_db

SECURITY = f"{API}/vehicles/car-1/security"
LOCKED = "is_locked"


@pytest.fixture
def lost(vehicle, mock_api):
    """Send a lock command whose response is lost."""
    mock_api.mock.add("POST", SECURITY, body=requests.ReadTimeout())
    with pytest.raises(NoResponseException):
        commands.send(vehicle, "lock")
    return VehicleCommand.objects.get()


def age(command, **ago):
    """Move the command into the past."""
    moment = timezone.now() - timedelta(**ago)
    VehicleCommand.objects.filter(pk=command.pk).update(created_at=moment, finished_at=moment)


def make_pending(command):
    """Make the command one that a living process executes."""
    VehicleCommand.objects.filter(pk=command.pk).update(
        status="pending",
        slot=f"{command.vehicle_id}:pending",
        lease=uuid.uuid4(),
        lease_until=timezone.now() + timedelta(seconds=6),
        finished_at=None,
    )


def kill():
    """Kill the process: it has not renewed its lease for longer than the lease lasts."""
    VehicleCommand.objects.update(lease_until=timezone.now() - timedelta(seconds=1))


def test_a_duplicate_of_a_command_in_flight_is_refused_with_the_id_of_the_first(vehicle, mock_api):
    refused = []

    def respond(request):
        with pytest.raises(DuplicateCommand) as raised:
            commands.send(vehicle, "lock")
        refused.append(raised.value)
        return 200, {}, '{"status": "success"}'

    mock_api.mock.add_callback("POST", SECURITY, respond, content_type="application/json")
    first = commands.send(vehicle, "lock")
    assert [error.command_id for error in refused] == [first.pk]
    assert "still under way" in user_message(refused[0])
    assert len(mock_api.sent("POST", "/security")) == 1


def test_a_duplicate_is_refused_during_the_cooldown(vehicle, mock_api, settings):
    mock_api.commands("car-1")
    first = commands.send(vehicle, "lock")
    with pytest.raises(DuplicateCommand):
        commands.send(vehicle, "lock")
    age(first, seconds=11)
    assert commands.send(vehicle, "lock").pk != first.pk
    settings.SMARTCAR_COMMAND_COOLDOWN = 0
    commands.send(vehicle, "lock")


def test_a_duplicate_of_an_unknown_command_is_refused(vehicle, lost, mock_api):
    with pytest.raises(DuplicateCommand):
        commands.send(vehicle, "lock")
    assert len(mock_api.sent("POST", "/security")) == 1


def test_a_failed_command_can_be_sent_again_at_once(vehicle, mock_api):
    mock_api.commands("car-1", IN_MOTION, status=409)
    for _ in range(2):
        with pytest.raises(StateException):
            commands.send(vehicle, "lock")


def test_lock_unlock_lock_is_no_duplicate(vehicle, mock_api):
    mock_api.commands("car-1")
    for action in ("lock", "unlock", "lock"):
        commands.send(vehicle, action)
    assert VehicleCommand.objects.count() == 3
    assert len(set(VehicleCommand.objects.values_list("idempotency_key", flat=True))) == 2


def test_the_same_command_to_another_vehicle_is_no_duplicate(vehicle, make_vehicle, account, mock_api):
    mock_api.commands("car-1")
    mock_api.commands("car-2")
    commands.send(vehicle, "lock")
    commands.send(make_vehicle(account, "car-2"), "lock")


def test_a_pending_command_of_a_dead_process_becomes_unknown_when_it_is_sent_again(vehicle, mock_api):
    mock_api.commands("car-1")
    first = commands.send(vehicle, "lock")
    make_pending(first)
    with pytest.raises(DuplicateCommand):
        commands.send(vehicle, "lock")
    kill()
    commands.send(vehicle, "lock")
    first.refresh_from_db()
    assert first.status == "unknown"
    assert first.finished_at is not None


def test_expire_pending_makes_commands_of_dead_processes_unknown(vehicle, mock_api):
    mock_api.commands("car-1")
    command = commands.send(vehicle, "lock")
    make_pending(command)
    assert commands.expire_pending() == 0
    kill()
    assert commands.expire_pending() == 1
    command.refresh_from_db()
    assert command.status == "unknown"


def test_a_reading_of_a_locked_vehicle_resolves_an_unknown_lock(
    vehicle, lost, django_capture_on_commit_callbacks
):
    ended = []

    def receive(sender, command, **kwargs):
        ended.append(command.status)

    signals.command_finished.connect(receive)
    try:
        with django_capture_on_commit_callbacks(execute=True):
            assert commands.resolve(vehicle, LOCKED, True, timezone.now()) == 1
            assert ended == []
    finally:
        signals.command_finished.disconnect(receive)
    lost.refresh_from_db()
    assert (lost.status, lost.error_type) == ("succeeded", "NoResponseException")
    assert lost.resolved_at is not None
    assert ended == ["succeeded"]
    assert commands.resolve(vehicle, LOCKED, False, timezone.now() + timedelta(hours=1)) == 0


def test_a_reading_of_an_unlocked_vehicle_makes_a_lock_failed_only_after_the_timeout(vehicle, lost):
    assert commands.resolve(vehicle, LOCKED, False, timezone.now()) == 0
    age(lost, seconds=311)
    assert commands.resolve(vehicle, LOCKED, False, timezone.now()) == 1
    lost.refresh_from_db()
    assert lost.status == "failed"


@pytest.mark.parametrize(
    ("kind", "value", "ago"),
    [
        (LOCKED, True, timedelta(minutes=1)),  # from before the command
        (LOCKED, None, timedelta(0)),
        (LOCKED, {}, timedelta(0)),
        (LOCKED, "false", timedelta(0)),
        ("charge_state", "CHARGING", timedelta(0)),
        ("odometer", 1, timedelta(0)),
    ],
)
def test_an_unrelated_reading_resolves_nothing(vehicle, lost, kind, value, ago):
    assert commands.resolve(vehicle, kind, value, timezone.now() - ago) == 0
    assert commands.resolve(vehicle, LOCKED, True, None) == 0
    lost.refresh_from_db()
    assert lost.status == "unknown"


def test_a_reading_of_another_vehicle_resolves_nothing(vehicle, lost, make_vehicle, account):
    assert commands.resolve(make_vehicle(account, "car-2"), LOCKED, True, timezone.now()) == 0


def test_a_command_is_not_resolved_after_a_later_command(vehicle, lost, mock_api):
    mock_api.mock.remove("POST", SECURITY)
    mock_api.commands("car-1")
    commands.send(vehicle, "unlock")
    age(lost, seconds=311)
    assert commands.resolve(vehicle, LOCKED, False, timezone.now()) == 0
    lost.refresh_from_db()
    assert lost.status == "unknown"


@pytest.mark.parametrize(
    ("action", "parameters", "kind", "value"),
    [
        ("unlock", {}, LOCKED, False),
        ("start_charge", {}, "charge_state", "CHARGING"),
        ("stop_charge", {}, "charge_state", "NOT_CHARGING"),
        ("set_charge_limit", {"limit": 0.8}, "charge_limit", {"activeLimit": 0.8}),
        ("set_charge_limit", {"limit": 0.8}, "charge_limit", {"values": [{"type": "GLOBAL", "limit": 0.8}]}),
    ],
)
def test_each_command_is_resolved_by_its_reading(vehicle, mock_api, action, parameters, kind, value):
    vehicle.permissions = []
    for path in ("security", "charge", "charge/limit"):
        mock_api.mock.add("POST", f"{API}/vehicles/car-1/{path}", body=requests.ReadTimeout())
    with pytest.raises(NoResponseException):
        commands.send(vehicle, action, **parameters)
    assert commands.resolve(vehicle, kind, value, timezone.now()) == 1
    assert VehicleCommand.objects.get().status == "succeeded"


PORT = "is_charge_port_open"


@pytest.mark.parametrize(
    ("action", "seen", "status"),
    [
        ("open_charge_port", True, "succeeded"),
        ("open_charge_port", False, "unknown"),  # it may have closed by itself
        ("close_charge_port", False, "succeeded"),
        ("close_charge_port", True, "failed"),
    ],
)
def test_port_commands_are_resolved_by_the_port_status(vehicle, action, seen, status):
    record = _records.create(vehicle, action, {}, "pending")
    _records.finish(record, record.Status.UNKNOWN)
    age(record, seconds=311)
    readings.save(vehicle, PORT, seen, recorded_at=timezone.now())
    record.refresh_from_db()
    assert record.status == status


def test_a_command_that_no_reading_confirms_stays_unknown_and_can_be_sent_again(vehicle):
    """docs/explanation/commands.rst documents this."""
    unconfirmed = {action for action, spec in command_specs.COMMANDS.items() if not spec.signal}
    assert unconfirmed == {
        "send_destination",
        "set_daily_charge_schedule",
        "set_weekly_charge_schedule",
        "set_workweek_charge_schedule",
        "delete_charge_schedule",
    }
    first = _records.create(vehicle, "send_destination", {}, "pending")
    _records.finish(first, first.Status.UNKNOWN)
    age(first, seconds=11)
    assert _records.create(vehicle, "send_destination", {}, "pending").pk != first.pk
    first.refresh_from_db()
    assert first.status == "unknown"


def test_every_saved_reading_can_resolve_a_command(vehicle, lost):
    readings.save(vehicle, LOCKED, True, recorded_at=lost.created_at - timedelta(seconds=1))
    lost.refresh_from_db()
    assert lost.status == "unknown"
    readings.save(vehicle, LOCKED, True, recorded_at=timezone.now())
    lost.refresh_from_db()
    assert lost.status == "succeeded"


def test_an_outlier_resolves_nothing(vehicle, lost):
    saved = readings.save(vehicle, LOCKED, True, recorded_at=timezone.now() + timedelta(days=2))
    assert saved.outcome == readings.Outcome.OUTLIER
    lost.refresh_from_db()
    assert lost.status == "unknown"


def test_a_pending_command_of_a_dead_process_is_resolved(vehicle, lost):
    make_pending(lost)
    kill()
    age(lost, seconds=10)
    readings.save(vehicle, LOCKED, True, recorded_at=timezone.now())
    lost.refresh_from_db()
    assert lost.status == "succeeded"


def test_resolving_takes_one_query_for_any_number_of_vehicles(
    make_vehicle, account, django_assert_num_queries
):
    cars = [make_vehicle(account, f"car-{number}") for number in range(20)]
    for some in (cars[:1], cars[1:]):
        observations = [readings.make_observation(car, LOCKED, True, "", timezone.now()) for car in some]
        # Two of them are the transaction's, and all but SQLite lock rows.
        with django_assert_num_queries(7 + connection.features.has_select_for_update):
            readings.save_many(observations)


@pytest.mark.parametrize("smartcar", ["2.0", "3"], indirect=True)
def test_a_sync_of_the_fleet_resolves_commands(smartcar, connect_driver, settings):
    settings.SMARTCAR_SCOPE = ["required:read_vehicle_info", "read_security", "control_security"]
    vehicle = connect_driver().vehicles[0]
    record = _records.create(vehicle, "lock", {}, "pending")
    _records.finish(record, record.Status.UNKNOWN)
    age(record, hours=1)
    with store.changes():
        smartcar.car().is_locked = True
    call_command("sync_smartcar_vehicles", stdout=StringIO())
    record.refresh_from_db()
    assert record.status == "succeeded"


@pytest.mark.parametrize("smartcar", ["2.0", "3"], indirect=True)
def test_a_lock_without_a_response_is_resolved_by_the_next_read(smartcar, connect_driver, settings):
    """Over HTTP: the vehicle executes the command after our timeout."""
    settings.SMARTCAR_SCOPE = ["required:read_vehicle_info", "read_security", "control_security"]
    vehicle = connect_driver().vehicles[0]
    car = smartcar.car()
    car.is_locked = False
    settings.SMARTCAR_COMMAND_TIMEOUT = 0.2
    path = "commands/security/lock" if vehicle.account.uses_v3 else "security"
    smartcar.delay(path, 1)
    with pytest.raises(NoResponseException):
        commands.send(vehicle, "lock")
    assert VehicleCommand.objects.get().status == "unknown"
    smartcar.wait_until(lambda: store.counters["commands"])
    smartcar.delay(path, None)
    with pytest.raises(DuplicateCommand):
        commands.send(vehicle, "lock")
    vehicles.read(vehicle, ["odometer"])
    assert VehicleCommand.objects.get().status == "unknown", "this read says nothing of locks"
    vehicles.read(vehicle, ["lock_status"])
    assert VehicleCommand.objects.get().status == "succeeded"
    assert store.counters["commands"] == 1
