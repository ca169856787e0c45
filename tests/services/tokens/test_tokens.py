import time
from datetime import timedelta
from unittest import mock

import pytest
import requests
from django.db.models import ExpressionWrapper, F, TextField, Value
from django.utils import timezone
from django.views.debug import ExceptionReporter

from django_smartcar import signals
from django_smartcar.exceptions import (
    AuthenticationException,
    DecryptionError,
    NoResponseException,
    ReconnectRequired,
    RefreshInProgress,
    SmartcarException,
    ValidationException,
)
from django_smartcar.models import SmartcarAccount
from django_smartcar.services import client, tokens
from django_smartcar.services.tokens import _refresh_lock

from ...mock_api import TOKEN
from ...raw_server import dripping, serving

pytestmark = pytest.mark.django_db


@pytest.fixture
def due(make_account, anna):
    """Create an account whose access token expires within the margin."""
    return make_account(anna, access_for=timedelta(minutes=4))


@pytest.fixture
def announced():
    """Return the accounts for which `reconnect_required` was sent."""
    accounts = []

    def receive(sender, account, **kwargs):
        accounts.append(account)

    signals.reconnect_required.connect(receive)
    yield accounts
    signals.reconnect_required.disconnect(receive)


def test_a_valid_token_needs_no_query_and_no_request(account, mock_api, django_assert_num_queries):
    with django_assert_num_queries(0):
        assert tokens.access_token(account) == "access-0"
    assert not mock_api.mock.calls


def test_a_token_within_the_margin_is_exchanged_before_it_is_used(due, mock_api):
    mock_api.tokens()
    assert tokens.access_token(due) == "access-1"
    assert mock_api.exchanges == [{"grant_type": "refresh_token", "refresh_token": "refresh-0"}]


def test_the_new_token_pair_is_stored_with_its_expiry_times(due, mock_api):
    mock_api.tokens()
    tokens.refresh(due)
    row = SmartcarAccount.objects.get()
    assert (row.access_token, row.refresh_token, row.token_version) == ("access-1", "refresh-1", 1)
    assert timedelta(minutes=119) < row.access_expires_at - timezone.now() <= timedelta(hours=2)
    assert timedelta(days=59) < row.refresh_expires_at - timezone.now() <= timedelta(days=60)
    assert row.refresh_lease is None
    assert row.refresh_lease_until is None


def test_an_exchange_without_contention_takes_two_queries(due, mock_api, django_assert_num_queries):
    mock_api.tokens()
    with django_assert_num_queries(2):
        assert tokens.refresh(due)
    assert (due.access_token, due.refresh_token, due.token_version) == ("access-1", "refresh-1", 1)


@pytest.mark.parametrize("deferred", [(), ("access_token", "refresh_token")])
def test_saving_a_stale_instance_does_not_restore_a_used_token(due, mock_api, deferred):
    mock_api.tokens()
    stale = SmartcarAccount.objects.defer(*deferred).get()
    tokens.refresh(due)
    stale.mode = "test"
    stale.save()
    row = SmartcarAccount.objects.get()
    assert (row.mode, row.access_token, row.refresh_token, row.token_version) == (
        "test",
        "access-1",
        "refresh-1",
        1,
    )


def test_saving_an_instance_does_not_load_or_write_deferred_fields(due, django_assert_num_queries):
    copy = SmartcarAccount.objects.only("mode").get()
    copy.mode = "test"
    with django_assert_num_queries(1):
        copy.save()
    assert SmartcarAccount.objects.get().mode == "test"


def test_a_copied_instance_is_saved_with_its_tokens(due):
    due.pk = None
    due.save()
    assert SmartcarAccount.objects.get(pk=due.pk).refresh_token == "refresh-0"


def test_a_stale_instance_gets_the_tokens_that_another_process_stored(due, mock_api):
    mock_api.tokens()
    stale = SmartcarAccount.objects.get()
    tokens.refresh(due)
    assert tokens.access_token(stale) == "access-1"
    assert len(mock_api.exchanges) == 1


