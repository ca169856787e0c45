import base64
import threading
import time
import uuid

import pytest
import time_machine
from django.test import Client

from django_smartcar.simulator import store
from django_smartcar.simulator.access import grants
from tests.simulator.conftest import PREFIX, REDIRECT_URI, basic


@pytest.fixture
def clock():
    with time_machine.travel("2026-11-01T12:00:00Z", tick=False) as traveller:
        yield traveller


@pytest.fixture
def code(visit):
    return visit().connect().callback["code"]


def exchange(token, code, **changes):
    return token(**{"grant_type": "authorization_code", "code": code, "redirect_uri": REDIRECT_URI} | changes)


def refresh(token, refresh_token):
    return token(grant_type="refresh_token", refresh_token=refresh_token)


def assert_error(response):
    assert response.status_code == 400
    assert response["Content-Type"] == "application/json"
    return response.json()["error"], response.json()["error_description"]


def test_a_code_is_exchanged_for_a_pair_of_tokens(token, code, api):
    response = exchange(token, code)
    assert response.status_code == 200
    body = response.json()
    assert sorted(body) == ["access_token", "expires_in", "refresh_token", "token_type"]
    assert (body["token_type"], body["expires_in"]) == ("Bearer", 7200)
    assert uuid.UUID(body["access_token"]) != uuid.UUID(body["refresh_token"])
    assert response["SC-Request-Id"]
    assert api("GET", "user", body["access_token"]).status_code == 200
    assert store.counters["code_exchanges"] == 1


@pytest.mark.parametrize(
    "authorization",
    [
        "",
        "Bearer x",
        "Basic",
        "Basic !!!",
        "Basic " + base64.b64encode(b"\xff\xfe").decode(),
        basic(password="wrong"),
        basic(user="wrong"),
        basic(user="", password=""),
    ],
)
def test_wrong_client_credentials_are_rejected(token, code, authorization):
    response = token(authorization, grant_type="authorization_code", code=code, redirect_uri=REDIRECT_URI)
    assert response.status_code == 401
    assert response.json()["error"] == "invalid_client"
    assert response["WWW-Authenticate"].startswith("Basic")
    assert exchange(token, code).status_code == 200  # the failed attempt did not use up the code


CREDENTIALS = {"client_id": store.CLIENT_ID, "client_secret": store.CLIENT_SECRET}


@pytest.mark.parametrize(
    ("authorization", "fields"),
    [
        ("", CREDENTIALS),
        (basic(), CREDENTIALS),
        (basic(), {"client_id": store.CLIENT_ID}),
    ],
)
def test_client_credentials_may_be_in_the_body(token, code, authorization, fields):
    response = token(
        authorization, grant_type="authorization_code", code=code, redirect_uri=REDIRECT_URI, **fields
    )
    assert response.status_code == 200


@pytest.mark.parametrize(
    ("authorization", "fields"),
    [
        ("", CREDENTIALS | {"client_id": "wrong"}),
        ("", CREDENTIALS | {"client_secret": "wrong"}),
        ("", {"client_id": store.CLIENT_ID}),
        ("", {"client_secret": store.CLIENT_SECRET}),
        (basic(), CREDENTIALS | {"client_id": "wrong"}),
        (basic(), {"client_secret": "wrong"}),
        (basic(password="wrong"), CREDENTIALS),
        ("Bearer x", CREDENTIALS),
    ],
)
def test_wrong_or_contradicting_client_credentials_are_rejected(token, code, authorization, fields):
    response = token(
        authorization, grant_type="authorization_code", code=code, redirect_uri=REDIRECT_URI, **fields
    )
    assert (response.status_code, response.json()["error"]) == (401, "invalid_client")
    assert exchange(token, code).status_code == 200


def test_a_used_code_is_rejected(token, code):
    exchange(token, code)
    assert assert_error(exchange(token, code)) == ("invalid_grant", f"Invalid code: {code}.")


def test_an_unknown_code_is_rejected(token):
    expected = ("invalid_request", "Invalid code: nonsense.")  # Smartcar's Java and Python SDKs test this
    assert assert_error(exchange(token, "nonsense")) == expected


def test_a_code_expires_after_ten_minutes(token, visit, clock):
    early, late = visit().connect("a@b.c").callback["code"], visit().connect("d@e.f").callback["code"]
    clock.shift(599)
    assert exchange(token, early).status_code == 200
    clock.shift(1)
    assert assert_error(exchange(token, late)) == ("invalid_grant", f"Invalid code: {late}.")


def test_a_code_is_rejected_with_another_redirect_uri(token, code):
    other = "https://app.example.com/other"
    expected = ("invalid_grant", f"Unauthorized redirect_uri: {other}")
    assert assert_error(exchange(token, code, redirect_uri=other)) == expected
    assert exchange(token, code).status_code == 200


