from datetime import timedelta

import pytest
from django.utils import timezone

from django_smartcar.diagnostics import background_jobs, webhook_probe
from django_smartcar.models import (
    ApplicationToken,
    SmartcarAccount,
    VehicleCommand,
    WebhookEndpoint,
    WebhookEvent,
)
from django_smartcar.services import command_outcomes, commands
from tests.webhooks import TOKEN, event, post

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def site(settings):
    settings.SMARTCAR_MANAGEMENT_TOKENS = [TOKEN]
    settings.SMARTCAR_WEBHOOK_WORK = "command"


class TestSignatures:
    def test_no_webhook_was_received(self, find_one):
        assert find_one(background_jobs.signatures)[:2] == ("not checked", "no webhook has been received yet")

    def test_the_last_signature_was_valid(self, find_one, client):
        post(client, event(), token="another")
        post(client, event())
        outcome, text, _ = find_one(background_jobs.signatures)
        assert outcome == "ok"
        assert "webhook: the last signature was valid, for token 1, at " in text

    def test_no_signature_was_ever_valid(self, find_one, client):
        post(client, event(), token="another")
        outcome, text, hint = find_one(background_jobs.signatures)
        assert outcome == "wrong"
        assert "there was never a valid signature; 1 rejected, the last at " in text
        assert text.endswith("…, 64 characters")
        assert "Application Management Token" in hint
        assert "a proxy changes the body" in hint

    def test_no_signature_was_valid_since(self, find_one, client):
        post(client, event())
        WebhookEvent.objects.update(received_at=timezone.now() - timedelta(hours=3))
        post(client, event(), token="another")
        outcome, text, _ = find_one(background_jobs.signatures)
        since = timezone.now() - timedelta(hours=3)
        assert outcome == "wrong"
        assert f"no valid signature since {since:%Y-%m-%d}" in text

    def test_a_signature_of_the_wrong_length(self, find_one, client):
        post(client, event(), signature="sha1=abc")
        assert "8 characters instead of 64" in find_one(background_jobs.signatures)[1]

    def test_a_request_without_a_signature_is_only_a_warning(self, find_one, client):
        post(client, event(), token="")
        outcome, text, hint = find_one(background_jobs.signatures)
        assert (outcome, "without a signature" in text, "SC-Signature" in hint) == (
            "warning",
            True,
            True,
        )

    @pytest.mark.parametrize(
        ("body", "token"),
        [(webhook_probe.UNSIGNED, ""), (webhook_probe.NO_EVENT, "another")],
        ids=["unsigned", "other"],
    )
    def test_rejected_requests_of_check_smartcar_do_not_count(self, find_one, client, body, token):
        assert post(client, body, token=token).status_code == 401
        assert WebhookEndpoint.objects.get().refused == 1
        assert find_one(background_jobs.signatures)[0] == "not checked"
        post(client, event())
        WebhookEvent.objects.update(received_at=timezone.now() - timedelta(hours=3))
        assert find_one(background_jobs.signatures)[0] == "ok"

    def test_rejected_requests_of_check_smartcar_do_not_hide_others(self, find_one, client):
        post(client, event(), token="another")
        before = WebhookEndpoint.objects.values_list("refused_at", "refused_size").get()
        post(client, webhook_probe.UNSIGNED, token="")
        assert find_one(background_jobs.signatures)[0] == "wrong"
        assert WebhookEndpoint.objects.values_list("refused_at", "refused_size").get() == before

    def test_each_endpoint_has_its_own_result(self, find, client, settings):
        settings.SMARTCAR_WEBHOOK_TOKENS = {"an-unguessable-endpoint-name": ["other-token"]}
        post(client, event())
        post(client, event(), path="/cars/webhook/an-unguessable-endpoint-name/")
        found = find(background_jobs.signatures)
        assert [outcome for outcome, _, _ in found] == ["ok", "wrong"]
        assert found[1][1].startswith("webhook/an-u…: there was never a valid signature")


class TestEventQueue:
    def test_no_event_is_due(self, find_one):
        assert find_one(background_jobs.event_queue)[:2] == (
            "ok",
            "no event has been due for longer than 5 minutes",
        )

    def test_a_new_event_is_not_overdue(self, find_one, client):
        post(client, event())
        assert find_one(background_jobs.event_queue)[0] == "ok"

    @pytest.mark.parametrize(
        ("mode", "expected"),
        [
            ("command", "Start manage.py work_smartcar_events"),
            ("inline", "--once from cron"),
            ("tasks", "db_worker"),
            ("celery", "Celery worker"),
            ("unknown", "SMARTCAR_WEBHOOK_WORK is unknown"),
        ],
    )
    def test_events_are_overdue(self, find_one, client, settings, mode, expected):
        for _ in range(2):
            post(client, event())
        settings.SMARTCAR_WEBHOOK_WORK = mode
        since = timezone.now() - timedelta(minutes=6)
        WebhookEvent.objects.update(next_attempt_at=since)
        outcome, text, hint = find_one(background_jobs.event_queue)
        assert (outcome, text) == (
            "wrong",
            f"events that are not processed: 2, the oldest since {since:%Y-%m-%d %H:%M} UTC",
        )
        assert expected in hint

    def test_dead_events(self, find, client):
        post(client, event())
        WebhookEvent.objects.update(state="dead", next_attempt_at=None)
        _, (outcome, text, hint) = find(background_jobs.event_queue)
        assert (outcome, text) == ("wrong", "dead events, given up after the last attempt: 1")
        assert "Run again" in hint
        assert "prune_smartcar_events --dead" in hint


class TestCommandQueue:
    @pytest.fixture(autouse=True)
    def waiting(self, vehicle, anna, settings):
        settings.SMARTCAR_COMMAND_EXECUTION = "command"
        return commands.enqueue(vehicle, "lock", actor=anna)

    def age(self, **age):
        VehicleCommand.objects.update(created_at=timezone.now() - timedelta(**age))

    def test_a_new_command_is_not_late(self, find_one):
        assert find_one(background_jobs.command_queue)[:2] == (
            "ok",
            "no command of the last hour has waited too long",
        )

    @pytest.mark.parametrize(
        ("mode", "expected"),
        [
            ("thread", "SMARTCAR_COMMAND_THREADS"),
            ("command", "Start manage.py work_smartcar_commands"),
            ("tasks", "db_worker"),
            ("celery", "--pool threads"),
            ("inline", "another value of SMARTCAR_COMMAND_EXECUTION"),
            ("unknown", "SMARTCAR_COMMAND_EXECUTION is unknown"),
        ],
    )
    @pytest.mark.parametrize("has_expired", [False, True])
    def test_nobody_sends_commands(self, find_one, settings, mode, expected, has_expired):
        self.age(minutes=2)
        if has_expired:
            assert command_outcomes.expire() == 1
        settings.SMARTCAR_COMMAND_EXECUTION = mode
        outcome, text, hint = find_one(background_jobs.command_queue)
        assert (outcome, text) == ("wrong", "commands of the last hour that were not sent in time: 1")
        assert expected in hint

    def test_while_others_are_sent_it_is_a_warning(self, find_one, make_vehicle, account, anna):
        self.age(minutes=2)
        other = commands.enqueue(make_vehicle(account, "car-2"), "lock", actor=anna)
        VehicleCommand.objects.filter(pk=other.pk).update(sent_at=timezone.now(), status="succeeded")
        assert find_one(background_jobs.command_queue)[0] == "warning"

    def test_what_happened_hours_ago_is_not_reported(self, find_one):
        self.age(hours=2)
        command_outcomes.expire()
        assert find_one(background_jobs.command_queue)[0] == "ok"


