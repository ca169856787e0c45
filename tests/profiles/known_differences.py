"""Where what arrives in the site differs from what the car truly has, as it is: ``name: (truth, arrived)``.

By profile, or by profile and state ("bmw, asleep"), and by the reason. The tests fail if a difference
vanishes or a new one appears. "not told" is what no site can know; "wrong" is the site's mistake.
"""

PRESENT, PAST = "2026-09-21 10:30", "2026-09-21 11:30"
NO_TIME, NO_VALUE = "no time", "no value"

IMPOSSIBLE_TIME = "not told: the car says 1970 or the year 2"
NO_TIMES = "not told: the car sends no times of this"
NO_DATA = "not told: the number means no data"
ZERO = "not told: the number 0 means no data, and no receiver can see it; the site stores it as an outlier"
LEFT_OUT = "not told: left out, or null"
REFUSED = "not told: refused among good signals"
FAILED = "not told: an error instead of the value"
NOT_CHARGING = "not told: an error beside the value while the car does not charge"
PLUGGED_IN = "not told: true while the car is merely plugged in"
OUTLIER = "right: the new value is none, and the earlier one stays"
ONLY_IS_CHARGING = "wrong: it follows from charge-ischarging, the only signal that the car tells"
OTHER_PARTS = "wrong: one refused part fails the others"
PAGES = "wrong: the second page of an old list is asked for by a parameter that it does not know"
YEAR_AS_TEXT = "wrong: a year as text is lost"

NOT_CAPABLE = "COMPATIBILITY:VEHICLE_NOT_CAPABLE"
INVALID_DATA = "UPSTREAM:INVALID_DATA"
OUTDATED = "VEHICLE_STATE:NOT_CHARGING"
PERMISSION = "PERMISSION:None"

_PLACE = "direction S, heading 185, latitude 52.5163, locationType LAST_PARKED, longitude 13.3777"
_WITHOUT_HEADING = "latitude 52.5163, locationType LAST_PARKED, longitude 13.3777"
_WITHOUT_DIRECTION = "heading 185, latitude 52.5163, longitude 13.3777"

#: Of the signals of an event, as a receiver of ``webhook_received`` gets them: by code, or "code, time".
SIGNALS = {
    "audi": {
        IMPOSSIBLE_TIME: {
            "closure-doors, time": (PRESENT, NO_TIME),
            "closure-islocked, time": (PRESENT, NO_TIME),
            "closure-windows, time": (PRESENT, NO_TIME),
            "internalcombustionengine-oillife, time": (PRESENT, NO_TIME),
            "odometer-traveleddistance, time": (PRESENT, NO_TIME),
        },
    },
    "bmw": {LEFT_OUT: {"location-preciselocation": (_PLACE, _WITHOUT_HEADING)}},
    "bmw, asleep": {
        LEFT_OUT: {"location-preciselocation": (_PLACE, _WITHOUT_HEADING)},
        ZERO: {"odometer-traveleddistance": ("41318.3 km", "0 km")},
    },
    "documented": {},
    "early": {},
    "hyundai": {
        NO_DATA: {
            "lowvoltagebattery-stateofcharge": ("0.95 fraction", NO_VALUE),
            "tractionbattery-range": ("282.5 km", NO_VALUE),
        },
    },
    "hyundai, asleep": {
        NO_DATA: {
            "lowvoltagebattery-stateofcharge": ("0.95 fraction", NO_VALUE),
            "tractionbattery-range": ("282.5 km", NO_VALUE),
            "tractionbattery-stateofcharge": ("0.77 fraction", NO_VALUE),
        },
    },
    "jaguar": {
        NO_DATA: {"wheel-tires": ("258, 262, 266, 270 kPa", f"258, {NO_VALUE}, 266, 270 kPa")},
        LEFT_OUT: {"location-preciselocation": (_PLACE, _WITHOUT_DIRECTION)},
        PLUGGED_IN: {"charge-ischarging": ("False", "True")},
        FAILED: {
            "charge-chargelimits": ("0.8 fraction", INVALID_DATA),
            "lowvoltagebattery-stateofcharge": ("0.95 fraction", INVALID_DATA),
        },
        REFUSED: {
            "diagnostics-dtccount": ("1 count", PERMISSION),
            "diagnostics-dtclist": ("code P0420, timestamp 2026-09-19T08:00:00.000Z", PERMISSION),
        },
    },
    "polestar": {
        LEFT_OUT: {
            "closure-fronttrunk": ("isLocked True, isOpen False", f"isLocked {NO_VALUE}, isOpen False"),
            "closure-sunroof": ("isOpen False", f"isOpen {NO_VALUE}"),
            "location-preciselocation": (_PLACE, _WITHOUT_HEADING),
        },
        FAILED: {"charge-chargetimers": ("none", "SERVER:INTERNAL")},
    },
    "tesla": {},
    "volkswagen": {
        NO_TIMES: {"charge-ischarging, time": (PRESENT, NO_TIME)},
        FAILED: {
            "connectivitysoftware-currentfirmwareversion": ("11.7.2", NOT_CAPABLE),
            "connectivitystatus-isasleep": ("False", NOT_CAPABLE),
            "connectivitystatus-isonline": ("True", NOT_CAPABLE),
            "tractionbattery-range": ("282.5 km", NOT_CAPABLE),
        },
        NOT_CHARGING: {
            "charge-chargerate": ("0 km/h", OUTDATED),
            "charge-timetocomplete": ("0 min", OUTDATED),
            "charge-wattage": ("0 W", OUTDATED),
        },
        REFUSED: {
            "closure-fronttrunk": ("isLocked True, isOpen False", "PERMISSION:UNKNOWN"),
            "closure-islocked": ("True", PERMISSION),
        },
        ONLY_IS_CHARGING: {"charge-detailedchargingstatus": ("NOT_CHARGING", "absent")},
    },
}

