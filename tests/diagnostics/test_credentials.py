"""Against the pretend Smartcar where it can do it, else on the wire."""

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
from tests.wire import TOKEN as AUTH_URL

pytestmark = pytest.mark.django_db

IAM_URL = "https://iam.smartcar.com/oauth2/token"
MANAGEMENT_URL = "https://management.smartcar.com/v2.0/management/connections"

both = pytest.mark.parametrize("smartcar", ["2.0", "3"], indirect=True)
older = pytest.mark.parametrize("smartcar", ["2.0"], indirect=True)


class TestApi3:
    @pytest.fixture
    def iam(self, wire, settings):
        """Smartcar's own address, with an answer of the test's."""
        settings.SMARTCAR_API_VERSION = "3"
        settings.SMARTCAR_IAM_URL = IAM_URL

        def answer(**options):
            wire.mock.add("POST", IAM_URL, **options)

        return answer

    def test_a_token_is_given_and_works(self, find, smartcar):
        assert [found[:2] for found in find(credentials.api_3)] == [
            ("ok", "Smartcar issues a token for the client id and secret"),
            ("ok", "the vehicle API accepts the token"),
        ]

    def test_a_good_token_in_store_does_not_hide_a_wrong_secret(self, find_one, smartcar, settings):
        tokens.refresh(tokens.application())
        before = ApplicationToken.objects.get()
        settings.SMARTCAR_CLIENT_SECRET = "of another application"
        outcome, text, advice = find_one(credentials.api_3)
        assert (outcome, text) == (
            "wrong",
            "Smartcar rejects SMARTCAR_CLIENT_ID and SMARTCAR_CLIENT_SECRET (invalid_client)",
        )
        assert "API Credentials in Smartcar's dashboard" in advice
        after = ApplicationToken.objects.get()
        assert (after.access_token, after.refresh_lease) == (before.access_token, None)

    def test_the_new_token_is_kept_for_every_worker(self, find, smartcar):
        tokens.refresh(tokens.application())
        before = ApplicationToken.objects.get()
        find(credentials.api_3)
        after = ApplicationToken.objects.get()
        assert after.access_token != before.access_token
        assert application_tokens.is_valid(str(after.access_token))
        assert store.counters["application_tokens"] == 2

    def test_another_process_is_renewing_it(self, find_one, smartcar, monkeypatch):
        monkeypatch.setattr(_refresh_lock, "LEASE", timedelta(seconds=0.1))
        tokens.application()
        ApplicationToken.objects.update(refresh_lease_until=timezone.now() + timedelta(minutes=1))
        assert find_one(credentials.api_3)[0] == "not checked"
        assert store.counters["application_tokens"] == 0

    def test_the_vehicle_api_is_of_another_smartcar(self, find, smartcar, wire, settings):
        wire.mock.add_passthru(settings.SMARTCAR_IAM_URL)
        settings.SMARTCAR_VEHICLE_API_URL = "https://vehicle.api.smartcar.com"
        wire.mock.add("GET", "https://vehicle.api.smartcar.com/v3/connections", status=401, json={})
        _, (outcome, text, advice) = find(credentials.api_3)
        assert (outcome, text.startswith("the vehicle API rejects the new token")) == ("wrong", True)
        assert "belong to the same Smartcar" in advice

    def test_the_vehicle_api_does_not_answer(self, find, smartcar, context):
        context.unreachable = {"SMARTCAR_VEHICLE_API_URL"}
        assert [outcome for outcome, _, _ in find(credentials.api_3)] == ["ok", "not checked"]

    def test_the_vehicle_api_has_trouble(self, find, smartcar):
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
    def test_somebody_else_answers(self, find_one, iam, options, text):
        iam(**options)
        outcome, said, advice = find_one(credentials.api_3)
        assert (outcome, text in said) == ("wrong", True)
        assert advice

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
    def test_it_is_not_asked_in_vain(self, find_one, smartcar, settings, changes):
        for name, value in changes.items():
            setattr(settings, name, value)
        before = len(smartcar.asked)
        assert find_one(credentials.api_3)[0] == "not checked"
        assert len(smartcar.asked) == before

    def test_its_host_does_not_answer(self, find_one, smartcar, context):
        context.unreachable = {"SMARTCAR_IAM_URL"}
        assert find_one(credentials.api_3)[:2] == (
            "not checked",
            "SMARTCAR_IAM_URL does not respond: see network",
        )


