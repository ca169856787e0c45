"""What operators may see and do: each rule from the side of somebody who may not, and of one who may."""

import re

import pytest
from django.contrib import admin
from django.contrib.admin.models import LogEntry
from django.test import Client
from django.utils import timezone

from django_smartcar.models import (
    ApplicationToken,
    ConnectedVehicle,
    SmartcarUser,
    VehicleCommand,
    VehicleProblem,
    VehicleReading,
    VehicleSignal,
    WebhookEndpoint,
    WebhookEvent,
)
from django_smartcar.services import readings

pytestmark = pytest.mark.django_db

CARS = "/admin/smartcar/connectedvehicle/"
READINGS = "/admin/smartcar/vehiclereading/"
STATES = "/admin/smartcar/vehiclesignal/"

#: How a driver ends what operators may see.
ENDINGS = {
    "permission taken back": {"permissions": ["read_vehicle_info"]},
    "disconnected": {"disconnected_at": "2026-11-20T12:00Z"},
}


@pytest.fixture
def car(vehicle):
    """Return a vehicle of which a position and an odometer are stored."""
    readings.save(vehicle, "location", {"latitude": 37.4292, "longitude": 122.1381})
    readings.save(vehicle, "odometer", 777.25, "km")
    return vehicle


def locate(client, *cars):
    form = {"action": "locate", "_selected_action": [str(car.pk) for car in cars]}
    return client.post(CARS, form, follow=True).text


def pages(client, car):
    """Return the text of every page of the admin about a vehicle and its signals."""
    rows = [(READINGS, row) for row in VehicleReading.objects.all()]
    rows += [(STATES, row) for row in VehicleSignal.objects.all()]
    urls = [CARS, f"{CARS}{car.pk}/change/", f"{CARS}{car.pk}/history/"]
    urls += [f"{url}?q={word}" for url in (READINGS, STATES) for word in ("location", "odometer", "car-1")]
    urls += [READINGS, STATES, *(f"{url}{row.pk}/change/" for url, row in rows)]
    return "".join(client.get(url, follow=True).text for url in urls)


def test_an_operator_sees_what_the_driver_shares(admin_client, car):
    assert "37.4292, 122.1381" in locate(admin_client, car)
    assert pages(admin_client, car).count("777.25") >= 6
    assert "37.42" not in pages(admin_client, car)


@pytest.mark.parametrize("ending", ENDINGS.values(), ids=ENDINGS)
def test_an_operator_sees_nothing_that_the_driver_shares_no_more(admin_client, car, ending):
    ConnectedVehicle.objects.update(**ending)
    page = locate(admin_client, car)
    assert "Chevrolet Bolt</a> · not shared" in page
    for text in (page, pages(admin_client, car)):
        for value in ("37.42", "122.13", "777.25"):
            assert value not in text
    assert LogEntry.objects.count() == 1, "that somebody asked is recorded, too"


def test_each_position_is_shown_as_its_own_driver_shares_it(
    admin_client, car, make_account, make_vehicle, bert
):
    other = make_vehicle(make_account(bert, "driver-b"), "car-b", make="TESLA")
    readings.save(other, "location", {"latitude": 48.1372, "longitude": 11.5761})
    ConnectedVehicle.objects.filter(pk=other.pk).update(permissions=["read_odometer"])
    page = locate(admin_client, car, other)
    assert "37.4292, 122.1381" in page
    assert "Tesla Bolt</a> · not shared" in page
    assert "48.13" not in page


def test_a_position_that_smartcar_refused_to_tell_again_is_not_shown(admin_client, car):
    VehicleSignal.objects.filter(signal="location").update(status="error", error_type="PERMISSION")
    page = locate(admin_client, car)
    assert "Chevrolet Bolt</a> · not read yet" in page
    assert "37.42" not in page


#: Every model of this app that has pages in the admin.
MODELS = [model for model in admin.site._registry if model._meta.app_label == "smartcar"]
of_every_model = pytest.mark.parametrize("model", MODELS, ids=lambda model: model._meta.model_name)


@pytest.fixture
def rows(car):
    """Store a row of each model."""
    ApplicationToken.objects.create(client_id="client-1", access_token="access-of-all")
    VehicleCommand.objects.create(vehicle=car, action="lock", status="succeeded")
    VehicleProblem.objects.create(vehicle=car, type="PERMISSION", opened_at=timezone.now())
    WebhookEndpoint.objects.create(endpoint="one")
    WebhookEvent.objects.create(event_id="e", payload="{}", size=2, key_position=1, state="dead")


def addresses(model):
    """Return the URL of a model's list, and of one row."""
    rows = model._default_manager.all()
    row = (rows.exclude(signal="location") if hasattr(model, "signal") else rows).first()
    url = f"/admin/smartcar/{model._meta.model_name}/"
    return url, f"{url}{row.pk}/"


@of_every_model
def test_an_operator_without_the_permission_to_view_sees_no_page(staff, rows, model):
    others = [f"view_{other._meta.model_name}" for other in MODELS if other is not model]
    client = staff(*others)
    url, row = addresses(model)
    for page in (url, f"{row}change/", f"{row}history/", f"{url}?q=anna"):
        assert client.get(page).status_code == 403, page


