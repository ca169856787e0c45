import itertools
import json
import re
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.db import OperationalError, connection
from django.utils import timezone
from django.views.debug import ExceptionReporter

from django_smartcar import signals
from django_smartcar.exceptions import (
    InvalidResponseException,
    PermissionException,
    SignalNotAvailable,
    SmartcarException,
    VehicleDisconnected,
    user_message,
)
from django_smartcar.models import ConnectedVehicle, SmartcarAccount
from django_smartcar.services import client, commands, readings, vehicles

from ...mock_api import NO_PERMISSION, UPSTREAM, v2_error

pytestmark = pytest.mark.django_db

RECORDED = datetime(2026, 11, 20, 10, 0, tzinfo=UTC)


def test_the_odometer_is_returned_as_by_the_sdk_and_saved(vehicle, mock_api):
    mock_api.odometer("car-1", 104.32)
    reading = vehicles.odometer(vehicle)
    assert reading == {"data": {"distance": 104.32}, "unit_system": "metric", "age": RECORDED}
    row = vehicle.signals["odometer"]
    assert (row.value, row.unit, row.recorded_at, row.source) == (104.32, "km", RECORDED, "read")
    assert row.received_at > RECORDED


def test_the_location_is_returned_as_by_the_sdk_and_saved(vehicle, mock_api):
    mock_api.location("car-1")
    assert vehicles.location(vehicle) == {
        "data": {"latitude": 37.4292, "longitude": 122.1381},
        "age": RECORDED,
    }
    row = vehicle.signals["location"]
    assert (row.value, row.recorded_at) == ({"latitude": 37.4292, "longitude": 122.1381}, RECORDED)


def test_a_reading_is_requested_in_the_vehicles_unit_system(make_vehicle, account, mock_api):
    imperial = make_vehicle(account, unit_system="imperial")
    mock_api.get("car-1", "odometer", {"distance": 64.8}, headers={"sc-unit-system": "imperial"})
    vehicles.odometer(imperial)
    assert mock_api.sent("GET", "/odometer")[0].headers["sc-unit-system"] == "imperial"
    row = imperial.signals["odometer"]
    assert (row.value, row.unit) == (104.285491, "km")
    assert readings.in_units(row, "imperial") == (64.8, "mi")


def test_an_older_reading_does_not_overwrite_a_newer_one(vehicle, mock_api):
    mock_api.odometer("car-1", 200, age="2026-11-21T10:00:00.000Z")
    vehicles.odometer(vehicle)
    mock_api.mock.reset()
    mock_api.odometer("car-1", 100, age="2026-11-20T10:00:00.000Z")
    vehicles.odometer(vehicle)
    assert vehicle.signals["odometer"].value == 200


def test_a_failed_read_keeps_the_last_value(vehicle, mock_api):
    mock_api.odometer("car-1", 200)
    vehicles.odometer(vehicle)
    mock_api.mock.reset()
    mock_api.get("car-1", "odometer", NO_PERMISSION, status=403)
    with pytest.raises(PermissionException):
        vehicles.odometer(vehicle)
    assert vehicle.signals["odometer"].value == 200


@pytest.mark.parametrize(
    ("status", "body", "stored"),
    [
        (501, v2_error(501, "COMPATIBILITY", "VEHICLE_NOT_CAPABLE"), "not_capable"),
        (403, NO_PERMISSION, "error"),
        (409, v2_error(409, "VEHICLE_STATE", "ASLEEP"), "ok"),
    ],
)
def test_a_failed_read_says_why_if_it_is_about_the_signal(vehicle, mock_api, status, body, stored):
    mock_api.odometer("car-1", 200)
    vehicles.odometer(vehicle)
    mock_api.mock.reset()
    mock_api.get("car-1", "odometer", body, status=status)
    with pytest.raises(SmartcarException):
        vehicles.odometer(vehicle)
    state = vehicle.signals["odometer"]
    assert (state.status, state.value) == (stored, 200)
    assert state.error_type == (body["type"] if stored != "ok" else "")


