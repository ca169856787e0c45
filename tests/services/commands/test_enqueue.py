"""Queued commands: recorded at once, sent by an executor; here within the process, or by nobody."""

import json
from contextlib import closing
from datetime import timedelta

import pytest
import time_machine
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from django_smartcar import signals
from django_smartcar.exceptions import (
    CommandInProgress,
    CommandInvalid,
    CommandNotSent,
    DuplicateCommand,
    PermissionMissing,
    RateLimited,
    VehicleDisconnected,
    recorded_message,
    user_message,
)
from django_smartcar.management.commands import work_smartcar_commands
from django_smartcar.models import ConnectedVehicle, VehicleCommand
from django_smartcar.services import _authenticated_calls, _leases, commands, readings
from django_smartcar.services.commands import _executors, _records

from ...mock_api import API, IN_MOTION

pytestmark = pytest.mark.django_db


@pytest.fixture
def nobody(settings):
    """No worker runs: commands stay queued."""
    settings.SMARTCAR_COMMAND_EXECUTION = "command"


@pytest.fixture
def guided(make_vehicle, account):
    return make_vehicle(account, permissions=["control_navigation", "control_charge", "control_security"])


@pytest.fixture
def finished():
    """Collect the commands with which `command_finished` is sent."""
    seen = []

    def receive(sender, command, **kwargs):
        seen.append((command.action, command.status))

    signals.command_finished.connect(receive)
    yield seen
    signals.command_finished.disconnect(receive)


def make_old(command, **ago):
    VehicleCommand.objects.filter(pk=command.pk).update(created_at=timezone.now() - timedelta(**ago))


def test_a_command_is_recorded_before_it_is_sent(vehicle, anna, nobody, mock_api):
    command = commands.enqueue(vehicle, "lock", actor=anna, reason="ticket 12")
    row = VehicleCommand.objects.get()
    assert row == command
    assert (row.status, row.actor, row.reason) == ("queued", anna, "ticket 12")
    assert not mock_api.mock.calls
    mock_api.commands("car-1")
    assert commands.work()
    row.refresh_from_db()
    assert (row.status, row.slot, row.lease) == ("succeeded", None, None)
    assert row.created_at <= row.sent_at <= row.finished_at
    assert not commands.work(), "it is sent once"
    assert len(mock_api.sent("POST", "/security")) == 1


@pytest.mark.parametrize("mode", ["inline", "thread"])
def test_in_a_test_case_the_command_is_sent_within_the_call(vehicle, mock_api, settings, mode, finished):
    """In threads, too: they would not see the rows of a test."""
    settings.SMARTCAR_COMMAND_EXECUTION = mode
    mock_api.commands("car-1")
    commands.enqueue(vehicle, "lock")
    assert VehicleCommand.objects.get().status == "succeeded"
    assert finished == [("lock", "succeeded")]


def test_a_failure_is_recorded_and_not_raised(vehicle, mock_api, finished):
    mock_api.commands("car-1", IN_MOTION, status=409)
    commands.enqueue(vehicle, "unlock")
    row = VehicleCommand.objects.get()
    assert (row.status, row.error_type, row.error_code) == ("failed", "VEHICLE_STATE", "IN_MOTION")
    assert finished == [("unlock", "failed")]


def test_a_fault_of_this_site_is_logged_and_recorded(vehicle, mock_api, caplog):
    ConnectedVehicle.objects.update(unit_system="")
    commands.enqueue(vehicle, "lock")
    assert VehicleCommand.objects.get().status == "failed"
    assert "Traceback" in caplog.text


@pytest.mark.parametrize(
    ("error", "action", "parameters"),
    [
        (CommandInvalid, "explode", {}),
        (CommandInvalid, "refresh", {"limit": 1}),
        (CommandInvalid, "set_charge_limit", {"limit": 7}),
        (PermissionMissing, "start_charge", {}),
    ],
)
def test_what_cannot_be_sent_is_refused_at_once(vehicle, mock_api, error, action, parameters):
    with pytest.raises(error):
        commands.enqueue(vehicle, action, **parameters)
    assert not VehicleCommand.objects.exists()


