"""A driver with five cars, one of them with a year of history, and the pages that show them."""

import gzip
import re
from datetime import timedelta
from pathlib import Path
from typing import Any

from django.contrib.auth import get_user_model
from django.contrib.staticfiles import finders
from django.core.management import call_command
from django.test import Client
from django.utils import timezone

from django_smartcar.models import ConnectedVehicle, SmartcarAccount, SmartcarUser, VehicleCommand
from django_smartcar.services import readings
from django_smartcar.services.signals import unit_of

from .growth import best, page

PERMISSIONS = [
    *("read_odometer", "read_location", "read_battery", "read_charge", "read_fuel", "read_security"),
    *("read_tires", "read_thermometer", "read_engine_oil", "read_climate"),
    *("control_security", "control_charge", "control_navigation"),
]
#: What each car tells, at first; all but the last four have a chart.
VALUES: dict[str, Any] = {
    "battery_level": 0.1,
    "fuel_level": 0.2,
    "odometer": 1000,
    "battery_range": 50,
    "fuel_range": 100,
    "charge_power": 7000,
    "outside_temperature": 5,
    "inside_temperature": 15,
    "is_locked": True,
    "is_plugged_in": True,
    "is_charging": False,
    "location": {"latitude": 48.1371, "longitude": 11.5764},
}


def prepare(cars: str, times: str) -> dict:
    """Fill an empty database: a driver with one car, and one with ``cars``, with values and commands."""
    call_command("migrate", verbosity=0)
    for name, number in (("one", 1), ("several", int(cars))):
        user = get_user_model().objects.create_user(name)
        owner = SmartcarUser.objects.create(id=f"smartcar-{name}", user=user)
        account = SmartcarAccount.objects.create(smartcar_user=owner, api_version="3")
        for position in range(number):
            make_car(account, f"{name}-{position}")
    oldest = ConnectedVehicle.objects.get(smartcar_vehicle_id="several-0")
    now, year = timezone.now(), timedelta(days=365)
    for number in range(int(times)):
        tell(oldest, number, now - year * (1 - (number + 1) / (int(times) + 1)))
    return {"readings": oldest.readings.count()}


def make_car(account: SmartcarAccount, name: str) -> None:
    details = {"make": "CHEVROLET", "model": "Bolt", "year": 2021, "permissions": PERMISSIONS}
    car = ConnectedVehicle.objects.create(account=account, smartcar_vehicle_id=name, **details)
    tell(car, 0, timezone.now())
    sent = {"status": VehicleCommand.Status.SUCCEEDED, "finished_at": timezone.now()}
    VehicleCommand.objects.create(vehicle=car, action="lock", **sent)


def tell(car: ConnectedVehicle, number: int, at: Any) -> None:
    """Save a value of each signal, and other numbers each time."""
    share = number % 700 / 1000
    for name, value in VALUES.items():
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        told = value + share * (1 if unit_of(name) == "fraction" else 30) if is_number else value
        readings.save(car, name, told, unit_of(name), at)


def measure(times: str) -> dict:
    """Measure the bare view and the pages, one after the other in one process."""
    one, several = client_of("one"), client_of("several")
    car = ConnectedVehicle.objects.get(smartcar_vehicle_id="several-0")
    requests = {
        "bare": (several, "/bare/page/"),
        "one car": (one, "/cars/"),
        "your cars": (several, "/cars/"),
        "a year of history": (several, f"/cars/{car.pk}/?period=year"),
    }
    found = {name: best(int(times), lambda it=it: page(*it)) for name, it in requests.items()}
    found["your cars"] |= weight(page(several, "/cars/"))
    return found


def client_of(name: str) -> Client:
    client = Client()
    client.force_login(get_user_model().objects.get(username=name))
    return client


def weight(text: str) -> dict[str, int]:
    """Return the bytes of a page with the app's files that it names, as they are and by gzip."""
    names = sorted(set(re.findall(r"/static/(smartcar/[\w.]+)", text)))
    parts = [text.encode(), *(Path(str(finders.find(name))).read_bytes() for name in names)]
    return {"weight": sum(map(len, parts)), "gzip": sum(len(gzip.compress(part)) for part in parts)}
