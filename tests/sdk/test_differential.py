"""Call every method of Smartcar's SDK 3.0.1 and of ours, with every status: both send and return the same.

Each difference is listed in ``DIFFERENCES``, and must occur.
"""

import json
import os
import subprocess
import sys
import warnings
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

import pytest

from django_smartcar import sdk
from tests.official import path_of

from .conftest import Response

pytestmark = pytest.mark.slow

DIFFERENCES = {
    "user-agent": "ours names this package",
    "v2.0": "v1.0 is gone since 2023-01-06",
    "aware datetimes": "3.0.1's expirations are naive, and its ages are in the time zone of the host",
    "expiration counts from the request": "a slow response must not extend the lifetime of a token",
    "retried": "a GET is retried after a transient error, with the same request",
    "a 504 in JSON is read": "3.0.1 uses the raw body as the message",
    "headers may be missing": "without sc-data-age or sc-unit-system, 3.0.1 raises KeyError",
    "any body is accepted": "3.0.1 raises JSONDecodeError, TypeError and KeyError",
    "every error is a SmartcarException": "3.0.1 raises only an HTTPError for any other status",
    "v2 errors are read": "3.0.1 reports 'Unknown error'",
    "an OAuth error without a description has a message": "3.0.1 reports 'Unknown error'",
    "secrets are removed": "an error of the token endpoint repeats the token that was sent",
    "units are checked": "3.0.1 takes any value but 'metric' for imperial, in the constructor",
    "an empty make is not sent": "3.0.1 sends make=None",
    "a scope may be one string": "3.0.1 sends it letter by letter",
    "redirects are not followed": "the Authorization header is for Smartcar, and a POST is sent once",
}

CLIENT = {
    "client_id": "client-id",
    "client_secret": "client secret+&",
    "redirect_uri": "https://site.example/callback?a=b",
    "scope": ["read_odometer", "required:read_vin"],
}
CAR = {"vehicle_id": "36ab27d0-fd9d-4455-823a-ce30af709ffc", "access_token": "access-token"}
IMPERIAL = {**CAR, "unit_system": "imperial"}
TOKENS = {"access_token": "a", "token_type": "Bearer", "expires_in": 7200, "refresh_token": "r", "more": [1]}
PAGE = {"paging": {"count": 25, "offset": 0}}
SUCCESS = {"status": "success", "message": "Sent"}
ODOMETER = {"distance": 104.32, "more": None}
PLACE = {"latitude": 37.4292, "longitude": 122.1381}
INFO = {"id": "36ab27d0", "make": "TESLA", "model": "Model S", "year": 2014, "more": {"x": 1}}

#: call, arguments of its class, arguments of the call, body of a 200
CALLS = [
    ("AuthClient.exchange_code", CLIENT, ["the code+"], TOKENS),
    ("AuthClient.exchange_refresh_token", CLIENT, ["the token+"], TOKENS),
    ("AuthClient.is_compatible", CLIENT, ["VIN", ["read_vin", "read_odometer"]], {"compatible": True}),
    ("AuthClient.is_compatible", CLIENT, ["VIN", ["read_vin"]], {"compatible": False}),
    ("get_vehicle_ids", {}, ["an access"], {"vehicles": ["a"], **PAGE}),
    ("get_vehicle_ids", {}, ["an access", 5, 20], {"vehicles": [], **PAGE}),
    ("get_user_id", {}, ["an access"], {"id": "driver"}),
    ("Vehicle.permissions", CAR, [], {"permissions": ["read_vin"], **PAGE}),
    ("Vehicle.info", CAR, [], INFO),
    ("Vehicle.vin", CAR, [], {"vin": "V"}),
    ("Vehicle.location", CAR, [], PLACE),
    ("Vehicle.odometer", CAR, [], ODOMETER),
    ("Vehicle.odometer", IMPERIAL, [], ODOMETER),
    ("Vehicle.disconnect", CAR, [], SUCCESS),
    ("Vehicle.lock", CAR, [], SUCCESS),
    ("Vehicle.unlock", IMPERIAL, [], SUCCESS),
]

AGE = {"sc-data-age": "2018-06-20T01:33:37.078Z", "sc-unit-system": "imperial"}
ERROR = {"error": "validation_error", "message": "Nein, s\u00fc\u00df.", "code": "X_000", "requestId": "r"}
DOCUMENTED_STATUSES = [400, 401, 403, 404, 409, 429, 430, 500, 501]

