import time
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, parse_qsl, urlsplit

import pytest

from django_smartcar import sdk

from .conftest import SILENCE, Response

TOKENS = {
    "access_token": "access-1",
    "token_type": "Bearer",
    "expires_in": 7200,
    "refresh_token": "refresh-1",
}


def query_of(url):
    return dict(parse_qsl(urlsplit(url).query, strict_parsing=True))


def make(*args, **kwargs):
    return sdk.AuthClient("id", "hidden", "https://site.example/cb", *args, **kwargs)


class TestConnectUrl:
    def test_the_url_equals_that_of_the_official_sdk(self):
        url = make(["read_vin", "read_odometer"], True).get_auth_url(True, "s t&", {"make": "TESLA"})
        assert url == (
            "https://connect.smartcar.com/oauth/authorize?response_type=code&client_id=id"
            "&redirect_uri=https%3A%2F%2Fsite.example%2Fcb&approval_prompt=force&mode=test"
            "&scope=read_vin+read_odometer&state=s+t%26&make=TESLA"
        )

    def test_the_url_has_no_optional_parameters_by_default(self):
        assert query_of(make().get_auth_url()) == {
            "response_type": "code",
            "client_id": "id",
            "redirect_uri": "https://site.example/cb",
            "approval_prompt": "auto",
        }

    def test_the_url_has_the_optional_parameters(self):
        url = make().get_auth_url(
            single_select=True, flags={"country": "DE", "x": True, "y": False}, user="u", external_id="e"
        )
        assert (
            query_of(url).items()
            >= {
                "single_select": "true",
                "flags": "country:DE x:true y:false",
                "user": "u",
                "external_id": "e",
            }.items()
        )
        assert "single_select_vin" not in url

    def test_the_url_has_the_vin_if_single_select_is_one(self):
        query = query_of(make().get_auth_url(single_select="5YJSA1CN5DFP00101"))
        assert (query["single_select"], query["single_select_vin"]) == ("true", "5YJSA1CN5DFP00101")

    @pytest.mark.parametrize("nothing", [None, False, ""])
    def test_the_url_has_no_single_select_when_it_is_off(self, nothing):
        assert "single_select" not in make().get_auth_url(single_select=nothing)

    def test_the_scope_may_be_a_string(self):
        assert query_of(make("read_vin read_odometer").get_auth_url())["scope"] == "read_vin read_odometer"

    def test_the_url_may_have_another_host(self):
        url = make(connect_url="http://localhost:8100/connect/").get_auth_url()
        assert url.startswith("http://localhost:8100/connect/oauth/authorize?response_type=code")

    def test_a_make_of_none_is_ignored(self):
        assert "make" not in make().get_auth_url(vehicle_info={"make": None, "model": "3"})


class TestMode:
    @pytest.mark.parametrize(
        ("kwargs", "sent"),
        [
            ({}, None),
            ({"mode": "live"}, None),
            ({"mode": "simulated"}, "simulated"),
            ({"mode": "test"}, "test"),
            ({"test_mode": True}, "test"),
            ({"test_mode": True, "mode": "test"}, "test"),
            ({"test_mode": None}, None),
        ],
    )
    def test_the_mode_is_sent_unless_it_is_live(self, kwargs, sent):
        client = make(**kwargs)
        assert query_of(client.get_auth_url()).get("mode") == sent
        assert client.test_mode is (sent == "test")

    @pytest.mark.parametrize("mode", ["LIVE", "fake"])
    def test_an_unknown_mode_is_refused(self, mode):
        with pytest.raises(ValueError, match=mode):
            make(mode=mode)

    @pytest.mark.parametrize("mode", ["live", "simulated"])
    def test_a_mode_that_contradicts_test_mode_is_refused(self, mode):
        with pytest.raises(ValueError, match="contradicts"):
            make(test_mode=True, mode=mode)

    def test_development_selects_test_mode_with_a_warning(self):
        with pytest.warns(DeprecationWarning, match="development") as warned:
            client = make(development=True)
        assert client.mode == "test"
        assert warned[0].filename == __file__


