"""Receiving webhooks: a signed event is stored once, with a 200; nothing else is stored."""

import json
import logging
import os
from datetime import timedelta

import pytest
import time_machine
from django.db import OperationalError, connection
from django.test import Client, override_settings
from django.utils import timezone
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from django_smartcar import sdk
from django_smartcar.models import WebhookEndpoint, WebhookEvent
from django_smartcar.services import webhooks
from django_smartcar.views.webhook import webhook
from tests.webhooks import TOKEN, event, location, odometer, post, sign, verify

pytestmark = pytest.mark.django_db
OTHER = "another-token"


@pytest.fixture(autouse=True)
def site(settings):
    settings.SMARTCAR_MANAGEMENT_TOKENS = [TOKEN]


def stored():
    return list(WebhookEvent.objects.order_by("pk"))


@pytest.mark.parametrize("path", ["/cars/webhook/", "/cars/webhook"])
def test_a_signed_event_is_stored_with_or_without_a_trailing_slash(path):
    client = Client(enforce_csrf_checks=True)
    assert post(client, event(car="car-9", event_id="e1"), path=path).status_code == 200
    (row,) = stored()
    assert (row.event_id, row.kind, row.smartcar_vehicle_id) == ("e1", "VEHICLE_STATE", "car-9")
    assert (row.state, row.key_position, row.webhook_id) == ("received", 1, "hook-1")


@pytest.mark.parametrize("method", ["get", "head", "put", "delete", "options"])
@pytest.mark.parametrize("path", ["/cars/webhook/", "/cars/webhook"])
def test_only_post_is_allowed(client, method, path):
    assert getattr(client, method)(path).status_code == 405


def test_an_event_is_stored_once_when_it_is_delivered_again(client):
    first = event(event_id="e1")
    again = {**first, "meta": {**first["meta"], "deliveryId": "d2"}}
    assert [post(client, one).status_code for one in (first, again, first)] == [200] * 3
    assert len(stored()) == 1


def test_an_event_without_an_id_is_stored_once(client):
    first = {**event(), "eventId": None}
    again = {**first, "meta": {**first["meta"], "deliveryId": "d2"}}
    assert [post(client, one).status_code for one in (first, again)] == [200, 200]
    assert len(stored()) == 1


def test_a_scheduled_event_is_stored_vehicle_by_vehicle(client):
    cars = [{"vehicleId": f"car-{number}", "data": []} for number in range(3)]
    payload = {"version": "2.0", "webhookId": "h", "eventName": "schedule", "payload": {"vehicles": cars}}
    for _ in range(2):
        assert post(client, payload).status_code == 200
    assert [row.smartcar_vehicle_id for row in stored()] == ["car-0", "car-1", "car-2"]


def test_the_stored_row_equals_that_of_djangos_own_insert(client):
    post(client, event(event_id="e1"))
    (row,) = stored()
    names = [field.attname for field in WebhookEvent._meta.concrete_fields if not field.primary_key]
    WebhookEvent.objects.bulk_create(
        [WebhookEvent(**{**{name: getattr(row, name) for name in names}, "event_id": "e2"})]
    )
    expected = WebhookEvent.objects.get(event_id="e2")
    assert {name for name in names if getattr(row, name) != getattr(expected, name)} == {"event_id"}


def test_a_new_event_has_the_models_defaults(client):
    """The insert omits columns, so the database sets their defaults."""
    post(client, event(event_id="e1"))
    (row,), blank = stored(), WebhookEvent()
    defaults = {"state", "attempts", "lease", "is_applied", "last_error", "processed_at"}
    assert {name: getattr(row, name) for name in defaults} == {
        name: getattr(blank, name) for name in defaults
    }


def test_the_event_of_one_vehicle_is_stored_as_received(client):
    body = json.dumps(event(event_id="e1"), indent=3).encode()
    assert post(client, body).status_code == 200
    assert stored()[0].payload == body.decode()


@pytest.mark.parametrize("codec", ["utf-8-sig", "utf-16", "utf-32-le"])
def test_an_event_in_another_encoding_can_be_processed(client, codec):
    payload = event(event_id="ä1")
    assert post(client, json.dumps(payload, ensure_ascii=False).encode(codec)).status_code == 200
    assert sdk.webhooks.load(stored()[0].payload) == payload


@pytest.mark.django_db(transaction=True)
def test_an_event_of_one_car_takes_one_statement(client, settings, django_assert_num_queries):
    settings.SMARTCAR_WEBHOOK_WORK = "command"
    with django_assert_num_queries(1):  # no BEGIN, no COMMIT
        post(client, event(event_id="e1"))


