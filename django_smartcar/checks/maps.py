"""Checks of the settings for maps and the search for an address."""

from collections.abc import Iterator
from typing import Any

from django.core.checks import CheckMessage, Error
from django.utils.module_loading import import_string

from ..conf import conf

_URL_PARTS = ("{z}", "{x}", "{y}")


def check() -> Iterator[CheckMessage]:
    tiles: Any = conf.SMARTCAR_MAP_TILES
    if tiles is not None and not _is_tile_server(tiles):
        yield Error(
            "SMARTCAR_MAP_TILES is not a dict with the URL and the attribution of a tile server.",
            hint='Leave SMARTCAR_MAP_TILES out for no maps, or set it to {"url": '
            '"https://tiles.example.com/{z}/{x}/{y}.png", "attribution": "© the makers of the map"}.',
            id="smartcar.E022",
        )
    if conf.SMARTCAR_GEOCODER and not _is_function(conf.SMARTCAR_GEOCODER):
        yield Error(
            f"SMARTCAR_GEOCODER is {conf.SMARTCAR_GEOCODER!r}, which is not the dotted path of a function.",
            hint='Leave SMARTCAR_GEOCODER out for no search, or set it to a path like "mysite.maps.geocode".',
            id="smartcar.E023",
        )


def _is_tile_server(tiles: Any) -> bool:
    if not isinstance(tiles, dict) or set(tiles) != {"url", "attribution"}:
        return False
    if not all(isinstance(text, str) and text for text in tiles.values()):
        return False
    url = tiles["url"]
    return url.startswith(("https://", "http://", "/")) and all(part in url for part in _URL_PARTS)


def _is_function(path: str) -> bool:
    try:
        return callable(import_string(path))
    except ImportError:
        return False