def test_a_disconnected_or_rate_limited_vehicle_is_refused_at_once(vehicle, mock_api):
    mock_api.mock.add("POST", f"{API}/vehicles/car-1/security", status=429, json={"type": "RATE_LIMIT"})
    commands.enqueue(vehicle, "lock")
    with pytest.raises(RateLimited):
        commands.enqueue(vehicle, "unlock")
    with pytest.raises(RateLimited):
        commands.enqueue(vehicle, "refresh")
    ConnectedVehicle.objects.update(disconnected_at=timezone.now())
    with pytest.raises(VehicleDisconnected):
        commands.enqueue(vehicle, "lock")


def test_a_destination_is_stored_encrypted_and_only_until_it_is_sent(guided, nobody, mock_api):
    command = commands.enqueue(guided, "send_destination", latitude=48.1, longitude=11.5)
    with connection.cursor() as cursor:
        cursor.execute("SELECT * FROM smartcar_vehiclecommand")
        stored = str(cursor.fetchone())
    assert "48.1" not in stored
    assert command.parameters == {}
    assert "48.1" not in repr(VehicleCommand.objects.get().__dict__)
    mock_api.mock.add("POST", f"{API}/vehicles/car-1/navigation/destination", json={"status": "success"})
    commands.work()
    (request,) = mock_api.sent("POST", "/destination")
    assert json.loads(request.body) == {"latitude": 48.1, "longitude": 11.5}
    assert VehicleCommand.objects.get().location == ""


def test_a_destination_that_is_not_sent_is_deleted(guided, nobody):
    command = commands.enqueue(guided, "send_destination", latitude=48.1, longitude=11.5)
    make_old(command, minutes=2)
    commands.expire_pending()
    assert VehicleCommand.objects.get().location == ""


#: In flight, asked for, and what becomes of it.
PAIRS = [
    ("lock", "lock", DuplicateCommand),
    ("lock", "unlock", None),
    ("unlock", "lock", None),
    ("lock", "start_charge", None),
    ("start_charge", "stop_charge", None),
    ("lock", "refresh", None),
    ("refresh", "lock", None),
    ("refresh", "refresh", DuplicateCommand),
    ("lock", "disconnect", None),
    ("disconnect", "lock", CommandInProgress),
    ("disconnect", "refresh", CommandInProgress),
]


@pytest.mark.parametrize("is_pending", [True, False], ids=["pending", "queued"])
@pytest.mark.parametrize(("first", "second", "refusal"), PAIRS)
def test_pairs(guided, nobody, mock_api, first, second, refusal, is_pending):
    earlier = commands.enqueue(guided, first)
    if is_pending:
        _records.claim(VehicleCommand.objects.all())
    elif refusal is None:
        refusal = CommandInProgress  # one waits at most
    if refusal is not None:
        with pytest.raises(refusal) as raised:
            commands.enqueue(guided, second)
        assert raised.value.command_id == earlier.pk
        assert str(earlier.pk) not in user_message(raised.value)
    else:
        later = commands.enqueue(guided, second)
        assert later.status == "queued"
        assert not commands.work(), "the car is busy"
        with pytest.raises((CommandInProgress, DuplicateCommand)):
            commands.enqueue(guided, "start_charge" if second != "start_charge" else "unlock")


def test_eight_different_limits_occupy_one_place(guided, nobody, mock_api):
    commands.enqueue(guided, "set_charge_limit", limit=0.5)
    _records.claim(VehicleCommand.objects.all())
    for percent in range(51, 58):
        with pytest.raises(CommandInProgress):
            commands.enqueue(guided, "set_charge_limit", limit=percent / 100)
    assert VehicleCommand.objects.count() == 1


def test_code_that_waits_is_refused_while_another_command_is_in_flight(guided, nobody, mock_api):
    commands.enqueue(guided, "lock")
    _records.claim(VehicleCommand.objects.all())
    with pytest.raises(CommandInProgress):
        commands.send(guided, "unlock")
    assert not mock_api.mock.calls


def test_what_waits_is_sent_once_the_car_is_free(guided, settings, mock_api):
    def respond(request):
        if VehicleCommand.objects.count() == 1:
            commands.enqueue(guided, "unlock")
            assert VehicleCommand.objects.filter(status="queued").exists()
        return 200, {}, '{"status": "success"}'

    mock_api.mock.add_callback(
        "POST", f"{API}/vehicles/car-1/security", respond, content_type="application/json"
    )
    commands.send(guided, "lock")
    sent = [json.loads(request.body)["action"] for request in mock_api.sent("POST", "/security")]
    assert sent == ["LOCK", "UNLOCK"]
    assert set(VehicleCommand.objects.values_list("status", flat=True)) == {"succeeded"}


