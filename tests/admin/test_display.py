"""What lists show: values with units, states in words with a color, links between the rows."""

import html
import re
from datetime import UTC, datetime, timedelta

import django
import pytest
from django.utils import timezone

from django_smartcar.admin import display, linking
from django_smartcar.models import (
    ConnectedVehicle,
    SmartcarAccount,
    VehicleCommand,
    VehicleProblem,
    VehicleSignal,
    WebhookEndpoint,
    WebhookEvent,
    time_as_written,
)
from django_smartcar.services import fleet, readings

pytestmark = pytest.mark.django_db

ADMIN = "/admin/smartcar/"
CARS = f"{ADMIN}connectedvehicle/"


@pytest.fixture
def vehicle(account, make_vehicle):
    return make_vehicle(account, permissions=["read_battery", "read_odometer", "read_security"])


def cells(page, name):
    """Return the text of a column, without tags, and with plain spaces."""
    found = re.findall(rf'<t[dh] class="(?:nowrap )?field-{name}(?: nowrap)?">(.*?)</t[dh]>', page, re.DOTALL)
    return [re.sub(r"<.*?>", "", cell).replace("\xa0", " ").strip() for cell in found]


VALUES = [
    ("battery_level", 0.684, "fraction", "68 %", "68 %"),
    ("odometer", 12345.6, "km", "12,345.6 km", "7,671.2 mi"),
    ("charge_power", 11000, "W", "11 kW", "11 kW"),
    ("outside_temperature", 20, "C", "20 °C", "68 °F"),
    ("charge_time_left", 90, "minutes", "90 min", "90 min"),
    ("trouble_code_count", 2, "", "2", "2"),
    ("is_locked", True, "", "locked", "locked"),
    ("is_locked", False, "", "unlocked", "unlocked"),
    ("is_charging", False, "", "not charging", "not charging"),
    ("is_climate_on", True, "", "yes", "yes"),
    ("charge_state", "NOT_CHARGING", "", "not charging", "not charging"),
    ("firmware_version", "2026.8.9", "", "2026.8.9", "2026.8.9"),
    (
        "charge_limit",
        {"values": [{"type": "GLOBAL", "limit": 0.8}]},
        "fraction",
        "limit: 80 %",
        "limit: 80 %",
    ),
    ("charge_limit", {"activeLimit": 0.8}, "fraction", "active limit: 80 %", "active limit: 80 %"),
    ("doors", {"values": [{"row": 0, "column": 0, "isOpen": False}] * 4}, "", "closed", "closed"),
    (
        "doors",
        {"values": [{"row": 0, "column": 0, "isOpen": True}, {"row": 0, "column": 1, "isOpen": False}]},
        "",
        "1 of 2 open",
        "1 of 2 open",
    ),
    (
        "tires",
        {"values": [{"row": 0, "column": 0, "tirePressure": 250}]},
        "kPa",
        "250 kPa",
        "36.26 psi",
    ),
    ("abs_status", {"status": "OK"}, "", "status: ok", "status: ok"),
    (
        "battery_capacity",
        {"capacity": 84, "description": None},
        "kWh",
        "capacity: 84 kWh",
        "capacity: 84 kWh",
    ),
    ("battery_level", None, "fraction", "–", "–"),
]


@pytest.mark.parametrize(("name", "stored", "unit", "metric", "imperial"), VALUES)
def test_a_value_is_shown_with_its_unit(name, stored, unit, metric, imperial):
    row = VehicleSignal(signal=name, value=stored, unit=unit)
    shown = [display.value(row, system).replace("\xa0", " ") for system in ("metric", "imperial")]
    assert shown == [metric, imperial]


@pytest.mark.parametrize("stored", ["Anna's home", {"street": "Home 1"}, ["Home 1"], True, 48.1372])
def test_a_value_that_is_not_known_to_be_harmless_is_described(stored):
    shown = display.value(VehicleSignal(signal="made-up_signal", value=stored), "metric")
    assert shown.startswith("<")
    assert "Home" not in shown
    assert "48" not in shown


@pytest.mark.parametrize(
    ("stored", "unit", "expected"), [("Anna", "km", "<text, 4 characters>"), (7, "W", "7")]
)
def test_a_value_that_the_catalogue_does_not_have_spoils_no_list(
    admin_client, vehicle, stored, unit, expected
):
    readings.save(vehicle, "odometer", 1, "km")
    VehicleSignal.objects.update(value=stored, unit=unit)
    assert cells(admin_client.get(f"{ADMIN}vehiclesignal/").text, "shown_value") == [html.escape(expected)]


