"""The stand-alone Smartcar simulator: a minimal Django site on a threaded HTTP server."""

from __future__ import annotations

import argparse
import logging
import secrets
import signal
import sys
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import django
from django.conf import settings
from django.core.servers.basehttp import ThreadedWSGIServer, WSGIRequestHandler
from django.core.wsgi import get_wsgi_application
from django.http import HttpRequest, HttpResponse

from . import profiles, store
from .access import redirect_uris

PROGRAM = "python -m django_smartcar.simulator"

#: The pages use no scripts, no inline styles and no other hosts. Pico's icons are data: images.
_CONTENT_SECURITY_POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self' data:; base-uri 'none'; frame-ancestors 'none'"
)

#: The redirect URI of Smartcar's own test suites, at a reserved domain.
_SUITES_REDIRECT_URI = "https://example.com/auth"

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
        SMARTCAR_SIMULATOR_ANY_REDIRECT_URI=options.any_redirect_uri,
        SMARTCAR_SIMULATOR_GRACE=options.grace,
        SMARTCAR_SIMULATOR_REDIRECT_URIS=[*options.redirect_uri, _SUITES_REDIRECT_URI],
        SMARTCAR_SIMULATOR_STATE=options.state,
        SMARTCAR_SIMULATOR_CODES=not options.no_codes,
        SMARTCAR_SIMULATOR_SIGNALS=not options.no_signals,
        SMARTCAR_SIMULATOR_COMMAND_SECONDS=options.command_seconds,
        SMARTCAR_SIMULATOR_PROFILE=options.profile,
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


def configure(**simulator_settings: Any) -> None:
    """Configure Django for the simulator alone, with these ``SMARTCAR_SIMULATOR_…`` settings."""
    settings.configure(
        ALLOWED_HOSTS=["*"],
        APPEND_SLASH=False,
        CSRF_COOKIE_NAME="smartcar_simulator_csrftoken",  # cookies of a host are sent to all its ports
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
        MIDDLEWARE=[
            f"{__name__}.content_security_policy",
            "django.middleware.security.SecurityMiddleware",
            "django.middleware.common.CommonMiddleware",
            "django.middleware.csrf.CsrfViewMiddleware",
        ],
        ROOT_URLCONF="django_smartcar.simulator.site_urls",
        SECRET_KEY=secrets.token_urlsafe(),
        USE_TZ=True,
        **simulator_settings,
    )
    django.setup()


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
        default="3",
        help="API version of the printed variables; both versions are always served (%(default)s)",
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
        help="duration of a command of API v3; above 0 it is answered with 202 first (%(default)s)",
    )
    parser.add_argument(
        "--profile",
        choices=[profiles.BY_BRAND, *profiles.PROFILES],
        default="documented",
        help="what new cars send: as documented, or as seen at one brand or at each car's own (%(default)s)",
    )


def _add_server_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (%(default)s)")
    parser.add_argument(
        "--port", type=int, default=8100, help="port to listen on; 0 picks a free one (%(default)s)"
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


def _start_message(options: argparse.Namespace, port: int) -> str:
    wildcards = {"": "127.0.0.1", "0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - compared only
    host = wildcards.get(options.host, options.host)
    origin = f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
    variables = store.environment(origin, options.api_version)
    lines = [
        f"The Smartcar simulator is running at {origin}/ (press Ctrl-C to stop).",
        f"Vehicles loaded from {options.state}: {len(store.cars())}.",
        f"Registered redirect URIs: {', '.join(redirect_uris.registered())}.",
        "Set these variables for your client:",
        "",
        *(f"export {name}={value}" for name, value in variables.items()),
        "",
    ]
    return "\n".join(lines) + "\n"


def _serve_until_signal(server: Any) -> None:
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    serving = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.1}, daemon=True)
    serving.start()
    stop.wait()
    server.shutdown()
    server.server_close()
