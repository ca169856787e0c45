"""The trips of a vehicle's past: to work on weekdays, errands, and longer ones on Sundays.

They follow from the vehicle's id and the date alone. An outing leaves home and comes back.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, timezone

from ..store.models import Car
from ..vehicles.consumption import battery_share
from ..vehicles.factory import rand
from ..vehicles.movement import bearing, kilometres, moved

Place = tuple[float, float]

#: The largest share of the battery that a trip to work, or the way out of a longer trip, takes.
_MAX_COMMUTE, _MAX_WAY_OUT = 0.2, 0.35
#: The longest way back to where the vehicle is now. If it is farther from home, it lives where it is.
_MAX_LAST_TRIP_KM = 400.0
_BREAK = timedelta(minutes=15)


@dataclass(frozen=True)
class Trip:
    """A drive in a straight line from one place to another."""

    starts_at: datetime
    origin: Place
    destination: Place
    kmh: float

    @property
    def km(self) -> float:
        """Return the distance."""
        return round(kilometres([*self.origin], [*self.destination]), 2)

    @property
    def ends_at(self) -> datetime:
        """Return when it ends, to the second."""
        return self.starts_at + timedelta(seconds=round(self.km / self.kmh * 3600))

    @property
    def heading(self) -> float:
        """Return its direction in degrees from north."""
        return bearing([*self.origin], [*self.destination])


@dataclass(frozen=True)
class Outing:
    """A trip and the way back. The last one before now may have no way back."""

    there: Trip
    back: Trip | None = None
    is_long: bool = False

    @property
    def trips(self) -> list[Trip]:
        """Return its trips in order."""
        return [self.there, self.back] if self.back else [self.there]

    @property
    def km(self) -> float:
        """Return its distance."""
        return sum(trip.km for trip in self.trips)

    @property
    def ends_at(self) -> datetime:
        """Return when its last trip ends."""
        return self.trips[-1].ends_at


def local_zone(car: Car) -> timezone:
    """Return the time zone by the sun, in whole hours."""
    return timezone(timedelta(hours=round(car.longitude / 15)))


def outings(car: Car, start: datetime, end: datetime) -> list[Outing]:
    """Return the outings between these moments, oldest first. They end where the vehicle is now."""
    home = _home(car)
    here = (car.latitude, car.longitude)
    last = [] if home == here else [_last_trip(home, here, end)]
    until = last[0].there.starts_at - _BREAK if last else end
    day = start.astimezone(local_zone(car)).date()
    found: list[Outing] = []
    while day <= end.astimezone(local_zone(car)).date():
        for outing in _of_day(car, home, day):
            is_free = not found or outing.there.starts_at >= found[-1].ends_at + _BREAK
            if is_free and outing.there.starts_at - _BREAK >= start and outing.ends_at + _BREAK <= until:
                found.append(outing)
        day += timedelta(days=1)
    return _within_odometer(car, [*found, *last])


def _home(car: Car) -> Place:
    here = [car.latitude, car.longitude]
    home = car.home or here
    is_reached = 0.2 < kilometres(here, home) <= _MAX_LAST_TRIP_KM
    return (home[0], home[1]) if is_reached else (here[0], here[1])


def _last_trip(home: Place, here: Place, end: datetime) -> Outing:
    trip = Trip(end, home, here, 60.0)
    return Outing(Trip(end - (trip.ends_at - end) - _BREAK, home, here, 60.0), is_long=trip.km > 60)


def _within_odometer(car: Car, found: list[Outing]) -> list[Outing]:
    """Leave out the oldest outings if the vehicle has not been driven so far."""
    while found and sum(outing.km for outing in found) > car.odometer_km - 1:
        found = found[1:]
    return found


def _of_day(car: Car, home: Place, day: date) -> Iterator[Outing]:
    def chance(subject: str) -> float:
        return rand("past", car.id, day.isoformat(), subject)

    def at(hour: float, spread: float, subject: str) -> datetime:
        minutes = round(hour * 60 + spread * 60 * (2 * chance(f"{subject} at") - 1))
        return datetime.combine(day, time(), local_zone(car)) + timedelta(minutes=minutes)

    def out(subject: str, starts_at: datetime, km: float, kmh: float, stay: float) -> Outing:
        target = moved(*home, 360 * chance(f"{subject} to"), km)
        return _outing(home, target, starts_at, kmh, timedelta(hours=stay), is_long=subject == "trip")

    if day.weekday() < 5:
        if chance("work") < 0.88:
            yield _commute(car, home, at(7.5, 0.4, "work"), at(17.0, 0.8, "back"))
        if chance("errand") < 0.25:
            yield out("errand", at(19.4, 0.4, "errand"), 3 + 6 * chance("errand km"), 32, 0.7)
    elif day.weekday() == 6 and chance("trip") < 0.45:
        km = min(60 + 100 * chance("trip km"), _longest(car, _MAX_WAY_OUT))
        yield out("trip", at(9.5, 0.8, "trip"), km, 75 + 20 * chance("trip kmh"), 3 + 2 * chance("stay"))
    elif chance("errand") < 0.75:
        yield out("errand", at(11.0, 1.5, "errand"), 4 + 14 * chance("errand km"), 38, 1.5)


def _commute(car: Car, home: Place, starts_at: datetime, back_at: datetime) -> Outing:
    km = min(6 + 26 * rand("work km", car.id), _longest(car, _MAX_COMMUTE))
    work = moved(*home, 360 * rand("work to", car.id), km)
    return _outing(home, work, starts_at, 42.0, back_at - starts_at)


def _longest(car: Car, share: float) -> float:
    """Return the distance that takes this share of the battery. Of a tank, any distance is a small share."""
    is_battery = car.powertrain == "BEV" or (car.is_electric and share == _MAX_COMMUTE)
    return share / battery_share(car, 1) if is_battery else 1_000.0


def _outing(
    home: Place, target: Place, starts_at: datetime, kmh: float, stay: timedelta, *, is_long: bool = False
) -> Outing:
    there = Trip(starts_at.astimezone(_UTC), home, target, kmh)
    back_at = max(there.starts_at + stay, there.ends_at + _BREAK) if not is_long else there.ends_at + stay
    return Outing(there, Trip(back_at, target, home, kmh), is_long)


_UTC = timezone(timedelta(0))
