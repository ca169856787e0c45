"""A site under gunicorn, as most Django sites run: two workers, each with one request at a time."""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

import pytest
import requests

from django_smartcar.simulator import store

from ..simulator_server import SETTINGS
from ..site_processes import ROOT, finished, wait_until

CSRF = "a" * 32
LOCK = "commands/security/lock"


@dataclass
class Driver:
    """A user with a browser and a car, at a site."""

    url: str
    session: str
    vehicle: str
    smartcar_vehicle_id: str
    #: (status, seconds, path) of each response; status 0 if the connection broke.
    responses: list = field(default_factory=list)

    def request(self, method, path):
        """Send a request, once more if the worker was killed meanwhile; return the response."""
        cookies = {"sessionid": self.session, "csrftoken": CSRF}
        for _ in range(2):
            began = time.monotonic()
            with suppress(requests.ConnectionError):
                response = requests.request(
                    method, self.url + path, cookies=cookies, headers={"X-CSRFToken": CSRF}, timeout=60
                )
                for one in (*response.history, response):
                    self.responses.append((one.status_code, one.elapsed.total_seconds(), path))
                return response
            self.responses.append((0, time.monotonic() - began, path))
            time.sleep(0.5)
        return pytest.fail("the site does not respond")

    def lock(self):
        """Press the button, and return the page."""
        return self.request("POST", f"/cars/{self.vehicle}/lock/").text

    def follow(self, page):
        """Poll as the page's script does until the command is finished; return the last fragment."""
        while "data-smartcar-follow" in page:
            path = page.partition('data-smartcar-follow="')[2].partition('"')[0]
            time.sleep(2)
            page = self.request("GET", path).text
        return page


class GunicornSite:
    """A site with a database server, gunicorn and, if needed, workers."""

    def __init__(self, folder, database, smartcar):
        self.folder, self.smartcar = folder, smartcar
        self.processes = []
        self.settings = {}
        with socket.create_server(("127.0.0.1", 0)) as probe:
            self.port = probe.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        inherited = {name: text for name, text in os.environ.items() if not name.startswith("DJANGO_")}
        self.environment = {
            **inherited,
            "HOME": str(folder),  # gunicorn's control socket
            "DJANGO_SETTINGS_MODULE": "tests.site_project.settings",
            "TEST_DATABASE_URL": database,
            "SITE_BROKER": str(folder),
            "SITE_HANDLED": str(folder / "handled"),
            "PYTHONPATH": str(ROOT),
            "PYTHONUNBUFFERED": "1",
        }

    def configure(self, settings, **more):
        """Point the site at the simulator that these settings name."""
        self.settings |= {name: str(getattr(settings, name)) for name in SETTINGS} | more
        self.settings["SMARTCAR_API_VERSION"] = "3"
        self.environment["SITE_SETTINGS"] = json.dumps(self.settings)

    def start(self, *arguments):
        with (self.folder / f"log-{len(self.processes)}").open("w") as log:
            process = subprocess.Popen(
                [sys.executable, *arguments], cwd=self.folder, env=self.environment, stdout=log, stderr=log
            )
        self.processes.append(process)
        return process

    def run(self, *arguments):
        command = [sys.executable, *arguments]
        return finished(
            subprocess.Popen(
                command,
                cwd=self.folder,
                env=self.environment,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
            )
        )

    def make_drivers(self, number):
        self.run("-m", "django", "migrate", "--verbosity", "0")
        lines = self.run("-m", "tests.gunicorn.make_fleet", self.smartcar.url, str(number))
        return [Driver(self.url, *line.split()) for line in lines]

    def serve(self, timeout, *arguments):
        """Start gunicorn with two workers; return its process."""
        application = "django.core.wsgi:get_wsgi_application()"
        options = ["--workers", "2", "--timeout", str(timeout), "--bind", f"127.0.0.1:{self.port}"]
        master = self.start("-m", "gunicorn", *options, *arguments, application)

        def is_up():
            with suppress(requests.ConnectionError):  # once for each worker
                return requests.get(f"{self.url}/cars/", allow_redirects=False, timeout=60).status_code == 302

        wait_until(is_up)
        return master

    def stop(self):
        for process in reversed(self.processes):
            process.send_signal(signal.SIGTERM)
        for process in self.processes:
            try:
                process.wait(60)
            finally:
                process.kill()

    @property
    def logs(self):
        return "\n".join(path.read_text() for path in sorted(self.folder.glob("log-*")))

    def statuses(self):
        """Return the status of each command to lock."""
        code = (
            "import django; django.setup()\n"
            "from django_smartcar.models import VehicleCommand\n"
            "for row in VehicleCommand.objects.filter(action='lock'): print(row.status)"
        )
        return self.run("-c", code)


@contextmanager
def browsing(drivers):
    """While the block runs, these drivers look at their cars twice a second."""
    is_over = threading.Event()

    def browse(driver):
        while not is_over.wait(0.5):
            assert driver.request("GET", "/cars/").status_code == 200

    threads = [threading.Thread(target=browse, args=[driver]) for driver in drivers]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        is_over.set()
        for thread in threads:
            thread.join()


def in_threads(function, items):
    """Call a function for all items at once; return the results in their order."""
    results = [None] * len(items)

    def run(position, item):
        results[position] = function(item)

    threads = [threading.Thread(target=run, args=pair) for pair in enumerate(items)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


def make_slow(seconds):
    """Let every car take this long to lock."""
    with store.changes():
        for car in store.cars():
            car.latencies[LOCK] = seconds


def workers_of(master):
    """Return the process ids of gunicorn's workers."""
    children = subprocess.run(
        ["ps", "--ppid", str(master.pid), "-o", "pid="], capture_output=True, text=True, check=True
    )
    return [int(pid) for pid in children.stdout.split()]


@pytest.fixture
def site(tmp_path, database, smartcar, settings):
    smartcar.requests.clear()  # the ids of cars repeat
    site = GunicornSite(tmp_path, database, smartcar)
    site.configure(settings)
    yield site
    site.stop()