def test_of_two_claims_of_one_command_at_once_one_wins(vehicle, nobody, monkeypatch):
    """As of a process that has read the queue just before another one claimed from it."""
    commands.enqueue(vehicle, "lock")
    assert _records.claim(VehicleCommand.objects.all()) is not None
    seen = []
    claimable = _records.claimable

    def stale(rows):
        seen.append(1)
        return rows if len(seen) == 1 else claimable(rows)

    monkeypatch.setattr(_records, "claimable", stale)
    assert _records.claim(VehicleCommand.objects.all()) is None


def test_two_claims_of_one_car_at_once_leave_one(guided, nobody, make_vehicle, account, monkeypatch):
    """As of two processes of which neither sees that the other is about to claim."""
    commands.enqueue(guided, "lock")
    assert _records.claim(VehicleCommand.objects.all()) is not None
    commands.enqueue(guided, "unlock")
    seen = []
    claimable = _records.claimable

    def stale(rows):
        seen.append(1)
        return rows.filter(status="queued") if len(seen) == 1 else claimable(rows)

    monkeypatch.setattr(_records, "claimable", stale)
    assert _records.claim(VehicleCommand.objects.all()) is None
    assert sorted(VehicleCommand.objects.values_list("status", flat=True)) == ["pending", "queued"]


@pytest.mark.parametrize(("action", "seconds", "is_sent"), [
    ("unlock", 50, True),
    ("unlock", 61, False),
    ("refresh", 61, True),
    ("disconnect", 601, False),
])  # fmt: skip
def test_a_command_that_waited_too_long_is_not_sent(
    vehicle, nobody, mock_api, finished, action, seconds, is_sent, django_capture_on_commit_callbacks
):
    command = commands.enqueue(vehicle, action)
    make_old(command, seconds=seconds)
    with django_capture_on_commit_callbacks(execute=True):
        assert commands.expire_pending() == (not is_sent)
    assert (_records.claim(VehicleCommand.objects.all()) is not None) is is_sent
    if not is_sent:
        row = VehicleCommand.objects.get()
        assert (row.status, row.error_type, row.in_flight_key, row.slot) == (
            "failed",
            "CommandNotSent",
            None,
            None,
        )
        assert "has not asked the car" in recorded_message(row.error_type, row.error_code)
        assert finished == ([("unlock", "failed")] if action == "unlock" else [])


def test_a_late_command_is_not_claimed_even_if_nobody_has_expired_it(vehicle, nobody):
    make_old(commands.enqueue(vehicle, "unlock"), minutes=2)
    assert not commands.work()


@pytest.fixture
def suspend(monkeypatch):
    """Return a function that does something while the process is suspended, before it sends a command."""

    def during(what):
        def open_session(*args, **options):
            monkeypatch.setattr(_authenticated_calls, "open_session", original)
            monkeypatch.setattr(_leases, "HEARTBEAT", 0.0)  # so much time has passed
            what()
            return original(*args, **options)

        original = _authenticated_calls.open_session
        monkeypatch.setattr(_authenticated_calls, "open_session", open_session)

    return during


@pytest.mark.parametrize("is_queued", [True, False])
def test_a_process_that_was_given_up_while_it_was_suspended_sends_nothing(
    vehicle, nobody, mock_api, suspend, is_queued
):
    def give_up_and_ask_again():
        VehicleCommand.objects.update(lease_until=timezone.now())
        assert commands.expire_pending() == 1
        assert VehicleCommand.objects.get().status == "unknown"
        commands.send(vehicle, "unlock")

    mock_api.commands("car-1")
    suspend(give_up_and_ask_again)
    if is_queued:
        commands.enqueue(vehicle, "unlock")
        assert commands.work()
    else:
        with pytest.raises(CommandNotSent):
            commands.send(vehicle, "unlock")
    assert len(mock_api.mock.calls) == 1
    rows = VehicleCommand.objects.order_by("pk")
    assert list(rows.values_list("status", "error_type")) == [("failed", "CommandNotSent"), ("succeeded", "")]


def test_a_command_that_waits_too_long_for_its_token_is_not_sent(vehicle, nobody, mock_api):
    command = commands.enqueue(vehicle, "unlock")
    make_old(command, seconds=50)

    def claim(commands):
        found = original(commands)
        found[0].created_at -= timedelta(seconds=20)
        return found

    original = _records.claim
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_records, "claim", claim)
        assert commands.work()
    assert not mock_api.mock.calls
    command.refresh_from_db()
    assert (command.status, command.error_type) == ("failed", "CommandNotSent")