@of_every_model
def test_who_may_only_view_changes_nothing(staff, rows, model, mock_api):
    """Every action and every form, posted although the page does not offer it."""
    client = staff(f"view_{model._meta.model_name}")
    url, row = addresses(model)
    assert client.get(url).status_code == client.get(f"{row}change/").status_code == 200
    before = [list(one._default_manager.values()) for one in MODELS]
    for action in admin.site._registry[model].actions:
        form = {"action": action, "_selected_action": [row.split("/")[-2]], "confirmed": "yes"}
        assert f'value="{action}"' not in client.post(url, form, follow=True).text
    for page in (f"{row}change/", f"{row}delete/", f"{url}add/"):
        assert client.post(page, {"unit_system": "imperial", "post": "yes"}).status_code == 403
    assert [list(one._default_manager.values()) for one in MODELS] == before
    assert not LogEntry.objects.exists()


@of_every_model
def test_a_superuser_sees_every_page_until_the_account_is_deactivated(admin_user, rows, model):
    client = Client()
    client.force_login(admin_user)
    url, row = addresses(model)
    pages = (url, f"{row}change/", f"{row}history/")
    assert [client.get(page).status_code for page in pages] == [200, 200, 200]
    type(admin_user).objects.update(is_active=False)
    assert [client.get(page).status_code for page in pages] == [302, 302, 302]


@of_every_model
def test_who_may_change_still_gives_nobody_anothers_rows(staff, rows, bert, model, mock_api):
    """Whose a row is, and what a car told, cannot be edited by anybody."""
    client = staff(f"view_{model._meta.model_name}", f"change_{model._meta.model_name}")
    _, row = addresses(model)
    form = {"user": bert.pk, "smartcar_user": "x", "account": 2, "vehicle": 2, "vin": "x", "value": "1"}
    before = [list(one._default_manager.values()) for one in (SmartcarUser, VehicleSignal, VehicleReading)]
    client.post(f"{row}change/", {**form, "unit_system": "imperial"})
    after = [list(one._default_manager.values()) for one in (SmartcarUser, VehicleSignal, VehicleReading)]
    assert before == after
    assert {car.user.username for car in ConnectedVehicle.objects.all()} == {"anna"}


@of_every_model
def test_pages_link_to_nothing_that_the_operator_may_not_view(staff, rows, car, anna, model):
    VehicleCommand.objects.update(actor=anna)
    WebhookEvent.objects.update(smartcar_vehicle_id="car-1", smartcar_user_id=car.account.smartcar_user_id)
    client = staff(f"view_{model._meta.model_name}")
    url, row = addresses(model)
    for page in (client.get(url).text, client.get(f"{row}change/").text):
        content = page[page.index('id="content"') :]
        links = set(re.findall(r'href="(/admin/[^"]+)"', content))
        assert {link: client.get(link, follow=True).status_code for link in links} == dict.fromkeys(
            links, 200
        )


def test_who_may_change_rows_has_links_to_them(staff, rows, car, anna):
    """Django lets those who may change a row view it, too."""
    client = staff("view_vehiclecommand", "change_connectedvehicle")
    assert f'<a href="{CARS}{car.pk}/change/">' in client.get(addresses(VehicleCommand)[0]).text


SEARCHES = ["connectedvehicle", "smartcaraccount", "smartcaruser", "vehiclecommand", "vehiclereading"]


@pytest.mark.parametrize("name", SEARCHES)
def test_only_who_may_see_users_finds_out_whose_an_email_address_is(staff, rows, anna, name):
    type(anna).objects.filter(pk=anna.pk).update(email="anna@example.com")
    url = f"/admin/smartcar/{name}/"
    client = staff(f"view_{name}")
    assert "0 results" in client.get(url, {"q": "anna@example.com"}).text
    assert "0 results" not in client.get(url, {"q": "anna"}).text, "the list shows usernames anyway"


@pytest.mark.parametrize("name", SEARCHES)
def test_who_may_see_users_searches_by_their_email_address(staff, rows, anna, name):
    type(anna).objects.filter(pk=anna.pk).update(email="anna@example.com")
    client = staff(f"view_{name}", "view_person")
    assert "0 results" not in client.get(f"/admin/smartcar/{name}/", {"q": "anna@example.com"}).text


def test_the_history_holds_no_secret(admin_client, rows, car, mock_api):
    """What is logged of every action, with errors that repeat what was sent."""
    ConnectedVehicle.objects.update(vin="0SCAUDI037A5ADB1C")
    echo = {
        "type": "SERVER",
        "code": "INTERNAL",
        "description": "0SCAUDI037A5ADB1C access-0 refresh-0 37.4292",
    }
    mock_api.commands("car-1", echo, status=500)
    mock_api.disconnects("car-1", echo, status=500)
    for model in MODELS:
        url, row = addresses(model)
        for action in admin.site._registry[model].actions:
            if action not in ("erase", "reload"):
                form = {"action": action, "_selected_action": [row.split("/")[-2]], "confirmed": "yes"}
                admin_client.post(url, form)
    logged = f"{[*LogEntry.objects.values()]}{[*VehicleCommand.objects.values()]}"
    assert "location viewed" in logged
    assert "queued: lock" in logged
    assert "INTERNAL" in logged
    for secret in ("0SCAUDI", "access-", "refresh-0", "37.42"):
        assert secret not in logged