@pytest.mark.parametrize("token", ["", OTHER])
def test_an_unsigned_request_is_refused_and_counted(client, token, caplog):
    payload = event(location(48.137154, 11.576124, 1_790_000_000))
    for _ in range(2):
        assert post(client, payload, token).status_code == 401
    assert not stored()
    row = WebhookEndpoint.objects.get()
    assert row.refused == 2
    assert row.refused_signature_length == (64 if token else 0)
    assert row.refused_signature_start == (sign(json.dumps(payload).encode(), token)[:6] if token else "")
    assert "48.137" not in caplog.text + repr(vars(row))


def test_a_signature_of_another_body_is_refused(client):
    body = json.dumps(event()).encode()
    assert post(client, body + b" ", signature=sign(body)).status_code == 401
    assert not stored()


def test_every_token_is_tried_and_the_matching_one_is_stored(client, settings):
    settings.SMARTCAR_MANAGEMENT_TOKENS = [OTHER, TOKEN]
    assert post(client, event()).status_code == 200
    assert stored()[0].key_position == 2


@pytest.mark.parametrize("tokens", [[], [""], None, "letters", ("",)])
def test_a_site_without_tokens_accepts_nothing(client, settings, tokens):
    settings.SMARTCAR_MANAGEMENT_TOKENS = tokens
    for token in ("l", "letters"[:1], "", " "):
        body = json.dumps(event()).encode()
        assert post(client, body, signature=sign(body, token)).status_code == 401
    assert post(client, verify()).status_code == 403
    assert not stored()


class TestEndpoints:
    PATH = "/cars/webhook/nobody-guesses-this/"

    @pytest.fixture(autouse=True)
    def endpoint(self, settings):
        settings.SMARTCAR_WEBHOOK_TOKENS = {"nobody-guesses-this": [OTHER]}

    @pytest.mark.parametrize("path", [PATH, PATH.rstrip("/")])
    def test_another_application_has_its_own_url_and_tokens(self, client, path):
        assert post(client, event(event_id="e1"), OTHER, path=path).status_code == 200
        assert stored()[0].endpoint == "nobody-guesses-this"

    def test_the_tokens_of_one_url_are_refused_at_another(self, client):
        assert post(client, event(), TOKEN, path=self.PATH).status_code == 401
        assert post(client, event(), OTHER).status_code == 401
        assert not stored()

    def test_an_unknown_url_is_not_found(self, client):
        assert post(client, event(), OTHER, path="/cars/webhook/guessed/").status_code == 404
        assert not WebhookEndpoint.objects.exists()

    def test_each_has_its_own_events(self, client):
        assert post(client, event(event_id="e1")).status_code == 200
        assert post(client, event(event_id="e1"), OTHER, path=self.PATH).status_code == 200
        assert len(stored()) == 2


class TestVerify:
    V2 = {
        "version": "2.0",
        "webhookId": "h",
        "eventName": "verify",
        "payload": {"challenge": "8f14e45f-ceea"},
    }

    @pytest.mark.parametrize("payload", [verify(), V2])
    @pytest.mark.parametrize("token", ["", TOKEN])
    def test_a_challenge_is_signed_with_the_first_token(self, client, settings, payload, token):
        settings.SMARTCAR_MANAGEMENT_TOKENS = [TOKEN, OTHER]
        response = post(client, payload, token)
        assert (response.status_code, response["Content-Type"]) == (200, "application/json")
        assert response.json() == {"challenge": sign(b"8f14e45f-ceea")}
        assert not stored()

    @pytest.mark.parametrize("challenge", ['{"eventId":"forged"}', "{}", "", "a" * 257, "a\n", None, ["a"]])
    def test_a_challenge_that_could_be_an_event_is_not_signed(self, client, challenge):
        response = post(client, verify(challenge), "")
        assert response.status_code == 403
        assert "challenge" not in response.json()

    @pytest.mark.parametrize(
        ("changes", "challenge", "reason"),
        [
            ({"SMARTCAR_MANAGEMENT_TOKENS": []}, "a", "SMARTCAR_MANAGEMENT_TOKENS is empty"),
            ({"SMARTCAR_WEBHOOK_CHALLENGES": False}, "a", "SMARTCAR_WEBHOOK_CHALLENGES is False"),
            ({}, "{}", "it could be an event"),
        ],
    )
    def test_the_log_has_the_reason_of_a_rejection(
        self, client, settings, caplog, changes, challenge, reason
    ):
        for name, value in changes.items():
            setattr(settings, name, value)
        assert post(client, verify(challenge), "").status_code == 403
        assert caplog.messages[0] == f"rejected a challenge of {len(challenge)} characters: {reason}"

    def test_challenges_are_rate_limited(self, client):
        with time_machine.travel(timezone.now(), tick=False) as clock:
            statuses = [post(client, verify(), "").status_code for _ in range(webhooks.MAX_CHALLENGES + 3)]
            assert statuses == [200] * webhooks.MAX_CHALLENGES + [429] * 3
            clock.shift(timedelta(seconds=61))
            assert post(client, verify(), "").status_code == 200

    def test_a_flood_of_unsigned_challenges_stops_no_signed_one(self, client, settings):
        settings.SMARTCAR_MANAGEMENT_TOKENS = [TOKEN, OTHER]
        for _ in range(50):
            post(client, verify(), "")
        assert post(client, verify(), "").status_code == 429
        assert post(client, verify(), "a-wrong-token").status_code == 429
        for token in [TOKEN, OTHER] * 20:
            assert post(client, verify(), token).status_code == 200
        assert WebhookEndpoint.objects.get().challenges == webhooks.MAX_CHALLENGES
        assert post(client, event()).status_code == 200

    def test_signed_challenges_use_up_nothing(self, client):
        statuses = [post(client, verify()).status_code for _ in range(2 * webhooks.MAX_CHALLENGES)]
        assert set(statuses) == {200}
        assert post(client, verify(), "").status_code == 200

    def test_a_setting_disables_challenges(self, client, settings):
        settings.SMARTCAR_WEBHOOK_CHALLENGES = False
        assert post(client, verify()).status_code == 403
        assert post(client, event()).status_code == 200


