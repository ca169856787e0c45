"""Motion of the vehicles: drive, park, sleep and charge, and what changes meanwhile.

Nothing runs in the background. A vehicle is brought up to date when it is read, in whole minutes.
"""

from __future__ import annotations

from datetime import timedelta

from .. import store
from ..store.models import Car
from ..vehicles.factory import KM_PER_KWH, KM_PER_LITRE
from ..vehicles.make_readings import kilowatts
from ..vehicles.states import STATES
from ..webhooks import notify

_MINUTE = timedelta(minutes=1)
_KM_PER_MINUTE = 1.0
#: In degrees of longitude, at about the latitude of the simulated vehicles.
_DEGREES_PER_KM = 0.0116
#: A driving vehicle never runs empty: its level stops at this fraction.
_MIN_LEVEL = 0.02


def enter(car: Car, state: str) -> None:
    """Put the vehicle into a state, a key of `states.STATES`. Raise ValueError if that is impossible."""
    if state not in STATES:
        raise ValueError(f"A car cannot be {state!r}.")
    if state == "charging" and not car.is_electric:
        raise ValueError("A car without a plug cannot charge.")
    with notify.changing(car):
        catch_up(car)
        car.condition = "parked" if state == "charging" else state
        if state == "charging":
            car.is_plugged_in, car.charge_state = True, "CHARGING"
        elif state in ("driving", "parked", "asleep") and car.charge_state == "CHARGING":
            car.charge_state = "NOT_CHARGING"
        if state == "driving":
            car.is_plugged_in, car.is_locked, car.charge_state = False, False, "NOT_CHARGING"
        car.recorded_at = car.evolved_at = store.now()


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
        if car.state == "driving":
            _drive(car, minutes * _KM_PER_MINUTE)
        else:
            _charge(car, minutes / 60)
        car.evolved_at += minutes * _MINUTE
        car.recorded_at = car.evolved_at


def pass_time(seconds: float) -> None:
    """Move the simulator's clock forward and bring every vehicle up to date."""
    store.advance(seconds)
    with store.changes():
        for car in store.cars():
            catch_up(car)


def _drive(car: Car, km: float) -> None:
    car.odometer_km = round(car.odometer_km + km, 2)
    car.longitude = round((car.longitude + km * _DEGREES_PER_KM + 180) % 360 - 180, 6)
    if car.powertrain == "BEV":
        set_battery(car, max(_MIN_LEVEL, car.battery_percent - km / KM_PER_KWH / car.battery_capacity_kwh))
    else:
        set_fuel(car, max(_MIN_LEVEL, car.fuel_percent - km / KM_PER_LITRE / car.tank_litres))


def _charge(car: Car, hours: float) -> None:
    charged = car.battery_percent + kilowatts(car) * hours / car.battery_capacity_kwh
    # If the limit was lowered below the present level, the level stays.
    set_battery(car, max(car.battery_percent, min(car.charge_limit, charged)))
    if charged >= car.charge_limit:
        car.charge_state = "FULLY_CHARGED"


def set_battery(car: Car, level: float) -> None:
    """Set the battery level (0 to 1) and the range that follows from it."""
    car.battery_percent = round(level, 4)
    car.battery_range_km = round(car.battery_capacity_kwh * KM_PER_KWH * level, 2)


def set_fuel(car: Car, level: float) -> None:
    """Set the fuel level (0 to 1) and the range that follows from it."""
    car.fuel_percent = round(level, 4)
    car.fuel_range_km = round(car.tank_litres * KM_PER_LITRE * level, 2)
