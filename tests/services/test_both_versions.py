"""The services against the simulator in both API versions: the same calls, the same values."""

import re
from datetime import timedelta

import pytest
import requests
from django.utils import timezone

from django_smartcar import services
from django_smartcar.exceptions import (
    AuthenticationException,
    NotCapableException,
    PermissionException,
    StateException,
    VehicleDisconnected,
)
from django_smartcar.models import ApplicationToken, ConnectedVehicle, SmartcarAccount, VehicleCommand
from django_smartcar.services import _authenticated_calls, commands, readings, tokens, vehicles
from django_smartcar.services.connect import _state, reauthentication
from django_smartcar.simulator import store

pytestmark = [pytest.mark.django_db, pytest.mark.parametrize("smartcar", ["2.0", "3"], indirect=True)]

CALLBACK = "https://testserver/cars/callback/"
SCOPE = ["required:read_vehicle_info", "read_vin", "read_odometer", "read_location", "control_security"]


@pytest.fixture
def vehicle(connect_driver):
    return connect_driver().vehicles[0]


def test_a_connection_stores_the_same_details(connect_driver, smartcar, settings, anna):
    connected = connect_driver()
    car = smartcar.car()
    (row,) = ConnectedVehicle.objects.all()
    assert connected.vehicles == [row]
    assert (row.smartcar_vehicle_id, row.vin, row.year) == (car.id, car.vin, car.year)
    assert (row.make, row.model) == (car.make, car.model)
    assert sorted(row.permissions) == sorted(scope.removeprefix("required:") for scope in SCOPE)
    account = SmartcarAccount.objects.get()
    assert (account.user, account.smartcar_user_id) == (anna, store.owner("driver@example.com").id)
    assert account.api_version == settings.SMARTCAR_API_VERSION
    assert not account.needs_reconnecting


def test_reconnecting_updates_the_account_of_the_same_user(connect_driver):
    first, again = connect_driver(), connect_driver()
    assert again.account == first.account
    assert again.vehicles == first.vehicles


@pytest.mark.parametrize(("units", "factor"), [("metric", 1), ("imperial", 0.621371)])
def test_the_odometer_has_the_same_number_and_unit(vehicle, smartcar, units, factor):
    ConnectedVehicle.objects.update(unit_system=units)
    vehicle.refresh_from_db()
    reading = vehicles.odometer(vehicle)
    assert reading["data"] == {"distance": pytest.approx(smartcar.car().odometer_km * factor, abs=0.01)}
    assert reading["unit_system"] == units
    assert abs(reading["age"] - smartcar.car().recorded_at) < timedelta(milliseconds=1)
    assert reading["age"].utcoffset() == timedelta(0)
    row = vehicle.signals["odometer"]
    assert row.value == pytest.approx(smartcar.car().odometer_km, rel=1e-6)
    unit = "km" if units == "metric" else "mi"
    assert readings.in_units(row, units) == (reading["data"]["distance"], unit)


def test_the_location_has_the_same_numbers(vehicle, smartcar):
    car = smartcar.car()
    reading = vehicles.location(vehicle)
    assert reading["data"] == {"latitude": car.latitude, "longitude": car.longitude}
    assert set(reading) == {"data", "age"}
    assert vehicle.signals["location"].degrees == reading["data"]


@pytest.mark.parametrize(("action", "is_locked"), [("lock", True), ("unlock", False)])
def test_a_command_is_executed_and_recorded(vehicle, smartcar, anna, action, is_locked):
    smartcar.car().is_locked = not is_locked
    command = commands.send(vehicle, action, actor=anna)
    assert smartcar.car().is_locked is is_locked
    assert (command.status, command.action) == ("succeeded", action)
    assert store.counters["commands"] == 1


@pytest.mark.parametrize(
    ("fault", "raised"),
    [
        ("VEHICLE_STATE:IN_MOTION", StateException),
        ("COMPATIBILITY:VEHICLE_NOT_CAPABLE", NotCapableException),
    ],
)
def test_an_error_raises_the_same_exception_and_makes_the_same_record(vehicle, smartcar, fault, raised):
    smartcar.car().fault = fault
    with pytest.raises(raised):
        commands.send(vehicle, "lock")
    row = VehicleCommand.objects.get()
    assert (row.status, f"{row.error_type}:{row.error_code}") == ("failed", fault)
    with pytest.raises(raised):
        vehicles.odometer(vehicle)


def test_missing_permissions_raise_the_same_exception(connect_driver, settings):
    settings.SMARTCAR_SCOPE = ["required:read_vehicle_info"]
    vehicle = connect_driver().vehicles[0]
    for asks in (vehicles.odometer, vehicles.location, lambda car: commands.send(car, "lock")):
        with pytest.raises(PermissionException):
            asks(vehicle)


def test_a_disconnected_vehicle_is_not_connected_at_smartcar(vehicle, smartcar):
    assert vehicles.disconnect(vehicle) is True
    assert all(not grant.vehicle_ids for grant in store.grants())
    assert not vehicle.is_connected
    with pytest.raises(VehicleDisconnected):
        vehicles.odometer(vehicle)


