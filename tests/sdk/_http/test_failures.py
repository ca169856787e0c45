"""Why no answer came: provoked on the wire, and told apart."""

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
    """A port where nobody listens."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield taken.getsockname()[1]


@pytest.fixture
def strangers_tls():
    """A port that speaks TLS, with a certificate of an authority that nobody here knows."""
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


def test_a_name_that_nobody_knows(monkeypatch):
    def unknown(*args, **kwargs):
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    assert fault("https://smartcar.invalid/") == sdk.failures.DNS


def test_a_port_where_nobody_listens(closed):
    assert fault(f"http://127.0.0.1:{closed}/") == sdk.failures.REFUSED


def test_a_proxy_that_is_not_there(monkeypatch, closed):
    monkeypatch.setenv("https_proxy", f"http://127.0.0.1:{closed}")
    assert fault("https://smartcar.invalid/") == sdk.failures.PROXY


def test_a_certificate_of_a_stranger(strangers_tls):
    assert fault(f"https://127.0.0.1:{strangers_tls}/") == sdk.failures.CERTIFICATE


def test_a_server_that_speaks_no_tls(server):
    assert fault(server.url.replace("http://", "https://")) == sdk.failures.TLS


def test_a_server_that_is_silent(server):
    server.play = lambda request: SILENCE
    assert fault(server.url, timeout=0.05) == sdk.failures.TIMEOUT


def test_a_connection_that_breaks_off(server):
    server.play = lambda request: HANG_UP
    assert fault(server.url) == sdk.failures.BROKEN
