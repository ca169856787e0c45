"""The parser of payload version 2.0: verification, schedules and charging events."""

import json
from collections.abc import Iterator, Mapping
from typing import Any, Final

from .. import signals
from .._dates import parse_datetime
from ..signals import Signal
from ..v2.signals import signals_of
from ._v4 import STATE, VERIFY, Event, VehicleUpdate, mapping, mappings, text


def read(payload: Mapping[str, Any], unit_system: str) -> Event:
    """Parse an event of 2.0."""
    content = mapping(payload.get("payload"))
    name = text(payload.get("eventName"))
    kind = {"verify": VERIFY, "schedule": STATE, "dynamic": STATE}.get(
        name, text(content.get("eventType")) or name
    )
    updates = [
        VehicleUpdate(
            text(vehicle.get("vehicleId")), signals=tuple(_read_items(vehicle.get("data"), unit_system))
        )
        for vehicle in mappings(content.get("vehicles"))
    ]
    if vehicle_id := text(content.get("vehicleId")):
        updates.append(VehicleUpdate(vehicle_id, triggers=(kind,), signals=tuple(_charging(kind, content))))
    event_time = parse_datetime(content.get("eventTime"))
    return Event(
        kind,
        text(content.get("eventId")),
        text(payload.get("webhookId")),
        int(event_time.timestamp() * 1000) if event_time else 0,
        text(content.get("challenge")),
        tuple(update for update in updates if update.vehicle_id),
    )


def _charging(kind: str, content: Mapping[str, Any]) -> Iterator[Signal]:
    if kind.startswith("CHARGING_"):
        body = {"value": kind == "CHARGING_STARTED"}
        meta = {"oemUpdatedAt": content.get("eventTime")}
        yield signals.read({"code": "charge-ischarging", "body": body, "meta": meta})


def _read_items(items: object, unit_system: str) -> Iterator[Signal]:
    for item in mappings(items):
        headers = {str(name).lower(): value for name, value in mapping(item.get("headers")).items()}
        if item.get("code") == 200:
            yield from signals_of(text(item.get("path")), item.get("body"), headers, unit_system)


#: What each part of an event that is split repeats, and the maximum length of one.
_COMMON: Final = ("version", "webhookId", "eventName", "mode", "eventId", "eventType", "eventTime")
_MAX_COMMON_LENGTH: Final = 100


def split(payload: dict[str, Any]) -> list[dict[str, Any]]:
    """Split an event into one payload per vehicle that it names: a schedule has several."""
    content = mapping(payload.get("payload"))
    if "vehicles" not in content:
        return [payload]
    event, common = _common(payload), _common(content)
    return [
        {**event, "payload": {**common, "vehicles": [vehicle]}}
        for vehicle in mappings(content["vehicles"])
        if text(vehicle.get("vehicleId"))
    ]


def _common(part: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: part[name]
        for name in _COMMON
        if name in part and len(json.dumps(part[name])) <= _MAX_COMMON_LENGTH
    }
