"""Translate bodies of API v2, of reads, batches and webhooks alike, into signals."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Final, TypeAlias

from .. import const
from .._response_schema import PATHS
from ..exceptions import SmartcarException
from ..readings import CORNERS
from ..signals import CODES, SYSTEMS, Signal, read

#: The name of a signal, and its body in API v3's form.
Named: TypeAlias = tuple[str, dict[str, Any]]

_FRACTION: Final = {"unit": "fraction"}
_OPEN: Final = {"OPEN": True, "CLOSED": False}
_CLOSURES: Final = {"sunroof": "sunroof", "front": "front_trunk", "rear": "rear_trunk"}
_SYSTEM_NAMES: Final = {system_id: name for name, system_id in SYSTEMS.items()}


def _values(**names: tuple[str, dict[str, Any]]) -> Callable[[Mapping[str, Any]], Iterator[Named]]:
    """Make a translator of single fields: field=(signal, unit)."""

    def translate(body: Mapping[str, Any]) -> Iterator[Named]:
        for field, (name, unit) in names.items():
            if body.get(field) is not None:
                yield name, {"value": body[field], **unit}

    return translate


def _location(body: Mapping[str, Any]) -> Iterator[Named]:
    yield "location", dict(body)


def _capacity(body: Mapping[str, Any]) -> Iterator[Named]:
    if body.get("capacity") is not None:
        yield "battery_capacity", {"capacity": body["capacity"], "unit": "kWh"}


def _nominal_capacity(body: Mapping[str, Any]) -> Iterator[Named]:
    selected = body.get("capacity")
    selected = selected if isinstance(selected, Mapping) else {}
    yield (
        "battery_capacity",
        {
            "capacity": selected.get("nominal"),
            "source": selected.get("source"),
            "availableCapacities": body.get("availableCapacities"),
            "url": body.get("url"),
            "unit": "kWh",
        },
    )


def _charge_limit(body: Mapping[str, Any]) -> Iterator[Named]:
    if body.get("limit") is not None:
        yield "charge_limit", {"activeLimit": body["limit"], "values": [], **_FRACTION}


def _tires(body: Mapping[str, Any]) -> Iterator[Named]:
    yield (
        "tires",
        {
            "values": [
                {**_cell(number), "tirePressure": body.get(corner)} for number, corner in enumerate(CORNERS)
            ]
        },
    )


def _security(body: Mapping[str, Any]) -> Iterator[Named]:
    if body.get("isLocked") is not None:
        yield "is_locked", {"value": body["isLocked"]}
    for name in ("doors", "windows"):
        if cells := list(_cells(body.get(name))):
            yield name, {"values": cells}
    for part in (*_listed(body.get("sunroof")), *_listed(body.get("storage"))):
        if closure := _CLOSURES.get(str(part.get("type"))):
            yield closure, {"isOpen": _OPEN.get(str(part.get("status")))}
    for part in _listed(body.get("chargingPort")):
        yield "is_charge_port_open", {"value": _OPEN.get(str(part.get("status")))}


def _systems(body: Mapping[str, Any]) -> Iterator[Named]:
    for system in _listed(body.get("systems")):
        system_id = str(system.get("systemId"))
        other = "diagnostics-" + system_id.removeprefix("SYSTEM_").lower().replace("_", "")
        state = {"status": system.get("status"), "description": system.get("description")}
        yield _SYSTEM_NAMES.get(system_id, other), state


def _trouble_codes(body: Mapping[str, Any]) -> Iterator[Named]:
    yield "trouble_codes", {"values": body.get("activeCodes")}


_TRANSLATORS: Final[dict[str, Callable[[Mapping[str, Any]], Iterator[Named]]]] = {
    "odometer": _values(distance=("odometer", {})),
    "location": _location,
    "vin": _values(vin=("vin", {})),
    "fuel": _values(
        range=("fuel_range", {}),
        percentRemaining=("fuel_level", _FRACTION),
        amountRemaining=("fuel_amount", {}),
    ),
    "battery": _values(percentRemaining=("battery_level", _FRACTION), range=("battery_range", {})),
    "battery/capacity": _capacity,
    "battery/nominal_capacity": _nominal_capacity,
    "charge": _values(isPluggedIn=("is_plugged_in", {}), state=("charge_state", {})),
    "charge/limit": _charge_limit,
    "engine/oil": _values(lifeRemaining=("oil_life", _FRACTION)),
    "tires/pressure": _tires,
    "security": _security,
    "diagnostics/system_status": _systems,
    "diagnostics/dtcs": _trouble_codes,
}

#: The name of a signal -> the method whose response has it.
METHODS: Final[dict[str, str]] = {
    "odometer": "odometer",
    "location": "location",
    "vin": "vin",
    **dict.fromkeys(("fuel_range", "fuel_level", "fuel_amount"), "fuel"),
    **dict.fromkeys(("battery_level", "battery_range"), "battery"),
    "battery_capacity": "nominal_capacity",
    **dict.fromkeys(("is_plugged_in", "charge_state"), "charge"),
    "charge_limit": "get_charge_limit",
    "oil_life": "engine_oil",
    "tires": "tire_pressure",
    **dict.fromkeys(("is_locked", "doors", "windows", "sunroof", "front_trunk", "rear_trunk"), "lock_status"),
    "is_charge_port_open": "lock_status",
    **dict.fromkeys(SYSTEMS, "diagnostic_system_status"),
    "trouble_codes": "diagnostic_trouble_codes",
}

#: Errors that are about the whole application, or all signals of the vehicle.
_NOT_OF_A_SIGNAL: Final = ("RATE_LIMIT", "AUTHENTICATION", "CONNECTED_SERVICES_ACCOUNT", "VEHICLE_STATE")


def signals_of(
    path: str, body: object, headers: Mapping[str, str], unit_system: str = "metric", sent_in: str = ""
) -> list[Signal]:
    """Return the signals in a body of API v2, in ``unit_system``. Never raises.

    The body is in the units that the headers name, else in those of ``sent_in``. Fields without a value are
    left out. The bodies of service records and of brands' own paths have no signals.
    """
    translate = _TRANSLATORS.get(path.strip("/"))
    if translate is None or not isinstance(body, Mapping):
        return []
    meta = {
        "oemUpdatedAt": headers.get(const.DATA_AGE_HEADER),
        "retrievedAt": headers.get(const.FETCHED_AT_HEADER),
    }
    unit_header = headers.get(const.UNIT_SYSTEM_HEADER) or sent_in
    sent_in = "imperial" if unit_header == "imperial" else "metric"
    found = [
        read(
            {"code": CODES.get(name, name), "body": part, "meta": meta},
            unit_system,
            sent_in=sent_in,
            is_unit_sure=True,
        )
        for name, part in translate(body)
    ]
    return [signal for signal in found if signal["value"] is not None]


def failures_of(name: str, error: SmartcarException) -> list[Signal]:
    """Return the signals of a method that failed, with its error."""
    if not error.type or error.type in _NOT_OF_A_SIGNAL:
        return []
    status = {"value": "ERROR", "error": {"type": error.type, "code": error.code}}
    names = [signal for signal, method in METHODS.items() if method == name]
    return [read({"code": CODES[signal], "status": status}) for signal in names]


def methods_of(names: Iterable[str]) -> dict[str, str]:
    """Return signal -> the method to call for it, of those signals that API v2 has."""
    return {name: METHODS[name] for name in names if METHODS.get(name) in PATHS}


def _cell(number: int) -> dict[str, int]:
    return {"row": number // 2, "column": number % 2}


def _cells(closures: object) -> Iterator[dict[str, Any]]:
    for part in _listed(closures):
        if part.get("type") in CORNERS:
            yield {
                **_cell(CORNERS.index(part["type"])),
                "isOpen": _OPEN.get(str(part.get("status"))),
            }


def _listed(value: object) -> list[dict[str, Any]]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []
