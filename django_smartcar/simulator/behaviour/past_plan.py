"""The plan of a vehicle's past: its outings, and where it was charged and refuelled between them.

The trips are those of `trips`, and the levels those of `refills`, so that the past leads up to the present.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from ..store.models import Car
from ..vehicles import charging
from ..vehicles.consumption import battery_share, fuel_share
from ..vehicles.factory import rand
from .refills import Impossible, Refill, Stretch, refills
from .trips import Outing, outings

#: The past ends shortly before the present values were recorded.
_BEFORE_THE_PRESENT = timedelta(minutes=2)
#: A stay of at least this length is a chance to charge at home. Some of it is for plugging in and out.
_MIN_NIGHT, _PREPARATION = timedelta(hours=5), timedelta(minutes=45)
_DEFAULT_AMPERES, _MIN_AMPERES = 32.0, 6.0
#: A way out that takes more of the battery than this is charged again before the way back.
_MIN_FAST_GAIN = 0.12


@dataclass(frozen=True)
class Plan:
    """The outings of a past, the levels at its beginning, and the refills by number of the outing before."""

    outings: list[Outing]
    battery: float
    charges: dict[int, Refill]
    fuel: float
    stops: dict[int, Refill]


def make_plan(car: Car, start: datetime) -> Plan:
    """Return the past since `start` that leads to the present levels.

    The vehicle stayed at home instead of an outing that does not allow them.
    """
    found = outings(car, start, car.recorded_at - _BEFORE_THE_PRESENT)
    while True:
        try:
            return Plan(found, *_battery_plan(car, found), *_fuel_plan(car, found))
        except Impossible as error:
            del found[error.number]


def battery_use(car: Car, outing: Outing, km: float) -> float:
    """Return the share of the battery that this distance of the outing takes. A plug-in hybrid saves it."""
    return battery_share(car, km) if _is_on_battery(car, outing) else 0.0


def fuel_use(car: Car, outing: Outing, km: float) -> float:
    """Return the share of the tank that this distance of the outing takes."""
    return 0.0 if _is_on_battery(car, outing) else fuel_share(car, km)


def fast_gain(car: Car, outing: Outing) -> float:
    """Return what is charged at the destination of a long trip: what the way there has taken."""
    if not (outing.is_long and outing.back and charging.can_charge_fast(car)):
        return 0.0
    way_out = battery_share(car, outing.there.km)
    return way_out if way_out >= _MIN_FAST_GAIN else 0.0


def home_amperes(car: Car) -> float:
    """Return the current at home: the one that the owner has set, unless it is too small to charge."""
    return charging.ac_amperes(car) if car.charge_amperage >= _MIN_AMPERES else _DEFAULT_AMPERES


def next_start(car: Car, found: Sequence[Outing], number: int) -> datetime:
    """Return when the next outing begins, or the present."""
    return found[number + 1].there.starts_at if number + 1 < len(found) else car.recorded_at


def _is_on_battery(car: Car, outing: Outing) -> bool:
    return car.powertrain == "BEV" or (car.is_electric and not outing.is_long)


def _battery_plan(car: Car, found: Sequence[Outing]) -> tuple[float, dict[int, Refill]]:
    if not car.is_electric:
        return 0.0, {}
    per_hour = home_amperes(car) * charging.AC_VOLTS / 1000 / car.battery_capacity_kwh
    stretches = [
        Stretch(
            battery_use(car, one, one.km) - fast_gain(car, one),
            per_hour * _hours_to_charge(one, next_start(car, found, number)),
            0.2 + 0.25 * rand("charge", car.id, one.there.starts_at.date().isoformat()),
        )
        for number, one in enumerate(found)
    ]
    return refills(stretches, car.battery_percent, car.charge_limit)


def _fuel_plan(car: Car, found: Sequence[Outing]) -> tuple[float, dict[int, Refill]]:
    if not car.has_engine:
        return 0.0, {}
    stretches = [
        Stretch(
            fuel_use(car, one, one.km),
            1.0 if fuel_use(car, one, one.km) else 0.0,
            0.1 + 0.2 * rand("refuel", car.id, one.there.starts_at.date().isoformat()),
        )
        for one in found
    ]
    return refills(stretches, car.fuel_percent, 1.0)


def _hours_to_charge(outing: Outing, until: datetime) -> float:
    """Return how long the vehicle can charge at home after this outing."""
    stay = until - outing.ends_at
    is_possible = outing.back is not None and stay >= _MIN_NIGHT
    return (stay - _PREPARATION) / timedelta(hours=1) if is_possible else 0.0