@pytest.mark.parametrize(
    ("body", "status"),
    [(b"", 400), (b"[]", 400), (b'{"a":' * 100 + b"1" + b"}" * 100, 400), (b"x" * 1_000_001, 413)],
)
def test_a_signed_body_that_is_no_event_is_refused(client, body, status):
    assert post(client, body).status_code == status
    assert not stored()


def test_the_limit_of_django_applies_to_webhooks_too(client, settings):
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 1000
    assert post(client, b"x" * 1001).status_code == 413
    assert post(client, event()).status_code == 200
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = None
    assert post(client, b"x" * 1_000_001).status_code == 413
    assert post(client, event(event_id="e2")).status_code == 200
    assert len(stored()) == 2


def test_a_body_that_a_middleware_has_read_is_not_counted_as_a_wrong_signature(rf):
    body = json.dumps(event()).encode()
    request = rf.post("/", body, content_type="application/json", headers={"SC-Signature": sign(body)})
    request.read()
    assert webhook(request).status_code == 400
    assert not WebhookEndpoint.objects.exclude(refused_at=None)


def test_an_event_with_an_invalid_id_is_stored(client):
    # What no database can hold is replaced in all of them, so that only their content tells them apart.
    for number, odd in enumerate(("\x00", "\ud800", "x" * 5000, 5)):
        assert post(client, {**event(odometer(number, 1_790_000_000)), "eventId": odd}).status_code == 200
    assert len(stored()) == 4


@pytest.mark.django_db(transaction=True)
def test_a_database_error_makes_smartcar_retry(client, caplog):
    def refuse(execute, sql, params, many, context):
        raise OperationalError("gone")

    with connection.execute_wrapper(refuse):
        assert post(client, event()).status_code == 503
        assert post(client, verify()).status_code == 503
        assert post(client, event(), OTHER).status_code == 401
    assert not stored()


def test_a_missing_key_makes_smartcar_retry(client, settings):
    settings.SMARTCAR_ENCRYPTION_KEYS = []
    assert post(client, event()).status_code == 503


@pytest.mark.django_db(transaction=True)
def test_an_event_is_stored_if_requests_are_atomic_and_processing_fails(
    client, settings, monkeypatch, caplog
):
    monkeypatch.setitem(connection.settings_dict, "ATOMIC_REQUESTS", True)
    monkeypatch.setattr(webhooks._workers._queue, "process_due", lambda seconds: 1 / 0)
    assert post(client, event()).status_code == 200
    assert len(stored()) == 1
    assert "ZeroDivisionError" in caplog.text


def test_positions_are_in_no_log_no_repr_and_not_plain_in_the_database(client, caplog):
    caplog.set_level(logging.DEBUG)
    payload = event(location(48.137154, 11.576124, 1_790_000_000), vin="WVWZZZ1JZXW000001")
    assert post(client, payload).status_code == 200
    (row,) = stored()
    with connection.cursor() as cursor:
        cursor.execute("SELECT * FROM smartcar_webhookevent")
        shown = repr(cursor.fetchall())
    for secret in ("48.137", "11.576", "WVWZZZ1JZXW000001"):
        assert secret not in shown + caplog.text + f"{row} {row!r} {vars(row)!r}"
        assert secret in row.payload or secret == "WVWZZZ1JZXW000001"


