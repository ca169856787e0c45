import gc
import json
import threading
import tracemalloc
from collections import Counter
from contextlib import suppress
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import OperationalError, connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from django_smartcar.exceptions import RateLimited
from django_smartcar.models import ConnectedVehicle, RateLimit, SmartcarAccount, VehicleSignal
from django_smartcar.sdk.readings import PERMISSIONS
from django_smartcar.services import sync as syncing
from django_smartcar.services import vehicles
from django_smartcar.services.sync import _leases
from django_smartcar.simulator import store

from ...mock_api import TOKEN, UPSTREAM, v2_error

pytestmark = pytest.mark.django_db
in_both_versions = pytest.mark.parametrize("smartcar", ["2.0", "3"], indirect=True)

PLACE = {"latitude": 37.4, "longitude": 122.1}


def sync(*options):
    out = StringIO()
    call_command("sync_smartcar_vehicles", *options, stdout=out)
    return out.getvalue()


@pytest.fixture
def fleet(make_vehicle, account, mock_api):
    """Create vehicles, and the responses to their requests."""

    def make(number):
        cars = [
            make_vehicle(account, f"car-{n}", permissions=["read_odometer", "read_location"])
            for n in range(number)
        ]
        for car in cars:
            mock_api.batch(
                car.smartcar_vehicle_id, {"odometer": {"distance": 100 + car.pk}, "location": PLACE}
            )
        return cars

    return make


@in_both_versions
def test_every_vehicle_of_every_driver_is_read_with_one_request(connect_driver, smartcar, bert):
    connect_driver("3-vehicles@smartcar.com")
    connect_driver("bert@example.com", user=bert)
    assert "4 read, 0 needs driver, 0 failed" in sync()
    for vehicle in ConnectedVehicle.objects.all():
        car = next(car for car in store.cars() if car.id == vehicle.smartcar_vehicle_id)
        assert vehicle.signals["odometer"].value == pytest.approx(car.odometer_km)
        assert vehicle.signals["location"].degrees == {
            "latitude": car.latitude,
            "longitude": car.longitude,
        }
    assert "0 read" in sync(), "they are still fresh"
    assert "4 read" in sync("--max-age", "0")


@in_both_versions
def test_a_rejected_token_is_refreshed_and_no_vehicle_fails(connect_driver, smartcar):
    connect_driver("3-vehicles@smartcar.com")
    with store.changes() as state:
        state.access_tokens.clear()
        state.application_tokens.clear()
    assert "3 read" in sync()


def test_each_vehicle_takes_one_request_and_failures_do_not_stop_the_others(
    fleet, make_vehicle, account, mock_api, anna
):
    fleet(3)
    sleeping = make_vehicle(account, "asleep", permissions=["read_odometer"])
    mock_api.batch("asleep", {"odometer": (409, v2_error(409, "VEHICLE_STATE", "ASLEEP"))})
    broken = make_vehicle(account, "broken", permissions=["read_odometer"])
    mock_api.mock.add(
        "POST", "https://api.smartcar.com/v2.0/vehicles/broken/batch", json=UPSTREAM, status=502
    )
    make_vehicle(account, "shy", permissions=[])
    dead = SmartcarAccount.objects.create(
        smartcar_user=account.smartcar_user, api_version="2.0", reconnect_required_at=timezone.now()
    )
    lost = make_vehicle(dead, "lost")
    out = StringIO()
    with pytest.raises(
        CommandError, match="3 read, 1 needs driver, 2 failed, 0 rate limited, 1 not permitted"
    ):
        call_command("sync_smartcar_vehicles", "--json", stdout=out)
    *lines, summary = map(json.loads, out.getvalue().splitlines())
    by_vehicle = {line["vehicle"]: line for line in lines}
    assert by_vehicle[sleeping.pk] == {
        "vehicle": sleeping.pk,
        "outcome": "failed",
        "reason": "ASLEEP",
        "missing": {"odometer": "ASLEEP"},
    }
    assert by_vehicle[broken.pk]["reason"] == "NO_RESPONSE"
    assert by_vehicle[lost.pk]["outcome"] == "needs driver"
    assert summary["summary"]["read"] == 3
    assert len(mock_api.sent("POST", "/car-1/batch")) == 1
    assert VehicleSignal.objects.filter(signal="odometer").count() == 3