@pytest.mark.parametrize("name", ["vehiclesignal", "vehiclereading"])
def test_lists_of_signals_have_values_in_the_units_of_the_car(admin_client, vehicle, name):
    ConnectedVehicle.objects.update(unit_system="imperial")
    readings.save(vehicle, "odometer", 1000, "km")
    readings.save(vehicle, "is_locked", True)
    page = admin_client.get(f"{ADMIN}{name}/").text
    assert sorted(cells(page, "shown_value")) == ["621.37 mi", "locked"]
    assert f'<a href="{CARS}{vehicle.pk}/change/">2021 Chevrolet Bolt</a>' in page


class TestHealth:
    @pytest.mark.parametrize(
        ("columns", "account_columns", "expected"),
        [
            ({"last_seen_at": 0}, {}, "ok"),
            ({"last_seen_at": 2}, {}, "stale"),
            ({}, {}, "stale"),
            ({"last_seen_at": 0, "reauthentication_required_at": 1}, {}, "needs a login"),
            ({"reauthentication_required_at": 1}, {"reconnect_required_at": 0}, "needs reconnecting"),
            ({"disconnected_at": 0}, {"reconnect_required_at": 0}, "disconnected"),
        ],
    )
    def test_the_most_important_state_is_shown(
        self, admin_client, vehicle, columns, account_columns, expected
    ):
        def times(days):
            return {name: timezone.now() - timedelta(days=number) for name, number in days.items()}

        ConnectedVehicle.objects.update(**times(columns))
        SmartcarAccount.objects.update(**times(account_columns))
        assert cells(admin_client.get(CARS).text, "condition")[0].startswith(expected)

    def test_it_is_that_of_the_dashboards_lists(self, vehicle):
        now = timezone.now()
        states = {
            fleet.fresh: {"last_seen_at": now},
            fleet.stale: {"last_seen_at": now - timedelta(days=2)},
            fleet.needs_login: {"reauthentication_required_at": now},
            fleet.disconnected: {"disconnected_at": now},
        }
        found = []
        for rows, columns in states.items():
            ConnectedVehicle.objects.update(**columns)
            found.append(fleet.health_of(rows().select_related("account").get()))
        assert found == ["ok", "stale", "needs-login", "disconnected"]


class TestListOfCars:
    def test_battery_and_lock_are_columns(self, admin_client, vehicle):
        readings.save(vehicle, "battery_level", 0.12, "fraction")
        readings.save(vehicle, "is_locked", False)
        page = admin_client.get(CARS).text
        assert cells(page, "battery") == ["12 %"]
        assert cells(page, "lock_state") == ["unlocked"]
        assert re.search(r'field-battery"><span class="smartcar-pill bad">', page), "low"
        assert cells(page, "condition") == ["okjust now"]

    @pytest.mark.parametrize(
        "ending", [{"permissions": []}, {"disconnected_at": "2026-11-20T12:00Z"}], ids=["permission", "car"]
    )
    def test_what_the_driver_shares_no_more_is_not_shown(self, admin_client, vehicle, ending):
        readings.save(vehicle, "battery_level", 0.12, "fraction")
        readings.save(vehicle, "is_locked", False)
        ConnectedVehicle.objects.update(**ending)
        page = admin_client.get(CARS).text
        assert cells(page, "battery") == cells(page, "lock_state") == ["–"]

    def test_permissions_have_their_names_beside_smartcar_s_codes(self, admin_client, vehicle):
        ConnectedVehicle.objects.update(permissions=["made_up", "control_security"])
        page = admin_client.get(f"{CARS}{vehicle.pk}/change/").text
        assert "locking <code>control_security</code><br>made up <code>made_up</code>" in page

    def test_a_car_can_be_filtered_by_its_make_as_it_is_spelled(self, admin_client, vehicle, make_vehicle):
        make_vehicle(vehicle.account, "car-2", make="LAND_ROVER", model="Defender")
        page = admin_client.get(CARS, {"make": "LAND_ROVER"}).text
        assert re.search(r'<a href="\?make=LAND_ROVER"[^>]*>\s*Land Rover</a>', page)
        assert cells(page, "name") == ["2021 Land Rover Defender"]

    @pytest.mark.parametrize(("hours", "expected"), [(1, "1 hour ago"), (50, "2 days ago")])
    def test_the_age_of_the_newest_value(self, admin_client, vehicle, hours, expected):
        ConnectedVehicle.objects.update(last_seen_at=timezone.now() - timedelta(hours=hours))
        assert cells(admin_client.get(CARS).text, "condition")[0].endswith(expected)

    def test_never_seen(self, admin_client, vehicle):
        ConnectedVehicle.objects.update(last_seen_at=None)
        assert cells(admin_client.get(CARS).text, "condition")[0].endswith("never")


