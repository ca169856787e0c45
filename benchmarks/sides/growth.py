"""Large tables, made by the database itself, and the pages and exports that read them."""

import re
import secrets
import time
from collections.abc import Callable
from contextlib import contextmanager
from typing import Any

from django.contrib.auth import get_user_model
from django.core.management import call_command
from django.db import connection, models
from django.test import Client

from django_smartcar.models import (
    ConnectedVehicle,
    SmartcarAccount,
    SmartcarUser,
    VehicleCommand,
    VehicleReading,
    VehicleSignal,
    WebhookEvent,
)
from django_smartcar.services.privacy import export

#: Rows for each car: its signals, each with a reading at each moment, events and commands.
SIGNALS = {
    "battery_level": "0.5",
    "battery_range": "240.5",
    "charge_limit": "0.8",
    "engine_oil_life": "0.35",
    "fuel_level": "0.3",
    "is_charging": "false",
    "is_locked": "true",
    "is_plugged_in": "true",
    "odometer": "104500.5",
    "speed": "0",
}
MOMENTS = 5
EVENTS = 10
COMMANDS = 5
#: Cars of the first driver.
FLEET = 500

MODELS = ["Bolt", "Corsa", "Golf", "Model 3", "Model S", "Ioniq 5", "Leaf", "Zoe"]

ID = {"postgresql": "gen_random_uuid()::text", "sqlite": "lower(hex(randomblob(16)))"}
AGO = {
    "postgresql": "(now() - ({}) * INTERVAL '1 second')",
    "sqlite": "strftime('%%Y-%%m-%%d %%H:%%M:%%f', 'now', '-' || ({}) || ' seconds')",
}


def ago(seconds: str) -> str:
    """Return SQL for a moment so many seconds ago."""
    return AGO[connection.vendor].format(seconds)


def insert(model: type[models.Model], rows: str, constants: dict[str, Any], /, **columns: str) -> None:
    """Insert a row for each of ``rows`` (SQL): columns as SQL, constants and defaults as Python values."""
    names, values, parameters = list(columns), list(columns.values()), []
    for field in model._meta.concrete_fields:
        is_given = field.column in columns or field.has_default() or field.name in constants
        if field.column in columns or field.primary_key or not (is_given or not field.null):
            continue
        default = constants[field.name] if field.name in constants else field.get_default()
        names.append(field.column)
        values.append("%s")
        parameters.append(field.get_db_prep_save(default, connection))
    table = connection.ops.quote_name(model._meta.db_table)
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO {table} ({', '.join(names)}) SELECT {', '.join(values)} {rows}",  # noqa: S608
            parameters,
        )


def prepare(cars: str) -> dict:
    """Fill an empty database with this many drivers, each with a car; the first driver has a fleet."""
    call_command("migrate", verbosity=0)
    call_command("flush", interactive=False, verbosity=0)
    number_table(int(cars))
    make_cars(min(FLEET, int(cars)))
    make_rows()
    if connection.vendor == "postgresql":  # which does this itself, a minute later
        with connection.cursor() as cursor:
            cursor.execute("VACUUM ANALYZE")
    get_user_model().objects.create_superuser("operator", password="operator")  # noqa: S106
    tables = {
        "vehicles": ConnectedVehicle,
        "readings": VehicleReading,
        "events": WebhookEvent,
        "signals": VehicleSignal,
        "commands": VehicleCommand,
    }
    return {name: model.objects.count() for name, model in tables.items()}


def number_table(size: int) -> None:
    """Create a table of the numbers from 1 to ``size``."""
    with connection.cursor() as cursor:
        cursor.execute("CREATE TEMPORARY TABLE numbers (n integer PRIMARY KEY)")
        cursor.execute(
            "INSERT INTO numbers WITH RECURSIVE counted(n) AS "
            "(SELECT 1 UNION ALL SELECT n + 1 FROM counted WHERE n < %s) SELECT n FROM counted",
            [size],
        )
        cursor.execute("CREATE TEMPORARY TABLE sampled (name text, value text)")
        cursor.executemany("INSERT INTO sampled VALUES (%s, %s)", [*SIGNALS.items()])


