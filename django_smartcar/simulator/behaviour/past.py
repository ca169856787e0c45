"""The past of a vehicle: copies of it, as it was at each moment. The vehicle itself is not changed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, time, timedelta
from typing import Any

from ..store.models import Car
from ..vehicles import charging, climate
from ..vehicles.factory import rand
from . import motion
from .past_plan import Plan, battery_use, fast_gain, fuel_use, home_amperes, make_plan, next_start
from .refills import Refill
from .trips import Outing, Trip, local_zone

_MINUTE = timedelta(minutes=1)
#: Charging at home begins at this hour, if that is early enough.
_CHARGES_AT = time(22, 30)
#: How often a driving or charging vehicle reports, and when a standing one falls asleep.
_WHILE_DRIVING, _AT_HOME, _AT_FAST_CHARGER = 5 * _MINUTE, 30 * _MINUTE, 5 * _MINUTE
_AWAKE, _MIN_SLEEP = 30 * _MINUTE, timedelta(hours=2)
#: The fuel station is so far from the end of a trip, and filling up takes so long.
_STATION_KM, _FILLING_UP = 1.5, 6 * _MINUTE
#: What the past decides about the present vehicle. All else is as the owner has set it.
_DECIDED = {"heading", "charge_records", "recorded_at", "evolved_at"}


def moments(car: Car, start: datetime) -> list[Car]:
    """Return the vehicle as it was at each moment since `start` at which it reported, and as it is now."""
    return _Diary(car, make_plan(car, start)).write(start)


class _Diary:
    """Writes down the moments of a past, from the first to the present."""

    def __init__(self, car: Car, plan: Plan) -> None:
        self.present = car
        self.plan = plan
        self.moments: list[Car] = []
        self.km_left = sum(outing.km for outing in plan.outings)
        self.battery, self.fuel = plan.battery, plan.fuel
        self.car = _first(car, plan)

    def write(self, start: datetime) -> list[Car]:
        """Write all moments, and return them."""
        self._note(start)
        for number, outing in enumerate(self.plan.outings):
            self._sleep_until(outing.there.starts_at)
            stop = self.plan.stops.get(number)
            self._drive(outing, outing.there, None if outing.back else stop)
            if outing.back:
                self._charge_fast(outing)
                self._sleep_until(outing.back.starts_at)
                self._drive(outing, outing.back, stop)
                self._spend_the_night(number)
        self._sleep_until(self.present.recorded_at)
        self.battery, self.fuel = self.present.battery_percent, self.present.fuel_percent
        values = {name: value for name, value in vars(self.present).items() if name not in _DECIDED}
        self._note(self.present.recorded_at, **values)
        return self.moments

    def _note(self, moment: datetime, **changes: Any) -> None:
        """Write the vehicle down as it is at this moment, after these changes."""
        car = self.car
        if self.moments:
            moment = max(moment, car.recorded_at + timedelta(seconds=1))
            motion.change_12_volts(car, car.state, (moment - car.recorded_at) // _MINUTE)
        for name, value in changes.items():
            setattr(car, name, value)
        if car.is_electric:
            motion.set_battery(car, self.battery)
        if car.has_engine:
            motion.set_fuel(car, self.fuel)
        car.odometer_km = round(self.present.odometer_km - max(self.km_left, 0), 2)
        car.recorded_at = car.evolved_at = moment
        self.moments.append(replace(car))

    def _drive(self, outing: Outing, trip: Trip, stop: Refill | None) -> None:
        """Drive, and fill up shortly before the end if there is a stop."""
        self._note(trip.starts_at - _MINUTE, condition="parked", is_locked=False)
        climate.mark(self.car, trip.starts_at)
        charging.unplug(self.car, trip.starts_at)
        self._note(trip.starts_at, condition="driving", heading=trip.heading, speed_kmh=trip.kmh)
        levels, km_left = (self.battery, self.fuel), self.km_left
        duration, delay = trip.ends_at - trip.starts_at, timedelta(0)
        station = 1 - min(_STATION_KM / trip.km, 0.5) if stop else 1.0
        for share in _shares(duration, station if stop else None):
            used = min(share / station, 1)
            self.battery = levels[0] - battery_use(self.car, outing, trip.km * used)
            self.fuel = levels[1] - fuel_use(self.car, outing, trip.km * used)
            if stop and delay:
                self.fuel = stop.after
            self.km_left = km_left - trip.km * share
            self._go_to(trip, share)
            speed = round(trip.kmh * (0.8 + 0.4 * rand("speed", self.car.id, f"{self.km_left:.2f}")), 1)
            self._note(trip.starts_at + duration * share + delay, speed_kmh=speed)
            if stop and share == station:
                self._fill_up(stop)
                delay = _FILLING_UP
        climate.mark(self.car, trip.ends_at + delay)
        self.battery = levels[0] - battery_use(self.car, outing, trip.km)
        self.fuel = stop.after if stop else levels[1] - fuel_use(self.car, outing, trip.km)
        self.km_left = km_left - trip.km
        self._go_to(trip, 1)
        self._note(trip.ends_at + delay, condition="parked")
        self._note(trip.ends_at + delay + _MINUTE, is_locked=True)

    def _go_to(self, trip: Trip, share: float) -> None:
        for name, begin, end in zip(("latitude", "longitude"), trip.origin, trip.destination, strict=True):
            setattr(self.car, name, end if share == 1 else round(begin + (end - begin) * share, 6))

    def _fill_up(self, stop: Refill) -> None:
        arrived_at = self.car.recorded_at
        self._note(arrived_at + _MINUTE, condition="parked")
        self.fuel = stop.after
        self._note(arrived_at + _FILLING_UP - _MINUTE)
        self._note(arrived_at + _FILLING_UP, condition="driving")

    def _charge_fast(self, outing: Outing) -> None:
        """Charge at the destination of a long trip."""
        gain = fast_gain(self.car, outing)
        if gain:
            self._charge(self.car.recorded_at + 4 * _MINUTE, self.battery + gain, is_fast=True)
            charging.unplug(self.car, self.car.recorded_at)
            self._note(self.car.recorded_at + 2 * _MINUTE)

    def _spend_the_night(self, number: int) -> None:
        """Plug in at home, and charge if it is time."""
        car, charge = self.car, self.plan.charges.get(number)
        if not car.is_electric:
            return
        car.is_plugged_in = car.is_charge_port_open = True
        self._note(car.recorded_at + _MINUTE)
        if charge is None:
            return
        hours = (charge.after - charge.before) * car.battery_capacity_kwh
        hours /= charging.kilowatts_while_charging(car)
        evening = datetime.combine(car.recorded_at.astimezone(local_zone(car)), _CHARGES_AT, local_zone(car))
        latest = next_start(self.present, self.plan.outings, number) - timedelta(hours=hours) - 20 * _MINUTE
        begin = max(car.recorded_at + 3 * _MINUTE, min(evening.astimezone(latest.tzinfo), latest))
        self._charge(begin, charge.after, is_fast=False)

    def _charge(self, begin: datetime, goal: float, *, is_fast: bool) -> None:
        """Charge up to this level, minute by minute."""
        car, first = self.car, self.battery
        charging.start(car, begin, is_fast=is_fast)
        self._note(begin)
        report_every = _AT_FAST_CHARGER if is_fast else _AT_HOME
        moment = begin
        while self.battery < goal:
            moment += _MINUTE
            share = charging.kilowatts(car) / 60 / car.battery_capacity_kwh
            self.battery = min(self.battery + share, goal)
            car.battery_percent = self.battery
            car.energy_added_kwh = round((self.battery - first) * car.battery_capacity_kwh, 6)
            if (moment - begin) % report_every == timedelta(0) and self.battery < goal:
                self._note(moment)
        is_full = goal >= car.charge_limit - 1e-6
        charging.stop(car, moment, "FULLY_CHARGED" if is_full else "NOT_CHARGING")
        self._note(moment)

    def _sleep_until(self, moment: datetime) -> None:
        """Sleep if the stay is long enough, and report once on each day without a trip."""
        asleep_at = self.car.recorded_at + _AWAKE
        if moment - asleep_at < _MIN_SLEEP:
            return
        if self.car.state != "asleep":
            self._note(asleep_at, condition="asleep")
        for noon in _noons(asleep_at, moment - _MIN_SLEEP, self.car):
            if noon - self.car.recorded_at > timedelta(hours=12):
                self._note(noon, condition="parked")
                self._note(noon + 10 * _MINUTE, condition="asleep")


def _first(car: Car, plan: Plan) -> Car:
    """Return the vehicle as it was at the beginning: asleep at home."""
    home = plan.outings[0].there.origin if plan.outings else (car.latitude, car.longitude)
    return replace(
        car,
        latitude=home[0],
        longitude=home[1],
        condition="asleep",
        charge_state="NOT_CHARGING",
        charge_amperage=home_amperes(car),
        is_locked=True,
        is_plugged_in=car.is_electric,
        is_charge_port_open=car.is_electric,
        is_fast_charger=False,
        energy_added_kwh=0.0,
        charging_since=None,
        charge_records=[],
        low_voltage_percent=0.9,
        climate_from=None,
        climate_since=None,
        make_settings={},
        destination=None,
        fault=None,
        faults={},
    )


def _shares(duration: timedelta, station: float | None) -> list[float]:
    """Return where on a trip the vehicle reports, between its beginning (0) and its end (1)."""
    count = duration // _WHILE_DRIVING
    regular = [number * _WHILE_DRIVING / duration for number in range(1, count + 1)]
    shares = {share for share in regular if share < 1 and (station is None or abs(share - station) > 0.02)}
    return sorted({*shares, station} if station else shares)


def _noons(begin: datetime, end: datetime, car: Car) -> Iterator[datetime]:
    zone = local_zone(car)
    day = begin.astimezone(zone).date()
    while day <= end.astimezone(zone).date():
        noon = datetime.combine(day, time(12), zone).astimezone(begin.tzinfo)
        if begin < noon < end:
            yield noon
        day += timedelta(days=1)
