"""A token endpoint over HTTP, with a configurable latency, that records its requests."""

import json
import threading
import time
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs


class TokenServer(ThreadingHTTPServer):
    """Return a new pair of tokens for any refresh token, after ``latency`` seconds."""

    daemon_threads = True
    request_queue_size = 512

    def __init__(self, latency=0.0):
        super().__init__(("127.0.0.1", 0), _Handler)
        self.latency = latency
        self.url = f"http://127.0.0.1:{self.server_port}/oauth/token"
        self.lock = threading.Lock()
        #: While it is cleared, every response waits.
        self.gate = threading.Event()
        self.gate.set()
        #: Number of exchanges of each refresh token.
        self.exchanged = Counter()
        #: Arrival of each request, on the monotonic clock.
        self.request_times = []
        self.connections = self.concurrent = self.max_concurrent = 0
        #: Responses to the next requests in place of a pair of tokens: (status, headers, body).
        self.next_responses = []
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    def close(self):
        self.shutdown()
        self.server_close()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def setup(self):
        super().setup()
        with self.server.lock:
            self.server.connections += 1

    def do_POST(self):
        server = self.server
        form = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
        (token,) = form["refresh_token"]
        with server.lock:
            server.request_times.append(time.monotonic())
            server.concurrent += 1
            server.max_concurrent = max(server.max_concurrent, server.concurrent)
            status, headers, body = server.next_responses.pop(0) if server.next_responses else (200, {}, None)
        time.sleep(server.latency)
        server.gate.wait(60)
        with server.lock:
            server.concurrent -= 1
            if body is None:
                server.exchanged[token] += 1
                number = server.exchanged.total()
                body = {
                    "access_token": f"access-{number}",
                    "refresh_token": f"refresh-{number}",
                    "token_type": "Bearer",
                    "expires_in": 7200,
                }
        content = json.dumps(body).encode()
        self.send_response(status)
        for name, value in {"Content-Length": str(len(content)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *arguments):
        pass
