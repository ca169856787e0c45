"""Smartcar's host names, the simulator's path for each of them, and absolute URLs.

A request for one of these hosts reaches the simulator only on a machine that maps the name to it. `find_host`
then answers as that host, so that programs whose URLs cannot be configured work with the simulator.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from urllib.parse import urlsplit

from django.core.exceptions import DisallowedHost
from django.http import HttpRequest, HttpResponse
from django.urls import get_script_prefix, reverse

from .conf import conf

#: The simulator's path for each of Smartcar's hosts.
PATHS = {
    "connect.smartcar.com": "connect",
    "auth.smartcar.com": "auth",
    "iam.smartcar.com": "iam",
    "api.smartcar.com": "api",
    "management.smartcar.com": "management",
    "vehicle.api.smartcar.com": "vehicle-api",
    "management.api.smartcar.com": "management-api",
    "compatibility.api.smartcar.com": "compatibility-api",
}
_HOSTS = {path: host for host, path in PATHS.items()}

#: First parts of the paths of `urls`. The start page has none.
_FIRST_PARTS = {"", "files", "garage", *_HOSTS}

#: Paths without a host's path, which Smartcar's Ruby SDK requests: it drops the path of an origin.
_BARE_PATHS = (
    (re.compile(r"/oauth/authorize/?"), "connect"),
    (re.compile(r"/oauth/token/?"), "auth"),
    (re.compile(r"/v3/.*"), "vehicle-api"),
    (re.compile(r"/v[^/]+/management/.*"), "management"),
    (re.compile(r"/v[0-9].*"), "api"),
)


def absolute_url(request: HttpRequest, host: str = "", path: str = "") -> str:
    """Return the URL of a path on one of the hosts: ``"vehicle-api", "v3/connections"``.

    Without a host it is a path of the simulator's own pages.
    """
    path, requested = path.lstrip("/"), _requested_host(request)
    if requested in PATHS:
        return f"https://{_HOSTS.get(host, requested)}/{path}"
    local_path = f"{host}/{path}" if host else path
    if conf.SMARTCAR_SIMULATOR_ORIGIN:
        return f"{conf.SMARTCAR_SIMULATOR_ORIGIN}/{local_path}"
    return request.build_absolute_uri(reverse("smartcar_simulator:about") + local_path)


def request_url(request: HttpRequest) -> str:
    """Return the absolute URL of this request to one of the hosts, without its query."""
    host, _, path = request.path.removeprefix(reverse("smartcar_simulator:about")).partition("/")
    return absolute_url(request, host, path)


def allowed_hosts(origin: str, own: Iterable[str]) -> list[str]:
    """Return ``ALLOWED_HOSTS`` of the stand-alone program: its ``own``, its public one and Smartcar's."""
    public = urlsplit(origin).hostname
    hosts = [*own, *([public] if public else []), *PATHS]
    return [f"[{host}]" if ":" in host else host for host in hosts]


def trusted_origins(origin: str) -> list[str]:
    """Return ``CSRF_TRUSTED_ORIGINS`` of the stand-alone program."""
    public = urlsplit(origin)
    return [
        *([f"{public.scheme}://{public.netloc}"] if public.netloc else []),
        *(f"https://{host}" for host in PATHS),
    ]


def find_host(get_response: Callable[[HttpRequest], HttpResponse]) -> Callable[[HttpRequest], HttpResponse]:
    """Return middleware of the stand-alone program that adds the path of the host to a path without one."""

    def middleware(request: HttpRequest) -> HttpResponse:
        try:
            host = _requested_host(request)
        except DisallowedHost:
            return HttpResponse(_REFUSED, status=400, content_type="text/plain; charset=utf-8")
        # The path of "OPTIONS *" has no slash.
        path = _without_prefix(f"/{request.path_info.removeprefix('/')}")
        if path.split("/")[1] not in _FIRST_PARTS:
            found = PATHS.get(host) or _bare_host(path)
            path = f"/{found}{path}" if found else path
        request.path_info, request.path = path, get_script_prefix().rstrip("/") + path
        return get_response(request)

    return middleware


_REFUSED = (
    "The simulator answers requests for its own address only. "
    "If it is reached under another name, start it with --public-origin and the URL that clients use.\n"
)


def _requested_host(request: HttpRequest) -> str:
    return request.get_host().removesuffix(":443")


def _without_prefix(path: str) -> str:
    """Return the path without that of the public origin, which a proxy may have removed already."""
    prefix = urlsplit(conf.SMARTCAR_SIMULATOR_ORIGIN).path
    return path.removeprefix(prefix) if prefix and path.startswith(f"{prefix}/") else path


def _bare_host(path: str) -> str:
    return next((host for pattern, host in _BARE_PATHS if pattern.fullmatch(path)), "")
