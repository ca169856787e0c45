"""Checks of the credentials, against the simulator or with mocked responses."""

import re
from datetime import timedelta

import pytest
import requests
from django.utils import timezone

from django_smartcar.diagnostics import credentials
from django_smartcar.models import ApplicationToken, SmartcarAccount
from django_smartcar.services import tokens
from django_smartcar.services.tokens import _refresh_lock
from django_smartcar.simulator import store
from django_smartcar.simulator.access import application_tokens
from django_smartcar.simulator.faults import injection
from tests.mock_api import TOKEN as AUTH_URL

pytestmark = pytest.mark.django_db

IAM_URL = "https://iam.smartcar.com/oauth2/token"
MANAGEMENT_URL = "https://management.smartcar.com/v2.0/management/connections"

both_versions = pytest.mark.parametrize("smartcar", ["2.0", "3"], indirect=True)
api_v2 = pytest.mark.parametrize("smartcar", ["2.0"], indirect=True)


class TestApi3:
    @pytest.fixture
    def iam(self, mock_api, settings):
        """Mock the token endpoint of API v3."""
        settings.SMARTCAR_API_VERSION = "3"
        settings.SMARTCAR_IAM_URL = IAM_URL

        def mock_response(**options):
            mock_api.mock.add("POST", IAM_URL, **options)

        return mock_response

    def test_a_token_is_issued_and_works(self, find, smartcar):
        assert [found[:2] for found in find(credentials.api_3)] == [
            ("ok", "Smartcar issues a token for the client id and secret"),
            ("ok", "the vehicle API accepts the token"),
        ]

    def test_a_stored_token_does_not_hide_a_wrong_secret(self, find_one, smartcar, settings):
        tokens.refresh(tokens.application())
        before = ApplicationToken.objects.get()
        settings.SMARTCAR_CLIENT_SECRET = "of another application"
        outcome, text, hint = find_one(credentials.api_3)
        assert (outcome, text) == (
            "wrong",
            "Smartcar rejects SMARTCAR_CLIENT_ID and SMARTCAR_CLIENT_SECRET (invalid_client)",
        )
        assert "API Credentials in Smartcar's dashboard" in hint
        after = ApplicationToken.objects.get()
        assert (after.access_token, after.refresh_lease) == (before.access_token, None)

    def test_the_new_token_is_stored_for_all_workers(self, find, smartcar):
        tokens.refresh(tokens.application())
        before = ApplicationToken.objects.get()
        find(credentials.api_3)
        after = ApplicationToken.objects.get()
        assert after.access_token != before.access_token
        assert application_tokens.is_valid(after.access_token.reveal())
        assert store.counters["application_tokens"] == 2

    def test_another_process_is_refreshing_the_token(self, find_one, smartcar, monkeypatch):
        monkeypatch.setattr(_refresh_lock, "MAX_EXCHANGE", timedelta(seconds=0.1))
        tokens.application()
        ApplicationToken.objects.update(refresh_lease_until=timezone.now() + timedelta(minutes=1))
        assert find_one(credentials.api_3)[0] == "not checked"
        assert store.counters["application_tokens"] == 0

    def test_the_vehicle_api_belongs_to_another_smartcar(self, find, smartcar, mock_api, settings):
        mock_api.mock.add_passthru(settings.SMARTCAR_IAM_URL)
        settings.SMARTCAR_VEHICLE_API_URL = "https://vehicle.api.smartcar.com"
        mock_api.mock.add("GET", "https://vehicle.api.smartcar.com/v3/connections", status=401, json={})
        _, (outcome, text, hint) = find(credentials.api_3)
        assert (outcome, text.startswith("the vehicle API rejects the new token")) == ("wrong", True)
        assert "belong to the same Smartcar" in hint

    def test_the_vehicle_api_does_not_respond(self, find, smartcar, context):
        context.unreachable = {"SMARTCAR_VEHICLE_API_URL"}
        assert [outcome for outcome, _, _ in find(credentials.api_3)] == ["ok", "not checked"]

    def test_the_vehicle_api_fails(self, find, smartcar):
        injection.set_fault("SERVER:INTERNAL", "connections")
        _, (outcome, text, _) = find(credentials.api_3)
        assert (outcome, text) == ("wrong", "SMARTCAR_VEHICLE_API_URL responds with 500 INTERNAL")

    @pytest.mark.parametrize(
        ("options", "text"),
        [
            ({"body": "<h1>Welcome</h1>"}, "responds with 200 InvalidResponseException"),
            ({"status": 404, "body": "<h1>No</h1>"}, "responds with 404 "),
            ({"status": 502}, "responds with 502 "),
            (
                {"body": requests.ConnectionError()},
                "SMARTCAR_IAM_URL: the connection is closed without a response",
            ),
        ],
    )
    def test_another_server_responds(self, find_one, iam, options, text):
        iam(**options)
        outcome, said, hint = find_one(credentials.api_3)
        assert (outcome, text in said) == ("wrong", True)
        assert hint

    def test_too_many_requests(self, find_one, iam):
        iam(status=429, json={})
        assert find_one(credentials.api_3)[0] == "not checked"

    @pytest.mark.parametrize(
        "changes",
        [
            {"SMARTCAR_API_VERSION": "2.0"},
            {"SMARTCAR_CLIENT_ID": ""},
            {"SMARTCAR_CLIENT_SECRET": ""},
            {"SMARTCAR_ENCRYPTION_KEYS": []},
        ],
    )
    def test_no_request_is_sent_if_it_cannot_succeed(self, find_one, smartcar, settings, changes):
        for name, value in changes.items():
            setattr(settings, name, value)
        before = len(smartcar.requests)
        assert find_one(credentials.api_3)[0] == "not checked"
        assert len(smartcar.requests) == before

    def test_the_host_does_not_respond(self, find_one, smartcar, context):
        context.unreachable = {"SMARTCAR_IAM_URL"}
        assert find_one(credentials.api_3)[:2] == (
            "not checked",
            "SMARTCAR_IAM_URL does not respond: see network",
        )


