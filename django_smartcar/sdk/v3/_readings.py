"""Signals of API v3 put into the bodies of API v2, so that both give the same shapes.

A reading is made of one signal or of several. Where one of several is not there, because the car cannot tell
it or Smartcar has not collected it, its part is None; any other failure is that of the whole.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final, NamedTuple, TypeAlias

from .._http import Response, invalid
from .._periods import Period
from .._schema import MEASURED, parse_data
from ..exceptions import NotCapableException, PermissionException, SignalNotAvailable
from ..signals import CODES, SIGNALS, SYSTEMS, Signal
from ..units import TARGET_UNITS
from ._client import part_of
from ._signals import FindSignal

#: The signals that are there, by the face's names.
Parts: TypeAlias = Mapping[str, Signal]

CORNERS: Final = ("frontLeft", "frontRight", "backLeft", "backRight")


class Source(NamedTuple):
    """Of which signals a reading is made, and how. Those that are ``extra`` need another permission."""

    names: tuple[str, ...]
    body: Callable[[Parts], Any]
    extra: tuple[str, ...] = ()


def values(**names: str) -> Source:
    """A body whose fields are each the gist of one signal."""

    def body(parts: Parts) -> dict[str, Any]:
        return {field: parts[name]["value"] if name in parts else None for field, name in names.items()}

    return Source(tuple(names.values()), body)


def whole(name: str, body: Callable[[dict[str, Any]], Any]) -> Source:
    """A body made of one signal's body."""
    return Source((name,), lambda parts: body(parts[name]["body"] or {}))


def _nominal_capacity(body: dict[str, Any]) -> dict[str, Any]:
    chosen = {"nominal": body.get("capacity"), "source": body.get("source")}
    return {
        "availableCapacities": body.get("availableCapacities"),
        "capacity": None if chosen["nominal"] is None else chosen,
        "url": None,
    }


def _charge_limit(body: dict[str, Any]) -> dict[str, Any]:
    limit = body.get("activeLimit")
    for other in _items(body):
        # Their types have come in upper and in lower case.
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
    found = [(SYSTEMS[name], parts[name]["body"] or {}) for name in SYSTEMS if name in parts]
    return {
        "systems": [
            {"systemId": id_, "status": body.get("status"), "description": body.get("description")}
            for id_, body in found
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
    "odometer": values(distance="odometer"),
    "location": whole("location", dict),
    "fuel": values(range="fuel_range", percentRemaining="fuel_level", amountRemaining="fuel_amount"),
    "battery": values(percentRemaining="battery_level", range="battery_range"),
    "battery_capacity": values(capacity="battery_capacity"),
    "nominal_capacity": whole("battery_capacity", _nominal_capacity),
    "charge": values(isPluggedIn="is_plugged_in", state="charge_state"),
    "get_charge_limit": whole("charge_limit", _charge_limit),
    "engine_oil": values(lifeRemaining="oil_life"),
    "tire_pressure": whole("tires", _tire_pressure),
    "lock_status": Source(
        ("is_locked", "doors", "windows", "sunroof", "front_trunk", "rear_trunk", "tailgate"),
        _lock_status,
        ("is_charge_port_open",),
    ),
    "diagnostic_system_status": Source(tuple(SYSTEMS), _systems),
    "diagnostic_trouble_codes": whole("trouble_codes", lambda body: {"activeCodes": _listed(body)}),
    "service_history": whole("service_records", _service_history),
}


def is_single(name: str) -> bool:
    """Whether the reading is made of one signal."""
    return len(SOURCES[name].names) == 1 and not SOURCES[name].extra


def reading_of(name: str, find: FindSignal, unit_system: str, within: Period | None = None) -> dict[str, Any]:
    """What the method ``name`` returns: as in API v2, made of the signals that ``find`` finds."""
    parts, response = _parts(SOURCES[name], find, unit_system)
    try:
        data = parse_data(name, SOURCES[name].body(parts))
    except ValueError as error:
        raise invalid(response, str(error)) from None
    if name == "service_history":
        data["items"] = (within or Period()).of(data["items"])
    ages = [signal["age"] for signal in parts.values() if signal["age"] is not None]
    # The oldest: none of the parts is younger than the whole says.
    age = {"age": min(ages, default=None)}
    return {"data": data, "unit_system": unit_system, **age} if name in MEASURED else {"data": data, **age}


def vin_of(find: FindSignal) -> str:
    """The text of the signal ``vin``. Raises InvalidResponseException."""
    response, signal = find("vin")
    if not isinstance(signal["value"], str) or not signal["value"]:
        raise invalid(response, "the VIN is not a text")
    return signal["value"]


def _parts(source: Source, find: FindSignal, unit_system: str) -> tuple[dict[str, Signal], Response]:
    """The signals that are there, and an answer that they came in; raises why, if there is none."""
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
    """Rows go from front to back, columns from left to right; a third row is at the back as well."""
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
    # Without a list there is nothing to tell, which is not the same as a list of nothing.
    values = body.get("values")
    if not isinstance(values, list) or not all(isinstance(item, dict) for item in values):
        raise ValueError("values is not a list of objects")
    return values


def _items(part: dict[str, Any], name: str = "values") -> list[dict[str, Any]]:
    found = part.get(name)
    return [item for item in found if isinstance(item, dict)] if isinstance(found, list) else []
