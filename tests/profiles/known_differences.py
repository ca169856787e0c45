"""Where what arrives in the site differs from what the car truly has: (truth, arrived, why).

By profile, or by profile and state ("bmw, asleep"). The tests fail if a difference vanishes or a new one
appears, so that these tables are always what the site does. "wrong" is the site's mistake; "not told" is what
no site can know.
"""

PRESENT, PAST = "2026-09-21 10:30", "2026-09-21 11:30"
NO_TIME = "no time"
EPOCH, YEAR_2 = "1970-01-01 00:00", "2-01-01 00:00"

FRACTION = "wrong: a fraction without a unit is taken for a percentage"
ZERO_TIME = "wrong: 0 is no time"
OLD_TIME = "wrong: a time before 2010 is no time"
BAR = "wrong: the car calls kPa bar, and 699.9 is no sensor"
NO_DATA = "wrong: the number means no data"
NOT_STORED = "not kept: no event saves this kind"
NOT_TOLD = "not told"
REFUSED = "not told: refused among good signals"
PLUGGED_IN = "not told: it is true while the car is plugged in"
ONLY_IS_CHARGING = "wrong: it follows from charge-ischarging, the only signal that the car tells"
OTHER_PARTS = "wrong: one refused part fails the others"
PAGES = "wrong: the second page of an old list is asked for by a parameter that it does not know"

NOT_CAPABLE = "COMPATIBILITY:VEHICLE_NOT_CAPABLE"
INVALID_DATA = "UPSTREAM:INVALID_DATA"

#: Of the signals of an event, as a receiver of ``webhook_received`` gets them: by code, or "code, time".
SIGNALS = {
    "audi": {
        "tractionbattery-stateofcharge": ("0.77 fraction", "0.0077 fraction", FRACTION),
        "internalcombustionengine-fuellevel": ("0.3 fraction", "0.003 fraction", FRACTION),
        "closure-doors, time": (PRESENT, YEAR_2, OLD_TIME),
        "closure-islocked, time": (PRESENT, YEAR_2, OLD_TIME),
        "closure-windows, time": (PRESENT, YEAR_2, OLD_TIME),
        "internalcombustionengine-oillife, time": (PRESENT, EPOCH, OLD_TIME),
        "odometer-traveleddistance, time": (PRESENT, EPOCH, OLD_TIME),
        "tractionbattery-nominalcapacity, time": (NO_TIME, EPOCH, ZERO_TIME),
        "vehicleidentification-vin, time": (NO_TIME, EPOCH, ZERO_TIME),
    },
    "bmw": {"internalcombustionengine-fuellevel": ("0.3 fraction", "0.003 fraction", FRACTION)},
    "bmw, asleep": {
        "internalcombustionengine-fuellevel": ("0.3 fraction", "0.003 fraction", FRACTION),
        "odometer-traveleddistance": ("41318.3 km", "0 km", NO_DATA),
    },
    "documented": {},
    "early": {},
    "hyundai": {"tractionbattery-range": ("282.5 km", "65535 km", NO_DATA)},
    "hyundai, asleep": {
        "tractionbattery-range": ("282.5 km", "65535 km", NO_DATA),
        "tractionbattery-stateofcharge": ("0.77 fraction", "2.55 fraction", NO_DATA),
    },
    "jaguar": {
        "wheel-tires": ("258, 262, 266, 270 kPa", "25800, 69990, 26600, 27000 kPa", BAR),
        "charge-chargelimits": ("0.8 fraction", INVALID_DATA, NOT_TOLD),
        "charge-ischarging": ("False", "True", PLUGGED_IN),
        "diagnostics-dtccount": ("1 count", "PERMISSION:None", REFUSED),
        "diagnostics-dtclist": ("1 entry", "PERMISSION:None", REFUSED),
        "tractionbattery-nominalcapacity, time": (NO_TIME, EPOCH, ZERO_TIME),
        "vehicleidentification-vin, time": (NO_TIME, EPOCH, ZERO_TIME),
    },
    "polestar": {
        "charge-chargetimers": ("0 entries", "SERVER:INTERNAL", NOT_TOLD),
        "closure-fronttrunk": ("isOpen False, isLocked True", "isOpen False, isLocked None", NOT_TOLD),
        "closure-sunroof": ("isOpen False", "isOpen None", NOT_TOLD),
        "tractionbattery-nominalcapacity, time": (NO_TIME, EPOCH, ZERO_TIME),
        "vehicleidentification-vin, time": (NO_TIME, EPOCH, ZERO_TIME),
    },
    "tesla": {},
    "volkswagen": {
        "charge-detailedchargingstatus": ("NOT_CHARGING", "absent", ONLY_IS_CHARGING),
        "charge-ischarging, time": (PRESENT, NO_TIME, NOT_TOLD),
        "closure-fronttrunk": ("isOpen False, isLocked True", "PERMISSION:UNKNOWN", REFUSED),
        "closure-islocked": ("True", "PERMISSION:None", REFUSED),
        "connectivitystatus-isasleep": ("False", NOT_CAPABLE, NOT_TOLD),
        "connectivitystatus-isonline": ("True", NOT_CAPABLE, NOT_TOLD),
        "tractionbattery-range": ("282.5 km", NOT_CAPABLE, NOT_TOLD),
        "tractionbattery-nominalcapacity, time": (NO_TIME, EPOCH, ZERO_TIME),
        "vehicleidentification-vin, time": (NO_TIME, EPOCH, ZERO_TIME),
    },
}

