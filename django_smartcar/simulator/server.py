"""The stand-alone Smartcar simulator: a minimal Django site on a threaded HTTP server."""

from __future__ import annotations

import argparse
import contextlib
import logging
import secrets
import signal
import socket
import sys
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import django
from django.conf import settings
from django.core.servers.basehttp import ThreadedWSGIServer, WSGIRequestHandler
from django.core.wsgi import get_wsgi_application
from django.http import HttpRequest, HttpResponse

from . import hosts, profiles, store
from .access import redirect_uris
from .behaviour.history import MAX_DAYS

PROGRAM = "python -m django_smartcar.simulator"

#: The pages use no scripts, no inline styles and no other hosts. Pico's icons are data: images.
_CONTENT_SECURITY_POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self' data:; base-uri 'none'; frame-ancestors 'none'"
)

#: The redirect URI of Smartcar's own test suites, at a reserved domain.
_SUITES_REDIRECT_URI = "https://example.com/auth"

#: Addresses that stand for all addresses of this machine.
_WILDCARDS = {"": "127.0.0.1", "0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - compared only

_V2_CLIENT_NEEDED = (
    "Smartcar's own SDKs have a client of API v2: SMARTCAR_CLIENT_ID and SMARTCAR_CLIENT_SECRET must be the",
    "two of SMARTCAR_V2_… above. With --api-version 2.0 they are.",
)

logger = logging.getLogger(__name__)


class Handler(WSGIRequestHandler):
    """Serve HTTP/1.1 with keep-alive connections."""

    # Headers and body are two writes: with Nagle's algorithm each response on an open connection waits 40 ms.
    disable_nagle_algorithm = True

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        # Without the query string: it can contain a state or a VIN.
        logger.info("%s %s %s", self.command, self.path.partition("?")[0], code)


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve until SIGINT or SIGTERM."""
    parser = _parser()
    options = parser.parse_args(arguments)
    if not options.state.absolute().parent.is_dir():
        parser.error(f"--state: there is no folder {options.state.absolute().parent}")
    configure(
        own_hosts(options.host),
        SMARTCAR_SIMULATOR_ANY_REDIRECT_URI=options.any_redirect_uri,
        SMARTCAR_SIMULATOR_GRACE=options.grace,
        SMARTCAR_SIMULATOR_ORIGIN=options.public_origin,
        SMARTCAR_SIMULATOR_REDIRECT_URIS=[*options.redirect_uri, _SUITES_REDIRECT_URI],
        SMARTCAR_SIMULATOR_STATE=options.state,
        SMARTCAR_SIMULATOR_CODES=not options.no_codes,
        SMARTCAR_SIMULATOR_SIGNALS=not options.no_signals,
        SMARTCAR_SIMULATOR_COMMAND_SECONDS=options.command_seconds,
        SMARTCAR_SIMULATOR_PROFILE=options.profile,
        SMARTCAR_SIMULATOR_DAYS=options.days,
    )
    application = get_wsgi_application()
    try:
        server = ThreadedWSGIServer((options.host, options.port), Handler, ipv6=":" in options.host)
    except (OSError, OverflowError) as error:
        sys.stderr.write(f"Cannot serve on {options.host}:{options.port}: {error}. Try --port 0.\n")
        return 1
    if options.fresh:
        store.reset()
    server.set_app(application)
    sys.stdout.write(_start_message(options, server.server_port))
    sys.stdout.flush()
    _serve_until_signal(server)
    return 0


def configure(own_hosts: Sequence[str], **simulator_settings: Any) -> None:
    """Configure Django for the simulator alone, with these ``SMARTCAR_SIMULATOR_…`` settings."""
    origin = simulator_settings.get("SMARTCAR_SIMULATOR_ORIGIN", "")
    settings.configure(
        INSTALLED_APPS=["django_smartcar.simulator"],
        LOGGING={
            "version": 1,
            "disable_existing_loggers": False,
            "handlers": {"stderr": {"class": "logging.StreamHandler"}},
            "root": {"handlers": ["stderr"], "level": "WARNING"},
            "loggers": {
                "django_smartcar.simulator": {"level": "INFO"},
                # Bad requests are expected here: the request log line is enough.
                "django.request": {"handlers": ["stderr"], "level": "ERROR", "propagate": False},
            },
        },
        SECRET_KEY=secrets.token_urlsafe(),
        USE_TZ=True,
        **request_settings(own_hosts, origin),
        **simulator_settings,
    )
    django.setup()


def request_settings(own_hosts: Sequence[str], origin: str = "") -> dict[str, Any]:
    """Return Django's settings for the requests to a simulator on these hosts, and at this public origin."""
    return {
        # Not "*": a page whose host name was made to point here could read a CSRF token and send forms.
        "ALLOWED_HOSTS": hosts.allowed_hosts(origin, own_hosts),
        "APPEND_SLASH": False,
        "CSRF_COOKIE_NAME": "smartcar_simulator_csrftoken",  # cookies of a host are sent to all its ports
        "CSRF_TRUSTED_ORIGINS": hosts.trusted_origins(origin),
        "FORCE_SCRIPT_NAME": urlsplit(origin).path or None,
        "MIDDLEWARE": [
            f"{__name__}.content_security_policy",
            f"{hosts.__name__}.find_host",
            "django.middleware.security.SecurityMiddleware",
            "django.middleware.common.CommonMiddleware",
            "django.middleware.csrf.CsrfViewMiddleware",
        ],
        "ROOT_URLCONF": "django_smartcar.simulator.site_urls",
    }


def content_security_policy(
    get_response: Callable[[HttpRequest], HttpResponse],
) -> Callable[[HttpRequest], HttpResponse]:
    """Return middleware that adds a Content-Security-Policy for the site's own style sheets and images."""

    def middleware(request: HttpRequest) -> HttpResponse:
        response = get_response(request)
        response.setdefault("Content-Security-Policy", _CONTENT_SECURITY_POLICY)
        return response

    return middleware


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog=PROGRAM,
        description="Run the Smartcar simulator: Connect, tokens, vehicles, management and webhooks.",
    )
    _add_server_options(parser)
    _add_connect_options(parser)
    parser.add_argument(
        "--api-version",
        choices=["2.0", "3"],
        default=None,
        help="print the environment variables of this API version, too; both versions are always served",
    )
    parser.add_argument("--no-signals", action="store_true", help="keep the stored signals of API v3 empty")
    _add_car_options(parser)
    return parser


