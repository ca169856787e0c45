"""A read of one value, and a command: their statements, and what happens to the rows meanwhile.

``tests/test_databases.py`` runs this file on the other databases, too.
"""

import json
from datetime import UTC, datetime, timedelta

import pytest
from django.contrib.auth.models import AnonymousUser
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from django_smartcar.exceptions import PermissionMissing, RateLimited, VehicleDisconnected
from django_smartcar.models import (
    ConnectedVehicle,
    RateLimit,
    SmartcarAccount,
    VehicleCommand,
    VehicleReading,
    VehicleSignal,
)
from django_smartcar.services import _access, commands, readings, vehicles
from django_smartcar.services.readings import _single_read

from ...mock_api import API

pytestmark = pytest.mark.django_db(transaction=True)

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
ODOMETER = f"{API}/vehicles/car-1/odometer"

#: Statements of a read, with the query for the vehicle, BEGIN and COMMIT.
READ = {"postgresql": 3, "sqlite": 8, "mysql": 8}
LOCK = 8


@pytest.fixture
def odometer(mock_api):
    """Return a function that mocks the odometer; ``meanwhile`` is called during the request."""

    def answer(distance, at=NOON, meanwhile=lambda: None):
        def respond(request):
            meanwhile()
            headers = {"sc-unit-system": "metric", "sc-data-age": at.isoformat()}
            return 200, headers, json.dumps({"distance": distance})

        mock_api.mock.remove("GET", ODOMETER)
        mock_api.mock.add_callback("GET", ODOMETER, respond, content_type="application/json")

    return answer


def stored():
    state = VehicleSignal.objects.get()
    return state.value, state.recorded_at


def history():
    return sorted(VehicleReading.objects.values_list("value", flat=True))


def requests():
    return RateLimit.objects.get(key="car-1").requests


@pytest.mark.parametrize("smartcar", ["2.0", "3"], indirect=True)
def test_the_statements_of_a_read(smartcar, connect_driver):
    key = connect_driver().vehicles[0].pk
    vehicles.odometer(ConnectedVehicle.objects.get(pk=key))
    smartcar.car().odometer_km += 1
    smartcar.car().recorded_at += timedelta(minutes=1)
    with CaptureQueriesContext(connection) as queries:
        vehicles.odometer(ConnectedVehicle.objects.get(pk=key))
    assert len(queries) <= READ[connection.vendor], queries.captured_queries
    assert VehicleReading.objects.filter(signal="odometer").count() == 2
    assert stored()[0] == pytest.approx(smartcar.car().odometer_km)


# In autocommit mode, as in production: in a test's transaction a savepoint takes two statements more.
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("smartcar", ["2.0", "3"], indirect=True)
def test_the_statements_of_a_command(smartcar, connect_driver, anna):
    vehicle = connect_driver().vehicles[0]
    commands.send(vehicle, "unlock")
    with CaptureQueriesContext(connection) as queries:
        commands.send(ConnectedVehicle.objects.get(pk=vehicle.pk), "lock", actor=anna)
    assert len(queries) <= LOCK, queries.captured_queries
    assert VehicleCommand.objects.filter(action="lock", status="succeeded", actor=anna).exists()


def test_a_new_value_replaces_the_old_one_and_the_request_is_counted(vehicle, odometer):
    for number in range(3):
        odometer(100 + number, NOON + timedelta(minutes=number))
        vehicles.odometer(vehicle)
    assert stored() == (102, NOON + timedelta(minutes=2))
    assert history() == [100, 101, 102]
    assert requests() == 3
    vehicle.refresh_from_db()
    assert vehicle.last_seen_at > timezone.now() - timedelta(minutes=1)


def test_the_same_value_again_is_no_new_history(vehicle, odometer):
    odometer(100)
    vehicles.odometer(vehicle)
    first = VehicleSignal.objects.get().status_at
    vehicles.odometer(vehicle)
    assert history() == [100]
    assert VehicleSignal.objects.get().status_at > first
    assert requests() == 2


