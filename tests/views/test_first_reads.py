"""A car that has just been connected is read for the first page that shows it."""

import re
from urllib.parse import parse_qs, urlsplit

import pytest
import time_machine
from django.utils import timezone

from django_smartcar.models import ConnectedVehicle, SmartcarAccount, VehicleCommand
from django_smartcar.services import commands, readings
from django_smartcar.views.first_reads import FIRST_READ

pytestmark = pytest.mark.django_db

LIST = "/cars/"
READING = "<p>Reading your car…</p>"
NOTHING = "Nothing has been read from this car yet."
BUTTON = "Read it now"


@pytest.fixture
def annas(client, anna, settings):
    """Anna's browser; no worker runs: commands stay queued."""
    settings.SMARTCAR_COMMAND_EXECUTION = "command"
    client.force_login(anna)
    return client


@pytest.fixture
def connect(annas, mock_api):
    """Return a function that connects so many cars, and returns the page that Anna then sees."""

    def connect(number=1):
        mock_api.tokens()
        ids = [f"car-{index}" for index in range(number)]
        mock_api.driver("driver-a", ids)
        for vehicle_id in ids:
            mock_api.car(vehicle_id)
        url = annas.post("/cars/connect/").url
        (state,) = parse_qs(urlsplit(url).query)["state"]
        return annas.get("/cars/callback/", {"code": "a-code", "state": state}, follow=True).text

    return connect


@pytest.fixture
def new(make_vehicle, account):
    """A car that Anna has just connected, and that has not been read."""
    return make_vehicle(account, connected_at=timezone.now())


def test_a_new_car_is_read_in_the_background(connect, anna, mock_api):
    page = connect()
    assert READING in page
    assert NOTHING not in page
    command = VehicleCommand.objects.get()
    assert (command.action, command.status, command.actor) == ("refresh", "queued", anna)
    assert not mock_api.sent("POST", "/batch"), "the callback does not wait for it"


def test_the_page_reads_the_cars_beyond_the_limit_as_soon_as_it_may(annas, connect, settings, mock_api):
    settings.SMARTCAR_COMMANDS_IN_FLIGHT = 2
    page = connect(3)
    assert "Connected 3 cars" in page
    assert page.count(READING) == 3
    assert NOTHING not in page
    assert BUTTON not in page
    assert VehicleCommand.objects.count() == 2
    last = ConnectedVehicle.objects.last()
    (url,) = re.findall(r'data-smartcar-follow="(/cars/\d+/state/)"', page)
    assert url == f"/cars/{last.pk}/state/", "the script asks until it can be read"
    assert READING in annas.get(url).text
    assert VehicleCommand.objects.count() == 2
    mock_api.batch("car-0", {})
    assert commands.work()
    fragment = annas.get(url).text
    assert fragment.count(READING) == 1
    command = VehicleCommand.objects.get(vehicle=last)
    assert f'data-smartcar-follow="/cars/{last.pk}/commands/{command.pk}/"' in fragment


def test_a_read_that_cannot_be_queued_does_not_affect_the_connection(connect, settings):
    settings.SMARTCAR_COMMANDS_PER_CAR = 0
    page = connect()
    assert "Connected: 2021 Chevrolet Bolt." in page
    assert READING in page
    assert not VehicleCommand.objects.exists()


@pytest.mark.parametrize("path", [LIST, "/cars/{}/", "/cars/{}/state/"])
def test_each_page_reads_a_new_car_once(annas, new, path):
    for _ in range(2):
        page = annas.get(path.format(new.pk)).text
        assert READING in page
        assert NOTHING not in page
        assert BUTTON not in page
    assert VehicleCommand.objects.count() == 1


@pytest.mark.parametrize("path", [LIST, "/cars/{}/"])
def test_without_javascript_the_page_refreshes_until_a_new_car_is_read(annas, new, settings, path):
    settings.SMARTCAR_COMMANDS_PER_CAR = 0
    page = annas.get(path.format(new.pk)).text
    assert READING in page
    assert '<noscript><meta http-equiv="refresh" content="5;' in page
    assert not VehicleCommand.objects.exists()


@pytest.mark.parametrize("path", [LIST, "/cars/{}/", "/cars/{}/state/"])
def test_a_car_that_cannot_be_read_has_a_button_after_ten_minutes(annas, new, settings, path):
    settings.SMARTCAR_COMMANDS_PER_CAR = 0
    with time_machine.travel(timezone.now() + FIRST_READ):
        page = annas.get(path.format(new.pk)).text
    assert READING not in page
    assert NOTHING in page
    assert not VehicleCommand.objects.exists()


def test_a_car_with_values_or_a_command_is_not_read(annas, new, make_vehicle, account, anna):
    readings.save(new, "odometer", 1000, "km")
    failed = make_vehicle(account, "car-2", connected_at=timezone.now())
    commands.enqueue(failed, "refresh", actor=anna)
    VehicleCommand.objects.update(status="failed", slot=None, in_flight_key=None)
    page = annas.get(LIST).text
    assert VehicleCommand.objects.count() == 1
    assert READING not in page


def test_a_car_whose_connection_has_ended_is_not_read(annas, new):
    SmartcarAccount.objects.update(reconnect_required_at=timezone.now())
    assert READING not in annas.get(LIST).text
    assert not VehicleCommand.objects.exists()
