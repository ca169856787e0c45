"""Where a request may go while tests run: to the simulator of the test, and to no Smartcar besides."""

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

_ADVICE = (
    "Let the simulator answer: take the fixture smartcar_simulator, or write "
    "`with django_smartcar.testing.simulator():`. A test that is meant to ask the real Smartcar is marked "
    "with @pytest.mark.smartcar_network, or does so in `with django_smartcar.testing.unblocked():`."
)

#: The addresses at which simulators of tests serve at the moment.
_served: list[str] = []
#: How often `unblocked` is open.
_lifts: list[None] = []


class NetworkBlocked(RuntimeError):
    """A test was about to ask the real Smartcar. It is none of the SDK's exceptions, which sites handle."""


@contextlib.contextmanager
def blocked() -> Iterator[None]:
    """Refuse what the SDK sends to anything but a simulator of `simulator`, and whatever goes to Smartcar.

    Raises NetworkBlocked where it is sent. Requests of other libraries are refused when they look up one of
    Smartcar's hosts. What ``responses`` or ``requests_mock`` answer is not sent, and everything else passes.
    """
    send, look_up = HTTPAdapter.send, socket.getaddrinfo

    def send_or_refuse(
        self: HTTPAdapter, request: requests.PreparedRequest, *args: Any, **kwargs: Any
    ) -> requests.Response:
        if not _lifts and _is_refused(request):
            raise _refusal(f"{request.method} to {urlsplit(str(request.url)).netloc}")
        return send(self, request, *args, **kwargs)

    def look_up_or_refuse(host: Any, *args: Any, **kwargs: Any) -> Any:
        name = host.decode("ascii", "replace") if isinstance(host, bytes) else str(host)
        if not _lifts and is_smartcars(name):
            raise _refusal(f"a connection to {name}")
        return look_up(host, *args, **kwargs)

    with (
        mock.patch.object(HTTPAdapter, "send", send_or_refuse),
        mock.patch.object(socket, "getaddrinfo", look_up_or_refuse),
    ):
        yield


@contextlib.contextmanager
def unblocked() -> Iterator[None]:
    """Let a test ask the real Smartcar, inside `blocked`."""
    _lifts.append(None)
    try:
        yield
    finally:
        _lifts.pop()


@contextlib.contextmanager
def answered(adapter: BaseAdapter, is_for_it: Callable[[str], bool]) -> Iterator[None]:
    """Have an adapter answer what goes to these hosts, whichever session sends it."""
    choose = requests.Session.get_adapter

    def get_adapter(self: requests.Session, url: str) -> BaseAdapter:
        return adapter if is_for_it(urlsplit(url).hostname or "") else choose(self, url)

    with mock.patch.object(requests.Session, "get_adapter", get_adapter):
        yield


@contextlib.contextmanager
def serving(origin: str) -> Iterator[None]:
    """Let the SDK's requests pass to a simulator that serves here."""
    _served.append(origin)
    try:
        yield
    finally:
        _served.remove(origin)


def is_smartcars(host: str) -> bool:
    """Whether this is one of Smartcar's own hosts."""
    return f".{host.lower().rstrip('.')}".endswith(".smartcar.com")


def _is_refused(request: requests.PreparedRequest) -> bool:
    url = str(request.url)
    if is_smartcars(urlsplit(url).hostname or ""):
        return True
    is_the_sdks = request.headers.get("User-Agent") == USER_AGENT
    return is_the_sdks and not any(url.startswith(f"{origin}/") for origin in _served)


def _refusal(what: str) -> NetworkBlocked:
    # The host alone: a path holds ids, a query codes.
    return NetworkBlocked(f"This test has no simulator that answers {what}. {_ADVICE}")
