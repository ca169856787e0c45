import json
import re
from datetime import timedelta
from html import unescape
from pathlib import Path

import pytest
import time_machine
from django.contrib.staticfiles import finders
from django.test import Client
from django.utils import timezone, translation
from django.utils.translation import gettext_lazy

from django_smartcar.models import ConnectedVehicle, SmartcarAccount, VehicleCommand
from django_smartcar.services import readings
from django_smartcar.views import vehicles

from ..mock_api import API, IN_MOTION, v2_error

pytestmark = pytest.mark.django_db

LIST = "/cars/"

FORM_PATHS = [f"command/{action}" for action in vehicles.FORM_COMMANDS]


@pytest.fixture
def annas(client, anna):
    client.force_login(anna)
    return client


@pytest.fixture
def berts(bert):
    client = Client()
    client.force_login(bert)
    return client


def page_of(client, vehicle, **options):
    """Return the vehicle's own page."""
    return client.get(f"/cars/{vehicle.pk}/", **options).text


def test_the_owner_sees_the_vehicle_with_the_one_button_that_makes_sense(annas, make_vehicle, account):
    vehicle = make_vehicle(account, permissions=["control_security", "read_security"])
    lock, unlock = (
        f'<form method="post" action="/cars/{vehicle.pk}/lock/">',
        f'href="/cars/{vehicle.pk}/unlock/"',
    )
    page = annas.get(LIST).text
    assert f'<a href="/cars/{vehicle.pk}/">2021 Chevrolet Bolt</a>' in page
    assert (lock in page, unlock in page) == (True, False)
    readings.save(vehicle, "is_locked", True)
    page = annas.get(LIST).text
    assert (lock in page, unlock in page) == (False, True)


def test_the_page_of_the_vehicle_has_all_buttons_which_lead_back_to_it(annas, vehicle, mock_api):
    url = f"/cars/{vehicle.pk}/"
    page = page_of(annas, vehicle)
    for action in ("lock", "refresh"):
        assert f'<form method="post" action="{url}{action}/">' in page
    for action in ("unlock", "disconnect"):
        assert f'href="{url}{action}/?next={url}"' in page
    assert page.count(f'name="next" value="{url}"') >= 2
    mock_api.commands("car-1")
    for action in ("lock", "unlock", "command/start_charge"):
        assert annas.post(f"{url}{action}/", {"next": url})["Location"] == url
    assert f'name="next" value="{url}"' in annas.get(f"{url}unlock/", {"next": url}).text


@pytest.mark.parametrize(
    "elsewhere", ["https://evil.example/", "//evil.example/", "javascript:alert(1)", "x"]
)
def test_a_button_leads_to_no_other_site(annas, vehicle, mock_api, elsewhere):
    mock_api.commands("car-1")
    for action in ("lock", "unlock", "command/start_charge"):
        back = annas.post(f"/cars/{vehicle.pk}/{action}/", {"next": elsewhere})["Location"]
        assert back == f"/cars/#vehicle-{vehicle.pk}"
    for action in ("unlock", "disconnect"):
        assert elsewhere not in re.findall(
            r'(?:href|value)="(.*?)"', annas.get(f"/cars/{vehicle.pk}/{action}/", {"next": elsewhere}).text
        )


def test_unlocking_asks_for_confirmation(annas, vehicle, mock_api):
    page = annas.get(f"/cars/{vehicle.pk}/unlock/")
    assert "Unlock 2021 Chevrolet Bolt?" in page.text
    assert "no-store" in page["Cache-Control"]
    assert annas.put(f"/cars/{vehicle.pk}/unlock/").status_code == 405
    assert not mock_api.mock.calls
    assert not VehicleCommand.objects.exists()


def test_another_user_does_not_see_the_vehicle(berts, vehicle):
    page = berts.get(LIST).text
    assert "Bolt" not in page
    assert "You have not connected a car yet." in page


