"""The flows of a site, from Connect to a command, with a car of each shape profile."""

import json
import logging
from collections import defaultdict
from types import SimpleNamespace
from urllib.parse import urlencode

import pytest
from django.test import Client
from django.urls import reverse

from django_smartcar.models import (
    ConnectedVehicle,
    VehicleProblem,
    VehicleReading,
    VehicleSignal,
    WebhookEvent,
)
from django_smartcar.services import commands, signals, vehicles
from django_smartcar.services.privacy import export
from django_smartcar.simulator import store
from django_smartcar.simulator.access.connections import of_vehicle
from django_smartcar.simulator.access.scopes import SCOPES
from django_smartcar.simulator.profiles import PROFILES
from django_smartcar.simulator.webhooks import payloads
from tests.simulator.events import STATES, enter, make_of, webhook_of

from . import known_differences, truth

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(params=PROFILES)
def profile(request):
    """Run the test with each shape profile."""
    return request.param


@pytest.fixture(autouse=True)
def no_errors(caplog):
    """Fail a test in which the site logs an error, even one that it survives."""
    yield
    records = [*caplog.get_records("setup"), *caplog.get_records("call")]
    assert not [record for record in records if record.levelno >= logging.ERROR]


@pytest.fixture
def driver(client, anna, smartcar, settings, profile):
    """Connect a car of the profile through the pages, as its driver does."""
    settings.SMARTCAR_SCOPE = list(SCOPES)
    settings.SMARTCAR_SIMULATOR_PROFILE = profile
    client.force_login(anna)
    query = smartcar.visit(client.post("/cars/connect/").url, "anna@example.com", make_of(profile))
    page = client.get(f"/cars/callback/?{urlencode(query)}", follow=True)
    assert page.status_code == 200
    vehicle = ConnectedVehicle.objects.get()
    car = store.car(vehicle.smartcar_vehicle_id)
    truth.set_values(car)
    connection = of_vehicle(car.id)
    return SimpleNamespace(
        browser=client, page=page, vehicle=vehicle, car=car, connection=connection, profile=profile
    )


def assert_pages_work(driver, admin_client):
    """Open the driver's page, the downloads and the admin's pages of all that is stored."""
    vehicle = driver.vehicle
    page = driver.browser.get("/cars/")
    assert page.status_code == 200
    assert vehicle.model in page.text
    for name in (
        "readings.csv",
        "readings.json",
        f"{vehicle.pk}/readings.csv",
        f"{vehicle.pk}/readings.json",
    ):
        response = driver.browser.get(f"/cars/{name}")
        assert response.status_code == 200
        assert response.getvalue()
    for model in (ConnectedVehicle, VehicleReading, VehicleSignal, VehicleProblem, WebhookEvent):
        name = f"admin:{model._meta.app_label}_{model._meta.model_name}"
        assert admin_client.get(reverse(f"{name}_changelist")).status_code == 200
        rows = model.objects.all()
        if model in (VehicleReading, VehicleSignal):
            rows = signals.without_private(rows)  # the admin shows no positions
        for row in rows[:20]:
            assert admin_client.get(reverse(f"{name}_change", args=[row.pk])).status_code == 200


def codes_of(error):
    """Return the codes of the signals of an error, which are named in several ways."""
    signals = error.get("signals", [])
    return [
        signal["code"] if isinstance(signal, dict) else signal.replace(".", "-").lower() for signal in signals
    ]


def test_a_car_is_connected_and_read_and_shown(driver, admin_client, anna):
    assert f"Connected: {driver.vehicle.name}." in driver.page.text
    for name in ("make", "model", "year"):
        assert getattr(driver.vehicle, name) == getattr(driver.car, name)
    response = driver.browser.post(f"/cars/{driver.vehicle.pk}/refresh/", follow=True)
    assert response.status_code == 200
    vehicles.read(driver.vehicle, ["service_history"])
    assert_pages_work(driver, admin_client)
    document = json.loads("".join(export.person(anna)))
    assert document["vehicles"][0]["smartcar_vehicle_id"] == driver.car.id


