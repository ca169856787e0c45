"""The page of a car: its signals, problems, commands, and the buttons that an operator may use."""

import re
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from django_smartcar.models import ConnectedVehicle, VehicleCommand, VehicleProblem, VehicleSignal
from django_smartcar.services import readings

pytestmark = pytest.mark.django_db

CARS = "/admin/smartcar/connectedvehicle/"
#: The buttons, with the permission that each needs.
BUTTONS = {
    "lock": "lock",
    "unlock": "unlock",
    "start_charge": "charge",
    "stop_charge": "charge",
    "locate": "locate",
    "reload": "reload",
    "disconnect": "disconnect",
}


@pytest.fixture
def car(account, make_vehicle):
    return make_vehicle(account, permissions=["control_security", "control_charge", "read_odometer"])


def page_of(client, car):
    return client.get(f"{CARS}{car.pk}/change/").text


def buttons(page):
    """Return the actions of the buttons that can be pressed."""
    found = re.findall(r'<button class="button" name="action" value="(\w+)"([^>]*)>', page)
    return [action for action, attributes in found if "disabled" not in attributes]


def test_signals_are_shown_with_unit_and_age_but_no_position(admin_client, car):
    readings.save(car, "odometer", 777, "km")
    readings.save(car, "battery_level", 0.5, "fraction")
    readings.save(car, "location", {"latitude": 37.4292, "longitude": 122.1381})
    ConnectedVehicle.objects.update(permissions=["read_odometer", "read_location"])
    page = page_of(admin_client, car)
    assert "<td>777\xa0km</td>" in page
    assert "<td>not shared</td>" in page, "the battery"
    assert ">just now</time>" in page
    assert "50\xa0%" not in page
    assert "37.42" not in page
    assert "Location" not in page, "not even its type and age"


def test_signals_without_a_value_are_named_apart(admin_client, car):
    readings.save(car, "odometer", 777, "km")
    for name, status in {"gear": "not_capable", "speed": "not_requested", "oil_life": "error"}.items():
        VehicleSignal.objects.create(vehicle=car, signal=name, status=status, status_at=timezone.now())
    table, _, silent = page_of(admin_client, car).partition("Signals without a value")
    assert "Not supported by the car: Gear" in silent
    assert "Not requested by this site: Speed" in silent
    assert "Oil life" in table


def test_problems_and_commands_are_shown_with_links(admin_client, car, bert):
    VehicleProblem.objects.create(vehicle=car, type="PERMISSION", opened_at=timezone.now())
    VehicleProblem.objects.create(
        vehicle=car, type="BILLING", opened_at=timezone.now(), resolved_at=timezone.now()
    )
    command = VehicleCommand.objects.create(
        vehicle=car, action="lock", status="succeeded", actor=bert, idempotency_key="1"
    )
    page = page_of(admin_client, car)
    assert "(PERMISSION)" in page
    assert "(BILLING)" not in page, "it is resolved"
    assert f'<a href="/admin/smartcar/vehiclecommand/{command.pk}/change/">Lock</a>' in page
    assert f'href="/admin/smartcar/webhookevent/?q={car.smartcar_vehicle_id}"' in page


def test_a_superuser_has_every_button(admin_client, car):
    assert buttons(page_of(admin_client, car)) == list(BUTTONS)


@pytest.mark.parametrize("action", BUTTONS)
def test_a_button_needs_its_permission(staff, car, mock_api, action):
    others = set(BUTTONS.values()) - {BUTTONS[action]}
    client = staff("view_connectedvehicle", *(f"{other}_connectedvehicle" for other in others))
    page = page_of(client, car)
    assert buttons(page) == [name for name in BUTTONS if BUTTONS[name] in others]
    assert f'value="{action}"' not in page
    form = {"action": action, "_selected_action": car.pk, "confirmed": "yes"}
    client.post(CARS, form, follow=True)
    assert not mock_api.mock.calls
    assert not VehicleCommand.objects.exists()


def test_who_may_only_look_has_no_button(staff, car):
    page = page_of(staff("view_connectedvehicle"), car)
    assert 'class="readonly"' in page
    assert not buttons(page)


