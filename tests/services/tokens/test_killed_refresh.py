"""A process that refreshes an account may be killed at any time: no account is lost.

The processes are in ``tests/processes/kill_refresh.py``.

``KILLS=1000 python3 run.py test tests/services/tokens/test_killed_refresh.py -s`` is the long form.
"""

import os

import pytest

from django_smartcar.simulator import store

from ... import databases

KILLS = int(os.environ.get("KILLS", "40"))
DRIVERS = 100

#: Smartcar documents a grace period of ten minutes; the lease is 35 seconds. SPEED shortens both.
SPEED, GRACE = 300, 600


@pytest.fixture
def killed(database, smartcar, settings, tmp_path):
    """Return a function that kills workers that refresh in a given way, and returns the result."""
    settings.SMARTCAR_SIMULATOR_SPEED, settings.SMARTCAR_SIMULATOR_GRACE = SPEED, GRACE

    def kill(how):
        drivers = [smartcar.grant(f"driver-{number}@example.com") for number in range(DRIVERS)]
        options = {"drivers": drivers, "how": how, "kills": KILLS, "speed": SPEED, "grace": GRACE}
        result = databases.run("processes.kill_refresh", options, database, tmp_path, smartcar)
        result["exchanges"] = store.counters["refreshes"]
        print(f"{KILLS} killed, {how}: {result}")  # noqa: T201 (it is what the long form is run for)
        return result

    return kill


def test_no_account_is_lost_when_a_refreshing_process_is_killed(killed):
    result = killed("tokens")
    assert result["lost"] == 0
    assert result["killed_between"] > 0, "no worker was killed between the exchange and saving its result"
    assert result["exchanges"] - result["versions"] >= result["killed_between"]


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_accounts_are_lost_when_a_process_without_the_lock_is_killed(killed):
    assert killed("save after exchange")["lost"] > 0