def test_a_reading_without_an_age_is_as_old_as_its_arrival(vehicle, mock_api):
    mock_api.odometer("car-1", 100, age=None)
    assert vehicles.odometer(vehicle)["age"] is None
    row = vehicle.signals["odometer"]
    assert (row.value, row.recorded_at) == (100, None)
    mock_api.mock.reset()
    mock_api.odometer("car-1", 99, age=(timezone.now() - timedelta(hours=1)).isoformat())
    vehicles.odometer(vehicle)
    assert vehicle.signals["odometer"].value == 100
    mock_api.mock.reset()
    with time_machine.travel(timezone.now() + timedelta(hours=1)):
        mock_api.odometer("car-1", 101, age=timezone.now().isoformat())
        vehicles.odometer(vehicle)
    assert vehicle.signals["odometer"].value == 101


def test_one_reading_that_fails_does_not_stop_the_others(vehicle, mock_api):
    place = {"latitude": 37.4292, "longitude": 122.1381}
    mock_api.batch("car-1", {"odometer": (403, NO_PERMISSION), "location": place})
    with pytest.raises(PermissionException):
        vehicles.refresh_readings(vehicle)
    assert vehicle.signals["location"].value == place


def test_readings_without_permission_are_not_requested(make_vehicle, account, mock_api):
    vehicles.refresh_readings(make_vehicle(account, permissions=["control_security"]))
    assert not mock_api.mock.calls


def test_sync_adds_new_vehicles_and_marks_removed_ones(vehicle, account, mock_api):
    mock_api.driver("driver-a", ["car-2"])
    mock_api.car("car-2", make="TESLA", model="Model S", year=2014, vin="5YJSA1CN5DFP00101")
    synced = vehicles.sync(account)
    assert [car.name for car in synced] == ["2014 Tesla Model S"]
    assert synced[0].vin == "5YJSA1CN5DFP00101"
    vehicle.refresh_from_db()
    assert not vehicle.is_connected


def test_a_failed_sync_changes_nothing(vehicle, account, mock_api):
    mock_api.mock.add(
        "GET", "https://api.smartcar.com/v2.0/vehicles", json=v2_error(500, "SERVER", "X"), status=500
    )
    with pytest.raises(SmartcarException):
        vehicles.sync(account)
    vehicle.refresh_from_db()
    assert vehicle.is_connected


def test_details_that_cannot_be_read_are_kept(vehicle, account, mock_api):
    mock_api.driver("driver-a", ["car-1"])
    mock_api.get("car-1", "permissions", v2_error(409, "VEHICLE_STATE", "ASLEEP"), status=409)
    vehicles.sync(account)
    vehicle.refresh_from_db()
    assert (vehicle.make, vehicle.can("control_security")) == ("CHEVROLET", True)


def test_revoked_permissions_are_removed_by_a_reload(vehicle, mock_api):
    mock_api.car("car-1", permissions=[])
    vehicles.reload(vehicle)
    assert vehicle.permissions == []


def test_disconnect_informs_smartcar_and_clears_unused_tokens(vehicle, mock_api):
    mock_api.disconnects("car-1")
    assert vehicles.disconnect(vehicle) is True
    assert not ConnectedVehicle.objects.get().is_connected
    row = SmartcarAccount.objects.get()
    assert (row.access_token, row.refresh_token) == ("", "")


def test_disconnecting_one_of_two_cars_keeps_the_tokens_of_the_other(
    vehicle, make_vehicle, account, mock_api
):
    make_vehicle(account, "car-2")
    mock_api.disconnects("car-1")
    vehicles.disconnect(vehicle)
    assert SmartcarAccount.objects.get().refresh_token == "refresh-0"


def test_a_refused_disconnect_leaves_the_vehicle_connected(vehicle, mock_api):
    mock_api.disconnects("car-1", UPSTREAM, status=502)
    with pytest.raises(SmartcarException):
        vehicles.disconnect(vehicle)
    assert ConnectedVehicle.objects.get().is_connected


def test_a_vehicle_that_is_already_disconnected_at_smartcar_is_marked(vehicle, mock_api):
    mock_api.disconnects("car-1", NO_PERMISSION, status=403)
    vehicles.disconnect(vehicle)
    assert not ConnectedVehicle.objects.get().is_connected


