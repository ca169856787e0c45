"""The map and the search for a destination on a car's page."""

import logging

import pytest
from django.contrib.staticfiles import finders
from django.contrib.staticfiles.storage import ManifestStaticFilesStorage

from django_smartcar.models import VehicleCommand
from django_smartcar.secret_types import Secret
from django_smartcar.services import places, readings

pytestmark = pytest.mark.django_db

TILES = {"url": "/tiles/{z}/{x}/{y}.png", "attribution": "the makers"}
ADDRESS = "Marienplatz 1"


def geocode(address):
    """Find one address. The others fail in all ways."""
    found = {
        ADDRESS: (48.13713, 11.57541, "<i>Marienplatz</i>, Munich"),
        "nowhere": None,
        "beyond the world": (91, 0, "?"),
        "nonsense": "nonsense",
    }
    return found[address]


@pytest.fixture
def car(make_vehicle, account, settings):
    settings.SMARTCAR_GEOCODER = f"{__name__}.geocode"
    settings.SMARTCAR_COMMAND_EXECUTION = "command"
    vehicle = make_vehicle(account, permissions=["control_navigation", "read_location"])
    readings.save(vehicle, "location", {"latitude": 37.4292, "longitude": -122.1381})
    return vehicle


@pytest.fixture
def annas(client, anna):
    client.force_login(anna)
    return client


@pytest.fixture
def berts(client_class, bert):
    client = client_class()
    client.force_login(bert)
    return client


@pytest.fixture
def client_class(client):
    return type(client)


def search(client, car, address=ADDRESS, **options):
    return client.post(f"/cars/{car.pk}/destination/", {"address": address}, **options)


def test_nothing_of_a_map_is_loaded_without_tiles(annas, car, settings):
    settings.SMARTCAR_GEOCODER = ""
    page = annas.get(f"/cars/{car.pk}/").text
    assert "leaflet" not in page
    assert 'name="address"' not in page
    assert "<details open>" in page, "the coordinates are all that there is"
    assert "openstreetmap.org/?mlat=37.42920" in page


def test_with_tiles_the_page_has_two_maps_and_still_the_link(annas, car, settings):
    settings.SMARTCAR_MAP_TILES = TILES
    page = annas.get(f"/cars/{car.pk}/").text
    assert page.count('data-smartcar-map="/tiles/{z}/{x}/{y}.png"') == 2
    assert page.count("leaflet/leaflet.js") == 1
    assert "openstreetmap.org/?mlat=37.42920" in page
    assert "leaflet" not in annas.get("/cars/").text


def test_a_place_that_is_not_shared_has_no_map(annas, car, settings):
    settings.SMARTCAR_MAP_TILES = TILES
    car.permissions = ["read_odometer"]
    car.save()
    page = annas.get(f"/cars/{car.pk}/").text
    assert "37.42" not in page
    assert "smartcar-map" not in page.replace("smartcar/map", "")


def test_an_address_is_confirmed_before_it_is_sent(annas, car):
    page = search(annas, car)
    assert "&lt;i&gt;Marienplatz&lt;/i&gt;, Munich" in page.text
    assert 'name="latitude" value="48.13713"' in page.text
    assert 'name="longitude" value="11.57541"' in page.text
    assert "no-store" in page["Cache-Control"]
    assert "leaflet" not in page.text
    assert VehicleCommand.objects.count() == 0, "nothing is sent yet"
    form = {"latitude": "48.13713", "longitude": "11.57541"}
    annas.post(f"/cars/{car.pk}/command/send_destination/", form)
    assert VehicleCommand.objects.get().action == "send_destination"


@pytest.mark.parametrize(
    ("address", "text"),
    [
        ("nowhere", "No such place was found."),
        ("beyond the world", "The search does not work now."),
        ("nonsense", "The search does not work now."),
        ("another", "The search does not work now."),
    ],
)
def test_a_search_that_finds_nothing_says_so(annas, car, address, text, caplog):
    caplog.set_level(logging.DEBUG)
    page = search(annas, car, address, follow=True)
    assert page.redirect_chain == [(f"/cars/{car.pk}/", 302)]
    assert text in page.text
    assert address not in caplog.text
    assert address not in page.text


def test_only_the_driver_of_the_car_can_search(annas, berts, client_class, car, settings):
    assert search(berts, car).status_code == 404
    assert search(client_class(), car).url == f"/login/?next=/cars/{car.pk}/destination/"
    assert search(client_class(enforce_csrf_checks=True), car).status_code in (302, 403)
    assert annas.get(f"/cars/{car.pk}/destination/").url == "/cars/"
    car.permissions = ["read_location"]
    car.save()
    assert search(annas, car).status_code == 404
    car.permissions = ["control_navigation"]
    car.save()
    settings.SMARTCAR_GEOCODER = ""
    assert search(annas, car).status_code == 404


def test_the_search_needs_the_token_of_a_form(client_class, anna, car):
    client = client_class(enforce_csrf_checks=True)
    client.force_login(anna)
    assert search(client, car).status_code == 403


def test_searches_are_limited_for_each_user(annas, car, settings):
    settings.SMARTCAR_USER_LIMITS = {"address": "2/h"}
    for _ in range(2):
        assert search(annas, car).status_code == 200
    assert "too often" in search(annas, car, follow=True).text


def test_a_place_shows_a_placeholder():
    place = places.place_of(48.13713, 11.57541, "Munich")
    assert not {"48.13713", "11.57541", "Munich"} & {*f"{place} {place!r}".replace("'", " ").split()}
    assert place.coordinates.reveal() == "48.13713,11.57541"
    assert isinstance(place.map_url, Secret)


def test_the_files_of_leaflet_keep_their_names_under_a_manifest(tmp_path):
    """``collectstatic`` replaces each file that a style sheet or a script names by one with a digest."""
    storage = ManifestStaticFilesStorage(location=tmp_path, base_url="/static/")
    names = ["leaflet.js", "leaflet.css", *(f"images/{name}.png" for name in IMAGES)]
    paths = {f"smartcar/leaflet/{name}": finders.find(f"smartcar/leaflet/{name}") for name in names}
    for name, path in paths.items():
        with open(path, "rb") as file:
            storage.save(name, file)
    processed = {name: done for name, _, done in storage.post_process({n: (storage, n) for n in paths})}
    assert not [done for done in processed.values() if isinstance(done, Exception)]
    assert set(processed) == set(paths)


IMAGES = ("layers", "layers-2x", "marker-icon")