def test_waiting_for_another_process_times_out_with_refresh_in_progress(due, mock_api, monkeypatch):
    monkeypatch.setattr(_refresh_lock, "MAX_EXCHANGE", timedelta(seconds=0.1))
    SmartcarAccount.objects.update(refresh_lease_until=timezone.now() + timedelta(minutes=1))
    with pytest.raises(RefreshInProgress):
        tokens.refresh(due)
    assert not mock_api.mock.calls


def test_the_expired_lock_of_a_dead_process_is_taken_over(due, mock_api):
    mock_api.tokens()
    SmartcarAccount.objects.update(refresh_lease_until=timezone.now() - timedelta(seconds=1))
    assert tokens.access_token(due) == "access-1"


def test_a_dead_refresh_token_marks_the_account_once(due, mock_api, announced):
    mock_api.tokens_fail()
    for _ in range(2):
        with pytest.raises(ReconnectRequired):
            tokens.access_token(SmartcarAccount.objects.get())
    row = SmartcarAccount.objects.get()
    assert row.reconnect_required_at is not None
    assert row.refresh_error == "invalid_grant"
    assert announced == [row]
    assert len(mock_api.sent("POST")) == 1


def test_an_unauthorized_client_is_recorded_and_logged_with_its_reason(due, mock_api, caplog):
    reason = "Application not authorized to requested make(s): SEAT"
    mock_api.tokens_fail(400, "unauthorized_client", f"{reason} refresh-0 {'x' * 300}")
    assert tokens.access_token(due) == "access-0"
    recorded = SmartcarAccount.objects.get().refresh_error
    assert recorded.startswith(f"unauthorized_client: {reason} [removed] xxx")
    assert f"unauthorized_client: {reason}" in caplog.text


@pytest.mark.parametrize(
    ("status", "error", "raised"),
    [(401, "invalid_client", AuthenticationException), (400, "invalid_request", ValidationException)],
)
def test_wrong_client_credentials_do_not_mark_the_account(due, mock_api, announced, status, error, raised):
    mock_api.tokens_fail(status, error)
    with pytest.raises(raised):
        tokens.refresh(due)
    row = SmartcarAccount.objects.get()
    assert (row.reconnect_required_at, row.refresh_lease, row.refresh_token) == (None, None, "refresh-0")
    assert row.refresh_error == error
    assert announced == []


@pytest.mark.parametrize(
    "fault",
    [
        {"body": requests.ConnectionError()},
        {"body": requests.ReadTimeout()},
        {"body": requests.ConnectTimeout()},
        {"status": 502, "body": "<html>"},
        {"status": 429, "json": {"type": "RATE_LIMIT"}},
    ],
)
def test_a_transient_error_does_not_mark_the_account(due, mock_api, announced, fault):
    mock_api.mock.add("POST", TOKEN, **fault)
    with pytest.raises(SmartcarException):
        tokens.refresh(due)
    row = SmartcarAccount.objects.get()
    assert (row.reconnect_required_at, row.refresh_token, row.refresh_lease) == (None, "refresh-0", None)
    assert announced == []


@pytest.mark.parametrize(
    "lost",
    [{"body": requests.ReadTimeout()}, {"status": 504, "body": ""}, {"status": 200, "body": "<html>"}],
)
def test_an_exchange_whose_response_was_lost_is_retried_once_with_the_same_token(due, mock_api, lost):
    """Smartcar may have rotated the token; the old one works only during its grace period."""
    mock_api.mock.add("POST", TOKEN, **lost)
    mock_api.tokens()
    assert tokens.access_token(due) == "access-1"
    assert [form["refresh_token"] for form in mock_api.exchanges] == ["refresh-0"]
    assert len(mock_api.sent("POST")) == 2


