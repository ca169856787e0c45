"""Whether a Content-Security-Policy lets a form lead to Connect: browsers check the redirect, too."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.checks import CheckMessage
from django.core.checks import Warning as CheckWarning

from ..conf import conf

HINT = "Add https://*.smartcar.com to form-action of your Content-Security-Policy."

_SOURCE = re.compile(r"(?:(?P<scheme>[a-z][-+.a-z0-9]*)://)?(?P<host>[^:/]+)(?::(?P<port>\d+|\*))?(?:/.*)?")
_PORTS = {"http": "80", "https": "443"}


def policies_without_connect(header: str) -> list[str]:
    """Return the form-action of each policy in a header that does not let a form lead to Connect."""
    directives = [part.split() for policy in header.split(",") for part in policy.split(";") if part.strip()]
    return [
        " ".join(directive)
        for directive in directives
        if directive[0].lower() == "form-action" and not allows(directive[1:], conf.SMARTCAR_CONNECT_URL)
    ]


def allows(sources: Iterable[str], url: str) -> bool:
    """Return whether one of these sources of a directive matches a URL."""
    target = urlsplit(url)
    port = str(target.port or _PORTS.get(target.scheme, ""))
    return any(_matches(source.lower(), target.scheme, target.hostname or "", port) for source in sources)


def _matches(source: str, scheme: str, host: str, port: str) -> bool:
    if source in ("*", f"{scheme}:"):
        return True
    found = _SOURCE.fullmatch(source)
    if found is None or found["scheme"] not in (None, scheme, "http"):
        return False
    if found["port"] not in (port, "*") and not (found["port"] is None and port == _PORTS.get(scheme)):
        return False
    wanted = found["host"]
    return host.endswith(wanted[1:]) if wanted.startswith("*.") else wanted in ("*", host)


def check() -> Iterator[CheckMessage]:
    """Check the policy of the settings: Django's own, or that of the package django-csp."""
    policies: list[tuple[str, Any]] = [
        ("SECURE_CSP", getattr(settings, "SECURE_CSP", {})),
        ("CONTENT_SECURITY_POLICY", getattr(settings, "CONTENT_SECURITY_POLICY", {}).get("DIRECTIVES", {})),
    ]
    for name, policy in policies:
        sources = policy.get("form-action")
        listed = [sources] if isinstance(sources, str) else sources
        if listed and not allows(map(str, listed), conf.SMARTCAR_CONNECT_URL):
            yield CheckWarning(
                f"{name} does not let a form lead to {conf.SMARTCAR_CONNECT_URL}: browsers stop a driver who "
                "presses the button.",
                hint=HINT,
                id="smartcar.W094",
            )
