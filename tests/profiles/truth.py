"""What a simulated car truly has, in the words in which the tests compare it with what arrives."""

import copy
from datetime import UTC, datetime

from django_smartcar.simulator.profiles import PROFILES
from django_smartcar.simulator.profiles.times import zero_for_static

from . import true_signals
from .texts import text, time

STATIC_CODES = ("tractionbattery-nominalcapacity",)
RECORDED_AT = datetime(2026, 9, 21, 10, 30, tzinfo=UTC)
CORNERS = ("front_left", "front_right", "back_left", "back_right")

#: The systems of a plug-in hybrid in the order of both API versions, without the prefix ``SYSTEM_``.
SYSTEMS = (
    *("ABS", "ACTIVE_SAFETY", "AIRBAG", "BRAKE_FLUID", "DRIVER_ASSISTANCE", "EMISSIONS"),
    *("EV_BATTERY_CONDITIONING", "EV_CHARGING", "EV_DRIVE_UNIT", "EV_HV_BATTERY", "LIGHTING", "MIL"),
    *("OIL_LIFE", "OIL_PRESSURE", "OIL_TEMPERATURE", "TELEMATICS", "TIRE_PRESSURE"),
    *("TIRE_PRESSURE_MONITORING", "TRANSMISSION", "WASHER_FLUID", "WATER_IN_FUEL"),
)
#: The systems that alert because of a trouble code.
ALERTING = ("EMISSIONS", "MIL")

#: The values of every car that is compared: the tables name them.
VALUES = {
    "powertrain": "PHEV",
    "recorded_at": RECORDED_AT,
    "odometer_km": 41318.3,
    "latitude": 52.5163,
    "longitude": 13.3777,
    "home": [52.5163, 13.3777],
    "heading": 185.0,
    "battery_capacity_kwh": 82.0,
    "battery_percent": 0.77,
    "battery_range_km": 282.5,
    "low_voltage_percent": 0.95,
    "tank_litres": 50.0,
    "fuel_percent": 0.3,
    "fuel_range_km": 210.0,
    "oil_life": 0.35,
    "tires_kpa": [258.0, 262.0, 266.0, 270.0],
    "is_locked": True,
    "is_plugged_in": True,
    "is_charge_port_open": True,
    "is_fast_charger": False,
    "charge_state": "NOT_CHARGING",
    "charge_limit": 0.8,
    "charge_amperage": 24.0,
    "energy_added_kwh": 12.5,
    "charge_records": [
        {
            "id": "b0f5a2f6-8a35-4f2b-9f0e-3d2b1c7a9e10",
            "cost": {"currency": "USD", "energyAmount": 5.74, "otherAmount": 0.0},
            "startTime": "2026-09-20T20:00:00.000Z",
            "endTime": "2026-09-21T03:00:00.000Z",
            "location": {"name": "Home", "address": None, "latitude": 52.5163, "longitude": 13.3777},
            "energyAdded": 41.0,
            "connectorType": "J1772",
            "isPublicCharger": False,
            "startStateOfCharge": 50.0,
            "endStateOfCharge": 100.0,
        }
    ],
    "make_settings": {
        "climate/cabin": {"status": "ON", "temperature": 21.5},
        "climate/defroster": {"frontStatus": "ON", "rearStatus": "OFF"},
        "security/trunk": {"status": "OPEN"},
    },
    "trouble_codes": [{"code": "P0420", "timestamp": "2026-09-19T08:00:00.000Z"}],
    "service_visits": [{"time": "2026-08-10T09:00:00.000Z", "odometer_km": 40012.5}],
}


def set_values(car):
    """Give a car the values of the tables."""
    for name, value in copy.deepcopy(VALUES).items():
        setattr(car, name, value)


def of_signals(car):
    """Return what a car truly has, by code: the text of the value with its unit."""
    return {code: text(value, unit) for code, (value, unit) in true_signals.of_car(car).items()}


def of_readings(car):
    """Return what a car truly has, by kind of reading: the text of the value with its unit."""
    values = {
        "odometer": (car.odometer_km, "km"),
        "location": ({"latitude": car.latitude, "longitude": car.longitude}, ""),
        "battery.percent_remaining": (car.battery_percent, "fraction"),
        "battery.range": (car.battery_range_km, "km"),
        "battery_capacity": (car.battery_capacity_kwh, "kWh"),
        "fuel.percent_remaining": (car.fuel_percent, "fraction"),
        "fuel.range": (car.fuel_range_km, "km"),
        "fuel.amount_remaining": (car.tank_litres * car.fuel_percent, "l"),
        "engine_oil": (car.oil_life, "fraction"),
        "charge.state": (car.charge_state, ""),
        "charge.is_plugged_in": (car.is_plugged_in, ""),
        "charge_limit": (car.charge_limit, "fraction"),
        "lock_status.is_locked": (car.is_locked, ""),
        "lock_status.doors": (_closed("frontLeft", "frontRight", "backLeft", "backRight"), ""),
        "lock_status.windows": (_closed("frontLeft", "frontRight", "backLeft", "backRight"), ""),
        "lock_status.sunroof": (_closed("sunroof"), ""),
        "lock_status.storage": ([*_closed("front"), {"type": "rear", "status": "OPEN"}], ""),
        "lock_status.charging_port": ([{"type": "chargingPort", "status": "OPEN"}], ""),
        "nominal_capacity": (_nominal_capacity(car), ""),
        "diagnostic_system_status": (_systems(car), ""),
        "diagnostic_trouble_codes": (_trouble_codes(car), ""),
    }
    tires = zip(CORNERS, car.tires_kpa, strict=True)
    values |= {f"tire_pressure.{corner}": (kpa, "kPa") for corner, kpa in tires}
    return {kind: text(value, unit) for kind, (value, unit) in values.items()}


def _closed(*types):
    return [{"type": name, "status": "CLOSED"} for name in types]


def _nominal_capacity(car):
    capacity = car.battery_capacity_kwh
    return {
        "available_capacities": [{"capacity": capacity, "description": None}],
        "capacity": {"nominal": capacity, "source": "SMARTCAR"},
        "url": None,
    }


def _systems(car):
    alert = {"status": "ALERT", "description": f"Trouble code {car.trouble_codes[0]['code']}"}
    ok = {"status": "OK", "description": None}
    return [{"system_id": f"SYSTEM_{name}", **(alert if name in ALERTING else ok)} for name in SYSTEMS]


def _trouble_codes(car):
    return [one | {"timestamp": datetime.fromisoformat(one["timestamp"])} for one in car.trouble_codes]


def time_of(code, car):
    """Return when the car recorded this signal, as a text. What never changes may have no time."""
    is_static = code.startswith(("vehicleidentification-", "vehicleuseraccount-")) or code in STATIC_CODES
    is_timeless = is_static and zero_for_static in PROFILES[car.profile].signals
    return time(None if is_timeless else car.recorded_at)
