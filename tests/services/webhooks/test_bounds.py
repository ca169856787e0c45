"""Events store little, whatever is in them: anyone who has a webhook's token can send any. Real ones fit."""

import json
from itertools import count

import pytest
from django.db import connection

from django_smartcar.models import (
    VehicleProblem,
    VehicleReading,
    VehicleSignal,
    WebhookEvent,
)
from django_smartcar.sdk.signals import TYPES
from django_smartcar.services import readings, webhooks
from django_smartcar.services.webhooks import _bounds
from tests.webhooks import TOKEN, error, event, odometer, post, signal

pytestmark = pytest.mark.django_db

NOON = 1_790_000_000
MEGABYTE = 1_000_000


@pytest.fixture(autouse=True)
def site(settings):
    settings.SMARTCAR_MANAGEMENT_TOKENS = [TOKEN]
    settings.SMARTCAR_WEBHOOK_WORK = "command"


@pytest.fixture
def deliver(client):
    """Post an event as large as the site accepts, and process it; return the status."""

    def deliver(payload):
        body = json.dumps(payload, separators=(",", ":")).encode()
        assert len(body) <= webhooks.MAX_BODY_BYTES
        response = post(client, body)
        while webhooks.process_due(60):
            pass
        return response.status_code

    return deliver


def stored_bytes():
    """Return the size of all values in the tables that events fill."""
    size = 0
    with connection.cursor() as cursor:
        for model in (WebhookEvent, VehicleSignal, VehicleReading, VehicleProblem):
            cursor.execute(f"SELECT * FROM {model._meta.db_table}")  # noqa: S608
            size += sum(len(str(value)) for row in cursor.fetchall() for value in row)
    return size


@pytest.fixture
def vehicle(vehicle):
    """Grant all permissions."""
    vehicle.permissions = sorted({kind.permission for kind in TYPES.values() if kind.permission})
    vehicle.save()
    return vehicle


def schedule(vehicles, **common):
    return {
        "version": "2.0",
        "webhookId": "h",
        "eventName": "schedule",
        "payload": {"vehicles": vehicles},
    } | common


def new_codes(number, start=0):
    return [signal(f"new-signal{position}", position, NOON) for position in range(start, start + number)]


class TestAttacker:
    def test_an_event_about_very_many_vehicles_is_refused(self, deliver):
        assert deliver(schedule([{"vehicleId": f"{number}"} for number in range(40_000)])) == 400
        assert not WebhookEvent.objects.exists()

    def test_vehicles_without_an_id_store_nothing(self, deliver):
        assert deliver(schedule([{}] * 40_000 + [{"vehicleId": 5}, {"vehicleId": ""}])) == 200
        assert not WebhookEvent.objects.exists()

    def test_the_same_vehicle_many_times_is_stored_once(self, deliver):
        assert deliver(schedule([{"vehicleId": "car-1"}] * _bounds.MAX_VEHICLES)) == 200
        assert WebhookEvent.objects.count() == 1

    @pytest.mark.parametrize("place", ["webhookId", "mode", "extra"])
    def test_what_the_vehicles_share_is_not_stored_with_each(self, deliver, place):
        """Otherwise an event of 1 MB becomes more than 1 GB."""
        vehicles = [{"vehicleId": f"{number}"} for number in range(_bounds.MAX_VEHICLES)]
        padding = (
            "".join(chr(33 + number % 90) for number in range(800_000)).replace("\\", "/").replace('"', "'")
        )
        payload = schedule(vehicles, **{place: padding})
        payload["payload"]["eventTime"] = [1] * 10_000
        assert deliver(payload) == 200
        assert WebhookEvent.objects.count() == _bounds.MAX_VEHICLES
        assert stored_bytes() < 3 * MEGABYTE

    def test_an_event_of_very_many_new_signals_stores_few(self, deliver, vehicle):
        assert deliver(event(*new_codes(6_000))) == 200
        assert VehicleSignal.objects.count() == _bounds.MAX_UNKNOWN_SIGNALS
        assert VehicleReading.objects.count() == _bounds.MAX_UNKNOWN_SIGNALS
        assert stored_bytes() < MEGABYTE

    def test_more_events_of_other_new_signals_store_no_more(self, deliver, vehicle, caplog):
        for number in range(5):
            assert deliver(event(*new_codes(60, 60 * number))) == 200
        assert VehicleSignal.objects.count() == _bounds.MAX_UNKNOWN_SIGNALS
        assert "ignored 60 values in webhooks" in caplog.text
        assert set(WebhookEvent.objects.values_list("state", flat=True)) == {"processed"}

    def test_v2s_unknown_systems_are_new_signals_too(self, deliver, vehicle):
        systems = [{"systemId": f"S{number}", "status": "ALERT"} for number in range(5_000)]
        item = {
            "path": "/diagnostics/system_status",
            "code": 200,
            "body": {"systems": systems},
            "headers": {},
        }
        assert deliver(schedule([{"vehicleId": "car-1", "data": [item]}])) == 200
        assert VehicleSignal.objects.count() <= _bounds.MAX_UNKNOWN_SIGNALS

    def test_very_many_values_of_one_signal_store_few(self, deliver, vehicle):
        values = [odometer(100 + number / 1000, NOON + number) for number in range(5_000)]
        assert deliver(event(*values)) == 200
        assert VehicleReading.objects.count() == 500

    @pytest.mark.parametrize("code", ["location-preciselocation", "closure-doors", "new-signal"])
    def test_a_giant_value_is_not_stored(self, deliver, vehicle, caplog, code):
        nested = {"values": [{f"field{number}": "x" * 400 for number in range(100)} for _ in range(5)]}
        body = {
            "latitude": 1,
            "longitude": 1,
            "values": [nested] if code == "closure-doors" else [],
            "extra": nested,
        }
        assert deliver(event(signal(code, body, NOON), odometer(100, NOON))) == 200
        assert "ignored 1 values in webhooks" in caplog.text
        assert list(VehicleSignal.objects.values_list("signal", flat=True)) == ["odometer"]
        assert VehicleReading.objects.count() == 1

    def test_very_many_problems_store_few(self, deliver, vehicle):
        numbers = count()
        for _ in range(4):
            errors = [
                {"type": "T" * 50, "code": f"{next(numbers)}", "state": "ERROR", "signals": []}
                for _ in range(5_000)
            ]
            payload = error()
            payload["data"]["errors"] = errors
            assert deliver(payload) == 200
        assert VehicleProblem.objects.count() == _bounds.MAX_PROBLEMS_STORED

    def test_a_problem_with_very_many_signals_stores_few(self, deliver, vehicle):
        for start in (0, 20_000):
            codes = [f"code-{number}" for number in range(start, start + 20_000)]
            assert deliver(error(kind="PERMISSION", code="X", codes=codes)) == 200
        assert len(VehicleProblem.objects.get().signals) == _bounds.MAX_SIGNALS


