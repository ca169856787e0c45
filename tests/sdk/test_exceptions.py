import copy
import json
import pickle
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from urllib.parse import urlencode

import pytest
import requests
from hypothesis import given, settings
from hypothesis import strategies as st

from django_smartcar import sdk
from django_smartcar.sdk import exceptions

BY_STATUS = {
    400: sdk.ValidationException,
    401: sdk.AuthenticationException,
    403: sdk.PermissionException,
    404: sdk.ResourceNotFoundException,
    409: sdk.StateException,
    429: sdk.RateLimitingException,
    430: sdk.MonthlyLimitExceeded,
    500: sdk.ServerException,
    501: sdk.NotCapableException,
    504: sdk.GatewayTimeoutException,
}

V1 = {
    "error": "vehicle_state_error",
    "message": "Doors open.",
    "code": "VS_001",
    "statusCode": 409,
    "requestId": "r",
}
V2 = {
    "statusCode": 400,
    "type": "CONNECTED_SERVICES_ACCOUNT",
    "code": "AUTHENTICATION_FAILED",
    "description": "Please re-authenticate.",
    "docURL": "https://smartcar.com/docs/errors",
    "requestId": "5dea93a1",
    "resolution": {"type": "REAUTHENTICATE", "url": "https://connect.smartcar.com/oauth/reauthenticate"},
    "suggestedUserMessage": "Your car got disconnected.",
    "detail": [{"field": "limit", "message": "too much"}],
}
V3 = {
    "errors": [
        {
            "status": "400",
            "type": "VALIDATION",
            "code": "MISSING_PARAMETER",
            "title": "Missing",
            "detail": "missing userId",
            "resolution": {"type": "RETRY_LATER"},
            "suggestedUserMessage": "Try later.",
            "links": {"about": "https://smartcar.com/docs/errors/v3"},
        }
    ]
}
OAUTH = {"error": "invalid_grant", "error_description": "Expired."}


def smartcar_error(status=400, body=b"", headers=None, request=None):
    response = requests.Response()
    response.status_code = status
    response._content = body if isinstance(body, bytes) else json.dumps(body).encode()
    response.headers.update(headers or {})
    response.request = request
    return response


def fields_of(exception):
    names = "type code description request_id resolution detail doc_url suggested_user_message"
    return {name: getattr(exception, name) for name in names.split() if getattr(exception, name) is not None}


@pytest.mark.parametrize(("status", "kind"), BY_STATUS.items())
def test_each_status_has_its_class(status, kind):
    exception = sdk.exception_for(smartcar_error(status, {**V2, "type": "SOMETHING_NEW"}))
    assert type(exception) is {403: sdk.PermissionMissing, 429: sdk.RateLimited}.get(status, kind)
    assert exception.status_code == status
    assert isinstance(exception.response, requests.Response)


@pytest.mark.parametrize(("status", "kind"), BY_STATUS.items())
@pytest.mark.parametrize(("type_", "code"), exceptions.CLASS_BY_ERROR)
def test_no_type_overrides_the_class_of_a_status(status, kind, type_, code):
    exception = sdk.exception_for(smartcar_error(status, {"type": type_, "code": code}))
    assert isinstance(exception, kind)
    expected = exceptions.CLASS_BY_ERROR[type_, code]
    assert type(exception) is (expected if issubclass(expected, kind) else kind)


@pytest.mark.parametrize("status", [302, 402, 418, 424, 502, 503, 599])
def test_any_other_status_is_also_an_http_error(status):
    exception = sdk.exception_for(smartcar_error(status))
    expected = sdk.UpstreamException if status >= 500 else sdk.UnexpectedStatusException
    assert type(exception) is expected
    assert isinstance(exception, sdk.UnexpectedStatusException)
    assert isinstance(exception, requests.HTTPError)
    assert exception.response.status_code == status
    assert str(exception) == f"Unexpected status {status}"