def test_a_run_reads_at_most_the_limit_and_the_next_run_continues(fleet, monkeypatch):
    monkeypatch.setattr(syncing, "PAGE", 2)
    fleet(5)
    assert "3 read" in sync("--limit", "3")
    assert "2 read" in sync()


def test_a_page_belongs_to_the_process_that_leases_it_first(fleet, mock_api, monkeypatch):
    """Between reading the page and leasing it."""
    monkeypatch.setattr(syncing, "PAGE", 2)
    cars = fleet(4)
    taken = []

    def lease_first(execute, sql, params, many, context):
        if sql.startswith("UPDATE") and "sync_claim" in sql and not taken:
            taken.append(cars[0].pk)
            ConnectedVehicle.objects.filter(pk=cars[0].pk).update(synced_at=timezone.now())
        return execute(sql, params, many, context)

    with connection.execute_wrapper(lease_first):
        assert "3 read" in sync()
    assert not mock_api.sent("POST", f"/{cars[0].smartcar_vehicle_id}/batch")


def test_an_interrupted_run_releases_the_leases_of_its_page(fleet):
    fleet(2)

    def interrupt(execute, sql, params, many, context):
        if sql.startswith("INSERT") and "reading" in sql:
            raise KeyboardInterrupt
        return execute(sql, params, many, context)

    with connection.execute_wrapper(interrupt), pytest.raises(KeyboardInterrupt):
        sync()
    assert "2 read" in sync()


def test_concurrency_limits_the_requests_at_once(fleet, mock_api, make_vehicle, account):
    in_progress, maximum = [0], [0]
    gate, lock = threading.Barrier(4, timeout=5), threading.Lock()

    def respond(request):
        with lock:
            in_progress[0] += 1
            maximum[0] = max(maximum[0], in_progress[0])
        gate.wait()
        with lock:
            in_progress[0] -= 1
        return (
            200,
            {},
            json.dumps({"responses": [{"path": "/odometer", "code": 200, "body": {"distance": 5}}]}),
        )

    for number in range(12):
        make_vehicle(account, f"slow-{number}", permissions=["read_odometer"])
        url = f"https://api.smartcar.com/v2.0/vehicles/slow-{number}/batch"
        mock_api.mock.add_callback("POST", url, respond, content_type="application/json")
    assert "12 read" in sync("--concurrency", "4")
    assert maximum[0] == 4


def limit(mock_api, vehicle_id, code, retry_after):
    """Respond to the next request for this vehicle with a 429."""
    url = f"https://api.smartcar.com/v2.0/vehicles/{vehicle_id}/batch"
    headers = {"Retry-After": str(retry_after)}
    mock_api.mock.add("POST", url, status=429, json=v2_error(429, "RATE_LIMIT", code), headers=headers)


def test_a_rate_limited_vehicle_gets_no_request_and_stays_due(fleet, mock_api):
    blocked, _ = fleet(2)
    until = timezone.now() + timedelta(hours=1)
    RateLimit.objects.create(key=blocked.smartcar_vehicle_id, blocked_until=until)
    *lines, last = map(json.loads, sync("--json").splitlines())
    (row,) = [line for line in lines if line["vehicle"] == blocked.pk]
    assert 3590 < row.pop("retry_after") <= 3600
    assert row == {"vehicle": blocked.pk, "outcome": "rate limited", "reason": "VEHICLE"}
    assert (last["summary"]["read"], last["summary"]["rate_limited"]) == (1, 1)
    assert not mock_api.sent("POST", "/car-0/batch")
    RateLimit.objects.update(blocked_until=None)
    assert "1 read" in sync()


