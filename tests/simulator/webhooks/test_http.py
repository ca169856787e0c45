"""Webhooks are posted over TLS to receivers with certificates of a private authority."""

import contextlib
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from django_smartcar.simulator.webhooks import http

from ..tls_proxy import TlsProxy


class Receiver(BaseHTTPRequestHandler):
    def do_POST(self):
        self.send_response(204)
        self.end_headers()

    def log_message(self, *args):
        """Print nothing."""


@pytest.fixture
def proxy(tmp_path):
    """Serve a receiver behind a TLS proxy."""
    with HTTPServer(("127.0.0.1", 0), Receiver) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        target = f"http://127.0.0.1:{server.server_port}"
        with contextlib.closing(TlsProxy(tmp_path, target, ["localhost"])) as proxy:
            yield proxy
        server.shutdown()


def test_a_private_authority_is_trusted_if_the_environment_names_it(proxy, monkeypatch):
    url = f"https://localhost:{proxy.port}/"
    monkeypatch.delenv("REQUESTS_CA_BUNDLE", raising=False)
    assert "CERTIFICATE_VERIFY_FAILED" in http.post(url, b"{}", {}).error
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(proxy.authority))
    assert http.post(url, b"{}", {}).status == 204
