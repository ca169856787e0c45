"""Signals of driving: Location, Motion, Odometer, Transmission, InternalCombustionEngine and Wheel.

No page of Smartcar's documentation names the permission of the transmission's signals and of the style of the
wheels. Here it is the one for a vehicle's configuration.
"""

from __future__ import annotations

from ..store.models import Car
from ..vehicles import equipment, movement
from ..vehicles.v2_readings import Units
from .signal import Body, Signal, distance, grid, level, measured, speed, value

_CONFIGURATION = "read_extended_vehicle_info"


def _location(car: Car, units: Units) -> Body:
    return {
        "latitude": car.latitude,
        "longitude": car.longitude,
        "heading": car.heading,
        "direction": movement.direction(car),
        "locationType": "CURRENT" if car.state == "driving" else "LAST_PARKED",
    }


def _drive_mode(car: Car, units: Units) -> Body:
    return {"canonical": "NORMAL", "oemDisplayName": "Normal"}


def _fuel_amount(car: Car, units: Units) -> Body:
    unit = "liters" if units.system == "metric" else "gallons"
    return measured(unit, units.volume(car.tank_litres * car.fuel_percent))


def _tires(car: Car, units: Units) -> Body:
    body = grid({"tirePressure": units.pressure(pressure)} for pressure in car.tires_kpa)
    return body | {"unit": "kilopascals" if units.system == "metric" else "psi"}


DRIVING = [
    Signal("Location", "IsAtHome", "read_location", value(movement.is_at_home)),
    Signal("Location", "PreciseLocation", "read_location", _location),
    Signal("Motion", "CurrentSpeed", "read_speedometer", speed("kph", "mph", movement.speed)),
    Signal("Odometer", "TraveledDistance", "read_odometer", distance(lambda car: car.odometer_km)),
    Signal("Transmission", "DriveMode", _CONFIGURATION, _drive_mode),
    Signal("Transmission", "GearState", _CONFIGURATION, value(movement.gear)),
    Signal("InternalCombustionEngine", "AmountRemaining", "read_fuel", _fuel_amount, "tank"),
    Signal("InternalCombustionEngine", "FuelLevel", "read_fuel", level(lambda car: car.fuel_percent), "tank"),
    Signal("InternalCombustionEngine", "OilLife", "read_engine_oil", level(lambda car: car.oil_life), "tank"),
    Signal("InternalCombustionEngine", "Range", "read_fuel", distance(lambda car: car.fuel_range_km), "tank"),
    Signal("Wheel", "Style", _CONFIGURATION, value(equipment.wheels)),
    Signal("Wheel", "Tires", "read_tires", _tires),
]
