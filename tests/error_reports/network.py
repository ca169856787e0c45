"""A network without sockets: requests, urllib3 and http.client run as they are, up to the connection."""

import contextlib
import io
import json
from unittest import mock

import urllib3.connection
import urllib3.util.connection
from requests.adapters import HTTPAdapter

from .reporters import stack_report


class OwnBug(ArithmeticError):
    """A programming error, which nothing handles."""


class _Timeout(io.RawIOBase):
    def readable(self):
        return True

    def readinto(self, buffer):
        raise TimeoutError("timed out")


class _Socket:
    """Collects a request, and reads as the response that the network has for it."""

    def __init__(self, network):
        self._network = network
        self._sent = bytearray()

    def sendall(self, data):
        self._network.on_send()
        self._sent += data

    def makefile(self, *args, **kwargs):
        return self._network.on_response(bytes(self._sent))

    def close(self):
        pass

    def gettimeout(self):
        return None

    def settimeout(self, seconds):
        pass

    def shutdown(self, how):
        pass


class Network:
    """Responds to the first ``after`` requests with ``responses``, and fails all others.

    ``failure`` is a name of FAILURES. ``echo`` is the text that malformed responses begin with.
    """

    def __init__(self, failure, after, responses, echo):
        self.failure = failure
        self.echo = echo
        self.requests = 0
        #: The variables of our package whenever a request failed, whether or not its error is handled.
        self.stack = ""
        self._after = after
        self._responses = responses

    @property
    def is_failing(self):
        return self.requests >= self._after

    @contextlib.contextmanager
    def patched(self):
        send = HTTPAdapter.send

        def send_or_raise(adapter, request, **options):
            if self.is_failing and self.failure in BUGS:
                self._count()
                raise OwnBug("a bug in the adapter")
            return send(adapter, request, **options)

        wrapped = urllib3.connection._WrappedAndVerifiedSocket
        with (
            mock.patch.object(urllib3.util.connection, "create_connection", self._connect),
            mock.patch.object(
                urllib3.connection,
                "_ssl_wrap_socket_and_match_hostname",
                lambda sock, **options: wrapped(socket=sock, is_verified=True),
            ),
            mock.patch.object(HTTPAdapter, "send", send_or_raise),
        ):
            yield self

    def _count(self):
        if self.is_failing:
            self.stack += stack_report()
        self.requests += 1

    def _connect(self, *args, **kwargs):
        if self.is_failing and self.failure == "connection refused":
            self._count()
            raise ConnectionRefusedError("Connection refused")
        return _Socket(self)

    def on_send(self):
        if self.is_failing and self.failure == "connection reset":
            self._count()
            raise ConnectionResetError("Connection reset by peer")
        if self.is_failing and self.failure == "own bug in the socket":
            self._count()
            raise OwnBug("a bug in the socket")

    def on_response(self, request):
        head, _, body = request.partition(b"\r\n\r\n")
        is_failing = self.is_failing
        self._count()
        if not is_failing:
            method, path, _ = head.split(b"\r\n")[0].decode().split(" ")
            return _message(200, json.dumps(self._responses(method, path.partition("?")[0])).encode())
        if self.failure == "timeout":
            return io.BufferedReader(_Timeout())
        if self.failure == "malformed JSON":
            return _message(200, b'{"access_token": "' + self.echo.encode() + b'", "data": [')
        return _message(*_error(self.failure, head, body, self.echo))


def _error(failure, head, body, echo):
    """Return the status and body of an error response; a 400 repeats the secrets of the request."""
    status = int(failure[:3])
    lines = [line for line in head.decode().split("\r\n") if line.lower().startswith("authorization")]
    text = (
        f"Invalid request: {lines} {body.decode() if b'grant_type' in body else ''}"
        if status == 400
        else "No."
    )
    kind, code = {
        400: ("VALIDATION", "PARAMETER"),
        401: ("AUTHENTICATION", "UNAUTHORIZED"),
        429: ("RATE_LIMIT", "VEHICLE"),
        500: ("SERVER", "INTERNAL"),
    }[status]
    error = {"type": kind, "code": code, "description": text, "detail": text, "statusCode": status}
    return status, json.dumps({**error, "requestId": "r", "errors": [error]}).encode()


def _message(status, body):
    head = f"HTTP/1.1 {status} X\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n"
    return io.BytesIO(f"{head}Connection: close\r\n\r\n".encode() + body)


FAILURES = (
    "500",
    "429",
    "timeout",
    "malformed JSON",
    "connection refused",
    "connection reset",
    "401",
    "400 that repeats the token",
    "own bug",
    "own bug in the socket",
    "own bug in a thread",
    "own bug in a generator",
)
BUGS = ("own bug", "own bug in a thread", "own bug in a generator")
