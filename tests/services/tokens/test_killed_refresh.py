"""No account is lost when a process that refreshes it is killed, at any time.

The processes are in ``tests/processes/kill_refresh.py``.

``KILLS=1000 python3 run.py test tests/services/tokens/test_killed_refresh.py -s`` kills more workers.
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
def kill_workers(database, smartcar, settings, tmp_path):
    """Return a function that kills workers that refresh in a given way, and returns the result."""
    settings.SMARTCAR_SIMULATOR_SPEED, settings.SMARTCAR_SIMULATOR_GRACE = SPEED, GRACE

    def kill(how):
        drivers = [smartcar.grant(f"driver-{number}@example.com") for number in range(DRIVERS)]
        options = {"drivers": drivers, "how": how, "kills": KILLS, "speed": SPEED, "grace": GRACE}
        result = databases.run("processes.kill_refresh", options, database, tmp_path, smartcar)
        result["exchanges"] = store.counters["refreshes"]
        print(f"{KILLS} killed, {how}: {result}")  # noqa: T201 (the result of a run with more KILLS)
        return result

    return kill


def test_no_account_is_lost_when_a_refreshing_process_is_killed(kill_workers):
    result = kill_workers("tokens")
    assert result["lost"] == 0
    assert result["killed_before_commit"] > 0, (
        "no worker was killed between the exchange and saving its result"
    )
    assert result["exchanges"] - result["versions"] >= result["killed_before_commit"]


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_accounts_are_lost_when_a_process_without_the_lock_is_killed(kill_workers):
    assert kill_workers("save after exchange")["lost"] > 0