def test_a_vehicle_can_be_disconnected_with_dead_tokens(make_account, make_vehicle, anna, mock_api):
    vehicle = make_vehicle(make_account(anna, refresh_token=""))
    assert vehicles.disconnect(vehicle) is False
    assert not ConnectedVehicle.objects.get().is_connected
    assert not mock_api.mock.calls


def test_a_disconnected_car_is_not_read(vehicle, mock_api):
    mock_api.disconnects("car-1")
    vehicles.disconnect(vehicle)
    with pytest.raises(VehicleDisconnected):
        vehicles.odometer(vehicle)


@pytest.mark.parametrize(
    ("details", "stored"),
    [
        ({"make": "X" * 500, "model": "a\x00b", "year": 2020}, ("X" * 100, "a\ufffdb", 2020)),
        ({"make": "OPEL", "model": "Corsa", "year": 99999}, ("OPEL", "Corsa", 2021)),
        ({"make": "OPEL", "model": "Corsa", "year": -1}, ("OPEL", "Corsa", 2021)),
    ],
)
def test_details_that_do_not_fit_a_column_are_truncated_or_ignored(
    vehicle, account, mock_api, details, stored
):
    mock_api.driver("driver-a", ["car-1"])
    mock_api.car("car-1", **details)
    vehicles.sync(account)
    vehicle.refresh_from_db()
    assert (vehicle.make, vehicle.model, vehicle.year) == stored


def test_sync_of_an_older_account_takes_no_vehicle_from_a_newer_one(vehicle, make_account, anna, mock_api):
    older = make_account(anna)
    mock_api.driver("driver-a", ["car-1"])
    mock_api.car("car-1")
    assert vehicles.sync(older) == []
    assert ConnectedVehicle.objects.get().account == vehicle.account


def test_sync_does_not_change_a_vehicle_that_was_connected_meanwhile(
    vehicle, make_vehicle, account, mock_api
):
    mock_api.driver("driver-a", ["car-1"])

    def respond(request):
        make_vehicle(account, "car-2")
        return 200, {}, '{"permissions": [], "paging": {"count": 0, "offset": 0}}'

    url = "https://api.smartcar.com/v2.0/vehicles/car-1/permissions"
    mock_api.mock.add_callback("GET", url, respond, content_type="application/json")
    vehicles.sync(account)
    assert all(car.is_connected for car in ConnectedVehicle.objects.all())


def test_vehicle_disconnected_is_sent(vehicle, account, mock_api):
    received = []

    def receive(sender, vehicle, actor, **kwargs):
        received.append((vehicle.pk, vehicle.is_connected, actor))

    signals.vehicle_disconnected.connect(receive)
    try:
        mock_api.driver("driver-a", [])
        vehicles.sync(account)
    finally:
        signals.vehicle_disconnected.disconnect(receive)
    assert received == [(vehicle.pk, False, None)]


def test_a_reload_does_not_reconnect_a_vehicle_that_was_disconnected_meanwhile(vehicle, mock_api):
    def respond(request):
        ConnectedVehicle.objects.update(disconnected_at="2026-01-01T00:00Z")
        return 200, {}, '{"permissions": [], "paging": {"count": 0, "offset": 0}}'

    url = "https://api.smartcar.com/v2.0/vehicles/car-1/permissions"
    mock_api.mock.add_callback("GET", url, respond, content_type="application/json")
    with pytest.raises(VehicleDisconnected):
        vehicles.reload(vehicle)
    assert not vehicle.is_connected


def test_a_read_waits_as_long_as_the_settings_say(vehicle, mock_api, settings):
    settings.SMARTCAR_TIMEOUT = 7
    mock_api.odometer("car-1")
    vehicles.odometer(vehicle)
    assert mock_api.sent("GET", "/odometer")[0].req_kwargs["timeout"][1] == 7


def test_error_reports_hide_the_location(vehicle, mock_api, rf):
    place = 37.4 + 0.0292  # made of parts: a report quotes the source code
    mock_api.location("car-1", latitude=place)

    def refuse(execute, sql, params, many, context):
        if "INSERT" in sql:
            raise OperationalError(f"the database is gone\nDETAIL: {params}")
        return execute(sql, params, many, context)

    with connection.execute_wrapper(refuse), pytest.raises(OperationalError) as raised:
        vehicles.location(vehicle)
    frames = raised.tb.tb_next  # without the frame of this test, which has the response
    report = ExceptionReporter(rf.get("/"), raised.type, raised.value, frames).get_traceback_html()
    assert "the database is gone" in report
    assert str(place) not in report


