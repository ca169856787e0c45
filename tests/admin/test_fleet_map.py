"""Where the cars are, on the fleet dashboard: only for those who may locate them, and recorded."""

import pytest
from django.contrib.admin.models import LogEntry
from django.db import connection
from django.test.utils import CaptureQueriesContext

from django_smartcar.admin import fleet
from django_smartcar.models import ConnectedVehicle, VehicleSignal
from django_smartcar.services import readings

pytestmark = pytest.mark.django_db

URL = "/admin/smartcar/connectedvehicle/fleet/"
MAY = ["view_fleet", "view_connectedvehicle", "locate_connectedvehicle"]
TILES = {"url": "/tiles/{z}/{x}/{y}.png", "attribution": "<b>the makers</b>"}


@pytest.fixture
def car(make_account, make_vehicle, anna):
    """Anna's car, which shares its place, and another that does not."""
    account = make_account(anna, "driver-a")
    car = make_vehicle(account, "car-1", permissions=["read_location"])
    other = make_vehicle(account, "car-2", permissions=["read_odometer"], make="TESLA")
    readings.save(car, "location", {"latitude": 37.4292, "longitude": 122.1381})
    readings.save(other, "location", {"latitude": 48.1372, "longitude": 11.5761})
    return car


def history():
    return list(LogEntry.objects.values_list("object_id", "change_message"))


def test_places_are_shown_when_asked_for_and_recorded(staff, car):
    operator = staff(*MAY)
    page = operator.get(URL)
    assert "37.4" not in page.text
    assert "Show where the cars are" in page.text
    assert history() == []
    page = operator.post(URL)
    assert "37.4292, 122.1381" in page.text
    assert f'<a href="/admin/smartcar/connectedvehicle/{car.pk}/change/">' in page.text
    assert "https://www.openstreetmap.org/?mlat=37.42920&amp;mlon=122.13810" in page.text
    assert "Tesla" not in page.text
    assert "48.13" not in page.text
    assert history() == [(str(car.pk), "location viewed")]


def test_more_cars_take_no_more_statements(staff, car, make_vehicle):
    operator = staff(*MAY)
    operator.post(URL)  # the types of rows are known now
    with CaptureQueriesContext(connection) as of_one:
        operator.post(URL)
    for number in range(3):
        other = make_vehicle(car.account, f"car-{number + 3}", permissions=["read_location"])
        readings.save(other, "location", {"latitude": 37.4292, "longitude": 122.1381})
    LogEntry.objects.all().delete()
    with CaptureQueriesContext(connection) as of_four:
        operator.post(URL)
    assert len(history()) == 4
    assert len(of_four) == len(of_one), of_four.captured_queries


@pytest.mark.parametrize("missing", MAY)
def test_without_one_of_the_permissions_nobody_sees_a_place(staff, car, missing):
    operator = staff(*(name for name in MAY if name != missing))
    page = operator.post(URL)
    assert page.status_code == 403
    assert "37.4" not in page.text
    assert history() == []
    assert "Show where the cars are" not in operator.get(URL).text


def test_a_driver_is_sent_to_the_login(client, anna, car):
    client.force_login(anna)
    assert client.post(URL).url == f"/admin/login/?next={URL}"


def test_another_site_cannot_ask(staff, car):
    operator = staff(*MAY)
    operator.handler.enforce_csrf_checks = True
    assert operator.post(URL).status_code == 403
    assert history() == []


@pytest.mark.parametrize(
    "ending", [{"permissions": []}, {"disconnected_at": "2026-11-20T12:00Z"}], ids=["taken back", "gone"]
)
def test_what_a_driver_shares_no_more_is_not_shown(staff, car, ending):
    ConnectedVehicle.objects.filter(pk=car.pk).update(**ending)
    page = staff(*MAY).post(URL)
    assert "37.4" not in page.text
    assert "There are none." in page.text


def test_a_place_that_smartcar_refused_to_tell_again_is_not_shown(staff, car):
    VehicleSignal.objects.update(status="error", error_type="PERMISSION")
    assert "37.4" not in staff(*MAY).post(URL).text


def test_the_number_of_cars_is_bounded(staff, car, make_vehicle, monkeypatch):
    for number in range(5):
        more = make_vehicle(car.account, f"more-{number}", permissions=["read_location"])
        readings.save(more, "location", {"latitude": 50 + number, "longitude": 1})
    monkeypatch.setattr(fleet, "MAX_LOCATED", 3)
    assert staff(*MAY).post(URL).text.count("openstreetmap.org") == 3
    assert len(history()) == 3


def test_a_map_is_there_only_with_tiles(staff, car, settings):
    operator = staff(*MAY)
    assert "leaflet" not in operator.post(URL).text
    settings.SMARTCAR_MAP_TILES = TILES
    assert "leaflet" not in operator.get(URL).text, "nothing is loaded until somebody asks"
    page = operator.post(URL).text
    assert 'data-smartcar-map="/tiles/{z}/{x}/{y}.png"' in page
    assert 'data-attribution="&lt;b&gt;the makers&lt;/b&gt;"' in page
    assert 'data-smartcar-place="37.42920,122.13810"' in page
    assert "/static/smartcar/leaflet/leaflet.js" in page
