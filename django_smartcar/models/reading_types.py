"""The catalogue of readings: the name, label and unit of each, and the SDK method that returns it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext_lazy as _

#: The unit in which each measure is stored: metric, whatever the vehicle or the site uses.
UNITS = {"distance": "km", "percent": "fraction", "volume": "l", "pressure": "kPa", "energy": "kWh"}


@dataclass(frozen=True)
class ReadingType:
    """One kind of value: a number with a unit, or a boolean, a string or small JSON."""

    name: str
    label: Any
    measure: str = ""
    #: Its field in the response's data; empty if it is all of the data.
    field: str = ""
    #: Whether it is a list, which is empty if the brand does not provide it.
    is_list: bool = False

    @property
    def empty_value(self) -> list[Any] | None:
        """The value if the brand does not provide it."""
        return [] if self.is_list else None

    @property
    def unit(self) -> str:
        return UNITS.get(self.measure, "")


@dataclass(frozen=True)
class ReadMethod:
    """A method of the SDK's vehicles: the permission it needs, and the values it returns."""

    permission: str
    kinds: tuple[ReadingType, ...] = ()

    @property
    def is_measured(self) -> bool:
        """Whether its numbers depend on the vehicle's unit system."""
        return any(kind.measure in ("distance", "volume", "pressure") for kind in self.kinds)


def _parts(read: str, *parts: tuple[Any, ...]) -> tuple[ReadingType, ...]:
    """Return a method's reading types, each from its field, label, measure and whether it is a list."""
    return tuple(
        ReadingType(f"{read}.{field}", label, measure, field, *is_list)
        for field, label, measure, *is_list in parts
    )


#: By the method's name. Service records are not stored.
READ_METHODS: dict[str, ReadMethod] = {
    "odometer": ReadMethod(
        "read_odometer", (ReadingType("odometer", _("Odometer"), "distance", "distance"),)
    ),
    "location": ReadMethod("read_location", (ReadingType("location", _("Location")),)),
    "fuel": ReadMethod(
        "read_fuel",
        _parts(
            "fuel",
            ("percent_remaining", _("Fuel"), "percent"),
            ("range", _("Range on fuel"), "distance"),
            ("amount_remaining", _("Fuel in the tank"), "volume"),
        ),
    ),
    "battery": ReadMethod(
        "read_battery",
        _parts(
            "battery",
            ("percent_remaining", _("Battery"), "percent"),
            ("range", _("Range on battery"), "distance"),
        ),
    ),
    "battery_capacity": ReadMethod(
        "read_battery", (ReadingType("battery_capacity", _("Battery capacity"), "energy", "capacity"),)
    ),
    "nominal_capacity": ReadMethod(
        "read_battery", (ReadingType("nominal_capacity", _("Nominal battery capacity")),)
    ),
    "charge": ReadMethod(
        "read_charge",
        _parts("charge", ("state", _("Charging"), ""), ("is_plugged_in", _("Plugged in"), "")),
    ),
    "get_charge_limit": ReadMethod(
        "read_charge", (ReadingType("charge_limit", _("Charge limit"), "percent", "limit"),)
    ),
    "engine_oil": ReadMethod(
        "read_engine_oil", (ReadingType("engine_oil", _("Oil life"), "percent", "life_remaining"),)
    ),
    "tire_pressure": ReadMethod(
        "read_tires",
        _parts(
            "tire_pressure",
            ("front_left", _("Tire, front left"), "pressure"),
            ("front_right", _("Tire, front right"), "pressure"),
            ("back_left", _("Tire, back left"), "pressure"),
            ("back_right", _("Tire, back right"), "pressure"),
        ),
    ),
    "lock_status": ReadMethod(
        "read_security",
        _parts(
            "lock_status",
            ("is_locked", _("Locked"), ""),
            ("doors", _("Doors"), "", True),
            ("windows", _("Windows"), "", True),
            ("sunroof", _("Sunroof"), "", True),
            ("storage", _("Trunk"), "", True),
            ("charging_port", _("Charging port"), "", True),
        ),
    ),
    "diagnostic_system_status": ReadMethod(
        "read_diagnostics", (ReadingType("diagnostic_system_status", _("Systems"), "", "systems"),)
    ),
    "diagnostic_trouble_codes": ReadMethod(
        "read_diagnostics", (ReadingType("diagnostic_trouble_codes", _("Trouble codes"), "", "active_codes"),)
    ),
    "service_history": ReadMethod("read_service_history"),
}

#: By the reading type's own name.
READING_TYPES: dict[str, ReadingType] = {
    kind.name: kind for read in READ_METHODS.values() for kind in read.kinds
}
