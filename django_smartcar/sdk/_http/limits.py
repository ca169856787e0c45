"""Limit the time and the size of a whole response, whatever the server sends, and however slowly.

A timeout of `requests` is that of each read from the socket: a server that sends a byte a second never
exceeds it. Here every read checks the deadline of the attempt, from the status line to the last trailer.
"""

import contextlib
import http.client
import io
import math
import socket
import time
from collections.abc import Iterator
from contextvars import ContextVar
from functools import cache
from typing import Any, Final

import requests
import urllib3
from requests.adapters import HTTPAdapter

from ...secret_types import SecretBytes

#: Bytes of a response, as sent (with its headers), and of its body once it is decompressed.
MAX_RESPONSE_BYTES: Final = 4 * 1024 * 1024

#: The time of ``time.monotonic()`` when the current attempt ends.
_deadline: ContextVar[float] = ContextVar("smartcar_deadline", default=math.inf)


class ResponseTooLarge(urllib3.exceptions.HTTPError):
    """More than MAX_RESPONSE_BYTES. requests raises it unchanged."""


@contextlib.contextmanager
def ends_at(deadline: float) -> Iterator[None]:
    """Let the requests inside the block fail at ``deadline``, a time of ``time.monotonic()``."""
    token = _deadline.set(deadline)
    try:
        yield
    finally:
        _deadline.reset(token)


class _Input(io.RawIOBase):
    """What a socket receives: nothing after the deadline, and not too much."""

    def __init__(self, sock: socket.socket) -> None:
        self._socket = sock
        self._raw: Any = sock.makefile("rb", buffering=0)
        self._timeout = sock.gettimeout() or math.inf
        self._deadline = _deadline.get()
        self._bytes_left = MAX_RESPONSE_BYTES

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        time_left = self._deadline - time.monotonic()
        if time_left <= 0:
            raise TimeoutError("timed out")
        if time_left < self._timeout:
            self._socket.settimeout(time_left)
        number: int = self._raw.readinto(buffer)
        self._bytes_left -= number
        if self._bytes_left < 0:
            raise _too_large()
        return number

    def close(self) -> None:
        self._raw.close()
        super().close()


class _LimitedSocket:
    """The part of a socket that `http.client` reads a response with."""

    def __init__(self, sock: socket.socket) -> None:
        self._socket = sock

    def makefile(self, mode: str) -> io.BufferedReader:
        return io.BufferedReader(_Input(self._socket))


class _LimitedResponse(http.client.HTTPResponse):
    def __init__(self, sock: Any, *args: Any, **kwargs: Any) -> None:
        super().__init__(_LimitedSocket(sock), *args, **kwargs)  # type: ignore[arg-type]


class _SocketOptions(list[Any]):
    """The options of the sockets of a connection attempt, which urllib3 sets before it tries an address.

    It gives each address of a host the whole connect timeout: no address is tried after this time.
    """

    def __init__(self, options: Any, last_start: float) -> None:
        super().__init__(options or ())
        self._last_start = last_start

    def __iter__(self) -> Iterator[Any]:
        if time.monotonic() >= self._last_start:
            raise TimeoutError("timed out")
        return super().__iter__()


class _LimitedConnection:
    """A mixin for the connections of urllib3."""

    response_class = _LimitedResponse

    def connect(self: Any) -> None:
        options = self.socket_options
        self.socket_options = _SocketOptions(options, time.monotonic() + (self.timeout or math.inf))
        try:
            super().connect()  # type: ignore[misc]
            if time.monotonic() >= _deadline.get():
                raise TimeoutError("timed out")
        except TimeoutError:
            # Of the TLS handshake, which urllib3 takes for that of a response: nothing has been sent.
            raise urllib3.exceptions.ConnectTimeoutError(self, "Connecting timed out") from None
        finally:
            self.socket_options = options


class _LimitedBody:
    """A response of urllib3 whose decompressed body is limited. urllib3 decompresses in bounded steps."""

    def __init__(self, response: urllib3.BaseHTTPResponse) -> None:
        self._response = response

    def __getattr__(self, name: str) -> Any:
        return getattr(self._response, name)

    def stream(self, *args: Any, **kwargs: Any) -> Iterator[bytes]:
        bytes_left = MAX_RESPONSE_BYTES
        for chunk in map(SecretBytes, self._response.stream(*args, **kwargs)):
            bytes_left -= len(chunk)
            if bytes_left < 0:
                self._response.close()
                raise _too_large()
            yield chunk


class LimitedAdapter(HTTPAdapter):
    """An adapter of requests with these limits."""

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        _limit(self.poolmanager)

    def proxy_manager_for(self, proxy: str, **kwargs: Any) -> Any:
        is_new = proxy not in self.proxy_manager
        manager = super().proxy_manager_for(proxy, **kwargs)
        if is_new:
            _limit(manager)
        return manager

    def build_response(self, request: requests.PreparedRequest, answer: Any) -> requests.Response:
        response = super().build_response(request, answer)
        response.raw = _LimitedBody(answer)
        return response


def _limit(manager: Any) -> None:
    classes = manager.pool_classes_by_scheme
    manager.pool_classes_by_scheme = {scheme: _limited(kind) for scheme, kind in classes.items()}


@cache
def _limited(pool: Any) -> type:
    connection = type("LimitedConnection", (_LimitedConnection, pool.ConnectionCls), {})
    return type("LimitedPool", (pool,), {"ConnectionCls": connection})


def _too_large() -> ResponseTooLarge:
    return ResponseTooLarge(f"it has more than {MAX_RESPONSE_BYTES // 2**20} MB")