@pytest.mark.parametrize("action", ["lock", "unlock", *FORM_PATHS, "refresh", "disconnect"])
def test_a_vehicle_of_another_user_is_a_404(berts, vehicle, mock_api, action):
    assert berts.post(f"/cars/{vehicle.pk}/{action}/").status_code == 404
    assert not mock_api.mock.calls
    assert not VehicleCommand.objects.exists()
    assert ConnectedVehicle.objects.get().is_connected


@pytest.mark.parametrize("action", ["lock", "unlock", *FORM_PATHS, "refresh", "disconnect"])
def test_an_anonymous_user_is_redirected_to_the_login(client, vehicle, mock_api, action):
    url = f"/cars/{vehicle.pk}/{action}/"
    assert client.post(url).url == f"/login/?next={url}"
    assert not mock_api.mock.calls


@pytest.mark.parametrize("action", ["lock", *FORM_PATHS, "refresh"])
def test_a_get_changes_nothing(annas, vehicle, mock_api, action):
    response = annas.get(f"/cars/{vehicle.pk}/{action}/", follow=True)
    assert response.redirect_chain == [(LIST, 302)]
    assert "Please press the button again." in response.text
    assert annas.put(f"/cars/{vehicle.pk}/{action}/").status_code == 405
    assert not mock_api.mock.calls


@pytest.mark.parametrize("action", ["lock", "unlock", *FORM_PATHS, "refresh", "disconnect"])
def test_a_post_needs_a_csrf_token(anna, vehicle, mock_api, action):
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(anna)
    assert strict.post(f"/cars/{vehicle.pk}/{action}/").status_code == 403
    assert not mock_api.mock.calls


@pytest.mark.parametrize(("action", "word"), [("lock", "locked"), ("unlock", "unlocked")])
def test_the_owner_locks_and_unlocks(annas, anna, vehicle, mock_api, action, word):
    mock_api.commands("car-1")
    page = annas.post(f"/cars/{vehicle.pk}/{action}/", follow=True).text
    assert f"{word.capitalize()} just now." in page
    row = VehicleCommand.objects.get()
    assert (row.action, row.status, row.actor) == (action, "succeeded", anna)


def test_a_failed_command_shows_a_plain_message(annas, vehicle, mock_api):
    mock_api.commands("car-1", IN_MOTION, status=409)
    page = annas.post(f"/cars/{vehicle.pk}/lock/", follow=True).text
    assert "The car is moving. Try again once it has stopped." in page
    assert "Could not lock: The car is moving." in page
    assert "IN_MOTION" not in page


def test_refresh_reads_the_permitted_readings(annas, vehicle, mock_api):
    place = {"latitude": 37.4292, "longitude": 122.1381}
    mock_api.batch("car-1", {"odometer": {"distance": 104.32}, "location": place})
    page = annas.post(f"/cars/{vehicle.pk}/refresh/", {"next": f"/cars/{vehicle.pk}/"}, follow=True).text
    assert "Read just now." in page
    assert "104.3\xa0km" in page
    assert "37.4292, 122.1381" in page


def test_disconnecting_asks_for_confirmation(annas, vehicle, mock_api):
    page = annas.get(f"/cars/{vehicle.pk}/disconnect/")
    assert "Disconnect 2021 Chevrolet Bolt?" in page.text
    assert ConnectedVehicle.objects.get().is_connected


def test_a_disconnected_vehicle_is_not_listed(annas, vehicle, mock_api):
    mock_api.disconnects("car-1")
    page = annas.post(f"/cars/{vehicle.pk}/disconnect/", follow=True).text
    assert "Disconnected just now." in page
    assert not re.search(r"/cars/\d+/", page), "it has no buttons"
    with time_machine.travel(timezone.now() + timedelta(minutes=6)):
        assert "You have not connected a car yet." in annas.get(LIST).text
    assert annas.post(f"/cars/{vehicle.pk}/lock/").status_code == 404


