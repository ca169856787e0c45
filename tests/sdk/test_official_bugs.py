"""The bugs of Smartcar's own SDK 6.19.1, one by one: ours does not have them."""

import hashlib
import hmac
import json
import re
from datetime import UTC, datetime, timedelta

import pytest

from django_smartcar import sdk

from .conftest import HANG_UP, Response
from .v3.test_vehicle import page, signal


def test_01_the_token_of_one_vehicle_is_not_sent_for_another(server, requester):
    server.respond = lambda request: Response(body={})
    cars = [sdk.Vehicle(name, f"token-of-{name}", requester=requester, api_url=server.url) for name in "abc"]
    for car in (*cars, *reversed(cars)):
        car.request("GET", "odometer")
    tokens = [request.header("Authorization").removeprefix("Bearer token-of-") for request in server.requests]
    assert tokens == list("abccba")


def test_02_the_unit_system_can_be_set(car):
    for unit_system in ("imperial", "metric"):
        car.set_unit_system(unit_system)
        assert car.unit_system == unit_system


@pytest.mark.parametrize(
    ("response", "kind", "status", "code"),
    [
        (Response(400, {"error": "invalid_grant"}), sdk.ValidationException, 400, "invalid_grant"),
        (
            Response(401, {"type": "AUTHENTICATION"}, {"Content-Type": ""}),
            sdk.AuthenticationException,
            401,
            None,
        ),
        (Response(500, b"<html>"), sdk.ServerException, 500, None),
        (HANG_UP, sdk.NoResponseException, None, None),
    ],
)
def test_03_an_error_keeps_its_status_whatever_its_body(server, client, response, kind, status, code):
    server.respond = lambda request: response
    with pytest.raises(kind) as caught:
        client.exchange_code("code")
    assert (caught.value.status_code, caught.value.code) == (status, code)


def test_04_an_error_of_v3_has_its_type_and_code(server, car_v3):
    error = {"status": "403", "type": "AUTHENTICATION", "code": "ACCESS_DENIED", "detail": "No."}
    server.respond = lambda request: Response(403, {"errors": [error]})
    with pytest.raises(sdk.PermissionException) as caught:
        car_v3.signals()
    assert (caught.value.type, caught.value.code) == ("AUTHENTICATION", "ACCESS_DENIED")
    assert caught.value.description == "No."


def test_05_v3_sends_the_user_and_has_its_own_token(server, car_v3, requester):
    server.responses = [Response(body={"access_token": "token", "expires_in": 3600}), page([])]
    auth = sdk.ApplicationAuth("client_id", "secret", requester=requester, token_url=f"{server.url}/iam")
    assert auth.request_token()["access_token"] == "token"
    car_v3.signals()
    assert server.requests[1].header("sc-user-id") == "user-1"


@pytest.mark.parametrize(
    ("resolution", "read"),
    [("REAUTHENTICATE", {"type": "REAUTHENTICATE"}), ({"type": "X", "url": "u"}, {"type": "X", "url": "u"})],
)
def test_06_a_resolution_is_kept_in_either_form(server, car, resolution, read):
    server.respond = lambda request: Response(403, {"type": "PERMISSION", "resolution": resolution})
    with pytest.raises(sdk.PermissionException) as caught:
        car.odometer()
    assert caught.value.resolution == read


def test_07_compatibility_of_v1_can_be_parsed(server, requester):
    server.respond = lambda request: Response(body={"compatible": True})
    found = sdk.get_compatibility(
        "V", ["read_vin"], client_id="i", client_secret="s", requester=requester, api_url=f"{server.url}/v1.0"
    )
    assert found["compatible"] is True
    assert server.requests[0].path.startswith("/v1.0/compatibility?")


def test_08_an_item_of_a_batch_needs_no_headers_and_their_case_does_not_matter(server, car):
    limited = {"path": "/fuel", "code": 429, "body": {"type": "RATE_LIMIT"}, "headers": {"retry-after": "9"}}
    bare = {"path": "/odometer", "code": 203, "body": {"distance": 1}}
    server.respond = lambda request: Response(body={"responses": [limited, bare]})
    found = car.batch(["fuel", "odometer"])
    assert found["fuel"].retry_after == 9
    assert found["odometer"] == {"data": {"distance": 1}, "unit_system": None, "age": None}


@pytest.mark.parametrize("response", [Response(204, b""), Response(200, b"")])
def test_09_a_vehicle_is_disconnected_without_a_body(server, car, response):
    server.respond = lambda request: response
    assert car.disconnect() is None