def test_a_sync_marks_a_vehicle_that_smartcar_has_disconnected(connect_driver, smartcar):
    connect_driver("2-vehicles@smartcar.com")
    account = SmartcarAccount.objects.get()
    gone, stays = ConnectedVehicle.objects.order_by("pk")
    for grant in store.grants():
        grant.vehicle_ids.remove(gone.smartcar_vehicle_id)
    assert vehicles.sync(account) == [stays]
    gone.refresh_from_db()
    assert not gone.is_connected


def test_a_single_vehicle_can_be_selected(connect_driver):
    connected = connect_driver("3-vehicles@smartcar.com", single_select=True)
    assert len(connected.vehicles) == 1


def test_an_invalid_token_is_refreshed_once_for_a_read(vehicle, smartcar):
    with store.changes() as state:
        state.access_tokens.clear()
        state.application_tokens.clear()
    vehicles.odometer(vehicle)
    vehicles.location(vehicle)
    assert store.counters["refreshes"] + store.counters["application_tokens"] in (1, 2)
    token = tokens.access_token(SmartcarAccount.objects.get())
    assert token in {*store.state().access_tokens, *store.state().application_tokens}


def test_a_command_is_not_sent_again_when_the_token_is_refused(vehicle, smartcar):
    with store.changes() as state:
        state.access_tokens.clear()
        state.application_tokens.clear()
    with pytest.raises(Exception, match="AUTHENTICATION"):
        commands.send(vehicle, "lock")
    assert VehicleCommand.objects.get().status == "failed"
    assert store.counters["commands"] == 0
    # The next command has a new token.
    assert commands.send(vehicle, "lock").status == "succeeded"


def test_reauthentication_restores_access(vehicle, smartcar, anna):
    smartcar.car().fault = "CONNECTED_SERVICES_ACCOUNT:AUTHENTICATION_FAILED"
    with pytest.raises(Exception, match="AUTHENTICATION_FAILED"):
        vehicles.odometer(vehicle)
    vehicle = ConnectedVehicle.objects.get()
    assert vehicle.needs_reauthentication
    url = reauthentication.begin(vehicle, session_key="s", redirect_uri=CALLBACK)
    query = smartcar.visit(url)
    assert set(query) <= {"vehicle_id", "state", "external_id"}
    attempt = _state.consume(query["state"], user=anna, session_key="s")
    assert reauthentication.complete(attempt, query["vehicle_id"]) == vehicle
    vehicle.refresh_from_db()
    assert not vehicle.needs_reauthentication
    assert vehicle.signals["odometer"].value == pytest.approx(smartcar.car().odometer_km)


def test_a_token_is_refreshed_before_it_expires(vehicle):
    rows = (SmartcarAccount, ApplicationToken)
    before = sum(store.counters[name] for name in ("refreshes", "application_tokens"))
    for model in rows:
        model.objects.update(access_expires_at=timezone.now() + timedelta(minutes=2))
    for _ in range(3):
        vehicles.odometer(ConnectedVehicle.objects.get())
    assert sum(store.counters[name] for name in ("refreshes", "application_tokens")) == before + 1


@pytest.mark.parametrize("request_kind", ["sync", "reload", "connect"])
def test_an_invalid_token_is_refreshed_for_every_kind_of_request(vehicle, connect_driver, request_kind):
    with store.changes() as state:
        state.access_tokens.clear()
        state.application_tokens.clear()
    if request_kind == "sync":
        assert vehicles.sync(vehicle.account) == [vehicle]
    elif request_kind == "reload":
        vehicles.reload(vehicle)
    else:
        assert connect_driver().vehicles == [vehicle]


def test_a_token_that_is_refused_twice_is_replaced_once(vehicle, settings):
    """The token is then not the cause, and other drivers use it as well."""
    issued = sum(store.counters[name] for name in ("refreshes", "application_tokens"))

    def refused(car):
        raise AuthenticationException("401", status_code=401)

    with pytest.raises(AuthenticationException):
        _authenticated_calls.call(vehicle, refused)
    assert sum(store.counters[name] for name in ("refreshes", "application_tokens")) == issued + 1
    vehicles.odometer(vehicle)
    assert sum(store.counters[name] for name in ("refreshes", "application_tokens")) == issued + 1


def test_a_vehicle_that_is_reconnected_during_a_disconnect_stays_connected(
    vehicle, connect_driver, smartcar, settings, mock_api
):
    """The response to the disconnect is slow, and the driver reconnects in another tab in the meantime."""
    real = settings.SMARTCAR_API_URL, settings.SMARTCAR_VEHICLE_API_URL
    mock_api.mock.add_passthru(smartcar.url)

    def respond(request):
        settings.SMARTCAR_API_URL, settings.SMARTCAR_VEHICLE_API_URL = real
        connect_driver()
        return 200, {}, '{"status": "success"}'

    mock_api.mock.add_callback("DELETE", re.compile("https://late.example/.*"), respond)
    shown = requests.get(
        f"{real[1]}/v3/connections",
        headers={"Authorization": "Bearer " + services.as_application(lambda token: token)}
        if vehicle.account.uses_v3
        else {},
        timeout=5,
    )
    mock_api.mock.add("GET", re.compile("https://late.example/.*"), body=shown.text)
    settings.SMARTCAR_API_URL = settings.SMARTCAR_VEHICLE_API_URL = "https://late.example"
    vehicles.disconnect(vehicle)
    row = ConnectedVehicle.objects.get()
    assert row.is_connected
    vehicles.odometer(row)