def test_a_vehicle_without_the_permission_has_no_lock_button(annas, make_vehicle, account):
    vehicle = make_vehicle(account, permissions=["read_odometer"])
    for page in (annas.get(LIST).text, page_of(annas, vehicle)):
        assert f"/cars/{vehicle.pk}/lock/" not in page
        assert f"/cars/{vehicle.pk}/unlock/" not in page
        assert f"/cars/{vehicle.pk}/refresh/" in page
        assert "Nothing has been read from this car yet." in page
    assert "Shared with this site: odometer." in page
    assert "Not shared with this site: make and model, VIN, location, locking." in page
    share = re.search(r'<form method="post" action="/cars/connect/".*?>Share more<', page, re.DOTALL)[0]
    assert f'name="next" value="/cars/{vehicle.pk}/"' in share
    assert 'name="make" value="CHEVROLET"' in share


def test_a_lost_connection_has_a_button_to_connect_again(annas, vehicle, mock_api):
    SmartcarAccount.objects.update(reconnect_required_at=timezone.now())
    page = annas.get(LIST).text
    assert "The connection to this car has ended." in page
    assert 'name="make" value="CHEVROLET"' in page
    assert f"/cars/{vehicle.pk}/lock/" not in page


def test_undecryptable_tokens_break_no_page_and_buttons_show_an_error(annas, vehicle, mock_api, lose_key):
    lose_key()
    assert "2021 Chevrolet Bolt" in annas.get(LIST).text
    for action in ("lock", "refresh", "disconnect"):
        page = annas.post(f"/cars/{vehicle.pk}/{action}/", follow=True).text
        assert "Something went wrong between this site and the car." in page
    assert set(VehicleCommand.objects.values_list("error_type", flat=True)) == {"DecryptionError"}
    assert not mock_api.mock.calls


def test_the_page_shows_no_secret_and_is_not_cached(annas, make_vehicle, account):
    make_vehicle(account, vin="0SCAUDI037A5ADB1C")
    response = annas.get(LIST)
    for secret in ("access-0", "refresh-0", "0SCAUDI037A5ADB1C"):
        assert secret not in response.text
    assert "no-store" in response["Cache-Control"]


def test_the_number_of_queries_does_not_depend_on_the_number_of_vehicles(
    annas, make_vehicle, account, django_assert_max_num_queries
):
    for number in range(10):
        vehicle = make_vehicle(account, f"car-{number}")
        readings.save(vehicle, "odometer", 100 + number, "km")
    with django_assert_max_num_queries(7):
        annas.get(LIST)


@pytest.fixture
def fleet(account):
    """500 cars of Anna, the first ones with readings."""
    cars = [
        ConnectedVehicle(
            account=account,
            smartcar_vehicle_id=f"car-{number}",
            model=f"No. {number:03}",
            year=2020,
            connected_at=timezone.now() - timedelta(days=1),
        )
        for number in range(500)
    ]
    cars = ConnectedVehicle.objects.bulk_create(cars)
    for car in cars[:30]:
        readings.save(car, "odometer", 104500 + car.pk, "km")
    return cars


def shown(page):
    return [int(number) for number in re.findall(r"<h2[^>]*><a[^>]*>2020 No\. (\d+)</a></h2>", page)]


def test_500_cars_come_in_pages_of_twenty(annas, fleet):
    page = annas.get(LIST).text
    assert shown(page) == list(range(20))
    assert '<a href="?page=2" rel="next">Next</a>' in page
    assert '<a href="?page=25">25</a>' in page
    assert 'rel="prev"' not in page
    page = annas.get(LIST, {"page": 25}).text
    assert shown(page) == list(range(480, 500))
    assert '<a href="?page=24" rel="prev">Previous</a>' in page
    assert '<a href="?page=25" aria-current="page">25</a>' in page
    assert 'rel="next"' not in page


@pytest.mark.parametrize(("number", "first"), [("0", 480), ("26", 480), ("x", 0), ("", 0), ("-1", 480)])
def test_a_page_that_does_not_exist_shows_the_first_or_the_last(annas, fleet, number, first):
    assert shown(annas.get(LIST, {"page": number}).text)[0] == first


def test_a_few_cars_have_no_page_links(annas, vehicle):
    page = annas.get(LIST).text
    assert "smartcar-pages" not in page
    assert 'href="?page=' not in page


