"""The parser of signals. No network. The catalogue is `signal_types`.

    signal = signals.read(resource)                      # from a REST response or a webhook
    signal["name"], signal["value"], signal["unit"]      # "battery_level", 0.75, "fraction"

Numbers are in the unit of the catalogue, or the imperial one (`units.TARGET_UNITS`). A code that is not in
the catalogue keeps the unit that it came in.

Cars send values that are none: a placeholder (`PLACEHOLDERS`) is None, as is a time before `EARLIEST`. A unit
that contradicts the value is not believed (`units.plausible_word`).
"""

import sys
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from functools import partial
from typing import Any, Final, TypedDict

from ..secret_types import Vin, protected
from ._dates import parse_datetime
from .signal_types import (
    BOOLEAN,
    CODES,
    EARLIEST,
    LIST,
    NUMBER,
    PERMISSIONS,
    PLACEHOLDERS,
    SIGNALS,
    SYSTEMS,
    TEXT,
    TYPES,
    SignalType,
    type_named,
    type_of,
)
from .units import ALTERNATIVES, TARGET_UNITS, Conversion, conversion, plausible_word

__all__ = [
    "CODES",
    "EARLIEST",
    "MAIN",
    "MEASURED",
    "PERMISSIONS",
    "PLACEHOLDERS",
    "SIGNALS",
    "SYSTEMS",
    "TYPES",
    "Signal",
    "SignalError",
    "SignalType",
    "body_of",
    "is_possible",
    "read",
    "type_named",
    "type_of",
    "value_of",
]

#: The primary value of a body is the first of these fields that it has.
MAIN: Final = ("value", "capacity", "activeLimit", "values")
#: The fields of a body that its ``unit`` applies to.
MEASURED: Final = frozenset(
    {"value", "limit", "activeLimit", "capacity", "availableCapacities", "tirePressure"}
)


class SignalError(TypedDict):
    """Why a signal has no value, as Smartcar reports it (``"PERMISSION"``, ``"UNKNOWN"``)."""

    type: str | None
    code: str | None
    description: str | None
    resolution: Any


class Signal(TypedDict):
    """One signal. Unless ``status`` is ``"SUCCESS"``, ``value``, ``unit`` and ``body`` are None.

    ``value`` is the primary value of ``body``: a number in ``unit``, a bool, a string, a list, or the body
    itself. ``age`` is when the vehicle recorded it, ``retrieved_at`` when Smartcar read it; UTC or None.
    """

    code: str
    name: str
    status: str
    value: Any
    unit: str | None
    body: dict[str, Any] | None
    age: datetime | None
    retrieved_at: datetime | None
    error: SignalError | None


def read(
    resource: Mapping[str, Any],
    unit_system: str = "metric",
    *,
    sent_in: str = "metric",
    is_unit_sure: bool = False,
) -> Signal:
    """Parse a signal into the units of ``unit_system``. Never raises.

    ``resource`` is a signal of the REST API (``{"attributes": {"code", "status", "body"}, "meta"}``) or of a
    webhook (the same without ``attributes``). ``sent_in`` is the unit system of bodies without a unit.
    With ``is_unit_sure``, a unit that contradicts its value is believed.
    """
    attributes = _mapping(resource.get("attributes")) or resource
    meta = _mapping(resource.get("meta"))
    code = str(attributes.get("code") or resource.get("id") or "")
    signal_type = type_of(code)
    status, error = _status_of(attributes)
    body = attributes.get("body") if status == "SUCCESS" else None
    body, unit = _in_units(signal_type, body, unit_system, sent_in, is_unit_sure)
    return {
        "code": code,
        "name": signal_type.name,
        "status": status,
        "value": _primary_value(body),
        "unit": unit,
        "body": body,
        "age": _time(meta.get("oemUpdatedAt")),
        "retrieved_at": _time(meta.get("retrievedAt") or meta.get("fetchedAt")),
        "error": error,
    }


