"""No driver is lost when ``refresh_smartcar_tokens`` is killed again and again.

Smartcar accepts a used refresh token for 60 seconds more, the least that it documents. The processes are in
``tests/processes/kill_refresh.py``.

``KILLS=1000 python3 run.py test tests/services/tokens/test_killed_refresh.py -s`` kills more often.
"""

import os
import time

import pytest
from django.utils import timezone

from django_smartcar.services import _leases
from django_smartcar.simulator import store

from ... import databases

KILLS = int(os.environ.get("KILLS", "60"))
DRIVERS = 300

#: Seconds for which Smartcar accepts a used refresh token.
GRACE = 60


@pytest.fixture
def kill_commands(database, smartcar, settings, tmp_path):
    """Return a function that kills the command, with leases of so many seconds, and returns the result."""
    settings.SMARTCAR_SIMULATOR_GRACE = GRACE

    def kill(lease, kills=KILLS):
        consents = [smartcar.grant(f"driver-{number}@example.com") for number in range(DRIVERS)]
        drivers = [{**consent, "expires_at": timezone.now().isoformat()} for consent in consents]
        options = {"drivers": drivers, "kills": kills, "lease": lease}
        started = time.monotonic()
        result = databases.run("processes.kill_refresh", options, database, tmp_path, smartcar, seconds=3000)
        known = store.state().refresh_tokens
        result["unused"] = sum(known[token].used_at is None for token in result.pop("tokens"))
        result["exchanges_lost"] = store.counters["refreshes"] - result["versions"]
        seconds = time.monotonic() - started
        print(f"{kills} kills in {seconds:.0f} s, leases of {lease} s: {result}")  # noqa: T201 (for .ci/long)
        return result

    return kill


def test_no_driver_is_lost_when_the_command_is_killed_again_and_again(kill_commands):
    result = kill_commands(_leases.DURATION.total_seconds())
    assert (result["lost"], result["unused"], result["locked"]) == (0, DRIVERS, 0)
    assert result["exchanges_lost"] > 0, "no kill came between an exchange and its commit"


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_drivers_are_lost_if_leases_are_long(kill_commands):
    assert kill_commands(35, kills=60)["lost"] > 0
