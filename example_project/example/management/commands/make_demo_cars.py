import contextlib
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from threading import Thread
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.core.servers.basehttp import ThreadedWSGIServer
from django.core.wsgi import get_wsgi_application
from django.test import Client
from django.urls import reverse

from django_smartcar import sdk
from django_smartcar.models import ConnectedVehicle, Source, VehicleCommand, WebhookEvent
from django_smartcar.services import commands, readings
from django_smartcar.simulator import store
from django_smartcar.simulator.behaviour import history, motion
from django_smartcar.simulator.server import Handler
from example.demo import user_named

#: The brand of each car, and what the car does when the demo begins.
CARS = {"TESLA": "parked", "BMW": "charging", "TOYOTA": "driving"}
DAYS = 90
#: A value that does not change is stored again after so long, so that its chart goes on.
STEP = timedelta(hours=6)
#: The signals with a chart.
SIGNALS = (
    "charge-wattage",
    "climate-externaltemperature",
    "climate-internaltemperature",
    "internalcombustionengine-fuellevel",
    "internalcombustionengine-range",
    "odometer-traveleddistance",
    "tractionbattery-range",
    "tractionbattery-stateofcharge",
)
#: So long the command waits for what runs in the background.
PATIENCE = 30


class Command(BaseCommand):
    help = "Connect three simulated cars with a history for the user of the demo, unless there are some."

    def handle(self, *args: object, **options: object) -> None:
        if not settings.SIMULATED or not settings.SMARTCAR_SIMULATOR_URL.startswith(f"{settings.ORIGIN}/"):
            return  # Connect is a page of another site
        user = user_named("demo")
        if ConnectedVehicle.objects.for_user(user).exists():
            return
        self.stdout.write(f"Connecting {len(CARS)} simulated cars with {DAYS} days of history…")
        self.stdout.flush()
        with served():
            browser = Client(headers={"host": SITE.netloc})
            browser.force_login(user)
            for make in CARS:
                connect(browser, make)
            wait_until(is_idle)
            vehicles = list(ConnectedVehicle.objects.for_user(user))
            for vehicle in vehicles:
                save_history(vehicle)
                motion.enter(store.car(vehicle.smartcar_vehicle_id), CARS[vehicle.make])
                commands.enqueue(vehicle, "refresh", actor=user)
            commands.enqueue(vehicles[0], "lock", actor=user)
            wait_until(is_idle)


SITE = urlsplit(getattr(settings, "ORIGIN", ""))


@contextlib.contextmanager
def served() -> Iterator[None]:
    """Serve this site meanwhile: it asks its simulator, which sends it webhooks."""
    server = ThreadedWSGIServer((SITE.hostname, SITE.port), Handler)
    server.set_app(get_wsgi_application())
    Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()


def connect(browser: Client, make: str) -> None:
    """Connect a car of this brand, as its driver does: with the pages of this site and of Connect."""
    response = browser.post(reverse("smartcar:connect"))
    while (url := urlsplit(response.headers.get("Location", ""))).path != reverse("smartcar:vehicles"):
        if response.status_code != 302:
            raise CommandError(f"Connecting a car failed with status {response.status_code}.")
        session = next(filter(None, map(store.connect_sessions.get, url.path.split("/"))), None)
        if session is None:  # the beginning of Connect, or the callback
            response = browser.get(f"{url.path}?{url.query}")
        else:
            form = {"make": make, "username": "demo@example.com", "password": "any"}
            response = browser.post(
                url.path, {**form, "vehicle": session.vehicle_ids, "scope": session.scopes}
            )


def save_history(vehicle: ConnectedVehicle) -> None:
    """Store the past of a car: each value that differs from the last, and some of the others."""
    last: dict[str, Any] = {}
    observations: list[readings.Observation] = []
    for event in history.archive(store.car(vehicle.smartcar_vehicle_id), DAYS, SIGNALS):
        for update in sdk.webhooks.read(event).updates:
            news = [signal for signal in update.signals if is_news(signal, last.get(signal["name"]))]
            last |= {signal["name"]: signal for signal in news}
            observations += readings.observations_of(vehicle, news, Source.WEBHOOK)
    readings.save_many(observations)


def is_news(signal: Any, last: Any) -> bool:
    """Return whether a signal should be stored after the last one that was."""
    return last is None or signal["value"] != last["value"] or signal["age"] - last["age"] > STEP


def is_idle() -> bool:
    """Return whether all commands are finished, and all webhooks delivered and processed."""
    statuses = VehicleCommand.Status
    return not (
        VehicleCommand.objects.filter(status__in=[statuses.QUEUED, statuses.PENDING]).exists()
        or any(delivery.outcome == "waiting" for delivery in store.deliveries)
        or WebhookEvent.objects.filter(state=WebhookEvent.State.RECEIVED).exists()
    )


def wait_until(is_done: Callable[[], bool]) -> None:
    """Wait for what runs in the background. What is not done then goes on when the site is served."""
    end = time.monotonic() + PATIENCE
    while not is_done() and time.monotonic() < end:
        time.sleep(0.1)
