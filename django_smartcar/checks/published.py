"""Checks of a deployed site for values that everybody knows, for the simulator, and for guessable secrets.

This package does not import the simulator or the example project, so the published values are kept as hashes.
"""

import contextlib
import hashlib
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

from django.apps import apps
from django.conf import settings
from django.core.checks import CheckMessage
from django.core.checks import Warning as CheckWarning
from django.core.exceptions import ImproperlyConfigured

from ..conf import conf
from ..secret_types import Secret

LOCAL_HOSTS = {"localhost", "127.0.0.1", "::1"}

#: SHA-256 of the keys of the example project (two) and of `django_smartcar.testing`.
_PUBLISHED_KEYS = frozenset(
    {
        "c428c2c2181e1e4da2588febcca783f41a8ceed2bc8d678076f7e63f2bbfb16f",
        "8edfb2bc054f384c0cdbd28b8443c40f216287e3c444f3873373d4c6a8945053",
        "9dc3fccce2d5557cc44cd163b36ede8ecf91ed21f6b21e9e2de8d2d3e2ef3290",
    }
)
#: SHA-256 of the simulator's client ids, client secrets and management token.
_PUBLISHED_CREDENTIALS = frozenset(
    {
        "286888a49c69fbd8889f411cd7e8c4b81523663775a7c93da61fd95f270f7934",
        "5a5d6761e8c1fad2d721470c2ae9e38f739bd2fdfb968ca23f2c1b49351a5066",
        "f2c8fa942abc318fcdfff09ace0d98169b994131e9357a2240d58548588466e5",
        "c9c1ac5a2a95a7c8ca44fef73fe662764a245c83e11acddc38ea7c66ce16202f",
        "b5015733ae57cd51a3f48a408744ed12e9e18cf1573036747baf77e1281e269a",
    }
)
#: The ends of the simulator's URLs.
_SIMULATOR_PATHS = {
    "SMARTCAR_CONNECT_URL": "/connect",
    "SMARTCAR_IAM_URL": "/iam/oauth2/token",
    "SMARTCAR_VEHICLE_API_URL": "/vehicle-api",
    "SMARTCAR_MANAGEMENT_API_URL": "/management-api",
    "SMARTCAR_COMPATIBILITY_API_URL": "/compatibility-api",
    "SMARTCAR_AUTH_URL": "/auth/oauth/token",
    "SMARTCAR_API_URL": "/api",
    "SMARTCAR_MANAGEMENT_URL": "/management",
}
#: Smartcar's secrets and tokens are longer.
_SHORTEST_SECRET = 8


def check_published(**kwargs: Any) -> list[CheckMessage]:
    """Check that a deployed site uses no published value and no simulator."""
    return [*_keys(), *_credentials(), *_simulator(), *_lengths()]


def _keys() -> Iterator[CheckMessage]:
    keys = {"SMARTCAR_ENCRYPTION_KEYS": _texts(conf.SMARTCAR_ENCRYPTION_KEYS)}
    with contextlib.suppress(ImproperlyConfigured):  # reported by Django
        keys["SECRET_KEY"] = _texts([settings.SECRET_KEY])
    for name, values in keys.items():
        if _has_published(values, _PUBLISHED_KEYS):
            yield CheckWarning(
                f"{name} has a key of the example project or of the tests, which everybody knows.",
                hint=f"Set {name} to a key of your own, and keep it secret.",
                id="smartcar.W040",
            )


def _credentials() -> Iterator[CheckMessage]:
    ids = {
        name: [getattr(conf, name)]
        for name in ("SMARTCAR_CLIENT_ID", "SMARTCAR_APPLICATION_ID", "SMARTCAR_V2_CLIENT_ID")
    }
    for name, values in (ids | _secrets()).items():
        if _has_published(values, _PUBLISHED_CREDENTIALS):
            yield CheckWarning(
                f"{name} is the simulator's, which everybody knows: with its token anyone can send this site "
                "webhooks.",
                hint=f"Set {name} to the value of your application in Smartcar's dashboard.",
                id="smartcar.W041",
            )


def _simulator() -> Iterator[CheckMessage]:
    if settings.DEBUG:
        return
    if apps.is_installed("django_smartcar.simulator"):
        yield CheckWarning(
            "django_smartcar.simulator is in INSTALLED_APPS while DEBUG is off: it has no login, and sends "
            "requests to any address that a visitor names.",
            hint="Remove it from INSTALLED_APPS and from the URLconf of the deployed site.",
            id="smartcar.W042",
        )
    for name, path in _SIMULATOR_PATHS.items():
        address = urlsplit(getattr(conf, name))
        if address.hostname in LOCAL_HOSTS or (
            not _is_smartcars(address.hostname) and address.path.endswith(path)
        ):
            yield CheckWarning(
                f"{name} leads to a simulator at {address.hostname} while DEBUG is off.",
                hint=f"Leave {name} out to use Smartcar.",
                id="smartcar.W042",
            )


def _lengths() -> Iterator[CheckMessage]:
    for name, values in _secrets().items():
        if any(0 < len(value) < _SHORTEST_SECRET for value in values):
            yield CheckWarning(
                f"{name} has fewer than {_SHORTEST_SECRET} characters: it can be guessed.",
                hint="Copy the whole value from Smartcar's dashboard.",
                id="smartcar.W043",
            )


def _secrets() -> dict[str, list[str]]:
    endpoints: Any = conf.SMARTCAR_WEBHOOK_TOKENS
    tokens = endpoints.values() if isinstance(endpoints, dict) else ()
    return {
        "SMARTCAR_CLIENT_SECRET": [conf.SMARTCAR_CLIENT_SECRET.reveal()],
        "SMARTCAR_V2_CLIENT_SECRET": [conf.SMARTCAR_V2_CLIENT_SECRET.reveal()],
        "SMARTCAR_MANAGEMENT_TOKENS": _texts(conf.SMARTCAR_MANAGEMENT_TOKENS),
        "SMARTCAR_WEBHOOK_TOKENS": [token for listed in tokens for token in _texts(listed)],
    }


def _texts(values: Any) -> list[str]:
    """Return the plain texts in a list; anything else is reported by the other checks."""
    listed = values if isinstance(values, (list, tuple)) else ()
    return [Secret(value).reveal() for value in listed if isinstance(value, str)]


def _has_published(values: list[str], hashes: frozenset[str]) -> bool:
    return any(hashlib.sha256(value.encode()).hexdigest() in hashes for value in values)


def _is_smartcars(host: str | None) -> bool:
    return f".{host}".endswith(".smartcar.com")
