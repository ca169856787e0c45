import json
import sys
import uuid
from datetime import datetime, timedelta
from io import StringIO
from uuid import uuid4

import pytest
import requests
from django.core.management import CommandError, call_command
from django.utils import timezone

from django_smartcar.exceptions import AuthenticationException
from django_smartcar.models import SmartcarAccount, VehicleCommand
from django_smartcar.services import commands
from django_smartcar.simulator import store

from ...mock_api import TOKEN

pytestmark = pytest.mark.django_db

PAIR = {"access_token": "access-1", "refresh_token": "refresh-1", "expires_in": 7200, "token_type": "Bearer"}


def run(*args):
    out = StringIO()
    try:
        call_command("refresh_smartcar_tokens", *args, stdout=out, no_color=True)
    except CommandError as error:
        return out.getvalue().splitlines(), str(error)
    return out.getvalue().splitlines(), None


def test_the_token_of_the_application_is_refreshed_too(smartcar, connect_driver):
    connect_driver()
    assert run()[0] == ["0 refreshed, 0 failed, 0 waiting for their driver to connect again"]
    lines, error = run("--within", "60")
    assert lines[0].startswith(f"application {store.M2M_CLIENT_ID}: refreshed, good until ")
    assert store.counters["application_tokens"] == 2
    assert error is None
    assert run("--within", "60", "--dry-run")[0][0].endswith(": would be refreshed")


def test_wrong_credentials_fail_the_run(smartcar, settings):
    settings.SMARTCAR_CLIENT_SECRET = "wrong"
    lines, error = run()
    assert lines == [
        f"application {store.M2M_CLIENT_ID}: not refreshed, will be tried again (invalid_client)"
    ]
    assert error.startswith("0 refreshed, 1 failed")


@pytest.fixture
def accounts(make_account, anna):
    """Create accounts that expire in ten and in ninety minutes, and one with a rejected refresh token."""
    minutes = {"soon": 10, "later": 90, "dead": 10}
    rows = {
        name: make_account(
            anna, access_for=timedelta(minutes=minutes[name]), refresh_token=f"refresh-of-{name}"
        )
        for name in minutes
    }
    SmartcarAccount.objects.filter(pk=rows["dead"].pk).update(reconnect_required_at=timezone.now())
    return rows


def exchanged_tokens(mock_api):
    return [form["refresh_token"] for form in mock_api.exchanges]


def test_due_tokens_are_refreshed_with_a_line_each_and_a_summary(accounts, mock_api):
    mock_api.tokens()
    lines, error = run()
    assert exchanged_tokens(mock_api) == ["refresh-of-soon"]
    assert lines[0].startswith(f"Smartcar account {accounts['soon'].pk}: refreshed, good until ")
    assert lines[1] == "1 refreshed, 0 failed, 1 waiting for their driver to connect again"
    assert error is None


def test_within_refreshes_tokens_that_expire_later(accounts, mock_api):
    mock_api.tokens()
    run("--within", "120")
    assert sorted(exchanged_tokens(mock_api)) == ["refresh-of-later", "refresh-of-soon"]


def test_all_refreshes_everything_but_rejected_refresh_tokens(accounts, mock_api):
    mock_api.tokens()
    run("--all")
    assert sorted(exchanged_tokens(mock_api)) == ["refresh-of-later", "refresh-of-soon"]


def test_a_dry_run_sends_no_request(accounts, mock_api):
    lines, error = run("--dry-run", "--all")
    assert not mock_api.mock.calls
    assert [line.split(": ")[1] for line in lines[:2]] == ["would be refreshed"] * 2
    assert lines[2:] == ["2 would be refreshed, 1 waiting for their driver to connect again"]
    assert error is None


def test_a_run_without_due_tokens_succeeds(mock_api, db):
    assert run() == (["0 refreshed, 0 failed, 0 waiting for their driver to connect again"], None)


def test_a_rejected_refresh_token_fails_the_run_once_and_is_not_tried_again(accounts, mock_api):
    mock_api.tokens_fail(description="Invalid refresh_token: refresh-of-soon.")
    lines, error = run()
    assert lines == [f"Smartcar account {accounts['soon'].pk}: needs its driver to connect again"]
    assert error == "0 refreshed, 1 failed, 2 waiting for their driver to connect again"
    lines, error = run()
    assert error is None
    assert len(mock_api.sent("POST")) == 1


