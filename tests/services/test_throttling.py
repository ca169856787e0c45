"""Limits of users: counted in the database, exact under concurrency, refilled evenly."""

from datetime import timedelta

import pytest
import time_machine
from django.utils import timezone
from django.utils.translation import override

from django_smartcar.exceptions import TooManyRequests, user_message
from django_smartcar.models import Throttle
from django_smartcar.services import throttling

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def limits(settings):
    settings.SMARTCAR_USER_LIMITS = {"command": "3/m"}


def take(user, number, kind="command"):
    """Ask this often; return how often it was granted."""
    granted = 0
    for _ in range(number):
        try:
            throttling.check(user, kind)
        except TooManyRequests:
            continue
        granted += 1
    return granted


@pytest.fixture
def now():
    with time_machine.travel(timezone.now(), tick=False) as traveller:
        yield traveller


def test_a_user_is_refused_beyond_the_limit_and_told_when_to_return(anna, now):
    assert take(anna, 3) == 3
    with pytest.raises(TooManyRequests) as raised:
        throttling.check(anna, "command")
    assert raised.value.retry_after == 20
    now.shift(raised.value.retry_after)
    assert take(anna, 2) == 1


def test_a_refused_request_does_not_prolong_the_wait(anna, now):
    take(anna, 3)
    for _ in range(10):
        now.shift(1)
        take(anna, 1)
    now.shift(10)
    assert take(anna, 1) == 1


def test_a_bucket_never_holds_more_than_its_size(anna, now):
    take(anna, 1)
    now.shift(timedelta(days=3).total_seconds())
    assert take(anna, 10) == 3


def test_limits_are_per_user_and_kind(anna, bert):
    take(anna, 10)
    assert take(bert, 10) == 3
    assert take(anna, 1, "connect") == 1


def test_a_user_has_one_row_for_each_kind(anna):
    take(anna, 50)
    take(anna, 50, "connect")
    assert Throttle.objects.count() == 2


def test_what_is_given_back_can_be_used_again(anna, now):
    throttling.check(anna, "command", 3)
    assert take(anna, 1) == 0
    throttling.give_back(anna, "command", 2)
    assert take(anna, 3) == 2


def test_giving_back_fills_no_bucket_beyond_its_size(anna, now):
    throttling.check(anna, "command")
    for _ in range(5):
        throttling.give_back(anna, "command", 3)
    assert take(anna, 10) == 3


def test_a_cost_above_the_limit_takes_all_of_it(anna):
    throttling.check(anna, "command", 100)
    assert take(anna, 1) == 0


def test_none_removes_a_limit(anna, settings):
    settings.SMARTCAR_USER_LIMITS = {"command": None}
    assert take(anna, 50) == 50
    throttling.give_back(anna, "command", 1)
    assert not Throttle.objects.exists()


def test_the_other_limits_keep_their_defaults(anna):
    assert take(anna, 30, "connect") == 10


def test_a_request_is_counted_in_one_statement(anna, django_assert_num_queries):
    throttling.check(anna, "command")
    with django_assert_num_queries(1):
        throttling.check(anna, "command")


def test_the_rows_go_with_the_user(anna):
    take(anna, 1)
    anna.delete()
    assert not Throttle.objects.exists()


@pytest.mark.parametrize(
    ("language", "seconds", "time"),
    [("en", 1, "in 1 second."), ("en", 119, "in 119 seconds."), ("en", 121, "in 3 minutes.")],
)
def test_the_message_says_how_long_to_wait(language, seconds, time):
    with override(language):
        assert time in user_message(TooManyRequests("command", seconds))


def test_a_lowered_limit_applies_at_once(anna, settings, now):
    take(anna, 3)
    settings.SMARTCAR_USER_LIMITS = {"command": "1/d"}
    assert take(anna, 1) == 0
    now.shift(86400)
    assert take(anna, 5) == 1
