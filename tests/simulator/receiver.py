"""A minimal application that receives webhooks and checks their signatures itself."""

import hashlib
import hmac
import json
import threading
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from django_smartcar.simulator import store


@dataclass
class Received:
    """A received request."""

    path: str
    headers: dict
    raw: bytes

    @property
    def body(self):
        return json.loads(self.raw)

    @property
    def is_signed(self):
        expected = hmac.new(store.MANAGEMENT_TOKEN.encode(), self.raw, hashlib.sha256).hexdigest()
        return self.headers.get("SC-Signature") == expected

    @property
    def kind(self):
        return self.body.get("eventType") or self.body["eventName"]


class Receiver:
    """A server that responds to events with `response`, and to challenges correctly, with `token`.

    While `is_open` is not set, it does not respond.
    """

    def __init__(self):
        self.received = []
        self.response = (200, {}, b"")
        self.token = store.MANAGEMENT_TOKEN
        self.is_open = threading.Event()
        self.is_open.set()
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                raw = self.rfile.read(int(self.headers["Content-Length"]))
                receiver.received.append(Received(self.path, dict(self.headers), raw))
                receiver.is_open.wait(20)
                status, headers, body = receiver.response_to(raw)
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *arguments):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/hook"
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.02}).start()

    def response_to(self, raw):
        challenge = self.challenge_in(raw)
        if challenge is None:
            return self.response
        hashed = hmac.new(self.token.encode(), challenge.encode(), hashlib.sha256).hexdigest()
        return 200, {"Content-Type": "application/json"}, json.dumps({"challenge": hashed}).encode()

    @staticmethod
    def challenge_in(raw):
        try:
            body = json.loads(raw)
        except ValueError:
            return None
        return (body.get("data") or body.get("payload") or {}).get("challenge")

    @property
    def events(self):
        """Return the received requests without challenges."""
        return [one for one in self.received if self.challenge_in(one.raw) is None]

    def close(self):
        self.is_open.set()
        self.server.shutdown()
        self.server.server_close()