def make_cars(fleet: int) -> None:
    """Insert users, Smartcar users, accounts and vehicles."""
    past, new_id = ago("n * 60"), ID[connection.vendor]
    user, from_users = get_user_model(), "FROM auth_user ORDER BY id"
    insert(user, "FROM numbers", {"password": "!"}, username="'driver-' || n", date_joined=past)
    insert(SmartcarUser, from_users, {}, id=new_id, user_id="id", created_at=ago("id * 60"))
    past = {"created_at": ago("user_id * 60"), "updated_at": ago("user_id")}
    owners = "FROM smartcar_smartcaruser ORDER BY created_at DESC"
    constants = {"api_version": "3", "access_token": "", "refresh_token": ""}
    insert(SmartcarAccount, owners, constants, smartcar_user_id="id", **past)
    cases = " ".join(f"WHEN {number} THEN '{name}'" for number, name in enumerate(MODELS))
    details = {
        "smartcar_vehicle_id": new_id,
        "account_id": "id",
        "make": "CASE id %% 3 WHEN 0 THEN 'CHEVROLET' WHEN 1 THEN 'OPEL' ELSE 'TESLA' END",
        "model": f"CASE id %% {len(MODELS)} {cases} END",
        "year": "2015 + id %% 10",
        "created_at": "created_at",
        "updated_at": "updated_at",
    }
    constants = {"permissions": ["read_odometer", "read_battery", "read_security", "control_security"]}
    insert(ConnectedVehicle, "FROM smartcar_smartcaraccount ORDER BY id", constants, **details)
    rows = f"FROM smartcar_smartcaraccount, numbers WHERE id = %s AND n < {fleet}"  # noqa: S608
    first = str(SmartcarAccount.objects.order_by("pk").values_list("pk", flat=True)[0])
    insert(ConnectedVehicle, rows.replace("%s", first), constants, **details)


def make_rows() -> None:
    """Insert signals, readings, events and commands, ordered as they come in: not car by car."""
    vehicles = "FROM smartcar_connectedvehicle"
    json = "::jsonb" if connection.vendor == "postgresql" else ""
    signal = {"vehicle_id": "v.id", "signal": "name", "value": f"value{json}"}
    states, cars = f"{vehicles} v, sampled ORDER BY v.id", f"{vehicles} v"
    at = {"recorded_at": ago("v.id"), "received_at": ago("v.id"), "status_at": ago("v.id")}
    insert(VehicleSignal, states, {"source": "webhook"}, **signal, **at)
    rows = f"{cars}, sampled, numbers WHERE n <= {MOMENTS} ORDER BY n, v.id"
    moment = ago(f"({MOMENTS} - n) * 86400 + v.id %% 86400")
    outlier = "(v.id + n) %% 20000 = 0"
    at = {"recorded_at": moment, "received_at": moment, "is_outlier": outlier}
    insert(VehicleReading, rows, {"source": "webhook"}, **signal, **at)
    owned = (
        "FROM smartcar_connectedvehicle v JOIN smartcar_smartcaraccount a ON a.id = v.account_id, numbers "
        f"WHERE n <= {EVENTS} ORDER BY n, v.id"
    )
    event = {
        "event_id": ID[connection.vendor],
        "smartcar_vehicle_id": "v.smartcar_vehicle_id",
        "smartcar_user_id": "a.smartcar_user_id",
        "kind": "CASE WHEN v.id %% 50 = 0 THEN 'VEHICLE_ERROR' ELSE 'VEHICLE_STATE' END",
        "state": "CASE WHEN (v.id + n) %% 5000 = 0 THEN 'dead' ELSE 'processed' END",
        "received_at": ago(f"({EVENTS} - n) * 86400 + v.id %% 86400"),
    }
    constants = {"payload": secrets.token_hex(400), "size": 800, "key_position": 1, "next_attempt_at": None}
    insert(WebhookEvent, owned, constants, **event)
    sent = {
        "vehicle_id": "v.id",
        "action": "CASE (v.id + n) %% 2 WHEN 0 THEN 'lock' ELSE 'unlock' END",
        "request_id": ID[connection.vendor],
        "created_at": ago(f"({COMMANDS} - n) * 86400 + v.id %% 86400"),
    }
    rows = f"{cars}, numbers WHERE n <= {COMMANDS} ORDER BY n, v.id"
    insert(VehicleCommand, rows, {"status": "succeeded", "in_flight_key": None}, **sent)


