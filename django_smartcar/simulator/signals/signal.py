"""What a signal of API v3 is, and the forms that the bodies of many signals share."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

from ..store.models import Car
from ..vehicles import systems
from ..vehicles.signal_names import code_of
from ..vehicles.v2_readings import Units, require_capability

Body = dict[str, Any]

#: The four corners of a vehicle: rows from front to back, columns from left to right, counted from 0.
CORNERS = [(row, column) for row in range(2) for column in range(2)]


class Signal(NamedTuple):
    """A signal: `scope` is its permission, and `read` computes its body for a vehicle.

    `needs` is what a vehicle must have for it: a ``plug``, a ``tank``, or nothing.
    """

    group: str
    name: str
    scope: str
    read: Callable[[Car, Units], Body]
    needs: str = ""

    @property
    def code(self) -> str:
        """Return the code: ``odometer-traveleddistance``."""
        return code_of(self.group, self.name)

    def body(self, car: Car, units: Units) -> Body:
        """Return the body. Raise VEHICLE_NOT_CAPABLE for a vehicle that lacks what the signal needs."""
        require_capability(systems.has(car, self.needs))
        return self.read(car, units)


def value(read: Callable[[Car], Any]) -> Callable[[Car, Units], Body]:
    """Return a body with one value."""
    return lambda car, units: {"value": read(car)}


def values(read: Callable[[Car], list[Any]]) -> Callable[[Car, Units], Body]:
    """Return a body with a list of values."""
    return lambda car, units: {"values": read(car)}


def quantity(unit: str, read: Callable[[Car], float]) -> Callable[[Car, Units], Body]:
    """Return a body with a number whose unit is the same in both unit systems."""
    return lambda car, units: measured(unit, read(car))


def level(read: Callable[[Car], float]) -> Callable[[Car, Units], Body]:
    """Return a body with a percentage. `read` returns a fraction of 1."""
    return lambda car, units: measured("percent", percentage(read(car)))


def distance(read: Callable[[Car], float]) -> Callable[[Car, Units], Body]:
    """Return a body with a distance. `read` returns km."""
    return lambda car, units: measured(
        "kilometers" if units.system == "metric" else "miles", units.distance(read(car))
    )


def temperature(read: Callable[[Car], float]) -> Callable[[Car, Units], Body]:
    """Return a body with a temperature. `read` returns °C."""
    return lambda car, units: measured(
        "celsius" if units.system == "metric" else "fahrenheit", units.temperature(read(car))
    )


def speed(metric: str, imperial: str, read: Callable[[Car], float]) -> Callable[[Car, Units], Body]:
    """Return a body with a speed in these units. `read` returns km/h."""
    return lambda car, units: measured(
        metric if units.system == "metric" else imperial, units.distance(read(car))
    )


def measured(unit: str, number: float) -> Body:
    """Return a number with its unit."""
    return {"unit": unit, "value": number}


def percentage(fraction: float) -> float:
    """Return a fraction of 1 as a percentage, without decimals where it has none."""
    number = round(fraction * 100, 2)
    return int(number) if number.is_integer() else number


def grid(cells: Iterable[Body]) -> Body:
    """Return four bodies by their corner."""
    placed = [
        {"row": row, "column": column, **cell} for (row, column), cell in zip(CORNERS, cells, strict=True)
    ]
    return {"values": placed, "rowCount": 2, "columnCount": 2}
