"""Events are processed after the commit, as SMARTCAR_WEBHOOK_WORK says, and errors never reach the caller."""

import sys

import pytest
from django.db import transaction

from django_smartcar.models import SmartcarUser, WebhookEvent
from django_smartcar.services.webhooks import _queue, _workers
from tests.webhooks import TOKEN, event, odometer, post

pytestmark = pytest.mark.django_db(transaction=True)
NOON = 1_790_000_000

#: In the tests django.tasks has its default backend, which runs a task immediately.
WAYS = pytest.mark.parametrize("way", ["inline", "tasks"])


@pytest.fixture
def receive(client, settings):
    """Receive an event that is not processed yet."""
    settings.SMARTCAR_MANAGEMENT_TOKENS = [TOKEN]
    settings.SMARTCAR_WEBHOOK_WORK = "command"

    def receive_(**options):
        assert post(client, event(odometer(5, NOON), **options)).status_code == 200
        return WebhookEvent.objects.get()

    return receive_


@WAYS
def test_connecting_a_vehicle_processes_its_events(connect_driver, receive, settings, anna, way):
    (before,) = connect_driver().vehicles
    driver = before.account.smartcar_user_id
    SmartcarUser.objects.all().delete()
    row = receive(car=before.smartcar_vehicle_id, driver=driver)
    _queue.process_due()
    row.refresh_from_db()
    assert row.state == "waiting"
    settings.SMARTCAR_WEBHOOK_WORK = way
    (vehicle,) = connect_driver().vehicles
    row.refresh_from_db()
    assert row.state == "processed"
    assert vehicle.signals["odometer"].value == 5


@WAYS
def test_processing_begins_when_the_callers_transaction_is_committed(receive, vehicle, settings, way):
    row = receive()
    settings.SMARTCAR_WEBHOOK_WORK = way
    with transaction.atomic():
        _workers.begin_work()
        row.refresh_from_db()
        assert row.state == "received"
    row.refresh_from_db()
    assert row.state == "processed"


def test_nothing_is_scheduled_if_the_command_processes_events(receive, vehicle):
    row = receive()
    _workers.begin_work()
    row.refresh_from_db()
    assert row.state == "received"


def test_a_missing_task_backend_is_logged_and_loses_nothing(
    receive, vehicle, settings, client, monkeypatch, caplog
):
    row = receive()
    monkeypatch.setitem(sys.modules, "django_smartcar.tasks.celery", None)
    settings.SMARTCAR_WEBHOOK_WORK = "celery"
    assert post(client, event()).status_code == 200
    assert "they stay due: ImportError" in caplog.text
    settings.SMARTCAR_WEBHOOK_WORK = "inline"
    _workers.begin_work()
    row.refresh_from_db()
    assert row.state == "processed"