class TestApi2:
    @both
    def test_the_pair_is_known(self, find_one, smartcar):
        assert find_one(credentials.api_2)[:2] == ("ok", "Smartcar accepts the client id and secret")

    @pytest.mark.parametrize(
        ("smartcar", "prefix"), [("2.0", "SMARTCAR_"), ("3", "SMARTCAR_V2_")], indirect=["smartcar"]
    )
    def test_the_secret_is_wrong(self, find_one, smartcar, settings, prefix):
        setattr(settings, f"{prefix}CLIENT_SECRET", "of another application")
        outcome, text, advice = find_one(credentials.api_2)
        assert (outcome, text) == (
            "wrong",
            f"Smartcar rejects {prefix}CLIENT_ID and {prefix}CLIENT_SECRET (invalid_client)",
        )
        assert "Configuration → Application details" in advice

    @older
    def test_no_refresh_token_of_a_driver_is_used(self, find_one, smartcar, drives):
        drives()
        before = SmartcarAccount.objects.get()
        find_one(credentials.api_2)
        after = SmartcarAccount.objects.get()
        assert (after.refresh_token, after.token_version) == (before.refresh_token, before.token_version)
        assert tokens.refresh(after)

    def test_a_refusal_that_says_less_is_understood(self, find_one, wire):
        wire.mock.add("POST", AUTH_URL, status=400, json={"error_description": "Invalid refresh_token: x."})
        assert find_one(credentials.api_2)[0] == "ok"

    @pytest.mark.parametrize("options", [{"body": "<h1>Welcome</h1>"}, {"status": 404}, {"status": 400}])
    def test_somebody_else_answers(self, find_one, wire, options):
        wire.mock.add("POST", AUTH_URL, **options)
        outcome, text, advice = find_one(credentials.api_2)
        assert (outcome, text.startswith("SMARTCAR_AUTH_URL responds with ")) == ("wrong", True)
        assert "does not respond like Smartcar" in advice

    def test_somebody_who_gives_tokens_for_nothing_is_not_smartcar(self, find_one, wire):
        wire.tokens()
        assert find_one(credentials.api_2)[:2] == (
            "wrong",
            "Smartcar issued tokens for an invalid refresh token",
        )

    def test_nobody_needs_it(self, find_one, settings):
        settings.SMARTCAR_API_VERSION = "3"
        assert find_one(credentials.api_2)[0] == "not checked"

    def test_accounts_need_it(self, find_one, settings, account):
        settings.SMARTCAR_API_VERSION = "3"
        outcome, text, advice = find_one(credentials.api_2)
        assert (outcome, text) == ("wrong", "the client id and secret are not set, and accounts need them: 1")
        assert "Set SMARTCAR_V2_CLIENT_ID and SMARTCAR_V2_CLIENT_SECRET" in advice

    def test_its_host_does_not_answer(self, find_one, context):
        context.unreachable = {"SMARTCAR_AUTH_URL"}
        assert find_one(credentials.api_2)[:2] == (
            "not checked",
            "SMARTCAR_AUTH_URL does not respond: see network",
        )


class TestManagement:
    @both
    def test_each_token_is_taken(self, find, smartcar):
        assert [found[:2] for found in find(credentials.management)] == [
            ("ok", "Smartcar accepts token 1 of 1")
        ]

    @both
    def test_a_refused_one_is_wrong_if_it_is_the_one_that_is_sent(self, find, smartcar, settings):
        settings.SMARTCAR_MANAGEMENT_TOKENS = ["of-yesterday", store.MANAGEMENT_TOKEN, "older-still"]
        found = find(credentials.management)
        assert [one[:2] for one in found] == [
            ("wrong", "Smartcar rejects token 1 of 3 (401)"),
            ("ok", "Smartcar accepts token 2 of 3"),
            ("warning", "Smartcar rejects token 3 of 3 (401)"),
        ]
        assert "Application Management Token" in found[0][2]

    @pytest.mark.parametrize("given", [[], "a-text"])
    def test_there_is_none(self, find_one, settings, given):
        settings.SMARTCAR_MANAGEMENT_TOKENS = given
        assert find_one(credentials.management)[0] == "not checked"

    @pytest.mark.parametrize(("version", "outcome"), [("2.0", "wrong"), ("3", "not checked")])
    def test_where_nothing_else_speaks_2_0_its_end_is_no_fault(
        self, find_one, wire, settings, version, outcome
    ):
        settings.SMARTCAR_API_VERSION = version
        settings.SMARTCAR_MANAGEMENT_TOKENS = ["t"]
        wire.mock.add("GET", MANAGEMENT_URL, status=404, body="gone")
        found = find_one(credentials.management)
        assert found[0] == outcome
        assert "SMARTCAR_MANAGEMENT_URL responds with 404" in found[1]

    def test_a_password_in_an_address_is_not_told(self, find_one, wire, settings):
        settings.SMARTCAR_API_VERSION = "2.0"
        settings.SMARTCAR_MANAGEMENT_TOKENS = ["t"]
        settings.SMARTCAR_MANAGEMENT_URL = "https://operator:hush@proxy.example"
        wire.mock.add("GET", re.compile(r"https://.*proxy\.example/"), status=404, body="gone")
        found = find_one(credentials.management)
        assert "(https://proxy.example)" in found[2]
        assert "hush" not in str(found)

    def test_its_host_does_not_answer(self, find_one, context, settings):
        settings.SMARTCAR_MANAGEMENT_TOKENS = ["t"]
        context.unreachable = {"SMARTCAR_MANAGEMENT_URL"}
        assert find_one(credentials.management)[0] == "not checked"