#: The kinds of readings that the site stores of no event, but of reads only.
NOT_STORED_OF_EVENTS = (
    "battery_capacity",
    "diagnostic_system_status",
    "diagnostic_trouble_codes",
    "lock_status.doors",
    "lock_status.storage",
    "lock_status.sunroof",
    "lock_status.windows",
    "nominal_capacity",
    "tire_pressure.back_left",
    "tire_pressure.back_right",
    "tire_pressure.front_left",
    "tire_pressure.front_right",
)

#: What the site stores of the events of each profile: by kind of reading, or "kind, time".
STORED = {
    "audi": {
        IMPOSSIBLE_TIME: {
            "engine_oil, time": (PRESENT, NO_TIME),
            "lock_status.is_locked, time": (PRESENT, NO_TIME),
            "odometer, time": (PRESENT, NO_TIME),
        },
    },
    "bmw": {},
    "bmw, asleep": {OUTLIER: {"odometer, time": (PAST, PRESENT)}},
    "documented": {},
    "early": {},
    "hyundai": {NO_DATA: {"battery.range": ("282.5 km", "not kept")}},
    "hyundai, asleep": {
        NO_DATA: {"battery.range": ("282.5 km", "not kept")},
        OUTLIER: {"battery.percent_remaining, time": (PAST, PRESENT)},
    },
    "jaguar": {FAILED: {"charge_limit": ("0.8 fraction", "not kept")}},
    "polestar": {},
    "tesla": {},
    "volkswagen": {
        FAILED: {"battery.range": ("282.5 km", "not kept")},
        REFUSED: {"lock_status.is_locked": ("True", "not kept")},
        ONLY_IS_CHARGING: {"charge.state": ("NOT_CHARGING", "not kept")},
    },
}

_BEYOND_THE_FIRST_PAGE = (
    *("odometer()", "location()", "fuel()", "battery()", "battery_capacity()", "nominal_capacity()"),
    *("charge()", "engine_oil()", "tire_pressure()", "lock_status()", "service_history()"),
    *("diagnostic_system_status()", "diagnostic_trouble_codes()"),
)
#: What the site reads without a list when it reads it alone.
SINGLE_SIGNALS = ("odometer()", "location()")

#: Of the reads of API v3: by kind of reading, by method if that fails ("fuel()"), or "method, age".
READS = {
    "audi": {
        IMPOSSIBLE_TIME: {
            "engine_oil, age": (PRESENT, NO_TIME),
            "odometer, age": (PRESENT, NO_TIME),
        },
    },
    "bmw": {},
    "bmw, asleep": {ZERO: {"odometer": ("41318.3 km", "0 km")}},
    "documented": {},
    "early": {
        PAGES: dict.fromkeys(_BEYOND_THE_FIRST_PAGE, ("read", "SignalNotAvailable RESOURCE_NOT_FOUND:None")),
    },
    "hyundai": {NO_DATA: {"battery.range": ("282.5 km", NO_VALUE)}},
    "hyundai, asleep": {
        NO_DATA: {
            "battery.range": ("282.5 km", NO_VALUE),
            "battery.percent_remaining": ("0.77 fraction", NO_VALUE),
        },
    },
    "jaguar": {
        NO_DATA: {"tire_pressure.front_right": ("262 kPa", NO_VALUE)},
        FAILED: {"get_charge_limit()": ("read", f"UpstreamException {INVALID_DATA}")},
        REFUSED: {"diagnostic_trouble_codes()": ("read", f"PermissionMissing {PERMISSION}")},
    },
    "polestar": {LEFT_OUT: {"lock_status.sunroof": ("sunroof CLOSED", "sunroof UNKNOWN")}},
    "tesla": {},
    "volkswagen": {
        FAILED: {"battery.range": ("282.5 km", NO_VALUE)},
        ONLY_IS_CHARGING: {"charge.state": ("NOT_CHARGING", NO_VALUE)},
        OTHER_PARTS: {"lock_status()": ("read", f"PermissionMissing {PERMISSION}")},
    },
}

_FUEL_PERCENTAGE_ONLY = {
    LEFT_OUT: {
        "fuel.range": ("210 km", NO_VALUE),
        "fuel.amount_remaining": ("15 l", NO_VALUE),
    },
}
#: Of the reads of API v2.
V2_READS = dict.fromkeys(READS, {}) | dict.fromkeys(("audi", "bmw", "volkswagen"), _FUEL_PERCENTAGE_ONLY)

#: Of the vehicle: by column.
VEHICLES = {"tesla": {YEAR_AS_TEXT: {"year": ("the model year", "None")}}}

#: The profiles that send REAUTHENTICATE errors although everything works, and the permissions of their
#: signals. The site asks for a login if these are granted: it cannot know that a login changes nothing.
LOGINS = {
    "jaguar": {"read_diagnostics", "read_user_profile"},
    "volkswagen": {"read_security"},
}