class TestExchange:
    def test_the_exchange_of_a_code_sends_an_oauth_form(self, server, client):
        server.respond = lambda request: Response(body=TOKENS)
        client.exchange_code("the code")
        (request,) = server.requests
        assert (request.method, request.path) == ("POST", "/oauth/token")
        assert parse_qs(request.body.decode()) == {
            "grant_type": ["authorization_code"],
            "code": ["the code"],
            "redirect_uri": ["https://site.example/callback"],
        }
        assert request.header("Authorization") == "Basic Y2xpZW50LWlkOmNsaWVudC1zZWNyZXQ="
        assert request.header("Content-Type") == "application/x-www-form-urlencoded"

    def test_the_exchange_of_a_refresh_token_sends_an_oauth_form(self, server, client):
        server.respond = lambda request: Response(body=TOKENS)
        client.exchange_refresh_token("refresh-0")
        assert server.requests[0].body == b"grant_type=refresh_token&refresh_token=refresh-0"

    @pytest.mark.parametrize("exchange", ["exchange_code", "exchange_refresh_token"])
    def test_the_exchange_returns_the_response_and_the_expirations(self, server, client, exchange):
        server.respond = lambda request: Response(body={**TOKENS, "more": 1})
        before = datetime.now(UTC)
        access = getattr(client, exchange)("x")
        after = datetime.now(UTC)
        ends = access.pop("expiration")
        refresh_ends = access.pop("refresh_expiration")
        assert access == {**TOKENS, "more": 1}
        assert before <= ends - timedelta(hours=2) <= after
        assert refresh_ends - ends == timedelta(days=60) - timedelta(hours=2)
        assert ends.tzinfo is refresh_ends.tzinfo is UTC

    def test_the_expiration_counts_from_the_start_of_a_slow_request(self, server, client):
        def respond(request):
            server.received_at = datetime.now(UTC)
            return Response(body=TOKENS)

        server.respond = respond
        before = datetime.now(UTC)
        access = client.exchange_code("x")
        assert before <= access["expiration"] - timedelta(hours=2) <= server.received_at

    def test_the_request_has_the_timeout_of_a_read(self, server):
        server.respond = lambda request: SILENCE
        requester = sdk.Requester(timeout=0.3, command_timeout=9)
        client = make(requester=requester, auth_url=server.url)
        with pytest.raises(sdk.NoResponseException) as caught:
            client.exchange_refresh_token("refresh-0")
        assert server.timeouts == [(5, 0.3)]
        assert caught.value.request_sent is True
        assert len(server.requests) == 1

    @pytest.mark.parametrize("exchange", ["exchange_code", "exchange_refresh_token"])
    def test_an_invalid_grant_is_reported_without_quoting_it(self, server, client, exchange):
        description = "Invalid refresh_token: 58b128ba-8e44. client-secret"
        server.respond = lambda request: Response(
            400, {"error": "invalid_grant", "error_description": description}
        )
        with pytest.raises(sdk.ValidationException) as caught:
            getattr(client, exchange)("58b128ba-8e44")
        assert caught.value.code == "invalid_grant"
        assert str(caught.value) == caught.value.description == "Invalid refresh_token: [removed]. [removed]"

    @pytest.mark.parametrize("missing", ["access_token", "refresh_token", "expires_in"])
    def test_an_incomplete_response_is_refused_without_quoting_it(self, server, client, missing):
        body = {name: value for name, value in TOKENS.items() if name != missing}
        server.respond = lambda request: Response(body=body)
        with pytest.raises(sdk.InvalidResponseException, match=missing) as caught:
            client.exchange_code("x")
        assert "access-1" not in repr(caught.value)
        assert "refresh-1" not in repr(caught.value)

    @pytest.mark.parametrize("expires_in", ["soon", None, [], 1e300, float("nan"), float("inf"), 10**400])
    def test_an_invalid_expires_in_is_refused(self, server, client, expires_in):
        server.respond = lambda request: Response(body={**TOKENS, "expires_in": expires_in})
        with pytest.raises(sdk.InvalidResponseException):
            client.exchange_code("x")

    def test_expires_in_may_be_a_string(self, server, client):
        server.respond = lambda request: Response(body={**TOKENS, "expires_in": "7200"})
        assert not sdk.is_expired(client.exchange_code("x")["expiration"])

    @pytest.mark.parametrize("body", [b"", b"<html>access-1", b'["access-1"]', b'{"access_token": "access-1'])
    def test_a_response_that_is_no_object_is_refused_without_quoting_it(self, server, client, body):
        server.respond = lambda request: Response(body=body)
        with pytest.raises(sdk.InvalidResponseException) as caught:
            client.exchange_code("x")
        assert "access-1" not in repr(caught.value)
        assert caught.value.__suppress_context__ or caught.value.__context__ is None


class TestCompatibility:
    @pytest.mark.parametrize("compatible", [True, False])
    def test_compatibility_is_a_bool(self, server, client, compatible):
        server.respond = lambda request: Response(
            body={"compatible": compatible, "reason": None, "capabilities": []}
        )
        assert client.is_compatible("VIN", ["read_vin", "read_odometer"]) is compatible
        (request,) = server.requests
        assert request.path == "/v2.0/compatibility?vin=VIN&scope=read_vin+read_odometer"
        assert request.header("Authorization").startswith("Basic ")

    def test_the_country_is_sent(self, server, client):
        server.respond = lambda request: Response(body={"compatible": True})
        client.is_compatible("VIN", ["read_vin"], country="DE")
        assert server.requests[0].path.endswith("&country=DE")

    @pytest.mark.parametrize("body", [{}, {"compatible": "yes"}, {"compatible": 1}])
    def test_any_other_response_is_refused(self, server, client, body):
        server.respond = lambda request: Response(body=body)
        with pytest.raises(sdk.InvalidResponseException):
            client.is_compatible("VIN", ["read_vin"])


