"""Each side asks a car for its odometer, so many times; the first, which opens what stays open, is free."""

import sys
from collections.abc import Callable
from datetime import timedelta

import requests
from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.management import call_command
from django.db import connection
from django.utils import timezone

from benchmarks.measuring import measured
from benchmarks.sides import OFFICIAL
from django_smartcar import sdk
from django_smartcar.models import READS, ConnectedVehicle, SmartcarAccount, SmartcarUser, VehicleReading
from django_smartcar.sdk import USER_AGENT
from django_smartcar.services import vehicles

TOKEN = f"{1:036}"
CAR = "36ab27d0-fd9d-4455-823a-ce30af709ffc"
API = f"{settings.SMARTCAR_API_URL}/v2.0"
SIX = ["odometer", "location", "fuel", "battery", "charge", "tire_pressure"]


def make(number: str) -> None:
    """So many cars, of so many drivers, with everything permitted; none has been read."""
    call_command("migrate", verbosity=0, run_syncdb=True)
    SmartcarUser.objects.all().delete()
    anna, _ = get_user_model().objects.get_or_create(username="anna")
    drivers = [SmartcarUser(id=f"driver-{one}", user=anna) for one in range(int(number))]
    SmartcarUser.objects.bulk_create(drivers, batch_size=500)
    ends = timezone.now() + timedelta(days=1)
    tokens = {"access_token": TOKEN, "refresh_token": TOKEN, "access_expires_at": ends}
    accounts = [
        SmartcarAccount(smartcar_user=driver, api_version="2.0", refresh_expires_at=ends, **tokens)
        for driver in drivers
    ]
    SmartcarAccount.objects.bulk_create(accounts, batch_size=500)
    permissions = [read.permission for read in READS.values()]
    cars = [
        ConnectedVehicle(account=account, smartcar_vehicle_id=f"{CAR[:-8]}{one:08}", permissions=permissions)
        for one, account in enumerate(accounts)
    ]
    ConnectedVehicle.objects.bulk_create(cars, batch_size=500)
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("VACUUM ANALYZE")


def service(calls: str) -> dict:
    """Ours, as the README has it: the car and its token from the database, what it tells kept there."""
    anna = get_user_model().objects.get()
    keys = list(ConnectedVehicle.objects.values_list("pk", flat=True))

    def read(number: int) -> float:
        mine = ConnectedVehicle.objects.for_user(anna).connected()
        return vehicles.odometer(mine.get(pk=keys[number % len(keys)]))["data"]["distance"]

    return {**repeated(read, calls), "kept": VehicleReading.objects.count()}


def sdk_alone(calls: str) -> dict:
    """Our SDK, without Django."""
    return repeated(lambda number: sdk.Vehicle(CAR, TOKEN, api_url=API).odometer()["data"]["distance"], calls)


def pooled(calls: str) -> dict:
    """What is the least: the same request over a session of requests."""
    session = requests.Session()
    url = f"{API}/vehicles/{CAR}/odometer"
    headers = {"Authorization": f"Bearer {TOKEN}", "SC-Unit-System": "metric", "User-Agent": USER_AGENT}
    return repeated(lambda number: session.get(url, headers=headers).json()["distance"], calls)


def official(calls: str) -> dict:
    """Smartcar's own SDK, with a token that is simply there, and nothing kept."""
    sys.path.insert(0, str(OFFICIAL))
    import smartcar

    return repeated(lambda number: smartcar.Vehicle(CAR, TOKEN).odometer().distance, calls)


def six() -> dict:
    """Six facts of one car, through the service."""
    found = vehicles.read(ConnectedVehicle.objects.first(), SIX)
    return {"facts": sum("data" in answer for answer in found.values())}


def repeated(read: Callable[[int], float], calls: str) -> dict:
    distances = {read(0)}
    with measured() as took:
        distances |= {read(number) for number in range(1, int(calls) + 1)}
    return {**took, "told": len(distances)}