@pytest.mark.parametrize("has_state", [True, False])
def test_a_newer_value_that_is_stored_during_the_request_stays(vehicle, odometer, has_state):
    if has_state:
        readings.save(vehicle, "odometer", 90, "km", NOON - timedelta(hours=1))
    RateLimit.objects.create(key="car-1", month=f"{timezone.now():%Y-%m}")
    newer = NOON + timedelta(hours=1)
    odometer(100, meanwhile=lambda: readings.save(vehicle, "odometer", 110, "km", newer))
    assert vehicles.odometer(vehicle)["data"] == {"distance": 100}
    assert stored() == (110, newer)
    assert history() == [90, 100, 110][not has_state :]
    assert requests() == 1


def test_an_implausible_value_is_marked_and_does_not_replace_the_latest(vehicle, odometer):
    readings.save(vehicle, "odometer", 100, "km", NOON - timedelta(hours=1))
    odometer(50)
    vehicles.odometer(vehicle)
    assert stored()[0] == 100
    assert VehicleReading.objects.get(is_outlier=True).value == 50
    assert requests() == 1


def test_a_vehicle_that_is_deleted_during_the_request_leaves_nothing(vehicle, odometer):
    odometer(100, meanwhile=ConnectedVehicle.objects.all().delete)
    assert vehicles.odometer(vehicle)["data"] == {"distance": 100}
    assert not VehicleSignal.objects.exists()
    assert not VehicleReading.objects.exists()
    assert requests() == 1


@pytest.mark.parametrize(
    "change", [lambda rows: rows.update(disconnected_at=NOON), lambda rows: rows.delete()]
)
def test_a_vehicle_that_another_process_disconnected_is_not_read(vehicle, mock_api, change):
    change(ConnectedVehicle.objects.all())
    with pytest.raises(VehicleDisconnected):
        vehicles.odometer(vehicle)
    with pytest.raises(VehicleDisconnected):
        commands.send(vehicle, "lock")
    assert not mock_api.mock.calls


def test_the_token_is_that_of_the_row_not_of_an_old_instance(vehicle, odometer, mock_api):
    assert vehicle.account.access_token == "access-0"
    account = SmartcarAccount.objects.get()
    account.access_token = "access-new"
    account.save(update_fields=["access_token"])
    odometer(100)
    vehicles.odometer(vehicle)
    (call,) = mock_api.mock.calls
    assert call.request.headers["Authorization"] == "Bearer access-new"
    assert vehicle.account.access_token == "access-new"


@pytest.mark.parametrize("key", ["car-1", "application:2.0"])
def test_a_limit_that_another_process_saved_is_kept(vehicle, mock_api, key):
    RateLimit.objects.create(key=key, blocked_until=timezone.now() + timedelta(seconds=40))
    for use in (vehicles.odometer, lambda vehicle: commands.send(vehicle, "lock")):
        with pytest.raises(RateLimited) as limited:
            use(vehicle)
        assert limited.value.code == ("VEHICLE" if key == "car-1" else "SMARTCAR_API")
        assert limited.value.retry_after == 40
    assert not mock_api.mock.calls


def test_a_value_that_is_read_by_key_is_that_of_the_sdk_and_saved(vehicle, odometer, anna):
    for number in range(2):
        odometer(100 + number, NOON + timedelta(minutes=number))
        found = vehicles.read_by_key(anna, vehicle.pk, "odometer")
        assert found["data"] == {"distance": 100 + number}
    assert stored() == (101, NOON + timedelta(minutes=1))
    assert history() == [100, 101]
    assert requests() == 2


@pytest.mark.parametrize("smartcar", ["2.0", "3"], indirect=True)
def test_the_statements_of_a_read_by_key(smartcar, connect_driver, anna):
    key = connect_driver().vehicles[0].pk
    vehicles.read_by_key(anna, key, "odometer")
    smartcar.car().odometer_km += 1
    smartcar.car().recorded_at += timedelta(minutes=1)
    with CaptureQueriesContext(connection) as queries:
        vehicles.read_by_key(anna, str(key), "odometer")
    assert len(queries) <= READ[connection.vendor] - 1, queries.captured_queries
    assert VehicleReading.objects.filter(signal="odometer").count() == 2


