"""What Smartcar supports: its public list of models, with the signals and commands of each."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import Any, NamedTuple

from django.core.cache import cache

from ...conf import conf
from ...models import ConnectedVehicle
from ...sdk.signals import type_of
from .. import client

#: Seconds for which the list of a make is kept in Django's cache.
CACHE_SECONDS = 24 * 60 * 60

#: No brand's name is longer. The name may come from a form.
MAX_MAKE_LENGTH = 50


class Capabilities(NamedTuple):
    """The names of a model's signals, and Smartcar's names of its commands. A car may have fewer."""

    signals: frozenset[str]
    commands: frozenset[str]


def is_supported(make: str, model: str, year: int, region: str = "") -> bool:
    """Return whether Smartcar supports a model of this year, in ``SMARTCAR_REGION`` or another region.

    One request for each make and region a day, without a token. Raises a SmartcarException.
    """
    return bool(_matching(make, model, year, region))


def capabilities(vehicle: ConnectedVehicle, region: str = "") -> Capabilities | None:
    """Return what Smartcar lists for the vehicle's make, model and year; None if it lists no such model.

    Requests and raises as `is_supported` does.
    """
    found = _matching(vehicle.make, vehicle.model, vehicle.year or 0, region)
    if not found:
        return None
    items = [item for model in found for item in model["capabilities"]]
    return Capabilities(
        frozenset(type_of(code).name for code in _texts(items, "signal", "code")),
        frozenset(_texts(items, "command", "name")),
    )


def _texts(items: Iterable[dict[str, Any]], kind: str, field: str) -> Iterable[str]:
    return (item[field] for item in items if item.get("type") == kind and isinstance(item.get(field), str))


def _matching(make: str, model: str, year: int, region: str) -> list[Any]:
    """Return the list's models with this name and year: one for each powertrain."""
    return [
        one
        for one in _models_of(make, region or conf.SMARTCAR_REGION)
        if _plain(one["model"]) == _plain(model)
        and (one["first_year"] or 0) <= year <= (one["last_year"] or year)
    ]


def _models_of(make: str, region: str) -> list[Any]:
    """Return the models of a make, from the cache or from Smartcar."""
    wanted = "_".join(make.upper().replace("-", " ").split())
    if not 0 < len(wanted) <= MAX_MAKE_LENGTH:
        return []
    # A digest, as memcached allows no spaces, and no long keys.
    content = f"{conf.SMARTCAR_COMPATIBILITY_API_URL} {region} {wanted}".encode()
    key = f"smartcar-compatible-{hashlib.sha256(content).hexdigest()[:32]}"
    models: list[Any] | None = cache.get(key)
    if models is None:
        models = [dict(model) for model in client.compatible_vehicles(region, wanted)]
        cache.set(key, models, CACHE_SECONDS)
    return models


def _plain(name: str | None) -> str:
    return "".join(character for character in (name or "").casefold() if character.isalnum())
