"""Call the simulator's views without the site's middleware, URLconf and settings, with or without a port."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator, Mapping
from io import BytesIO
from typing import Any
from urllib.parse import urlsplit

import requests
import urllib3
from django.core.handlers.wsgi import WSGIHandler
from django.core.servers.basehttp import ThreadedWSGIServer
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotFound
from django.http.response import HttpResponseBase
from django.test import RequestFactory
from django.test.utils import override_script_prefix
from django.urls import get_urlconf, resolve, set_urlconf
from django.utils import translation
from requests.adapters import BaseAdapter, HTTPAdapter

from ..secret_types import SecretBytes
from ..simulator import hosts
from ..simulator.server import Handler

#: The simulator's host while it has no port. Names in .test are reserved (RFC 2606).
HOST = "smartcar.test"
ORIGIN = f"https://{HOST}"

_URLCONF = "django_smartcar.simulator.site_urls"


def respond(request: HttpRequest) -> HttpResponseBase:
    """Return the simulator's response, without middleware; the thread's URLconf is restored."""
    request._dont_enforce_csrf_checks = True  # type: ignore[attr-defined]
    previous = get_urlconf()
    set_urlconf(_URLCONF)
    try:
        with override_script_prefix("/"), translation.override("en"):
            match = resolve(request.path_info, _URLCONF)
            response: HttpResponseBase = match.func(request, *match.args, **match.kwargs)
            return response
    except Http404:
        return HttpResponseNotFound()
    finally:
        set_urlconf(previous)


def request(method: str, path: str, fields: Mapping[str, Any] | None = None) -> HttpResponseBase:
    """Send a browser's request to the simulator, without a port."""
    factory = RequestFactory(SERVER_NAME=HOST)
    if method == "POST":
        return respond(factory.post(path, fields, secure=True))
    return respond(factory.get(path, secure=True))


class Adapter(BaseAdapter):
    """Call the simulator's views in the thread that sends the request, without a port or timeouts."""

    def __init__(self) -> None:
        super().__init__()
        self._builder = HTTPAdapter()

    def send(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> requests.Response:
        url = urlsplit(str(request.url))
        host_path = hosts.PATHS.get(url.hostname or "")
        path = f"/{host_path}{url.path}" if host_path else url.path
        body_headers = ("content-type", "content-length")  # set by RequestFactory
        body = request.body or b""
        django_request = RequestFactory(SERVER_NAME=HOST).generic(
            str(request.method),
            f"{path}?{url.query}",
            SecretBytes(body.encode() if isinstance(body, str) else body),
            str(request.headers.get("Content-Type", "")),
            secure=True,
            headers={
                name: value for name, value in request.headers.items() if name.lower() not in body_headers
            },
        )
        return self._builder.build_response(request, _raw(respond(django_request)))

    def close(self) -> None:
        pass


@contextlib.contextmanager
def served() -> Iterator[str]:
    """Serve on a free local port, from threads of this process. Yields the URL."""
    server = ThreadedWSGIServer(("127.0.0.1", 0), Handler)
    server.set_app(_Application())
    thread = threading.Thread(
        target=server.serve_forever, kwargs={"poll_interval": 0.02}, name="smartcar-simulator", daemon=True
    )
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class _Application(WSGIHandler):
    """A WSGI application of the simulator's views."""

    def __init__(self) -> None:  # do not load the site's middleware
        pass

    def get_response(self, request: HttpRequest) -> HttpResponseBase:
        response = respond(request)
        response._resource_closers.append(request.close)  # type: ignore[attr-defined]
        return response


def _raw(response: HttpResponseBase) -> urllib3.HTTPResponse:
    body = response.content if isinstance(response, HttpResponse) else response.getvalue()
    return urllib3.HTTPResponse(
        body=BytesIO(body),
        headers=dict(response.items()),
        status=response.status_code,
        reason=response.reason_phrase,
        preload_content=False,
    )
