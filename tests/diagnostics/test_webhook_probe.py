"""Probing the site's webhook: with the real view, and with mocked responses of a proxy before it."""

import json
import re

import pytest
import requests
import urllib3
from django.db import OperationalError, connection

from django_smartcar.diagnostics import webhook_probe
from django_smartcar.models import WebhookEndpoint, WebhookEvent
from django_smartcar.services import webhooks
from tests.webhooks import TOKEN, post, sign

pytestmark = pytest.mark.django_db

HOOK = "https://your.site/cars/webhook/"
OTHER = "an-unguessable-endpoint-name"


@pytest.fixture(autouse=True)
def site(settings):
    settings.SMARTCAR_MANAGEMENT_TOKENS = [TOKEN]


@pytest.fixture
def view(mock_api, client):
    """Let the real view respond at https://your.site, with these settings."""

    def serve(settings=None, **changes):
        def respond(request):
            kept = {name: getattr(settings, name, None) for name in changes}
            for name, value in changes.items():
                setattr(settings, name, value)
            body = request.body if isinstance(request.body, bytes) else request.body.encode()
            response = post(
                client, body, path=request.path_url, signature=request.headers.get("SC-Signature", "")
            )
            for name, value in kept.items():
                setattr(settings, name, value)
            return response.status_code, dict(response.headers), response.content

        mock_api.mock.add_callback("POST", re.compile(r"https://your\.site/.*"), respond)

    return serve


@pytest.fixture
def before(mock_api):
    """Mock the response of a proxy before the view."""

    def serve(status=200, body="<h1>Welcome</h1>", **options):
        mock_api.mock.add("POST", HOOK, status=status, body=body, **options)

    return serve


def outcomes(found):
    return [outcome for outcome, _, _ in found]


