"""Checks of a deployed site for values that everybody knows, for the simulator, and for guessable secrets.

This package does not import the example project or the test kit, so their keys are kept as hashes.
"""

import contextlib
import hashlib
from collections.abc import Iterator
from typing import Any

from django.apps import apps
from django.conf import settings
from django.core.checks import CheckMessage
from django.core.checks import Warning as CheckWarning
from django.core.exceptions import ImproperlyConfigured

from ..conf import SIMULATOR_PATHS, conf
from ..secret_types import Secret
from . import credentials, simulator

#: SHA-256 of the keys of the example project (two) and of `django_smartcar.testing`.
_PUBLISHED_KEYS = frozenset(
    {
        "c428c2c2181e1e4da2588febcca783f41a8ceed2bc8d678076f7e63f2bbfb16f",
        "8edfb2bc054f384c0cdbd28b8443c40f216287e3c444f3873373d4c6a8945053",
        "9dc3fccce2d5557cc44cd163b36ede8ecf91ed21f6b21e9e2de8d2d3e2ef3290",
    }
)
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
        if any(hashlib.sha256(value.encode()).hexdigest() in _PUBLISHED_KEYS for value in values):
            yield CheckWarning(
                f"{name} has a key of the example project or of the tests, which everybody knows.",
                hint=f"Set {name} to a key of your own, and keep it secret.",
                id="smartcar.W040",
            )


def _credentials() -> Iterator[CheckMessage]:
    if conf.SMARTCAR_SIMULATOR_URL:
        yield CheckWarning(
            "SMARTCAR_SIMULATOR_URL sets credentials of the simulator, which everybody knows.",
            hint="Replace it by the credentials of your application in Smartcar's dashboard.",
            id="smartcar.W041",
        )
    for name, values in credentials.texts().items():
        is_own = getattr(settings, name, None) or not conf.SMARTCAR_SIMULATOR_URL
        if is_own and simulator.CREDENTIALS.intersection(values):
            effect = ": anyone can send this site webhooks" if name.endswith("_TOKENS") else ""
            yield CheckWarning(
                f"{name} is the simulator's, which everybody knows{effect}.",
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
    for name in SIMULATOR_PATHS:
        if simulator.is_simulators(name):
            host = simulator.host_of(getattr(conf, name))
            yield CheckWarning(
                f"{name} leads to a simulator at {host} while DEBUG is off.",
                hint=f"Leave {name} and SMARTCAR_SIMULATOR_URL out to use Smartcar.",
                id="smartcar.W042",
            )


def _lengths() -> Iterator[CheckMessage]:
    for name, values in credentials.texts().items():
        if not name.endswith("_ID") and any(0 < len(value) < _SHORTEST_SECRET for value in values):
            yield CheckWarning(
                f"{name} has fewer than {_SHORTEST_SECRET} characters: it can be guessed.",
                hint="Copy the whole value from Smartcar's dashboard.",
                id="smartcar.W043",
            )


def _texts(values: Any) -> list[str]:
    """Return the plain texts in a list; anything else is reported by the other checks."""
    listed = values if isinstance(values, (list, tuple)) else ()
    return [Secret(value).reveal() for value in listed if isinstance(value, str)]