@pytest.mark.parametrize("variant", payloads.VARIANTS)
def test_its_events_are_processed(driver, send, admin_client, anna, variant):
    webhook = webhook_of(variant)
    first = payloads.vehicle_state(webhook, driver.connection, [payloads.FIRST_DELIVERY])
    assert send(first).state == "processed"
    for state in STATES:
        enter(driver.car, state)
        event = payloads.vehicle_state(webhook, driver.connection, payloads.signal_codes(webhook))
        assert send(event).state == "processed"
    assert_pages_work(driver, admin_client)
    assert len(json.loads("".join(export.person(anna)))["webhook_events"]) == 1 + len(STATES)


@pytest.mark.parametrize("variant", payloads.VARIANTS)
def test_errors_that_nobody_asked_for_are_processed(driver, send, admin_client, variant):
    payload = payloads.complaints(webhook_of(variant), driver.connection)
    assert (payload is None) is (driver.profile not in known_differences.COMPLAINING)
    if payload is None:
        return
    assert send(payload).state == "processed"
    rows = VehicleProblem.objects.filter(vehicle=driver.vehicle, resolved_at=None)
    errors = payload["data"]["errors"]
    sent = defaultdict(list)  # one row for each type and code, with the signals of all
    for error in errors:
        sent[error["type"], error["code"] or ""] += codes_of(error)
    assert {(row.type, row.code): row.signals for row in rows} == sent
    assert_pages_work(driver, admin_client)
    assert not isinstance(vehicles.read(driver.vehicle, ["battery"])["battery"], Exception)


@pytest.mark.parametrize("variant", payloads.VARIANTS)
def test_no_login_is_asked_for_while_everything_works(driver, send, variant):
    """Some profiles send ``REAUTHENTICATE`` for what only the driver's consent, or nothing, changes."""
    if payload := payloads.complaints(webhook_of(variant), driver.connection):
        send(payload)
    driver.vehicle.refresh_from_db()
    assert not driver.vehicle.needs_reauthentication
    assert "log in there again" not in driver.browser.get("/cars/").text


def test_a_test_event_of_a_car_that_nobody_has_changes_nothing(driver, send, admin_client):
    before = list(VehicleReading.objects.values())
    for variant in payloads.VARIANTS:
        assert send(payloads.dashboard_test(webhook_of(variant))).state == "test"
    assert list(VehicleReading.objects.values()) == before
    assert_pages_work(driver, admin_client)


def test_a_test_event_of_a_connected_car_changes_nothing(driver, send):
    send(payloads.vehicle_state(webhook_of(), driver.connection, []))
    before = list(VehicleReading.objects.values())
    driver.car.battery_percent, driver.car.recorded_at = 0.5, store.now()
    event = send(payloads.vehicle_state(webhook_of(), driver.connection, [], is_test=True))
    assert event.state == "test"
    assert before
    assert list(VehicleReading.objects.values()) == before


def test_it_is_locked_and_disconnected(driver, send):
    driver.car.is_locked = False
    response = driver.browser.post(f"/cars/{driver.vehicle.pk}/lock/", follow=True)
    assert response.status_code == 200
    assert driver.car.is_locked
    event = payloads.vehicle_state(webhook_of(), driver.connection, ["closure-islocked"])
    assert send(event).state == "processed"
    commands.send(driver.vehicle, "unlock")
    assert not driver.car.is_locked
    assert driver.browser.post(f"/cars/{driver.vehicle.pk}/disconnect/", follow=True).status_code == 200
    assert of_vehicle(driver.car.id) is None
    assert send(payloads.vehicle_state(webhook_of(), driver.connection, [])).state == "waiting"


def test_a_list_of_signals_that_is_missing_is_not_an_error(driver, settings):
    settings.SMARTCAR_SIMULATOR_SIGNALS = False
    response = driver.browser.post(f"/cars/{driver.vehicle.pk}/refresh/", follow=True)
    assert response.status_code == 200
    assert Client().get("/cars/").status_code == 302
