"""Network rules during tests: requests may reach the test's simulator, but not the real Smartcar."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Callable, Iterator
from typing import Any
from unittest import mock
from urllib.parse import urlsplit

import requests
from requests.adapters import BaseAdapter, HTTPAdapter

from ..sdk import USER_AGENT

_HINT = (
    "Use the simulator: the fixture smartcar_simulator, or "
    "`with django_smartcar.testing.simulator():`. To send requests to the real Smartcar, mark the test with "
    "@pytest.mark.smartcar_network, or use `with django_smartcar.testing.unblocked():`."
)

#: The origins of the simulators that currently serve over HTTP.
_origins: list[str] = []
#: One item for each `unblocked` that is active.
_unblocked: list[None] = []


class NetworkBlocked(RuntimeError):
    """A test tried to reach the real Smartcar. It is not an SDK exception, because sites catch those."""


@contextlib.contextmanager
def blocked() -> Iterator[None]:
    """Block requests of the SDK, except to a `simulator`, and all requests to Smartcar.

    They raise NetworkBlocked. Requests of other libraries are blocked when they look up one of Smartcar's
    hosts. Requests that ``responses`` or ``requests_mock`` mock are not sent; all others pass.
    """
    send, look_up = HTTPAdapter.send, socket.getaddrinfo

    def send_or_block(
        self: HTTPAdapter, request: requests.PreparedRequest, *args: Any, **kwargs: Any
    ) -> requests.Response:
        if not _unblocked and _is_blocked(request):
            raise _network_blocked(f"{request.method} to {urlsplit(str(request.url)).netloc}")
        return send(self, request, *args, **kwargs)

    def look_up_or_block(host: Any, *args: Any, **kwargs: Any) -> Any:
        name = host.decode("ascii", "replace") if isinstance(host, bytes) else str(host)
        if not _unblocked and is_smartcar_host(name):
            raise _network_blocked(f"a connection to {name}")
        return look_up(host, *args, **kwargs)

    with (
        mock.patch.object(HTTPAdapter, "send", send_or_block),
        mock.patch.object(socket, "getaddrinfo", look_up_or_block),
    ):
        yield


@contextlib.contextmanager
def unblocked() -> Iterator[None]:
    """Allow requests to the real Smartcar, inside `blocked`."""
    _unblocked.append(None)
    try:
        yield
    finally:
        _unblocked.pop()


@contextlib.contextmanager
def mounted(adapter: BaseAdapter, matches: Callable[[str], bool]) -> Iterator[None]:
    """Send the requests of all sessions to matching hosts through this adapter."""
    default = requests.Session.get_adapter

    def get_adapter(self: requests.Session, url: str) -> BaseAdapter:
        return adapter if matches(urlsplit(url).hostname or "") else default(self, url)

    with mock.patch.object(requests.Session, "get_adapter", get_adapter):
        yield


@contextlib.contextmanager
def serving(origin: str) -> Iterator[None]:
    """Allow requests of the SDK to a simulator at this origin."""
    _origins.append(origin)
    try:
        yield
    finally:
        _origins.remove(origin)


def is_smartcar_host(host: str) -> bool:
    """Return whether this is one of Smartcar's own hosts."""
    return f".{host.lower().rstrip('.')}".endswith(".smartcar.com")


def _is_blocked(request: requests.PreparedRequest) -> bool:
    url = str(request.url)
    if is_smartcar_host(urlsplit(url).hostname or ""):
        return True
    is_from_sdk = request.headers.get("User-Agent") == USER_AGENT
    return is_from_sdk and not any(url.startswith(f"{origin}/") for origin in _origins)


def _network_blocked(what: str) -> NetworkBlocked:
    # Only the host: the path contains ids, and the query codes.
    return NetworkBlocked(f"This test has no simulator for {what}. {_HINT}")
