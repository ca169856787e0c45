"""What a simulated car truly has, in the words in which the tests compare it with what arrives."""

import copy
from datetime import UTC, datetime

from django.template.defaultfilters import floatformat

from django_smartcar.sdk.signals import CODES, SIGNALS
from django_smartcar.sdk.v2.signals import METHODS
from django_smartcar.simulator.profiles import PROFILES
from django_smartcar.simulator.profiles.times import zero_for_static
from django_smartcar.simulator.vehicles import climate

from . import true_signals
from .texts import text, time

STATIC_CODES = ("tractionbattery-nominalcapacity",)
RECORDED_AT = datetime(2026, 9, 21, 10, 30, tzinfo=UTC)
#: The status of a signal that Smartcar has no value of.
NOT_COLLECTED = "not_collected"
#: The parts of signals that API v2 does not tell.
NOT_IN_V2 = {"heading", "direction", "locationType", "isLocked"}
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


def of_states(car, is_v2=False):
    """Return what a car truly has, by our name of the signal; what has no value is not collected.

    API v2 tells fewer signals, and fewer parts of some.
    """
    true = true_signals.of_car(car)
    if is_v2:
        codes = {CODES[name] for name in METHODS}
        true = {code: (_as_v2(value), unit) for code, (value, unit) in true.items() if code in codes}
    # A number of things has no unit in the catalogue, whatever Smartcar says.
    texts = {
        SIGNALS[code].name: text(value, "" if unit == "count" else unit)
        for code, (value, unit) in true.items()
    }
    return {name: NOT_COLLECTED if told == text(None) else told for name, told in texts.items()}


def _as_v2(value):
    if isinstance(value, dict):
        return {name: _as_v2(part) for name, part in value.items() if name not in NOT_IN_V2}
    return [_as_v2(item) for item in value] if isinstance(value, list) else value


def of_readings(car):
    """Return what a car truly has, by method of the SDK and field: the text of the value with its unit."""
    values = {
        "odometer.distance": (car.odometer_km, "km"),
        "location.latitude": (car.latitude, ""),
        "location.longitude": (car.longitude, ""),
        "battery.percent_remaining": (car.battery_percent, "fraction"),
        "battery.range": (car.battery_range_km, "km"),
        "battery_capacity.capacity": (car.battery_capacity_kwh, "kWh"),
        "fuel.percent_remaining": (car.fuel_percent, "fraction"),
        "fuel.range": (car.fuel_range_km, "km"),
        "fuel.amount_remaining": (car.tank_litres * car.fuel_percent, "l"),
        "engine_oil.life_remaining": (car.oil_life, "fraction"),
        "charge.state": (car.charge_state, ""),
        "charge.is_plugged_in": (car.is_plugged_in, ""),
        "get_charge_limit.limit": (car.charge_limit, "fraction"),
        "lock_status.is_locked": (car.is_locked, ""),
        "lock_status.doors": (_closed("frontLeft", "frontRight", "backLeft", "backRight"), ""),
        "lock_status.windows": (_closed("frontLeft", "frontRight", "backLeft", "backRight"), ""),
        "lock_status.sunroof": (_closed("sunroof"), ""),
        "lock_status.storage": ([*_closed("front"), {"type": "rear", "status": "OPEN"}], ""),
        "lock_status.charging_port": ([{"type": "chargingPort", "status": "OPEN"}], ""),
        "nominal_capacity.available_capacities": (
            [{"capacity": car.battery_capacity_kwh, "description": None}],
            "",
        ),
        "nominal_capacity.url": (None, ""),
        "nominal_capacity.capacity": ({"nominal": car.battery_capacity_kwh, "source": "SMARTCAR"}, ""),
        "diagnostic_system_status.systems": (_systems(car), ""),
        "diagnostic_trouble_codes.active_codes": (_trouble_codes(car), ""),
        "service_history.items": ([_visit(*car.service_visits)], ""),
    }
    tires = zip(CORNERS, car.tires_kpa, strict=True)
    values |= {f"tire_pressure.{corner}": (kpa, "kPa") for corner, kpa in tires}
    return {name: text(value, unit) for name, (value, unit) in values.items()}


def of_page(car, unit_system):
    """Return what a car truly has, by the label of the row on the page of its owner."""
    temperatures = [climate.outside(car), car.make_settings["climate/cabin"]["temperature"]]
    if unit_system == "imperial":
        temperatures = [degrees * 9 / 5 + 32 for degrees in temperatures]
    outside, inside = [floatformat(degrees, 0) for degrees in temperatures]
    rows = {
        "Odometer": "41,318.3 km",
        "Battery": "77 %, range 283 km",
        "Fuel": "30 %, range 210 km",
        "Charging": "plugged in, not charging, limit 80 %",
        "Door lock": "locked",
        "Doors and windows": "open: trunk, charging port",
        "Tires": "front 258 / 262 kPa, back 266 / 270 kPa",
        "Engine oil": "35 % left",
        "Temperature": f"outside {outside} °C, inside {inside} °C",
        "Trouble codes": "P0420",
        "Location": "52.5163, 13.3777",
    }
    imperial = {
        "Odometer": "25,674.0 mi",
        "Battery": "77 %, range 176 mi",
        "Fuel": "30 %, range 130 mi",
        "Tires": "front 37 / 38 psi, back 39 / 39 psi",
        "Temperature": f"outside {outside} °F, inside {inside} °F",
    }
    return rows | imperial if unit_system == "imperial" else rows


def _closed(*types):
    return [{"type": name, "status": "CLOSED"} for name in types]


def _systems(car):
    alert = {"status": "ALERT", "description": f"Trouble code {car.trouble_codes[0]['code']}"}
    ok = {"status": "OK", "description": None}
    return [{"system_id": f"SYSTEM_{name}", **(alert if name in ALERTING else ok)} for name in SYSTEMS]


def _trouble_codes(car):
    return [one | {"timestamp": datetime.fromisoformat(one["timestamp"])} for one in car.trouble_codes]


def _visit(visit):
    return {
        "service_id": "12345",
        "odometer_distance": visit["odometer_km"],
        "service_date": datetime.fromisoformat(visit["time"]),
        "service_tasks": [{"task_id": "1", "task_description": "Tires rotated"}],
        "service_cost": {"total_cost": None, "currency": None},
    }


def time_of(code, car):
    """Return when the car recorded this signal, as a text. What never changes may have no time."""
    is_static = code.startswith(("vehicleidentification-", "vehicleuseraccount-")) or code in STATIC_CODES
    is_timeless = is_static and zero_for_static in PROFILES[car.profile].signals
    return time(None if is_timeless else car.recorded_at)