def test_an_account_has_the_name_of_its_user_and_brand(admin_client, vehicle):
    page = admin_client.get(f"{ADMIN}smartcaraccount/").text
    assert cells(page, "name") == ["anna (Chevrolet)"]


def test_commands_are_told_in_words(admin_client, vehicle, bert):
    VehicleCommand.objects.create(
        vehicle=vehicle, action="start_charge", status="failed", actor=bert, idempotency_key="1",
        error_type="VEHICLE_STATE", error_code="ASLEEP",
    )  # fmt: skip
    page = admin_client.get(f"{ADMIN}vehiclecommand/").text
    assert cells(page, "what") == ["Start charging"]
    assert cells(page, "result")[0].startswith("failed")
    assert "(VEHICLE_STATE:ASLEEP)" in cells(page, "result")[0]
    assert f'<a href="{CARS}{vehicle.pk}/change/">' in page
    assert '<span class="smartcar-pill bad">' in page


def test_an_event_links_to_its_car(admin_client, vehicle):
    WebhookEvent.objects.create(
        event_id="e", payload="{}", size=2, key_position=1, kind="VEHICLE_STATE", state="processed",
        smartcar_vehicle_id=vehicle.smartcar_vehicle_id,
    )  # fmt: skip
    page = admin_client.get(f"{ADMIN}webhookevent/").text
    assert cells(page, "what") == ["State of the car"]
    assert cells(page, "outcome") == ["processed"]
    assert cells(page, "car") == ["2021 Chevrolet Bolt"]
    link = f"{CARS}?q={vehicle.smartcar_vehicle_id}"
    assert f'<a href="{link}">' in page
    assert "2021 Chevrolet Bolt</a>" in admin_client.get(link).text


def test_a_problem_is_told_in_a_sentence(admin_client, vehicle):
    VehicleProblem.objects.create(vehicle=vehicle, type="PERMISSION", opened_at=timezone.now())
    page = admin_client.get(f"{ADMIN}vehicleproblem/").text
    assert "The driver has not given permission" in cells(page, "what")[0]
    assert cells(page, "until") == ["open"]