@pytest.mark.parametrize("is_whole", [True, False])
def test_a_429_blocks_the_vehicle_for_all_processes_and_no_other_vehicle(
    make_vehicle, account, mock_api, is_whole
):
    refused, other = (make_vehicle(account, name, permissions=["read_odometer"]) for name in ("a", "b"))
    if is_whole:
        limit(mock_api, "a", "VEHICLE", 77)
    else:
        item = (429, v2_error(429, "RATE_LIMIT", "VEHICLE"), {"Retry-After": "77"})
        mock_api.batch("a", {"odometer": item})
    mock_api.batch("b", {"odometer": {"distance": 5}})
    *lines, _ = map(json.loads, sync("--json", "--concurrency", "1").splitlines())
    assert lines[0]["retry_after"] == 77
    assert [line["outcome"] for line in lines] == ["rate limited", "read"]
    with pytest.raises(RateLimited) as raised:
        vehicles.odometer(refused)
    assert 70 < raised.value.retry_after <= 77
    assert len(mock_api.sent("POST")) == 2


def test_all_requests_wait_while_the_application_is_rate_limited(
    fleet, make_vehicle, account, mock_api, clock
):
    for name in ("car-0", "car-1"):
        limit(mock_api, name, "SMARTCAR_API", 1)
    fleet(5)
    assert "5 read" in sync("--concurrency", "1")
    assert round(clock.elapsed, 3) >= 2
    vehicle_ids = [request.url.split("/")[-2] for request in mock_api.sent("POST")]
    assert vehicle_ids == ["car-0", "car-0", "car-1", "car-1", "car-2", "car-3", "car-4"]
    assert RateLimit.objects.get(key="application:2.0").blocked_until is not None


def test_a_rate_limit_found_by_another_process_is_waited_for(fleet, mock_api, clock):
    fleet(1)
    RateLimit.objects.create(key="application:2.0", blocked_until=timezone.now() + timedelta(seconds=1))
    assert "1 read" in sync()
    assert round(clock.elapsed, 3) >= 0.9


def test_a_rate_limit_that_cannot_be_saved_is_still_respected(fleet, mock_api, caplog, clock, settings):
    settings.SMARTCAR_RATE_LIMIT = None  # nothing else is saved in the same table
    limit(mock_api, "car-0", "SMARTCAR_API", 1)
    fleet(1)

    def fail(execute, sql, params, many, context):
        if "blocked_until" in sql and not sql.startswith("SELECT"):
            raise OperationalError("locked")
        return execute(sql, params, many, context)

    with connection.execute_wrapper(fail):
        assert "1 read" in sync()
    assert round(clock.elapsed, 3) >= 1
    assert "could not store the rate limit" in caplog.text


def test_the_run_ends_if_the_application_is_rate_limited_for_too_long(fleet, mock_api):
    limit(mock_api, "car-0", "SMARTCAR_API", 3600)
    fleet(3)
    assert sync("--concurrency", "1").endswith(", stopped before the end\n")
    assert len(mock_api.sent("POST")) == 1
    assert _leases.due(timezone.now() - timedelta(hours=1)).count() == 3


@in_both_versions
def test_billable_requests_are_counted(connect_driver, smartcar):
    """API v3 returns everything in one response."""
    (vehicle,) = connect_driver().vehicles
    RateLimit.objects.all().delete()
    names = [name for name in vehicles.DASHBOARD_READINGS if vehicle.can(PERMISSIONS[name])]
    assert len(names) > 1
    sync()
    row = RateLimit.objects.get(key=vehicle.smartcar_vehicle_id)
    assert row.requests == (1 if vehicle.account.uses_v3 else len(names))


