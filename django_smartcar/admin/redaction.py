"""Remove positions, VINs and secrets from a webhook payload before the admin shows it."""

import re
from collections.abc import Mapping
from typing import Any

from ..secret_types import Secret

HIDDEN = "[hidden]"

#: Prefixes of signal codes, and of paths of API v2, whose whole body is hidden.
_SIGNALS = ("location-", "vehicleidentification-", "charge-chargerecords", "service-")
_PATHS = ("location", "vin", "service")
#: Names, in lower case, whose values are hidden at any depth.
_NAMES = {"vin", "latitude", "longitude", "lat", "lng", "lon", "location", "address", "nickname"}
_VIN = re.compile(r"(?<![A-Za-z0-9])[A-HJ-NPR-Z0-9]{17}(?![A-Za-z0-9])", re.IGNORECASE)


def redact(payload: Any) -> Any:
    """Return a copy of a webhook payload, as `load_json` returned it, without positions, VINs and secrets."""
    if isinstance(payload, Mapping):
        hides_body = _is_private(payload)
        return {
            _without_vins(name): HIDDEN if _is_hidden(name, hides_body) else redact(value)
            for name, value in payload.items()
        }
    if isinstance(payload, Secret):
        return HIDDEN
    if isinstance(payload, list):
        return [redact(item) for item in payload]
    return _without_vins(payload) if isinstance(payload, str) else payload


def _is_private(signal: Mapping[str, Any]) -> bool:
    code, path = signal.get("code"), signal.get("path")
    is_signal = isinstance(code, str) and code.lower().startswith(_SIGNALS)
    return is_signal or (isinstance(path, str) and path.strip("/").lower().startswith(_PATHS))


def _is_hidden(name: str, hides_body: bool) -> bool:
    return name.lower() in _NAMES or (hides_body and name in ("body", "value"))


def _without_vins(text: str) -> str:
    return _VIN.sub(HIDDEN, text)