def test_the_exchange_needs_no_redirect_uri_when_the_authorize_url_had_none(token, visit, settings):
    settings.SMARTCAR_SIMULATOR_REDIRECT_URIS = [REDIRECT_URI]
    code = visit(redirect_uri=None).connect().callback["code"]
    assert token(grant_type="authorization_code", code=code).status_code == 200
    code = visit(redirect_uri=None, approval_prompt="force").connect().callback["code"]
    other = "https://app.example.com/other"
    expected = ("invalid_grant", f"Unauthorized redirect_uri: {other}")
    assert assert_error(exchange(token, code, redirect_uri=other)) == expected
    assert exchange(token, code).status_code == 200


def test_the_exchange_needs_the_redirect_uri_of_the_authorize_url(token, code):
    expected = ("invalid_grant", "Unauthorized redirect_uri: ")
    assert assert_error(exchange(token, code, redirect_uri="")) == expected


@pytest.mark.parametrize(
    ("fields", "error"),
    [
        ({}, "invalid_request"),
        ({"grant_type": "password"}, "unsupported_grant_type"),
        ({"grant_type": "authorization_code"}, "invalid_request"),
        ({"grant_type": "refresh_token"}, "invalid_request"),
    ],
)
def test_a_malformed_token_request_is_rejected(token, fields, error):
    assert assert_error(token(**fields))[0] == error


def test_the_token_endpoint_accepts_post_only(client):
    response = client.get(f"{PREFIX}/auth/oauth/token", headers={"authorization": basic()})
    assert response.status_code == 405


def test_a_trailing_slash_does_not_redirect(token, code):
    fields = {"grant_type": "authorization_code", "code": code, "redirect_uri": REDIRECT_URI}
    response = Client().post(f"{PREFIX}/auth/oauth/token/", fields, headers={"authorization": basic()})
    assert response.status_code == 200


def test_a_refresh_issues_two_new_tokens_and_the_old_access_token_stays_valid(token, connect, api):
    old = connect()
    new = refresh(token, old["refresh_token"]).json()
    assert new["access_token"] != old["access_token"]
    assert new["refresh_token"] != old["refresh_token"]
    for pair in (old, new):
        assert api("GET", "vehicles", pair["access_token"]).status_code == 200
    assert store.counters["refreshes"] == 1


def test_an_access_token_expires_after_two_hours(connect, api, clock):
    tokens = connect()
    clock.shift(7199)
    assert api("GET", "user", tokens["access_token"]).status_code == 200
    clock.shift(1)
    assert api("GET", "user", tokens["access_token"]).status_code == 401


def test_a_refresh_token_expires_after_sixty_days(connect, token, clock):
    first, second = connect("a@b.c"), connect("d@e.f")
    clock.shift(60 * 86400 - 1)
    assert refresh(token, first["refresh_token"]).status_code == 200
    clock.shift(1)
    expected = ("invalid_grant", "Invalid or expired refresh token.")
    assert assert_error(refresh(token, second["refresh_token"])) == expected


def test_an_unknown_refresh_token_is_rejected(token):
    expected = ("invalid_grant", "Invalid refresh_token: nonsense.")
    assert assert_error(refresh(token, "nonsense")) == expected


@pytest.mark.parametrize("grace", [600, 60])
def test_a_used_refresh_token_works_during_its_grace_period(connect, token, clock, settings, grace):
    settings.SMARTCAR_SIMULATOR_GRACE = grace
    used = connect()["refresh_token"]
    first = refresh(token, used).json()
    clock.shift(grace - 1)
    second = refresh(token, used)
    assert second.status_code == 200
    assert second.json()["refresh_token"] != first["refresh_token"]
    clock.shift(1)  # the grace period starts with the first use and is not extended by later ones
    assert assert_error(refresh(token, used)) == ("invalid_grant", "Invalid or expired refresh token.")
    assert refresh(token, first["refresh_token"]).status_code == 200


def test_a_refresh_token_is_rejected_after_its_last_car_was_disconnected(connect, token):
    tokens = connect()
    grants.disconnect(vehicle_id=store.cars()[0].id)
    assert refresh(token, tokens["refresh_token"]).status_code == 400


def test_only_one_of_many_threads_can_exchange_a_code(token, code, monkeypatch):
    barrier = threading.Barrier(8)
    statuses = []
    now = store.now

    def slow_now():  # gives the other threads time to interfere if there is no lock
        time.sleep(0.02)
        return now()

    monkeypatch.setattr(store, "now", slow_now)

    def race():
        barrier.wait()
        statuses.append(exchange(token, code).status_code)

    threads = [threading.Thread(target=race) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(statuses) == [200] + [400] * 7