def test_refresh_reload_and_disconnect_are_executed_the_same_way(vehicle, mock_api, anna, finished):
    mock_api.car("car-1", make="OPEL", model="Corsa", year=2022)
    mock_api.batch("car-1", {"odometer": {"distance": 9}, "location": {"latitude": 1, "longitude": 2}})
    mock_api.disconnects("car-1")
    left = []

    def receive(sender, vehicle, actor, **kwargs):
        left.append(actor)

    signals.vehicle_disconnected.connect(receive)
    try:
        for action in ("refresh", "reload", "disconnect"):
            commands.enqueue(vehicle, action, actor=anna)
    finally:
        signals.vehicle_disconnected.disconnect(receive)
    assert set(VehicleCommand.objects.values_list("status", flat=True)) == {"succeeded"}
    vehicle.refresh_from_db()
    assert (vehicle.model, vehicle.is_connected, left) == ("Corsa", False, [anna])
    assert finished == [], "they are no commands"


def test_a_refresh_may_be_asked_for_again_at_once_and_old_ones_are_deleted(vehicle, mock_api):
    for number in range(3):
        mock_api.batch(
            "car-1", {"odometer": {"distance": number}, "location": {"latitude": 1, "longitude": 2}}
        )
        commands.enqueue(vehicle, "refresh")
    assert VehicleCommand.objects.count() == 3
    VehicleCommand.objects.update(created_at=timezone.now() - timedelta(hours=2))
    commands.enqueue(vehicle, "refresh")
    assert VehicleCommand.objects.count() == 1


def test_a_broker_that_does_not_respond_fails_the_command_at_once(vehicle, settings, monkeypatch, caplog):
    class Broken:
        def enqueue_commands(self):
            raise OSError("amqp://guest:password@broker")

    settings.SMARTCAR_COMMAND_EXECUTION = "celery"
    monkeypatch.setattr(_executors.task_backends, "load", lambda name: Broken())
    commands.enqueue(vehicle, "lock")
    row = VehicleCommand.objects.get()
    assert (row.status, row.error_type) == ("failed", "CommandNotSent")
    assert "OSError" in caplog.text
    assert "password" not in caplog.text


def test_inside_a_transaction_the_command_waits_for_the_commit(
    vehicle, mock_api, monkeypatch, django_capture_on_commit_callbacks
):
    monkeypatch.setattr(commands._transactions, "is_open", lambda model: True)
    mock_api.commands("car-1")
    with django_capture_on_commit_callbacks(execute=True), transaction.atomic():
        commands.enqueue(vehicle, "lock")
        assert VehicleCommand.objects.get().status == "queued"
    assert VehicleCommand.objects.get().status == "succeeded"


def test_a_confirmed_lock_supersedes_the_stored_state(vehicle, mock_api):
    minute_ago = timezone.now() - timedelta(minutes=1)
    readings.save(vehicle, "is_locked", False, recorded_at=minute_ago)
    mock_api.commands("car-1")
    commands.send(vehicle, "lock")
    state = vehicle.signals["is_locked"]
    assert (state.value, state.source, state.status) == (True, "command", "ok")
    stored = vehicle.signal_states.get(signal="is_locked")
    assert (stored.value, stored.recorded_at, stored.is_superseded) == (False, minute_ago, True)
    readings.save(vehicle, "is_locked", False, recorded_at=timezone.now())
    assert vehicle.signals["is_locked"].value is False


@pytest.mark.parametrize("told", [{"value": None, "unit": "", "status": "not_collected"}, {}])
def test_a_confirmed_limit_has_its_unit_even_if_the_car_has_told_none(guided, mock_api, told):
    observation = readings.make_observation(guided, "charge_limit", 90, "percent", None)
    readings.save_many([observation._replace(**told)])
    mock_api.mock.add("POST", f"{API}/vehicles/car-1/charge/limit", json={"status": "success"})
    commands.send(guided, "set_charge_limit", limit=0.8)
    assert readings.reading_of("get_charge_limit", guided.signals, "metric")["data"] == {"limit": 0.8}


def test_a_failed_lock_supersedes_nothing(vehicle, mock_api):
    readings.save(vehicle, "is_locked", False)
    mock_api.commands("car-1", IN_MOTION, status=409)
    commands.enqueue(vehicle, "lock")
    assert vehicle.signals["is_locked"].value is False