@contextmanager
def timed() -> Any:
    """Measure a block: its ``total`` and its ``database`` time in ms, and its ``statements``."""
    result = {"database": 0.0, "statements": 0}

    def wrapper(execute: Callable, *arguments: Any) -> Any:
        started = time.perf_counter()
        try:
            return execute(*arguments)
        finally:
            result["database"] += 1000 * (time.perf_counter() - started)
            result["statements"] += 1

    started = time.perf_counter()
    with connection.execute_wrapper(wrapper):
        yield result
    result["total"] = 1000 * (time.perf_counter() - started)


def best(times: int, act: Callable[[], Any]) -> dict:
    """Return the fastest of some runs: other programs use the machine, too."""
    act()
    results = []
    for _ in range(times):
        with timed() as result:
            act()
        results.append(result)
    return min(results, key=lambda result: result["total"])


def measure(times: str) -> dict:
    """Measure every page of the table in ``benchmarks.growth``."""
    users = get_user_model().objects
    middle = ConnectedVehicle.objects.order_by("pk")[ConnectedVehicle.objects.count() // 4]
    driver, fleet = middle.user, users.get(username="driver-1")
    operator, owner = Client(), Client()
    operator.force_login(users.get(username="operator"))
    owner.force_login(fleet)
    event = WebhookEvent.objects.filter(smartcar_vehicle_id=middle.smartcar_vehicle_id).defer("payload")[0]
    found = {
        name: best(int(times), lambda url=url: page(operator, url))
        for name, url in urls(operator, middle, driver, event).items()
    }
    found["your cars"] = best(int(times), lambda: page(owner, "/cars/"))
    found["export of a person"] = best(int(times), lambda: list(export.person(driver)))
    return found


def urls(operator: Client, vehicle: ConnectedVehicle, driver: Any, event: WebhookEvent) -> dict[str, str]:
    """Return the pages of the admin by name."""
    base = "/admin/smartcar/"
    readings, vehicles, events = f"{base}vehiclereading/", f"{base}connectedvehicle/", f"{base}webhookevent/"
    return {
        "readings": readings,
        "readings, last page": last(operator, readings),
        "readings, search by user": f"{readings}?q={driver.username}",
        "readings, search by vehicle id": f"{readings}?q={vehicle.smartcar_vehicle_id}",
        "readings, search by signal": f"{readings}?q=odometer",
        "readings, search without a match": f"{readings}?q=nothing",
        "readings, implausible": f"{readings}?is_outlier=1",
        "signals": f"{base}vehiclesignal/",
        "signals, search by user": f"{base}vehiclesignal/?q={driver.username}",
        "vehicles": vehicles,
        "vehicles, last page": last(operator, vehicles),
        "vehicles, search by user": f"{vehicles}?q={driver.username}",
        "vehicles, search by model": f"{vehicles}?q=bolt",
        "vehicles, search without a match": f"{vehicles}?q=nothing",
        "events": events,
        "events, last page": last(operator, events),
        "events, search by vehicle id": f"{events}?q={vehicle.smartcar_vehicle_id}",
        "events, search by event id": f"{events}?q={event.event_id}",
        "events, search without a match": f"{events}?q=nothing",
        "events, dead": f"{events}?state__exact=dead",
        "commands": f"{base}vehiclecommand/",
        "commands, search by user": f"{base}vehiclecommand/?q={driver.username}",
        "accounts": f"{base}smartcaraccount/",
        "accounts, search by user": f"{base}smartcaraccount/?q={driver.username}",
    }


def last(operator: Client, url: str) -> str:
    """Return the address of the last page that a list links to."""
    numbers = re.findall(r"[?&;]p=(\d+)", page(operator, url))
    return f"{url}?p={max(map(int, numbers), default=1)}"


def page(client: Client, url: str) -> str:
    response = client.get(url)
    assert response.status_code == 200, f"{url}: {response.status_code}"  # noqa: S101
    return response.text