def test_a_network_fault_fails_the_run_and_is_tried_again(accounts, mock_api):
    mock_api.mock.add("POST", TOKEN, body=requests.ConnectionError())
    _, error = run()
    assert error == "0 refreshed, 1 failed, 1 waiting for their driver to connect again"
    mock_api.tokens()
    _, error = run()
    assert error is None
    assert exchanged_tokens(mock_api) == ["refresh-of-soon"]


def test_one_account_that_fails_does_not_stop_the_others(accounts, mock_api):
    mock_api.tokens_fail(403, "access_denied")
    mock_api.tokens()
    lines, error = run("--all")
    assert error == "1 refreshed, 1 failed, 1 waiting for their driver to connect again"
    assert "will be tried again" in lines[0]


def test_a_token_that_no_key_decrypts_does_not_stop_the_others(
    accounts, make_account, bert, mock_api, lose_key
):
    lose_key()
    make_account(bert, "driver-b", access_for=timedelta(minutes=20), refresh_token="refresh-of-bert")
    mock_api.tokens()
    lines, error = run()
    assert exchanged_tokens(mock_api) == ["refresh-of-bert"]
    assert any("will be tried again (DecryptionError)" in line for line in lines)
    assert error == "1 refreshed, 1 failed, 1 waiting for their driver to connect again"


def test_no_token_is_printed(accounts, mock_api):
    mock_api.tokens_fail(description="Invalid refresh_token: refresh-of-soon.")
    lines, error = run("--all")
    assert "refresh-of" not in "".join(lines) + error


@pytest.mark.parametrize("minutes", ["-5", "soon", "1.5", "99999999999"])
def test_invalid_minutes_are_refused(minutes):
    _, error = run("--within", minutes)
    assert "is not a number of minutes" in error


@pytest.mark.parametrize("smartcar", ["2.0"], indirect=True)
def test_a_token_that_smartcar_has_rejected_is_due(smartcar, connect_driver):
    vehicle = connect_driver().vehicles[0]
    store.state().access_tokens.clear()
    with pytest.raises(AuthenticationException):
        commands.send(vehicle, "lock")
    lines, _ = run()
    assert lines[0].startswith(f"{vehicle.account}: refreshed, good until ")


@pytest.mark.parametrize("option", ["--concurrency", "--limit"])
def test_zero_is_refused(option):
    assert "is not a number of" in run(option, "0")[1]


def test_each_token_is_refreshed_once_even_if_the_new_one_is_due(accounts, mock_api):
    """A new token expires in two hours, which is within the five hours of ``--within``."""
    mock_api.tokens()
    run("--within", "300")
    assert len(mock_api.exchanges) == 2


def test_expired_locks_are_refreshed_first(accounts, mock_api):
    """The refresh token may have been used and then works for a short time only, so it cannot wait."""
    expired = {"refresh_lease": uuid.uuid4(), "refresh_lease_until": timezone.now() - timedelta(seconds=1)}
    SmartcarAccount.objects.filter(pk=accounts["later"].pk).update(**expired)
    mock_api.tokens()
    run("--limit", "1")
    assert exchanged_tokens(mock_api) == ["refresh-of-later"]
    run()
    assert exchanged_tokens(mock_api) == ["refresh-of-later", "refresh-of-soon"]


def test_a_locked_row_is_skipped(accounts, mock_api):
    held = {"refresh_lease": uuid.uuid4(), "refresh_lease_until": timezone.now() + timedelta(seconds=50)}
    SmartcarAccount.objects.filter(pk=accounts["soon"].pk).update(**held)
    lines, error = run()
    assert lines[0].endswith(": skipped (refreshed elsewhere)")
    assert lines[1].startswith("0 refreshed, 0 failed, 1 skipped (refreshed elsewhere), ")
    assert error is None
    assert not mock_api.mock.calls


def test_a_row_that_is_no_longer_due_is_skipped(accounts, mock_api):
    """Both rows are read at once; while the first is exchanged, another process refreshes the second."""

    def respond(request):
        others = SmartcarAccount.objects.filter(refresh_lease=None, reconnect_required_at=None)
        now = timezone.now()
        others.update(token_version=1, access_expires_at=now + timedelta(hours=2), refreshed_at=now)
        return 200, {}, json.dumps(PAIR)

    mock_api.mock.add_callback("POST", TOKEN, respond, content_type="application/json")
    lines, _ = run("--all")
    assert len(mock_api.sent("POST")) == 1
    assert lines[1].endswith(": skipped (refreshed elsewhere)")


def test_an_invalidated_token_is_refreshed(accounts, mock_api):
    """Otherwise the refresh token of an inactive driver would expire after sixty days."""
    SmartcarAccount.objects.filter(pk=accounts["later"].pk).update(access_token="", access_expires_at=None)
    mock_api.tokens()
    run()
    assert sorted(exchanged_tokens(mock_api)) == ["refresh-of-later", "refresh-of-soon"]