#: What the page shows of other tables.
TABLES = {
    "vehiclesignal": {"Latest signals", "777\xa0km", "Signals without a value", "/vehiclesignal/?q="},
    "vehiclecommand": {"Last commands", "Sent by", ">bert<", "/vehiclecommand/?q="},
    "vehicleproblem": {"<h2>Problems</h2>", "(PERMISSION)"},
    "vehiclereading": {"/vehiclereading/?q=", '<h2 id="smartcar-history">', 'id="chart-odometer"'},
    "webhookevent": {"/webhookevent/?q="},
}


@pytest.mark.parametrize("table", TABLES)
def test_rows_of_another_table_need_the_permission_to_view_it(staff, car, bert, table):
    readings.save(car, "odometer", 777, "km")
    VehicleSignal.objects.create(vehicle=car, signal="gear", status="not_capable", status_at=timezone.now())
    VehicleProblem.objects.create(vehicle=car, type="PERMISSION", opened_at=timezone.now())
    VehicleCommand.objects.create(vehicle=car, action="lock", actor=bert, idempotency_key="1")
    page = page_of(staff("view_connectedvehicle", f"view_{table}"), car)
    shown = {name for name, texts in TABLES.items() if any(text in page for text in texts)}
    assert shown == {table}
    assert all(text in page for text in TABLES[table])


def test_charts_are_of_the_period_that_was_chosen(admin_client, car):
    readings.save(car, "odometer", 777, "km", timezone.now() - timedelta(days=3))
    for query, number in {"": 1, "?period=week": 1, "?period=day": 0, "?period=made-up": 1}.items():
        page = admin_client.get(f"{CARS}{car.pk}/change/{query}").text
        assert page.count("<svg viewBox") == number, query
        assert "style=" not in page.partition("smartcar-history")[2].partition("</section>")[0]
    assert '<a href="?period=week#smartcar-history" aria-current="true">Week</a>' in page


@pytest.mark.parametrize(
    "ending", [{"permissions": ["read_battery"]}, {"disconnected_at": "2026-11-20T12:00Z"}]
)
def test_what_the_driver_shares_no_more_has_no_chart(admin_client, car, ending):
    readings.save(car, "odometer", 777, "km")
    readings.save(car, "location", {"latitude": 37.4292, "longitude": 122.1381})
    assert page_of(admin_client, car).count('id="chart-') == 1, "a position has none in any case"
    ConnectedVehicle.objects.update(**ending)
    page = page_of(admin_client, car)
    assert "There are no values in this period yet." in page
    assert 'id="chart-' not in page


@pytest.mark.parametrize(
    ("columns", "expected"),
    [
        ({"permissions": ["control_charge"]}, {*BUTTONS} - {"lock", "unlock"}),
        ({"permissions": []}, {"locate", "reload", "disconnect"}),
        ({"disconnected_at": "2026-11-20T12:00Z"}, set()),
    ],
)
def test_what_the_car_cannot_do_cannot_be_pressed(admin_client, car, columns, expected):
    ConnectedVehicle.objects.update(**columns)
    assert set(buttons(page_of(admin_client, car))) == expected


@pytest.mark.parametrize("action", ["lock", "unlock", "start_charge", "stop_charge", "disconnect"])
def test_a_button_leads_to_the_confirmation(admin_user, car, mock_api, action):
    client = Client(enforce_csrf_checks=True)
    client.force_login(admin_user)
    page = page_of(client, car)
    form = re.search(
        rf'<form class="smartcar-buttons" method="post" action="{CARS}">(.*?)</form>', page, re.S
    )
    fields = dict(re.findall(r'<input type="hidden" name="(\w+)" value="(\w+)">', form[1]))
    assert client.post(CARS, {**fields, "action": action, "csrfmiddlewaretoken": ""}).status_code == 403
    asked = client.post(CARS, {**fields, "action": action})
    assert "Yes, do it" in asked.text
    assert not mock_api.mock.calls
    assert not VehicleCommand.objects.exists()


def test_the_number_of_statements_does_not_grow(admin_client, car, bert, django_assert_max_num_queries):
    for number, name in enumerate(["is_locked", "is_asleep", "is_online", "is_charging", "gear"]):
        readings.save(car, name, True if name != "gear" else "PARK")
        VehicleProblem.objects.create(vehicle=car, type=f"T{number}", opened_at=timezone.now())
        VehicleCommand.objects.create(vehicle=car, action="lock", actor=bert, idempotency_key=str(number))
    with django_assert_max_num_queries(11):
        page_of(admin_client, car)
