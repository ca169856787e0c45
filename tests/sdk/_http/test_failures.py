"""Every kind of connection failure, provoked over real sockets."""

import socket
import ssl
import threading

import pytest
import trustme

from django_smartcar import sdk

from ..conftest import HANG_UP, SILENCE


@pytest.fixture(autouse=True)
def _no_proxy_of_this_machine(monkeypatch):
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


@pytest.fixture
def closed():
    """Return a closed port."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield taken.getsockname()[1]


@pytest.fixture
def untrusted_tls():
    """Serve TLS with a certificate of an unknown authority; return the port."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert("127.0.0.1").configure_cert(context)

    def greet():
        connection, _ = listener.accept()
        with connection, pytest.raises(ssl.SSLError):
            context.wrap_socket(connection, server_side=True)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        greeter = threading.Thread(target=greet)
        greeter.start()
        yield listener.getsockname()[1]
        greeter.join(10)


def fault(url, **options):
    with pytest.raises(sdk.NoResponseException) as caught:
        sdk.Requester(retries=0, **options).call("GET", url)
    return caught.value.fault


def test_an_unknown_host_name(monkeypatch):
    def unknown(*args, **kwargs):
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    assert fault("https://smartcar.invalid/") == sdk.failures.DNS


def test_a_closed_port(closed):
    assert fault(f"http://127.0.0.1:{closed}/") == sdk.failures.REFUSED


def test_an_unreachable_proxy(monkeypatch, closed):
    monkeypatch.setenv("https_proxy", f"http://127.0.0.1:{closed}")
    assert fault("https://smartcar.invalid/") == sdk.failures.PROXY


def test_an_untrusted_certificate(untrusted_tls):
    assert fault(f"https://127.0.0.1:{untrusted_tls}/") == sdk.failures.CERTIFICATE


def test_a_server_without_tls(server):
    assert fault(server.url.replace("http://", "https://")) == sdk.failures.TLS


def test_a_server_that_does_not_respond(server):
    server.respond = lambda request: SILENCE
    assert fault(server.url, timeout=0.05) == sdk.failures.TIMEOUT


def test_a_connection_that_is_closed(server):
    server.respond = lambda request: HANG_UP
    assert fault(server.url) == sdk.failures.BROKEN
