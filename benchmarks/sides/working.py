"""Each side processes the same stored events, in one or more processes that start together."""

import json
import multiprocessing
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

from django.contrib.auth import get_user_model
from django.core.management import call_command
from django.db import connection, connections, transaction

from benchmarks.bare.models import LatestValue, PastValue
from benchmarks.sides.receiving import signal
from django_smartcar.fields import decrypt
from django_smartcar.models import (
    ConnectedVehicle,
    SmartcarAccount,
    SmartcarUser,
    VehicleSignal,
    WebhookEvent,
)
from django_smartcar.sdk.readings import PERMISSIONS
from django_smartcar.services import webhooks

DRIVER = "driver"
MOMENT = 1_790_000_000
#: Events in a batch of `limit`.
BATCH = 100
#: Seconds between two events of a car.
INTERVAL = 60

EVENTS = WebhookEvent._meta.db_table
PAYLOAD = WebhookEvent._meta.get_field("payload").context
LATEST = LatestValue._meta.db_table
PAST = PastValue._meta.db_table
COLUMNS = ("vehicle", "code", "value", "unit", "recorded_at")


def prepare(events: str, cars: str) -> dict:
    """Store this many events about this many cars, which have no values yet."""
    call_command("migrate", verbosity=0, run_syncdb=True)
    for model in (WebhookEvent, SmartcarUser, LatestValue, PastValue):
        model.objects.all().delete()
    user, _ = get_user_model().objects.get_or_create(username="anna")
    driver = SmartcarUser.objects.create(id=DRIVER, user=user)
    account = SmartcarAccount.objects.create(smartcar_user=driver, api_version="3")
    permissions = sorted(set(PERMISSIONS.values()))
    ConnectedVehicle.objects.bulk_create(
        ConnectedVehicle(account=account, smartcar_vehicle_id=f"car-{car}", permissions=permissions)
        for car in range(int(cars))
    )
    rows = [row(number, int(cars)) for number in range(int(events))]
    WebhookEvent.objects.bulk_create(rows, batch_size=500)
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("VACUUM ANALYZE")
    return {"stored": WebhookEvent.objects.count()}


def row(number: int, cars: int) -> WebhookEvent:
    body = json.dumps(event(number, cars))
    car = f"car-{number % cars}"
    return WebhookEvent(
        event_id=f"event-{number}",
        kind="VEHICLE_STATE",
        smartcar_vehicle_id=car,
        smartcar_user_id=DRIVER,
        payload=body,
        size=len(body),
        key_position=1,
    )


def event(number: int, cars: int) -> dict[str, Any]:
    """Return an event with 14 signals, all newer than those of the car's event before."""
    turn = number // cars
    at = (MOMENT + turn * INTERVAL) * 1000
    signals = [
        signal("Odometer", "TraveledDistance", {"unit": "km", "value": 12345.6 + turn}),
        signal("Location", "PreciseLocation", {"latitude": 37.4292 + turn / 1000, "longitude": 122.1381}),
        signal("TractionBattery", "StateOfCharge", {"unit": "percent", "value": 68 - turn}),
        signal("TractionBattery", "Range", {"unit": "km", "value": 215 - turn}),
        signal("Charge", "IsChargingCableConnected", {"value": True}),
        signal("Charge", "DetailedChargingStatus", {"value": "CHARGING"}),
        signal("Charge", "ChargeLimits", {"unit": "percent", "activeLimit": 80}),
        signal("Charge", "IsChargingPortFlapOpen", {"value": True}),
        signal("Charge", "IsCharging", {"value": True}),
        signal("Closure", "IsLocked", {"value": bool(turn % 2)}),
        signal("InternalCombustionEngine", "FuelLevel", {"unit": "percent", "value": 50 - turn / 10}),
        signal("InternalCombustionEngine", "Range", {"unit": "km", "value": 400 - turn}),
        signal("InternalCombustionEngine", "AmountRemaining", {"unit": "l", "value": 25 - turn / 20}),
        signal("InternalCombustionEngine", "OilLife", {"unit": "percent", "value": 45}),
    ]
    for one in signals:
        one["meta"] = {"oemUpdatedAt": at, "retrievedAt": at + 500}
    car = {"id": f"car-{number % cars}", "make": "TOYOTA", "model": "Prius Prime", "year": 2024}
    triggers = [{"type": "SIGNAL_UPDATED", "signal": {"code": "odometer-traveleddistance"}}]
    return {
        "eventId": f"event-{number}",
        "eventType": "VEHICLE_STATE",
        "data": {"user": {"id": DRIVER}, "vehicle": car, "triggers": triggers, "signals": signals},
        "meta": {
            "version": "4.0",
            "webhookId": "hook",
            "webhookName": "Fleet",
            "deliveryId": f"delivery-{number}",
            "deliveredAt": at + 900,
            "sequence": at + 700,
            "mode": "LIVE",
            "signalCount": len(signals),
        },
    }


