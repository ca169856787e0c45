"""A TLS reverse proxy in front of a simulator."""

import contextlib
import http.client
import ssl
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

import trustme

#: What a proxy does not send on.
_HOP_BY_HOP = {"connection", "content-length", "keep-alive", "transfer-encoding", "date", "server"}


class TlsProxy:
    """A proxy on a free port, for these host names. `authority` is the file of its certificate authority.

    ``is_forwarding`` adds the ``X-Forwarded-…`` headers; ``host`` replaces the ``Host`` header.
    """

    def __init__(self, folder, target, names, is_forwarding=False, host=None, path=""):
        target = urlsplit(target)
        authority = trustme.CA()
        self.authority = folder / "authority.pem"
        authority.cert_pem.write_to_path(self.authority)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert(*names).configure_cert(context)

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def answer(self):
                headers = {
                    name: value for name, value in self.headers.items() if name.lower() not in _HOP_BY_HOP
                }
                if is_forwarding:
                    headers |= {
                        "X-Forwarded-For": self.client_address[0],
                        "X-Forwarded-Host": headers["Host"],
                        "X-Forwarded-Proto": "https",
                    }
                if host:
                    headers["Host"] = host
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                with contextlib.closing(
                    http.client.HTTPConnection(target.hostname, target.port, timeout=20)
                ) as upstream:
                    upstream.request(self.command, self.path.removeprefix(path), body, headers)
                    response = upstream.getresponse()
                    content = response.read()
                self.send_response(response.status)
                for name, value in response.getheaders():
                    if name.lower() not in _HOP_BY_HOP:
                        self.send_header(name, value)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            do_GET = do_POST = do_DELETE = answer  # noqa: N815

            def log_message(self, *arguments):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        self.port = self.server.server_port
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.02}).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()
