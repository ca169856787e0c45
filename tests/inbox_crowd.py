"""A crowd of workers at one inbox, one of which is killed. ``main(told)`` runs in a site of its own.

``told``: how many ``events`` of how many ``cars`` for how many ``workers``. Every third event comes twice,
all of them shuffled. The answer says how often each was handled, and what the cars read at the end.
"""

import json
import os
import random
import signal
import subprocess
import sys
import time
from datetime import timedelta

import django
from django.db import connection, transaction

NOON = 1_790_000_000


def main(told):
    from django.contrib.auth import get_user_model

    from django_smartcar.models import ConnectedVehicle, SmartcarAccount, SmartcarUser, WebhookEvent

    user = get_user_model()._default_manager.create_user("crowd", password="crowd")
    owner = SmartcarUser.objects.create(id="driver-a", user=user)
    account = SmartcarAccount.objects.create(smartcar_user=owner, api_version="3")
    permissions = ["read_odometer", "read_location"]
    for number in range(told["cars"]):
        ConnectedVehicle.objects.create(
            account=account, smartcar_vehicle_id=f"car-{number}", permissions=permissions
        )
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE handled (event_id varchar(100), worker integer)")
    workers = [
        subprocess.Popen([sys.executable, "-m", "tests.inbox_crowd"], env=os.environ | {"CROWD_SEED": str(n)})
        for n in range(told["workers"])
    ]
    sent = deliver(told)
    killed = kill_one(workers[0], len({event["eventId"] for event in sent}) // 4)
    assert [worker.wait(600) for worker in workers[1:]] == [0] * (told["workers"] - 1)
    with connection.cursor() as cursor:
        cursor.execute("SELECT event_id, worker FROM handled")
        handled = cursor.fetchall()
    return {
        "sent": sent,
        "killed": killed,
        "handled": [event_id for event_id, _ in handled],
        "hands": len({worker for _, worker in handled}),
        "states": list(WebhookEvent.objects.values_list("state", flat=True).distinct().order_by("state")),
        "readings": {
            row.smartcar_vehicle_id: [
                row.readings.newest().get(kind="odometer").value,
                *row.readings.newest().get(kind="location").value.values(),
            ]
            for row in ConnectedVehicle.objects.all()
        },
    }


def deliver(told):
    """Have the site receive the events, as Smartcar sends them: again, where it is told 503."""
    from django_smartcar.services import webhooks

    from .webhooks import sign

    chance = random.Random(told["events"])  # noqa: S311 (a test that can be run again)
    events = [made(number, told["cars"], chance) for number in range(told["events"])]
    deliveries = events + events[::3]
    chance.shuffle(deliveries)
    for event in deliveries:
        body = json.dumps(event).encode()
        while (answer := webhooks.receive("", body, sign(body))).status == 503:
            time.sleep(0.05)
        assert answer.status == 200
    return events


def made(number, cars, chance):
    from .webhooks import event, location, odometer

    at = NOON + chance.randrange(50)  # so that many are of the same moment, and the sequence decides
    # A way that a car can go: further is implausible, and not believed.
    told = [
        odometer((at - NOON) / 5 + number / 1e5, at),
        location(number / 1e6, -number / 1e6, at + chance.randrange(3)),
    ]
    return event(*told, car=f"car-{number % cars}", sequence=number + 1, event_id=f"event-{number}")


def kill_one(worker, after):
    """SIGKILL a worker in the middle; whether it was still at work."""
    while True:
        with connection.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM handled")
            if cursor.fetchone()[0] >= after:
                break
        time.sleep(0.01)
    worker.send_signal(signal.SIGKILL)
    return worker.wait(60) == -signal.SIGKILL


def work():
    """A worker, until everything is worked."""
    django.setup()
    from django_smartcar import signals
    from django_smartcar.models import WebhookEvent
    from django_smartcar.services import inbox

    inbox.LEASE = timedelta(seconds=5)  # so that the test need not wait for the killed one's
    number = int(os.environ["CROWD_SEED"])
    random.seed(number)

    def receiver(event, **named):
        with connection.cursor() as cursor:
            cursor.execute("INSERT INTO handled VALUES (%s, %s)", [event.event_id, number])

    signals.webhook_received.connect(receiver)
    idle_since = time.monotonic()
    while True:
        if inbox.work():
            idle_since = time.monotonic()
        unworked = WebhookEvent.objects.exclude(state=WebhookEvent.State.WORKED)
        with transaction.atomic():
            is_over = WebhookEvent.objects.exists() and not unworked.exists()
        if is_over and time.monotonic() - idle_since > 2:
            return
        time.sleep(0.05)


if __name__ == "__main__":
    work()
