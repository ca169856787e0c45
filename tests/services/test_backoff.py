"""How long a run pauses after a 429."""

import pytest

from django_smartcar.services._backoff import Backoff


@pytest.fixture
def clock(monkeypatch):
    now = [1000.0]
    monkeypatch.setattr("time.monotonic", lambda: now[0])

    def advance(seconds):
        now[0] += seconds

    return advance


def test_the_pause_grows_with_each_429(clock):
    pause = Backoff()
    for least in (1, 2, 4, 8, 16, 32, 60, 60):
        assert pause.begin(None)
        assert least <= pause.remaining <= 1.25 * least
        assert pause.begin(None)  # a response to an earlier request
        assert pause.remaining <= 1.25 * least
        clock(pause.remaining)
    pause.end()
    pause.begin(None)
    assert pause.remaining <= 1.25


def test_the_pause_respects_retry_after(clock):
    pause = Backoff()
    assert pause.begin(90)
    assert pause.remaining == 90


def test_a_response_to_an_earlier_request_does_not_end_the_pause(clock):
    pause = Backoff()
    pause.begin(90)
    pause.end()
    clock(90)
    pause.begin(None)
    assert pause.remaining >= 2


def test_a_run_gives_up_after_ten_minutes_of_429(clock):
    pause = Backoff()
    assert pause.begin(300)
    clock(300)
    assert pause.begin(299)
    clock(299)
    assert not pause.begin(2)
