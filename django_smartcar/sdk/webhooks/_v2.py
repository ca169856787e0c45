"""The parser of payload version 2.0: verification, schedules and charging events."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from .. import signals
from .._dates import parse_datetime
from ..signals import Signal
from ._v4 import STATE, VERIFY, Event, VehicleUpdate, mapping, mappings, text

#: Path of API v2 -> code of the signal, field of the body, and its unit if the headers do not name it.
SIGNALS_BY_PATH: Final[dict[str, list[tuple[str, str | None, str | None]]]] = {
    "odometer": [("odometer-traveleddistance", "distance", None)],
    "location": [("location-preciselocation", None, None)],
    "vin": [("vehicleidentification-vin", "vin", None)],
    "security": [("closure-islocked", "isLocked", None)],
    "engine/oil": [("internalcombustionengine-oillife", "lifeRemaining", "fraction")],
    "fuel": [
        ("internalcombustionengine-fuellevel", "percentRemaining", "fraction"),
        ("internalcombustionengine-amountremaining", "amountRemaining", None),
        ("internalcombustionengine-range", "range", None),
    ],
    "battery": [
        ("tractionbattery-stateofcharge", "percentRemaining", "fraction"),
        ("tractionbattery-range", "range", None),
    ],
    "charge": [
        ("charge-ischargingcableconnected", "isPluggedIn", None),
        ("charge-detailedchargingstatus", "state", None),
    ],
}


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
        body = mapping(item.get("body"))
        if item.get("code") != 200 or not body:
            continue
        sent_in = "imperial" if headers.get("sc-unit-system") == "imperial" else "metric"
        meta = {"oemUpdatedAt": headers.get("sc-data-age"), "retrievedAt": headers.get("sc-fetched-at")}
        for code, name, unit in SIGNALS_BY_PATH.get(text(item.get("path")).strip("/"), []):
            if name is None or body.get(name) is not None:
                reading = (
                    dict(body) if name is None else {"value": body[name]} | ({"unit": unit} if unit else {})
                )
                yield signals.read(
                    {"code": code, "body": reading, "meta": meta}, unit_system, sent_in=sent_in
                )


def split(payload: dict[str, Any]) -> list[dict[str, Any]]:
    """Split an event into one payload per vehicle: a schedule has several."""
    content = mapping(payload.get("payload"))
    if "vehicles" not in content:
        return [payload]
    return [
        {**payload, "payload": {**content, "vehicles": [vehicle]}}
        for vehicle in mappings(content["vehicles"])
    ]
