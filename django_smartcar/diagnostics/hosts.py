"""Checks of the network: whether Smartcar's hosts respond, and whether this machine's clock is right."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from statistics import median_low
from typing import Any
from urllib.parse import urlsplit

from .. import sdk
from ..conf import conf
from ..exceptions import NoResponseException, SmartcarException
from ..services import client
from .results import CheckResult, Context, not_checked, ok, warning, wrong

#: Seconds to wait for a response.
TIMEOUT = 10

#: How far the clocks may differ: a token that expires sooner than this is refreshed before it is used.
MAX_CLOCK_OFFSET = timedelta(seconds=60)

#: The host that only users' browsers send requests to.
BROWSER_SETTING = "SMARTCAR_CONNECT_URL"

_faults = sdk.failures
#: Message and hint for each reason why a request gets no response.
FAULTS = {
    _faults.DNS: (
        "its name cannot be resolved here",
        "Compare the spelling of {names} with the documentation; if it is right, DNS does not work on this "
        "machine: try getent hosts {host}.",
    ),
    _faults.REFUSED: (
        "it refuses the connection",
        "Allow this machine to open connections to {host}, port {port}: a firewall or a container's network "
        "may block them. If it is a simulator, start it.",
    ),
    _faults.TIMEOUT: (
        f"it did not respond within {TIMEOUT} seconds",
        "A firewall may drop the packets: allow connections to {host}, port {port}, or set HTTPS_PROXY to "
        "your proxy. If it is slow for others too, see status.smartcar.com.",
    ),
    _faults.CERTIFICATE: (
        "its certificate is not trusted here",
        "If a private authority signed it, or a proxy of yours intercepts TLS, set REQUESTS_CA_BUNDLE to the "
        "authority's file. "
        "Otherwise update the Python package certifi, and check this machine's date.",
    ),
    _faults.TLS: (
        "the TLS handshake fails",
        "The server at {host}, port {port} does not support TLS as this machine does. A proxy may intercept "
        "it, or {names} has https:// instead of http:// (a simulator).",
    ),
    _faults.PROXY: (
        "this machine's proxy does not let it through",
        "Compare HTTPS_PROXY with your proxy's address, have it allow {host}:{port}, or add that host to "
        "NO_PROXY.",
    ),
    _faults.BROKEN: (
        "the connection is closed without a response",
        "A firewall or a proxy may close it. Try curl -v {address}.",
    ),
}
MISSING_CA_BUNDLE = (
    "the file of trusted certificates does not exist",
    "REQUESTS_CA_BUNDLE or CURL_CA_BUNDLE names a file that does not exist: correct it, or unset it.",
)


def hosts(context: Context) -> Iterator[CheckResult]:
    """Send a request to each host of the settings, in parallel; any response is fine."""
    origins: dict[str, list[str]] = {}
    for name in settings_in_use():
        if origin := origin_of(getattr(conf, name)):
            origins.setdefault(origin, []).append(name)
        else:
            context.unreachable.add(name)
            yield not_checked(f"{name} is not a URL: see settings")
    with ThreadPoolExecutor(max(1, len(origins))) as pool:
        for (origin, names), outcome in zip(origins.items(), pool.map(_request, origins), strict=True):
            yield _host(context, origin, names, outcome)


def clock(context: Context) -> Iterator[CheckResult]:
    """Compare this machine's clock with the median of Smartcar's hosts."""
    if not context.clock_offsets:
        yield not_checked("no host sent a valid Date header")
        return
    offset = median_low(context.clock_offsets)
    seconds = round(abs(offset.total_seconds()))
    if abs(offset) <= MAX_CLOCK_OFFSET:
        yield ok(
            "in sync with Smartcar, to the second" if seconds < 2 else f"{seconds} s off Smartcar's clock"
        )
        return
    is_behind = offset > timedelta(0)
    effect = (
        "Tokens that other machines have refreshed are used after they have expired"
        if is_behind
        else "Tokens that other machines have refreshed are refreshed again too early"
    )
    yield wrong(
        f"this machine's clock is {seconds} s {'behind' if is_behind else 'ahead of'} Smartcar's",
        "Turn time synchronization on (timedatectl set-ntp true; for a container, on its host). Until then: "
        f"{effect}, and readings look younger or older than they are.",
    )


def settings_in_use() -> list[str]:
    """Return the names of the settings whose hosts this site uses."""
    v3 = ["SMARTCAR_IAM_URL", "SMARTCAR_VEHICLE_API_URL"] if conf.SMARTCAR_API_VERSION == client.V3 else []
    v2 = ["SMARTCAR_AUTH_URL", "SMARTCAR_API_URL"] if all(client.v2_credentials()) else []
    management = ["SMARTCAR_MANAGEMENT_URL"] if conf.SMARTCAR_MANAGEMENT_TOKENS else []
    if v3 and conf.SMARTCAR_WEBHOOKS:
        management.append("SMARTCAR_MANAGEMENT_API_URL")
    return [BROWSER_SETTING, *v3, *v2, *management]


def send(method: str, address: str, **options: Any) -> Any:
    """Send one request on its own connection, without retries. Raises SmartcarException or OSError."""
    requester = sdk.Requester(timeout=TIMEOUT, command_timeout=TIMEOUT, retries=0)
    return requester.call(method, address, **options)


def explain(error: Exception, address: str, names: str) -> tuple[str, str]:
    """Return a message and a hint for a request that got no response."""
    if not isinstance(error, NoResponseException):
        return MISSING_CA_BUNDLE
    text, hint = FAULTS[error.fault]
    parts = urlsplit(address)
    port = parts.port or (80 if parts.scheme == "http" else 443)
    # Only the origin: the path may contain an endpoint's secret name, and the user info a password.
    return text, hint.format(names=names, host=parts.hostname, port=port, address=origin_of(address))


def _request(origin: str) -> tuple[Exception | None, timedelta | None]:
    """Return the error, if there is no response, and how far the host's clock is ahead of ours."""
    started = datetime.now(UTC)
    try:
        response = send("GET", f"{origin}/")
    except NoResponseException as error:
        return error, None
    except SmartcarException as error:
        response = error.response  # always set: only NoResponseException has none
    except OSError as error:  # requests raises it for a missing certificate bundle
        return error, None
    date = sdk.parse_datetime(response.headers.get("Date"))
    midpoint = started + (datetime.now(UTC) - started) / 2
    return None, date - midpoint if date else None


def _host(
    context: Context,
    origin: str,
    names: list[str],
    outcome: tuple[Exception | None, timedelta | None],
) -> CheckResult:
    error, offset = outcome
    if offset is not None:
        context.clock_offsets.append(offset)
    if error is None:
        return ok(f"{origin} responds")
    context.unreachable.update(names)
    text, hint = explain(error, origin, " and ".join(names))
    if names == [BROWSER_SETTING]:
        return warning(
            f"{origin}: {text}", f"Only users' browsers need this host, so this may be fine. {hint}"
        )
    return wrong(f"{origin}: {text}", hint)


def origin_of(address: str) -> str:
    """Return scheme, host and port of an http(s) URL, without user info; empty if it is none."""
    try:
        parts = urlsplit(address)
        is_url = parts.scheme in ("http", "https") and parts.hostname and (parts.port or True)
    except ValueError:
        return ""
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}" if is_url else ""