def test_an_error_of_v1_is_parsed():
    exception = sdk.exception_for(smartcar_error(409, V1))
    assert str(exception) == "Doors open."
    assert fields_of(exception) == {
        "type": "vehicle_state_error",
        "code": "VS_001",
        "description": "Doors open.",
        "request_id": "r",
    }


def test_an_error_of_v2_is_parsed():
    exception = sdk.exception_for(smartcar_error(400, V2))
    assert str(exception) == "CONNECTED_SERVICES_ACCOUNT:AUTHENTICATION_FAILED - Please re-authenticate."
    assert fields_of(exception) == {
        "type": "CONNECTED_SERVICES_ACCOUNT",
        "code": "AUTHENTICATION_FAILED",
        "description": "Please re-authenticate.",
        "request_id": "5dea93a1",
        "resolution": V2["resolution"],
        "detail": V2["detail"],
        "doc_url": "https://smartcar.com/docs/errors",
        "suggested_user_message": "Your car got disconnected.",
    }


def test_numbers_that_are_invalid_in_json_are_none():
    exception = sdk.exception_for(
        smartcar_error(400, b'{"type": "X", "detail": [NaN, Infinity, 1e999, 1.5]}')
    )
    assert exception.detail == [None, None, None, 1.5]


def test_an_error_of_v2_is_parsed_when_the_code_is_null():
    body = {"type": "PERMISSION", "code": None, "description": "Not granted."}
    assert str(sdk.exception_for(smartcar_error(403, body))) == "PERMISSION - Not granted."


def test_an_error_of_v2_is_parsed_when_the_resolution_is_a_string():
    exception = sdk.exception_for(smartcar_error(400, {**V2, "resolution": "RETRY_LATER"}))
    assert exception.resolution == {"type": "RETRY_LATER"}


def test_an_error_of_v3_is_parsed():
    exception = sdk.exception_for(smartcar_error(400, V3, {"SC-Request-Id": "from-header"}))
    assert str(exception) == "VALIDATION:MISSING_PARAMETER - missing userId"
    assert fields_of(exception) == {
        "type": "VALIDATION",
        "code": "MISSING_PARAMETER",
        "description": "missing userId",
        "request_id": "from-header",
        "resolution": {"type": "RETRY_LATER"},
        "detail": "missing userId",
        "doc_url": "https://smartcar.com/docs/errors/v3",
        "suggested_user_message": "Try later.",
    }


def test_an_error_of_oauth_is_parsed():
    exception = sdk.exception_for(smartcar_error(400, OAUTH))
    assert str(exception) == "Expired."
    assert fields_of(exception) == {"type": "OAUTH", "code": "invalid_grant", "description": "Expired."}


def test_an_error_of_oauth_is_parsed_when_there_is_no_description():
    exception = sdk.exception_for(smartcar_error(400, {"error": "invalid_client"}))
    assert str(exception) == "OAUTH:invalid_client"
    assert exception.code == "invalid_client"


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"upstream request timeout", "upstream request timeout"),
        (b"<html>Bad</html>", "<html>Bad</html>"),
        ("Zeit\u00fcberschreitung".encode(), "Zeit\u00fcberschreitung"),
        ("Zeit\u00fcberschreitung".encode("latin-1"), "Zeit\u00fcberschreitung"),
        (b"", "Unknown error"),
        (b" \n", "Unknown error"),
        (b"null", "Unknown error"),
        (b'["message"]', "Unknown error"),
        (b'"message"', "Unknown error"),
        (b"{}", "Unknown error"),
        (b'{"message": {"not": "text"}}', "Unknown error"),
        (b'{"errors": []}', "Unknown error"),
        (b'{"errors": {"a": 1}}', "Unknown error"),
        (b'{"type": 5, "code": [], "description": {}, "resolution": 7}', "5"),
        (b"\xef\xbb\xbf" + json.dumps(V1).encode(), "Doors open."),
        (b"[" * 100_000, "Unknown error"),
        (b'{"message": ' + b"9" * 10_000, None),
        (b'{"message": "\\ud800 \\u0000"}', "\ufffd \ufffd"),
    ],
)
def test_every_body_gives_a_message(body, message):
    exception = sdk.exception_for(smartcar_error(504, body))
    assert type(exception) is sdk.GatewayTimeoutException
    if message is not None:
        assert str(exception) == message
    str(exception).encode()


