"""Several workers process one queue, and one of them is killed. A program for `databases.run`.

Its options are the number of ``events``, ``cars`` and ``workers``. Every third event is delivered twice, in
random order. With ``is_backlog``, the workers start after the last delivery, and none is killed. The result
says how often each event was handled, the errors of the database, and the vehicles' readings at the end.
"""

import json
import multiprocessing
import random
import signal
import time
from datetime import timedelta

from django.contrib.auth import get_user_model
from django.db import DatabaseError, connection, connections
from django.test import override_settings

from django_smartcar import signals
from django_smartcar.models import ConnectedVehicle, SmartcarAccount, SmartcarUser, WebhookEvent
from django_smartcar.services import _leases, webhooks
from django_smartcar.services.webhooks import _queue

from ..webhooks import TOKEN, event, location, odometer, sign

NOON = 1_790_000_000


def main(options):
    make_cars(options["cars"])
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE handled (event_id varchar(100), worker integer)")
    connections.close_all()  # child processes must not share a connection
    context = multiprocessing.get_context("fork")
    all_sent, errors = context.Event(), context.Value("i")
    workers = [context.Process(target=work, args=(n, all_sent, errors)) for n in range(options["workers"])]
    is_backlog = options.get("is_backlog", False)
    started = time.monotonic()
    sent = deliver(options) if is_backlog else []
    connections.close_all()
    for worker in workers:
        worker.start()
    sent = sent or deliver(options)
    seconds = {"delivered": time.monotonic() - started}
    killed = not is_backlog and kill_one(workers[0], options["events"] // 4)
    all_sent.set()
    for worker in workers:
        worker.join()
    seconds["processed"] = time.monotonic() - started
    with connection.cursor() as cursor:
        cursor.execute("SELECT event_id, worker FROM handled")
        handled = cursor.fetchall()
    return {
        "sent": sent,
        "seconds": seconds,
        "killed": killed,
        "exits": [worker.exitcode for worker in workers],
        "errors": errors.value,
        "handled": [event_id for event_id, _ in handled],
        "workers": len({worker for _, worker in handled}),
        "states": list(WebhookEvent.objects.values_list("state", flat=True).distinct().order_by("state")),
        "readings": {
            row.smartcar_vehicle_id: [
                row.signals["odometer"].value,
                *row.signals["location"].value.values(),
            ]
            for row in ConnectedVehicle.objects.all()
        },
    }


def make_cars(number):
    user = get_user_model().objects.create(username="fleet")
    owner = SmartcarUser.objects.create(id="driver-a", user=user)
    account = SmartcarAccount.objects.create(smartcar_user=owner, api_version="3")
    permissions = ["read_odometer", "read_location"]
    ConnectedVehicle.objects.bulk_create(
        ConnectedVehicle(account=account, smartcar_vehicle_id=f"car-{n}", permissions=permissions)
        for n in range(number)
    )


@override_settings(SMARTCAR_MANAGEMENT_TOKENS=[TOKEN], SMARTCAR_WEBHOOK_WORK="command")
def deliver(options):
    """Deliver the events as Smartcar does: again after a 503."""
    rng = random.Random(options["events"])  # noqa: S311 (reproducible)
    events = [make_event(number, options["cars"], rng) for number in range(options["events"])]
    deliveries = events + events[::3]
    rng.shuffle(deliveries)
    for payload in deliveries:
        receive(payload)
    return events


def receive(payload):
    body = json.dumps(payload).encode()
    while (response := webhooks.receive("", body, sign(body))).status == 503:
        time.sleep(0.05)
    assert response.status == 200


def make_event(number, cars, rng):
    at = NOON + rng.randrange(50)  # many have the same time, so that the sequence decides
    # A distance that a vehicle can drive: more would be an outlier.
    signals_ = [
        odometer((at - NOON) / 5 + number / 1e5, at),
        location(number / 1e6, -number / 1e6, at + rng.randrange(3)),
    ]
    return event(*signals_, car=f"car-{number % cars}", sequence=number + 1, event_id=f"event-{number}")


def kill_one(worker, after):
    """Kill a worker once ``after`` events have been handled. Return whether it was still running."""
    while True:
        with connection.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM handled")
            if cursor.fetchone()[0] >= after:
                break
        time.sleep(0.01)
    worker.kill()
    worker.join()
    return worker.exitcode == -signal.SIGKILL


def work(number, all_sent, errors):
    """Run a worker until all events are processed."""

    def count_errors(execute, sql, params, many, context):
        try:
            return execute(sql, params, many, context)
        except DatabaseError:
            with errors.get_lock():
                errors.value += 1
            raise

    _leases.DURATION, _leases.HEARTBEAT = (
        timedelta(seconds=2),
        0.5,
    )  # so that the killed worker's event is due soon
    random.seed(number)

    def receiver(event, **kwargs):
        with connection.cursor() as cursor:
            cursor.execute("INSERT INTO handled VALUES (%s, %s)", [event.event_id, number])

    signals.webhook_received.connect(receiver)
    unprocessed = WebhookEvent.objects.exclude(state=WebhookEvent.State.PROCESSED)
    with connection.execute_wrapper(count_errors):
        while not all_sent.is_set() or unprocessed.exists():
            if not _queue.process_due():
                time.sleep(0.05)
