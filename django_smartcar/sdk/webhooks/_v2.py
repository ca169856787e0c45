"""Events of 2.0, read into the form of `events`: verification, schedules, charging. No network."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from .. import signals
from .._dates import parse_datetime
from ..signals import Signal
from ._v4 import STATE, VERIFY, Event, VehicleUpdate, mapping, mappings, text

#: API v2's paths: the code of each signal, its field, and a unit that the header does not tell.
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
    """The event of 2.0 that this JSON object tells of."""
    told = mapping(payload.get("payload"))
    name = text(payload.get("eventName"))
    kind = {"verify": VERIFY, "schedule": STATE, "dynamic": STATE}.get(
        name, text(told.get("eventType")) or name
    )
    found = [
        VehicleUpdate(text(car.get("vehicleId")), signals=tuple(_read_items(car.get("data"), unit_system)))
        for car in mappings(told.get("vehicles"))
    ]
    if vehicle_id := text(told.get("vehicleId")):
        found.append(VehicleUpdate(vehicle_id, triggers=(kind,), signals=tuple(_charging(kind, told))))
    when = parse_datetime(told.get("eventTime"))
    return Event(
        kind,
        text(told.get("eventId")),
        text(payload.get("webhookId")),
        int(when.timestamp() * 1000) if when else 0,
        text(told.get("challenge")),
        tuple(update for update in found if update.vehicle_id),
    )


def _charging(kind: str, told: Mapping[str, Any]) -> Iterator[Signal]:
    if kind.startswith("CHARGING_"):
        body = {"value": kind == "CHARGING_STARTED"}
        meta = {"oemUpdatedAt": told.get("eventTime")}
        yield signals.read({"code": "charge-ischarging", "body": body, "meta": meta})


def _read_items(told: object, unit_system: str) -> Iterator[Signal]:
    for item in mappings(told):
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
    """The same event car by car: a schedule tells of several."""
    told = mapping(payload.get("payload"))
    if "vehicles" not in told:
        return [payload]
    return [{**payload, "payload": {**told, "vehicles": [car]}} for car in mappings(told["vehicles"])]