def test_the_links_between_pages_are_translated(annas, fleet):
    page = annas.get(LIST, {"page": 2}, headers={"accept-language": "de"}).text
    assert ">Zurück</a>" in page
    assert ">Weiter</a>" in page
    assert 'aria-label="Seiten mit Autos"' in page


def test_a_button_returns_to_its_car(annas, fleet, mock_api):
    car = fleet[20]
    url = f"/cars/?page=2#vehicle-{car.pk}"
    assert f'<h2 id="vehicle-{car.pk}">' in annas.get(url).text
    for action in ("refresh", "lock", "disconnect", "command/start_charge"):
        assert annas.post(f"/cars/{car.pk}/{action}/")["Location"] == url
    assert f'href="{url}"' in annas.get(f"/cars/{car.pk}/disconnect/").text
    assert annas.post(f"/cars/{fleet[19].pk}/lock/")["Location"] == f"/cars/#vehicle-{fleet[19].pk}"


def test_500_cars_take_as_many_statements_as_one(annas, fleet, django_assert_num_queries):
    ConnectedVehicle.objects.exclude(pk=fleet[0].pk).update(disconnected_at=timezone.now())
    for number in (1, 500):
        # Session, user, number of cars, cars, commands, refused commands and signals.
        with django_assert_num_queries(7):
            page = annas.get(LIST).text
        assert len(shown(page)) == min(number, 20)
        ConnectedVehicle.objects.update(disconnected_at=None)


def test_cars_with_commands_in_flight_take_at_most_10_statements(annas, fleet, django_assert_max_num_queries):
    for car in fleet[:20]:
        VehicleCommand.objects.create(vehicle=car, action="lock", status="pending", sent_at=timezone.now())
    with django_assert_max_num_queries(10):
        page = annas.get(LIST).text
    assert page.count("data-smartcar-follow=") == 20


def test_five_cars_weigh_at_most_60_kb(annas, make_vehicle, account):
    """The page with its stylesheet, script and symbols, as they are sent without compression."""
    values = {"battery_level": (0.68, "fraction"), "battery_range": (171.4, "km"), "is_locked": (True, "")}
    for number in range(5):
        permissions = ["read_battery", "read_security", "control_security"]
        vehicle = make_vehicle(account, f"car-{number}", permissions=permissions)
        for name, value in values.items():
            readings.save(vehicle, name, *value)
    page = annas.get(LIST).text
    assert page.count("<strong>68&nbsp;%</strong>") == 5
    files = set(re.findall(r"/static/(smartcar/[\w.]+)", page))
    assert files == {"smartcar/smartcar.css", "smartcar/follow.js", "smartcar/icons.svg"}
    weight = len(page.encode()) + sum(Path(finders.find(name)).stat().st_size for name in files)
    assert weight <= 60_000


@pytest.fixture
def controllable(make_vehicle, account):
    return make_vehicle(account, permissions=["control_charge", "control_navigation"])


@pytest.mark.parametrize(
    ("action", "form", "path", "sent"),
    [
        ("start_charge", {}, "charge", {"action": "START"}),
        ("stop_charge", {}, "charge", {"action": "STOP"}),
        ("set_charge_limit", {"limit": "80"}, "charge/limit", {"limit": 0.8}),
        (
            "send_destination",
            {"latitude": "48.1", "longitude": "11.5"},
            "navigation/destination",
            {"latitude": 48.1, "longitude": 11.5},
        ),
    ],
)
def test_the_owner_charges_and_sends_a_destination(annas, controllable, mock_api, action, form, path, sent):
    mock_api.mock.add("POST", f"{API}/vehicles/car-1/{path}", json={"status": "success"})
    assert f'action="/cars/{controllable.pk}/command/{action}/"' in page_of(annas, controllable)
    page = annas.post(f"/cars/{controllable.pk}/command/{action}/", form, follow=True).text
    assert re.search(r"(Charging|Charge limit|Destination) (started|stopped|set|sent) just now\.", page)
    (request,) = mock_api.sent("POST", f"/{path}")
    assert json.loads(request.body) == sent
    assert VehicleCommand.objects.get().status == "succeeded"


