from datetime import timedelta
from io import StringIO

import pytest
import requests
from django.core.management import CommandError, call_command
from django.utils import timezone

from django_smartcar.exceptions import AuthenticationException
from django_smartcar.models import SmartcarAccount
from django_smartcar.services import commands
from django_smartcar.simulator import world

from ...wire import TOKEN

pytestmark = pytest.mark.django_db


def run(*args):
    out = StringIO()
    try:
        call_command("refresh_smartcar_tokens", *args, stdout=out, no_color=True)
    except CommandError as error:
        return out.getvalue().splitlines(), str(error)
    return out.getvalue().splitlines(), None


def test_the_token_of_the_application_is_refreshed_too(smartcar, drives):
    drives()
    assert run()[0] == ["0 refreshed, 0 failed, 0 waiting for their driver to connect again"]
    lines, error = run("--within", "60")
    assert lines[0].startswith(f"application {world.M2M_CLIENT_ID}: refreshed, good until ")
    assert world.counters["application_tokens"] == 2
    assert error is None
    assert run("--within", "60", "--dry-run")[0][0].endswith(": would be refreshed")


def test_credentials_that_are_wrong_fail_the_run(smartcar, settings):
    settings.SMARTCAR_CLIENT_SECRET = "wrong"
    lines, error = run()
    assert lines == [
        f"application {world.M2M_CLIENT_ID}: not refreshed, will be tried again (invalid_client)"
    ]
    assert error.startswith("0 refreshed, 1 failed")


@pytest.fixture
def accounts(make_account, anna):
    """One that ends in ten minutes, one in ninety, one whose refresh token is known to be dead."""
    minutes = {"soon": 10, "later": 90, "dead": 10}
    rows = {
        name: make_account(
            anna, access_for=timedelta(minutes=minutes[name]), refresh_token=f"refresh-of-{name}"
        )
        for name in minutes
    }
    SmartcarAccount.objects.filter(pk=rows["dead"].pk).update(reconnect_required_at=timezone.now())
    return rows


def refreshed(wire):
    return [form["refresh_token"] for form in wire.exchanges]


def test_what_is_due_is_refreshed_with_a_line_each_and_a_summary(accounts, wire):
    wire.tokens()
    lines, error = run()
    assert refreshed(wire) == ["refresh-of-soon"]
    assert lines[0].startswith(f"Smartcar account {accounts['soon'].pk}: refreshed, good until ")
    assert lines[1] == "1 refreshed, 0 failed, 1 waiting for their driver to connect again"
    assert error is None


def test_within_widens_what_is_due(accounts, wire):
    wire.tokens()
    run("--within", "120")
    assert refreshed(wire) == ["refresh-of-soon", "refresh-of-later"]


def test_all_refreshes_everything_but_the_dead(accounts, wire):
    wire.tokens()
    run("--all")
    assert refreshed(wire) == ["refresh-of-soon", "refresh-of-later"]


def test_a_dry_run_asks_nobody(accounts, wire):
    lines, error = run("--dry-run", "--all")
    assert not wire.mock.calls
    assert [line.split(": ")[1] for line in lines[:2]] == ["would be refreshed"] * 2
    assert lines[2:] == ["2 would be refreshed"]
    assert error is None


def test_nothing_due_is_a_success(wire, db):
    assert run() == (["0 refreshed, 0 failed, 0 waiting for their driver to connect again"], None)


def test_a_dead_token_fails_the_run_once_and_is_not_tried_again(accounts, wire):
    wire.tokens_fail(description="Invalid refresh_token: refresh-of-soon.")
    lines, error = run()
    assert lines == [f"Smartcar account {accounts['soon'].pk}: needs its driver to connect again"]
    assert error == "0 refreshed, 1 failed, 2 waiting for their driver to connect again"
    lines, error = run()
    assert error is None
    assert len(wire.sent("POST")) == 1


def test_a_network_fault_fails_the_run_and_is_tried_again(accounts, wire):
    wire.mock.add("POST", TOKEN, body=requests.ConnectionError())
    _, error = run()
    assert error == "0 refreshed, 1 failed, 1 waiting for their driver to connect again"
    wire.tokens()
    _, error = run()
    assert error is None
    assert refreshed(wire) == ["refresh-of-soon"]


def test_one_account_that_fails_does_not_stop_the_others(accounts, wire):
    wire.mock.add("POST", TOKEN, status=429, json={})
    wire.tokens()
    lines, error = run("--all")
    assert error == "1 refreshed, 1 failed, 1 waiting for their driver to connect again"
    assert "will be tried again" in lines[0]


def test_a_token_that_no_key_opens_does_not_stop_the_others(accounts, make_account, bert, wire, lose_key):
    lose_key()
    make_account(bert, "driver-b", access_for=timedelta(minutes=20), refresh_token="refresh-of-bert")
    wire.tokens()
    lines, error = run()
    assert refreshed(wire) == ["refresh-of-bert"]
    assert "will be tried again (UndecryptableToken)" in lines[0]
    assert error == "1 refreshed, 1 failed, 1 waiting for their driver to connect again"


def test_no_token_is_printed(accounts, wire):
    wire.tokens_fail(description="Invalid refresh_token: refresh-of-soon.")
    lines, error = run("--all")
    assert "refresh-of" not in "".join(lines) + error


@pytest.mark.parametrize("minutes", ["-5", "soon", "1.5", "99999999999"])
def test_minutes_that_are_none_are_refused(minutes, db):
    _, error = run("--within", minutes)
    assert "is not a number of minutes" in error


@pytest.mark.parametrize("smartcar", ["2.0"], indirect=True)
def test_a_token_that_smartcar_has_refused_is_due(smartcar, drives):
    vehicle = drives().vehicles[0]
    world.state().access_tokens.clear()
    with pytest.raises(AuthenticationException):
        commands.send(vehicle, "lock")
    lines, _ = run()
    assert lines[0].startswith(f"{vehicle.account}: refreshed, good until ")