class TestNamesOfRows:
    def test_the_page_of_an_account_has_its_user_and_brand_in_the_title(self, admin_client, vehicle):
        page = admin_client.get(f"{ADMIN}smartcaraccount/{vehicle.account_id}/change/").text
        assert "<h2>anna (Chevrolet)</h2>" in page
        breadcrumb = "&rsaquo; {}" if django.VERSION < (6, 1) else '<li aria-current="page">{}</li>'
        assert breadcrumb.format("anna (Chevrolet)") in page

    def test_an_account_whose_cars_are_disconnected_keeps_its_brand(self, admin_client, vehicle):
        ConnectedVehicle.objects.update(disconnected_at=timezone.now())
        assert cells(admin_client.get(f"{ADMIN}smartcaraccount/").text, "name") == ["anna (Chevrolet)"]

    def test_an_account_with_cars_of_several_brands_is_named_after_none(
        self, admin_client, vehicle, make_vehicle
    ):
        make_vehicle(vehicle.account, "car-2", make="TESLA", model="Model S")
        assert cells(admin_client.get(f"{ADMIN}smartcaraccount/").text, "name") == ["anna"]
        assert ">anna</a>" in admin_client.get(f"{CARS}{vehicle.pk}/change/").text

    def test_a_name_takes_no_query(self, vehicle, django_assert_num_queries):
        readings.save(vehicle, "odometer", 1, "km")
        command = VehicleCommand.objects.create(vehicle=vehicle, action="lock", idempotency_key="1")
        account = SmartcarAccount.objects.get()
        command, state = VehicleCommand.objects.get(), VehicleSignal.objects.get()
        with django_assert_num_queries(0):
            names = [str(row) for row in (account, command, state)]
        assert names == [
            f"Smartcar account {account.pk}",
            f"Lock · vehicle {vehicle.pk}",
            f"Odometer · vehicle {vehicle.pk}",
        ]

    def test_a_user_an_event_an_endpoint_and_a_problem_have_names_that_people_know(
        self, admin_client, vehicle
    ):
        at = datetime(2026, 11, 20, 12, 30, tzinfo=UTC)
        event = WebhookEvent.objects.create(
            event_id="e", payload="{}", size=2, key_position=1, kind="VEHICLE_STATE", received_at=at
        )
        rows = {
            vehicle.account.smartcar_user: "anna · driver-a",
            event: f"State of the car · {time_as_written(at)}",
            WebhookEndpoint.objects.create(endpoint="hook"): "webhook/hook",
            VehicleProblem.objects.create(vehicle=vehicle, type="PERMISSION", opened_at=at): (
                "Permission of the driver · 2021 Chevrolet Bolt"
            ),
        }
        for row, name in rows.items():
            page = admin_client.get(f"{ADMIN}{row._meta.model_name}/{row.pk}/change/").text
            assert f"<h2>{name}</h2>" in page

    @pytest.mark.parametrize("model", ["vehiclecommand", "vehiclesignal", "vehiclereading"])
    def test_the_pages_of_rows_name_their_car(self, admin_client, vehicle, model):
        readings.save(vehicle, "odometer", 1, "km")
        VehicleCommand.objects.create(vehicle=vehicle, action="lock", idempotency_key="1")
        row = {"vehiclecommand": vehicle.commands, "vehiclesignal": vehicle.signal_states}.get(
            model, vehicle.readings
        ).get()
        page = admin_client.get(f"{ADMIN}{model}/{row.pk}/change/").text
        assert re.search(r"<h2>(Lock|Odometer) · 2021 Chevrolet Bolt</h2>", page)


