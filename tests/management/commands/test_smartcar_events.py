"""work_smartcar_events and prune_smartcar_events."""

import os
import signal
from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import OperationalError
from django.utils import timezone

from django_smartcar.models import WebhookEvent
from django_smartcar.services import webhooks
from django_smartcar.services.webhooks import _waiting
from tests.webhooks import TOKEN, event, odometer, post

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def site(settings):
    settings.SMARTCAR_MANAGEMENT_TOKENS = [TOKEN]
    settings.SMARTCAR_WEBHOOK_WORK = "command"


def run(*arguments):
    out = StringIO()
    call_command(*arguments, stdout=out, stderr=out)
    return out.getvalue()


def states():
    return sorted(WebhookEvent.objects.values_list("state", flat=True))


def test_due_events_are_processed_once(client, vehicle):
    for number in range(3):
        post(client, event(odometer(number, 1_790_000_000 + number)))
    assert states() == ["received"] * 3
    assert "processed 3 events" in run("work_smartcar_events", "--once")
    assert states() == ["processed"] * 3
    assert "processed 0 events" in run("work_smartcar_events", "--once")
    assert vehicle.signals["odometer"].value == 2


def test_waiting_events_of_a_new_vehicle_are_found(client, account, make_vehicle, monkeypatch):
    monkeypatch.setattr(_waiting, "SWEEP_INTERVAL", 0)  # each run of the command is a new process
    post(client, event(odometer(1, 1_790_000_000)))
    run("work_smartcar_events", "--once")
    assert states() == ["waiting"]
    make_vehicle(account)
    run("work_smartcar_events", "--once")
    assert states() == ["processed"]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_stops_the_command_and_an_unavailable_database_does_not(monkeypatch, number):
    before = [signal.getsignal(one) for one in (signal.SIGINT, signal.SIGTERM)]
    tries = []

    def process_due(should_stop):
        tries.append(should_stop())
        if len(tries) == 1:
            raise OperationalError("gone")
        os.kill(os.getpid(), number)
        return 1

    monkeypatch.setattr(webhooks, "process_due", process_due)
    output = run("work_smartcar_events", "--pause=0.01")
    assert [signal.getsignal(one) for one in (signal.SIGINT, signal.SIGTERM)] == before
    assert "; retrying" in output
    assert "processed 1 events" in output
    assert tries == [False, False]


def test_once_fails_if_the_database_is_unavailable(monkeypatch):
    def process_due(should_stop):
        raise OperationalError("gone")

    monkeypatch.setattr(webhooks, "process_due", process_due)
    with pytest.raises(OperationalError):
        run("work_smartcar_events", "--once")


@pytest.mark.parametrize("pause", ["0", "-1", "soon", "nan", "3601"])
def test_an_invalid_pause_is_refused(pause):
    with pytest.raises(CommandError):
        run("work_smartcar_events", f"--pause={pause}")


@pytest.fixture
def events_of_every_state_and_age():
    for state in WebhookEvent.State.values:
        for days in (0, 20, 40):
            WebhookEvent.objects.create(
                event_id=f"{state}-{days}",
                state=state,
                received_at=timezone.now() - timedelta(days=days),
                size=2,
                key_position=1,
                payload="{}",
            )


@pytest.mark.parametrize(
    ("arguments", "gone"),
    [
        ([], ["processed-40", "test-40", "waiting-40"]),
        (
            ["--days=10"],
            ["processed-20", "processed-40", "test-20", "test-40", "waiting-20", "waiting-40"],
        ),
        (["--dead"], ["dead-40", "processed-40", "test-40", "waiting-40"]),
    ],
)
def test_old_events_are_deleted_unless_there_is_work_left(events_of_every_state_and_age, arguments, gone):
    before = set(WebhookEvent.objects.values_list("event_id", flat=True))
    output = run("prune_smartcar_events", *arguments)
    assert sorted(before - set(WebhookEvent.objects.values_list("event_id", flat=True))) == gone
    assert f"deleted {len(gone)} events; " in output


@pytest.mark.parametrize("days", ["0", "-1", "many"])
def test_an_invalid_number_of_days_is_refused(days):
    with pytest.raises(CommandError):
        run("prune_smartcar_events", f"--days={days}")
