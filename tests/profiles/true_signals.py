"""What a simulated car truly has, as the value and the unit of each signal that the SDK returns.

The cars are parked or asleep, and have the values of `truth.VALUES`. All follows from these values; the
simulator's signals are not asked. Only its choices for each car, equipment and weather, come from it.
"""

from django_smartcar.simulator.vehicles import climate, equipment

CORNERS = [(0, 0), (0, 1), (1, 0), (1, 1)]
OK = {"status": "OK", "description": None}
#: The systems without a problem, whatever the car's values are.
HEALTHY = (
    *("abs", "activesafety", "airbag", "brakefluid", "driverassistance", "evbatteryconditioning"),
    *("evcharging", "evdriveunit", "evhvbattery", "lighting", "oillife", "oilpressure", "oiltemperature"),
    *("telematics", "tirepressure", "tirepressuremonitoring", "transmission", "washerfluid", "waterinfuel"),
)


def of_car(car):
    """Return the value and the unit of each signal, by code."""
    parts = (_batteries, _charging, _climate, _closures, _diagnostics, _driving, _engine, _identification)
    return {code: signal for part in parts for code, signal in part(car).items()}


def _batteries(car):
    return {
        "lowvoltagebattery-stateofcharge": (car.low_voltage_percent, "fraction"),
        "lowvoltagebattery-status": ("GOOD", None),
        "tractionbattery-isheateractive": (False, None),
        "tractionbattery-maxrangechargecounter": (1, "count"),
        "tractionbattery-nominalcapacity": (car.battery_capacity_kwh, "kWh"),
        "tractionbattery-range": (car.battery_range_km, "km"),
        "tractionbattery-stateofcharge": (car.battery_percent, "fraction"),
    }


def _charging(car):
    return {
        "charge-amperage": (0, "A"),
        "charge-amperagemax": (48, "A"),
        "charge-amperagerequested": (car.charge_amperage, "A"),
        "charge-chargelimits": (car.charge_limit, "fraction"),
        "charge-chargeportstatuscolor": ("BLUE", None),
        "charge-chargerate": (0, "km/h"),
        "charge-chargerecords": (car.charge_records, None),
        "charge-chargerphases": (1, None),
        "charge-chargetimers": ([], None),
        "charge-chargingconnectortype": ("NACS" if car.make == "TESLA" else "J1772", None),
        "charge-detailedchargingstatus": (car.charge_state, None),
        "charge-energyadded": (car.energy_added_kwh, "kWh"),
        "charge-fastchargertype": (None, None),
        "charge-ischarging": (car.charge_state == "CHARGING", None),
        "charge-ischargingcableconnected": (car.is_plugged_in, None),
        "charge-ischargingcablelatched": (car.is_plugged_in, None),
        "charge-ischargingportflapopen": (car.is_charge_port_open, None),
        "charge-isfastchargerpresent": (car.is_fast_charger, None),
        "charge-timetocomplete": (0, "min"),
        "charge-voltage": (240, "V"),
        "charge-wattage": (0, "W"),
    }


def _climate(car):
    cabin, defroster = car.make_settings["climate/cabin"], car.make_settings["climate/defroster"]
    return {
        "climate-externaltemperature": (climate.outside(car), "C"),
        # The climate control has been on for long.
        "climate-internaltemperature": (cabin["temperature"], "C"),
        "hvac-cabintargettemperature": (cabin["temperature"], "C"),
        "hvac-iscabinhvacactive": (cabin["status"] == "ON", None),
        "hvac-isfrontdefrosteractive": (defroster["frontStatus"] == "ON", None),
        "hvac-isreardefrosteractive": (defroster["rearStatus"] == "ON", None),
        "hvac-issteeringheateractive": (False, None),
    }


def _closures(car):
    trunk = {"isOpen": True, "isLocked": car.is_locked}
    corners = [{"row": row, "column": column, "isOpen": False} for row, column in CORNERS]
    return {
        "closure-doors": ([corner | {"isLocked": car.is_locked} for corner in corners], None),
        "closure-enginecover": ({"isOpen": False}, None),
        "closure-fronttrunk": (trunk | {"isOpen": False}, None),
        "closure-islocked": (car.is_locked, None),
        "closure-reartrunk": (trunk, None),
        "closure-sunroof": ({"isOpen": False}, None),
        "closure-tailgate": (trunk, None),
        "closure-windows": (corners, None),
        "surveillance-brand": ("Sentry Mode" if car.make == "TESLA" else "Alarm", None),
        "surveillance-isenabled": (False, None),
    }


def _diagnostics(car):
    alert = {"status": "ALERT", "description": f"Trouble code {car.trouble_codes[0]['code']}"}
    (visit,) = car.service_visits
    record = {
        "id": "12345",
        "cost": {"amount": None, "currency": None},
        "time": visit["time"],
        "tasks": [{"id": "1", "description": "Tires rotated"}],
        "details": [{"id": "1", "description": "Service Dealer: Example Motors"}],
        "odometer": visit["odometer_km"],
    }
    return {
        **{f"diagnostics-{name}": (OK, None) for name in HEALTHY},
        "diagnostics-emissions": (alert, None),
        "diagnostics-mil": (alert, None),
        "diagnostics-dtccount": (len(car.trouble_codes), "count"),
        "diagnostics-dtclist": (car.trouble_codes, None),
        "service-isinservice": (False, None),
        "service-records": ([record], None),
    }


def _driving(car):
    place = {"latitude": car.latitude, "longitude": car.longitude}
    tires = [
        {"row": row, "column": column, "tirePressure": kpa}
        for (row, column), kpa in zip(CORNERS, car.tires_kpa, strict=True)
    ]
    return {
        "location-isathome": (car.home == [car.latitude, car.longitude], None),
        "location-preciselocation": (
            place | {"heading": car.heading, "direction": "S", "locationType": "LAST_PARKED"},
            None,
        ),
        "motion-currentspeed": (0, "km/h"),
        "odometer-traveleddistance": (car.odometer_km, "km"),
        "transmission-drivemode": ({"canonical": "NORMAL", "oemDisplayName": "Normal"}, None),
        "transmission-gearstate": ("PARK", None),
        "wheel-style": (equipment.wheels(car), None),
        "wheel-tires": (tires, "kPa"),
    }


def _engine(car):
    return {
        "internalcombustionengine-amountremaining": (car.tank_litres * car.fuel_percent, "l"),
        "internalcombustionengine-fuellevel": (car.fuel_percent, "fraction"),
        "internalcombustionengine-oillife": (car.oil_life, "fraction"),
        "internalcombustionengine-range": (car.fuel_range_km, "km"),
    }


def _identification(car):
    permissions = ["vehicle_device_data", "vehicle_cmds", "vehicle_charging_cmds"]
    return {
        "connectivitysoftware-currentfirmwareversion": (equipment.firmware(car), None),
        "connectivitystatus-isasleep": (car.condition == "asleep", None),
        "connectivitystatus-isdigitalkeypaired": (equipment.has_digital_key(car), None),
        "connectivitystatus-isonline": (car.condition != "asleep", None),
        "vehicleidentification-exteriorcolor": (equipment.color(car), None),
        "vehicleidentification-nickname": (f"My {car.model}", None),
        "vehicleidentification-packages": (equipment.packages(car), None),
        "vehicleidentification-trim": (equipment.trim(car), None),
        "vehicleidentification-vin": (car.vin, None),
        "vehicleuseraccount-permissions": (permissions, None),
        "vehicleuseraccount-role": ("Owner", None),
    }
