"""Every periodic command and task expires the pending commands of processes that have died."""

import uuid
from datetime import timedelta

import pytest
from django.core.management import call_command
from django.utils import timezone

from django_smartcar.models import VehicleCommand
from django_smartcar.services import command_outcomes
from django_smartcar.tasks import celery, django_tasks

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def pending(vehicle):
    """Create the record of a command whose process has died, and one of a command in progress."""
    return [
        VehicleCommand.objects.create(
            vehicle=vehicle,
            action="lock",
            idempotency_key=key,
            in_flight_key=key,
            status="pending",
            lease=uuid.uuid4(),
            lease_until=timezone.now() + timedelta(seconds=seconds),
        )
        for key, seconds in (("died", -1), ("running", 60))
    ]


@pytest.mark.parametrize(
    "run",
    [
        lambda account: call_command("refresh_smartcar_tokens", "--concurrency", "1"),
        lambda account: call_command("work_smartcar_events", "--once"),
        lambda account: celery.refresh_due(),
        lambda account: celery.work_events(),
        lambda account: django_tasks.work_events.call(),
        lambda account: call_command("refresh_smartcar_tokens", "--enqueue", "tasks"),
    ],
    ids=[
        "refresh_smartcar_tokens",
        "work_smartcar_events",
        "celery: refresh_due",
        "celery: work_events",
        "django.tasks: work_events",
        "django.tasks: refresh_smartcar_tokens --enqueue",
    ],
)
def test_a_pending_command_of_a_dead_process_becomes_unknown(pending, account, run):
    run(account)
    died, running = pending
    died.refresh_from_db()
    running.refresh_from_db()
    assert (died.status, died.in_flight_key) == ("unknown", None)
    assert running.status == "pending"


def test_an_index_finds_pending_commands():
    plan = VehicleCommand.objects.filter(command_outcomes.is_lost(timezone.now())).order_by().explain()
    assert "smartcar_command_status" in plan


def test_a_long_running_worker_expires_them_repeatedly(pending, monkeypatch):
    monkeypatch.setattr("django_smartcar.management.commands.work_smartcar_events.EXPIRE_INTERVAL", 0)
    calls = []

    def expire():
        calls.append(1)
        if len(calls) == 2:
            raise KeyboardInterrupt

    monkeypatch.setattr("django_smartcar.services.commands.expire_pending", expire)
    with pytest.raises(KeyboardInterrupt):
        call_command("work_smartcar_events", "--pause", "0.01")
    assert len(calls) == 2
