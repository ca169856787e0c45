"""Who may do what on the pages: each URL from the side of somebody who may not, and of the car's user."""

import re

import pytest
from django.test import Client
from django.urls import reverse

from django_smartcar.exceptions import OwnedByAnotherUser, OwnershipNotVerified
from django_smartcar.models import ConnectedVehicle, VehicleCommand
from django_smartcar.services import connect, readings
from django_smartcar.urls import urlpatterns

pytestmark = pytest.mark.django_db

#: Every URL of one vehicle: its name and the names of its arguments.
OF_A_VEHICLE = {
    pattern.name: sorted(pattern.pattern.converters)
    for pattern in urlpatterns
    if "pk" in pattern.pattern.converters
}
#: Those of all of a user's vehicles.
OF_A_USER = ["vehicles", "vehicle_states", "readings_csv", "readings_json"]
#: Those that show the values of all cars, and of one.
WITH_VALUES = ["vehicles", "vehicle_states", "vehicle", "vehicle_state", "readings_csv", "readings_json"]
#: What is read of a car while it is connected.
PAGES = {"vehicle", "vehicle_state"}
#: Downloads are the driver's own data, also after they have disconnected.
DOWNLOADS = {"vehicle_readings_csv", "vehicle_readings_json"}


def method_of(name):
    """Return the method that a URL is for."""
    is_read = name in DOWNLOADS | PAGES or "command_pk" in OF_A_VEHICLE[name]
    return "get" if is_read else "post"


in_every_url = pytest.mark.parametrize("name", OF_A_VEHICLE)
with_both_methods = pytest.mark.parametrize("method", ["get", "post"])


@pytest.fixture
def car(vehicle):
    readings.save(vehicle, "odometer", 4711.25, "km")
    return vehicle


@pytest.fixture
def send(car, mock_api, settings):
    """Return a function that requests a URL of Anna's car as some user; no request reaches Smartcar.

    The site does not have Django's LoginRequiredMiddleware: the views themselves ask for the login.
    """
    settings.MIDDLEWARE = [name for name in settings.MIDDLEWARE if "LoginRequired" not in name]

    def send_(user, name, method="post", **arguments):
        client = Client()
        if user is not None:
            client.force_login(user)
        command, _ = VehicleCommand.objects.get_or_create(vehicle=car, action="lock", status="succeeded")
        values = {"pk": car.pk, "action": "start_charge", "command_pk": command.pk, **arguments}
        url = reverse(f"smartcar:{name}", kwargs={key: values[key] for key in OF_A_VEHICLE.get(name, ())})
        return getattr(client, method)(url)

    yield send_
    assert not mock_api.mock.calls


def is_login(response):
    return response.status_code == 302 and response.url.startswith("/login/")


@pytest.fixture
def strangers(bert, admin_user, django_user_model):
    """Return users who have no right to Anna's car: another driver, an operator and a superuser."""
    return [bert, django_user_model.objects.create_user("operator", is_staff=True), admin_user]


def test_every_url_of_a_vehicle_is_known():
    assert {"lock", "command", "reauthenticate", "disconnect", *DOWNLOADS} <= set(OF_A_VEHICLE)


@in_every_url
@with_both_methods
def test_another_users_vehicle_does_not_exist(send, strangers, name, method):
    for user in strangers:
        response = send(user, name, method)
        is_told_to_press_the_button = method == "get" and response.status_code == 302
        assert response.status_code in (404, 405) or is_told_to_press_the_button, user
        assert b"Bolt" not in response.content
        assert ConnectedVehicle.objects.connected().exists()


@in_every_url
def test_another_users_vehicle_looks_like_one_that_never_was(send, bert, name):
    """Nobody learns from a status which keys there are."""
    method = method_of(name)
    assert send(bert, name, method).status_code == send(bert, name, method, pk=999_999).status_code


@in_every_url
@with_both_methods
def test_without_a_login_there_is_only_the_login_page(send, name, method):
    response = send(None, name, method)
    is_told_to_press_the_button = method == "get" and response.status_code == 302
    assert is_login(response) or response.status_code == 405 or is_told_to_press_the_button
    assert is_login(send(None, name, method_of(name)))
    assert ConnectedVehicle.objects.connected().exists()


@in_every_url
def test_a_user_whose_account_was_deactivated_is_logged_out(send, anna, name):
    anna.is_active = False
    anna.save()
    assert is_login(send(anna, name, method_of(name)))
    assert all(is_login(send(anna, page, "get")) for page in OF_A_USER)


@in_every_url
def test_the_own_vehicle_exists_and_can_only_be_read_after_the_disconnection(send, anna, name):
    is_read = method_of(name) == "get"
    if is_read:
        assert send(anna, name, "get").status_code == 200
    ConnectedVehicle.objects.update(disconnected_at="2026-01-01T00:00Z")
    is_kept = is_read and name not in PAGES
    assert send(anna, name, method_of(name)).status_code == (200 if is_kept else 404)


@pytest.mark.parametrize("name", WITH_VALUES)
def test_a_users_pages_hold_nothing_of_anothers(send, strangers, anna, car, name):
    car.permissions = [*car.permissions, "read_battery"]
    car.save()
    readings.save(car, "battery_level", 0.68, "fraction")
    for user in strangers:
        assert b"68" not in re.sub(rb"csrf\S+ value=\S+", b"", send(user, name, "get").getvalue())
        assert b"4711" not in send(user, name, "get").getvalue()
    shown = rb"0[.,]68|68(&nbsp;| )%" if "readings" in name else rb"68(&nbsp;| )%"
    assert re.search(shown, send(anna, name, "get").getvalue())


def test_a_command_is_found_through_its_own_vehicle_only(send, anna, bert, make_account, make_vehicle):
    """The key of another user's command beside the key of the own car."""
    foreign = VehicleCommand.objects.create(
        vehicle=make_vehicle(make_account(bert, "driver-b"), "car-b"), action="unlock", status="failed"
    )
    for name, arguments in OF_A_VEHICLE.items():
        if "command_pk" in arguments:
            assert send(anna, name, "get").status_code == 200
            assert send(anna, name, "get", command_pk=foreign.pk).status_code == 404


@pytest.mark.parametrize(
    "error", [OwnedByAnotherUser("of local user bert-4711"), OwnershipNotVerified({"code": "of bert-4711"})]
)
def test_the_page_of_a_refused_connection_names_nobody(client, anna, monkeypatch, error):
    client.force_login(anna)
    url = client.post("/cars/connect/").url
    (state,) = re.findall(r"state=([\w-]+)", url)

    def refuse(attempt, callback):
        raise error

    monkeypatch.setattr(connect, "complete", refuse)
    response = client.get("/cars/callback/", {"state": state, "code": "x", "user_id": "driver-b"})
    assert response.status_code == 409
    for text in ("bert", "4711", "driver-b"):
        assert text not in response.text