class TestTheView:
    def test_no_problem(self, find, view):
        view()
        assert find(webhook_probe.webhook) == [
            ("ok", f"{HOOK} answers VERIFY with token 1 of 1", ""),
            ("ok", f"{HOOK} accepts requests signed with token 1 of 1", ""),
            ("ok", f"{HOOK} rejects unsigned requests", ""),
        ]
        assert not WebhookEvent.objects.exists()
        assert WebhookEndpoint.objects.get().refused == 1

    def test_the_site_has_another_token(self, find, view, settings):
        view(settings, SMARTCAR_MANAGEMENT_TOKENS=["another"])
        found = find(webhook_probe.webhook)
        assert outcomes(found) == ["wrong", "wrong", "ok"]
        assert "a token that is not in this command's settings" in found[0][1]
        assert "rejects requests signed with token 1 of 1" in found[1][1]
        assert "restart every process" in found[0][2]
        assert "removes the header SC-Signature" in found[1][2]

    def test_the_site_has_the_tokens_in_another_order(self, find, view, settings):
        settings.SMARTCAR_MANAGEMENT_TOKENS = ["new", TOKEN]
        view(settings, SMARTCAR_MANAGEMENT_TOKENS=[TOKEN, "new"])
        found = find(webhook_probe.webhook)
        assert outcomes(found) == ["warning", "ok", "ok", "ok"]
        assert "with token 2 of 2" in found[0][1]

    def test_the_site_has_no_token(self, find, view, settings):
        view(settings, SMARTCAR_MANAGEMENT_TOKENS=[])
        found = find(webhook_probe.webhook)
        assert outcomes(found) == ["wrong", "wrong", "ok"]
        assert "refuses to answer VERIFY" in found[0][1]

    def test_challenges_are_disabled(self, find, view, settings):
        settings.SMARTCAR_WEBHOOK_CHALLENGES = False
        view()
        found = find(webhook_probe.webhook)
        assert outcomes(found) == ["ok", "ok", "ok"]
        assert "does not answer VERIFY" in found[0][1]

    def test_challenges_signed_with_an_unknown_token_are_rate_limited(
        self, find, view, monkeypatch, settings
    ):
        monkeypatch.setattr(webhooks, "MAX_CHALLENGES", 1)
        view(settings, SMARTCAR_MANAGEMENT_TOKENS=["another"])
        assert outcomes(find(webhook_probe.webhook)) == ["wrong", "wrong", "ok"]
        assert outcomes(find(webhook_probe.webhook)) == ["not checked", "wrong", "ok"]

    def test_signed_challenges_are_not_rate_limited(self, find, view, monkeypatch):
        monkeypatch.setattr(webhooks, "MAX_CHALLENGES", 0)
        view()
        assert outcomes(find(webhook_probe.webhook)) == ["ok", "ok", "ok"]

    def test_the_site_cannot_store_events(self, find_one, view, settings):
        def broken(execute, sql, params, many, context):
            raise OperationalError("gone")

        view()
        with connection.execute_wrapper(broken):
            outcome, text, hint = find_one(webhook_probe.webhook)
        assert (outcome, text) == ("wrong", f"{HOOK} cannot store events (503)")
        assert "its log has the error" in hint

    def test_every_endpoint_is_probed_and_no_name_is_shown(self, find, view, settings):
        settings.SMARTCAR_WEBHOOK_TOKENS = {OTHER: ["of-another-application"]}
        view()
        found = find(webhook_probe.webhook)
        assert outcomes(found) == ["ok"] * 6
        assert "https://your.site/cars/webhook/an-u…/ rejects unsigned requests" in found[5][1]
        assert OTHER not in str(found)

    def test_no_endpoint_name_is_shown_if_the_connection_fails(self, find, view, settings, mock_api):
        settings.SMARTCAR_WEBHOOK_TOKENS = {OTHER: ["of-another-application"]}
        settings.SMARTCAR_MANAGEMENT_TOKENS = []
        mock_api.mock.add("POST", f"{HOOK}{OTHER}/", body=requests.ConnectionError("broken"))
        ((outcome, _, hint),) = found = find(webhook_probe.webhook)
        assert (outcome, "Try curl -v https://your.site." in hint) == ("wrong", True)
        assert OTHER not in str(found)

    def test_an_endpoint_that_the_running_site_does_not_have(self, find, view, settings):
        settings.SMARTCAR_WEBHOOK_TOKENS = {OTHER: ["of-another-application"]}
        view(settings, SMARTCAR_WEBHOOK_TOKENS={})
        outcome, text, hint = find(webhook_probe.webhook)[3]
        assert (outcome, "responds with 404" in text) == ("wrong", True)
        assert "the same SMARTCAR_WEBHOOK_TOKENS" in hint


