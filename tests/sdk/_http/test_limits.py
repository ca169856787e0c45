"""Servers that drip, stall, send without end, or send bombs."""

import gzip
import socket
import ssl
import time
import tracemalloc
import zlib

import pytest
import trustme

from django_smartcar import sdk
from django_smartcar.sdk._http.limits import MAX_RESPONSE_BYTES
from django_smartcar.sdk._http.requester import Requester
from tests.raw_server import RawServer, dripping, flooding, serving

CONNECT_TIMEOUT, TIMEOUT = 0.2, 0.4
#: Seconds that a machine under load may add. Without limits, the requests below last for 10 or longer.
TOLERANCE = 4
HEAD = b"HTTP/1.1 200 OK\r\n"
JSON = b"Content-Type: application/json\r\n"
CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"


@pytest.fixture(autouse=True)
def _no_proxy_of_this_machine(monkeypatch):
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


@pytest.fixture(scope="module")
def authority():
    return trustme.CA()


@pytest.fixture
def tls(authority):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    return context


def hurried(**options):
    options = {"timeout": TIMEOUT, "command_timeout": TIMEOUT, "connect_timeout": CONNECT_TIMEOUT, **options}
    return Requester(**options)


def failure_in_time(url, method="GET", seconds=CONNECT_TIMEOUT + TIMEOUT, verify=None, **options):
    """Return the exception, which must come within ``seconds``."""
    started = time.monotonic()
    with pytest.raises(sdk.NoResponseException) as caught:
        hurried(**options).call(method, url, verify=verify)
    assert time.monotonic() - started < seconds + TOLERANCE
    assert caught.value.fault == sdk.failures.TIMEOUT
    return caught.value