RESPONSES = {
    "200": lambda good: Response(200, good, AGE),
    **{str(status): lambda good, status=status: Response(status, ERROR) for status in DOCUMENTED_STATUSES},
    "504 text": lambda good: Response(504, "upstream request timeout"),
    # Statuses beyond the SDK's table: each is a named difference, or none.
    "504 JSON": lambda good: Response(504, ERROR),
    "400 OAuth": lambda good: Response(400, {"error": "invalid_grant", "error_description": "Expired."}),
    "400 OAuth, bare": lambda good: Response(400, {"error": "invalid_grant"}),
    "400 OAuth, echo": lambda good: Response(400, {"error_description": "Invalid: the token+, the code+."}),
    "403 v2": lambda good: Response(403, {"type": "PERMISSION", "code": None, "description": "No."}),
    "500 list": lambda good: Response(500, ["message"]),
    "500 HTML": lambda good: Response(500, "<html>"),
    "502": lambda good: Response(502, ERROR),
    "200 no headers": lambda good: Response(200, good),
    "200 empty": lambda good: Response(200, ""),
}

CASES = [
    {"call": call, "init": init, "args": args, "good": good, "response": response}
    for call, init, args, good in CALLS
    for response in RESPONSES
]


def call_our_sdk(case):
    requester = sdk.Requester(timeout=5, command_timeout=5, backoff=0.001)
    hosts = {"requester": requester, "api_url": case["root"] + "/v2.0"}
    owner, _, name = case["call"].rpartition(".")
    try:
        if owner == "AuthClient":
            client = sdk.AuthClient(**case["init"], **hosts, auth_url=case["root"] + "/oauth/token")
            result = getattr(client, name)(*case["args"])
        elif owner == "Vehicle":
            result = getattr(sdk.Vehicle(**case["init"], **hosts), name)(*case["args"])
        else:
            result = getattr(sdk, name)(*case["args"], **hosts)
    except Exception as error:
        names = {
            "PermissionMissing": "PermissionException",
            "RateLimited": "RateLimitingException",
            "UpstreamException": "UnexpectedStatusException",
        }
        name = type(error).__name__
        return {"raised": names.get(name, name), "message": str(error)}
    return {"result": result}