TOKENS = {"access_token": "a", "token_type": "Bearer", "expires_in": 7200, "refresh_token": "r"}


def test_10_tokens_are_read_as_documented(server, client):
    server.respond = lambda request: Response(body=TOKENS)
    assert client.exchange_code("code")["refresh_token"] == "r"


def test_11_a_signature_is_compared_in_constant_time_over_the_unparsed_body(monkeypatch):
    compared, compare = [], hmac.compare_digest
    monkeypatch.setattr(hmac, "compare_digest", lambda *both: compared.append(both) or compare(*both))
    body = b'{"a":  "\\u00e9 \xe9"}'  # signed as received: joined, escaped, and not UTF-8
    signature = hmac.new(b"token", body, hashlib.sha256).hexdigest()
    for given, is_good in ((signature, True), (signature[:-1] + "g", False), ("", False)):
        assert sdk.verify_payload("token", given, body) is is_good
    assert len(compared) == 3


def test_12_a_transient_error_is_retried_after_retry_after_and_datetimes_are_aware(server, client, car):
    limited = {"type": "RATE_LIMIT", "code": "SMARTCAR_API"}
    server.responses = [Response(429, limited, {"Retry-After": "0"}), Response(body={"distance": 1})]
    assert car.odometer()["data"]["distance"] == 1
    server.respond = lambda request: Response(body=TOKENS)
    assert client.exchange_code("code")["expiration"] - datetime.now(UTC) < timedelta(hours=2)


@pytest.mark.parametrize(
    ("call", "field"),
    [("fuel", "range"), ("battery", "range"), ("charge", "state"), ("lock_status", "isLocked")],
)
def test_13_missing_and_new_fields_break_no_reading(server, car, call, field):
    server.respond = lambda request: Response(body={field: None, "new": [1]})
    found = getattr(car, call)()["data"]
    assert not any(found.values())


class Test14:
    def test_a_query_is_encoded(self, server, requester):
        server.respond = lambda request: Response(body={"compatible": True})
        sdk.get_compatibility(
            "V",
            ["a"],
            client_id="i",
            client_secret="s",
            flags="a:b&c",
            requester=requester,
            api_url=server.url,
        )
        assert server.requests[0].path.endswith("flags=a%3Ab%26c")

    def test_a_get_has_no_body(self, server, car):
        server.respond = lambda request: Response(body={})
        car.request("GET", "tesla/compass")
        assert server.requests[0].body == b""

    def test_a_version_belongs_to_one_vehicle(self, server, requester):
        server.respond = lambda request: Response(body={"vin": "V"})
        for version in ("2.0", "3.0", "2.0"):
            url = f"{server.url}/v{version}"
            sdk.Vehicle("c", "t", requester=requester, api_url=url).vin()
        versions = [request.path.split("/")[1] for request in server.requests]
        assert versions == ["v2.0", "v3.0", "v2.0"]

    def test_all_pages_of_permissions_can_be_read(self, server, car):
        names = [f"read_{number}" for number in range(30)]
        paging = {"count": 30, "offset": 0}
        server.responses = [
            Response(body={"permissions": names[:25], "paging": paging}),
            Response(body={"permissions": names[25:], "paging": paging}),
        ]
        assert list(car.iter_permissions()) == names

    def test_an_age_is_a_datetime(self, server, car):
        headers = {"sc-data-age": "2025-05-09T15:40:57Z"}
        server.respond = lambda request: Response(body={"limit": 1}, headers=headers)
        assert car.get_charge_limit()["age"] == datetime(2025, 5, 9, 15, 40, 57, tzinfo=UTC)

    def test_the_fields_of_a_capacity_are_in_snake_case_too(self, server, car, car_v3):
        capacity = {"availableCapacities": [], "capacity": {"nominal": 82, "source": "SMARTCAR"}, "url": None}
        stored = signal("tractionbattery-nominalcapacity", {"capacity": 82, "source": "SMARTCAR"})
        server.responses = [Response(body=capacity), Response(body={"data": stored})]
        old, new = car.nominal_capacity()["data"], car_v3.nominal_capacity()["data"]
        assert old == new
        assert set(old) == {"available_capacities", "capacity", "url"}


def test_15_a_charge_limit_is_sent_as_a_number(server, car):
    server.respond = lambda request: Response(body={"status": "success"})
    car.set_charge_limit(0.8)
    assert json.loads(server.requests[0].body) == {"limit": 0.8}


def test_each_bug_has_its_test():
    found = [re.match(r"[Tt]est_?(\d\d)", name) for name in globals()]
    assert {int(number[1]) for number in found if number} == {*range(1, 16)}
