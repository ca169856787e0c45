"""The response schema of each read method, in API v2's form, and its validation.

Sources: smartcar.com/docs, API reference v2.0; recorded responses of the server.
"""

import sys
from collections.abc import Callable, Mapping
from typing import Any, Final, TypeAlias

from ._dates import parse_datetime

#: A field's validator, an object of fields, or a list with the shape of its items.
Shape: TypeAlias = "Callable[[Any], Any] | Mapping[str, Shape] | list[Shape]"


def number(value: Any) -> Any:
    if value is None or (
        isinstance(value, int | float) and not isinstance(value, bool) and _is_finite(value)
    ):
        return value
    raise ValueError("is not a number")


def decimal(value: Any) -> Any:
    """Accept a number, or text with one: Smartcar documents strings where its samples have numbers."""
    return number(float(value) if isinstance(value, str) else value)


def whole_number(value: Any) -> Any:
    if value is None or (isinstance(value, int) and not isinstance(value, bool)):
        return value
    raise ValueError("is not a whole number")


def boolean(value: Any) -> Any:
    if value is None or isinstance(value, bool):
        return value
    raise ValueError("is not true or false")


def text(value: Any) -> Any:
    if value is None or isinstance(value, str):
        return value
    raise ValueError("is not a string")


def key(value: Any) -> Any:
    """Accept an id: a string, or an integer, which becomes a string."""
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else text(value)


def scalar(value: Any) -> Any:
    return value if value is None or isinstance(value, str) else number(value)


def required(field: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Make a field that must not be null."""

    def check(value: Any) -> Any:
        if value is None:
            raise ValueError("is missing")
        return field(value)

    return check


_CLOSURES: list[Shape] = [{"type": required(text), "status": text}]

#: The fields by read method. Their names are those of the JSON in snake case.
FIELDS: Final[dict[str, Mapping[str, Shape]]] = {
    "odometer": {"distance": required(number)},
    "location": {"latitude": required(number), "longitude": required(number)},
    "fuel": {"range": number, "percent_remaining": number, "amount_remaining": number},
    "battery": {"percent_remaining": number, "range": number},
    "battery_capacity": {"capacity": number},
    "nominal_capacity": {
        "available_capacities": [{"capacity": number, "description": text}],
        "capacity": {"nominal": number, "source": text},
        "url": text,
    },
    "charge": {"is_plugged_in": boolean, "state": text},
    "get_charge_limit": {"limit": number},
    "engine_oil": {"life_remaining": number},
    "tire_pressure": {
        "front_left": number,
        "front_right": number,
        "back_left": number,
        "back_right": number,
    },
    "lock_status": {
        "is_locked": boolean,
        "doors": _CLOSURES,
        "windows": _CLOSURES,
        "sunroof": _CLOSURES,
        "storage": _CLOSURES,
        "charging_port": _CLOSURES,
    },
    "diagnostic_system_status": {
        "systems": [{"system_id": required(text), "status": text, "description": text}],
    },
    "diagnostic_trouble_codes": {"active_codes": [{"code": required(text), "timestamp": parse_datetime}]},
    "service_history": {
        "items": [
            {
                "service_id": key,
                "odometer_distance": decimal,
                "service_date": parse_datetime,
                "service_tasks": [{"task_id": key, "task_description": text}],
                "service_details": [{"type": text, "value": scalar}],
                "service_cost": {"total_cost": decimal, "currency": text},
            }
        ],
    },
}
#: The methods with numbers in the requested units.
MEASURED: Final = frozenset({"odometer", "fuel", "battery", "tire_pressure", "service_history"})

#: Method -> its path in API v2.
PATHS: Final = {
    "attributes": "",
    "vin": "vin",
    "permissions": "permissions",
    "odometer": "odometer",
    "location": "location",
    "fuel": "fuel",
    "battery": "battery",
    "battery_capacity": "battery/capacity",
    "nominal_capacity": "battery/nominal_capacity",
    "charge": "charge",
    "get_charge_limit": "charge/limit",
    "engine_oil": "engine/oil",
    "tire_pressure": "tires/pressure",
    "lock_status": "security",
    "diagnostic_system_status": "diagnostics/system_status",
    "diagnostic_trouble_codes": "diagnostics/dtcs",
    "service_history": "service/history",
}
_METHODS: Final = {path: name for name, path in PATHS.items()}


def parse_data(name: str, body: Any) -> dict[str, Any]:
    """Return the data of the method ``name`` from a body. Missing fields are None.

    Raises ValueError for an invalid field, and for a body without any of the fields. The error names the
    field and quotes no value.
    """
    if isinstance(body, list):
        body = {"items": body}
    fields = FIELDS[name]
    if isinstance(body, dict) and not any(_camel(field) in body for field in fields):
        raise ValueError(f"none of {', '.join(map(_camel, fields))} is present")
    data: dict[str, Any] = validated(fields, body)
    return data


def method_names(paths: Any) -> dict[str, str]:
    """Return method -> path for paths (``"/tires/pressure"``) or methods (``"tire_pressure"``), each once.

    The key of a path without a method is ``"tesla_charge_ammeter"``.
    """
    if isinstance(paths, str):
        raise ValueError("paths must be a list of strings, not one string")
    names = {}
    for given in paths:
        path = given.strip("/")
        name = path if path in PATHS else _METHODS.get(path, path.replace("/", "_"))
        names[name] = PATHS.get(name, path)
    return names


def validated(shape: Shape, value: Any, name: str = "the body") -> Any:
    """Return ``value`` in this shape. Raise ValueError, which names the field and quotes no value."""
    if isinstance(shape, Mapping):
        if value is None:
            return None
        if not isinstance(value, dict):
            raise ValueError(f"{name} is not an object")
        return {
            field: validated(inner, value.get(_camel(field)), _camel(field)) for field, inner in shape.items()
        }
    if isinstance(shape, list):
        if not isinstance(value, list | None):
            raise ValueError(f"{name} is not a list")
        items = [validated(shape[0], item, f"an item of {name}") for item in value or []]
        return [item for item in items if item is not None]
    try:
        return shape(value)
    except ValueError as error:
        # Python's own message would quote the value.
        why = str(error) if str(error).startswith("is ") else "is not a number"
        raise ValueError(f"{name} {why}") from None


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(word.capitalize() for word in rest)


def _is_finite(value: float) -> bool:
    return abs(value) <= sys.float_info.max
