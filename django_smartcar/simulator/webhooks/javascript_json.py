"""JSON as ``JSON.stringify`` of JavaScript writes it, byte for byte.

Smartcar sends its webhooks from Node. A receiver in Node parses a body, writes it again and checks the
signature of that: the signature must belong to the bytes that JavaScript would write.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

#: Larger integers lose digits in JavaScript.
MAX_SAFE_INTEGER = 2**53 - 1

_SHORT_ESCAPES = {'"': '\\"', "\\": "\\\\", "\b": "\\b", "\f": "\\f", "\n": "\\n", "\r": "\\r", "\t": "\\t"}
_ESCAPED = re.compile(r'["\\\x00-\x1f\ud800-\udfff]')
#: Objects of JavaScript list such keys first, in numeric order.
_INDEX = re.compile(r"0|[1-9][0-9]{0,9}", re.ASCII)
_MAX_INDEX = 2**32 - 2


def dumps(value: Any) -> str:
    """Return the value as JSON. Raise ValueError or TypeError for one that JavaScript would change."""
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, str):
        return _string(value)
    if isinstance(value, int | float):
        return _number(value)
    if isinstance(value, Mapping):
        return "{" + ",".join(f"{_string(name)}:{dumps(value[name])}" for name in _keys(value)) + "}"
    if isinstance(value, list | tuple):
        return "[" + ",".join(map(dumps, value)) + "]"
    raise TypeError(f"{type(value).__name__} is not a type of JSON")


def _number(value: float) -> str:
    """Return a number with the fewest digits, and with an exponent only from 1e21 on and below 1e-6."""
    if not math.isfinite(value):
        raise ValueError(f"{value} is not a number of JSON")
    if isinstance(value, int):
        if abs(value) > MAX_SAFE_INTEGER:
            raise ValueError(f"{value} is not exact in JavaScript")
        return str(int(value))
    # Python and JavaScript choose the same digits, but write them differently.
    sign, digits, exponent = Decimal(repr(value)).normalize().as_tuple()
    assert isinstance(exponent, int)  # noqa: S101 - for the types: the number is finite
    text = "".join(map(str, digits))
    if text == "0":
        return "0"
    minus, point = "-" if sign else "", len(text) + exponent
    if 0 < point <= 21:
        whole, rest = text[:point].ljust(point, "0"), text[point:]
        return f"{minus}{whole}.{rest}" if rest else f"{minus}{whole}"
    if -6 < point <= 0:
        return f"{minus}0.{'0' * -point}{text}"
    mantissa = f"{text[0]}.{text[1:]}" if len(text) > 1 else text
    return f"{minus}{mantissa}e{point - 1:+}"


def _string(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{value!r} is not a name of a JSON object")
    # A surrogate pair is one character in JavaScript. Only single surrogates are escaped.
    text = value.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "surrogatepass")
    return f'"{_ESCAPED.sub(_escape, text)}"'


def _escape(match: re.Match[str]) -> str:
    return _SHORT_ESCAPES.get(match[0]) or f"\\u{ord(match[0]):04x}"


def _keys(value: Mapping[Any, Any]) -> list[Any]:
    indexes = [name for name in value if _is_index(name)]
    return [*sorted(indexes, key=int), *(name for name in value if name not in indexes)]


def _is_index(name: object) -> bool:
    return isinstance(name, str) and bool(_INDEX.fullmatch(name)) and int(name) <= _MAX_INDEX
