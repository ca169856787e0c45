"""Checks that a simulator is used on purpose: in DEBUG, and with its own credentials only."""

from collections.abc import Iterator
from urllib.parse import urlsplit

from django.conf import settings
from django.core.checks import CheckMessage, Error
from django.core.checks import Warning as CheckWarning

from ..conf import SIMULATOR_CREDENTIALS, SIMULATOR_PATHS, conf
from ..secret_types import Secret

LOCAL_HOSTS = {"localhost", "127.0.0.1", "::1"}
#: The simulator's client ids, client secrets and management token.
CREDENTIALS = frozenset(
    text
    for value in SIMULATOR_CREDENTIALS.values()
    for text in (value if isinstance(value, list) else [value])
)
_REMEDY = (
    "To use the simulator, set SMARTCAR_SIMULATOR_URL alone, without credentials and hosts; while DEBUG is "
    "off, set all that it prints instead. To use Smartcar, leave out SMARTCAR_SIMULATOR_URL and the hosts, "
    "and copy the credentials from Smartcar's dashboard."
)


def check() -> Iterator[CheckMessage]:
    if conf.SMARTCAR_SIMULATOR_URL and not settings.DEBUG:
        yield Error(
            "SMARTCAR_SIMULATOR_URL is set while DEBUG is off: anyone can connect invented cars, and send "
            "this site webhooks.",
            hint="Leave it out. If these are tests, use django_smartcar.testing, or its Runner.",
            id="smartcar.E019",
        )
    yield from _mixtures()


def _mixtures() -> Iterator[CheckMessage]:
    token_url = "SMARTCAR_IAM_URL" if conf.SMARTCAR_API_VERSION == "3" else "SMARTCAR_AUTH_URL"
    hosts = ["SMARTCAR_CONNECT_URL", token_url]
    credentials = [name for name in ("SMARTCAR_CLIENT_ID", "SMARTCAR_CLIENT_SECRET") if getattr(conf, name)]
    simulated = [name for name in credentials if _text(name) in CREDENTIALS]
    real_hosts = [name for name in hosts if is_smartcars(host_of(getattr(conf, name)))]
    real = [name for name in credentials if name not in simulated]
    if simulated and (real_hosts or real):
        to_smartcar = f"{_list(real_hosts)} {'lead' if len(real_hosts) > 1 else 'leads'} to Smartcar"
        problem = to_smartcar if real_hosts else f"{_list(real)} is not"
        yield _mixed(f"The simulator's credentials are set in {_list(simulated)}, but {problem}.")
    if real and any(map(is_simulators, hosts)):
        yield _mixed(f"Credentials in {_list(real)} are not the simulator's, but are sent to a simulator.")


def is_simulators(name: str) -> bool:
    """Return whether the setting of a host leads to a simulator."""
    host = host_of(getattr(conf, name))
    path = urlsplit(getattr(conf, name)).path if host else ""
    return host in LOCAL_HOSTS or (not is_smartcars(host) and path.endswith(SIMULATOR_PATHS[name]))


def is_smartcars(host: str | None) -> bool:
    """Return whether this is one of Smartcar's own hosts."""
    return f".{host}".endswith(".smartcar.com")


def host_of(address: str) -> str | None:
    """Return the host of a URL; None if it has none."""
    try:
        return urlsplit(address).hostname
    except ValueError:
        return None


def _list(names: list[str]) -> str:
    return " and ".join(names)


def _text(name: str) -> str:
    return Secret(getattr(conf, name)).reveal()


def _mixed(problem: str) -> CheckMessage:
    return CheckWarning(problem, hint=_REMEDY, id="smartcar.W009")
