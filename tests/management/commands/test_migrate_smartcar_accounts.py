"""A site of fifty drivers is migrated to API v3 while in use, by separate processes on a database file."""

import json
import signal
import subprocess
from contextlib import contextmanager
from pathlib import Path

import pytest

from ...example_server import MANAGE, ROOT, environment, manage, served

pytestmark = pytest.mark.slow

DRIVERS = 50

CONNECT = """
from urllib.parse import parse_qsl, urlsplit
from django.conf import settings
from django.contrib.auth.models import User
from django_smartcar.services import connect
from django_smartcar.services.connect._ownership import Callback
from tests.simulator.browser import RequestsBrowser, Visit

for number in range({drivers}):
    user = User.objects.create(username=f"driver-{{number}}")
    url = connect.begin(user, session_key="s", redirect_uri=f"{{settings.ORIGIN}}/cars/callback/")
    browser = RequestsBrowser()
    visit = Visit(browser, settings.SMARTCAR_SIMULATOR_URL, url).connect(f"driver-{{number}}@example.com")
    attempt = connect.consume(visit.callback["state"], user=user, session_key="s")
    connect.complete(attempt, Callback(visit.callback["code"]))
"""

USE = """
import itertools, os
from django_smartcar.models import ConnectedVehicle
from django_smartcar.services import vehicles

read = failed = 0
for pk in itertools.cycle(ConnectedVehicle.objects.values_list("pk", flat=True)):
    try:
        vehicles.odometer(ConnectedVehicle.objects.get(pk=pk))
        read += 1
    except Exception as error:
        failed += 1
        print(repr(error), flush=True)
    if read == 1:
        print("began", flush=True)
    if os.path.exists(os.environ["STOP"]):
        break
print(read, failed, flush=True)
"""

STATE = """
from django_smartcar.models import SmartcarAccount
accounts = SmartcarAccount.objects.all()
print([accounts.filter(api_version=version).count() for version in ("2.0", "3")],
      accounts.exclude(reconnect_required_at=None).count())
"""


@contextmanager
def used(env):
    """Read one vehicle after the other meanwhile; yield a function that stops it and returns its output."""
    command = [*MANAGE, "shell", "-v", "0", "-c", USE]
    with subprocess.Popen(command, env=env, text=True, stdout=subprocess.PIPE) as process:

        def end():
            Path(env["STOP"]).touch()
            return process.communicate(timeout=60)[0]

        try:
            assert process.stdout.readline() == "began\n"
            yield end
        finally:
            process.kill()


def test_a_site_of_fifty_drivers_is_migrated_while_in_use_and_killed_halfway(tmp_path):
    with served(tmp_path, SMARTCAR_API_VERSION="3") as url:
        env = environment(tmp_path, EXAMPLE_ORIGIN=url, PYTHONPATH=str(ROOT), PYTHONUNBUFFERED="1")
        env["STOP"] = str(tmp_path / "stop")
        older = {**env, "SMARTCAR_API_VERSION": "2.0"}
        done = manage(older, "shell", "-v", "0", "-c", CONNECT.format(drivers=DRIVERS))
        assert done.returncode == 0, done.stderr
        grants = len(json.loads((tmp_path / "simulator.json").read_text())["grants"])
        assert grants == DRIVERS
        with used(env) as end:
            command = [*MANAGE, "migrate_smartcar_accounts", "--apply"]
            with subprocess.Popen(command, env=env, text=True, stdout=subprocess.PIPE) as first:
                moved = [first.stdout.readline() for _ in range(DRIVERS // 3)]
                first.send_signal(signal.SIGKILL)
            assert all(line.endswith("migrated, with 1 vehicles\n") for line in moved)
            older_left, newer = map(int, state_of(env)[0])
            assert 0 < older_left < DRIVERS, "it was to be killed half-way"
            assert older_left + newer == DRIVERS
            second = manage(env, "migrate_smartcar_accounts", "--apply")
            assert second.returncode == 0, second.stdout
            assert second.stdout.splitlines()[-1] == f"{older_left} migrated, 0 not migrated"
            read, failed = end().split()
        assert (int(failed), int(read) > 0) == (0, True)
        assert state_of(env) == (["0", str(DRIVERS)], "0")
        state = json.loads((tmp_path / "simulator.json").read_text())
        assert len(state["grants"]) == grants, "no driver has connected again"


def state_of(env):
    words = manage(env, "shell", "-v", "0", "-c", STATE).stdout.strip()
    versions, waiting = words.rsplit(" ", 1)
    return versions.strip("[]").split(", "), waiting
