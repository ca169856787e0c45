"""A site in processes of its own: a web server, and the commands of cron, with settings of its own."""

import json
import os
import socket
import subprocess
import sys
import time
from contextlib import contextmanager

import pytest
import requests

from django_smartcar.simulator import store

from ..databases import ROOT

RUNSERVER = ["-m", "django", "runserver", "--noreload", "--skip-checks"]


class Deployment:
    """A site with the settings in ``tests.deployments.sites.<name>``, and its own folder."""

    #: The path of the pages, and that of the endpoints, which Smartcar calls.
    pages = "/cars/"
    endpoints = "/cars/"
    has_admin = True
    #: The command line of the server, without the address.
    server = RUNSERVER

    def __init__(self, name, folder, smartcar, **environment):
        self.folder = folder
        self.smartcar = smartcar
        inherited = {
            key: text for key, text in os.environ.items() if not key.startswith(("SMARTCAR_", "DJANGO_"))
        }
        self.environment = {
            **inherited,
            "DJANGO_SETTINGS_MODULE": f"tests.deployments.sites.{name}",
            "SITE_DATABASE_URL": f"sqlite:///{folder / 'db.sqlite3'}",
            "PYTHONPATH": str(ROOT),
            "PYTHONUNBUFFERED": "1",
            **environment,
        }
        self.log = folder / "log"
        self.url = self.webhook_origin = ""
        self.verify = True

    def use_version(self, version):
        """Use this version of Smartcar's API in the processes that start from now on."""
        self.environment |= store.environment(self.smartcar.url, version)

    def run(self, *arguments):
        """Run Python with the settings of the site; return what it printed."""
        done = subprocess.run(
            [sys.executable, "-W", "error", *arguments],
            cwd=self.folder,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=120,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def prepare(self):
        """Create the tables and the users."""
        self.run("-m", "tests.deployments.prepare")

    def run_commands(self):
        """Run all commands that cron runs, in a process; return the output and the error of each."""
        return json.loads(self.run("-m", "tests.deployments.cron", self.url))

    @contextmanager
    def served(self):
        """Serve the site. Afterwards, fail if it has logged a traceback."""
        with socket.create_server(("127.0.0.1", 0)) as probe:
            port = probe.getsockname()[1]
        command = [sys.executable, "-W", "error", *self.server_command(port)]
        with self.log.open("w") as log:
            streams = {"stdout": log, "stderr": log}
            with subprocess.Popen(command, cwd=self.folder, env=self.environment, **streams) as process:
                try:
                    self.url = self.webhook_origin = f"http://127.0.0.1:{port}"
                    self._wait_for(process)
                    with self.published():
                        yield self
                finally:
                    process.kill()
        assert "Traceback" not in self.log.read_text(), self.last_log

    @property
    def last_log(self):
        """The end of what the server has logged."""
        return self.log.read_text()[-4000:]

    def server_command(self, port):
        return [*self.server, f"127.0.0.1:{port}"]

    @contextmanager
    def published(self):
        """Publish the running site under another address, which becomes `url`."""
        yield

    @contextmanager
    def caught_up(self):
        """Have what was written where pages are read from, until the end of the block."""
        yield

    def before_callback(self, driver):
        """Do what the driver does on the site before Connect sends them back."""

    def _wait_for(self, process):
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            assert process.poll() is None, self.log.read_text()
            try:
                requests.get(f"{self.url}/login/", timeout=30)
            except requests.ConnectionError:
                time.sleep(0.05)
            else:
                return
        pytest.fail("the site did not answer within 60 seconds")
