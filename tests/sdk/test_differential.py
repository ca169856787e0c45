"""Every method of Smartcar's SDK 3.0.1 and every status in its table: ours sends and returns the same.

Each difference is named in ``DIFFERENCES``, and must occur.
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
    "aware": "datetimes are aware and in UTC; 3.0.1's expirations are naive, its ages in the host's zone",
    "counted from before": "a slow response must not make a token seem to live longer",
    "retried": "a GET is retried after a transient error, with the same request",
    "a 504 in JSON is read": "3.0.1 gives the raw body as the message, whatever it is",
    "headers may be missing": "without sc-data-age or sc-unit-system, 3.0.1 raises KeyError",
    "any body is survived": "3.0.1 lets JSONDecodeError, TypeError and KeyError out",
    "one family": "any other status is a SmartcarException too, besides the HTTPError that 3.0.1 raises",
    "v2 errors are read": "3.0.1 reports 'Unknown error'",
    "a nameless OAuth error is named": "3.0.1 reports 'Unknown error'",
    "secrets are removed": "an error of the token endpoint repeats the token that was sent",
    "units are checked": "3.0.1 takes any word but 'metric' for imperial, in the constructor",
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

#: call, what its object is made of, its arguments, the body of a 200
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
SIGNALS = [400, 401, 403, 404, 409, 429, 430, 500, 501]

RESPONSES = {
    "200": lambda good: Response(200, good, AGE),
    **{str(status): lambda good, status=status: Response(status, ERROR) for status in SIGNALS},
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
    {"call": call, "made": made, "args": args, "good": good, "response": response}
    for call, made, args, good in CALLS
    for response in RESPONSES
]


def ours(case):
    requester = sdk.Requester(timeout=5, command_timeout=5, backoff=0.001)
    hosts = {"requester": requester, "api_url": case["root"] + "/v2.0"}
    owner, _, name = case["call"].rpartition(".")
    try:
        if owner == "AuthClient":
            made = sdk.AuthClient(**case["made"], **hosts, auth_url=case["root"] + "/oauth/token")
            result = getattr(made, name)(*case["args"])
        elif owner == "Vehicle":
            result = getattr(sdk.Vehicle(**case["made"], **hosts), name)(*case["args"])
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


def play_official(cases):
    folder = path_of("3.0.1")
    done = subprocess.run(
        [sys.executable, str(Path(__file__).with_name("official_responses.py"))],
        input=json.dumps(cases),
        env={**os.environ, "PYTHONPATH": str(folder), "TZ": "UTC"},
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    return [revived(outcome) for outcome in json.loads(done.stdout)]


def revived(value):
    if isinstance(value, dict):
        if set(value) == {"datetime"}:
            return datetime.fromisoformat(value["datetime"])
        return {key: revived(item) for key, item in value.items()}
    return [revived(item) for item in value] if isinstance(value, list) else value


def sent(server, number):
    """What arrived for a case: its requests, without the piece of the path that names it."""
    root = f"/{number}/"
    found = [request for request in server.requests if request.path.startswith(root)]
    return [(r.method, r.path.removeprefix(root), tuple(r.headers), r.body) for r in found]


class Bridge:
    """Turns what 3.0.1 did into what we should do, one named difference after the other."""

    def __init__(self):
        self.seen = set()

    def differ(self, name, before, after):
        if before != after:
            assert name in DIFFERENCES
            self.seen.add(name)
        return after

    def requests(self, case, theirs, agent):
        bridged = []
        for method, path, headers, body in theirs:
            path = self.differ("v2.0", path, path.replace("v1.0/", "v2.0/", 1))
            named = tuple((key, agent if key == "User-Agent" else value) for key, value in headers)
            bridged.append((method, path, self.differ("user-agent", headers, named), body))
        method = bridged[0][0]
        if case["response"].startswith(("502", "504")) and method == "GET":
            bridged = self.differ("retried", bridged, bridged * 3)
        return bridged

    def outcome(self, case, theirs, mine):
        response, kind = case["response"], case["call"].rpartition(".")[2]
        if response == "502":
            assert theirs["raised"] == "HTTPError"
            of_ours = {"raised": "UnexpectedStatusException", "message": ERROR["message"]}
            return self.differ("one family", theirs, of_ours)
        if response == "504 JSON":
            return self.differ("a 504 in JSON is read", theirs, {**theirs, "message": ERROR["message"]})
        if response == "400 OAuth, bare":
            better = {**theirs, "message": "OAUTH:invalid_grant"}
            return self.differ("a nameless OAuth error is named", theirs, better)
        if response == "400 OAuth, echo" and kind in ("exchange_code", "exchange_refresh_token"):
            blotted = theirs["message"].replace(case["args"][0], "[removed]")
            return self.differ("secrets are removed", theirs, {**theirs, "message": blotted})
        if response == "403 v2":
            return self.differ("v2 errors are read", theirs, {**theirs, "message": "PERMISSION - No."})
        if response in ("500 HTML", "500 list"):
            read = {
                "raised": "ServerException",
                "message": "<html>" if "HTML" in response else "Unknown error",
            }
            return self.differ("any body is survived", theirs, read)
        if response == "200 empty" and kind != "disconnect":
            return self.differ("any body is survived", theirs, {**mine, "raised": "InvalidResponseException"})
        if response == "200 no headers" and "raised" in theirs:
            assert theirs["raised"] == "KeyError"
            none = {"unit_system": None} if kind == "odometer" else {}
            missing = {"result": {"data": case["good"], "age": None, **none}}
            return self.differ("headers may be missing", theirs, missing)
        if "result" in theirs:
            return {"result": self.moments(theirs["result"], mine.get("result"))}
        return theirs

    def moments(self, theirs, mine):
        if isinstance(theirs, dict) and isinstance(mine, dict):
            return {key: self.moments(value, mine.get(key)) for key, value in theirs.items()}
        if not isinstance(theirs, datetime):
            return theirs
        assert mine.tzinfo is UTC
        self.seen.add("aware")
        if theirs.tzinfo is not None:
            return theirs
        # 3.0.1 ran first, just before.
        self.seen.add("counted from before")
        assert timedelta(0) <= mine - theirs.replace(tzinfo=UTC) < timedelta(minutes=2)
        return mine


def test_every_call_and_every_status_are_as_in_3_0_1(server):
    def play(request):
        case = CASES[int(request.path.split("/")[1]) // 2]
        return RESPONSES[case["response"]](case["good"])

    server.play = play
    cases = [{**case, "root": f"{server.url}/{number * 2}"} for number, case in enumerate(CASES)]
    theirs = play_official(cases)
    bridge = Bridge()
    for number, case in enumerate(cases):
        mine = ours({**case, "root": f"{server.url}/{number * 2 + 1}"})
        was_sent = sent(server, number * 2 + 1)
        agent = dict(was_sent[0][2])["User-Agent"]
        label = f"{case['call']} {case['response']}"
        assert was_sent == bridge.requests(case, sent(server, number * 2), agent), label
        assert mine == bridge.outcome(case, theirs[number], mine), label
    assert bridge.seen == set(DIFFERENCES) - BY_THEMSELVES


#: Differences that have a test of their own below.
BY_THEMSELVES = {
    "units are checked",
    "an empty make is not sent",
    "a scope may be one string",
    "redirects are not followed",
}


def test_redirects_are_not_followed(server):
    def play(request):
        return (
            Response(302, "", {"Location": "/elsewhere"})
            if request.path == "/user"
            else Response(200, {"id": "x"})
        )

    server.play = play
    with pytest.raises(sdk.UnexpectedStatusException):
        sdk.get_user_id("token", api_url=server.url)
    assert [request.path for request in server.requests] == ["/user"]


def test_an_unknown_unit_system_is_an_error_and_not_imperial(server):
    server.play = lambda request: Response(200, {"vin": "V"})
    case = {"call": "Vehicle.vin", "made": {**CAR, "unit_system": "nautical"}, "args": [], "root": server.url}
    assert play_official([case]) == [{"result": "V"}]
    assert server.requests[0].header("sc-unit-system") == "imperial"
    assert ours(case)["raised"] == "ValueError"


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
        {"call": "AuthClient.get_auth_url", "made": made, "args": args, "root": ""} for made, args in URLS
    ]
    for case, theirs in zip(cases, play_official(cases), strict=True):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            assert ours({**case, "root": "http://unused"}) == theirs


def test_the_connect_url_differs_where_3_0_1_is_wrong():
    odd = [({**SCOPED}, [False, None, {"make": None}]), ({**SCOPED, "scope": "read_vin"}, [])]
    cases = [
        {"call": "AuthClient.get_auth_url", "made": made, "args": args, "root": ""} for made, args in odd
    ]
    theirs = [dict(parse_qsl(urlsplit(outcome["result"]).query)) for outcome in play_official(cases)]
    mine = [dict(parse_qsl(urlsplit(ours(case)["result"]).query)) for case in cases]
    assert (theirs[0].pop("make"), theirs[1].pop("scope")) == ("None", "r e a d _ v i n")
    assert mine[1].pop("scope") == "read_vin"
    assert mine == theirs