def _add_car_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--command-seconds",
        type=_seconds,
        default=0,
        metavar="SECONDS",
        help="duration of a command of API v3; above 0 the response is a 202, and the result follows "
        "(%(default)s)",
    )
    parser.add_argument(
        "--profile",
        choices=[profiles.BY_BRAND, *profiles.PROFILES],
        default="documented",
        help="what new cars send: `documented`, the profile of one brand, or `brand` for each car's own "
        "(%(default)s)",
    )
    parser.add_argument(
        "--days",
        type=_days,
        default=0,
        metavar="N",
        help="days of history that a newly connected car comes with, 0 to 366; its webhooks are told its "
        "trips, charging sessions and nights first (%(default)s)",
    )


def _add_server_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (%(default)s)")
    parser.add_argument(
        "--port", type=int, default=8100, help="port to listen on; 0 picks a free one (%(default)s)"
    )
    parser.add_argument(
        "--public-origin",
        type=_origin,
        default="",
        metavar="URL",
        help="the URL that clients use, if a proxy is in front: https://simulator.example.com",
    )
    parser.add_argument(
        "--state",
        type=Path,
        default=Path("smartcar-simulator.json"),
        metavar="FILE",
        help="file that stores vehicles and tokens between runs (%(default)s)",
    )
    parser.add_argument("--fresh", action="store_true", help="start empty: discard the contents of FILE")


def _add_connect_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--redirect-uri",
        type=_redirect_uri,
        action="append",
        default=[],
        metavar="URI",
        help="register a redirect URI of Connect, as in Smartcar's dashboard; may be repeated",
    )
    parser.add_argument(
        "--any-redirect-uri", action="store_true", help="accept redirect URIs that are not registered"
    )
    parser.add_argument("--no-codes", action="store_true", help="do not send a code from Connect")
    parser.add_argument(
        "--grace",
        type=_seconds,
        default=600,
        metavar="SECONDS",
        help="how long a used refresh token keeps working (%(default)s)",
    )


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1.0
    # An upper limit, so that the end can be represented as a datetime.
    if not 0 <= seconds <= 1e9:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of seconds from 0 to 1e9")
    return seconds


def _redirect_uri(text: str) -> str:
    if not redirect_uris.is_redirect_uri(text):
        raise argparse.ArgumentTypeError(f"{text!r} is not a full URL, like https://example.com/callback")
    return text


def _origin(text: str) -> str:
    parts = urlsplit(text)
    is_plain = not (parts.query or parts.fragment or "@" in parts.netloc)
    # "" is the default.
    if text and (parts.scheme not in ("http", "https") or not parts.hostname or not is_plain):
        raise argparse.ArgumentTypeError(f"{text!r} is not a URL like https://simulator.example.com")
    return text.rstrip("/")


def own_hosts(host: str) -> list[str]:
    """Return the names and addresses of this machine that a server on this host answers for."""
    own = ["localhost", "127.0.0.1", "::1"]
    if host not in _WILDCARDS:
        return [*own, host]
    name = socket.gethostname()
    with contextlib.suppress(OSError):
        own += [str(address[0]).partition("%")[0] for *_, address in socket.getaddrinfo(name, None)]
    return list(dict.fromkeys([*own, name]))


def _days(text: str) -> int:
    if not (text.isdecimal() and int(text) <= MAX_DAYS):
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number of days from 0 to {MAX_DAYS}")
    return int(text)


def _start_message(options: argparse.Namespace, port: int) -> str:
    host = _WILDCARDS.get(options.host, options.host)
    local = f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
    origin = options.public_origin or local
    lines = [
        f"The Smartcar simulator is running at {local}/ (press Ctrl-C to stop).",
        *([f"Its clients use {origin}/."] if origin != local else []),
        f"Vehicles loaded from {options.state}: {len(store.cars())}.",
        f"Registered redirect URIs: {', '.join(redirect_uris.registered())}.",
        "",
        "Set this alone in the settings of a site with django_smartcar, while DEBUG is on:",
        "",
        f'SMARTCAR_SIMULATOR_URL = "{origin}"',
        "",
        *_variables(options.api_version, origin),
    ]
    return "\n".join(lines) + "\n"


def _variables(api_version: str | None, origin: str) -> list[str]:
    if api_version is None:
        return ["For programs with Smartcar's own SDKs, --api-version 2.0 prints environment variables."]
    return [
        "Or set these variables, with credentials of one API version:",
        "",
        *_exports(store.site_environment(origin, api_version)),
        "",
        *(_V2_CLIENT_NEEDED if api_version == "3" else []),
        "Set these for Smartcar's own SDKs for Python, Node, Ruby and Java:",
        "",
        *_exports(store.sdk_environment(origin)),
        "",
    ]


def _exports(variables: dict[str, str]) -> list[str]:
    return [f"export {name}={value}" for name, value in variables.items()]


def _serve_until_signal(server: Any) -> None:
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    serving = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.1}, daemon=True)
    serving.start()
    stop.wait()
    server.shutdown()
    server.server_close()