def test_error_reports_hide_the_vin(vehicle, mock_api, rf):
    vin = "5YJSA1CN" + "5DFP00101"
    mock_api.car("car-1", vin=vin)
    assert vin not in _report_of_a_database_that_fails(lambda: vehicles.reload(vehicle), rf)


def _report_of_a_database_that_fails(act, rf):
    """Return the report that Django mails to ADMINS, with the variables of every frame."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ConnectedVehicle, "refresh_from_db", lambda *args, **kwargs: 1 / 0)
        with pytest.raises(ZeroDivisionError) as raised:
            act()
    frames = raised.tb.tb_next.tb_next  # without the frame of this test, which has the response
    return ExceptionReporter(rf.get("/"), raised.type, raised.value, frames).get_traceback_html()


def test_signals_that_v3_has_not_collected_change_nothing(smartcar, connect_driver, settings):
    """A vehicle without stored signals may still have a value."""
    vehicle = connect_driver().vehicles[0]
    vehicles.odometer(vehicle)
    known = vehicle.signals["odometer"].value
    settings.SMARTCAR_SIMULATOR_SIGNALS = False
    with pytest.raises(SignalNotAvailable) as failure:
        vehicles.odometer(vehicle)
    assert "has not collected this from the car yet" in user_message(failure.value)
    assert vehicle.signals["odometer"].value == known


def test_a_vehicle_is_connected_although_v3_has_collected_nothing(smartcar, connect_driver, settings):
    settings.SMARTCAR_SIMULATOR_SIGNALS = False
    vehicle = connect_driver().vehicles[0]
    assert (vehicle.make, vehicle.vin) == ("CHEVROLET", "")


def test_an_error_of_the_application_does_not_mark_a_vehicle_as_disconnected(
    smartcar, connect_driver, settings, mock_api
):
    mock_api.mock.add_passthru(smartcar.url)
    vehicle = connect_driver().vehicles[0]
    settings.SMARTCAR_VEHICLE_API_URL = "https://vehicle.api.smartcar.com"
    refusal = {"errors": [{"status": "403", "type": "AUTHENTICATION", "code": "ACCESS_DENIED"}]}
    mock_api.mock.add("GET", re.compile("https://vehicle.api.smartcar.com/.*"), status=403, json=refusal)
    with pytest.raises(PermissionException):
        vehicles.disconnect(vehicle)
    assert ConnectedVehicle.objects.get().is_connected


def test_an_endless_list_of_connections_is_rejected(
    smartcar, connect_driver, settings, mock_api, monkeypatch
):
    mock_api.mock.add_passthru(smartcar.url)
    vehicle = connect_driver().vehicles[0]
    monkeypatch.setattr(client, "MAX_CONNECTIONS", 120)
    settings.SMARTCAR_VEHICLE_API_URL = "https://vehicle.api.smartcar.com"
    pages = itertools.count()

    def respond(request):
        number = next(pages)
        assert number < 5, "it goes on asking"
        shown = [{"id": f"{number}-{item}"} for item in range(50)]
        return 200, {}, json.dumps({"data": shown, "links": {"next": "more"}})

    mock_api.mock.add_callback("GET", re.compile("https://vehicle.api.smartcar.com/.*"), respond)
    with pytest.raises(InvalidResponseException):
        vehicles.sync(vehicle.account)
    assert ConnectedVehicle.objects.get().is_connected


def test_a_reading_from_smartcars_store_does_not_clear_reauthentication(smartcar, connect_driver, settings):
    """The store responds although the brand requires a new login."""
    vehicle = connect_driver().vehicles[0]
    ConnectedVehicle.objects.update(reauthentication_required_at="2026-01-01T00:00Z")
    vehicle.refresh_from_db()
    vehicles.odometer(vehicle)
    assert ConnectedVehicle.objects.get().needs_reauthentication
    commands.send(vehicle, "lock")
    assert not ConnectedVehicle.objects.get().needs_reauthentication