class TestApi2:
    @both_versions
    def test_the_credentials_are_accepted(self, find_one, smartcar):
        assert find_one(credentials.api_2)[:2] == ("ok", "Smartcar accepts the client id and secret")

    @pytest.mark.parametrize(
        ("smartcar", "prefix"), [("2.0", "SMARTCAR_"), ("3", "SMARTCAR_V2_")], indirect=["smartcar"]
    )
    def test_the_secret_is_wrong(self, find_one, smartcar, settings, prefix):
        setattr(settings, f"{prefix}CLIENT_SECRET", "of another application")
        outcome, text, hint = find_one(credentials.api_2)
        assert (outcome, text) == (
            "wrong",
            f"Smartcar rejects {prefix}CLIENT_ID and {prefix}CLIENT_SECRET (invalid_client)",
        )
        assert "Configuration → Application details" in hint

    @api_v2
    def test_no_refresh_token_of_a_driver_is_used(self, find_one, smartcar, connect_driver):
        connect_driver()
        before = SmartcarAccount.objects.get()
        find_one(credentials.api_2)
        after = SmartcarAccount.objects.get()
        assert (after.refresh_token, after.token_version) == (before.refresh_token, before.token_version)
        assert tokens.refresh(after)

    def test_a_rejection_without_a_code_is_recognized(self, find_one, mock_api):
        mock_api.mock.add(
            "POST", AUTH_URL, status=400, json={"error_description": "Invalid refresh_token: x."}
        )
        assert find_one(credentials.api_2)[0] == "ok"

    @pytest.mark.parametrize("options", [{"body": "<h1>Welcome</h1>"}, {"status": 404}, {"status": 400}])
    def test_another_server_responds(self, find_one, mock_api, options):
        mock_api.mock.add("POST", AUTH_URL, **options)
        outcome, text, hint = find_one(credentials.api_2)
        assert (outcome, text.startswith("SMARTCAR_AUTH_URL responds with ")) == ("wrong", True)
        assert "does not respond like Smartcar" in hint

    def test_a_server_that_accepts_any_refresh_token_is_not_smartcar(self, find_one, mock_api):
        mock_api.tokens()
        assert find_one(credentials.api_2)[:2] == (
            "wrong",
            "Smartcar issued tokens for an invalid refresh token",
        )

    def test_no_account_needs_api_v2(self, find_one, settings):
        settings.SMARTCAR_API_VERSION = "3"
        assert find_one(credentials.api_2)[0] == "not checked"

    def test_accounts_need_api_v2(self, find_one, settings, account):
        settings.SMARTCAR_API_VERSION = "3"
        outcome, text, hint = find_one(credentials.api_2)
        assert (outcome, text) == ("wrong", "the client id and secret are not set, and accounts need them: 1")
        assert "Set SMARTCAR_V2_CLIENT_ID and SMARTCAR_V2_CLIENT_SECRET" in hint

    def test_the_host_does_not_respond(self, find_one, context):
        context.unreachable = {"SMARTCAR_AUTH_URL"}
        assert find_one(credentials.api_2)[:2] == (
            "not checked",
            "SMARTCAR_AUTH_URL does not respond: see network",
        )