class TestProxy:
    @pytest.mark.parametrize(
        ("status", "expected"),
        [
            (200, "Another page is served there"),
            (400, "ALLOWED_HOSTS"),
            (401, "asks for a password"),
            (403, "checks CSRF or logins"),
            (404, "includes django_smartcar.urls"),
            (405, "POST is not allowed"),
            (500, "its log has the error"),
            (502, "its log has the error"),
            (503, "its log has the error"),
        ],
    )
    def test_a_page(self, find_one, before, status, expected):
        before(status)
        outcome, text, hint = find_one(webhook_probe.webhook)
        assert (outcome, text) == ("wrong", f"{HOOK} responds with {status}, and not as django_smartcar does")
        assert expected in hint

    @pytest.mark.parametrize("body", ["{}", "[]", '{"ok": true}', "null", '{"challenge": "x", "more": 1}'])
    def test_json_of_another_view(self, find_one, before, body):
        before(200, body, content_type="application/json")
        assert "not as django_smartcar does" in find_one(webhook_probe.webhook)[1]

    @pytest.mark.parametrize(
        ("location", "expected"),
        [
            ("http://your.site/cars/webhook/", "Use http://"),
            ("http://www.your.site/cars/webhook/", "Use the host www.your.site"),
            ("https://www.your.site/cars/webhook/", "Use the host www.your.site"),
            ("https://your.site/cars/webhook", "adds or removes a trailing slash"),
            ("/cars/webhook", "adds or removes a trailing slash"),
            (HOOK, "SECURE_PROXY_SSL_HEADER"),
            ("/login/?next=/cars/webhook/", "A middleware requires a login"),
            ("/de/cars/webhook/", "serve the webhook at this URL itself"),
        ],
    )
    def test_a_redirect(self, find_one, before, location, expected):
        before(301, "", headers={"Location": location})
        outcome, text, hint = find_one(webhook_probe.webhook)
        assert (outcome, text.startswith(f"{HOOK} redirects to ")) == ("wrong", True)
        assert "?next" not in text
        assert expected in hint
        assert "Smartcar treats a redirect as a failure" in hint

    def test_a_login_at_the_root_does_not_match_every_redirect(self, find_one, before, settings):
        settings.LOGIN_URL = "/"
        before(301, "", headers={"Location": "https://www.your.site/cars/webhook/"})
        assert "Use the host www.your.site" in find_one(webhook_probe.webhook)[2]

    @pytest.mark.parametrize("location", ["https://[", "https://your.site:port/"])
    def test_a_redirect_to_an_invalid_url(self, find_one, before, location):
        before(302, "", headers={"Location": location})
        assert find_one(webhook_probe.webhook)[0] == "wrong"

    def test_the_site_is_unreachable(self, find_one, before):
        reason = urllib3.exceptions.NameResolutionError("your.site", None, OSError())
        before(body=requests.ConnectionError(urllib3.exceptions.MaxRetryError(None, "/", reason)))
        outcome, text, hint = find_one(webhook_probe.webhook)
        assert (outcome, text) == ("wrong", f"{HOOK}: its name cannot be resolved here")
        assert "getent hosts your.site" in hint
        assert "Smartcar, in another network, may still reach it" in hint

    @pytest.mark.parametrize(
        "rewrite",
        [
            lambda body: json.dumps(json.loads(body), ensure_ascii=False).encode(),
            lambda body: body.decode().encode("ascii", "backslashreplace"),
        ],
        ids=["spaces", "letters"],
    )
    def test_a_proxy_that_rewrites_json(self, find, mock_api, rewrite):
        def respond(request):
            body = rewrite(request.body)
            payload = json.loads(request.body)
            if isinstance(payload, dict):
                hashed = sign(payload["data"]["challenge"].encode())
                return 200, {}, json.dumps({"challenge": hashed})
            is_good = sign(body) == request.headers.get("SC-Signature")
            return 400 if is_good else 401, {}, "{}"

        mock_api.mock.add_callback("POST", HOOK, respond)
        found = find(webhook_probe.webhook)
        assert outcomes(found) == ["ok", "wrong", "ok"]
        assert "a proxy changes the body" in found[1][2]

    def test_a_server_that_accepts_everything(self, find, mock_api):
        def respond(request):
            payload = json.loads(request.body)
            hashed = sign(payload["data"]["challenge"].encode()) if isinstance(payload, dict) else ""
            return 200, {}, json.dumps({"challenge": hashed} if hashed else {})

        mock_api.mock.add_callback("POST", HOOK, respond)
        found = find(webhook_probe.webhook)
        assert outcomes(found) == ["ok", "wrong", "wrong"]
        assert f"{HOOK} responds with 200 to an unsigned request" in found[2][1]

    def test_a_server_that_stops_responding(self, find, mock_api):
        def respond(request):
            payload = json.loads(request.body)
            if isinstance(payload, list):
                raise requests.ConnectionError
            return 200, {}, json.dumps({"challenge": sign(payload["data"]["challenge"].encode())})

        mock_api.mock.add_callback("POST", HOOK, respond)
        assert outcomes(find(webhook_probe.webhook)) == ["ok", "wrong", "wrong"]


def test_the_url_of_the_site_is_unknown(find_one, context):
    context.site = ""
    outcome, _, hint = find_one(webhook_probe.webhook)
    assert (outcome, "--url https://your.site" in hint) == ("not checked", True)


def test_no_token_is_set(find_one, settings):
    settings.SMARTCAR_MANAGEMENT_TOKENS = []
    assert find_one(webhook_probe.webhook)[0] == "not checked"


def test_the_urls_are_not_included(find_one, settings):
    settings.ROOT_URLCONF = "django_smartcar.simulator.urls"
    assert find_one(webhook_probe.webhook)[:2] == (
        "not checked",
        "django_smartcar.urls is not included: see settings",
    )
