"""How long a run pauses after a 429."""

import pytest

from django_smartcar.services._backoff import Backoff


@pytest.fixture
def clock(monkeypatch):
    moment = [1000.0]
    monkeypatch.setattr("time.monotonic", lambda: moment[0])

    def pass_by(seconds):
        moment[0] += seconds

    return pass_by


def test_a_pause_is_longer_each_time_that_the_last_one_did_not_help(clock):
    pause = Backoff()
    for least in (1, 2, 4, 8, 16, 32, 60, 60):
        assert pause.begin(None)
        assert least <= pause.remaining <= 1.25 * least
        assert pause.begin(None)  # an answer to what was under way
        assert pause.remaining <= 1.25 * least
        clock(pause.remaining)
    pause.end()
    pause.begin(None)
    assert pause.remaining <= 1.25


def test_a_pause_is_as_long_as_smartcar_asks(clock):
    pause = Backoff()
    assert pause.begin(90)
    assert pause.remaining == 90


def test_an_answer_to_what_was_sent_before_a_pause_does_not_end_it(clock):
    pause = Backoff()
    pause.begin(90)
    pause.end()
    clock(90)
    pause.begin(None)
    assert pause.remaining >= 2


def test_a_run_has_patience_for_ten_minutes(clock):
    pause = Backoff()
    assert pause.begin(300)
    clock(300)
    assert pause.begin(299)
    clock(299)
    assert not pause.begin(2)
