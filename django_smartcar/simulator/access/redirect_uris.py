"""Redirect URIs that the application has registered, in the settings or in the garage.

At Smartcar they are registered in the dashboard, and Connect refuses any other.
"""

from __future__ import annotations

from urllib.parse import urlsplit

from .. import store
from ..conf import conf

#: Schemes that run something in the browser instead of opening an application.
_UNSAFE_SCHEMES = {"about", "blob", "data", "file", "javascript", "vbscript"}


def registered() -> list[str]:
    """Return the registered redirect URIs: those of the settings, then those of the garage."""
    return list(dict.fromkeys([*conf.SMARTCAR_SIMULATOR_REDIRECT_URIS, *store.state().redirect_uris]))


def register(uri: str) -> None:
    """Register a redirect URI. Raise `ValueError` if it is not one."""
    if not is_redirect_uri(uri):
        raise ValueError(
            f"{uri} is not a redirect URI. It must be a full URL, like https://example.com/callback."
        )
    with store.changes() as state:
        if uri not in registered():
            state.redirect_uris.append(uri)
            store.touch()


def unregister(uri: str) -> None:
    """Remove a redirect URI that was registered in the garage. One of the settings stays."""
    with store.changes() as state:
        state.redirect_uris = [stored for stored in state.redirect_uris if stored != uri]
        store.touch()


def is_checked() -> bool:
    """Return whether Connect refuses redirect URIs that are not registered."""
    return not conf.SMARTCAR_SIMULATOR_ANY_REDIRECT_URI


def is_redirect_uri(uri: str) -> bool:
    """Return whether this is a full URL that opens an application or a page."""
    try:
        parts = urlsplit(uri)
    except ValueError:
        return False
    is_printable = uri.isprintable() and " " not in uri and "\\" not in uri
    return bool(is_printable and parts.scheme and parts.netloc and parts.scheme not in _UNSAFE_SCHEMES)
