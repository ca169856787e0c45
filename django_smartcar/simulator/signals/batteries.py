"""Signals of the groups TractionBattery and LowVoltageBattery.

No page of Smartcar's documentation names the permission of the 12 V battery's signals. Here it is that of the
traction battery, by its name.
"""

from __future__ import annotations

from ..store.models import Car
from ..vehicles import climate, systems
from ..vehicles.v2_readings import Units
from .signal import Body, Signal, distance, level, quantity, value

_SCOPE = "read_battery"
#: Charges to at least this level use the maximum range.
_MAX_RANGE_PERCENT = 99


def _range(car: Car, units: Units) -> Body:
    body = distance(lambda car: car.battery_range_km)(car, units)
    return body | {"additionalValues": [{"type": "ESTIMATED", "value": body["value"]}]}


def _nominal_capacity(car: Car, units: Units) -> Body:
    capacity = car.battery_capacity_kwh
    return {
        "source": "SMARTCAR",
        "capacity": capacity,
        "availableCapacities": [{"capacity": capacity, "description": None}],
        "unit": "kWhr",
    }


def _max_range_charges(car: Car) -> int:
    return sum(one["endStateOfCharge"] >= _MAX_RANGE_PERCENT for one in car.charge_records)


BATTERIES = [
    Signal("TractionBattery", "IsHeaterActive", _SCOPE, value(climate.is_battery_heater_on), "plug"),
    Signal("TractionBattery", "MaxRangeChargeCounter", _SCOPE, quantity("count", _max_range_charges), "plug"),
    Signal("TractionBattery", "NominalCapacity", _SCOPE, _nominal_capacity, "plug"),
    Signal("TractionBattery", "Range", _SCOPE, _range, "plug"),
    Signal("TractionBattery", "StateOfCharge", _SCOPE, level(lambda car: car.battery_percent), "plug"),
    Signal("LowVoltageBattery", "StateOfCharge", _SCOPE, level(lambda car: car.low_voltage_percent)),
    Signal("LowVoltageBattery", "Status", _SCOPE, value(systems.low_voltage_status)),
]