@pytest.mark.parametrize("charset", ["utf-8\0", "hex", "idna", "undefined", "unicode_escape", "no-such"])
def test_the_charset_is_ignored(charset):
    headers = {"Content-Type": f"text/html; charset={charset}"}
    assert str(sdk.exception_for(smartcar_error(500, b"\\d \xff", headers))) == "\\d \xff"


def test_a_very_long_body_is_truncated():
    exception = sdk.exception_for(smartcar_error(502, b"<p>" * 1_000_000))
    assert len(str(exception)) == 501
    assert len(repr(exception)) < 600


class TestRetryAfter:
    @pytest.mark.parametrize(("header", "seconds"), [("120", 120.0), ("0", 0.0), (" 1.5 ", 1.5)])
    def test_retry_after_may_be_in_seconds(self, header, seconds):
        assert sdk.exception_for(smartcar_error(429, headers={"retry-after": header})).retry_after == seconds

    def test_retry_after_may_be_a_date(self):
        moment = datetime.now(UTC) + timedelta(seconds=100)
        exception = sdk.exception_for(
            smartcar_error(429, headers={"Retry-After": format_datetime(moment, usegmt=True)})
        )
        assert 97 < exception.retry_after <= 100

    def test_retry_after_is_zero_for_a_date_in_the_past(self):
        header = {"Retry-After": "Wed, 21 Oct 2015 07:28:00 GMT"}
        assert sdk.exception_for(smartcar_error(429, headers=header)).retry_after == 0.0

    @pytest.mark.parametrize(
        "header",
        [
            "",
            "soon",
            "-5",
            "nan",
            "inf",
            "1e9",
            "9" * 400,
            "\u0661",
            "1;2",
        ],
    )
    def test_an_invalid_retry_after_is_none(self, header):
        assert sdk.exception_for(smartcar_error(429, headers={"Retry-After": header})).retry_after is None