class TestPagesOfRows:
    def test_a_command_is_told_with_its_parameters_and_what_went_wrong(self, admin_client, vehicle):
        command = VehicleCommand.objects.create(
            vehicle=vehicle, action="set_charge_limit", parameters={"limit": 0.8}, status="failed",
            error_type="VEHICLE_STATE", error_code="ASLEEP", idempotency_key="secret-key",
        )  # fmt: skip
        page = admin_client.get(f"{ADMIN}vehiclecommand/{command.pk}/change/").text
        assert '<div class="readonly">limit: 80\xa0%</div>' in page
        assert "(VEHICLE_STATE:ASLEEP)" in page
        assert '<span class="smartcar-pill bad">' in page
        assert "secret-key" not in page
        assert "{" not in "".join(re.findall(r'<div class="readonly">(.*?)</div>', page))

    def test_a_problem_names_its_signals(self, admin_client, vehicle):
        problem = VehicleProblem.objects.create(
            vehicle=vehicle, type="PERMISSION", opened_at=timezone.now(),
            signals=["odometer-traveleddistance", "made-up"],
        )  # fmt: skip
        url = f"{ADMIN}vehicleproblem/{problem.pk}/change/"
        assert '<div class="readonly">Odometer, made-up</div>' in admin_client.get(url).text
        VehicleProblem.objects.update(signals=[])
        assert '<div class="readonly">all</div>' in admin_client.get(url).text

    def test_an_event_links_to_its_car_and_user(self, admin_client, vehicle):
        event = WebhookEvent.objects.create(
            event_id="e", payload="{}", size=2, key_position=1, kind="VEHICLE_STATE",
            smartcar_vehicle_id=vehicle.smartcar_vehicle_id, smartcar_user_id="driver-a",
        )  # fmt: skip
        page = admin_client.get(f"{ADMIN}webhookevent/{event.pk}/change/").text
        assert f'href="{CARS}?q={vehicle.smartcar_vehicle_id}"' in page
        assert f'href="{ADMIN}smartcaruser/?q=driver-a"' in page

    def test_user_account_and_car_link_to_each_other(self, admin_client, vehicle):
        account, user = vehicle.account, vehicle.account.smartcar_user
        car_url, user_url = f"{CARS}{vehicle.pk}/change/", f"{ADMIN}smartcaruser/{user.pk}/change/"
        account_url = f"{ADMIN}smartcaraccount/{account.pk}/change/"
        assert f'<a href="{account_url}">anna (Chevrolet)</a>' in admin_client.get(car_url).text
        assert f'<a href="{account_url}">anna (Chevrolet)</a>' in admin_client.get(user_url).text
        page = admin_client.get(account_url).text
        assert f'<a href="{car_url}">2021 Chevrolet Bolt</a>' in page
        assert f'<a href="{user_url}">' in page

    def test_cars_and_users_are_shown_to_those_who_may_see_them(self, staff, vehicle):
        page = staff("view_smartcaraccount").get(f"{ADMIN}smartcaraccount/{vehicle.account_id}/change/").text
        assert "anna (Chevrolet)" in page
        assert "2021 Chevrolet Bolt" not in page
        assert "smartcaruser" not in page

    def test_accounts_are_shown_to_those_who_may_see_them(self, staff, vehicle):
        user = vehicle.account.smartcar_user
        page = staff("view_smartcaruser").get(f"{ADMIN}smartcaruser/{user.pk}/change/").text
        assert "anna" in page
        assert "Chevrolet" not in page

    def test_a_page_links_to_few_rows(self, admin_client, account, make_vehicle, monkeypatch):
        monkeypatch.setattr(linking, "MAX_LINKS", 2)
        for number in range(3):
            make_vehicle(account, f"car-{number}")
        page = admin_client.get(f"{ADMIN}smartcaraccount/{account.pk}/change/").text
        assert page.count("2021 Chevrolet Bolt</a>") == 2
        assert "</a>…" in page

    @pytest.mark.parametrize(
        "model", ["smartcaraccount", "smartcaruser", "vehiclecommand", "vehiclesignal", "vehiclereading"]
    )
    def test_what_cannot_be_changed_has_no_button_that_saves(self, admin_client, vehicle, model):
        readings.save(vehicle, "odometer", 1, "km")
        command = VehicleCommand.objects.create(vehicle=vehicle, action="lock", idempotency_key="1")
        row = {
            "smartcaraccount": vehicle.account,
            "smartcaruser": vehicle.account.smartcar_user,
            "vehiclecommand": command,
            "vehiclesignal": vehicle.signal_states.get(),
            "vehiclereading": vehicle.readings.get(),
        }[model]
        page = admin_client.get(f"{ADMIN}{model}/{row.pk}/change/").text
        assert 'name="_save"' not in page
        assert 'name="_save"' in admin_client.get(f"{CARS}{vehicle.pk}/change/").text


def test_a_signal_that_failed_says_why(admin_client, vehicle):
    readings.save(vehicle, "odometer", 777, "km")
    VehicleSignal.objects.update(status="error", error_type="VEHICLE_STATE", error_code="ASLEEP")
    page = admin_client.get(f"{CARS}{vehicle.pk}/change/").text
    assert re.search(r"777\xa0km <span[^>]*>.*?error</span> .*\(VEHICLE_STATE:ASLEEP\)", page)


def test_times_on_pages_of_rows_are_written_for_people(admin_client, vehicle):
    at = timezone.now().replace(month=11, day=20, hour=12, minute=30, year=2026)
    WebhookEvent.objects.create(event_id="e", payload="{}", size=2, key_position=1, received_at=at)
    endpoint = WebhookEndpoint.objects.create(endpoint="")
    problem = VehicleProblem.objects.create(vehicle=vehicle, type="SERVER", opened_at=at, resolved_at=at)
    for url in (f"webhookendpoint/{endpoint.pk}", f"vehicleproblem/{problem.pk}"):
        page = admin_client.get(f"{ADMIN}{url}/change/").text
        assert re.search(r'<div class="readonly">Nov\. 20, 2026, \d+:30 [ap]\.m\.</div>', page)
        assert "2026-11-20" not in page


def test_problems_can_be_filtered_by_state_and_type(admin_client, vehicle):
    now = timezone.now()
    VehicleProblem.objects.create(vehicle=vehicle, type="PERMISSION", opened_at=now)
    VehicleProblem.objects.create(vehicle=vehicle, type="BILLING", opened_at=now, resolved_at=now)
    url = f"{ADMIN}vehicleproblem/"
    for query, shown in [({"open": "1"}, "(PERMISSION)"), ({"open": "0", "type": "BILLING"}, "(BILLING)")]:
        (cell,) = cells(admin_client.get(url, query).text, "what")
        assert cell.endswith(shown)
