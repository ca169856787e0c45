from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
import requests
import urllib3
from django.test.utils import override_settings

from django_smartcar import sdk
from django_smartcar.diagnostics import hosts

pytestmark = pytest.mark.django_db

#: The hosts in the settings of the tests, with API v2.
CONNECT, AUTH, API = ("https://connect.smartcar.com", "https://auth.smartcar.com", "https://api.smartcar.com")


@pytest.fixture
def mock_host(mock_api):
    """Mock the response of a host, with a clock offset in seconds, or a connection error."""

    def mock_host(origin, ahead=0.0, *, status=404, fault=None, date=None):
        then = datetime.now(UTC) + timedelta(seconds=ahead)
        headers = {"Date": date or format_datetime(then, usegmt=True)} if date != "" else {}
        options = {"body": fault} if fault else {"status": status, "headers": headers}
        mock_api.mock.add("GET", f"{origin}/", **options)

    return mock_host


@pytest.fixture
def all_hosts_respond(mock_host):
    for origin in (CONNECT, AUTH, API):
        mock_host(origin)


def connection_error(reason):
    return requests.ConnectionError(urllib3.exceptions.MaxRetryError(None, "/", reason))


@pytest.mark.parametrize(
    ("changes", "names"),
    [
        ({}, ["CONNECT", "AUTH", "API"]),
        ({"SMARTCAR_CLIENT_SECRET": ""}, ["CONNECT"]),
        ({"SMARTCAR_API_VERSION": "3"}, ["CONNECT", "IAM", "VEHICLE_API"]),
        (
            {"SMARTCAR_API_VERSION": "3", "SMARTCAR_V2_CLIENT_ID": "i", "SMARTCAR_V2_CLIENT_SECRET": "s"},
            ["CONNECT", "IAM", "VEHICLE_API", "AUTH", "API"],
        ),
        ({"SMARTCAR_MANAGEMENT_TOKENS": ["t"]}, ["CONNECT", "AUTH", "API", "MANAGEMENT"]),
        (
            {"SMARTCAR_API_VERSION": "3", "SMARTCAR_WEBHOOKS": ["w"]},
            ["CONNECT", "IAM", "VEHICLE_API", "MANAGEMENT_API"],
        ),
    ],
)
def test_the_hosts_that_the_settings_use(changes, names):
    with override_settings(**changes):
        assert hosts.settings_in_use() == [f"SMARTCAR_{name}_URL" for name in names]


def test_any_response_is_fine(find, mock_host, context):
    mock_host(CONNECT, status=302)
    mock_host(AUTH, status=405)
    mock_host(API, status=500)
    assert find(hosts.hosts) == [("ok", f"{origin} responds", "") for origin in (CONNECT, AUTH, API)]
    assert context.unreachable == set()


def test_settings_of_one_host_are_one_request(find, mock_host, settings):
    for name in hosts.settings_in_use():
        setattr(settings, name, "http://127.0.0.1:8100/simulator")
    mock_host("http://127.0.0.1:8100")
    assert len(find(hosts.hosts)) == 1


@pytest.mark.parametrize(
    ("reason", "text", "hint"),
    [
        (
            urllib3.exceptions.NameResolutionError("h", None, OSError()),
            "its name cannot be",
            "getent hosts auth",
        ),
        (
            urllib3.exceptions.NewConnectionError(None, ""),
            "refuses the connection",
            "auth.smartcar.com, port 443",
        ),
        (urllib3.exceptions.ConnectTimeoutError(), "did not respond within 10 seconds", "HTTPS_PROXY"),
        (urllib3.exceptions.SSLError("bad"), "the TLS handshake fails", "does not support TLS"),
        (urllib3.exceptions.ProxyError("no", OSError()), "proxy does not let", "NO_PROXY"),
        (
            urllib3.exceptions.ProtocolError("reset"),
            "the connection is closed without a response",
            "curl -v https://auth",
        ),
    ],
)
def test_a_host_that_does_not_respond(find, mock_host, context, reason, text, hint):
    mock_host(CONNECT)
    mock_host(AUTH, fault=connection_error(reason))
    mock_host(API)
    outcome, message, actual_hint = find(hosts.hosts)[1]
    assert (outcome, message.startswith(f"{AUTH}: ")) == ("wrong", True)
    assert text in message
    assert hint in actual_hint
    assert context.unreachable == {"SMARTCAR_AUTH_URL"}


def test_there_is_a_hint_for_every_fault():
    words = {
        value for name, value in vars(sdk.failures).items() if name.isupper() and not name.startswith("_")
    }
    assert set(hosts.FAULTS) == words


def test_a_missing_certificate_bundle(find, monkeypatch, settings):
    for name in hosts.settings_in_use():
        setattr(settings, name, "https://127.0.0.1:1")
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/not/there.pem")
    ((outcome, text, hint),) = find(hosts.hosts)
    assert (outcome, "trusted certificates" in text, "REQUESTS_CA_BUNDLE" in hint) == (
        "wrong",
        True,
        True,
    )


def test_an_unreachable_connect_host_is_only_a_warning(find, mock_host):
    mock_host(CONNECT, fault=connection_error(urllib3.exceptions.ConnectTimeoutError()))
    mock_host(AUTH)
    mock_host(API)
    outcome, _, hint = find(hosts.hosts)[0]
    assert (outcome, hint.startswith("Only users' browsers need this host")) == ("warning", True)


@pytest.mark.parametrize("address", ["", "auth.smartcar.com", "https://[", "https://a:b"])
def test_an_invalid_url_is_not_requested(find, mock_host, settings, address, context):
    settings.SMARTCAR_AUTH_URL = address
    mock_host(CONNECT)
    mock_host(API)
    assert ("not checked", "SMARTCAR_AUTH_URL is not a URL: see settings", "") in find(hosts.hosts)
    assert context.unreachable == {"SMARTCAR_AUTH_URL"}


class TestClock:
    def check_clock(self, find, find_one):
        find(hosts.hosts)
        return find_one(hosts.clock)

    def test_the_clock_is_in_sync(self, find, find_one, all_hosts_respond):
        assert self.check_clock(find, find_one) == ("ok", "in sync with Smartcar, to the second", "")

    @pytest.mark.parametrize("ahead", [-50, 50])
    def test_a_small_offset_is_ok(self, find, find_one, mock_host, ahead):
        for origin in (CONNECT, AUTH, API):
            mock_host(origin, ahead)
        outcome, text, _ = self.check_clock(find, find_one)
        assert outcome == "ok"
        assert text in ("49 s off Smartcar's clock", "50 s off Smartcar's clock", "51 s off Smartcar's clock")

    @pytest.mark.parametrize(
        ("ahead", "where", "then"),
        [(184, "s behind Smartcar's", "used after"), (-184, "s ahead of", "too early")],
    )
    def test_a_large_offset_is_wrong(self, find, find_one, mock_host, ahead, where, then):
        for origin in (CONNECT, AUTH, API):
            mock_host(origin, ahead)
        outcome, text, hint = self.check_clock(find, find_one)
        assert outcome == "wrong"
        assert where in text
        assert any(f" {seconds} s " in text for seconds in (183, 184, 185))
        assert then in hint
        assert "timedatectl set-ntp true" in hint

    def test_one_deviating_host_is_ignored(self, find, find_one, mock_host):
        mock_host(CONNECT, 3600)
        mock_host(AUTH)
        mock_host(API)
        assert self.check_clock(find, find_one)[0] == "ok"

    @pytest.mark.parametrize("date", ["", "yesterday", "Wed, 99 Nov 2026 02:00:00 GMT"])
    def test_no_host_sends_a_valid_date(self, find, find_one, mock_host, date):
        for origin in (CONNECT, AUTH, API):
            mock_host(origin, date=date)
        assert self.check_clock(find, find_one)[0] == "not checked"


def test_a_password_in_a_url_is_not_shown(find, mock_host, settings):
    settings.SMARTCAR_AUTH_URL = "https://anna:hidden@auth.smartcar.com/oauth/token"
    for origin in (CONNECT, AUTH, API):
        mock_host(origin)
    assert find(hosts.hosts)[1] == ("ok", f"{AUTH} responds", "")