def test_what_waits_is_sent_after_the_callers_transaction_only(
    vehicle, nobody, mock_api, settings, monkeypatch, django_capture_on_commit_callbacks
):
    """Otherwise a rollback would queue a command again that has been sent."""
    commands.enqueue(vehicle, "lock")
    monkeypatch.setattr(commands._transactions, "is_open", lambda model: True)
    mock_api.commands("car-1")
    settings.SMARTCAR_COMMAND_EXECUTION = "inline"
    with django_capture_on_commit_callbacks(execute=True), transaction.atomic():
        commands.expire_pending()
        assert VehicleCommand.objects.get().status == "queued"
        assert not mock_api.mock.calls
    assert VehicleCommand.objects.get().status == "succeeded"


def test_no_more_threads_are_started_than_fit_djangos_pool(vehicle, settings, monkeypatch):
    settings.SMARTCAR_COMMAND_EXECUTION = "thread"
    settings.SMARTCAR_COMMAND_THREADS = 8
    started = []
    monkeypatch.setattr(_executors, "_is_private", lambda: False)
    monkeypatch.setattr(_executors.pool, "wake", lambda work, max_threads: started.append(max_threads))
    monkeypatch.setitem(connection.settings_dict["OPTIONS"], "pool", {"max_size": 3})
    commands.enqueue(vehicle, "lock")
    assert started == [2]


@pytest.mark.parametrize(("error_type", "message"), [
    ("TooManyRequests", "asked too often"),
    ("DuplicateCommand", "still under way"),
])  # fmt: skip
def test_a_recorded_refusal_has_a_sentence_without_its_details(error_type, message):
    assert message in recorded_message(error_type, "")


def test_a_lost_command_that_a_new_one_replaces_is_announced_once(
    vehicle, nobody, finished, django_capture_on_commit_callbacks
):
    commands.enqueue(vehicle, "lock")
    _records.claim(VehicleCommand.objects.all())
    VehicleCommand.objects.update(lease_until=timezone.now())
    with django_capture_on_commit_callbacks(execute=True):
        commands.enqueue(vehicle, "lock")
        commands.expire_pending()
    assert finished == [("lock", "unknown")]
    assert list(VehicleCommand.objects.order_by("pk").values_list("status", flat=True)) == [
        "unknown",
        "queued",
    ]


def test_a_command_that_was_executed_although_its_hand_over_failed_is_not_announced_again(
    vehicle, nobody, finished
):
    command = commands.enqueue(vehicle, "lock")
    VehicleCommand.objects.update(status="succeeded")
    _executors._give_up(command)
    assert finished == []


def test_the_worker_sends_what_waits_in_its_own_pool_only(vehicle, nobody, settings, monkeypatch):
    commands.enqueue(vehicle, "lock")
    settings.SMARTCAR_COMMAND_EXECUTION = "thread"
    handed_over, woken = [], []
    monkeypatch.setattr(_executors, "begin", lambda work, command: handed_over.append(command))
    pool = commands.Pool()
    monkeypatch.setattr(pool, "wake", lambda work, concurrency: woken.append(concurrency))
    work_smartcar_commands.Command()._begin_waiting(pool, 3)
    assert (handed_over, woken) == ([], [3])


@pytest.mark.parametrize("action", ["lock", "refresh"])
def test_what_another_process_has_given_up_is_not_begun(vehicle, nobody, mock_api, action):
    """The process that claimed it was suspended meanwhile."""
    commands.enqueue(vehicle, action)
    command, lease = _records.claim(VehicleCommand.objects.select_related("vehicle", "actor"))
    VehicleCommand.objects.update(lease=None)
    with closing(lease), time_machine.travel(timezone.now() + timedelta(seconds=5)):
        assert type(commands._execute_claimed(command, lease)) is CommandNotSent
    assert not mock_api.mock.calls


def test_a_command_whose_obstacle_ends_meanwhile_is_recorded(vehicle, nobody):
    """Another process finishes its command between the INSERT and the look for what was in its way."""
    refused = []

    def refuse_once(execute, sql, *arguments):
        if sql.startswith("INSERT") and "vehiclecommand" in sql and not refused:
            refused.append(sql)
            raise IntegrityError("UNIQUE constraint failed: slot")
        return execute(sql, *arguments)

    with connection.execute_wrapper(refuse_once):
        commands.enqueue(vehicle, "lock")
    assert refused
    assert VehicleCommand.objects.get().status == "queued"