#: What the site stores of an event of any car: by kind of reading.
NOT_STORED_OF_EVENTS = {
    "battery_capacity": ("82 kWh", "not kept", NOT_STORED),
    "lock_status.sunroof": ("sunroof CLOSED", "not kept", NOT_STORED),
    "tire_pressure.front_left": ("258 kPa", "not kept", NOT_STORED),
    "tire_pressure.front_right": ("262 kPa", "not kept", NOT_STORED),
    "tire_pressure.back_left": ("266 kPa", "not kept", NOT_STORED),
    "tire_pressure.back_right": ("270 kPa", "not kept", NOT_STORED),
}

#: And of the events of each profile: by kind of reading, or "kind, time".
STORED = {
    "audi": {
        "battery.percent_remaining": ("0.77 fraction", "0.0077 fraction", FRACTION),
        "fuel.percent_remaining": ("0.3 fraction", "0.003 fraction", FRACTION),
        "engine_oil, time": (PRESENT, EPOCH, OLD_TIME),
        "lock_status.is_locked, time": (PRESENT, YEAR_2, OLD_TIME),
        "odometer, time": (PRESENT, EPOCH, OLD_TIME),
    },
    "bmw": {"fuel.percent_remaining": ("0.3 fraction", "0.003 fraction", FRACTION)},
    "bmw, asleep": {
        "fuel.percent_remaining": ("0.3 fraction", "0.003 fraction", FRACTION),
        "odometer, time": (PAST, PRESENT, "right: 0 is an outlier, and the earlier value stays"),
    },
    "documented": {},
    "early": {},
    "hyundai": {"battery.range": ("282.5 km", "65535 km", NO_DATA)},
    "hyundai, asleep": {
        "battery.range": ("282.5 km", "65535 km", NO_DATA),
        "battery.percent_remaining, time": (
            PAST,
            PRESENT,
            "right: 255 % is an outlier, and the earlier value stays",
        ),
    },
    "jaguar": {"charge_limit": ("0.8 fraction", "not kept", NOT_TOLD)},
    "polestar": {},
    "tesla": {},
    "volkswagen": {
        "battery.range": ("282.5 km", "not kept", NOT_TOLD),
        "charge.state": ("NOT_CHARGING", "not kept", ONLY_IS_CHARGING),
        "lock_status.is_locked": ("True", "not kept", REFUSED),
    },
}

_NOT_FOUND = "SignalNotAvailable RESOURCE_NOT_FOUND:None"
_BEYOND_THE_FIRST_PAGE = (
    *("odometer()", "location()", "fuel()", "battery()", "battery_capacity()", "nominal_capacity()"),
    *("engine_oil()", "tire_pressure()", "lock_status()", "service_history()"),
    *("diagnostic_system_status()", "diagnostic_trouble_codes()"),
)
#: What the site reads without a list when it reads it alone.
SINGLE_SIGNALS = ("odometer()", "location()")