def _in_units(
    signal_type: SignalType, body: Any, unit_system: str, sent_in: str, is_unit_sure: bool
) -> tuple[dict[str, Any] | None, str | None]:
    """Return the body in the units of ``unit_system``, and its unit; None for what is not an object."""
    if not isinstance(body, dict):
        return None, None
    if signal_type.placeholders:
        body = _without(signal_type.placeholders, body)
    kind = signal_type.quantity
    measure = (
        partial(conversion, kind=kind, unit_system=unit_system, sent_in=sent_in)
        if signal_type.code in SIGNALS
        else Conversion
    )
    word = _text(body.get("unit"))
    if kind in ALTERNATIVES and not is_unit_sure:
        word = plausible_word(word, kind, list(_measured_numbers(body)))
    if word and body.get("unit", word) != word:
        body = {**body, "unit": word}
    scale = measure(word)
    body = _converted(body, scale, measure, False)
    if signal_type.name == "vin" and isinstance(body.get("value"), str):
        body["value"] = Vin(body["value"])
    return body, scale.word


def value_of(signal: Signal) -> Any:
    """Return the value of a signal in the catalogue's type; None if it has none.

    A bare number, boolean or text; the list in the body; or the body itself, without its unit. Raises
    ValueError for another type, and for a unit of another quantity. The error does not quote the value.
    """
    signal_type, body = type_of(signal["code"]), signal["body"]
    if body is None:
        return None
    if signal_type.quantity is not None:
        words = {signal["unit"], *_words_in(body)} - {None}
        if not words.issubset(TARGET_UNITS[signal_type.quantity]):
            raise ValueError(f"the unit of {signal_type.code} is not one of {signal_type.quantity}")
    if signal_type.json_type in _IS_TYPE:
        value = body.get("value")
        if value is None and "value" in body:
            return None
        if not _IS_TYPE[signal_type.json_type](value):
            raise ValueError(f"{signal_type.name} is not a {signal_type.json_type}")
        return value
    if signal_type.json_type == LIST:
        return _list_of(signal_type, body)
    return _object_of(signal_type, body)


_IS_TYPE: Final[dict[str, Callable[[object], bool]]] = {
    BOOLEAN: lambda value: isinstance(value, bool),
    NUMBER: lambda value: _is_number(value),
    TEXT: lambda value: isinstance(value, str),
}


def _list_of(signal_type: SignalType, body: Mapping[str, Any]) -> list[Any]:
    values = body.get("values")
    if not isinstance(values, list):
        raise ValueError(f"{signal_type.name} is not a list")
    return values


def _object_of(signal_type: SignalType, body: dict[str, Any]) -> Any:
    """Return the body, without what has no value. Raise ValueError if a part has another type."""
    parts = {name: part for name, part in body.items() if name != "unit"}
    if not signal_type.json_type and set(parts) == {"value"}:
        return parts["value"]
    _check_parts(signal_type, parts)
    if signal_type.name == "location":
        if not all(_is_number(parts.get(name)) for name in ("latitude", "longitude")):
            raise ValueError("location is not a latitude and a longitude: not a number")
    elif signal_type.code in SIGNALS and not any(_has_value(part) for part in parts.values()):
        return None
    return parts


def _check_parts(signal_type: SignalType, node: Any) -> None:
    for name, part in node.items() if isinstance(node, dict) else ():
        if part is not None and name.startswith("is") and name[2:3].isupper() and not isinstance(part, bool):
            raise ValueError(f"a part of {signal_type.name} is not a boolean")
        is_measured = name in MEASURED and signal_type.quantity and not isinstance(part, list | None)
        if is_measured and not _is_number(part):
            raise ValueError(f"a part of {signal_type.name} is not a number")
        _check_parts(signal_type, part)
    for part in node if isinstance(node, list) else ():
        _check_parts(signal_type, part)


def _words_in(node: Any) -> Iterator[Any]:
    if isinstance(node, dict) and node.get("unit") is not None:
        yield node["unit"]
    for inner in node.values() if isinstance(node, dict) else node:
        if isinstance(inner, dict | list):
            yield from _words_in(inner)


#: What names a part, rather than tells something about it.
_POSITIONS: Final = frozenset({"row", "column", "rowCount", "columnCount", "type", "condition", "source"})