def test_failed_requests_are_counted_and_rate_limited_ones_are_not(fleet, make_vehicle, account, mock_api):
    fleet(1)
    for name in ("broken", "refused"):
        make_vehicle(account, name, permissions=["read_odometer"])
    mock_api.mock.add(
        "POST", "https://api.smartcar.com/v2.0/vehicles/broken/batch", json=UPSTREAM, status=502
    )
    limit(mock_api, "refused", "VEHICLE", 60)
    with pytest.raises(CommandError):
        sync()
    month = f"{timezone.now():%Y-%m}"
    assert dict(RateLimit.objects.filter(month=month).values_list("key", "requests")) == {
        "car-0": 2, "broken": 1
    }  # fmt: skip
    RateLimit.objects.update(month="2026-01")
    sync("--limit", "1", "--max-age", "0")
    assert RateLimit.objects.get(key="car-0").requests == 2, "a new month begins with nothing"
    sync("--limit", "1", "--max-age", "0")
    assert RateLimit.objects.get(key="car-0").requests == 4


class Terminal(StringIO):
    def isatty(self):
        return True


def test_a_terminal_shows_a_progress_bar_and_the_failures(fleet, make_vehicle, account, mock_api):
    fleet(3)
    lost = make_vehicle(account, "lost", permissions=["read_odometer"])
    mock_api.batch("lost", {"odometer": (409, v2_error(409, "VEHICLE_STATE", "ASLEEP"))})
    screen = Terminal()
    with pytest.raises(CommandError):
        call_command("sync_smartcar_vehicles", stdout=screen, no_color=True)
    shown = screen.getvalue()
    assert f"\r{'█' * 30} 4 of 4\n" in shown
    assert shown.count(f"vehicle {lost.pk}: failed (ASLEEP)\n") == 1
    assert ": read" not in shown


def test_each_vehicle_has_a_line_and_the_bar_respects_the_limit(fleet):
    first, *_ = fleet(3)
    assert sync("--limit", "1").splitlines()[0] == f"vehicle {first.pk}: read"
    screen = Terminal()
    call_command("sync_smartcar_vehicles", "--limit", "1", stdout=screen, no_color=True)
    assert "1 of 1\n" in screen.getvalue()


def test_the_lease_of_a_killed_run_expires_after_four_seconds(fleet):
    cars = fleet(3)
    _leases.SyncLease(cars, timezone.now())
    assert "0 read" in sync("--max-age", "0")
    before = timezone.now() - timedelta(seconds=4)
    ConnectedVehicle.objects.filter(pk=cars[0].pk).update(synced_at=before)
    assert "1 read" in sync()


def test_a_stop_is_respected_while_tokens_are_refreshed(make_account, make_vehicle, anna, mock_api):
    for number in range(3):
        account = make_account(anna, f"driver-{number}", access_for=timedelta(0))
        make_vehicle(account, f"car-{number}", permissions=["read_odometer"])
    results, exchanges = [], []
    run = syncing.VehicleSync(results.append)

    def exchange(request):
        exchanges.append(request)
        if len(exchanges) == 2:
            run.stop()
        body = {"access_token": "a", "refresh_token": "r", "expires_in": 7200, "token_type": "Bearer"}
        return 200, {}, json.dumps(body)

    mock_api.mock.add_callback("POST", TOKEN, exchange, content_type="application/json")
    run.run(timezone.now(), concurrency=1)
    assert len(exchanges) == 2
    assert results == []
    assert ConnectedVehicle.objects.filter(synced_at=None, sync_claim=None).count() == 3


def test_vehicles_that_were_not_read_are_due_at_once(fleet):
    cars = fleet(2)
    _leases.SyncLease(cars, timezone.now()).end({cars[0].pk})
    assert list(_leases.due(timezone.now() - timedelta(hours=1))) == [cars[0]]


def count_queries(act):
    with CaptureQueriesContext(connection) as context:
        act()
    return len(context)


def test_the_queries_of_a_page_do_not_depend_on_the_number_of_vehicles(fleet):
    cars = fleet(44)
    ConnectedVehicle.objects.update(synced_at=timezone.now())
    ConnectedVehicle.objects.filter(pk__in=[car.pk for car in cars[:4]]).update(synced_at=None)
    few = count_queries(sync)
    many = count_queries(lambda: sync("--max-age", "0"))
    # The four vehicles with readings are updated: one more query.
    assert many <= few + 1


