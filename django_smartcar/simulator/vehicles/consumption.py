"""How far a vehicle goes with its battery or its fuel."""

from __future__ import annotations

from ..store.models import Car

#: Range per litre of fuel.
KM_PER_LITRE = 13.0
#: Range per kWh of a battery of at most this capacity. Vehicles with larger ones are heavier.
_KM_PER_KWH = 6.0
_SMALL_BATTERY_KWH = 85.0

#: Decimals of a stored level: more than are reported, so that small changes add up.
_DECIMALS = 9


def km_per_kwh(capacity: float) -> float:
    """Return the range per kWh of a battery with this capacity in kWh."""
    return _KM_PER_KWH * min(1.0, _SMALL_BATTERY_KWH / max(capacity, 1.0))


def battery_range(capacity: float, level: float) -> float:
    """Return the range in km of a battery with this capacity in kWh at this level (0 to 1)."""
    return round(capacity * km_per_kwh(capacity) * level, 2)


def fuel_range(litres: float, level: float) -> float:
    """Return the range in km of a tank with this volume at this level (0 to 1)."""
    return round(litres * KM_PER_LITRE * level, 2)


def battery_share(car: Car, km: float) -> float:
    """Return the share of the battery (0 to 1) that this distance takes."""
    return km / (car.battery_capacity_kwh * km_per_kwh(car.battery_capacity_kwh))


def fuel_share(car: Car, km: float) -> float:
    """Return the share of the tank (0 to 1) that this distance takes."""
    return km / (car.tank_litres * KM_PER_LITRE)


def set_battery(car: Car, level: float) -> None:
    """Set the battery level (0 to 1) and the range that follows from it."""
    car.battery_percent = round(level, _DECIMALS)
    car.battery_range_km = battery_range(car.battery_capacity_kwh, car.battery_percent)


def set_fuel(car: Car, level: float) -> None:
    """Set the fuel level (0 to 1) and the range that follows from it."""
    car.fuel_percent = round(level, _DECIMALS)
    car.fuel_range_km = fuel_range(car.tank_litres, car.fuel_percent)


def reported(level: float) -> float:
    """Return a level (0 to 1) as the vehicle reports it."""
    return round(float(level), 4)