@pytest.mark.parametrize("limit", ["", "much", "49", "nan"])
def test_an_invalid_limit_shows_an_error(annas, controllable, mock_api, limit):
    page = annas.post(
        f"/cars/{controllable.pk}/command/set_charge_limit/", {"limit": limit}, follow=True
    ).text
    assert "A charge limit is from 50 to 100 %" in page or "Please fill in numbers." in page
    assert not mock_api.mock.calls


@pytest.fixture
def parked(make_vehicle, account):
    """Anna's car, of API v3, which has told where it is."""
    SmartcarAccount.objects.update(api_version="3")
    vehicle = make_vehicle(account, permissions=["control_charge", "read_location"])
    readings.save(vehicle, "location", {"latitude": 48.1, "longitude": 11.5})
    return vehicle


@pytest.fixture
def queued_only(settings):
    settings.SMARTCAR_COMMAND_EXECUTION = "command"


NIGHT = {"start": "22:00", "stop": "06:30"}


def test_the_owner_sets_charging_times_for_the_place_of_the_car(annas, parked, queued_only):
    url = f"/cars/{parked.pk}/command/set_daily_charge_schedule/"
    page = page_of(annas, parked)
    assert page.count(f'action="{url}"') == 1
    assert 'type="time" name="start" required' in page
    annas.post(url, NIGHT)
    command = VehicleCommand.objects.get()
    assert (command.action, command.status) == ("set_daily_charge_schedule", "queued")
    assert command.parameters == {"window": NIGHT}
    assert json.loads(command.location) == {"latitude": 48.1, "longitude": 11.5}
    assert "Waiting to set the charging times…" in page_of(annas, parked)


@pytest.mark.parametrize("form", [{}, {"start": "22:00"}, NIGHT | {"stop": "25:00"}, NIGHT | {"stop": "x"}])
def test_invalid_charging_times_show_an_error(annas, parked, queued_only, form):
    url = f"/cars/{parked.pk}/command/set_daily_charge_schedule/"
    assert "Please fill in times, such as 22:00." in annas.post(url, form, follow=True).text
    assert not VehicleCommand.objects.exists()


@pytest.mark.parametrize("permissions", [["control_charge"], ["control_charge", "read_location"]])
def test_charging_times_need_the_place_of_the_car(annas, parked, queued_only, permissions):
    ConnectedVehicle.objects.update(permissions=permissions)
    if "read_location" in permissions:
        parked.signal_states.all().delete()
    url = f"/cars/{parked.pk}/command/set_daily_charge_schedule/"
    assert url not in page_of(annas, parked)
    assert "This site does not know where the car is." in annas.post(url, NIGHT, follow=True).text
    assert not VehicleCommand.objects.exists()


def test_an_unknown_command_is_a_404(annas, controllable, mock_api):
    assert annas.post(f"/cars/{controllable.pk}/command/delete_charge_schedule/").status_code == 404


def test_commands_without_permission_or_support_have_no_button(annas, controllable, lock_only_vehicle):
    assert "/command/" not in page_of(annas, lock_only_vehicle)
    page = page_of(annas, controllable)
    assert f"/cars/{controllable.pk}/command/start_charge/" in page
    assert "open_charge_port" not in page
    SmartcarAccount.objects.update(api_version="3")
    assert f"/cars/{controllable.pk}/command/open_charge_port/" in page_of(annas, controllable)


def test_what_the_car_cannot_do_is_not_offered(annas, controllable):
    refused = {"vehicle": controllable, "status": "failed", "error_type": "COMPATIBILITY"}
    VehicleCommand.objects.create(action="stop_charge", error_code="VEHICLE_NOT_CAPABLE", **refused)
    VehicleCommand.objects.create(action="start_charge", error_code="PLATFORM_NOT_CAPABLE", **refused)
    page = page_of(annas, controllable)
    assert "/command/stop_charge/" not in page
    assert "/command/start_charge/" in page
    with time_machine.travel(timezone.now() + timedelta(days=2)):
        assert "/command/stop_charge/" in page_of(annas, controllable)


