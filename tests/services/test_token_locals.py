"""No local variable of the code for tokens and sessions shows a secret to an error tracker."""

from datetime import timedelta

import pytest
import requests
from django.utils import timezone

from django_smartcar.services import _authenticated_calls, client, sync, tokens, vehicles

from ..mock_api import TOKEN
from .test_secret_locals import Bug, assert_hidden, fail

pytestmark = pytest.mark.django_db

SECRETS = ("access-0", "refresh-0", "access-1", "refresh-1")

FAILURES = {
    "500": {"status": 500, "json": {}},
    "429": {"status": 429, "json": {"type": "RATE_LIMIT"}},
    "timeout": {"body": requests.ReadTimeout()},
    "refused": {"body": requests.ConnectionError()},
    "malformed": {"status": 200, "body": "<html>"},
    "rejected": {"status": 400, "json": {"error": "invalid_grant"}},
    "bug": {"body": Bug()},
}


@pytest.fixture
def due(make_account, anna):
    return make_account(anna, access_for=timedelta(0))


@pytest.mark.parametrize("failure", FAILURES)
def test_a_failed_exchange_shows_no_token_and_no_client_secret(due, mock_api, settings, failure):
    settings.SMARTCAR_CLIENT_SECRET = "c1ient-secret-of-the-site"
    mock_api.mock.add("POST", TOKEN, **FAILURES[failure])
    with pytest.raises(Exception) as raised:  # noqa: PT011 (any of them)
        tokens.access_token(due)
    assert_hidden(raised.value, *SECRETS, "c1ient-secret-of-the-site", at="_exchange")


def test_a_bug_after_an_exchange_shows_no_token(due, mock_api, monkeypatch):
    mock_api.tokens()
    monkeypatch.setattr(tokens._refresh_lock, "write", fail)
    with pytest.raises(Bug) as raised:
        tokens.access_token(due)
    assert_hidden(raised.value, *SECRETS, at="_exchange")


def test_a_bug_after_an_exchange_of_the_applications_token_shows_no_token(smartcar, monkeypatch, settings):
    monkeypatch.setattr(tokens._refresh_lock, "write", fail)
    with pytest.raises(Bug) as raised:
        _authenticated_calls.as_application(fail)
    token = raised.traceback[-2].frame.f_locals["row"].access_token.reveal()
    assert len(token) > 10
    assert_hidden(raised.value, token, settings.SMARTCAR_CLIENT_SECRET, at="_exchange")


@pytest.mark.parametrize(
    "use",
    [
        lambda vehicle: _authenticated_calls.as_driver(vehicle.account, fail),
        lambda vehicle: _authenticated_calls.open_session(vehicle).call(fail),
        vehicles.odometer,
    ],
    ids=["driver", "session", "read"],
)
def test_a_bug_in_a_request_shows_no_token(vehicle, monkeypatch, use):
    monkeypatch.setattr(client.sdk.Vehicle, "read_with_signals", fail)
    with pytest.raises(Bug) as raised:
        use(vehicle)
    assert_hidden(raised.value, *SECRETS, at="_call_with_token")


def test_a_bug_in_a_thread_of_a_sync_shows_no_token(vehicle, monkeypatch):
    monkeypatch.setattr(client.sdk.Vehicle, "batch_with_signals", fail)
    with pytest.raises(Bug) as raised:
        sync.VehicleSync(print).run(timezone.now(), concurrency=2)
    assert_hidden(raised.value, *SECRETS, at="BatchReader._send")
