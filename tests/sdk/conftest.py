"""A real HTTP server on loopback, controlled by a function from request to response."""

import contextlib
import json
import socket
import threading
import time
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace

import pytest
from requests.adapters import HTTPAdapter

from django_smartcar import sdk
from django_smartcar.sdk._http import requester as requester_module
from tests.simulator.program import running

from .simulator_responses import Smartcar

#: In place of a response: close the connection, or send nothing until the test is over.
HANG_UP = "hang up"
SILENCE = "silence"


@dataclass
class Request:
    method: str
    path: str
    headers: list[tuple[str, str]]
    body: bytes
    connection: int

    def header(self, name):
        found = [value for key, value in self.headers if key.lower() == name.lower()]
        assert len(found) <= 1
        return found[0] if found else None


@dataclass
class Response:
    status: int = 200
    body: object = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)
    #: The body is sent in chunks, with a pause before each, and without an end if ``is_cut``.
    chunks: list[bytes] | None = None
    pause: float = 0.02
    is_cut: bool = False

    @property
    def content(self):
        if isinstance(self.body, bytes):
            return self.body
        return self.body.encode() if isinstance(self.body, str) else json.dumps(self.body).encode()


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def setup(self):
        super().setup()
        self.server.sockets.append(self.connection)
        self.number = len(self.server.sockets)

    def respond(self):
        server = self.server
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        request = Request(self.command, self.path, list(self.headers.items()), body, self.number)
        server.requests.append(request)
        response = server.responses.pop(0) if server.responses else server.respond(request)
        if response in (HANG_UP, SILENCE):
            if response == SILENCE:
                server.is_closing.wait(10)
            self.close_connection = True
            return
        self.send_response(response.status)
        for name, value in response.headers.items():
            self.send_header(name, value)
        if response.chunks is not None:
            self.stream(response)
            return
        self.send_header("Content-Length", str(len(response.content)))
        self.end_headers()
        self.wfile.write(response.content)

    def stream(self, response):
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for chunk in response.chunks:
            self.server.is_closing.wait(response.pause)
            self.wfile.write(b"%x\r\n%b\r\n" % (len(chunk), chunk))
            self.wfile.flush()
        if response.is_cut:
            self.close_connection = True
        else:
            self.server.streams_ended += 1
            self.wfile.write(b"0\r\n\r\n")

    do_GET = do_POST = do_DELETE = respond

    def log_message(self, *args):
        pass


class Server(ThreadingHTTPServer):
    request_queue_size = 128  # with the default of 5, twenty threads at once wait a second to connect

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server_port}"
        self.is_closing = threading.Event()
        self.requests = []
        self.sockets = []
        self.timeouts = []  # of each request that the SDK sends
        self.pauses = []  # seconds between its attempts
        self.streams_ended = 0
        self.responses = []  # taken first, in order
        self.respond = lambda request: Response()

    def handle_error(self, request, client_address):
        pass  # many tests disconnect on purpose

    def hang_up(self):
        """Close every connection, as a server does with idle ones."""
        for connection in self.sockets:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)


def record_timeouts_and_pauses(server, monkeypatch):
    """Record the timeout of every request that the SDK sends, and its pauses between attempts."""
    send, sleep = HTTPAdapter.send, time.sleep

    def recording_send(self, request, **kwargs):
        server.timeouts.append(kwargs["timeout"])
        return send(self, request, **kwargs)

    def recording_sleep(seconds):
        server.pauses.append(seconds)
        sleep(seconds)

    monkeypatch.setattr(HTTPAdapter, "send", recording_send)
    monkeypatch.setattr(
        requester_module, "time", SimpleNamespace(monotonic=time.monotonic, sleep=recording_sleep)
    )


@pytest.fixture
def server(monkeypatch):
    with Server() as server:
        record_timeouts_and_pauses(server, monkeypatch)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.is_closing.set()
        server.shutdown()
        server.hang_up()
        thread.join()


@pytest.fixture
def requester():
    """Return a requester with short timeouts."""
    return sdk.Requester(timeout=2, command_timeout=2, connect_timeout=1, deadline=5, backoff=0.001)


@pytest.fixture
def car(server, requester):
    return sdk.Vehicle("car-1", "token-of-anna", requester=requester, api_url=f"{server.url}/v2.0")


@pytest.fixture
def client(server, requester):
    return sdk.AuthClient(
        "client-id",
        "client-secret",
        "https://site.example/callback",
        ["read_odometer", "required:read_vin"],
        requester=requester,
        auth_url=f"{server.url}/oauth/token",
        api_url=f"{server.url}/v2.0",
    )


@pytest.fixture
def host(server, requester):
    """Return the arguments that send the functions of API v3 to the test server."""
    return {"requester": requester, "api_url": f"{server.url}/v3"}


@pytest.fixture
def car_v3(host):
    return sdk.v3.Vehicle("car-1", "token-of-all", "user-1", **host)


@pytest.fixture(scope="session")
def smartcar(tmp_path_factory):
    """Run the simulator in its own process."""
    with running(tmp_path_factory.mktemp("simulator")) as program:
        yield Smartcar(program)
        program.stop()
    assert "Traceback" not in program.errors