def test_only_the_vehicles_own_user_reads_it_by_key(vehicle, mock_api, django_user_model):
    ben = django_user_model.objects.create_user("ben")
    for user in (ben, AnonymousUser()):
        with pytest.raises(ConnectedVehicle.DoesNotExist):
            vehicles.read_by_key(user, vehicle.pk, "odometer")
    with pytest.raises(AttributeError):
        vehicles.read_by_key(None, vehicle.pk, "odometer")
    with pytest.raises(ConnectedVehicle.DoesNotExist):
        vehicles.read_by_key(vehicle.user, vehicle.pk + 1, "odometer")
    assert not mock_api.mock.calls


@pytest.mark.parametrize("key", [None, 0, -1, 2**63, "9" * 30])
def test_no_vehicle_has_an_impossible_key(vehicle, anna, key):
    with pytest.raises(ConnectedVehicle.DoesNotExist):
        vehicles.read_by_key(anna, key, "odometer")


def test_a_vehicle_that_is_read_by_key_must_be_connected(vehicle, mock_api):
    ConnectedVehicle.objects.update(disconnected_at=NOON)
    with pytest.raises(VehicleDisconnected) as disconnected:
        vehicles.read_by_key(vehicle.user, vehicle.pk, "odometer")
    assert disconnected.value.vehicle == vehicle
    assert not mock_api.mock.calls


def test_a_limit_and_a_missing_permission_are_those_of_the_vehicle(vehicle, mock_api):
    body = {"type": "PERMISSION", "statusCode": 403, "description": "no"}
    mock_api.mock.add("GET", ODOMETER, json=body, status=403)
    with pytest.raises(PermissionMissing) as missing:
        vehicles.read_by_key(vehicle.user, vehicle.pk, "odometer")
    assert missing.value.scope == "read_odometer"
    assert VehicleSignal.objects.get().status == VehicleSignal.Status.ERROR
    RateLimit.objects.update(blocked_until=timezone.now() + timedelta(seconds=40))
    with pytest.raises(RateLimited):
        vehicles.read_by_key(vehicle.user, vehicle.pk, "odometer")
    assert len(mock_api.mock.calls) == 1


@pytest.mark.parametrize("name", ["battery", "doors", "nothing"])
def test_only_a_reading_of_one_signal_is_read_by_key(vehicle, mock_api, name):
    with pytest.raises(ValueError, match=name):
        vehicles.read_by_key(vehicle.user, vehicle.pk, name)
    assert not mock_api.mock.calls


def test_a_value_is_read_by_key_after_the_token_expired(vehicle, odometer, mock_api):
    SmartcarAccount.objects.update(access_expires_at=timezone.now())
    mock_api.tokens()
    odometer(100)
    assert vehicles.read_by_key(vehicle.user, vehicle.pk, "odometer")["data"] == {"distance": 100}
    account = SmartcarAccount.objects.get()
    assert account.access_expires_at > timezone.now()
    assert account.refresh_expires_at is not None
    assert len(mock_api.exchanges) == 1


def test_times_are_those_of_the_site_without_time_zones(vehicle, settings, monkeypatch):
    settings.USE_TZ = False
    monkeypatch.setattr(_access, "_query", _access._query.__wrapped__)  # the cached one has time zones
    now = timezone.now()
    earlier = now - timedelta(hours=1)
    times = {"recorded_at": earlier, "received_at": earlier, "status_at": earlier}
    VehicleSignal.objects.create(vehicle=vehicle, signal="odometer", value=100, unit="km", **times)
    RateLimit.objects.create(key="car-1", month=f"{now:%Y-%m}")
    access = _access.load_owned(vehicle.user, vehicle.pk, signal="odometer")
    assert access.state["status_at"] == earlier
    for recorded_at in (now, None):
        observation = readings.Observation(
            vehicle.pk, "odometer", 101 + (recorded_at is None), "km", recorded_at
        )
        done = _single_read.store(observation, access.state, access.vehicle_limit, 1)
        assert (done.saved.outcome, done.is_counted) == (readings.Outcome.LATEST, True)
        access = _access.load_owned(vehicle.user, vehicle.pk, signal="odometer")
        assert access.state["received_at"] >= now
    assert VehicleReading.objects.get(recorded_at=now).value == 101
    assert history() == [101, 102]
    assert requests() == 2
