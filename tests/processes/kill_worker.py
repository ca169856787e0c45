"""Workers that kill themselves, each at another moment. A program for `databases.run`.

A worker processes a batch of ``events`` about ``cars``, whose receivers write a row. It is killed before its
first statement, after its first statement, before its second one, and so on, until one is not killed. Each
time another worker finishes. The result has what each pair of workers did.
"""

import multiprocessing
import os
import signal

from django.db import connection, connections
from django.test import override_settings
from django.utils import timezone

from django_smartcar import signals
from django_smartcar.models import ConnectedVehicle, WebhookEvent
from django_smartcar.services import webhooks

from ..webhooks import TOKEN, event, odometer
from .concurrent_queue import NOON, make_cars, receive

State = WebhookEvent.State


def main(options):
    make_cars(options["cars"])
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE handled (event_id varchar(100), car integer)")
    results = []
    while not results or results[-1]["killed"]:
        results.append(kill_at(len(results), options))
    return results


def kill_at(moment, options):
    """Process new events with a worker that is killed at this moment, and then with another one."""
    expected = deliver(moment, options)
    killed = run_worker(moment) == -signal.SIGKILL
    by_the_killed = WebhookEvent.objects.filter(state=State.PROCESSED, event_id__in=expected).count()
    WebhookEvent.objects.exclude(lease=None).update(next_attempt_at=timezone.now())  # the lease expires
    run_worker(None)
    with connection.cursor() as cursor:
        cursor.execute("SELECT event_id FROM handled WHERE event_id LIKE %s", [f"event-{moment}-%"])
        handled = sorted(row[0] for row in cursor.fetchall())
    rows = WebhookEvent.objects.filter(event_id__in=expected)
    return {
        "killed": killed,
        "processed_by_the_killed": by_the_killed,
        "is_handled_once": handled == sorted(expected),
        "states": sorted(set(rows.values_list("state", flat=True))),
        "latest": sorted(row.signals["odometer"].value for row in ConnectedVehicle.objects.all()),
        "expected": sorted(moment + (options["events"] - 1 - car) / 10 for car in range(options["cars"])),
    }


@override_settings(SMARTCAR_MANAGEMENT_TOKENS=[TOKEN], SMARTCAR_WEBHOOK_WORK="command")
def deliver(moment, options):
    names = []
    for number in range(options["events"]):
        names.append(f"event-{moment}-{number}")
        at = NOON + moment * 60 + number
        car = f"car-{number % options['cars']}"
        receive(event(odometer(moment + number / 10, at), car=car, sequence=at, event_id=names[-1]))
    return names


def run_worker(moment):
    """Run a worker in a process of its own; return its exit code."""
    connections.close_all()  # a child process must not share a connection
    worker = multiprocessing.get_context("fork").Process(target=work, args=(moment,))
    worker.start()
    worker.join()
    return worker.exitcode


def work(moment):
    steps = 0

    def step():
        nonlocal steps
        if steps == moment:
            os.kill(os.getpid(), signal.SIGKILL)
        steps += 1

    def kill_around(execute, sql, params, many, context):
        step()
        result = execute(sql, params, many, context)
        step()
        return result

    def note(event, vehicle, **kwargs):
        with connection.cursor() as cursor:
            cursor.execute("INSERT INTO handled VALUES (%s, %s)", [event.event_id, vehicle.pk])

    signals.webhook_received.connect(note)
    with connection.execute_wrapper(kill_around):
        webhooks.process_due()
