"""What is missing: fields of null, empty lists, absent fields; and what is told by another signal."""

from __future__ import annotations

from typing import Any

from ..store.models import Car
from .profile import Resource, SignalChange


def null(code: str, field: str) -> SignalChange:
    """Send null in a field of this signal. Source: Polestar 2, ``isLocked`` of the front trunk."""

    def change(resource: Resource, car: Car) -> None:
        if resource["id"] == code:
            resource["attributes"]["body"][field] = None

    return change


def empty(code: str, field: str) -> SignalChange:
    """Send an empty list in a field of this signal. Source: Polestar 2, ``values`` of the charge limits."""

    def change(resource: Resource, car: Car) -> None:
        if resource["id"] == code:
            resource["attributes"]["body"][field] = []

    return change


def without(code: str, *fields: str) -> SignalChange:
    """Leave out fields of this signal. Source: Polestar 2, the direction of its location."""

    def change(resource: Resource, car: Car) -> None:
        if resource["id"] == code:
            for name in fields:
                resource["attributes"]["body"].pop(name, None)

    return change


def range_by_default(resource: Resource, car: Car) -> None:
    """Say that the range is of the type DEFAULT, without others. Source: Polestar 2 and VW ID.7."""
    if resource["id"] == "tractionbattery-range":
        resource["attributes"]["body"] |= {"type": "DEFAULT", "additionalValues": []}


def no_status(*codes: str) -> SignalChange:
    """Leave out the status of good signals, or of these. Source: VW ID.4; a fixture of unknown make."""

    def change(resource: Resource, car: Car) -> None:
        if not codes or resource["id"] in codes:
            resource["attributes"].pop("status")

    return change


def right_column_first(resource: Resource, car: Car) -> None:
    """List the tires from right to left. Source: Jaguar I-PACE, wbyoung/smartcar #71 and #78."""
    if resource["id"] == "wheel-tires":
        resource["attributes"]["body"]["values"].sort(key=lambda tire: (tire["row"], -tire["column"]))


def charging_while_plugged_in(resource: Resource, car: Car) -> None:
    """Say that the car charges while it is merely plugged in. Source: ardevd/ha-dimo #78, a Jaguar."""
    if resource["id"] == "charge-ischarging":
        resource["attributes"]["body"]["value"] = car.is_plugged_in


def year_as_text(attributes: dict[str, Any]) -> None:
    """Send the model year as text. Source: Smartcar's test car of API v3, a Tesla; captured events."""
    attributes["year"] = str(attributes["year"])


def unknown_powertrain(attributes: dict[str, Any]) -> None:
    """Send null for the powertrain, if any is sent. Source: VW ID.7, a captured event."""
    if "powertrainType" in attributes:
        attributes["powertrainType"] = None


def fuel_percentage_only(path: str, body: dict[str, Any]) -> None:
    """Send null for the range and the litres in the tank. Source: the documentation of API v2."""
    if path == "fuel":
        body |= {"range": None, "amountRemaining": None}
