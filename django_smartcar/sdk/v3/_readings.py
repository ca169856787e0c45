"""Build readings of API v2's form from signals of API v3, so that both versions return the same types.

A reading is built from one signal or from several. If one of several is missing, because the vehicle does not
support it or Smartcar has not collected it, its part is None; any other failure fails the whole reading.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final, NamedTuple, TypeAlias

from .._http.requester import Response, invalid
from .._periods import Period
from .._response_schema import MEASURED, parse_data
from ..exceptions import NotCapableException, PermissionException, SignalNotAvailable
from ..signals import CODES, SIGNALS, SYSTEMS, Signal
from ..units import TARGET_UNITS
from ._client import part_of
from ._signal_reader import FindSignal

#: The available signals, by our names.
Parts: TypeAlias = Mapping[str, Signal]

CORNERS: Final = ("frontLeft", "frontRight", "backLeft", "backRight")


class Source(NamedTuple):
    """The signals that a reading is built from, and how. The ``extra`` ones need another permission."""

    names: tuple[str, ...]
    body: Callable[[Parts], Any]
    extra: tuple[str, ...] = ()


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
        "url": None,
    }


def _charge_limit(body: dict[str, Any]) -> dict[str, Any]:
    limit = body.get("activeLimit")
    for other in _items(body):
        # Smartcar has sent the types in upper and in lower case.
        if limit is None and str(other.get("type")).upper() == "GLOBAL":
            limit = other.get("limit")
    return {"limit": limit}


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
                    "totalCost": part_of(visit, "cost").get("amount"),
                    "currency": part_of(visit, "cost").get("currency"),
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
    "charge": from_values(isPluggedIn="is_plugged_in", state="charge_state"),
    "get_charge_limit": from_body("charge_limit", _charge_limit),
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


def is_single(name: str) -> bool:
    """Return True if the reading is built from one signal."""
    return len(SOURCES[name].names) == 1 and not SOURCES[name].extra


def reading_of(name: str, find: FindSignal, unit_system: str, period: Period | None = None) -> dict[str, Any]:
    """Return what the method ``name`` returns, as in API v2, built from the signals that ``find`` returns."""
    parts, response = _parts(SOURCES[name], find, unit_system)
    try:
        data = parse_data(name, SOURCES[name].body(parts))
    except ValueError as error:
        raise invalid(response, str(error)) from None
    if name == "service_history":
        data["items"] = (period or Period()).filter(data["items"])
    ages = [signal["age"] for signal in parts.values() if signal["age"] is not None]
    # The oldest, so that no part is older than ``age``.
    age = {"age": min(ages, default=None)}
    return {"data": data, "unit_system": unit_system, **age} if name in MEASURED else {"data": data, **age}


def vin_of(find: FindSignal) -> str:
    """Return the value of the signal ``vin``. Raise InvalidResponseException."""
    response, signal = find("vin")
    if not isinstance(signal["value"], str) or not signal["value"]:
        raise invalid(response, "the VIN is not a string")
    return signal["value"]


def _parts(source: Source, find: FindSignal, unit_system: str) -> tuple[dict[str, Signal], Response]:
    """Return the available signals and one of their responses. Raise the first error if there are none."""
    parts, missing = {}, []
    for name in source.names:
        try:
            response, parts[name] = find(name)
        except (NotCapableException, SignalNotAvailable) as error:
            missing.append(error)
    if not parts:
        raise missing[0]
    for name in source.extra:
        try:
            parts[name] = find(name)[1]
        except (NotCapableException, SignalNotAvailable, PermissionException):
            continue
    for name, signal in parts.items():
        _check_units(name, signal, unit_system, response)
    return parts, response


def _check_units(name: str, signal: Signal, unit_system: str, response: Response) -> None:
    kind = SIGNALS[CODES[name]][1]
    if signal["body"] is None:
        raise invalid(response, f"{signal['code']} has no body")
    words = set(_words_in(signal["body"])) | ({signal["unit"]} if signal["unit"] else set())
    if kind is not None and not words <= {TARGET_UNITS[kind][unit_system == "imperial"]}:
        raise invalid(response, f"the unit of {signal['code']} is not one of {kind}")


def _words_in(node: Any) -> Iterator[Any]:
    if isinstance(node, dict):
        yield from [node["unit"]] if node.get("unit") is not None else []
    for inner in node.values() if isinstance(node, dict) else node if isinstance(node, list) else ():
        yield from _words_in(inner)


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


def _items(part: dict[str, Any], name: str = "values") -> list[dict[str, Any]]:
    found = part.get(name)
    return [item for item in found if isinstance(item, dict)] if isinstance(found, list) else []