class TestSecrets:
    SECRET = "58b128ba/8e44+11ee=b9d1"

    def request(self, **kwargs):
        return requests.Request("POST", "https://auth.smartcar.com/oauth/token", **kwargs).prepare()

    def show(self, exception):
        shown = [str(exception), repr(exception), repr(vars(exception)), repr(pickle.dumps(exception))]
        return "".join(shown).lower()

    @pytest.mark.parametrize("name", ["code", "refresh_token"])
    @pytest.mark.parametrize("status", [400, 401, 502])
    @pytest.mark.parametrize("change", [str, str.upper, lambda secret: urlencode({"": secret})[1:]])
    def test_secrets_are_redacted_in_errors_of_the_token_endpoint(self, name, status, change):
        request = self.request(data={"grant_type": "x", name: self.SECRET}, auth=("id", "client+secret"))
        text = f"Invalid {name}: {change(self.SECRET)}. client+secret {request.headers['Authorization']}"
        for body in ({"error": "invalid_grant", "error_description": text}, text.encode()):
            exception = sdk.exception_for(smartcar_error(status, body, request=request))
            shown = self.show(exception)
            assert change(self.SECRET).lower() not in shown
            assert "client+secret" not in shown
            assert request.headers["Authorization"].split()[1].lower() not in shown
            assert str(exception).startswith(f"Invalid {name}: [removed]. [removed] Basic [removed]")

    def test_secrets_are_redacted_in_every_field(self):
        request = self.request(headers={"Authorization": f"Bearer {self.SECRET}"})
        echo = dict.fromkeys(("type", "code", "description", "docURL", "suggestedUserMessage"), self.SECRET)
        body = {
            **echo,
            "requestId": self.SECRET,
            "resolution": {"url": self.SECRET},
            "detail": [[self.SECRET]],
        }
        exception = sdk.exception_for(smartcar_error(400, body, request=request))
        assert self.SECRET not in self.show(exception)
        assert exception.detail == [["[removed]"]]

    @pytest.mark.parametrize("depth", [10, 300, 500, 700, 900, 2000])
    def test_secrets_are_redacted_at_any_depth(self, depth):
        request = self.request(data={"code": self.SECRET})
        inner = b"[" * depth + json.dumps(self.SECRET).encode() + b"]" * depth
        body = b'{"description": ' + json.dumps(self.SECRET).encode() + b', "detail": ' + inner + b"}"
        exception = sdk.exception_for(smartcar_error(400, body, request=request))
        assert self.SECRET not in f"{exception!r} {exception.description} {json.dumps(exception.detail)}"

    def test_secrets_do_not_change_the_names_of_fields(self):
        request = self.request(data={"code": "code"})
        assert sdk.exception_for(smartcar_error(400, V1, request=request)).code == "VS_001"

    def test_secrets_are_redacted_before_the_message_is_truncated(self):
        request = self.request(data={"code": self.SECRET})
        text = "x" * 490 + self.SECRET
        exception = sdk.exception_for(smartcar_error(400, text.encode(), request=request))
        assert self.SECRET[:5] not in str(exception)

    def test_secrets_are_not_in_a_pickle(self):
        request = self.request(headers={"Authorization": f"Bearer {self.SECRET}"})
        exception = pickle.loads(pickle.dumps(sdk.exception_for(smartcar_error(400, V2, request=request))))  # noqa: S301
        assert exception.response is None


@pytest.mark.parametrize(
    "exception",
    [
        *(
            sdk.exception_for(smartcar_error(status, V2, {"Retry-After": "3"}))
            for status in [*BY_STATUS, 502]
        ),
        sdk.NoResponseException("No response", request_sent=False),
        sdk.InvalidResponseException("Not JSON", status_code=200),
        sdk.ReconnectRequired(account="the account"),
        sdk.PermissionMissing(scope="read_odometer"),
        sdk.SmartcarException(),
    ],
    ids=lambda exception: type(exception).__name__,
)
@pytest.mark.parametrize("again", [copy.copy, copy.deepcopy, lambda e: pickle.loads(pickle.dumps(e))])  # noqa: S301
def test_an_exception_survives_pickling_and_copying(exception, again):
    other = again(exception)
    assert type(other) is type(exception)
    assert (str(other), repr(other), other.args) == (str(exception), repr(exception), exception.args)
    assert {**vars(other), "response": None} == {**vars(exception), "response": None}


def test_every_exception_is_a_smartcar_exception():
    for name in sdk.__all__:
        found = getattr(sdk, name)
        if isinstance(found, type) and issubclass(found, Exception):
            assert issubclass(found, sdk.SmartcarException)
    assert issubclass(sdk.NoResponseException, requests.RequestException)
    assert not issubclass(sdk.ValidationException, requests.RequestException)


def test_the_tree_in_the_docstring_names_every_class():
    for name, found in vars(exceptions).items():
        if isinstance(found, type) and issubclass(found, Exception):
            assert name in exceptions.__doc__
    for status, kind in BY_STATUS.items():
        assert f"x {kind.__name__} {status}" in " ".join(exceptions.__doc__.split())


words = st.sampled_from([*V2, *V3["errors"][0], "errors", "error", "error_description", "message"])
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.just("RETRY_LATER"),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(words | st.text(), inner, max_size=6),
    max_leaves=20,
)