def ours(processes: str) -> dict:
    """Process the events as ``work_smartcar_events`` does."""
    measurement = together(work, int(processes))
    return {**measurement, "cars": VehicleSignal.objects.filter(signal="odometer").count()}


def limit(processes: str) -> dict:
    """Process the events with raw SQL."""
    measurement = together(work_raw, int(processes))
    return {**measurement, "cars": LatestValue.objects.values("vehicle").distinct().count()}


def together(side: Callable[[int, int], None], processes: int) -> dict:
    """Run a side in this many processes; return the seconds from their common start to the last one's end."""
    connections.close_all()  # child processes must not share a connection
    context = multiprocessing.get_context("fork")
    barrier = context.Barrier(processes + 1)

    def run(number: int) -> None:
        connection.ensure_connection()
        barrier.wait()
        side(number, processes)

    workers = [context.Process(target=run, args=(number,)) for number in range(processes)]
    for worker in workers:
        worker.start()
    barrier.wait()
    started = time.monotonic()
    for worker in workers:
        worker.join()
    seconds = time.monotonic() - started
    assert not any(worker.exitcode for worker in workers)  # noqa: S101
    processed = WebhookEvent.objects.filter(state=WebhookEvent.State.PROCESSED).count()
    return {"seconds": seconds, "processed": processed}


def work(number: int, processes: int) -> None:
    webhooks.process_due()


def work_raw(number: int, processes: int) -> None:
    """Do the least that stores the same values, in batches of raw SQL.

    Each process has its own events, so that none is leased. Nothing is validated, converted, compared with
    what is stored, locked, retried or done once: the last event that is written wins.
    """
    with connection.cursor() as cursor:
        while rows := next_rows(cursor, number, processes):
            events = [json.loads(decrypt(payload, PAYLOAD)) for _, payload in rows]
            values = [value for one in events for value in values_of(one)]
            with transaction.atomic():
                upsert(cursor, {value[:2]: value for value in values})
                insert(cursor, f"INSERT INTO {PAST}", values)
                keys = ", ".join(str(pk) for pk, _ in rows)
                cursor.execute(
                    f"UPDATE {EVENTS} SET state = 'processed', next_attempt_at = NULL WHERE id IN ({keys})"  # noqa: S608
                )


def next_rows(cursor: Any, number: int, processes: int) -> list[tuple[int, str]]:
    cursor.execute(
        f"SELECT id, payload FROM {EVENTS} WHERE next_attempt_at IS NOT NULL "  # noqa: S608
        f"AND id %% {processes} = {number} ORDER BY id LIMIT {BATCH}",
        [],
    )
    return list(cursor.fetchall())


def values_of(event: dict[str, Any]) -> Iterator[tuple]:
    vehicle = event["data"]["vehicle"]["id"]
    for one in event["data"]["signals"]:
        at = datetime.fromtimestamp(one["meta"]["oemUpdatedAt"] / 1000, UTC).replace(tzinfo=None)
        body = one["body"]
        yield vehicle, one["code"], json.dumps(body), body.get("unit", ""), at


def upsert(cursor: Any, values: dict[Any, tuple]) -> None:
    changed = ("value", "unit", "recorded_at")
    if connection.vendor == "mysql":
        conflict = "ON DUPLICATE KEY UPDATE " + ", ".join(f"{name} = VALUES({name})" for name in changed)
    else:
        conflict = "ON CONFLICT (vehicle, code) DO UPDATE SET "
        conflict += ", ".join(f"{name} = excluded.{name}" for name in changed)
    insert(cursor, f"INSERT INTO {LATEST}", [values[key] for key in sorted(values)], conflict)


def insert(cursor: Any, into: str, values: list[tuple], end: str = "") -> None:
    places = ", ".join(["(%s, %s, %s, %s, %s)"] * len(values))
    cursor.execute(
        f"{into} ({', '.join(COLUMNS)}) VALUES {places} {end}", [one for value in values for one in value]
    )