def test_the_limit_of_the_charge_is_filled_in(annas, make_vehicle, account):
    vehicle = make_vehicle(account, permissions=["control_charge", "read_charge"])
    assert 'step="1" required>' in page_of(annas, vehicle)
    readings.save(vehicle, "charge_limit", 0.8, "fraction")
    assert 'step="1" required value="80">' in page_of(annas, vehicle)


def test_the_place_is_linked_to_a_map(annas, make_vehicle, account):
    vehicle = make_vehicle(account, permissions=["read_location"])
    readings.save(vehicle, "location", {"latitude": 37.4292, "longitude": -122.1381})
    page = page_of(annas, vehicle, headers={"accept-language": "de"})
    url = "https://www.openstreetmap.org/?mlat=37.42920&amp;mlon=-122.13810#map=16/37.42920/-122.13810"
    place = 'data-smartcar-place="37.42920,-122.13810"'
    assert f'<a href="{url}" rel="noreferrer" {place}>' in page
    assert "openstreetmap" not in annas.get(LIST).text
    ConnectedVehicle.objects.update(permissions=[])
    assert "openstreetmap" not in page_of(annas, vehicle)


@pytest.fixture
def lock_only_vehicle(make_vehicle, account):
    return make_vehicle(account, "car-2", permissions=["control_security"])


def test_a_button_that_is_pressed_twice_sends_one_command(annas, vehicle, mock_api):
    mock_api.commands("car-1")
    annas.post(f"/cars/{vehicle.pk}/lock/")
    page = annas.post(f"/cars/{vehicle.pk}/lock/", follow=True).text
    assert "You have asked for this a moment ago." in page
    assert len(mock_api.sent("POST", "/security")) == 1


READINGS = {
    "odometer": (104.32, "km"),
    "battery_level": (0.68, "fraction"),
    "battery_range": (171.4, "km"),
    "charge_state": ("NOT_CHARGING", ""),
    "is_plugged_in": (True, ""),
    "charge_limit": (0.8, "fraction"),
    "is_locked": (False, ""),
    "doors": ([{"row": 0, "column": 0, "isOpen": True}], ""),
    "windows": ([{"row": 0, "column": 0, "isOpen": False}], ""),
    "tires": (
        [
            {"row": 0, "column": 0, "tirePressure": 230},
            {"row": 0, "column": 1, "tirePressure": 229.6},
            {"row": 1, "column": 0, "tirePressure": 220},
        ],
        "kPa",
    ),
    "oil_life": (0.54, "fraction"),
    "location": ({"latitude": 37.4292, "longitude": 122.1381}, ""),
}
READ = [
    "read_odometer",
    "read_battery",
    "read_charge",
    "read_security",
    "read_tires",
    "read_engine_oil",
    "read_location",
]


def lines_of(page):
    pairs = re.findall(r"<dt><svg.*?</svg> (.*?)</dt>\s*<dd><bdi>(.*?)</bdi> <small>(.*?)</small>", page)
    return {unescape(name): unescape(text).replace("\xa0", " ") for name, text, _ in pairs}


@pytest.mark.parametrize(
    ("language", "units", "shown"),
    [
        (
            "en",
            "metric",
            {
                "Odometer": "104.3 km",
                "Battery": "68 %, range 171 km",
                "Charging": "plugged in, not charging, limit 80 %",
                "Door lock": "unlocked",
                "Doors and windows": "open: doors",
                "Tires": "front 230 / 230 kPa, back 220 kPa",
                "Engine oil": "54 % left",
                "Location": "37.4292, 122.1381",
            },
        ),
        (
            "de",
            "imperial",
            {
                "Kilometerstand": "64,8 mi",
                "Batterie": "68 %, Reichweite 107 mi",
                "Laden": "eingesteckt, lädt nicht, Grenze 80 %",
                gettext_lazy("Door lock"): "entriegelt",
                gettext_lazy("Doors and windows"): "offen: Türen",
                "Reifen": "vorn 33 / 33 psi, hinten 32 psi",
                "Motoröl": "noch 54 %",
                "Ort": "37.4292, 122.1381",
            },
        ),
    ],
)
def test_readings_are_shown_in_the_units_of_the_vehicle(annas, make_vehicle, account, language, units, shown):
    vehicle = make_vehicle(account, permissions=READ, unit_system=units)
    for kind, (value, unit) in READINGS.items():
        readings.save(vehicle, kind, value, unit)
    page = page_of(annas, vehicle, headers={"accept-language": language})
    with translation.override(language):
        assert lines_of(page) == {str(label): text for label, text in shown.items()}


