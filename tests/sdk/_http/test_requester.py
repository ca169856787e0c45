import contextlib
import socket
import subprocess
import sys
import threading
import time

import pytest
import requests

from django_smartcar import __version__, sdk
from django_smartcar.sdk._http import requester as requester_module

from ..conftest import HANG_UP, SILENCE, Response

SMARTCAR_API = {"type": "RATE_LIMIT", "code": "SMARTCAR_API"}
INTERNAL = {"type": "SERVER", "code": "INTERNAL"}


def test_the_user_agent_names_us(server, requester):
    requester.call("GET", server.url, headers={"User-Agent": "somebody else"})
    agent = server.requests[0].header("User-Agent")
    assert agent.startswith(f"django-smartcar/{__version__} (")
    assert "; " in agent
    assert ") Python v3." in agent


def test_the_headers_of_the_caller_stay_as_they_were(server, requester):
    headers = {"Authorization": "Bearer t"}
    requester.call("GET", server.url, headers=headers)
    assert headers == {"Authorization": "Bearer t"}
    assert server.requests[0].header("Authorization") == "Bearer t"


def test_sequential_calls_reuse_one_connection(server, requester):
    for _ in range(5):
        requester.call("GET", server.url)
    assert {request.connection for request in server.requests} == {1}


def test_threads_share_a_requester_without_mixing_responses(server, requester):
    server.respond = lambda request: Response(body={"path": request.path})
    wrong = []

    def ask(number):
        for turn in range(10):
            path = f"/{number}/{turn}"
            if requester.call("GET", server.url + path).json() != {"path": path}:
                wrong.append(path)

    threads = [threading.Thread(target=ask, args=[number]) for number in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong
    assert len(server.requests) == 200
    assert len(server.sockets) <= 20


def test_a_forked_worker_opens_its_own_connection(server):
    script = (
        "import os, sys\n"
        "from django_smartcar import sdk\n"
        "url = sys.argv[1]\n"
        "sdk.call('GET', url)\n"
        "pid = os.fork()\n"
        "sdk.call('GET', url)\n"
        "if pid == 0: os._exit(0)\n"
        "sys.exit(os.waitpid(pid, 0)[1])\n"
    )
    subprocess.run([sys.executable, "-c", script, server.url], check=True, timeout=20)
    assert sorted(request.connection for request in server.requests) == [1, 1, 2]


def test_no_cookie_is_kept_from_one_call_to_the_next(server, requester):
    server.respond = lambda request: Response(headers={"Set-Cookie": "driver=anna; Path=/"})
    for _ in range(3):
        requester.call("GET", server.url)
    assert [request.header("Cookie") for request in server.requests] == [None, None, None]


def test_a_netrc_never_replaces_our_authorization(server, requester, tmp_path, monkeypatch):
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login mallory password mallory\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    requester.call("GET", server.url, headers={"Authorization": "Bearer ours"})
    requester.call("GET", server.url, auth=("id", "secret"))
    assert server.requests[0].header("Authorization") == "Bearer ours"
    assert server.requests[1].header("Authorization") == "Basic aWQ6c2VjcmV0"


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("location", ["/elsewhere", "http://[", "http://\xe9\xff"])
def test_a_redirect_is_an_unexpected_status_and_not_followed(server, requester, method, status, location):
    server.respond = lambda request: Response(status, headers={"Location": location})
    with pytest.raises(sdk.UnexpectedStatusException) as caught:
        requester.call(method, server.url, headers={"Authorization": "Bearer t"})
    assert caught.value.status_code == status
    assert len(server.requests) == 1


class TestTimeouts:
    @pytest.mark.parametrize(
        ("method", "short"), [("GET", "timeout"), ("POST", "command_timeout"), ("DELETE", "command_timeout")]
    )
    def test_reads_and_commands_have_their_own_timeouts(self, server, method, short):
        server.respond = lambda request: SILENCE
        impatient = sdk.Requester(**{"timeout": 9, "command_timeout": 9, short: 0.3})
        with pytest.raises(sdk.NoResponseException) as caught:
            impatient.call(method, server.url)
        assert server.timeouts == [(5, 0.3)]
        assert caught.value.request_sent is True
        assert len(server.requests) == 1

    def test_the_callers_timeout_overrides_ours(self, server):
        server.respond = lambda request: SILENCE
        patient = sdk.Requester(timeout=9, command_timeout=9)
        with pytest.raises(sdk.NoResponseException):
            patient.call("POST", server.url, timeout=0.3)
        assert server.timeouts == [0.3]

    def test_a_request_has_a_timeout_even_if_the_caller_passes_none(self, server):
        server.respond = lambda request: SILENCE
        with pytest.raises(sdk.NoResponseException):
            sdk.Requester(timeout=0.3).call("GET", server.url, timeout=None)
        assert server.timeouts == [(5, 0.3)]

    @pytest.mark.parametrize("method", ["GET", "POST"])
    def test_an_incomplete_response_is_not_retried(self, server, requester, method):
        server.respond = lambda request: Response(body=b"{", headers={"Transfer-Encoding": "chunked"})
        with pytest.raises(sdk.NoResponseException) as caught:
            requester.call(method, server.url, timeout=0.3)
        assert caught.value.request_sent is True
        assert len(server.requests) == 1

    def test_the_defaults_are_five_thirty_and_three_hundred_and_ten_seconds(self):
        fresh = sdk.Requester()
        assert (fresh.connect_timeout, fresh.timeout, fresh.command_timeout) == (5, 30, 310)


class TestConnectionFailures:
    def test_nothing_was_sent_when_the_connection_is_refused(self, requester):
        with socket.socket() as listener:
            listener.bind(("127.0.0.1", 0))
            url = f"http://127.0.0.1:{listener.getsockname()[1]}/secret-vin"
            with pytest.raises(sdk.NoResponseException) as caught:
                requester.call("POST", url)
        assert caught.value.request_sent is False
        assert "secret-vin" not in str(caught.value)
        assert "refused" in str(caught.value)

    def test_nothing_was_sent_when_the_name_is_unknown(self, requester, monkeypatch):
        def unknown(*args, **kwargs):
            raise socket.gaierror(-2, "Name or service not known")

        monkeypatch.setattr(socket, "getaddrinfo", unknown)
        with pytest.raises(sdk.NoResponseException) as caught:
            requester.call("POST", "http://api.smartcar.invalid/")
        assert caught.value.request_sent is False

    @pytest.mark.skipif(sys.platform != "linux", reason="another system fills its backlog in another way")
    def test_nothing_was_sent_when_connecting_takes_too_long(self):
        with socket.socket() as listener, contextlib.ExitStack() as waiting:
            listener.bind(("127.0.0.1", 0))
            listener.listen(0)
            for _ in range(3):
                other = waiting.enter_context(socket.socket())
                other.setblocking(False)
                other.connect_ex(listener.getsockname())
            url = f"http://127.0.0.1:{listener.getsockname()[1]}"
            with pytest.raises(sdk.NoResponseException) as caught:
                sdk.Requester(connect_timeout=0.3).call("POST", url)
        assert caught.value.request_sent is False

    @pytest.mark.parametrize(
        ("url", "kwargs"),
        [
            ("no-scheme", {}),
            ("ftp://host/", {}),
            ("http://[", {}),
            ("http://127.0.0.1:1", {"headers": {"Authorization": "Bearer hidden\n"}}),
            ("http://127.0.0.1:1", {"auth": ("id", "hidden\u20ac")}),
        ],
    )
    def test_nothing_was_sent_when_the_request_cannot_be_made(self, requester, url, kwargs):
        with pytest.raises(sdk.NoResponseException) as caught:
            requester.call("POST", url, **kwargs)
        assert caught.value.request_sent is False
        assert "hidden" not in repr(caught.value)
        assert caught.value.__cause__ is caught.value.__context__ is None

    def test_nothing_was_sent_when_a_token_is_not_latin_1(self, server, requester):
        with pytest.raises(sdk.NoResponseException) as caught:
            requester.call("POST", server.url, headers={"Authorization": "Bearer hidden\u20ac"})
        assert caught.value.request_sent is False
        assert server.requests == []

    def test_no_response_is_also_a_requests_exception(self, requester):
        with pytest.raises(requests.RequestException):
            requester.call("GET", "no-scheme")


class TestCommandsAreNeverRetried:
    @pytest.mark.parametrize("method", ["POST", "DELETE"])
    def test_a_command_is_not_retried_when_a_pooled_connection_breaks_during_the_request(
        self, server, requester, method
    ):
        server.responses = [Response(), HANG_UP]
        requester.call("GET", server.url)
        with pytest.raises(sdk.NoResponseException) as caught:
            requester.call(method, server.url, json={"action": "LOCK"})
        assert caught.value.request_sent is True
        assert [request.method for request in server.requests] == ["GET", method]
        assert {request.connection for request in server.requests} == {1}

    def test_a_command_is_not_retried_when_a_pooled_connection_was_closed_before(self, server, requester):
        requester.call("GET", server.url)
        server.hang_up()
        time.sleep(0.05)
        requester.call("POST", server.url)
        assert [request.method for request in server.requests] == ["GET", "POST"]

    @pytest.mark.parametrize("method", ["POST", "DELETE"])
    @pytest.mark.parametrize(
        "response",
        [Response(429, SMARTCAR_API), Response(500, INTERNAL), Response(502), Response(504), HANG_UP],
    )
    def test_a_command_is_not_retried_when_a_read_would_be(self, server, requester, method, response):
        server.respond = lambda request: response
        with pytest.raises(sdk.SmartcarException):
            requester.call(method, server.url)
        assert len(server.requests) == 1


class TestReadsAreRetried:
    @pytest.mark.parametrize(
        "response",
        [Response(429, SMARTCAR_API), Response(500, INTERNAL), Response(502), Response(504), HANG_UP],
    )
    def test_a_read_is_retried_after_a_transient_error(self, server, requester, response):
        server.responses = [response, response, Response(body={"id": "driver"})]
        assert requester.call("GET", server.url).json() == {"id": "driver"}
        assert len(server.requests) == 3

    @pytest.mark.parametrize(
        "response",
        [Response(429, SMARTCAR_API), Response(500, INTERNAL), Response(502), Response(504), HANG_UP],
    )
    def test_a_read_is_attempted_at_most_three_times(self, server, requester, response):
        server.respond = lambda request: response
        with pytest.raises(sdk.SmartcarException):
            requester.call("GET", server.url)
        assert len(server.requests) == 3

    @pytest.mark.parametrize(
        "response",
        [
            Response(400),
            Response(401),
            Response(403),
            Response(404),
            Response(409),
            Response(429),
            Response(429, {"type": "RATE_LIMIT", "code": "VEHICLE"}),
            Response(430),
            Response(500),
            Response(500, {"type": "SERVER", "code": "RECORD_NOT_FOUND"}),
            Response(501),
            Response(503),
        ],
    )
    def test_a_read_is_not_retried_after_a_permanent_error(self, server, requester, response):
        server.respond = lambda request: response
        with pytest.raises(sdk.SmartcarException):
            requester.call("GET", server.url)
        assert len(server.requests) == 1

    def test_a_read_is_retried_after_an_incomplete_response(self, server, requester):
        broken = Response(body=b"5\r\nab", headers={"Transfer-Encoding": "chunked", "Connection": "close"})
        server.responses = [broken]
        assert requester.call("GET", server.url).status_code == 200
        assert len(server.requests) == 2

    def test_a_retry_has_the_same_headers(self, server, requester):
        server.responses = [Response(502)]
        requester.call("GET", server.url, headers={"Authorization": "Bearer t"}, params={"limit": 5})
        first, second = server.requests
        assert (first.path, first.headers) == (second.path, second.headers)

    def test_a_read_is_not_retried_before_retry_after(self, server, requester):
        server.responses = [Response(502, headers={"Retry-After": "0.2"})]
        requester.call("GET", server.url)
        assert server.pauses == [0.2]

    def test_a_read_is_not_retried_if_retry_after_is_long(self, server, requester):
        server.respond = lambda request: Response(429, SMARTCAR_API, {"Retry-After": "120"})
        with pytest.raises(sdk.RateLimitingException) as caught:
            requester.call("GET", server.url)
        assert caught.value.retry_after == 120
        assert len(server.requests) == 1
        assert server.pauses == []

    @pytest.mark.parametrize(("retry_after", "deadline"), [("4.1", 1000), ("1", 0.5)])
    def test_a_read_is_not_retried_if_the_pause_would_be_too_long(self, server, retry_after, deadline):
        server.respond = lambda request: Response(502, headers={"Retry-After": retry_after})
        with pytest.raises(sdk.UnexpectedStatusException) as caught:
            sdk.Requester(deadline=deadline).call("GET", server.url)
        assert caught.value.retry_after == float(retry_after)
        assert len(server.requests) == 1
        assert server.pauses == []

    def test_retries_end_at_the_deadline_when_the_server_is_slow(self, server):
        def slow(request):
            time.sleep(0.15)
            return Response(502)

        server.respond = slow
        hurried = sdk.Requester(timeout=1, retries=100, deadline=1, backoff=0.001)
        with pytest.raises(sdk.SmartcarException):
            hurried.call("GET", server.url)
        assert all(timeout.total < 1 for timeout in server.timeouts[1:])
        assert 2 <= len(server.requests) <= 7

    def test_retries_end_at_the_deadline_when_a_retry_gets_no_response(self, server):
        server.responses = [Response(502), SILENCE]
        hurried = sdk.Requester(timeout=5, deadline=0.5, backoff=0.001)
        with pytest.raises(sdk.NoResponseException):
            hurried.call("GET", server.url)
        assert server.timeouts[1].total <= 0.5

    def test_pauses_have_a_maximum(self):
        failure = sdk.ServerException()
        pauses = [sdk.Requester(backoff=1)._pause_before(retry, failure) for retry in range(40)]
        assert max(pauses) <= requester_module.MAX_PAUSE


def test_the_callers_session_is_used(server):
    session = requests.Session()
    session.headers["X-Ours"] = "yes"
    sdk.Requester(session=session).call("GET", server.url)
    session.close()
    assert server.requests[0].header("X-Ours") == "yes"


def test_the_callers_session_follows_no_redirects(server):
    server.respond = lambda request: Response(302, headers={"Location": "/elsewhere"})
    with requests.Session() as session, pytest.raises(sdk.UnexpectedStatusException):
        sdk.Requester(session=session).call("POST", server.url)
    assert len(server.requests) == 1


def test_call_sends_and_raises(server):
    assert sdk.call("GET", server.url).status_code == 200
    server.respond = lambda request: Response(404, {"error": "resource_not_found_error", "message": "No."})
    with pytest.raises(sdk.ResourceNotFoundException, match=r"^No\.$"):
        sdk.call("GET", server.url)


def test_the_proxy_of_the_environment_is_used(server, requester, monkeypatch):
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("http_proxy", server.url)
    requester.call("GET", "http://api.smartcar.invalid/user")
    assert server.requests[0].path == "http://api.smartcar.invalid/user"


def test_the_environment_is_read_once_per_host(server, requester, monkeypatch):
    for name in ("http_proxy", "HTTP_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("http_proxy", server.url)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    requester.call("GET", "http://api.smartcar.invalid/user")
    requester.call("GET", f"{server.url}/direct")  # another host, which the environment excepts
    monkeypatch.delenv("http_proxy")
    requester.call("GET", "http://api.smartcar.invalid/user")
    paths = [request.path for request in server.requests]
    assert paths == ["http://api.smartcar.invalid/user", "/direct", "http://api.smartcar.invalid/user"]


def test_arguments_override_the_environment(server, requester, monkeypatch):
    for name in ("http_proxy", "HTTP_PROXY", "no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    requester.call("GET", f"{server.url}/direct")
    requester.call("GET", f"{server.url}/by_proxy", proxies={"http": server.url})
    requester.call("GET", f"{server.url}/direct")
    assert [request.path for request in server.requests] == ["/direct", f"{server.url}/by_proxy", "/direct"]
