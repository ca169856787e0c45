"""Whether Smartcar's hosts answer from this machine, why not, and how late it is there."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from statistics import median_low
from typing import Any
from urllib.parse import urlsplit

from .. import sdk
from ..conf import conf
from ..exceptions import NoResponseException, SmartcarException
from ..services import client
from .results import CheckResult, Context, not_checked, ok, warning, wrong

#: Seconds that a host has to answer in.
PATIENCE = 10

#: How far the clocks may be apart: a token that ends sooner than this is renewed before it is used.
MOST_APART = timedelta(seconds=60)

#: Only a driver's browser goes there.
OF_BROWSERS = "SMARTCAR_CONNECT_URL"

_faults = sdk.failures
FAULTS = {
    _faults.DNS: (
        "its name cannot be resolved here",
        "Compare the spelling of {names} with the README; if it is right, this machine's DNS does not "
        "work: try getent hosts {host}.",
    ),
    _faults.REFUSED: (
        "it refuses the connection",
        "Allow this machine to open connections to {host}, port {port}: a firewall or a container's "
        "network is in the way; or nothing listens there, if it is a simulator.",
    ),
    _faults.TIMEOUT: (
        f"it did not answer within {PATIENCE} seconds",
        "A firewall that drops packets looks like this: allow connections to {host}, port {port}, or name "
        "your proxy in HTTPS_PROXY. If others wait as well, see status.smartcar.com.",
    ),
    _faults.CERTIFICATE: (
        "its certificate is not trusted here",
        "If a proxy of yours opens TLS, name its authority's file in REQUESTS_CA_BUNDLE; else update the "
        "Python package certifi, and see that this machine's date is right.",
    ),
    _faults.TLS: (
        "no encrypted connection comes about",
        "What answers at {host}, port {port} speaks no TLS that this machine speaks: a proxy in between, or "
        "https:// in {names} where http:// belongs (a simulator).",
    ),
    _faults.PROXY: (
        "this machine's proxy does not let it through",
        "Compare HTTPS_PROXY with your proxy's address, have it allow {host}:{port}, or name that host in "
        "NO_PROXY.",
    ),
    _faults.BROKEN: (
        "the connection breaks off",
        "Something on the way closes it: a firewall or a proxy. Try curl -v {address}.",
    ),
}
NO_BUNDLE = (
    "the file of trusted certificates is not there",
    "REQUESTS_CA_BUNDLE or CURL_CA_BUNDLE names a file that does not exist: correct it, or unset it.",
)


def hosts(context: Context) -> Iterator[CheckResult]:
    """Ask each host that the settings use, all at once; any answer will do."""
    origins: dict[str, list[str]] = {}
    for name in used():
        if origin := origin_of(getattr(conf, name)):
            origins.setdefault(origin, []).append(name)
        else:
            context.silent.add(name)
            yield not_checked(f"{name} is not an address: see settings")
    with ThreadPoolExecutor(max(1, len(origins))) as pool:
        for (origin, names), answer in zip(origins.items(), pool.map(_ask, origins), strict=True):
            yield _host(context, origin, names, answer)


def clock(context: Context) -> Iterator[CheckResult]:
    """How far this machine's clock is from Smartcar's, as most of its hosts see it."""
    if not context.ahead:
        yield not_checked("no host has said what time it is")
        return
    ahead = median_low(context.ahead)
    seconds = round(abs(ahead.total_seconds()))
    if abs(ahead) <= MOST_APART:
        yield ok(
            "it agrees with Smartcar's, to the second" if seconds < 2 else f"{seconds} s from Smartcar's"
        )
        return
    behind = ahead > timedelta(0)
    then = (
        "Tokens that other machines have renewed are believed good after they have ended"
        if behind
        else "Tokens that other machines have renewed are renewed again too early"
    )
    yield wrong(
        f"this machine's clock is {seconds} s {'behind' if behind else 'ahead of'} Smartcar's",
        f"Turn time synchronization on (timedatectl set-ntp true; in a container, on its host). {then}, and "
        "what a car has recorded seems younger or older than it is.",
    )


def used() -> list[str]:
    """The settings of the hosts that this site speaks to."""
    newer = ["SMARTCAR_IAM_URL", "SMARTCAR_VEHICLE_API_URL"] if conf.SMARTCAR_API_VERSION == client.V3 else []
    older = ["SMARTCAR_AUTH_URL", "SMARTCAR_API_URL"] if all(client.v2_credentials()) else []
    management = ["SMARTCAR_MANAGEMENT_URL"] if conf.SMARTCAR_MANAGEMENT_TOKENS else []
    if newer and conf.SMARTCAR_WEBHOOKS:
        management.append("SMARTCAR_MANAGEMENT_API_URL")
    return [OF_BROWSERS, *newer, *older, *management]


def send(method: str, address: str, **options: Any) -> Any:
    """One request on a connection of its own, sent once. Raises a SmartcarException, or an OSError."""
    once = sdk.Requester(timeout=PATIENCE, command_timeout=PATIENCE, retries=0)
    return once.call(method, address, **options)


def explained(error: Exception, address: str, names: str) -> tuple[str, str]:
    """Why nothing came from this address, and what to do about it."""
    if not isinstance(error, NoResponseException):
        return NO_BUNDLE
    text, advice = FAULTS[error.fault]
    parts = urlsplit(address)
    port = parts.port or (80 if parts.scheme == "http" else 443)
    # The origin alone: a path may hold an endpoint's name, and what stands before the host a password.
    return text, advice.format(names=names, host=parts.hostname, port=port, address=origin_of(address))


def _ask(origin: str) -> tuple[Exception | None, timedelta | None]:
    """What kept the host from answering, and by how much its clock is ahead of ours."""
    asked = datetime.now(UTC)
    try:
        response = send("GET", f"{origin}/")
    except NoResponseException as error:
        return error, None
    except SmartcarException as error:
        response = error.response  # it is there: only NoAnswer has none
    except OSError as error:  # as requests raises it where its bundle of certificates is not there
        return error, None
    try:
        told = parsedate_to_datetime(response.headers["Date"])
    except (KeyError, ValueError):
        return None, None
    between = asked + (datetime.now(UTC) - asked) / 2
    return None, told.astimezone(UTC) - between


def _host(
    context: Context,
    origin: str,
    names: list[str],
    answer: tuple[Exception | None, timedelta | None],
) -> CheckResult:
    error, ahead = answer
    if ahead is not None:
        context.ahead.append(ahead)
    if error is None:
        return ok(f"{origin} answers")
    context.silent.update(names)
    text, advice = explained(error, origin, " and ".join(names))
    if names == [OF_BROWSERS]:
        return warning(
            f"{origin}: {text}", f"Only drivers' browsers go there, so this may be right. {advice}"
        )
    return wrong(f"{origin}: {text}", advice)


def origin_of(address: str) -> str:
    """Scheme, host and port of an http(s):// address, without a password; empty for what is none."""
    try:
        parts = urlsplit(address)
        is_address = parts.scheme in ("http", "https") and parts.hostname and (parts.port or True)
    except ValueError:
        return ""
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}" if is_address else ""
