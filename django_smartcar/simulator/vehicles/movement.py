"""Where a vehicle is, how fast and in which direction it goes."""

from __future__ import annotations

import math

from ..store.models import Car

_KM_PER_DEGREE = 111.195
_HOME_RADIUS_KM = 0.2
_DIRECTIONS = ("N", "NE", "E", "SE", "S", "SW", "W", "NW")


def speed(car: Car) -> float:
    """Return the speed in km/h: 0 unless the vehicle drives."""
    return car.speed_kmh if car.state == "driving" else 0.0


def gear(car: Car) -> str:
    """Return the gear: DRIVE or PARK."""
    return "DRIVE" if car.state == "driving" else "PARK"


def direction(car: Car) -> str:
    """Return the heading as a point of the compass: N, NE, E…"""
    return _DIRECTIONS[round(car.heading / 45) % 8]


def is_at_home(car: Car) -> bool:
    """Return whether the vehicle is where it spends its nights."""
    return car.home is None or kilometres([car.latitude, car.longitude], car.home) <= _HOME_RADIUS_KM


def moved(latitude: float, longitude: float, heading: float, km: float) -> tuple[float, float]:
    """Return the place that lies so many kilometres in this direction. Not for the poles."""
    north, east = math.cos(math.radians(heading)), math.sin(math.radians(heading))
    new_latitude = latitude + km * north / _KM_PER_DEGREE
    per_degree = _KM_PER_DEGREE * max(math.cos(math.radians(latitude)), 0.01)
    new_longitude = (longitude + km * east / per_degree + 180) % 360 - 180
    return round(max(-89.0, min(89.0, new_latitude)), 6), round(new_longitude, 6)


def kilometres(first: list[float], second: list[float]) -> float:
    """Return the distance between two places that are not far apart."""
    return math.hypot(*_north_and_east(first, second))


def bearing(first: list[float], second: list[float]) -> float:
    """Return the direction from one place to another, in degrees from north."""
    north, east = _north_and_east(first, second)
    return round(math.degrees(math.atan2(east, north)) % 360, 1) % 360


def _north_and_east(first: list[float], second: list[float]) -> tuple[float, float]:
    north = (second[0] - first[0]) * _KM_PER_DEGREE
    degrees_east = (second[1] - first[1] + 180) % 360 - 180
    return north, degrees_east * _KM_PER_DEGREE * math.cos(math.radians((first[0] + second[0]) / 2))
