"""The common form of events of all payload versions, and the parser of version 4.0."""

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, TypedDict

from .. import signals
from .._dates import parse_datetime
from ..signals import Signal

VERIFY: Final = "VERIFY"
STATE: Final = "VEHICLE_STATE"
ERROR: Final = "VEHICLE_ERROR"

#: Smartcar's sequences are times in milliseconds. One that is further ahead, in seconds, is not believed:
#: it would silence all later events.
MAX_SEQUENCE_AHEAD: Final = 24 * 60 * 60


class Problem(TypedDict):
    """Why Smartcar cannot read a vehicle or, if ``is_resolved``, that it can again. ``signals`` are codes."""

    type: str
    code: str
    is_resolved: bool
    description: str | None
    message: str | None
    resolution: str | None
    signals: list[str]


@dataclass(frozen=True)
class VehicleUpdate:
    """The part of an event about one vehicle. ``user_id`` is Smartcar's id of the user; API v2 has none."""

    vehicle_id: str
    user_id: str = ""
    triggers: tuple[str, ...] = ()
    signals: tuple[Signal, ...] = field(default=(), repr=False)
    problems: tuple[Problem, ...] = ()


@dataclass(frozen=True)
class Event:
    """An event of any payload version. ``sequence`` increases; without one, it is the time of the delivery.

    ``kind`` is ``VERIFY``, ``VEHICLE_STATE`` (also for a schedule of 2.0), ``VEHICLE_ERROR``, ``CHARGING_…``
    (2.0 only), or a type that is new. ``challenge`` is the text that VERIFY asks to sign. ``is_test``: the
    event is the dashboard's "Test webhook", about a vehicle that does not exist, or about a simulated one.
    """

    kind: str
    id: str
    webhook_id: str
    sequence: int
    challenge: str = field(default="", repr=False)
    updates: tuple[VehicleUpdate, ...] = ()
    is_test: bool = False


def read(payload: Mapping[str, Any], unit_system: str) -> Event:
    """Parse an event of 4.0, in any of its variants."""
    data = mapping(payload.get("data"))
    return _event(
        payload,
        triggers=tuple(_triggers([*items(data.get("triggers")), *items(payload.get("triggers"))])),
        signals=tuple(signals.read(signal, unit_system) for signal in mappings(data.get("signals"))),
        problems=tuple(_problem(error) for error in mappings(data.get("errors"))),
    )


def envelope(payload: Mapping[str, Any]) -> Event:
    """Parse the ids of an event and of its vehicle, without signals and problems."""
    return _event(payload)


def _event(payload: Mapping[str, Any], **content: Any) -> Event:
    data, meta = mapping(payload.get("data")), mapping(payload.get("meta"))
    delivered = parse_datetime(meta.get("deliveredAt") or meta.get("deliveryTime"))
    sequence = whole(meta.get("sequence"))
    if not 0 < sequence < (time.time() + MAX_SEQUENCE_AHEAD) * 1000:
        sequence = int(delivered.timestamp() * 1000) if delivered else 0
    vehicle_id = text(mapping(data.get("vehicle")).get("id")) or text(payload.get("vehicleId"))
    user_id = text(mapping(data.get("user")).get("id"))
    return Event(
        text(payload.get("eventType")),
        text(payload.get("eventId")),
        text(meta.get("webhookId")),
        sequence,
        text(data.get("challenge")),
        (VehicleUpdate(vehicle_id, user_id, **content),) if vehicle_id else (),
        is_test=meta.get("mode") == "TEST",
    )


def _triggers(values: list[Any]) -> Iterator[str]:
    for value in values:
        if isinstance(value, Mapping):
            trigger = _code(value.get("signal")) or text(value.get("code")) or text(value.get("type"))
            if trigger:
                yield trigger


def _problem(error: Mapping[str, Any]) -> Problem:
    return {
        "type": text(error.get("type")),
        "code": text(error.get("code")),
        "is_resolved": error.get("state") == "RESOLVED",
        "description": text(error.get("description")) or None,
        "message": text(error.get("suggestedUserMessage")) or None,
        "resolution": text(mapping(error.get("resolution")).get("type")) or None,
        "signals": [code for code in map(_code, items(error.get("signals"))) if code],
    }


def _code(signal: object) -> str:
    """Return a signal's code; some events have its group and name, ``"TractionBattery.StateOfCharge"``."""
    if isinstance(signal, Mapping):
        name = f"{text(signal.get('group'))}.{text(signal.get('name'))}"
        return text(signal.get("code")) or _code(name.strip("."))
    return text(signal).replace(".", "-").lower()


def mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def items(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def mappings(value: object) -> list[Mapping[str, Any]]:
    return [item for item in items(value) if isinstance(item, Mapping)]


def text(value: object) -> str:
    return value if isinstance(value, str) else ""


def whole(value: object) -> int:
    is_number = isinstance(value, int) and not isinstance(value, bool)
    return value if is_number and 0 < value < 2**63 else 0  # type: ignore[operator,return-value]
