"""The command in processes of its own: several at once, with signals, and killed."""

import json
import signal
import threading
import time
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from ...site_processes import finished, wait_until

CREATE_VEHICLES = """
import sys
from datetime import timedelta
import django
django.setup()
from django.contrib.auth import get_user_model
from django.utils import timezone
from django_smartcar.models import ConnectedVehicle, SmartcarAccount, SmartcarUser
driver = SmartcarUser.objects.create(id="driver", user=get_user_model().objects.create_user("anna"))
ends = timezone.now() + timedelta(hours=2)
account = SmartcarAccount.objects.create(
    smartcar_user=driver, api_version="2.0", access_token="access", access_expires_at=ends, refresh_token="r"
)
ConnectedVehicle.objects.bulk_create(
    ConnectedVehicle(account=account, smartcar_vehicle_id=f"car-{number}", permissions=["read_odometer"])
    for number in range(int(sys.argv[1]))
)
"""


class CarServer(ThreadingHTTPServer):
    """Returns the odometer of any vehicle after ``latency`` seconds, while ``gate`` is set."""

    daemon_threads = True
    request_queue_size = 512

    def __init__(self):
        super().__init__(("127.0.0.1", 0), _Handler)
        self.url = f"http://127.0.0.1:{self.server_port}"
        self.lock = threading.Lock()
        self.gate = threading.Event()
        self.gate.set()
        #: Number of requests for each vehicle.
        self.requests = Counter()
        self.latency = self.concurrent = 0
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        with self.server.lock:
            self.server.requests[self.path.split("/")[-2]] += 1
            self.server.concurrent += 1
        time.sleep(self.server.latency)
        self.server.gate.wait(60)
        with self.server.lock:
            self.server.concurrent -= 1
        item = {"path": "/odometer", "code": 200, "body": {"distance": 5}}
        content = json.dumps({"responses": [item]}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *arguments):
        pass


@pytest.fixture
def cars(site_in_processes):
    server = CarServer()
    site_in_processes.environment["SITE_API_URL"] = server.url
    site_in_processes.run("-c", CREATE_VEHICLES, "60")
    yield server
    server.gate.set()
    server.shutdown()
    server.server_close()


def sync(site_in_processes, *arguments):
    return site_in_processes.start("-m", "django", "sync_smartcar_vehicles", "--skip-checks", *arguments)


def leased(site_in_processes):
    return site_in_processes.query(
        "select count(*) from smartcar_connectedvehicle where sync_claim is not null"
    )[0][0]


def test_processes_share_the_vehicles_and_read_none_twice(site_in_processes, cars):
    cars.latency = 0.05
    processes = [sync(site_in_processes, "--concurrency", "4", "--limit", "20") for _ in range(3)]
    summaries = [finished(process)[-1] for process in processes]
    assert sum(int(summary.split()[0]) for summary in summaries) == cars.requests.total()
    finished(sync(site_in_processes))
    assert cars.requests.total() == len(cars.requests) == 60


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_the_run_after_the_requests_in_flight(site_in_processes, cars, number):
    cars.latency = 0.5
    process = sync(site_in_processes, "--concurrency", "4")
    wait_until(lambda: cars.concurrent == 4)
    process.send_signal(number)
    *_, summary = finished(process)
    read = cars.requests.total()
    assert summary.startswith(f"{read} read, 0 needs driver, 0 failed, ")
    assert summary.endswith(", stopped before the end")
    assert read < 20
    assert site_in_processes.query("select count(*) from smartcar_vehiclereading") == [(read,)]
    assert leased(site_in_processes) == 0
    cars.latency = 0
    assert finished(sync(site_in_processes))[-1].startswith(f"{60 - read} read, ")
    assert set(cars.requests.values()) == {1}


def test_vehicles_of_a_killed_run_are_read_by_others_when_the_lease_expires(site_in_processes, cars):
    cars.gate.clear()
    process = sync(site_in_processes, "--concurrency", "4")
    wait_until(lambda: cars.concurrent == 4)
    process.kill()
    process.communicate()
    cars.gate.set()
    assert leased(site_in_processes) == 60
    assert finished(sync(site_in_processes, "--max-age", "0"))[-1].startswith("0 read, ")
    site_in_processes.query("update smartcar_connectedvehicle set synced_at = datetime('now', '-10 minutes')")
    assert finished(sync(site_in_processes))[-1].startswith("60 read, ")
    assert leased(site_in_processes) == 0
