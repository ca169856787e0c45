"""Types for secrets, VINs, positions and bodies: their ``repr`` and ``str`` print a placeholder.

Error reporters and logs print variables with ``repr`` or ``str``. With these types they print a placeholder,
in every frame, thread and generator. Otherwise the types behave like the values they hold: a `Secret` is a
``str``, a `Coordinate` a ``float``. For the plain value, call ``secret.reveal()`` or ``float(coordinate)``.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from numbers import Number
from typing import Any, Final, Self, overload


class Secret(str):
    """A token, code, client secret, state or external id. Empty ones are falsy, like any other string."""

    __slots__ = ()
    placeholder: Final = "<secret>"

    def __new__(cls, value: object = "") -> Self:
        """Return ``value`` as a secret; another secret keeps its content, whatever its ``str`` prints."""
        return super().__new__(cls, value.reveal() if isinstance(value, Secret) else value)

    def __repr__(self) -> str:
        return self.placeholder if self else "''"

    def __str__(self) -> str:
        return self.placeholder if self else ""

    def __format__(self, format_spec: str) -> str:
        return format(str(self), format_spec)

    def __reduce__(self) -> tuple[type[Self], tuple[str]]:
        # Python's own, for the oldest protocols of pickle, would store ``str(self)``.
        return type(self), (self.reveal(),)

    def reveal(self) -> str:
        """Return the plain text."""
        return str.__str__(self)


class Vin(Secret):
    """A vehicle identification number."""

    __slots__ = ()
    placeholder = "<VIN>"  # type: ignore[misc]


class SecretBytes(bytes):
    """The body of a request, response or webhook, which may hold any of the others."""

    __slots__ = ()

    def __repr__(self) -> str:
        return f"<{len(self)} bytes>"

    __str__ = __repr__


class Coordinate(float):
    """A latitude or longitude, in degrees. ``float(coordinate)`` is the plain number."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "<coordinate>"

    __str__ = __repr__


@overload
def protect(value: str) -> Secret: ...
@overload
def protect(value: bytes) -> SecretBytes: ...
@overload
def protect(value: None) -> None: ...
def protect(value: Any) -> Any:
    """Return text as a `Secret` (a `Vin` stays one) and bytes as `SecretBytes`; anything else unchanged."""
    if isinstance(value, Secret | SecretBytes):
        return value
    if isinstance(value, bytes):
        return SecretBytes(value)
    return Secret(value) if isinstance(value, str) else value


#: The fields of Smartcar's JSON that are protected at any depth.
_SECRETS: Final = frozenset(
    {
        *("access_token", "refresh_token", "client_secret", "code_verifier", "challenge"),
        *("externalId", "external_id", "accessToken", "refreshToken"),
    }
)
_COORDINATES: Final = frozenset({"latitude", "longitude"})
_VIN: Final = re.compile(r"[A-HJ-NPR-Z0-9]{17}", re.IGNORECASE)
_VIN_SIGNAL: Final = "vehicleidentification-vin"
_PROTECTED: Final = _SECRETS | _COORDINATES | {"vin"}


def coordinate(value: Any) -> Any:
    """Return a number as a `Coordinate`, text as a `Secret`, anything else unchanged.

    A number that is no latitude or longitude, such as a ``Decimal``, becomes a `Secret` as well.
    """
    if not isinstance(value, Number) or isinstance(value, bool):
        return protect(value)
    try:
        return Coordinate(value) if isinstance(value, int | float) else Secret(value)
    except OverflowError:
        return Secret(value)


def protected(fields: dict[str, Any]) -> dict[str, Any]:
    """Protect the secrets, VINs and positions of one object of Smartcar's JSON, in place."""
    if not _PROTECTED.isdisjoint(fields):
        for name in _PROTECTED.intersection(fields):
            wrap = coordinate if name in _COORDINATES else Vin if name == "vin" else Secret
            fields[name] = _wrapped(fields[name], wrap)
    # A signal has its code beside its body, or (REST) in its id, with the body in its attributes.
    if fields.get("code") == _VIN_SIGNAL:
        _protect_vin(fields.get("body"))
    elif fields.get("id") == _VIN_SIGNAL and isinstance(fields.get("attributes"), dict):
        _protect_vin(fields["attributes"].get("body"))
    return fields


def _wrapped(value: Any, wrap: Callable[[Any], Any]) -> Any:
    # Smartcar documents no list or object here, but if it sends one, an error report must not show it.
    if isinstance(value, list):
        return [_wrapped(item, wrap) for item in value]
    if isinstance(value, dict):
        return {name: _wrapped(item, wrap) for name, item in value.items()}
    return wrap(value) if isinstance(value, str) or wrap is coordinate else value


def _protect_vin(body: Any) -> None:
    if isinstance(body, dict) and isinstance(body.get("value"), str):
        body["value"] = Vin(body["value"])


def protected_copy(value: Any) -> Any:
    """Return a copy of a JSON value with the secrets, VINs and positions at any depth of it protected."""
    if isinstance(value, Mapping):
        return protected({name: protected_copy(item) for name, item in value.items()})
    return [protected_copy(item) for item in value] if isinstance(value, list | tuple) else value


#: Valid in JSON and in URLs, but a database or a page cannot hold them: NUL, and halves of a character.
_UNSTORABLE: Final = re.compile("[\x00\ud800-\udfff]")


def storable(text: str) -> str:
    """Return text that every database and page can hold, of the same type, with ``\ufffd`` for the rest."""
    if text.isascii() and "\x00" not in text or not _UNSTORABLE.search(text):
        return text
    return type(text)(_UNSTORABLE.sub("\ufffd", Secret(text)))


def _storable(value: Any) -> Any:
    if isinstance(value, str):
        return storable(value)
    if isinstance(value, dict):
        return {storable(name): _storable(item) for name, item in value.items()}
    return [_storable(item) for item in value] if isinstance(value, list) else value


# A decoder takes longer to make than to use.
_DECODER: Final = json.JSONDecoder(object_hook=protected)


def load_json(content: str | bytes, parse_constant: Callable[[str], Any] | None = None) -> Any:
    """Parse JSON of Smartcar: text is storable, and secrets, VINs and positions are protected.

    Raises as ``json.loads`` does.
    """
    if isinstance(content, bytes):
        content = Secret(content.decode(json.detect_encoding(content), "surrogatepass"))
    if parse_constant is None:
        value = _DECODER.decode(content)
    else:
        value = json.loads(content, object_hook=protected, parse_constant=parse_constant)
    # Without an escape, only text beyond ASCII can be unstorable: JSON allows no NUL.
    return _storable(value) if "\\u" in content or _UNSTORABLE.search(content) else value


class ProtectedJSONDecoder(json.JSONDecoder):
    """The decoder of JSON columns that may hold positions or VINs.

    A text alone, which has no name beside it, is a `Vin` if it is written like one.
    """

    def __init__(self, **options: Any) -> None:
        super().__init__(object_hook=protected, **options)

    def decode(self, s: str, *args: Any) -> Any:
        value = super().decode(s, *args)
        return Vin(value) if isinstance(value, str) and _VIN.fullmatch(value) else value
