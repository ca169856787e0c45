"""Values that do not show themselves: secrets, VINs, positions, and the bodies that carry them.

Error reporters and logs print variables with ``repr`` or ``str``. These types print a placeholder instead, in
every frame, thread and generator. Otherwise they are what they hold: a `Secret` is a ``str``, a `Coordinate`
a ``float``. Take the value itself where it is sent or shown: ``secret.reveal()``, ``float(coordinate)``.
"""

from __future__ import annotations

import json
from typing import Any, Final


class Secret(str):
    """A token, code, client secret, state or external id. Falsy when empty, like any other text."""

    __slots__ = ()
    placeholder: Final = "<secret>"

    def __repr__(self) -> str:
        return self.placeholder if self else "''"

    def __str__(self) -> str:
        return self.placeholder if self else ""

    def __format__(self, format_spec: str) -> str:
        return format(str(self), format_spec)

    def reveal(self) -> str:
        """Return the text itself."""
        return str.__str__(self)


class Vin(Secret):
    """A vehicle identification number."""

    __slots__ = ()
    placeholder = "<VIN>"  # type: ignore[misc]


class SecretBytes(bytes):
    """A request or webhook body, which may hold any of the others."""

    __slots__ = ()

    def __repr__(self) -> str:
        return f"<{len(self)} bytes>"

    __str__ = __repr__


class Coordinate(float):
    """A latitude or longitude, in degrees. ``float(coordinate)`` is the number itself."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "<coordinate>"

    __str__ = __repr__


#: The fields of Smartcar's JSON that are protected, wherever they stand.
_SECRETS: Final = frozenset(
    {
        *("access_token", "refresh_token", "client_secret", "code_verifier", "challenge"),
        *("externalId", "external_id", "accessToken", "refreshToken"),
    }
)
_COORDINATES: Final = frozenset({"latitude", "longitude"})
_VIN_SIGNAL: Final = "vehicleidentification-vin"


def coordinate(value: Any) -> Any:
    """Protect a number of degrees; anything else stays as it is, for whoever validates it."""
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    try:
        return Coordinate(value) if is_number else value
    except OverflowError:
        return value


def protected(fields: dict[str, Any]) -> dict[str, Any]:
    """Protect what is secret in one object of Smartcar's JSON, in place."""
    for name, value in fields.items():
        if name in _COORDINATES:
            fields[name] = coordinate(value)
        elif isinstance(value, str):
            if name in _SECRETS:
                fields[name] = Secret(value)
            elif name == "vin":
                fields[name] = Vin(value)
    body = fields.get("body")
    if fields.get("code") == _VIN_SIGNAL and isinstance(body, dict) and isinstance(body.get("value"), str):
        body["value"] = Vin(body["value"])
    return fields


def load_json(content: str | bytes) -> Any:
    """Parse JSON with every secret, VIN and position in it protected. Raises as ``json.loads`` does."""
    return json.loads(content, object_hook=protected)


class ProtectedJSONDecoder(json.JSONDecoder):
    """The decoder of JSON columns that may hold positions or VINs."""

    def __init__(self, **options: Any) -> None:
        super().__init__(object_hook=protected, **options)