class TestTokenRefresh:
    def test_no_token_is_overdue(self, find_one, account):
        assert find_one(background_jobs.token_refresh)[:2] == ("ok", "no token is overdue")

    def test_tokens_are_not_refreshed(self, find_one, make_account, anna):
        make_account(anna, access_for=-timedelta(hours=1))
        make_account(anna, access_for=-timedelta(hours=5))
        ended = timezone.now() - timedelta(hours=5)
        outcome, text, hint = find_one(background_jobs.token_refresh)
        assert (outcome, text) == (
            "wrong",
            f"expired tokens that are not refreshed: 2, the oldest expired at {ended:%Y-%m-%d %H:%M} UTC",
        )
        assert "refresh_smartcar_tokens from cron" in hint

    def test_refreshing_fails(self, find_one, make_account, anna):
        make_account(anna, access_for=-timedelta(hours=1), refresh_error="invalid_client")
        assert "the last attempt failed: invalid_client" in find_one(background_jobs.token_refresh)[1]

    @pytest.mark.parametrize(
        "changes",
        [
            {"access_for": -timedelta(minutes=10)},
            {"access_for": -timedelta(hours=5), "reconnect_required_at": timezone.now()},
            {"access_for": -timedelta(hours=5), "api_version": "3"},
        ],
    )
    def test_accounts_that_are_not_overdue(self, find_one, make_account, anna, changes):
        make_account(anna, **changes)
        assert find_one(background_jobs.token_refresh)[0] == "ok"

    def test_the_application_token_is_expired(self, find_one, settings):
        settings.SMARTCAR_CLIENT_ID = "client_x"
        ended = timezone.now() - timedelta(hours=1)
        ApplicationToken.objects.create(client_id="client_x", access_token="a", access_expires_at=ended)
        outcome, _, hint = find_one(background_jobs.token_refresh)
        assert (outcome, "refresh_smartcar_tokens from cron" in hint) == ("warning", True)


def test_accounts_that_must_be_connected_again(find_one, account):
    assert find_one(background_jobs.accounts)[0] == "ok"
    SmartcarAccount.objects.update(reconnect_required_at=timezone.now())
    outcome, text, hint = find_one(background_jobs.accounts)
    assert (outcome, text.startswith("accounts that their driver must connect again: 1, since ")) == (
        "warning",
        True,
    )
    assert "reconnect_required" in hint


def test_vehicles_whose_brand_requires_a_new_login(find, make_vehicle, account):
    make_vehicle(account, reauthentication_required_at=timezone.now())
    make_vehicle(
        account, "car-2", reauthentication_required_at=timezone.now(), disconnected_at=timezone.now()
    )
    _, (outcome, text, hint) = find(background_jobs.accounts)
    assert (outcome, text) == ("warning", "vehicles whose brand requires a new login: 1")
    assert "button" in hint


class TestSubscribed:
    def test_the_setting_is_empty(self, find_one, vehicle):
        assert find_one(background_jobs.subscribed)[:2] == (
            "ok",
            "SMARTCAR_WEBHOOKS is empty: subscriptions are managed in Smartcar's dashboard",
        )

    def test_all_vehicles_are_subscribed(self, find_one, make_vehicle, account, settings):
        settings.SMARTCAR_WEBHOOKS = ["webhook-1"]
        make_vehicle(account, webhooks="webhook-1")
        assert find_one(background_jobs.subscribed)[0] == "ok"

    def test_a_vehicle_is_not_subscribed(self, find_one, make_vehicle, account, settings):
        settings.SMARTCAR_WEBHOOKS = ["webhook-1"]
        make_vehicle(account, webhooks="webhook-1")
        make_vehicle(account, "car-2", webhooks_error="RATE_LIMIT")
        outcome, text, hint = find_one(background_jobs.subscribed)
        assert (outcome, text) == (
            "wrong",
            "vehicles that are not subscribed as SMARTCAR_WEBHOOKS says: 1; the last attempt failed: "
            "RATE_LIMIT",
        )
        assert "subscribe_smartcar_vehicles" in hint