@settings(deadline=None, database=None)
@given(
    status=st.sampled_from([*BY_STATUS, 502, 302]),
    body=st.binary() | st.text().map(str.encode) | values.map(lambda value: json.dumps(value).encode()),
    headers=st.dictionaries(st.sampled_from(["Retry-After", "SC-Request-Id", "Content-Type"]), st.text()),
    code=st.text(),
)
def test_the_parser_never_raises(status, body, headers, code):
    request = requests.Request("POST", "https://auth.smartcar.com", data={"code": code}).prepare()
    exception = sdk.exception_for(smartcar_error(status, body, headers, request))
    assert isinstance(exception, BY_STATUS.get(status, sdk.SmartcarException))
    if (exception.type or "").upper() not in {type_ for type_, _ in exceptions.CLASS_BY_ERROR}:
        others = {403: sdk.PermissionMissing, 429: sdk.RateLimited, 502: sdk.UpstreamException}
        assert type(exception) is {302: sdk.UnexpectedStatusException, **BY_STATUS, **others}[status]
    for name in ("message", "type", "code", "description", "request_id", "doc_url", "suggested_user_message"):
        value = getattr(exception, name)
        assert value is None or isinstance(value, str)
        (value or "").encode()
    assert exception.resolution is None or isinstance(exception.resolution, dict)
    assert exception.retry_after is None or 0 <= exception.retry_after < 1e13
    json.dumps([exception.resolution, exception.detail], allow_nan=False)
    assert vars(pickle.loads(pickle.dumps(exception)))["message"] == exception.message  # noqa: S301


@pytest.mark.parametrize(
    ("error", "status", "kind"),
    [
        ({"status": "409"}, 409, sdk.StateException),
        ({"status": "409", "type": "SERVER"}, 409, sdk.StateException),
        ({"type": "VEHICLE_STATE", "code": "ASLEEP"}, 409, sdk.StateException),
        ({"type": "AUTHENTICATION", "code": "UNAUTHORIZED"}, 401, sdk.AuthenticationException),
        ({"type": "AUTHENTICATION", "code": "ACCESS_DENIED"}, 403, sdk.PermissionException),
        ({"type": "RATE_LIMIT", "code": "VEHICLE"}, 429, sdk.RateLimited),
        ({"type": "BILLING"}, 430, sdk.MonthlyLimitExceeded),
        ({"type": "UPSTREAM"}, 502, sdk.UpstreamException),
        ({"type": "UPSTREAM", "code": "RATE_LIMIT"}, 502, sdk.RateLimited),
        ({"type": "CONNECTED_SERVICES_ACCOUNT", "code": "SUBSCRIPTION"}, 400, sdk.OwnerActionRequired),
        ({"type": "CONNECTED_SERVICES_ACCOUNT", "code": "PERMISSION"}, 400, sdk.LoginRequired),
        ({"type": "COMPATIBILITY", "code": "PLATFORM_NOT_CAPABLE"}, 501, sdk.LoginOutdated),
        ({"type": "PERMISSION"}, 403, sdk.PermissionMissing),
        ({"type": "VALIDATION", "code": "NOT_FOUND"}, 400, sdk.ValidationException),
        ({"code": "internal_error"}, 500, sdk.ServerException),
        ({"status": "200", "code": "unauthorized"}, 401, sdk.AuthenticationException),
        ({"status": True}, 202, sdk.UnexpectedStatusException),
        ({"status": ["409"]}, 202, sdk.UnexpectedStatusException),
        ({}, 202, sdk.UnexpectedStatusException),
    ],
)
def test_an_error_inside_a_2xx_response_has_the_class_of_its_type(error, status, kind):
    for exception in (
        sdk.exception_for(smartcar_error(202, {"errors": [error]})),
        sdk.exception_for(smartcar_error(202, {"data": {"errors": "elsewhere"}}), error),
    ):
        assert type(exception) is kind
        assert exception.status_code == status
        assert exception.response.status_code == 202


def test_an_error_status_wins_over_the_body():
    exception = sdk.exception_for(
        smartcar_error(504, {"errors": [{"status": "409", "type": "VEHICLE_STATE"}]})
    )
    assert type(exception) is sdk.GatewayTimeoutException
    assert exception.status_code == 504
