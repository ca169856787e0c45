"""Units and numbers: other words for a unit, a wrong word, no word, and numbers that mean "no data"."""

from __future__ import annotations

from ..store.models import Car
from .profile import Resource, SignalChange

#: The documented words -> those of captured events (Polestar 2, VW ID.4 and ID.7).
_SHORT_WORDS = {
    "amps": "ampere",
    "kWhr": "kWh",
    "kilometers": "km",
    "kilometers_per_hour": "km/h",
    "kilowatt_hours": "kWh",
}


def short_units(resource: Resource, car: Car) -> None:
    """Write ``km``, ``km/h``, ``ampere`` and ``kWh``."""
    body = resource["attributes"]["body"]
    if "unit" in body:
        body["unit"] = _SHORT_WORDS.get(body["unit"], body["unit"])


def bar_that_is_kilopascals(resource: Resource, car: Car) -> None:
    """Call kilopascals ``bar``. Source: Jaguar I-PACE, wbyoung/smartcar #71 and #78."""
    body = resource["attributes"]["body"]
    if resource["id"] == "wheel-tires" and body["unit"] == "kilopascals":
        body["unit"] = "bar"


def bar(resource: Resource, car: Car) -> None:
    """Send tire pressures in bar. Source: wbyoung/smartcar #109, unknown make; Tesla's own API is in bar."""
    body = resource["attributes"]["body"]
    if resource["id"] == "wheel-tires" and body["unit"] == "kilopascals":
        body["unit"] = "bar"
        for tire in body["values"]:
            tire["tirePressure"] = round(tire["tirePressure"] / 100, 2)


def tire_without_sensor(resource: Resource, car: Car) -> None:
    """Send 699.9 for the tire on the front right: it has no sensor. Source: wbyoung/smartcar #71."""
    if resource["id"] == "wheel-tires":
        for tire in resource["attributes"]["body"]["values"]:
            if (tire["row"], tire["column"]) == (0, 1):
                tire["tirePressure"] = 699.9


def no_data(code: str, sentinel: float, *, while_asleep: bool = False) -> SignalChange:
    """Send a number that means "no data" for this signal, always or while the car sleeps."""

    def change(resource: Resource, car: Car) -> None:
        if resource["id"] == code and (car.state == "asleep" or not while_asleep):
            resource["attributes"]["body"]["value"] = sentinel

    return change


def bare_fraction(*codes: str) -> SignalChange:
    """Send percentages as fractions of 1 without a unit: 0.77. Source: wbyoung/smartcar #52, a fixture."""

    def change(resource: Resource, car: Car) -> None:
        if resource["id"] in codes:
            percentage = resource["attributes"]["body"]["value"]
            resource["attributes"]["body"] = {"value": round(percentage / 100, 4)}

    return change
