"""What a vehicle is doing at the moment, for its page: how it charges, or how it drives."""

from __future__ import annotations

from typing import NamedTuple

from django.utils.formats import number_format
from django.utils.translation import gettext as _

from ..store.models import Car
from ..vehicles import charging, movement
from .labels import CHARGE_STATES, GEARS, Label


class Fact(NamedTuple):
    """A line of the page."""

    name: Label
    value: Label


def facts(car: Car) -> list[Fact]:
    """Return what the vehicle reports about its charging and driving."""
    if car.state == "driving":
        return _driving(car)
    return _charging(car) if car.is_electric else []


def _driving(car: Car) -> list[Fact]:
    gear, heading = movement.gear(car), _number(round(car.heading) % 360, 0)
    return [
        Fact(_("Speed"), f"{_number(movement.speed(car), 0)} km/h"),
        Fact(_("Gear"), GEARS.get(gear, gear)),
        Fact(_("Heading"), f"{movement.direction(car)} ({heading}°)"),
    ]


def _charging(car: Car) -> list[Fact]:
    found = [Fact(_("Charging"), CHARGE_STATES.get(charging.state(car), car.charge_state))]
    if charging.is_charging(car):
        charger = _("Fast charger") if car.is_fast_charger else _("Socket")
        found += [
            Fact(_("Charger"), charger),
            Fact(_("Power"), f"{_number(charging.kilowatts(car), 1)} kW"),
            Fact(_("Energy added"), f"{_number(car.energy_added_kwh, 1)} kWh"),
            Fact(_("Time left"), _duration(charging.minutes_left(car))),
        ]
    return found


def _duration(minutes: int) -> str:
    hours, rest = divmod(minutes, 60)
    return _("%(hours)d h %(minutes)d min") % {"hours": hours, "minutes": rest}


def _number(value: float, decimals: int) -> str:
    return number_format(round(value, decimals), decimals)  # which truncates
