"""Two exchanges of one refresh token: a process was suspended, and another one has taken over its lease.

Smartcar accepts a used refresh token for a while. It does not say what the second exchange returns, so each
order is tried with an endpoint that accepts both new tokens, one that returns the same pair again, and one
that accepts only the newest token.
"""

import itertools
import json
from datetime import timedelta
from urllib.parse import parse_qs

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from django_smartcar.exceptions import ReconnectRequired
from django_smartcar.models import SmartcarAccount
from django_smartcar.services import tokens

from ...mock_api import TOKEN

pytestmark = pytest.mark.django_db


class Endpoint:
    """A token endpoint. ``rule`` is what it does with the second exchange of a refresh token."""

    def __init__(self, rule):
        self.rule = rule
        self.numbers = itertools.count(1)
        self.accepted = {"refresh-0"}
        self.answers = {}
        #: Functions that run before and after the endpoint handles the next exchanges, one pair for each.
        self.before, self.after = [], []

    def respond(self, request):
        body = request.body.decode() if isinstance(request.body, bytes) else request.body
        (token,) = parse_qs(body)["refresh_token"]
        after = self.after.pop(0) if self.after else bool
        (self.before.pop(0) if self.before else bool)()
        answer = self.exchange(token)
        after()
        return (200, {}, json.dumps(answer)) if answer else (400, {}, '{"error": "invalid_grant"}')

    def exchange(self, token):
        if token not in self.accepted:
            return None
        if token in self.answers and self.rule == "same pair":
            return self.answers[token]
        number = next(self.numbers)
        if token in self.answers and self.rule == "only the newest":
            self.accepted.discard(self.answers[token]["refresh_token"])
        pair = {"access_token": f"access-{number}", "refresh_token": f"refresh-{number}", "expires_in": 7200}
        self.answers[token] = pair
        self.accepted.add(pair["refresh_token"])
        return pair


@pytest.fixture(params=["both work", "same pair", "only the newest"])
def endpoint(request, mock_api):
    endpoint = Endpoint(request.param)
    mock_api.mock.add_callback("POST", TOKEN, endpoint.respond, content_type="application/json")
    return endpoint


@pytest.fixture
def due(make_account, anna):
    return make_account(anna, access_for=timedelta(minutes=4))


def expire_lease():
    SmartcarAccount.objects.update(refresh_lease_until=timezone.now())


def refresh_in_another_process():
    expire_lease()
    tokens.refresh(SmartcarAccount.objects.get())


def die_in_another_process():
    """Take the lease and exchange the token, and be killed before the result is stored."""
    expire_lease()
    with pytest.raises(SystemExit):
        tokens.refresh(SmartcarAccount.objects.get())
    expire_lease()


def die():
    raise SystemExit


def assert_is_usable(endpoint):
    """The grace period is over: only the newest tokens work. Refresh twice more."""
    endpoint.accepted.discard("refresh-0")
    for _ in range(2):
        tokens.refresh(SmartcarAccount.objects.get())
    row = SmartcarAccount.objects.get()
    assert (row.reconnect_required_at, row.refresh_lease, row.spare_refresh_token) == (None, None, "")
    assert row.refresh_token in endpoint.accepted


@pytest.mark.parametrize("moment", ["before", "after"])
def test_the_other_exchange_is_stored_while_this_one_is_suspended(endpoint, due, moment):
    """``before``: this exchange reaches Smartcar last; ``after``: it reaches Smartcar first, returns last."""
    getattr(endpoint, moment).append(refresh_in_another_process)
    tokens.refresh(due)
    assert due.access_token == SmartcarAccount.objects.get().access_token
    assert_is_usable(endpoint)


@pytest.mark.parametrize("moment", ["before", "after"])
def test_this_exchange_returns_while_the_other_one_runs(endpoint, due, moment):
    """The process that lost its lease does not store its token: the other's may be newer."""
    suspended = SmartcarAccount.objects.get()
    other = []

    def take_over():
        expire_lease()
        getattr(endpoint, moment).append(finish_suspended)
        other.append(tokens.refresh(due))

    def finish_suspended():
        if endpoint.accepted == {"refresh-0"}:
            endpoint.exchange("refresh-0")  # the suspended one's reaches Smartcar first

    endpoint.before.append(take_over)
    assert not tokens.refresh(suspended)
    assert other == [True]
    assert_is_usable(endpoint)


def test_the_overtaken_exchange_is_kept_just_before_the_other_one_is_stored(endpoint, due):
    """It reached Smartcar last: its token must not be cleared with the other one's."""

    def finish_overtaken():
        tokens._keep_spare(SmartcarAccount.objects.get(), 0, endpoint.exchange("refresh-0"))

    endpoint.after.append(finish_overtaken)
    tokens.refresh(due)
    assert_is_usable(endpoint)


def test_the_process_that_took_over_is_killed(endpoint, due):
    """This process waits for it, and then exchanges the token once more."""
    endpoint.before.append(bool)
    endpoint.after += [die_in_another_process, die]
    assert tokens.refresh(due)
    assert_is_usable(endpoint)


def test_an_error_of_a_process_that_lost_its_lease_does_not_count(endpoint, due):
    def fail():
        refresh_in_another_process()
        endpoint.accepted.discard("refresh-0")

    endpoint.before.append(fail)
    assert not tokens.refresh(due)
    assert due.reconnect_required_at is None
    assert_is_usable(endpoint)


def test_both_tokens_rejected_means_that_the_driver_has_to_connect_again(endpoint, due):
    SmartcarAccount.objects.update(refresh_token="gone", spare_refresh_token="gone, too")
    for _ in range(2):
        with pytest.raises(ReconnectRequired):
            tokens.refresh(SmartcarAccount.objects.get())
    assert SmartcarAccount.objects.get().reconnect_required_at is not None


@pytest.mark.parametrize("column", ["access_token", "spare_refresh_token"])
def test_a_value_that_no_key_decrypts_costs_no_token(endpoint, due, column):
    with connection.cursor() as cursor:
        cursor.execute(f"UPDATE smartcar_smartcaraccount SET {column} = 'smartcar-siv:AAAA'")  # noqa: S608
    assert tokens.refresh(SmartcarAccount.objects.get())
    row = SmartcarAccount.objects.get()
    assert (row.access_token != "", row.spare_refresh_token) == (True, "")
    assert_is_usable(endpoint)


def test_a_refresh_of_a_row_without_its_access_token_does_not_read_it(endpoint, due):
    row = SmartcarAccount.objects.defer("access_token").get()
    with CaptureQueriesContext(connection) as queries:
        assert tokens.refresh(row)
    assert not [query["sql"] for query in queries if query["sql"].startswith("SELECT")]


def test_no_spare_token_is_kept_for_an_account_without_tokens(endpoint, due):
    endpoint.after.append(lambda: tokens.clear_tokens_if_unused(SmartcarAccount.objects.get()))
    tokens.refresh(due)
    row = SmartcarAccount.objects.get()
    assert (row.refresh_token, row.spare_refresh_token) == ("", "")
