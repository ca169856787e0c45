"""Motion of the vehicles: drive, park, sleep and charge, and what changes meanwhile.

Nothing runs in the background. A vehicle that drives or charges is brought up to date when it is read, minute
by minute, so that many short steps and a long one end in the same state. A parked or sleeping vehicle reports
nothing: its data ages, and what has changed meanwhile is computed when it reports again.
"""

from __future__ import annotations

from datetime import timedelta

from .. import store
from ..store.models import Car
from ..vehicles import charging, climate
from ..vehicles.consumption import battery_share, fuel_share, set_battery, set_fuel
from ..vehicles.factory import rand
from ..vehicles.movement import moved
from ..vehicles.states import STATES
from ..webhooks import notify

__all__ = ["catch_up", "change_12_volts", "enter", "pass_time", "report", "set_battery", "set_fuel"]

_MINUTE = timedelta(minutes=1)
_SPEED_KMH = 60.0
_KM_PER_MINUTE = _SPEED_KMH / 60
#: A driving vehicle turns by at most this angle, after so many km.
_KM_BETWEEN_TURNS = 10.0
_MAX_TURN = 60.0
#: A driving vehicle never runs empty: its level stops at this fraction.
_MIN_LEVEL = 0.02
#: Changes of the 12 V battery's level per minute, and its limits.
_12_VOLT_CHANGES = {"driving": 0.01, "charging": 0.002, "parked": -0.00001, "asleep": -0.000004}
_MIN_12_VOLTS, _MAX_12_VOLTS = 0.5, 0.98


def enter(car: Car, state: str, *, is_fast: bool = False) -> None:
    """Put the vehicle into a state, a key of `states.STATES`. Raise ValueError if that is impossible.

    `is_fast` is for ``charging``: at a fast charger (DC) instead of the socket at home.
    """
    if state not in STATES:
        raise ValueError(f"A car cannot be {state!r}.")
    if state == "charging" and not car.is_electric:
        raise ValueError("A car without a plug cannot charge.")
    if is_fast and (state != "charging" or not charging.can_charge_fast(car)):
        raise ValueError("Only a charging car with a battery alone can be at a fast charger.")
    with notify.changing(car):
        catch_up(car)
        report(car)
        if (car.state == "driving") != (state == "driving"):
            climate.mark(car, car.recorded_at)
        car.condition = "parked" if state == "charging" else state
        if state in ("driving", "parked", "asleep") and car.charge_state == "CHARGING":
            charging.stop(car, car.recorded_at)
        if state == "charging":
            charging.start(car, car.recorded_at, is_fast=is_fast)
        elif state == "driving":
            charging.unplug(car, car.recorded_at)
            car.is_locked, car.speed_kmh = False, _SPEED_KMH


def report(car: Car) -> None:
    """Let the vehicle report the values that it has now."""
    now = store.now()
    minutes = (now - (car.evolved_at or car.recorded_at)) // _MINUTE
    if car.state in ("parked", "asleep"):
        change_12_volts(car, car.state, minutes)
    car.recorded_at = car.evolved_at = now


def catch_up(car: Car) -> None:
    """Bring a vehicle that drives or charges up to the current time of the simulator."""
    now = store.now()
    if car.state not in ("driving", "charging"):
        return
    if car.evolved_at is None:
        car.evolved_at = now
    minutes = (now - car.evolved_at) // _MINUTE
    if minutes < 1:
        return
    with notify.changing(car):
        car.evolved_at += _pass(car, minutes) * _MINUTE
        car.recorded_at = car.evolved_at
        if car.charge_state == "FULLY_CHARGED":
            charging.stop(car, car.evolved_at, "FULLY_CHARGED")


def pass_time(seconds: float) -> None:
    """Move the simulator's clock forward and bring every vehicle up to date."""
    store.advance(seconds)
    with store.changes():
        for car in store.cars():
            catch_up(car)


def _pass(car: Car, minutes: int) -> int:
    """Let minutes pass until the vehicle's state changes. Return how many have passed."""
    state = car.state
    for passed in range(1, minutes + 1):
        change_12_volts(car, state, 1)
        if state == "driving":
            _drive(car)
        else:
            _charge(car)
        if car.state != state:
            return passed
    return minutes


def change_12_volts(car: Car, state: str, minutes: int) -> None:
    """Change the level of the 12 V battery as so many minutes in a state do."""
    change = _12_VOLT_CHANGES[state]
    level = car.low_voltage_percent + change * minutes
    # A limit stops the change only: a level beyond it stays.
    bounded = min(level, max(_MAX_12_VOLTS, car.low_voltage_percent))
    if change < 0:
        bounded = max(level, min(_MIN_12_VOLTS, car.low_voltage_percent))
    car.low_voltage_percent = round(bounded, 6)


def _drive(car: Car) -> None:
    """Drive for a minute."""
    legs = car.odometer_km // _KM_BETWEEN_TURNS
    car.odometer_km = round(car.odometer_km + _KM_PER_MINUTE, 2)
    if car.odometer_km // _KM_BETWEEN_TURNS != legs:
        turn = _MAX_TURN * (2 * rand("turn", car.id, f"{legs:.0f}") - 1)
        car.heading = round((car.heading + turn) % 360, 1) % 360
    car.latitude, car.longitude = moved(car.latitude, car.longitude, car.heading, _KM_PER_MINUTE)
    if car.powertrain == "BEV":
        set_battery(car, _fallen(car.battery_percent, battery_share(car, _KM_PER_MINUTE)))
    else:
        set_fuel(car, _fallen(car.fuel_percent, fuel_share(car, _KM_PER_MINUTE)))


def _fallen(level: float, share: float) -> float:
    return max(min(_MIN_LEVEL, level), level - share)


def _charge(car: Car) -> None:
    """Charge for a minute."""
    before = car.battery_percent
    share = charging.kilowatts(car) / 60 / car.battery_capacity_kwh
    # If the limit was lowered below the present level, the level stays.
    set_battery(car, max(before, min(car.charge_limit, before + share)))
    added = (car.battery_percent - before) * car.battery_capacity_kwh
    car.energy_added_kwh = round(car.energy_added_kwh + added, 6)
    if before + share >= car.charge_limit:
        car.charge_state = "FULLY_CHARGED"