ANY = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=12),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=10), inner, max_size=4),
    max_leaves=10,
)
#: A challenge may look like an event, so that it would be signed.
CHALLENGES = ANY | ANY.map(json.dumps) | st.builds(lambda: json.dumps(event(odometer(1, 1))))
WORDS = ["VERIFY", "VEHICLE_STATE", "VEHICLE_ERROR", "verify", "schedule", "eventBased", ""]
PAYLOADS = st.fixed_dictionaries(
    {},
    optional={
        "eventId": ANY,
        "eventType": st.sampled_from(WORDS) | ANY,
        "eventName": st.sampled_from(WORDS) | ANY,
        "data": ANY
        | st.fixed_dictionaries(
            {}, optional={"challenge": CHALLENGES, "vehicle": ANY, "signals": ANY, "errors": ANY}
        ),
        "payload": ANY
        | st.fixed_dictionaries({}, optional={"challenge": CHALLENGES, "vehicles": ANY, "vehicleId": ANY}),
        "meta": ANY,
        "triggers": ANY,
    },
).map(lambda payload: json.dumps(payload).encode())
FORGED = CHALLENGES.map(lambda challenge: json.dumps(verify(challenge)).encode())
BODIES = FORGED | st.binary(max_size=300) | PAYLOADS | ANY.map(lambda value: json.dumps(value).encode())
SIGNATURES = st.text(st.characters(max_codepoint=255, exclude_categories=["Cc"]), max_size=80) | st.just(
    "right"
)


#: Invalid lengths, or lengths shorter than the body: the body that arrives is not the one that was signed.
LENGTHS = ["", "0", "-1", "+0", "1.5", "x"]
FORMS = [
    "",
    "text/plain",
    "application/x-www-form-urlencoded",
    "multipart/form-data; boundary=x",
    "a/b; charset=x",
]
HEADERS = st.fixed_dictionaries(
    {},
    optional={
        "CONTENT_LENGTH": st.sampled_from(LENGTHS),
        "CONTENT_TYPE": st.sampled_from(FORMS),
        "HTTP_CONTENT_ENCODING": st.sampled_from(["gzip", "x"]),
    },
)


@given(body=BODIES, signature=SIGNATURES, headers=HEADERS)
@example(body=json.dumps(verify()).encode(), signature="", headers={})
@example(
    body=json.dumps({**verify(), "eventName": "VERIFY", "payload": {"challenge": "n"}}).encode(),
    signature="",
    headers={},
)
@settings(
    max_examples=int(os.environ.get("FUZZ_EXAMPLES", "300")),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
def test_random_requests_raise_no_500_and_store_no_unsigned_event(client, body, signature, headers):
    """FUZZ_EXAMPLES=20000 tries more requests."""
    WebhookEvent.objects.all().delete()
    WebhookEndpoint.objects.update(challenges=0)
    is_whole = "CONTENT_LENGTH" not in headers
    is_signed = is_whole and signature == "right"
    with override_settings(SMARTCAR_WEBHOOK_WORK="command"):
        signature = sign(body) if signature == "right" else signature
        response = post(client, body, signature=signature, **headers)
    assert response.status_code in (
        {200, 400, 403} if is_signed else {200, 401, 403} if is_whole else {400, 401}
    )
    if not is_signed:
        assert not stored()
    if response.status_code == 200 and "challenge" in response.json():
        payload = json.loads(body)
        challenge = payload["payload" if "eventName" in payload else "data"]["challenge"].encode()
        assert post(client, challenge, signature=response.json()["challenge"]).status_code in {400, 401}
        assert not stored()
    elif not is_signed:
        assert response.status_code != 200


def test_no_signature_of_a_challenge_makes_an_event(client):
    for forged in (b"1", b"true", b"null", b"a" * 256):
        signature = post(client, verify(forged.decode()), "").json()["challenge"]
        assert post(client, forged, signature=signature).status_code == 400
    assert not stored()
    assert post(client, event(odometer(1, 1))).status_code == 200


@pytest.mark.parametrize(("token", "status"), [(TOKEN, 400), ("another", 401), ("", 401)])
def test_only_a_check_that_has_the_token_is_told_the_redirect_uri(client, settings, token, status):
    settings.SMARTCAR_MANAGEMENT_TOKENS = [TOKEN]
    response = post(client, webhooks.NO_EVENT, token, HTTP_HOST="your.site")
    assert response.status_code == status
    told = {"redirect_uri": "http://your.site/cars/callback/"}
    assert response.json() == (told if token == TOKEN else {})
    assert post(client, b'["something else"]').json() == {}