def _has_value(node: Any) -> bool:
    if isinstance(node, dict):
        return any(_has_value(part) for name, part in node.items() if name not in _POSITIONS)
    return any(map(_has_value, node)) if isinstance(node, list) else node is not None


def body_of(signal_type: SignalType, value: Any, unit: str = "") -> dict[str, Any]:
    """Return the body of a signal with a value, the reverse of `value_of`.

    An object may also be given by its list or its primary value: the tires, or the active charge limit.
    """
    units = {"unit": unit} if unit else {}
    if isinstance(value, dict):
        return {**value, **units}
    if isinstance(value, list):
        return {"values": value, **units}
    return {_PRIMARY.get(signal_type.name, "value"): value, **units}


#: The field of the primary value, of objects that have one.
_PRIMARY: Final = {"charge_limit": "activeLimit", "battery_capacity": "capacity"}


def is_possible(signal_type: SignalType, value: Any) -> bool:
    """Return whether a car can have this value, in the unit of the catalogue."""
    if signal_type.name == "location":
        return bool(abs(value["latitude"]) <= 90 and abs(value["longitude"]) <= 180)
    if signal_type.range is None:
        return True
    smallest, largest = signal_type.range
    numbers = [value] if _is_number(value) else _measured_numbers(value, True)
    return all(smallest <= number <= largest for number in numbers)


def _time(value: object) -> datetime | None:
    moment = parse_datetime(value)
    return moment if moment is not None and moment >= EARLIEST else None


def _without(placeholders: frozenset[float], node: Any, is_measured: bool = False) -> Any:
    """Return ``node`` with None for each measured number that is a placeholder."""
    if isinstance(node, dict):
        return {name: _without(placeholders, item, name in MEASURED) for name, item in node.items()}
    if isinstance(node, list):
        return [_without(placeholders, item, is_measured) for item in node]
    is_placeholder = is_measured and _is_number(node) and node in placeholders
    return None if is_placeholder else node


def _measured_numbers(node: Any, is_measured: bool = False) -> Iterator[float]:
    """Yield the numbers that the ``unit`` of this body applies to."""
    if isinstance(node, dict):
        for name, item in node.items():
            yield from _measured_numbers(item, name in MEASURED)
    elif isinstance(node, list):
        for item in node:
            yield from _measured_numbers(item, is_measured)
    elif is_measured and _is_number(node):
        yield node


def _is_number(value: object) -> bool:
    """Return whether this is a number in the range of floats."""
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return is_number and abs(value) <= sys.float_info.max  # type: ignore[arg-type]


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict | Mapping) else {}  # the check of a dict is fast


def _status_of(attributes: Mapping[str, Any]) -> tuple[str, SignalError | None]:
    status = attributes.get("status")
    error = _mapping(_mapping(status).get("error"))
    value = status if isinstance(status, str) else _mapping(status).get("value")
    if not isinstance(value, str) or not value:
        value = (
            "ERROR" if error else "SUCCESS" if isinstance(attributes.get("body"), Mapping) else "UNAVAILABLE"
        )
    if not error:
        return value.upper(), None
    return "ERROR" if value.upper() == "SUCCESS" else value.upper(), {
        "type": _text(error.get("type")),
        "code": _text(error.get("code")),
        "description": _text(error.get("description")),
        "resolution": error.get("resolution"),
    }


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value else None


def _primary_value(body: object) -> Any:
    if not isinstance(body, dict):
        return None
    for name in MAIN:
        if name in body:
            return body[name]
    return body


def _converted(node: Any, scale: Conversion, rescale: Callable[[str], Conversion], measured: bool) -> Any:
    """Convert the measured numbers in ``node`` to the SDK's units; a part may have a unit of its own."""
    if isinstance(node, dict):
        word = _text(node.get("unit"))
        scale = rescale(word) if word else scale
        parts = {
            name: _converted(item, scale, rescale, name in MEASURED)
            if name in MEASURED or isinstance(item, dict | list)
            else item
            for name, item in node.items()
        }
        return protected({**parts, "unit": scale.word} if "unit" in node else parts)
    if isinstance(node, list):
        return [_converted(item, scale, rescale, measured) for item in node]
    return scale(node) if measured else node
