"""A site with a database file, whose commands, workers and requests are separate processes."""

import os
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

CREATE_ACCOUNTS = """
import sys
from datetime import timedelta
import django
django.setup()
from django.contrib.auth import get_user_model
from django.utils import timezone
from django_smartcar.models import SmartcarAccount, SmartcarUser
anna = get_user_model().objects.create_user("anna")
driver = SmartcarUser.objects.create(id="driver", user=anna)
ends = timezone.now() + timedelta(minutes=10)
SmartcarAccount.objects.bulk_create(
    SmartcarAccount(
        smartcar_user=driver, api_version="2.0", refresh_token=f"first-{number}",
        access_expires_at=ends, refresh_expires_at=ends + timedelta(days=50),
    )
    for number in range(int(sys.argv[1]))
)
"""

RECEIVE = """
import logging, os, sys
import django
django.setup()
logging.basicConfig(stream=sys.stdout, level="DEBUG")
from django.test import Client
from django.utils import timezone
from tests.webhooks import event, odometer, post
for number, event_id in enumerate(sys.argv[1:]):
    payload = event(odometer(100 + number, timezone.now().timestamp()), driver="driver", event_id=event_id)
    assert post(Client(), payload).status_code == 200
print("taken by", os.getpid())
"""

CONNECT = """
import django
django.setup()
from django_smartcar.models import ConnectedVehicle, SmartcarAccount
from django_smartcar.services import webhooks
ConnectedVehicle.objects.create(account=SmartcarAccount.objects.get(), smartcar_vehicle_id="car-1")
webhooks.begin_work()  # as after connecting
"""


class Site:
    """The project ``tests.site_project``, with its database and its broker in a folder."""

    def __init__(self, folder, token_url):
        self.folder = folder
        self.database = folder / "db.sqlite3"
        self.broker = folder / "queue"
        for path in (self.broker, folder / "queue-control"):
            path.mkdir()
        inherited = {name: text for name, text in os.environ.items() if not name.startswith("DJANGO_")}
        self.environment = {
            **inherited,
            "DJANGO_SETTINGS_MODULE": "tests.site_project.settings",
            "TEST_DATABASE_URL": f"sqlite:///{self.database}",
            "SITE_AUTH_URL": token_url,
            "SITE_BROKER": str(self.broker),
            "SITE_HANDLED": str(folder / "handled"),
            "PYTHONPATH": str(ROOT),
            "PYTHONUNBUFFERED": "1",
        }
        self.run("-m", "django", "migrate", "--verbosity", "0")

    def start(self, *arguments, stdout=subprocess.PIPE):
        """Start Python with the site's settings; stderr goes to stdout."""
        return subprocess.Popen(
            [sys.executable, *arguments],
            cwd=self.folder,
            env=self.environment,
            stdout=stdout,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def run(self, *arguments, status=0):
        """Run Python with the site's settings; return the lines that it printed."""
        return finished(self.start(*arguments), status)

    def refresh(self, *arguments):
        """Start the command ``refresh_smartcar_tokens``."""
        return self.start("-m", "django", "refresh_smartcar_tokens", "--skip-checks", *arguments)

    def receive(self, *event_ids):
        """Post webhooks with these event ids to the site; return the log lines of the process."""
        return self.run("-c", RECEIVE, *event_ids)

    @property
    def handled(self):
        """Return the event ids that the site's receiver was called with, and the ids of its processes."""
        calls = [line.split() for line in (self.folder / "handled").read_text().splitlines()]
        return [event_id for event_id, _ in calls], {int(pid) for _, pid in calls}

    @property
    def states(self):
        """Return the state of each webhook event, in the order in which they were received."""
        return [state for (state,) in self.query("select state from smartcar_webhookevent order by id")]

    def make_accounts(self, number):
        """Create this many accounts whose access tokens expire soon."""
        self.run("-c", CREATE_ACCOUNTS, str(number))

    def query(self, sql):
        """Execute a statement in the site's database; return its rows."""
        connection = sqlite3.connect(self.database, timeout=30)
        try:
            with connection:
                return connection.execute(sql).fetchall()
        finally:
            connection.close()

    @property
    def unrefreshed(self):
        """Return the number of accounts whose token has not been refreshed."""
        return self.query("select count(*) from smartcar_smartcaraccount where token_version = 0")[0][0]

    @property
    def leases(self):
        """Return the number of accounts whose refresh lease is held."""
        leases = "select count(*) from smartcar_smartcaraccount where refresh_lease is not null"
        return self.query(leases)[0][0]


def wait_until(condition, seconds=120):
    """Poll until a condition is true; fail if it is not within this generous time."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            pytest.fail(f"the condition was not met within {seconds} seconds")
        time.sleep(0.01)


def finished(process, status=0):
    """Wait for a process to exit with this status; return the lines that it printed."""
    try:
        output, _ = process.communicate(timeout=120)
    finally:
        process.kill()
    assert process.returncode == status, output
    return output.splitlines()
