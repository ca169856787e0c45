"""What a vehicle with a plug reports about its charging, in both API versions.

The signals of v3 and the readings of v2 call these functions, so that they agree.
"""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta
from typing import Any

from ..store.models import Car
from .consumption import km_per_kwh

#: The socket at home, and the largest current that the vehicle takes from it.
AC_VOLTS = 240.0
MAX_AC_AMPERES = 48.0
#: A fast charger: its voltage, its largest power, and its power from the level where it slows down.
_DC_VOLTS = 400.0
_DC_KILOWATTS = 120.0
_DC_SLOW_KILOWATTS = 40.0
_DC_SLOW_FROM = 0.8

#: Past sessions that a vehicle keeps.
_MAX_RECORDS = 50


def is_charging(car: Car) -> bool:
    """Return whether energy flows into the vehicle's battery."""
    return state(car) == "CHARGING"


def state(car: Car) -> str:
    """Return the state of charging, such as FULLY_CHARGED. With a current of 0 A nothing is charged."""
    is_paused = car.charge_state == "CHARGING" and not car.is_fast_charger and car.charge_amperage <= 0
    return "NOT_CHARGING" if is_paused else car.charge_state


def is_fast_charger_present(car: Car) -> bool:
    """Return whether the vehicle is plugged into a fast charger."""
    return car.is_plugged_in and car.is_fast_charger


def is_port_open(car: Car) -> bool:
    """Return whether the flap of the charging port is open. The plug keeps it open."""
    return car.is_charge_port_open or car.is_plugged_in


def volts(car: Car) -> float:
    """Return the voltage of the charger that the vehicle is plugged into."""
    if not car.is_plugged_in:
        return 0.0
    return _DC_VOLTS if car.is_fast_charger else AC_VOLTS


def ac_amperes(car: Car) -> float:
    """Return the current from the socket at home: the one that is set, up to the largest."""
    return min(car.charge_amperage, MAX_AC_AMPERES)


def kilowatts_while_charging(car: Car) -> float:
    """Return the power that the plugged charger gives, or would give, at the present level."""
    if not car.is_fast_charger:
        return round(ac_amperes(car) * AC_VOLTS / 1000, 2)
    return _DC_KILOWATTS if car.battery_percent < _DC_SLOW_FROM else _DC_SLOW_KILOWATTS


def kilowatts(car: Car) -> float:
    """Return the charging power: 0 if the vehicle does not charge."""
    return kilowatts_while_charging(car) if is_charging(car) else 0.0


def amperes(car: Car) -> float:
    """Return the charging current: 0 if the vehicle does not charge."""
    if not is_charging(car):
        return 0.0
    return round(kilowatts(car) * 1000 / _DC_VOLTS, 2) if car.is_fast_charger else ac_amperes(car)


def km_per_hour(car: Car) -> float:
    """Return how fast charging adds range."""
    return round(kilowatts(car) * km_per_kwh(car.battery_capacity_kwh), 1)


def minutes_left(car: Car) -> int:
    """Return the whole minutes until the charge limit is reached: 0 if the vehicle does not charge."""
    if not kilowatts(car):
        return 0
    split = min(car.charge_limit, _DC_SLOW_FROM) if car.is_fast_charger else car.charge_limit
    before = max(split - car.battery_percent, 0) * car.battery_capacity_kwh
    after = max(car.charge_limit - max(split, car.battery_percent), 0) * car.battery_capacity_kwh
    hours = before / kilowatts(car) + (after / _DC_SLOW_KILOWATTS if after else 0)
    return round(hours * 60)


def phases(car: Car) -> int:
    """Return the number of phases of the plugged AC charger."""
    return 1 if car.is_plugged_in and not car.is_fast_charger else 0


def connector_type(car: Car) -> str:
    """Return the type of the vehicle's charging inlet."""
    if car.make == "TESLA":
        return "NACS"
    return "CCS" if can_charge_fast(car) else "J1772"


def can_charge_fast(car: Car) -> bool:
    """Return whether the vehicle has an inlet for fast chargers. Plug-in hybrids have none."""
    return car.powertrain == "BEV"


def port_color(car: Car) -> str:
    """Return the colour of the light beside the charging port."""
    if not car.is_plugged_in:
        return "OFF"
    return "BLUE" if state(car) == "NOT_CHARGING" else "GREEN"


def start(car: Car, moment: datetime, *, is_fast: bool = False) -> None:
    """Plug the vehicle in, and begin a charging session at this moment."""
    car.is_plugged_in, car.is_fast_charger, car.charge_state = True, is_fast, "CHARGING"
    car.energy_added_kwh, car.is_charge_port_open = 0.0, True
    car.charging_since, car.charging_from = moment, car.battery_percent


def stop(car: Car, moment: datetime, end: str = "NOT_CHARGING") -> None:
    """End the charging session at this moment, in a state such as FULLY_CHARGED, and record it."""
    if car.charging_since is not None:
        levels = car.charging_from, car.battery_percent
        is_fast, energy = is_fast_charger_present(car), round(car.energy_added_kwh, 2)
        new = record(car, car.charging_since, moment, *levels, energy=energy, is_fast=is_fast)
        car.charge_records = [*car.charge_records, new][-_MAX_RECORDS:]
    car.charge_state, car.charging_since = end, None


def unplug(car: Car, moment: datetime) -> None:
    """Pull the cable at this moment. A charging session ends, and is recorded."""
    stop(car, moment)
    car.is_plugged_in = car.is_fast_charger = car.is_charge_port_open = False


def record(
    car: Car,
    started_at: datetime,
    ended_at: datetime,
    start_level: float,
    end_level: float,
    *,
    energy: float,
    is_fast: bool,
) -> dict[str, Any]:
    """Return the record of a charging session at the place where the vehicle is.

    The energy, in kWh, may differ from that of the levels: they can be set during a session.
    """
    return {
        "id": str(uuid.uuid5(uuid.UUID(car.id), _iso(started_at))),
        "cost": {"currency": "USD", "energyAmount": round(energy * (0.42 if is_fast else 0.14), 2)}
        | {"otherAmount": 0.0},
        "startTime": _iso(started_at),
        "endTime": _iso(ended_at),
        "location": {
            "name": "Fast charger" if is_fast else "Home",
            "address": None,
            "latitude": car.latitude,
            "longitude": car.longitude,
        },
        "energyAdded": energy,
        "connectorType": connector_type(car),
        "isPublicCharger": is_fast,
        "startStateOfCharge": round(start_level * 100, 1),
        "endStateOfCharge": round(end_level * 100, 1),
    }


def earlier_records(car: Car) -> list[dict[str, Any]]:
    """Return the sessions of a new vehicle: two at home and, if it can, one at a fast charger."""
    sessions = []
    for days, is_fast in ((16, False), (9, can_charge_fast(car)), (2, False)):
        started_at = car.recorded_at - timedelta(days=days)
        kilowatts = _DC_KILOWATTS if is_fast else car.charge_amperage * AC_VOLTS / 1000
        energy = round(0.4 * car.battery_capacity_kwh, 2)
        ended_at = started_at + timedelta(hours=energy / kilowatts)
        sessions.append(record(car, started_at, ended_at, 0.3, 0.7, energy=energy, is_fast=is_fast))
    return sessions


def records_until(car: Car, moment: datetime) -> list[dict[str, Any]]:
    """Return the records of the sessions that had ended at this moment, oldest first."""
    return [one for one in car.charge_records if datetime.fromisoformat(one["endTime"]) <= moment]


def _iso(moment: datetime) -> str:
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
