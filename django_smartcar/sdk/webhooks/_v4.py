"""An event in one form, whatever version it came in, and how 4.0 is read into it. No network."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final, TypedDict

from .. import signals
from .._dates import parse_datetime
from ..signals import Signal

VERIFY: Final = "VERIFY"
STATE: Final = "VEHICLE_STATE"
ERROR: Final = "VEHICLE_ERROR"


class Problem(TypedDict):
    """Why Smartcar cannot ask a car, or (``is_resolved``) that it can again; ``signals`` are codes."""

    type: str
    code: str
    is_resolved: bool
    description: str | None
    message: str | None
    resolution: str | None
    signals: list[str]


@dataclass(frozen=True)
class VehicleUpdate:
    """What an event tells of one car. ``user_id`` is Smartcar's id of its driver; API v2 has none."""

    vehicle_id: str
    user_id: str = ""
    triggers: tuple[str, ...] = ()
    signals: tuple[Signal, ...] = field(default=(), repr=False)
    problems: tuple[Problem, ...] = ()


@dataclass(frozen=True)
class Event:
    """An event of any version. ``sequence`` rises with each; where it is not told, it is the delivery's time.

    ``kind`` is ``VERIFY``, ``VEHICLE_STATE`` (a schedule of 2.0 as well), ``VEHICLE_ERROR``, 2.0's
    ``CHARGING_…``, or a word that is new. ``challenge`` is what VERIFY wants hashed.
    """

    kind: str
    id: str
    webhook_id: str
    sequence: int
    challenge: str = field(default="", repr=False)
    updates: tuple[VehicleUpdate, ...] = ()


def read(payload: Mapping[str, Any], unit_system: str) -> Event:
    """The event of 4.0 that this JSON object tells of, in any of its variants."""
    data = mapping(payload.get("data"))
    told: dict[str, Any] = {
        "triggers": tuple(_triggers([*items(data.get("triggers")), *items(payload.get("triggers"))])),
        "signals": tuple(signals.read(one, unit_system) for one in mappings(data.get("signals"))),
        "problems": tuple(_problem(one) for one in mappings(data.get("errors"))),
    }
    head = envelope(payload)
    return replace(head, updates=tuple(replace(update, **told) for update in head.updates))


def envelope(payload: Mapping[str, Any]) -> Event:
    """The same event, and whom it is about, without what it tells of them."""
    data, meta = mapping(payload.get("data")), mapping(payload.get("meta"))
    delivered = parse_datetime(meta.get("deliveredAt") or meta.get("deliveryTime"))
    sequence = whole(meta.get("sequence")) or (int(delivered.timestamp() * 1000) if delivered else 0)
    vehicle_id = text(mapping(data.get("vehicle")).get("id")) or text(payload.get("vehicleId"))
    update = VehicleUpdate(vehicle_id, text(mapping(data.get("user")).get("id")))
    return Event(
        text(payload.get("eventType")),
        text(payload.get("eventId")),
        text(meta.get("webhookId")),
        sequence,
        text(data.get("challenge")),
        (update,) if vehicle_id else (),
    )


def _triggers(told: list[Any]) -> Iterator[str]:
    for one in told:
        if isinstance(one, Mapping):
            found = _code(one.get("signal")) or text(one.get("code")) or text(one.get("type"))
            if found:
                yield found


def _problem(told: Mapping[str, Any]) -> Problem:
    return {
        "type": text(told.get("type")),
        "code": text(told.get("code")),
        "is_resolved": told.get("state") == "RESOLVED",
        "description": text(told.get("description")) or None,
        "message": text(told.get("suggestedUserMessage")) or None,
        "resolution": text(mapping(told.get("resolution")).get("type")) or None,
        "signals": [code for code in map(_code, items(told.get("signals"))) if code],
    }


def _code(signal: object) -> str:
    """A signal's code; some events name it by group and name, ``"TractionBattery.StateOfCharge"``."""
    if isinstance(signal, Mapping):
        named = f"{text(signal.get('group'))}.{text(signal.get('name'))}"
        return text(signal.get("code")) or _code(named.strip("."))
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