class TestApplicationAuth:
    TOKEN = {"access_token": "access-1", "token_type": "Bearer", "expires_in": 3600}

    @pytest.fixture
    def application(self, server, requester):
        url = f"{server.url}/oauth2/token"
        return sdk.ApplicationAuth("client_1", "hidden&1", requester=requester, token_url=url)

    def test_the_credentials_are_sent_only_in_the_form(self, server, application):
        server.respond = lambda request: Response(body=self.TOKEN)
        application.request_token()
        (request,) = server.requests
        assert (request.method, request.path) == ("POST", "/oauth2/token")
        assert parse_qs(request.body.decode()) == {
            "grant_type": ["client_credentials"],
            "client_id": ["client_1"],
            "client_secret": ["hidden&1"],
        }
        assert request.header("Authorization") is None

    def test_the_token_is_returned_with_its_expiration(self, server, application):
        server.respond = lambda request: Response(body={**self.TOKEN, "refresh_token": "never"})
        before = datetime.now(UTC)
        access = application.request_token()
        ends = access.pop("expiration")
        assert access == self.TOKEN
        assert before <= ends - timedelta(hours=1) <= datetime.now(UTC)
        assert ends.tzinfo is UTC

    def test_the_expiration_counts_from_the_start_of_a_slow_request(self, server, application):
        def respond(request):
            server.received_at = datetime.now(UTC)
            return Response(body=self.TOKEN)

        server.respond = respond
        before = datetime.now(UTC)
        expiration = application.request_token()["expiration"]
        assert before <= expiration - timedelta(hours=1) <= server.received_at

    def test_the_request_has_the_timeout_of_a_read(self, server):
        server.respond = lambda request: SILENCE
        requester = sdk.Requester(timeout=0.3, command_timeout=9)
        with pytest.raises(sdk.NoResponseException):
            sdk.ApplicationAuth("id", "s", requester=requester, token_url=server.url).request_token()
        assert server.timeouts == [(5, 0.3)]

    @pytest.mark.parametrize("description", ["No client_1 with hidden&1.", "No client_1 with hidden%261."])
    def test_invalid_credentials_are_reported_without_quoting_the_secret(
        self, server, application, description
    ):
        server.respond = lambda request: Response(
            401, {"error": "invalid_client", "error_description": description}
        )
        with pytest.raises(sdk.AuthenticationException) as caught:
            application.request_token()
        assert caught.value.code == "invalid_client"
        assert str(caught.value) == caught.value.description == "No client_1 with [removed]."

    @pytest.mark.parametrize("missing", ["access_token", "expires_in"])
    def test_an_incomplete_response_is_refused_without_quoting_it(self, server, application, missing):
        server.respond = lambda request: Response(
            body={name: value for name, value in self.TOKEN.items() if name != missing}
        )
        with pytest.raises(sdk.InvalidResponseException, match=missing) as caught:
            application.request_token()
        assert "access-1" not in repr(caught.value)

    def test_repr_shows_no_secret(self, application):
        assert repr(application) == "ApplicationAuth('client_1')"

    def test_the_default_url_is_smartcars(self):
        assert sdk.const.APPLICATION_TOKEN_URL == "https://iam.smartcar.com/oauth2/token"
        assert sdk.ApplicationAuth("id", "s")._token_url == sdk.const.APPLICATION_TOKEN_URL


class TestIsExpired:
    @pytest.mark.parametrize(("seconds", "expired"), [(-5, True), (5, False)])
    def test_a_datetime_is_compared_with_now(self, seconds, expired):
        when = datetime.now(UTC) + timedelta(seconds=seconds)
        assert sdk.is_expired(when) is expired

    @pytest.mark.parametrize(("seconds", "expired"), [(-5, True), (5, False)])
    def test_a_naive_datetime_is_in_utc(self, seconds, expired, monkeypatch):
        monkeypatch.setenv("TZ", "America/Los_Angeles")
        time.tzset()
        try:
            when = datetime.now(UTC).replace(tzinfo=None) + timedelta(seconds=seconds)
            assert sdk.is_expired(when) is expired
        finally:
            monkeypatch.undo()
            time.tzset()


def test_repr_shows_no_secret():
    assert repr(make()) == "AuthClient('id', redirect_uri='https://site.example/cb', mode='live')"
