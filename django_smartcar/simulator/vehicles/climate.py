"""Temperatures and climate control of a vehicle.

The weather follows from place, date and hour, with a little chance for each vehicle and day. The temperature
inside follows the one outside, or the climate control while that is on.
"""

from __future__ import annotations

import math
from datetime import datetime, timedelta

from ..store.models import Car
from .factory import rand
from .make_settings import setting

#: Minutes in which the difference to the target falls to a third: with and without climate control.
_MINUTES_WITH_CONTROL = 8.0
_MINUTES_WITHOUT = 45.0
#: The cabin is later than the weather, and the sun heats it.
_DELAY = timedelta(hours=1)
_SUN = 4.0
#: The battery's heater works below this temperature.
_COLD = 5.0


def outside(car: Car) -> float:
    """Return the temperature outside in °C, when the vehicle last reported."""
    return round(_weather(car, car.recorded_at), 1)


def inside(car: Car) -> float:
    """Return the temperature in the cabin in °C, when the vehicle last reported."""
    return round(_cabin(car, car.recorded_at), 1)


def target(car: Car) -> float:
    """Return the temperature that the climate control is set to, in °C."""
    return float(setting(car, "climate/cabin")["temperature"])


def is_on(car: Car) -> bool:
    """Return whether the climate control works: it does in a driving vehicle."""
    return car.state == "driving" or setting(car, "climate/cabin")["status"] == "ON"


def is_front_defroster_on(car: Car) -> bool:
    """Return whether the windscreen is defrosted."""
    return bool(setting(car, "climate/defroster")["frontStatus"] == "ON")


def is_rear_defroster_on(car: Car) -> bool:
    """Return whether the rear window is defrosted."""
    return bool(setting(car, "climate/defroster")["rearStatus"] == "ON")


def is_steering_heater_on(car: Car) -> bool:
    """Return whether the steering wheel is heated."""
    return bool(setting(car, "climate/steering_wheel")["status"] == "ON")


def is_battery_heater_on(car: Car) -> bool:
    """Return whether the battery is heated: in the cold, while the vehicle drives or charges."""
    return car.state in ("driving", "charging") and outside(car) < _COLD


def mark(car: Car, moment: datetime) -> None:
    """Note the temperature inside, before the climate control goes on or off at this moment."""
    car.climate_from, car.climate_since = round(_cabin(car, moment), 3), moment


def _cabin(car: Car, moment: datetime) -> float:
    if is_on(car):
        goal, minutes_to_goal = target(car), _MINUTES_WITH_CONTROL
    else:
        goal, minutes_to_goal = _without_control(car, moment), _MINUTES_WITHOUT
    if car.climate_from is None or car.climate_since is None:
        return goal
    minutes = max((moment - car.climate_since) / timedelta(minutes=1), 0)
    return goal + (car.climate_from - goal) * math.exp(-minutes / minutes_to_goal)


def _without_control(car: Car, moment: datetime) -> float:
    hour = local_hour(car, moment)
    sun = _SUN * max(math.cos(math.tau * (hour - 13) / 24), 0)
    return _weather(car, moment - _DELAY) + sun


def _weather(car: Car, moment: datetime) -> float:
    latitude, day = car.latitude, moment.timetuple().tm_yday + moment.hour / 24
    season = math.cos(math.tau * (day - 200) / 365.25) * (1 if latitude >= 0 else -1)
    hour = math.cos(math.tau * (local_hour(car, moment) - 15) / 24)
    mean = 27.5 - 0.45 * abs(latitude)
    return mean + min(abs(latitude), 40) * 0.3 * season + 5 * hour + _chance(car, moment)


def _chance(car: Car, moment: datetime) -> float:
    """Return what makes a day warmer or colder than usual. It changes steadily from noon to noon."""
    days = moment.timestamp() / 86_400
    first, share = int(days // 1), days % 1
    before, after = (8 * rand("weather", car.id, str(number)) - 4 for number in (first, first + 1))
    return before + (after - before) * share


def local_hour(car: Car, moment: datetime) -> float:
    """Return the hour of the day by the sun where the vehicle is."""
    return (moment.hour + moment.minute / 60 + car.longitude / 15) % 24