#: Of the reads of API v3: by kind of reading, by method if that fails ("fuel()"), or "method, age".
READS = {
    "audi": {
        "battery.percent_remaining": ("0.77 fraction", "0.0077 fraction", FRACTION),
        "fuel.percent_remaining": ("0.3 fraction", "0.003 fraction", FRACTION),
        "battery_capacity, age": (NO_TIME, EPOCH, ZERO_TIME),
        "nominal_capacity, age": (NO_TIME, EPOCH, ZERO_TIME),
        "engine_oil, age": (PRESENT, EPOCH, OLD_TIME),
        "lock_status, age": (PRESENT, YEAR_2, OLD_TIME),
        "odometer, age": (PRESENT, EPOCH, OLD_TIME),
    },
    "bmw": {"fuel.percent_remaining": ("0.3 fraction", "0.003 fraction", FRACTION)},
    "bmw, asleep": {
        "fuel.percent_remaining": ("0.3 fraction", "0.003 fraction", FRACTION),
        "odometer": ("41318.3 km", "0 km", NO_DATA),
    },
    "documented": {},
    "early": dict.fromkeys(_BEYOND_THE_FIRST_PAGE, ("read", _NOT_FOUND, PAGES)),
    "hyundai": {"battery.range": ("282.5 km", "65535 km", NO_DATA)},
    "hyundai, asleep": {
        "battery.range": ("282.5 km", "65535 km", NO_DATA),
        "battery.percent_remaining": ("0.77 fraction", "2.55 fraction", NO_DATA),
    },
    "jaguar": {
        "get_charge_limit()": ("read", f"UpstreamException {INVALID_DATA}", NOT_TOLD),
        "diagnostic_trouble_codes()": ("read", "PermissionMissing PERMISSION:None", REFUSED),
        "tire_pressure.front_left": ("258 kPa", "25800 kPa", BAR),
        "tire_pressure.front_right": ("262 kPa", "69990 kPa", BAR),
        "tire_pressure.back_left": ("266 kPa", "26600 kPa", BAR),
        "tire_pressure.back_right": ("270 kPa", "27000 kPa", BAR),
        "battery_capacity, age": (NO_TIME, EPOCH, ZERO_TIME),
        "nominal_capacity, age": (NO_TIME, EPOCH, ZERO_TIME),
    },
    "polestar": {
        "lock_status.sunroof": ("sunroof CLOSED", "sunroof UNKNOWN", NOT_TOLD),
        "battery_capacity, age": (NO_TIME, EPOCH, ZERO_TIME),
        "nominal_capacity, age": (NO_TIME, EPOCH, ZERO_TIME),
    },
    "tesla": {},
    "volkswagen": {
        "battery.range": ("282.5 km", "not told", NOT_TOLD),
        "charge.state": ("NOT_CHARGING", "not told", ONLY_IS_CHARGING),
        "lock_status()": ("read", "PermissionMissing PERMISSION:None", OTHER_PARTS),
        "battery_capacity, age": (NO_TIME, EPOCH, ZERO_TIME),
        "nominal_capacity, age": (NO_TIME, EPOCH, ZERO_TIME),
    },
}

_FUEL_PERCENTAGE_ONLY = {
    "fuel.range": ("210 km", "not told", NOT_TOLD),
    "fuel.amount_remaining": ("15 l", "not told", NOT_TOLD),
}

#: Of the reads of API v2.
V2_READS = dict.fromkeys(READS, {}) | dict.fromkeys(("audi", "bmw", "volkswagen"), _FUEL_PERCENTAGE_ONLY)

#: Of the vehicle: by column.
VEHICLES = {"tesla": {"year": ("the model year", "None", "wrong: a year as text is lost")}}

#: Whether the site asks the driver to log in again after errors that nobody asked for: (truth, site, why).
LOGINS = {
    "jaguar": (False, True, "wrong: nothing that the site reads depends on the refused diagnostics"),
    "volkswagen": (False, True, "wrong: an error without signals is not about all while the car answers"),
}

#: What becomes of an event of the mode TEST: (what should, what does, why).
TEST_EVENTS = {
    "of a car that nobody has": (
        "recorded as a test",
        "waiting",
        "wrong: it waits for a car that never comes",
    ),
    "of a connected car": ("not applied", "applied", "wrong: the mode TEST is ignored"),
}
