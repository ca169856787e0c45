import json
from datetime import timedelta
from urllib.parse import urlencode

import pytest
from django.test import Client

from django_smartcar.simulator import store
from tests.simulator.conftest import PREFIX, basic

CREDENTIALS = {
    "grant_type": "client_credentials",
    "client_id": store.M2M_CLIENT_ID,
    "client_secret": store.M2M_CLIENT_SECRET,
}


def post(fields, **options):
    return Client().post(f"{PREFIX}/iam/oauth2/token", fields, **options)


@pytest.mark.parametrize(
    "send",
    [
        lambda: post(CREDENTIALS),
        lambda: post(urlencode(CREDENTIALS), content_type="application/x-www-form-urlencoded"),
        lambda: post(json.dumps(CREDENTIALS), content_type="application/json"),
        lambda: post(json.dumps(CREDENTIALS), content_type="application/json; charset=utf-8"),
    ],
    ids=["multipart", "form", "json", "json with a charset"],
)
def test_a_token_for_one_hour_is_issued_for_credentials_in_the_body(send):
    response = send()
    assert response.status_code == 200, response.content
    body = response.json()
    assert sorted(body) == ["access_token", "expires_in", "token_type"]
    assert (body["token_type"], body["expires_in"]) == ("Bearer", 3600)
    assert "no-store" in response["Cache-Control"]
    assert store.counters["application_tokens"] == 1


def test_an_earlier_token_stays_valid_when_another_is_issued(v3):
    first, second = (post(CREDENTIALS).json()["access_token"] for _ in range(2))
    assert first != second
    assert v3("GET", "connections", token=first).status_code == 200
    assert v3("GET", "connections", token=second).status_code == 200


def test_a_token_expires_after_one_hour(v3, monkeypatch):
    token = post(CREDENTIALS).json()["access_token"]
    later = store.now() + timedelta(seconds=3601)
    monkeypatch.setattr(store, "now", lambda: later)
    assert v3("GET", "connections", token=token).status_code == 401


def test_a_token_survives_a_restart(settings, tmp_path, v3):
    settings.SMARTCAR_SIMULATOR_STATE = str(tmp_path / "state.json")
    store.restart()
    token = post(CREDENTIALS).json()["access_token"]
    store.restart()
    assert v3("GET", "connections", token=token).status_code == 200


@pytest.mark.parametrize(
    ("changes", "status", "error"),
    [
        ({"grant_type": ""}, 400, "invalid_request"),
        ({"grant_type": "authorization_code"}, 400, "invalid_request"),
        ({"client_id": ""}, 400, "invalid_request"),
        ({"client_secret": ""}, 400, "invalid_request"),
        ({"client_secret": "wrong"}, 401, "invalid_client"),
        ({"client_id": "client_wrong"}, 401, "invalid_client"),
        ({"client_id": "clïent"}, 401, "invalid_client"),
        # the Application ID and its secret are valid for API v2 only
        ({"client_id": store.CLIENT_ID, "client_secret": store.CLIENT_SECRET}, 401, "invalid_client"),
    ],
)
def test_no_token_is_issued_for_a_wrong_request(changes, status, error):
    response = post(CREDENTIALS | changes)
    assert response.status_code == status
    assert response.json()["error"] == error
    assert response.json()["error_description"]
    assert store.counters["application_tokens"] == 0


@pytest.mark.parametrize(
    "body", ["", "{", "[]", '"x"', '{"grant_type": 1}', "\udcff".encode(errors="surrogateescape")]
)
def test_invalid_json_is_rejected(body):
    response = post(body, content_type="application/json")
    assert (response.status_code, response.json()["error"]) == (400, "invalid_request")


def test_credentials_in_a_header_are_ignored():
    fields = {"grant_type": "client_credentials"}
    authorization = basic(store.M2M_CLIENT_ID, store.M2M_CLIENT_SECRET)
    response = post(fields, headers={"authorization": authorization})
    assert (response.status_code, response.json()["error"]) == (400, "invalid_request")


def test_the_token_endpoint_accepts_post_only():
    response = Client().get(f"{PREFIX}/iam/oauth2/token")
    assert (response.status_code, response.json()["error"]) == (405, "invalid_request")


def test_the_settings_can_change_the_credentials(settings):
    settings.SMARTCAR_SIMULATOR_M2M_CLIENT_ID = "client_another"
    settings.SMARTCAR_SIMULATOR_M2M_CLIENT_SECRET = "another-secret"
    assert post(CREDENTIALS).status_code == 401
    changes = {"client_id": "client_another", "client_secret": "another-secret"}
    assert post(CREDENTIALS | changes).status_code == 200


def test_the_environment_depends_on_the_api_version():
    v2, v3 = store.environment("http://x", "2.0"), store.environment("http://x/")
    assert v2["SMARTCAR_CLIENT_ID"] == v3["SMARTCAR_V2_CLIENT_ID"] == store.CLIENT_ID
    assert v2["SMARTCAR_APPLICATION_ID"] == v3["SMARTCAR_APPLICATION_ID"] == store.CLIENT_ID
    assert v3["SMARTCAR_CLIENT_ID"] == store.M2M_CLIENT_ID
    assert v3["SMARTCAR_CLIENT_SECRET"] == store.M2M_CLIENT_SECRET
    assert "SMARTCAR_V2_CLIENT_ID" not in v2
    assert v3["SMARTCAR_IAM_URL"] == "http://x/iam/oauth2/token"
    assert v3["SMARTCAR_VEHICLE_API_URL"] == "http://x/vehicle-api"