def test_the_run_waits_and_retries_after_a_429(accounts, mock_api, clock):
    mock_api.mock.add("POST", TOKEN, status=429, json={}, headers={"Retry-After": "2"})
    mock_api.tokens()
    lines, error = run()
    assert round(clock.elapsed, 3) >= 2
    assert lines[1].startswith("1 refreshed, 0 failed, ")
    assert error is None


def test_the_run_ends_if_retry_after_is_too_long(accounts, mock_api):
    mock_api.mock.add("POST", TOKEN, status=429, json={"type": "RATE_LIMIT"}, headers={"Retry-After": "3600"})
    lines, error = run("--all")
    assert len(mock_api.sent("POST")) == 1
    assert lines[0].endswith(": not refreshed, will be tried again (RATE_LIMIT)")
    assert error.startswith("0 refreshed, 1 failed, ")
    assert error.endswith(", stopped before the end")


def test_a_failed_account_is_listed_with_the_time_at_which_its_driver_must_reconnect(accounts, mock_api):
    ends = timezone.now() + timedelta(days=3)
    SmartcarAccount.objects.filter(pk=accounts["soon"].pk).update(refresh_expires_at=ends)
    mock_api.tokens_fail(500, "server_error")
    lines, _ = run()
    assert lines[0].endswith(
        f"; needs its driver to connect again if that fails until {ends:%Y-%m-%d %H:%M} UTC"
    )


def test_only_the_most_urgent_tokens_are_refreshed_up_to_the_limit(accounts, make_account, anna, mock_api):
    for _ in range(9):
        make_account(anna, refresh_token="refresh-of-another")
    mock_api.tokens()
    lines, _ = run("--all", "--limit", "1")
    assert exchanged_tokens(mock_api) == ["refresh-of-soon"]


def test_jitter_delays_the_start(accounts, mock_api, monkeypatch, clock):
    monkeypatch.setattr("random.uniform", lambda least, most: most)
    mock_api.tokens()
    run("--jitter", "1")
    assert round(clock.elapsed, 3) >= 1


def test_json_outputs_json_lines(accounts, mock_api):
    mock_api.tokens()
    mock_api.tokens_fail()
    lines, error = run("--all", "--json")
    *rows, last = map(json.loads, lines)
    assert {row["smartcaraccount"] for row in rows} == {accounts["soon"].pk, accounts["later"].pk}
    assert sorted(row["outcome"] for row in rows) == ["needs driver", "refreshed"]
    (good,) = [row for row in rows if row["outcome"] == "refreshed"]
    assert datetime.fromisoformat(good["access_expires_at"]) > timezone.now()
    summary = last["summary"]
    assert summary.pop("seconds") >= 0
    assert summary == {
        "refreshed": 1, "failed": 0, "needs_driver": 1, "skipped": 0, "due": 0, "enqueued": 0,
        "waiting": 2, "stopped": False,
    }  # fmt: skip
    assert error.startswith("1 refreshed, 1 failed, ")


class Terminal(StringIO):
    def isatty(self):
        return True


def test_a_terminal_shows_a_progress_bar_and_the_failures(accounts, mock_api):
    mock_api.tokens()
    mock_api.tokens_fail()
    screen = Terminal()
    with pytest.raises(CommandError):
        call_command("refresh_smartcar_tokens", "--all", stdout=screen, no_color=True)
    output = screen.getvalue()
    assert f"\r{'█' * 30} 2 of 2\n" in output
    assert output.count("needs its driver to connect again\n") == 1
    assert "good until" not in output


def test_a_missing_task_backend_is_named(accounts, monkeypatch):
    monkeypatch.setitem(sys.modules, "django_smartcar.tasks.celery", None)
    assert run("--enqueue", "celery")[1].endswith("; run: pip install 'django-smartcar[celery]'")


def test_a_pending_command_of_a_dead_process_is_expired_but_not_by_a_dry_run(smartcar, connect_driver):
    record = commands.send(connect_driver().vehicles[0], "lock")
    long_ago = timezone.now() - timedelta(hours=1)
    columns = {"status": "pending", "finished_at": None, "created_at": long_ago}
    VehicleCommand.objects.update(**columns, lease=uuid4(), lease_until=long_ago)
    run("--dry-run")
    record.refresh_from_db()
    assert record.status == "pending"
    run()
    record.refresh_from_db()
    assert record.status == "unknown"