# A drop takes less than TIMEOUT: a timeout of each read alone would not end these responses.
DRIPS = {
    "status line": (b"", b"H"),
    "interim responses": (b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
    "header name": (HEAD, b"X"),
    "headers": (HEAD, b"A: b\r\n"),
    "body of known length": (HEAD + b"Content-Length: 5000\r\n\r\n", b" "),
    "body until the end": (HEAD + b"Connection: close\r\n\r\n", b" "),
    "compressed body": (
        HEAD + b"Content-Encoding: gzip\r\nContent-Length: 5000\r\n\r\n",
        gzip.compress(b"", 0)[:10] + b"\0",
    ),
    "chunks": (CHUNKED, b"1\r\n \r\n"),
    "chunk size": (CHUNKED, b"0"),
    "chunk extension": (CHUNKED + b"2;", b"x"),
    "trailers": (CHUNKED + b"2\r\n{}\r\n0\r\n", b"X: y\r\n"),
    "redirect": (b"HTTP/1.1 302 Found\r\nLocation: /\r\nContent-Length: 5000\r\n\r\n", b" "),
    "error": (b"HTTP/1.1 502 Bad Gateway\r\n" + JSON + b"Content-Length: 5000\r\n\r\n", b" "),
    "nothing": (b"", b""),
    "nothing after the headers": (HEAD + b"Content-Length: 2\r\n\r\n", b""),
    "nothing after half a body": (HEAD + b"Content-Length: 2\r\n\r\n{", b""),
}


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("drip", DRIPS.values(), ids=DRIPS)
def test_a_response_that_drips_ends_at_the_deadline(method, drip):
    with serving(dripping(*drip)) as server:
        assert failure_in_time(server.url, method).request_sent is True
        assert len(server.requests) == 1


def test_a_response_over_tls_that_drips_ends_at_the_deadline(tls, authority, tmp_path):
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    with serving(dripping(HEAD + b"Content-Length: 5000\r\n\r\n", b" "), tls) as server:
        # Signing and checking a handshake takes time, too.
        failure = failure_in_time(server.url, "POST", verify=str(tmp_path / "ca.pem"))
        assert failure.request_sent is True


def test_all_attempts_of_a_read_end_at_its_deadline():
    error = b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 2\r\n\r\n{"

    def late(server, connection):
        connection.sendall(error)
        server.is_closing.wait(0.3)
        connection.sendall(b"}")

    with serving(late) as server:
        started = time.monotonic()
        with pytest.raises(sdk.SmartcarException):
            hurried(retries=100, deadline=1, backoff=0.001).call("GET", server.url)
        assert time.monotonic() - started < 1 + TOLERANCE
        assert len(server.requests) > 2


def test_a_response_in_time_is_read_and_its_connection_reused():
    def slowly(server, connection):
        for part in (HEAD, b"Content-Length: 2\r\n\r\n", b"{", b"}"):
            server.is_closing.wait(0.05)
            connection.sendall(part)
        server.requests.append(connection.recv(65536))
        connection.sendall(HEAD + b"Content-Length: 2\r\n\r\n[]")

    with serving(slowly) as server:
        requester = hurried()
        assert requester.call("GET", server.url).json() == {}
        time.sleep(TIMEOUT + CONNECT_TIMEOUT)  # the deadline of the first request is none of the second
        assert requester.call("GET", server.url).json() == []
        assert len(server.threads) == 2  # one that accepts, one connection


class TestConnecting:
    """While connecting nothing has been sent, so that a command is known not to be executed."""

    def test_a_tls_handshake_that_stalls(self, tls):
        with RawServer(None, tls, greeting=10) as server:
            assert failure_in_time(server.url, "POST", 2 * CONNECT_TIMEOUT).request_sent is False

    def test_a_proxy_that_drips(self, monkeypatch):
        with serving(dripping(b"HTTP/1.1 200 OK\r\n", b"A")) as proxy:
            monkeypatch.setenv("https_proxy", proxy.url)
            assert failure_in_time("https://smartcar.invalid/", "POST").request_sent is False
            assert proxy.requests[0].startswith(b"CONNECT smartcar.invalid:443 ")

    @pytest.mark.usefixtures("_full_backlog")
    def test_many_addresses_that_do_not_respond(self):
        # urllib3 gives each of them the whole timeout.
        assert failure_in_time("http://smartcar.invalid/", "POST", 2 * CONNECT_TIMEOUT).request_sent is False

    @pytest.fixture
    def _full_backlog(self, monkeypatch):
        with socket.socket() as listener:
            listener.bind(("127.0.0.1", 0))
            listener.listen(0)
            others = [socket.socket() for _ in range(3)]
            for other in others:
                other.setblocking(False)
                other.connect_ex(listener.getsockname())
            address = (socket.AF_INET, socket.SOCK_STREAM, 6, "", listener.getsockname())
            monkeypatch.setattr(socket, "getaddrinfo", lambda *args: [address] * 50)
            yield
            for other in others:
                other.close()

    def test_a_name_that_is_resolved_after_the_deadline(self, monkeypatch):
        # Nothing can interrupt the resolver, but then it is too late to send.
        resolve = socket.getaddrinfo

        def late(*args, **kwargs):
            time.sleep(CONNECT_TIMEOUT + TIMEOUT + 0.1)
            return resolve(*args, **kwargs)

        with serving(dripping(HEAD + b"Content-Length: 2\r\n\r\n{}", b"")) as server:
            monkeypatch.setattr(socket, "getaddrinfo", late)
            with pytest.raises(sdk.NoResponseException) as caught:
                hurried().call("POST", server.url)
            assert caught.value.request_sent is False
        assert server.requests == []

    def test_a_connection_that_is_ready_after_the_deadline(self, tls, authority, tmp_path, monkeypatch):
        authority.cert_pem.write_to_path(tmp_path / "ca.pem")
        resolve = socket.getaddrinfo

        def slow(*args, **kwargs):
            time.sleep(0.4)
            return resolve(*args, **kwargs)

        with serving(dripping(b"", b""), tls, 0.4) as server:
            monkeypatch.setattr(socket, "getaddrinfo", slow)
            limits = {"connect_timeout": 0.5, "command_timeout": 0.1, "verify": str(tmp_path / "ca.pem")}
            assert failure_in_time(server.url, "POST", 0.8, **limits).request_sent is False
        assert b"".join(server.requests) == b"", "the server may not even have finished its handshake"


def bomb(size, *compressors):
    data = b"\0" * size
    for compress in compressors:
        data = compress(data)
    return data


def raw_deflate(data):
    compressor = zlib.compressobj(wbits=-15)
    return compressor.compress(data) + compressor.flush()


def encoded(encoding, body):
    return HEAD + b"Content-Encoding: %b\r\nContent-Length: %d\r\n\r\n%b" % (encoding, len(body), body)


BOMBS = {
    "gzip": (b"gzip", [gzip.compress]),
    "deflate": (b"deflate", [zlib.compress]),
    "raw deflate": (b"deflate", [raw_deflate]),
    "gzip in gzip": (b"gzip, gzip", [gzip.compress] * 2),
    "gzip in deflate in gzip": (b"gzip, deflate, gzip", [gzip.compress, zlib.compress, gzip.compress]),
}


@pytest.mark.parametrize("status", [200, 400])
@pytest.mark.parametrize("kind", BOMBS.values(), ids=BOMBS)
def test_a_compressed_bomb_is_refused_and_takes_little_memory(kind, status):
    encoding, compressors = kind
    size = 64 * 2**20
    response = encoded(encoding, bomb(size, *compressors)).replace(b"200 OK", b"%d Any" % status)
    with serving(dripping(response, b"")) as server:
        refused_in_little_memory(server.url)
        assert len(server.requests) == 1


FLOODS = {
    "body": (HEAD + b"Content-Length: 99999999999\r\n\r\n", b" " * 65536),
    "body until the end": (HEAD + b"\r\n", b" " * 65536),
    "chunks": (CHUNKED, b"10000\r\n" + b" " * 65536 + b"\r\n"),
    "chunk extensions": (CHUNKED, b"1;" + b"x" * 60000 + b"\r\n \r\n"),
    "empty parts of gzip": (
        HEAD + b"Content-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"fa00\r\n" + gzip.compress(b"") * 3200 + b"\r\n",
    ),
    "trailers": (CHUNKED + b"2\r\n{}\r\n0\r\n", b"X: " + b"y" * 60000 + b"\r\n"),
    "interim responses": (b"", b"HTTP/1.1 100 Continue\r\nX: " + b"y" * 60000 + b"\r\n\r\n"),
}


@pytest.mark.parametrize("flood", FLOODS.values(), ids=FLOODS)
def test_a_response_without_end_is_refused_and_takes_little_memory(flood):
    with serving(flooding(*flood)) as server:
        refused_in_little_memory(server.url)
        assert len(server.requests) == 1


def refused_in_little_memory(url):
    tracemalloc.start()
    try:
        with pytest.raises(sdk.InvalidResponseException, match="more than 4 MB"):
            hurried(timeout=100).call("GET", url)
        assert tracemalloc.get_traced_memory()[1] < 5 * MAX_RESPONSE_BYTES
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("flood", [b"X: y\r\n", b"X: " + b"y" * 70000], ids=["many headers", "a long header"])
def test_headers_without_end_are_no_response(flood):
    with serving(flooding(HEAD, flood)) as server, pytest.raises(sdk.NoResponseException) as caught:
        hurried(timeout=5, retries=0).call("GET", server.url)
    assert caught.value.request_sent is True


@pytest.mark.parametrize(("encoding", "compressors"), [(b"identity", []), *BOMBS.values()])
def test_a_response_of_a_reasonable_size_is_read(encoding, compressors):
    body = b'"' + b"x" * 2**20 + b'"'
    for compress in compressors:
        body = compress(body)
    with serving(dripping(encoded(encoding, body), b"")) as server:
        response = hurried(timeout=5).call("GET", server.url)
        assert response.json() == "x" * 2**20