def test_an_exchange_that_was_never_sent_is_not_retried(due, mock_api):
    mock_api.mock.add("POST", TOKEN, body=requests.ConnectTimeout())
    with pytest.raises(NoResponseException):
        tokens.refresh(due)
    assert len(mock_api.sent("POST")) == 1


def test_two_attempts_fit_into_the_lease_and_the_lease_into_the_grace_period(due, mock_api, settings):
    settings.SMARTCAR_TIMEOUT = 300
    mock_api.tokens()
    tokens.refresh(due)
    connect, read = mock_api.sent("POST")[0].req_kwargs["timeout"]
    assert 2 * (connect + read) == client.MAX_EXCHANGE_SECONDS
    assert timedelta(seconds=client.MAX_EXCHANGE_SECONDS) < _refresh_lock.MAX_EXCHANGE < timedelta(seconds=60)


def test_an_exchange_whose_response_drips_ends_in_time(due, settings):
    settings.SMARTCAR_TIMEOUT = 0.5
    start = b"HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n"
    with serving(dripping(start, b" ")) as server:
        settings.SMARTCAR_AUTH_URL = f"{server.url}/oauth/token"
        started = time.monotonic()
        with mock.patch.object(client, "CONNECT_TIMEOUT", 0.2), pytest.raises(NoResponseException):
            tokens.refresh(due)
        assert time.monotonic() - started < 2 * (0.5 + 0.2) + 4
        assert len(server.requests) == 2


def test_the_exchange_can_be_retried_at_once_after_an_error(due, mock_api):
    mock_api.mock.add("POST", TOKEN, body=requests.ConnectionError())
    with pytest.raises(NoResponseException):
        tokens.refresh(due)
    mock_api.tokens()
    assert tokens.access_token(due) == "access-1"


def test_invalid_grant_is_ignored_if_another_process_has_stored_new_tokens(due, mock_api):
    """The lease expires during the exchange, and another process stores a newer pair."""

    def respond(request):
        SmartcarAccount.objects.update(
            access_token="access-9", refresh_token="refresh-9", token_version=1, refresh_lease=None,
            access_expires_at=timezone.now() + timedelta(hours=2),
        )  # fmt: skip
        return 400, {}, '{"error": "invalid_grant"}'

    mock_api.mock.add_callback("POST", TOKEN, respond, content_type="application/json")
    assert tokens.access_token(due) == "access-9"
    assert SmartcarAccount.objects.get().reconnect_required_at is None


def test_an_account_without_a_refresh_token_needs_its_driver(make_account, anna, mock_api):
    with pytest.raises(ReconnectRequired):
        tokens.access_token(make_account(anna, refresh_token=""))
    assert not mock_api.mock.calls


def test_no_token_is_in_a_log_or_an_error(due, mock_api, caplog):
    caplog.set_level("DEBUG")
    mock_api.tokens_fail(description="Invalid refresh_token: refresh-0.")
    with pytest.raises(ReconnectRequired) as raised:
        tokens.refresh(due)
    shown = caplog.text + repr(raised.value) + str(raised.value.__cause__) + repr(raised.value.__cause__)
    assert "refresh-0" not in shown
    assert "refresh-0" not in repr(due) + str(due)
    assert "refresh-0" not in SmartcarAccount.objects.get().refresh_error


def test_one_session_serves_the_whole_process(settings):
    first = client.requester()
    assert client.requester() is first
    settings.SMARTCAR_TIMEOUT = 7
    assert client.requester() is not first


def test_a_stale_instance_does_not_get_an_expired_token(due, mock_api):
    mock_api.tokens()
    stale = SmartcarAccount.objects.get()
    SmartcarAccount.objects.update(
        token_version=1, access_token="ended", access_expires_at=timezone.now() - timedelta(hours=1)
    )
    assert tokens.access_token(stale) == "access-1"


def test_a_new_token_that_expires_within_the_margin_is_used(due, mock_api):
    mock_api.tokens(expires_in=60)
    assert tokens.access_token(due) == "access-1"
    assert len(mock_api.exchanges) == 1