def call_official_sdk(cases):
    folder = path_of("3.0.1")
    process = subprocess.run(
        [sys.executable, str(Path(__file__).with_name("official_responses.py"))],
        input=json.dumps(cases),
        env={**os.environ, "PYTHONPATH": str(folder), "TZ": "UTC"},
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    return [parse_datetimes(outcome) for outcome in json.loads(process.stdout)]


def parse_datetimes(value):
    if isinstance(value, dict):
        if set(value) == {"datetime"}:
            return datetime.fromisoformat(value["datetime"])
        return {key: parse_datetimes(item) for key, item in value.items()}
    return [parse_datetimes(item) for item in value] if isinstance(value, list) else value


def sent(server, number):
    """Return the requests of a case, without the number of the case in their paths."""
    root = f"/{number}/"
    return [
        (request.method, request.path.removeprefix(root), tuple(request.headers), request.body)
        for request in server.requests
        if request.path.startswith(root)
    ]


class Expected:
    """Turns the requests and outcome of 3.0.1 into those expected of our SDK, by the listed differences."""

    def __init__(self):
        self.seen = set()

    def differ(self, name, before, after):
        if before != after:
            assert name in DIFFERENCES
            self.seen.add(name)
        return after

    def requests(self, case, official, agent):
        requests = []
        for method, path, headers, body in official:
            path = self.differ("v2.0", path, path.replace("v1.0/", "v2.0/", 1))
            named = tuple((key, agent if key == "User-Agent" else value) for key, value in headers)
            requests.append((method, path, self.differ("user-agent", headers, named), body))
        method = requests[0][0]
        if case["response"].startswith(("502", "504")) and method == "GET":
            requests = self.differ("retried", requests, requests * 3)
        return requests

    def outcome(self, case, official, ours):
        response, kind = case["response"], case["call"].rpartition(".")[2]
        if response == "502":
            assert official["raised"] == "HTTPError"
            wanted = {"raised": "UnexpectedStatusException", "message": ERROR["message"]}
            return self.differ("every error is a SmartcarException", official, wanted)
        if response == "504 JSON":
            return self.differ("a 504 in JSON is read", official, {**official, "message": ERROR["message"]})
        if response == "400 OAuth, bare":
            with_message = {**official, "message": "OAUTH:invalid_grant"}
            return self.differ("an OAuth error without a description has a message", official, with_message)
        if response == "400 OAuth, echo" and kind in ("exchange_code", "exchange_refresh_token"):
            redacted = official["message"].replace(case["args"][0], "[removed]")
            return self.differ("secrets are removed", official, {**official, "message": redacted})
        if response == "403 v2":
            return self.differ("v2 errors are read", official, {**official, "message": "PERMISSION - No."})
        if response in ("500 HTML", "500 list"):
            server_error = {
                "raised": "ServerException",
                "message": "<html>" if "HTML" in response else "Unknown error",
            }
            return self.differ("any body is accepted", official, server_error)
        if response == "200 empty" and kind != "disconnect":
            return self.differ(
                "any body is accepted", official, {**ours, "raised": "InvalidResponseException"}
            )
        if response == "200 no headers" and "raised" in official:
            assert official["raised"] == "KeyError"
            none = {"unit_system": None} if kind == "odometer" else {}
            missing = {"result": {"data": case["good"], "age": None, **none}}
            return self.differ("headers may be missing", official, missing)
        if "result" in official:
            return {"result": self.datetimes(official["result"], ours.get("result"))}
        return official

    def datetimes(self, official, ours):
        if isinstance(official, dict) and isinstance(ours, dict):
            return {key: self.datetimes(value, ours.get(key)) for key, value in official.items()}
        if not isinstance(official, datetime):
            return official
        assert ours.tzinfo is UTC
        self.seen.add("aware datetimes")
        if official.tzinfo is not None:
            return official
        # 3.0.1 ran first, shortly before.
        self.seen.add("expiration counts from the request")
        assert timedelta(0) <= ours - official.replace(tzinfo=UTC) < timedelta(minutes=2)
        return ours


def test_every_call_and_every_status_are_as_in_3_0_1(server):
    def respond(request):
        case = CASES[int(request.path.split("/")[1]) // 2]
        return RESPONSES[case["response"]](case["good"])

    server.respond = respond
    cases = [{**case, "root": f"{server.url}/{number * 2}"} for number, case in enumerate(CASES)]
    official = call_official_sdk(cases)
    expected = Expected()
    for number, case in enumerate(cases):
        ours = call_our_sdk({**case, "root": f"{server.url}/{number * 2 + 1}"})
        was_sent = sent(server, number * 2 + 1)
        agent = dict(was_sent[0][2])["User-Agent"]
        label = f"{case['call']} {case['response']}"
        assert was_sent == expected.requests(case, sent(server, number * 2), agent), label
        assert ours == expected.outcome(case, official[number], ours), label
    assert expected.seen == set(DIFFERENCES) - TESTED_SEPARATELY


#: Differences that are tested separately below.
TESTED_SEPARATELY = {
    "units are checked",
    "an empty make is not sent",
    "a scope may be one string",
    "redirects are not followed",
}


def test_redirects_are_not_followed(server):
    def respond(request):
        return (
            Response(302, "", {"Location": "/elsewhere"})
            if request.path == "/user"
            else Response(200, {"id": "x"})
        )

    server.respond = respond
    with pytest.raises(sdk.UnexpectedStatusException):
        sdk.get_user_id("token", api_url=server.url)
    assert [request.path for request in server.requests] == ["/user"]


def test_an_unknown_unit_system_is_an_error_and_not_imperial(server):
    server.respond = lambda request: Response(200, {"vin": "V"})
    case = {"call": "Vehicle.vin", "init": {**CAR, "unit_system": "nautical"}, "args": [], "root": server.url}
    assert call_official_sdk([case]) == [{"result": "V"}]
    assert server.requests[0].header("sc-unit-system") == "imperial"
    assert call_our_sdk(case)["raised"] == "ValueError"


SCOPED = {name: value for name, value in CLIENT.items() if name != "scope"}
URLS = [
    (CLIENT, []),
    (SCOPED, []),
    ({**CLIENT, "scope": []}, [False, "", {}]),
    ({**CLIENT, "test_mode": True}, [True, "st\u00e4te &=", {"make": "TESLA", "model": "3"}]),
    ({**CLIENT, "test_mode": None}, [True]),
    ({**CLIENT, "test_mode": False}, [False, "state", {"model": "3"}]),
    ({**CLIENT, "development": True}, [False, None, {"make": "\u0160koda"}]),
    ({**CLIENT, "development": False, "test_mode": True}, []),
]


def test_the_connect_url_is_as_in_3_0_1():
    cases = [
        {"call": "AuthClient.get_auth_url", "init": init, "args": args, "root": ""} for init, args in URLS
    ]
    for case, official in zip(cases, call_official_sdk(cases), strict=True):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            assert call_our_sdk({**case, "root": "http://unused"}) == official


def test_the_connect_url_differs_where_3_0_1_is_wrong():
    arguments = [({**SCOPED}, [False, None, {"make": None}]), ({**SCOPED, "scope": "read_vin"}, [])]
    cases = [
        {"call": "AuthClient.get_auth_url", "init": init, "args": args, "root": ""}
        for init, args in arguments
    ]
    official = [dict(parse_qsl(urlsplit(outcome["result"]).query)) for outcome in call_official_sdk(cases)]
    ours = [dict(parse_qsl(urlsplit(call_our_sdk(case)["result"]).query)) for case in cases]
    assert (official[0].pop("make"), official[1].pop("scope")) == ("None", "r e a d _ v i n")
    assert ours[1].pop("scope") == "read_vin"
    assert ours == official
