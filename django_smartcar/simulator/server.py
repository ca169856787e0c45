"""The pretend Smartcar as a program of its own: a minimal Django site, served by threads."""

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

from . import store

PROGRAM = "python -m django_smartcar.simulator"

#: The pages need no script, no inline style and nothing from elsewhere; Pico's icons are data: images.
_CONTENT_SECURITY_POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self' data:; base-uri 'none'; frame-ancestors 'none'"
)

logger = logging.getLogger(__name__)


class Handler(WSGIRequestHandler):
    """HTTP/1.1 with connections that stay open, as SDKs like them."""

    # Headers and body are two writes: with Nagle's algorithm each answer on an open connection waits 40 ms.
    disable_nagle_algorithm = True

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        # Without the query: it holds states and VINs.
        logger.info("%s %s %s", self.command, self.path.partition("?")[0], code)


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve until SIGINT or SIGTERM."""
    parser = _parser()
    options = parser.parse_args(arguments)
    if not options.state.absolute().parent.is_dir():
        parser.error(f"--state: there is no folder {options.state.absolute().parent}")
    configure(
        SMARTCAR_SIMULATOR_GRACE=options.grace,
        SMARTCAR_SIMULATOR_STATE=options.state,
        SMARTCAR_SIMULATOR_CODES=not options.no_codes,
        SMARTCAR_SIMULATOR_SIGNALS=not options.no_signals,
        SMARTCAR_SIMULATOR_COMMAND_SECONDS=options.command_seconds,
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
    sys.stdout.write(_greeting(options, server.server_port))
    sys.stdout.flush()
    _serve_until_told(server)
    return 0


def configure(**simulator: Any) -> None:
    """Make this process a Django site that is the pretend Smartcar, with these settings, and nothing else."""
    settings.configure(
        ALLOWED_HOSTS=["*"],
        APPEND_SLASH=False,
        CSRF_COOKIE_NAME="smartcar_simulator_csrftoken",  # cookies of one host are shared by all its ports
        INSTALLED_APPS=["django_smartcar.simulator"],
        LOGGING={
            "version": 1,
            "disable_existing_loggers": False,
            "handlers": {"stderr": {"class": "logging.StreamHandler"}},
            "root": {"handlers": ["stderr"], "level": "WARNING"},
            "loggers": {
                "django_smartcar.simulator": {"level": "INFO"},
                # Wrong requests are what a simulator is for: the line of the request says enough.
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
        **simulator,
    )
    django.setup()


def content_security_policy(
    get_response: Callable[[HttpRequest], HttpResponse],
) -> Callable[[HttpRequest], HttpResponse]:
    """Middleware: nothing but this site's own style sheet runs on its pages."""

    def middleware(request: HttpRequest) -> HttpResponse:
        response = get_response(request)
        response.setdefault("Content-Security-Policy", _CONTENT_SECURITY_POLICY)
        return response

    return middleware


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog=PROGRAM, description="A pretend Smartcar: Connect, tokens, vehicles and management."
    )
    parser.add_argument("--host", default="127.0.0.1", help="the address to serve on (%(default)s)")
    parser.add_argument(
        "--port", type=int, default=8100, help="the port; 0 for any that is free (%(default)s)"
    )
    parser.add_argument(
        "--grace",
        type=_seconds,
        default=600,
        metavar="SECONDS",
        help="how long a used refresh token is still answered (%(default)s)",
    )
    parser.add_argument(
        "--state",
        type=Path,
        default=Path("smartcar-simulator.json"),
        metavar="FILE",
        help="where connected cars survive a restart (%(default)s)",
    )
    parser.add_argument(
        "--api-version",
        choices=["2.0", "3"],
        default="3",
        help="the generation that the printed variables are for; both are always served (%(default)s)",
    )
    parser.add_argument("--no-codes", action="store_true", help="Connect sends no code along")
    parser.add_argument("--no-signals", action="store_true", help="v3's store of signals is empty")
    parser.add_argument(
        "--command-seconds",
        type=_seconds,
        default=0,
        metavar="SECONDS",
        help="how long a command of v3 takes; above 0 it is answered with 202 first (%(default)s)",
    )
    parser.add_argument("--fresh", action="store_true", help="start from nothing: forget the cars of FILE")
    return parser


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1.0
    # Not for ever either: it ends at a moment that can be written as a date.
    if not 0 <= seconds <= 1e9:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of seconds from 0 to 1e9")
    return seconds


def _greeting(options: argparse.Namespace, port: int) -> str:
    everywhere = {"": "127.0.0.1", "0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - compared only
    host = everywhere.get(options.host, options.host)
    origin = f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
    variables = store.environment(origin, options.api_version)
    lines = [
        f"A pretend Smartcar is at {origin}/ (Ctrl-C ends it).",
        f"Cars known from {options.state}: {len(store.cars())}.",
        "Point a client at it:",
        "",
        *(f"export {name}={value}" for name, value in variables.items()),
        "",
    ]
    return "\n".join(lines) + "\n"


def _serve_until_told(server: Any) -> None:
    told = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: told.set())
    serving = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.1}, daemon=True)
    serving.start()
    told.wait()
    server.shutdown()
    server.server_close()