class TestManagement:
    @both_versions
    def test_each_token_is_accepted(self, find, smartcar):
        assert [found[:2] for found in find(credentials.management)] == [
            ("ok", "Smartcar accepts token 1 of 1")
        ]

    @both_versions
    def test_a_rejected_token_is_an_error_only_if_it_is_the_first(self, find, smartcar, settings):
        settings.SMARTCAR_MANAGEMENT_TOKENS = ["of-yesterday", store.MANAGEMENT_TOKEN, "older-still"]
        found = find(credentials.management)
        assert [one[:2] for one in found] == [
            ("wrong", "Smartcar rejects token 1 of 3 (401)"),
            ("ok", "Smartcar accepts token 2 of 3"),
            ("warning", "Smartcar rejects token 3 of 3 (401)"),
        ]
        assert "Application Management Token" in found[0][2]

    @pytest.mark.parametrize("given", [[], "a-text"])
    def test_no_token_is_set(self, find_one, settings, given):
        settings.SMARTCAR_MANAGEMENT_TOKENS = given
        assert find_one(credentials.management)[0] == "not checked"

    @pytest.mark.parametrize(("version", "outcome"), [("2.0", "wrong"), ("3", "not checked")])
    def test_a_failure_is_no_error_on_a_site_without_api_v2(
        self, find_one, mock_api, settings, version, outcome
    ):
        settings.SMARTCAR_API_VERSION = version
        settings.SMARTCAR_MANAGEMENT_TOKENS = ["t"]
        mock_api.mock.add("GET", MANAGEMENT_URL, status=404, body="gone")
        found = find_one(credentials.management)
        assert found[0] == outcome
        assert "SMARTCAR_MANAGEMENT_URL responds with 404" in found[1]

    def test_a_password_in_a_url_is_not_shown(self, find_one, mock_api, settings):
        settings.SMARTCAR_API_VERSION = "2.0"
        settings.SMARTCAR_MANAGEMENT_TOKENS = ["t"]
        settings.SMARTCAR_MANAGEMENT_URL = "https://operator:hush@proxy.example"
        mock_api.mock.add("GET", re.compile(r"https://.*proxy\.example/"), status=404, body="gone")
        found = find_one(credentials.management)
        assert "(https://proxy.example)" in found[2]
        assert "hush" not in str(found)

    def test_the_host_does_not_respond(self, find_one, context, settings):
        settings.SMARTCAR_MANAGEMENT_TOKENS = ["t"]
        context.unreachable = {"SMARTCAR_MANAGEMENT_URL"}
        assert find_one(credentials.management)[0] == "not checked"
