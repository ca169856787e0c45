"""64 threads in 4 processes ask for one token: there is one exchange, and everybody gets what it brought."""

import pytest

from django_smartcar.simulator import store
from django_smartcar.simulator.access import grants

from ... import databases


@pytest.fixture
def refresh_token(smartcar):
    """One that the pretend Smartcar takes."""
    return smartcar.grant()["refresh_token"]


def test_many_processes_that_need_the_same_token_exchange_it_once(
    database, smartcar, refresh_token, tmp_path
):
    answers = databases.run(
        "processes.concurrent_refresh", {"refresh_token": refresh_token}, database, tmp_path, smartcar
    )
    for what, got in answers.items():
        given, errors, seconds = zip(*got, strict=True)
        assert set(errors) == {None}, what
        assert len(given) == 64
        assert len(set(given)) == 1, what
        assert max(seconds) < 20, what
    assert store.counters["refreshes"] == 1
    assert store.counters["application_tokens"] == 2, "one that was the first, and one after it had ended"
    assert grants.grant_for_token(answers["account"][0][0])
