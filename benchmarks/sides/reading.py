"""Each side reads an odometer repeatedly. The first read, which opens connections, is not measured."""

import json
import os
import sys
from collections.abc import Callable
from datetime import timedelta

import psycopg
import requests
import urllib3
from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.management import call_command
from django.db import connection
from django.utils import timezone

from benchmarks.measuring import measured
from benchmarks.sides import OFFICIAL
from django_smartcar import sdk
from django_smartcar.models import (
    ConnectedVehicle,
    SmartcarAccount,
    SmartcarUser,
    VehicleReading,
)
from django_smartcar.sdk import USER_AGENT
from django_smartcar.sdk.readings import PERMISSIONS
from django_smartcar.services import vehicles

TOKEN = f"{1:036}"
CAR = "36ab27d0-fd9d-4455-823a-ce30af709ffc"
API = f"{settings.SMARTCAR_API_URL}/v2.0"
BARE_SELECT = """
    SELECT account.access_token FROM smartcar_connectedvehicle vehicle
    JOIN smartcar_smartcaraccount account ON account.id = vehicle.account_id WHERE vehicle.id = %s
"""
BARE_INSERT = """
    INSERT INTO smartcar_vehiclereading
    (vehicle_id, signal, value, unit, source, recorded_at, received_at, is_outlier)
    VALUES (%s, 'bare', %s::jsonb, 'km', 'read', now(), now(), FALSE)
"""
SIX = ["odometer", "location", "fuel", "battery", "charge", "tire_pressure"]


def prepare(number: str) -> None:
    """Create this many vehicles without readings, each of its own user and with every permission."""
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
    permissions = sorted(set(PERMISSIONS.values()))
    cars = [
        ConnectedVehicle(account=account, smartcar_vehicle_id=f"{CAR[:-8]}{one:08}", permissions=permissions)
        for one, account in enumerate(accounts)
    ]
    ConnectedVehicle.objects.bulk_create(cars, batch_size=500)
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("VACUUM ANALYZE")


def service(calls: str) -> dict:
    """Read through the service: vehicle and token come from the database, the reading is saved."""
    anna = get_user_model().objects.get()
    keys = list(ConnectedVehicle.objects.values_list("pk", flat=True))

    def read(number: int) -> float:
        mine = ConnectedVehicle.objects.for_user(anna).connected()
        return vehicles.odometer(mine.get(pk=keys[number % len(keys)]))["data"]["distance"]

    return {**call_repeatedly(read, calls), "saved": saved()}


def service_by_key(calls: str) -> dict:
    """Read by the vehicle's key through the service, which finds the user's vehicle, too."""
    anna = get_user_model().objects.get()
    keys = list(ConnectedVehicle.objects.values_list("pk", flat=True))

    def read(number: int) -> float:
        return vehicles.read_by_key(anna, keys[number % len(keys)], "odometer")["data"]["distance"]

    return {**call_repeatedly(read, calls), "saved": saved()}


def saved() -> int:
    """Return how many readings the services have saved so far."""
    return VehicleReading.objects.filter(signal="odometer").count()


def sdk_alone(calls: str) -> dict:
    """Read with our SDK, without Django."""
    return call_repeatedly(
        lambda number: sdk.Vehicle(CAR, TOKEN, api_url=API).odometer()["data"]["distance"], calls
    )


def pooled(calls: str) -> dict:
    """Send the same request over a session of requests: the minimum."""
    session = requests.Session()
    url = f"{API}/vehicles/{CAR}/odometer"
    headers = {"Authorization": f"Bearer {TOKEN}", "SC-Unit-System": "metric", "User-Agent": USER_AGENT}
    return call_repeatedly(lambda number: session.get(url, headers=headers).json()["distance"], calls)


def bare_request(calls: str) -> dict:
    """Send the same request with urllib3: no client in Python that uses it can take less."""
    return call_repeatedly(_bare_reader(), calls)


def bare_service(calls: str) -> dict:
    """Find the token and store the value with psycopg in two statements, without any check: the minimum."""
    read = _bare_reader()
    parameters = connection.get_connection_params()
    names = ("dbname", "user", "password", "host", "port")
    arguments = {name: parameters[name] for name in names if parameters.get(name)}
    keys = list(ConnectedVehicle.objects.values_list("pk", flat=True))
    with psycopg.connect(**arguments, autocommit=True) as bare:

        def read_and_store(number: int) -> float:
            key = keys[number % len(keys)]
            bare.execute(BARE_SELECT, [key]).fetchone()
            distance = read(number)
            bare.execute(BARE_INSERT, [key, str(distance)])
            return distance

        return call_repeatedly(read_and_store, calls)


def _bare_reader() -> Callable[[int], float]:
    pool = urllib3.PoolManager(ca_certs=os.environ["REQUESTS_CA_BUNDLE"])
    url = f"{API}/vehicles/{CAR}/odometer"
    headers = {"Authorization": f"Bearer {TOKEN}", "SC-Unit-System": "metric", "User-Agent": USER_AGENT}
    return lambda number: json.loads(pool.request("GET", url, headers=headers).data)["distance"]


def official(calls: str) -> dict:
    """Read with Smartcar's own SDK, with a token in memory and without saving."""
    sys.path.insert(0, str(OFFICIAL))
    import smartcar

    return call_repeatedly(lambda number: smartcar.Vehicle(CAR, TOKEN).odometer().distance, calls)


def six_readings() -> dict:
    """Read six readings of one vehicle through the service."""
    results = vehicles.read(ConnectedVehicle.objects.first(), SIX)
    return {"readings": sum("data" in result for result in results.values())}


def call_repeatedly(read: Callable[[int], float], calls: str) -> dict:
    distances = {read(0)}
    with measured() as measurement:
        distances |= {read(number) for number in range(1, int(calls) + 1)}
    return {**measurement, "distinct": len(distances)}
