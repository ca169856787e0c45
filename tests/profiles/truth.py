"""What a simulated car truly has, in the words in which the tests compare it with what arrives."""

from datetime import UTC, datetime

from django_smartcar import sdk
from django_smartcar.simulator.access.scopes import SCOPES
from django_smartcar.simulator.profiles import PROFILES
from django_smartcar.simulator.profiles.times import zero_for_static
from django_smartcar.simulator.signals.catalog import SIGNALS, signal_resource
from django_smartcar.simulator.vehicles.v2_readings import Units

STATIC_CODES = ("tractionbattery-nominalcapacity",)
RECORDED_AT = datetime(2026, 9, 21, 10, 30, tzinfo=UTC)

#: The values of every car that is compared: the tables name them.
VALUES = {
    "powertrain": "PHEV",
    "recorded_at": RECORDED_AT,
    "odometer_km": 41318.3,
    "latitude": 52.5163,
    "longitude": 13.3777,
    "battery_capacity_kwh": 82.0,
    "battery_percent": 0.77,
    "battery_range_km": 282.5,
    "tank_litres": 50.0,
    "fuel_percent": 0.3,
    "fuel_range_km": 210.0,
    "oil_life": 0.35,
    "tires_kpa": [258.0, 262.0, 266.0, 270.0],
    "is_locked": True,
    "is_plugged_in": True,
    "charge_state": "NOT_CHARGING",
    "charge_limit": 0.8,
}


def set_values(car):
    """Give a car the values of the tables."""
    for name, value in VALUES.items():
        setattr(car, name, value)


def of_signals(car):
    """Return what a car truly has, by code: the text of the value with its unit, and when it was recorded.

    What the car has no field for is as in the documented shape.
    """
    documented = {code: _documented(code, car) for code in SIGNALS}
    tires = [{"row": n // 2, "column": n % 2, "tirePressure": kpa} for n, kpa in enumerate(car.tires_kpa)]
    own = {
        "odometer-traveleddistance": (car.odometer_km, "km"),
        "tractionbattery-stateofcharge": (car.battery_percent, "fraction"),
        "tractionbattery-range": (car.battery_range_km, "km"),
        "tractionbattery-nominalcapacity": (car.battery_capacity_kwh, "kWh"),
        "internalcombustionengine-fuellevel": (car.fuel_percent, "fraction"),
        "internalcombustionengine-range": (car.fuel_range_km, "km"),
        "internalcombustionengine-amountremaining": (car.tank_litres * car.fuel_percent, "l"),
        "internalcombustionengine-oillife": (car.oil_life, "fraction"),
        "charge-ischarging": (car.charge_state == "CHARGING", None),
        "charge-ischargingcableconnected": (car.is_plugged_in, None),
        "charge-detailedchargingstatus": (car.charge_state, None),
        "charge-chargelimits": (car.charge_limit, "fraction"),
        "closure-islocked": (car.is_locked, None),
        "wheel-tires": (tires, "kPa"),
    }
    return documented | {code: text(value, unit) for code, (value, unit) in own.items()}


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
        "lock_status.charging_port": ([{"type": "chargingPort", "status": "CLOSED"}], ""),
        "lock_status.sunroof": ([{"type": "sunroof", "status": "CLOSED"}], ""),
    }
    corners = ("front_left", "front_right", "back_left", "back_right")
    tires = zip(corners, car.tires_kpa, strict=True)
    values |= {f"tire_pressure.{corner}": (kpa, "kPa") for corner, kpa in tires}
    return {kind: text(value, unit) for kind, (value, unit) in values.items()}


def time_of(code, car):
    """Return when the car recorded this signal, as a text. What never changes may have no time."""
    is_static = code.startswith(("vehicleidentification-", "vehicleuseraccount-")) or code in STATIC_CODES
    is_timeless = is_static and zero_for_static in PROFILES[car.profile].signals
    return time(None if is_timeless else car.recorded_at)


def text(value, unit=""):
    """Return a value with its unit as a text: ``258 kPa``."""
    if isinstance(value, float):
        value = round(value, 4)
        value = int(value) if value.is_integer() else value
    if isinstance(value, dict):
        value = _text_of_body(value)
    if isinstance(value, list):
        value = _text_of_list(value)
    return f"{value} {unit or ''}".strip()


def _text_of_body(body):
    if "latitude" in body:
        return f"{float(body['latitude'])}, {float(body['longitude'])}"
    return ", ".join(f"{name} {value}" for name, value in body.items())


def _text_of_list(values):
    if values and "tirePressure" in values[0]:
        tires = sorted(values, key=lambda tire: (tire["row"], tire["column"]))
        return ", ".join(text(tire["tirePressure"]) for tire in tires)
    if values and "type" in values[0]:
        return ", ".join(f"{item['type']} {item.get('status')}" for item in values)
    return "1 entry" if len(values) == 1 else f"{len(values)} entries"


def time(moment):
    """Return a time as a text, or "no time"."""
    return f"{moment:%Y-%m-%d %H:%M}" if moment else "no time"


def of_signal(signal):
    """Return the text of a signal as the SDK returns it: its value with its unit, or its error."""
    if signal["status"] != "SUCCESS":
        return f"{signal['error']['type']}:{signal['error']['code']}"
    return text(signal["value"], signal["unit"])


def _documented(code, car):
    profile, car.profile = car.profile, "documented"
    resource = signal_resource(SIGNALS[code], car, Units("metric"), list(SCOPES), "")
    car.profile = profile
    return of_signal(sdk.signals.read(resource))
