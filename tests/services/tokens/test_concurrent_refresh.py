"""64 threads in 4 processes need one token: it is exchanged once, and all of them get the result."""

import pytest

from django_smartcar.simulator import store
from django_smartcar.simulator.access import grants

from ... import databases


@pytest.fixture
def refresh_token(smartcar):
    """Return a refresh token that the simulator accepts."""
    return smartcar.grant()["refresh_token"]


def test_many_processes_that_need_the_same_token_exchange_it_once(
    database, smartcar, refresh_token, tmp_path
):
    results = databases.run(
        "processes.concurrent_refresh", {"refresh_token": refresh_token}, database, tmp_path, smartcar
    )
    for name, results_of_threads in results.items():
        received, errors, seconds = zip(*results_of_threads, strict=True)
        assert set(errors) == {None}, name
        assert len(received) == 64
        assert len(set(received)) == 1, name
    assert store.counters["refreshes"] == 1
    assert store.counters["application_tokens"] == 2, "one at first, and one after it has expired"
    assert grants.grant_for_token(results["account"][0][0])