LOGIN = v2_error(400, "CONNECTED_SERVICES_ACCOUNT", "AUTHENTICATION_FAILED")


@pytest.mark.parametrize(
    ("failure", "outcome"),
    [
        (v2_error(429, "RATE_LIMIT", "VEHICLE"), "rate limited"),
        (LOGIN, "needs driver"),
        (UPSTREAM, "failed"),
        (v2_error(401, "AUTHENTICATION"), "failed"),
    ],
)
def test_the_queries_of_a_page_do_not_depend_on_the_number_of_failures(
    make_vehicle, account, mock_api, failure, outcome
):
    counts = []
    mock_api.tokens()
    for number in (3, 30):
        ConnectedVehicle.objects.all().delete()
        RateLimit.objects.all().delete()
        for n in range(number):
            make_vehicle(account, f"car-{n}", permissions=["read_odometer"])
            url = f"https://api.smartcar.com/v2.0/vehicles/car-{n}/batch"
            mock_api.mock.add("POST", url, json=failure, status=failure["statusCode"])
        out = StringIO()

        def run(out=out):
            with suppress(CommandError):
                call_command("sync_smartcar_vehicles", "--json", stdout=out)

        counts.append(count_queries(run))
        *lines, _ = map(json.loads, out.getvalue().splitlines())
        assert [line["outcome"] for line in lines] == [outcome] * number
    assert counts[0] == counts[1]
    if failure is LOGIN:
        assert not ConnectedVehicle.objects.filter(reauthentication_required_at=None).exists()


class BatchHandler(BaseHTTPRequestHandler):
    """Responds to batches without recording them: ``responses`` would keep every call in memory."""

    protocol_version = "HTTP/1.1"

    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        body = b'{"responses": [{"path": "/odometer", "code": 200, "body": {"distance": 5}}]}'
        self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))

    def log_message(self, *args):
        pass


@pytest.fixture
def batch_server(settings):
    with ThreadingHTTPServer(("127.0.0.1", 0), BatchHandler) as server:
        server.daemon_threads, server.block_on_close = True, False
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        settings.SMARTCAR_API_URL = f"http://127.0.0.1:{server.server_port}"
        yield
        server.shutdown()


@pytest.mark.django_db(transaction=True)
def test_memory_does_not_grow_with_the_fleet(account, batch_server, monkeypatch, settings):
    settings.SMARTCAR_RATE_LIMIT = None
    monkeypatch.setattr(syncing, "PAGE", 50)
    counts = []

    def peak(number):
        ConnectedVehicle.objects.all().delete()
        ConnectedVehicle.objects.bulk_create(
            ConnectedVehicle(account=account, smartcar_vehicle_id=f"c-{n}", permissions=["read_odometer"])
            for n in range(number)
        )
        outcomes = Counter()

        def on_result(result):
            outcomes[result.outcome] += 1
            if outcomes.total() % 50 == 0:
                gc.collect()  # Django's compilers are reference cycles, which Python collects late

        tracemalloc.start()
        try:
            syncing.VehicleSync(on_result).run(timezone.now(), concurrency=2)
            counts.append(dict(outcomes))
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    peak(100)  # fills caches and loads modules
    small, large = peak(100), peak(400)
    assert counts == [{"read": 100}, {"read": 100}, {"read": 400}]
    assert large < 1.25 * small, "four times as many vehicles; SQLite's own cache grows a little"


def test_neither_position_nor_vin_is_printed_or_logged(fleet, caplog):
    fleet(2)
    ConnectedVehicle.objects.update(vin="0SCAUDI037A5ADB1C")
    caplog.set_level("DEBUG")
    shown = sync("--json") + caplog.text
    for secret in ("37.4", "122.1", "0SCAUDI037A5ADB1C", "access-0"):
        assert secret not in shown
