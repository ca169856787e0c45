"""Leases live as long as their process works, on every database.

The processes are in ``tests/processes/hold_leases.py``, where a lease lasts for 1.6 s and is renewed every
0.4 s.
"""

import pytest

from django_smartcar.services import _leases

from .. import databases
from ..processes.hold_leases import DURATION, HEARTBEAT, LATE

pytestmark = pytest.mark.slow

SCENARIOS = [
    "renewal",
    "age",
    "locked_row",
    "unavailable",
    "fork",
    "killed",
    "suspended",
    "pool_of_one",
    "in_a_transaction",
    "sync",
    "events",
    "clocks",
]


@pytest.fixture(scope="module", params=["sqlite", "postgresql", "mariadb"])
def facts(request, tmp_path_factory, _smartcar):
    """Run all scenarios on a database; return their results by name."""
    server, folder = request.getfixturevalue(request.param), tmp_path_factory.mktemp("leases")
    with databases.created(request.param, server, folder) as url:
        return databases.run("processes.hold_leases", SCENARIOS, url, folder, _smartcar)


def test_all_leases_on_a_table_are_renewed_with_one_update(facts):
    assert facts["renewal"] == {
        "threads": 1,
        "is_held": True,
        "held": 21,
        "updates_per_tick_and_table": 1,
        "is_free_in_time": True,
        "is_thread_gone": True,
        "is_connection_closed": True,
    }


def test_a_thread_that_hangs_loses_its_lease(facts):
    assert 2 * DURATION - HEARTBEAT - 0.2 < facts["age"]["seconds"] < 2 * DURATION + LATE
    assert facts["age"]["is_extended"]


def test_a_locked_row_does_not_delay_the_renewal_of_others(facts):
    """SQLite has one lock for all rows: nobody else can take a lease either."""
    assert facts["locked_row"]["is_other_held"] or facts["locked_row"]["vendor"] == "sqlite"
    assert facts["locked_row"]["is_held_after"]


def test_a_renewal_that_fails_is_logged_and_tried_again(facts):
    assert facts["unavailable"] == {
        "is_held": True,
        "messages": ["could not renew 1 leases: ConnectionRefusedError"] * 2,
    }


def test_a_forked_process_renews_only_its_own_leases(facts):
    assert facts["fork"] == {"is_freed_although_the_child_lives": True, "child": 0}


def test_the_lease_of_a_killed_process_is_free_within_its_duration(facts):
    assert facts["killed"]["seconds"] < DURATION + LATE
    assert _leases.DURATION.total_seconds() == 4


def test_a_suspended_process_loses_its_lease_and_does_not_take_it_back(facts):
    assert facts["suspended"]["seconds"] < DURATION + LATE
    assert facts["suspended"]["is_mine"]
    assert facts["suspended"]["is_another"]


def test_leases_are_renewed_although_the_only_pooled_connection_is_in_use(facts):
    assert facts["pool_of_one"] == {"is_held": True}


@pytest.mark.parametrize("work", ["sync", "events"])
def test_vehicles_and_events_are_held_while_their_process_works(facts, work):
    assert facts[work] == {"is_held": True, "is_freed": True}


def test_clocks_of_two_machines_may_differ_by_seconds(facts):
    assert facts["clocks"] == {"is_held": True}


def test_a_lease_that_was_taken_in_a_transaction_is_held_after_it(facts):
    assert facts["in_a_transaction"] == {"held": 1, "is_held": True}