def test_a_stale_instance_of_an_account_with_deleted_tokens_needs_reconnecting(due, mock_api):
    stale = SmartcarAccount.objects.get()
    tokens.clear_tokens_if_unused(due)
    with pytest.raises(ReconnectRequired):
        tokens.access_token(stale)
    assert not mock_api.mock.calls


def test_a_running_exchange_does_not_restore_deleted_tokens(due, mock_api):
    def respond(request):
        tokens.clear_tokens_if_unused(due)
        return (
            200,
            {},
            '{"access_token": "a", "refresh_token": "r", "expires_in": 7200, "token_type": "Bearer"}',
        )

    mock_api.mock.add_callback("POST", TOKEN, respond, content_type="application/json")
    tokens.refresh(SmartcarAccount.objects.get())
    row = SmartcarAccount.objects.get()
    assert (row.access_token, row.refresh_token) == ("", "")


def test_a_deleted_row_needs_reconnecting(due, mock_api):
    stale = SmartcarAccount.objects.get()
    due.delete()
    with pytest.raises(ReconnectRequired):
        tokens.refresh(stale)


def store_unencrypted(account, **columns):
    """Store these tokens without encryption."""
    for column, text in columns.items():
        SmartcarAccount.objects.filter(pk=account.pk).update(**{column: Value(text)})


def test_an_unencrypted_token_is_exchanged_and_the_new_one_encrypted(due, mock_api):
    store_unencrypted(due, access_token="access-0", refresh_token="refresh-0")
    mock_api.tokens()
    tokens.refresh(SmartcarAccount.objects.get())
    assert mock_api.exchanges[0]["refresh_token"] == "refresh-0"
    stored = ExpressionWrapper(F("refresh_token"), TextField())
    assert SmartcarAccount.objects.values_list(stored, flat=True).get().startswith("smartcar-siv:")
    assert SmartcarAccount.objects.get().refresh_token == "refresh-1"


def test_a_token_that_no_key_decrypts_is_not_exchanged(due, mock_api, lose_key):
    lose_key()
    row = SmartcarAccount.objects.get()
    assert not row.needs_reconnecting
    for use in (tokens.access_token, tokens.refresh):
        with pytest.raises(DecryptionError):
            use(row)
    assert not mock_api.mock.calls
    assert SmartcarAccount.objects.defer("access_token", "refresh_token").get().refresh_lease is None


def test_an_unencrypted_token_is_not_exchanged_without_encryption_keys(due, mock_api, settings):
    store_unencrypted(due, access_token="access-0", refresh_token="refresh-0")
    settings.SMARTCAR_ENCRYPTION_KEYS = []
    with pytest.raises(DecryptionError):
        tokens.refresh(SmartcarAccount.objects.get())
    assert not mock_api.mock.calls


def test_tokens_that_no_key_decrypts_can_be_deleted(due, lose_key):
    lose_key()
    tokens.clear_tokens_if_unused(SmartcarAccount.objects.get())
    assert SmartcarAccount.objects.get().refresh_token == ""


def test_error_reports_hide_the_tokens(due, mock_api, settings, rf):
    """Django mails the variables of every frame to ADMINS."""
    pair = ("A" * 20, "R" * 20)  # made of parts: a report quotes the source code
    response = {"access_token": pair[0], "refresh_token": pair[1], "expires_in": 1, "token_type": "Bearer"}
    mock_api.mock.add("POST", TOKEN, json=response)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(timezone, "now", lambda: 1 / 0)
        with pytest.raises(ZeroDivisionError) as raised:
            tokens._exchange(due, None)
    frames = raised.tb.tb_next  # without the frame of this test, which has the tokens
    report = ExceptionReporter(rf.get("/"), raised.type, raised.value, frames).get_traceback_html()
    assert "ZeroDivisionError" in report
    for secret in (*pair, due.refresh_token, settings.SMARTCAR_CLIENT_SECRET):
        assert secret not in report