class TestSmartcar:
    """The twins: the largest events that Smartcar may send lose nothing."""

    def test_a_schedule_of_a_large_fleet_is_stored_whole(self, deliver, account, make_vehicle):
        ids = [f"00000000-0000-4000-8000-{number:012}" for number in range(450)]
        for vehicle_id in ids[:20]:
            make_vehicle(account, vehicle_id)
        headers = {
            "sc-data-age": "2026-11-20T10:00:00.000Z",
            "sc-unit-system": "metric",
            "sc-request-id": ids[0],
        }
        bodies = {
            "/odometer": {"distance": 104.32},
            "/fuel": {"range": 40.5, "percentRemaining": 0.3},
            "/tires/pressure": {
                "frontLeft": 219.3,
                "frontRight": 219.3,
                "backLeft": 219.3,
                "backRight": 219.3,
            },
            "/location": {"latitude": 37.4, "longitude": 122.1},
            "/battery": {"percentRemaining": 0.5, "range": 200},
        }
        data = [
            {"path": path, "code": 200, "body": body, "headers": headers} for path, body in bodies.items()
        ]
        assert deliver(schedule([{"vehicleId": one, "requestId": one, "data": data} for one in ids])) == 200
        assert WebhookEvent.objects.count() == 450
        assert VehicleSignal.objects.filter(signal="odometer").count() == 20
        assert not WebhookEvent.objects.filter(state="failed").exists()

    def test_every_signal_of_the_catalogue_and_many_new_ones_are_stored(self, deliver, vehicle):
        known = [signal(kind.code, 1, NOON) for kind in TYPES.values() if kind.json_type == "number"]
        assert deliver(event(*known, *new_codes(100))) == 200
        names = set(VehicleSignal.objects.values_list("signal", flat=True))
        assert len(names) == len({one["code"] for one in known}) + 100

    def test_a_new_signal_goes_on_once_there_are_many(self, deliver, vehicle):
        deliver(event(*new_codes(100), sequence=1))
        deliver(event(*new_codes(1, 500), signal("new-signal7", 777, NOON + 60), sequence=2))
        assert VehicleSignal.objects.get(signal="new_signal7").value == 777
        assert not VehicleSignal.objects.filter(signal="new_signal500").exists()

    def test_another_vehicle_has_its_own_maximum(self, deliver, vehicle, make_vehicle, account):
        make_vehicle(account, "car-2")
        deliver(event(*new_codes(100)))
        deliver(event(*new_codes(100, 100), car="car-2"))
        assert VehicleSignal.objects.count() == 200

    def test_a_long_list_is_stored(self, deliver, vehicle):
        records = [
            {"serviceId": number, "task": "Oil and filter changed", "mileage": 1000} for number in range(200)
        ]
        assert deliver(event(signal("new-records", {"values": records}, NOON))) == 200
        assert len(VehicleSignal.objects.get().value["values"]) == 200

    def test_known_signals_cost_no_further_statement(self, vehicle, django_assert_num_queries):
        observation = readings.make_observation(vehicle, "odometer", 100, "km", None)
        with django_assert_num_queries(0):
            assert _bounds.within([observation]) == [observation]