@pytest.mark.parametrize(
    ("language", "units", "shown"),
    [
        (
            "en",
            "metric",
            {
                "Charging": "charging, 7.2 kW, 45 min left",
                "Temperature": "outside -5 °C, inside 21 °C",
                "Trouble codes": "P0420, P0301",
            },
        ),
        (
            "de",
            "imperial",
            {
                "Laden": "lädt, 7,2 kW, noch 45 min",
                "Temperatur": "außen 23 °F, innen 70 °F",
                "Fehlercodes": "P0420, P0301",
            },
        ),
    ],
)
def test_further_signals_are_shown(annas, make_vehicle, account, language, units, shown):
    granted = ["read_charge", "read_thermometer", "read_diagnostics"]
    vehicle = make_vehicle(account, permissions=granted, unit_system=units)
    for name, value, unit in (
        ("is_charging", True, ""),
        ("charge_power", 7200, "W"),
        ("charge_time_left", 45, "min"),
        ("outside_temperature", -5, "C"),
        ("inside_temperature", 21.2, "C"),
        ("trouble_codes", [{"code": "P0420", "timestamp": None}, {"code": "P0301", "timestamp": None}], ""),
    ):
        readings.save(vehicle, name, value, unit)
    page = page_of(annas, vehicle, headers={"accept-language": language})
    with translation.override(language):
        assert lines_of(page) == {str(label): text for label, text in shown.items()}
    ConnectedVehicle.objects.update(permissions=[])
    assert lines_of(page_of(annas, vehicle)) == {}


def test_no_power_and_no_time_left_are_not_shown_of_a_car_that_has_just_begun_to_charge(
    annas, make_vehicle, account
):
    vehicle = make_vehicle(account, permissions=["read_charge"])
    readings.save(vehicle, "is_charging", True)
    readings.save(vehicle, "charge_power", 0, "W")
    readings.save(vehicle, "charge_time_left", 0, "min")
    assert lines_of(page_of(annas, vehicle)) == {"Charging": "charging"}


def test_charging_power_is_not_shown_of_a_car_that_does_not_charge(annas, make_vehicle, account):
    vehicle = make_vehicle(account, permissions=["read_charge"])
    readings.save(vehicle, "charge_state", "NOT_CHARGING")
    readings.save(vehicle, "charge_power", 7200, "W")
    assert lines_of(page_of(annas, vehicle)) == {"Charging": "not charging"}


def test_a_value_stays_on_the_page_with_its_time_after_a_failure(annas, make_vehicle, account, mock_api):
    vehicle = make_vehicle(account, permissions=["read_odometer"])
    readings.save(vehicle, "odometer", 104.32, "km")
    mock_api.batch("car-1", {"odometer": (501, v2_error(501, "COMPATIBILITY", "VEHICLE_NOT_CAPABLE"))})
    annas.post(f"/cars/{vehicle.pk}/refresh/")
    assert vehicle.signals["odometer"].status == "not_capable"
    assert lines_of(page_of(annas, vehicle)) == {"Odometer": "104.3 km"}


def test_readings_without_permission_are_not_shown(annas, make_vehicle, account):
    vehicle = make_vehicle(account, permissions=["read_odometer"])
    for kind in ("odometer", "location"):
        readings.save(vehicle, kind, *READINGS[kind])
    assert lines_of(page_of(annas, vehicle)) == {"Odometer": "104.3 km"}
