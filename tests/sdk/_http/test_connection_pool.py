"""The session prepares and sends what a session of requests does, with less work."""

import ssl
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
import requests
import trustme

from django_smartcar import sdk
from django_smartcar.sdk._http import connection_pool
from django_smartcar.sdk._http.connection_pool import PooledSession
from django_smartcar.secret_types import Secret

CAR = "https://api.smartcar.com/v2.0/vehicles/36ab27d0-fd9d-4455-823a-ce30af709ffc/odometer"


def unchanged(request):
    return request


@pytest.mark.parametrize(
    ("url", "arguments"),
    [
        (CAR, {}),
        (CAR, {"headers": {"Authorization": Secret("Bearer t"), "SC-Unit-System": "metric"}}),
        (CAR, {"headers": {"accept": "text/plain", "user-agent": "ours"}}),
        (CAR, {"headers": {"Accept": None}}),
        (CAR, {"headers": {"accept": None}}),
        (CAR, {"params": {"page[size]": 2, "limit": None}}),
        (CAR, {"params": {}, "json": None}),
        (CAR, {"cookies": {"a": "b"}}),
        (CAR, {"auth": ("client", "secret")}),
        (f"{CAR}?startDate=2026-01-01#part", {}),
        ("https://api.smartcar.com", {}),
        ("https://api.smartcar.com:443/", {}),
        ("http://127.0.0.1:8000/a//b/./c/../d", {}),
        ("HTTPS://API.Smartcar.com/V2", {}),
        ("https://user:password@api.smartcar.com/v2", {}),
        ("https://api.smartcar.com/über/a b/%2F/c%zz", {}),
        ("https://münchen.example/v2", {}),
        (b"https://api.smartcar.com/v2", {}),
    ],
)
@pytest.mark.parametrize("method", ["GET", "post", "DELETE"])
@pytest.mark.parametrize("body", [{}, {"json": {"action": "LOCK"}}, {"data": {"code": "a b"}}])
def test_a_request_is_prepared_as_by_requests(method, url, arguments, body):
    arguments = {"auth": unchanged, **body, **arguments}
    ours, theirs = (
        session.prepare_request(requests.Request(method, url, **arguments))
        for session in (PooledSession(), requests.Session())
    )
    assert (ours.method, ours.url, ours.body) == (theirs.method, theirs.url, theirs.body)
    assert ours.headers == theirs.headers
    assert ours.hooks == theirs.hooks


@pytest.mark.parametrize("url", ["", "api.smartcar.com/v2", "https:///v2", "https://*/v2", "https://a:b/"])
def test_an_url_that_requests_refuses_is_refused(url):
    for session in (PooledSession(), requests.Session()):
        with pytest.raises((requests.exceptions.RequestException, ValueError)):
            session.request("GET", url)


def test_close_closes_the_connections(server):
    session = PooledSession()
    requester = sdk.Requester(session=session, retries=0)
    for _ in range(2):
        requester.call("GET", server.url)
        requester.call("GET", server.url)
        session.close()
    assert [request.connection for request in server.requests] == [1, 1, 2, 2]


def test_pools_are_kept_for_some_hosts_only(monkeypatch):
    monkeypatch.setattr(connection_pool, "MAX_HOSTS", 2)
    session = PooledSession()
    requester = sdk.Requester(session=session, retries=0)
    for number in range(2, 7):
        with pytest.raises(sdk.NoResponseException):
            requester.call("GET", f"http://127.0.0.{number}:9/")
    assert len(session.get_adapter("http://")._pools) <= 2


@pytest.fixture
def https(tmp_path):
    """Serve over TLS; yield the URL, and the file of the authority that signed the certificate."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"{}")

        def log_message(self, *args):
            pass

    authority, context = trustme.CA(), ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    authority.cert_pem.write_to_path(str(tmp_path / "authority.pem"))
    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        server.socket = context.wrap_socket(server.socket, server_side=True)
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"https://127.0.0.1:{server.server_port}/", str(tmp_path / "authority.pem")
        finally:
            server.shutdown()
            thread.join()


def test_a_certificate_is_verified_as_each_request_says(https):
    url, authority = https
    requester = sdk.Requester(retries=0)
    for _ in range(2):
        assert requester.call("GET", url, verify=authority).status_code == 200
        with pytest.raises(sdk.NoResponseException, match="CERTIFICATE_VERIFY_FAILED"):
            requester.call("GET", url)
        with pytest.raises(sdk.NoResponseException, match="CERTIFICATE_VERIFY_FAILED"):
            requester.call("GET", url, verify=True)
