"""Build readings of API v2's form from signals, of a response or stored: the types are the same.

A reading is built from one signal or from several. If one of several is missing or failed, its part is None:
the reading fails only if all of them do.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final, NamedTuple, TypeAlias

from ._periods import Period
from ._response_schema import MEASURED, parse_data
from .exceptions import NotCapableException, SignalNotAvailable, SmartcarException
from .signals import CODES, SYSTEMS, TYPES, Signal, value_of

#: Returns a signal by our name. Raises the SmartcarException of one without a value.
FindSignal: TypeAlias = Callable[[str], Signal]
#: The available signals, by our names.
Parts: TypeAlias = Mapping[str, Signal]

CORNERS: Final = ("frontLeft", "frontRight", "backLeft", "backRight")


class Source(NamedTuple):
    """The signals that a reading is built from, and how.

    The ``extra`` ones make no reading alone: they need another permission. ``fallbacks`` has a signal to use
    in place of one that is missing.
    """

    names: tuple[str, ...]
    body: Callable[[Parts], Any]
    extra: tuple[str, ...] = ()
    fallbacks: tuple[tuple[str, str], ...] = ()


def from_values(**names: str) -> Source:
    """Make a body with the value of one signal in each field."""

    def body(parts: Parts) -> dict[str, Any]:
        return {field: parts[name]["value"] if name in parts else None for field, name in names.items()}

    return Source(tuple(names.values()), body)


def from_body(name: str, body: Callable[[dict[str, Any]], Any]) -> Source:
    """Make a body from the body of one signal."""
    return Source((name,), lambda parts: body(parts[name]["body"] or {}))


def _nominal_capacity(body: dict[str, Any]) -> dict[str, Any]:
    selected = {"nominal": body.get("capacity"), "source": body.get("source")}
    return {
        "availableCapacities": body.get("availableCapacities"),
        "capacity": None if selected["nominal"] is None else selected,
        "url": body.get("url"),  # of API v2 only
    }


def charge_limit_of(body: Mapping[str, Any]) -> Any:
    """Return the active limit in the body of ``charge_limit``, else the global one; None without either."""
    limit = body.get("activeLimit")
    for other in _items(body):
        # Smartcar has sent the types in upper and in lower case.
        if limit is None and str(other.get("type")).upper() == "GLOBAL":
            limit = other.get("limit")
    return limit


def _charge(parts: Parts) -> dict[str, Any]:
    values = {name: part["value"] for name, part in parts.items()}
    state = values.get("charge_state")
    if state is None and values.get("is_charging") is not None:
        # Some cars, those of Volkswagen for one, tell no more.
        state = "CHARGING" if values["is_charging"] else "NOT_CHARGING"
    return {"isPluggedIn": values.get("is_plugged_in"), "state": state}


def _tire_pressure(body: dict[str, Any]) -> dict[str, Any]:
    none: dict[str, Any] = dict.fromkeys(CORNERS)
    return none | {corner: tire.get("tirePressure") for corner, tire in _by_corner(_listed(body))}


def _lock_status(parts: Parts) -> dict[str, Any]:
    bodies = {name: part["body"] or {} for name, part in parts.items()}

    def one(type_: str, *names: str, field: str = "isOpen") -> list[dict[str, Any]]:
        return [_closure(type_, bodies[name].get(field)) for name in names if name in bodies][:1]

    def many(name: str) -> list[dict[str, Any]]:
        corners = _by_corner(_items(bodies.get(name, {})))
        return [_closure(corner, item.get("isOpen")) for corner, item in corners]

    return {
        "isLocked": bodies.get("is_locked", {}).get("value"),
        "doors": many("doors"),
        "windows": many("windows"),
        "sunroof": one("sunroof", "sunroof"),
        "storage": one("front", "front_trunk") + one("rear", "rear_trunk", "tailgate"),
        "chargingPort": one("chargingPort", "is_charge_port_open", field="value"),
    }


def _systems(parts: Parts) -> dict[str, Any]:
    bodies = [(SYSTEMS[name], parts[name]["body"] or {}) for name in SYSTEMS if name in parts]
    return {
        "systems": [
            {"systemId": id_, "status": body.get("status"), "description": body.get("description")}
            for id_, body in bodies
        ]
    }


def _service_history(body: dict[str, Any]) -> dict[str, Any]:
    return {
        "items": [
            {
                "serviceId": visit.get("id"),
                "odometerDistance": visit.get("odometer"),
                "serviceDate": visit.get("time"),
                "serviceTasks": [
                    {"taskId": task.get("id"), "taskDescription": task.get("description")}
                    for task in _items(visit, "tasks")
                ],
                "serviceDetails": [
                    {"type": None, "value": detail.get("description")} for detail in _items(visit, "details")
                ],
                "serviceCost": {
                    "totalCost": _part(visit, "cost").get("amount"),
                    "currency": _part(visit, "cost").get("currency"),
                },
            }
            for visit in _listed(body)
        ]
    }


SOURCES: Final[dict[str, Source]] = {
    "odometer": from_values(distance="odometer"),
    "location": from_body("location", dict),
    "fuel": from_values(range="fuel_range", percentRemaining="fuel_level", amountRemaining="fuel_amount"),
    "battery": from_values(percentRemaining="battery_level", range="battery_range"),
    "battery_capacity": from_values(capacity="battery_capacity"),
    "nominal_capacity": from_body("battery_capacity", _nominal_capacity),
    "charge": Source(
        ("is_plugged_in", "charge_state"), _charge, fallbacks=(("charge_state", "is_charging"),)
    ),
    "get_charge_limit": from_body("charge_limit", lambda body: {"limit": charge_limit_of(body)}),
    "engine_oil": from_values(lifeRemaining="oil_life"),
    "tire_pressure": from_body("tires", _tire_pressure),
    "lock_status": Source(
        ("is_locked", "doors", "windows", "sunroof", "front_trunk", "rear_trunk", "tailgate"),
        _lock_status,
        ("is_charge_port_open",),
    ),
    "diagnostic_system_status": Source(tuple(SYSTEMS), _systems),
    "diagnostic_trouble_codes": from_body("trouble_codes", lambda body: {"activeCodes": _listed(body)}),
    "service_history": from_body("service_records", _service_history),
}


#: The permission that each reading needs.
PERMISSIONS: Final = {name: TYPES[source.names[0]].permission for name, source in SOURCES.items()}


def is_single(name: str) -> bool:
    """Return True if the reading is built from one signal."""
    return len(SOURCES[name].names) == 1 and not SOURCES[name].extra


def signals_of(name: str) -> list[str]:
    """Return the names of all signals that a reading may be built from."""
    source = SOURCES[name]
    return [*source.names, *source.extra, *(other for _, other in source.fallbacks)]


def reading_of(name: str, find: FindSignal, unit_system: str, period: Period | None = None) -> dict[str, Any]:
    """Return what the method ``name`` returns, as in API v2, built from the signals that ``find`` returns.

    Raises the SmartcarException of its signals if all of them failed, and ValueError, which does not quote a
    value, if they are invalid.
    """
    parts = _parts(SOURCES[name], find)
    data = parse_data(name, SOURCES[name].body(parts))
    if name == "service_history":
        data["items"] = (period or Period()).filter(data["items"])
    ages = [signal["age"] for signal in parts.values() if signal["age"] is not None]
    # The oldest, so that no part is older than ``age``.
    age = {"age": min(ages, default=None)}
    return {"data": data, "unit_system": unit_system, **age} if name in MEASURED else {"data": data, **age}


def _parts(source: Source, find: FindSignal) -> dict[str, Signal]:
    """Return the available signals. Raise an error of one if there are none."""
    parts: dict[str, Signal] = {}
    failures = [error for name in source.names if (error := _add(parts, name, find))]
    for name, other in source.fallbacks:
        if name not in parts or parts[name]["value"] is None:
            _add(parts, other, find)
    if not parts:
        expected = (NotCapableException, SignalNotAvailable)
        raise next((error for error in failures if not isinstance(error, expected)), failures[0])
    for name in source.extra:
        _add(parts, name, find)
    return parts


def _add(parts: dict[str, Signal], name: str, find: FindSignal) -> Exception | None:
    """Add a signal to the parts if it has a valid value; else return why not."""
    try:
        signal = find(name)
        value_of({**signal, "code": CODES[name]})
        if signal["body"] is None:
            return ValueError(f"{signal['code']} has no body")
    except SmartcarException as error:
        return error.with_traceback(None)
    except ValueError as error:
        return error
    parts[name] = signal
    return None


def _by_corner(items: list[dict[str, Any]]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the corner of each item.

    Rows count from the front, columns from the left; a third row is at the back.
    """
    items = [
        item for item in items if isinstance(item.get("row"), int) and isinstance(item.get("column"), int)
    ]
    width = max([2, *(item["column"] + 1 for item in items)])
    for item in sorted(items, key=lambda item: item["row"]):
        is_back, is_right = item["row"] > 0, item["column"] * 2 >= width
        yield CORNERS[2 * is_back + is_right], item


def _closure(type_: str, is_open: object) -> dict[str, Any]:
    status = "OPEN" if is_open is True else "CLOSED" if is_open is False else "UNKNOWN"
    return {"type": type_, "status": status}


def _listed(body: dict[str, Any]) -> list[dict[str, Any]]:
    # A missing list is an error; an empty one means that there are no items.
    values = body.get("values")
    if not isinstance(values, list) or not all(isinstance(item, dict) for item in values):
        raise ValueError("values is not a list of objects")
    return values


def _items(part: Mapping[str, Any], name: str = "values") -> list[dict[str, Any]]:
    found = part.get(name)
    return [item for item in found if isinstance(item, dict)] if isinstance(found, list) else []


def _part(part: dict[str, Any], name: str) -> dict[str, Any]:
    found = part.get(name)
    return found if isinstance(found, dict) else {}
