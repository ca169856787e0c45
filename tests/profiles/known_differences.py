"""Where what the site stores and tells differs from what the car truly has: ``name: (truth, arrived)``.

By profile, or by profile and state ("bmw, asleep"), and by the reason: what the car or Smartcar does not
tell, no site can know. A signal without a value has its status, and the error that Smartcar told. The tests
fail if a difference vanishes or a new one appears.
"""

PRESENT, PAST = "2026-09-21 10:30", "2026-09-21 11:30"
NO_TIME, NO_VALUE = "no time", "no value"

IMPOSSIBLE_TIME = "the car says 1970 or the year 2"
NO_TIMES = "the car sends no times of this"
NO_DATA = "the number means no data"
ZERO = "the number 0 means no data, and no receiver can see it; the site stores it as an outlier"
LEFT_OUT = "left out, or null"
REFUSED = "refused among good signals"
FAILED = "an error instead of the value"
NOT_CHARGING = "an error beside the value while the car does not charge"
PLUGGED_IN = "true while the car is merely plugged in; the charging state tells the truth"
OUTLIER = "the new value is none, and the earlier one stays"

NOT_COLLECTED = "not_collected"
NOT_CAPABLE = "not_capable COMPATIBILITY:VEHICLE_NOT_CAPABLE"
INVALID_DATA = "error UPSTREAM:INVALID_DATA"
OUTDATED = "error VEHICLE_STATE:NOT_CHARGING"
PERMISSION = "error PERMISSION:"

_PLACE = "direction S, heading 185, latitude 52.5163, locationType LAST_PARKED, longitude 13.3777"
_WITHOUT_HEADING = "latitude 52.5163, locationType LAST_PARKED, longitude 13.3777"
_WITHOUT_DIRECTION = "heading 185, latitude 52.5163, longitude 13.3777"

#: Of what is stored, of an event or of reads through API v3: by our name of the signal, or "name, time".
STORED = {
    "audi": {
        IMPOSSIBLE_TIME: {
            "doors, time": (PRESENT, NO_TIME),
            "is_locked, time": (PRESENT, NO_TIME),
            "windows, time": (PRESENT, NO_TIME),
            "oil_life, time": (PRESENT, NO_TIME),
            "odometer, time": (PRESENT, NO_TIME),
        },
    },
    "bmw": {LEFT_OUT: {"location": (_PLACE, _WITHOUT_HEADING)}},
    "bmw, asleep": {
        LEFT_OUT: {"location": (_PLACE, _WITHOUT_HEADING)},
        OUTLIER: {"odometer, time": (PAST, PRESENT)},
    },
    "documented": {},
    "early": {},
    "hyundai": {
        NO_DATA: {
            "low_voltage_battery_level": ("0.95 fraction", NOT_COLLECTED),
            "battery_range": ("282.5 km", NOT_COLLECTED),
        },
    },
    "hyundai, asleep": {
        NO_DATA: {
            "low_voltage_battery_level": ("0.95 fraction", NOT_COLLECTED),
            "battery_range": ("282.5 km", NOT_COLLECTED),
        },
        OUTLIER: {"battery_level, time": (PAST, PRESENT)},
    },
    "jaguar": {
        NO_DATA: {"tires": ("258, 262, 266, 270 kPa", f"258, {NO_VALUE}, 266, 270 kPa")},
        LEFT_OUT: {"location": (_PLACE, _WITHOUT_DIRECTION)},
        PLUGGED_IN: {"is_charging": ("False", "True")},
        FAILED: {
            "charge_limit": ("0.8 fraction", INVALID_DATA),
            "low_voltage_battery_level": ("0.95 fraction", INVALID_DATA),
        },
        REFUSED: {
            "trouble_code_count": ("1", PERMISSION),
            "trouble_codes": ("code P0420, timestamp 2026-09-19T08:00:00.000Z", PERMISSION),
        },
    },
    "polestar": {
        LEFT_OUT: {
            "front_trunk": ("isLocked True, isOpen False", f"isLocked {NO_VALUE}, isOpen False"),
            "sunroof": ("isOpen False", NOT_COLLECTED),
            "location": (_PLACE, _WITHOUT_HEADING),
        },
        FAILED: {"charge_timers": ("none", "error SERVER:INTERNAL")},
    },
    "tesla": {},
    "volkswagen": {
        NO_TIMES: {"is_charging, time": (PRESENT, NO_TIME)},
        FAILED: {
            "firmware_version": ("11.7.2", NOT_CAPABLE),
            "is_asleep": ("False", NOT_CAPABLE),
            "is_online": ("True", NOT_CAPABLE),
            "battery_range": ("282.5 km", NOT_CAPABLE),
        },
        NOT_CHARGING: {
            "charge_rate": ("0 km/h", OUTDATED),
            "charge_time_left": ("0 min", OUTDATED),
            "charge_power": ("0 W", OUTDATED),
        },
        REFUSED: {
            "front_trunk": ("isLocked True, isOpen False", "error PERMISSION:UNKNOWN"),
            "is_locked": ("True", PERMISSION),
        },
        LEFT_OUT: {"charge_state": ("NOT_CHARGING", NOT_COLLECTED)},
    },
}

_FUEL_LEVEL_ONLY = {
    LEFT_OUT: {"fuel_range": ("210 km", NOT_COLLECTED), "fuel_amount": ("15 l", NOT_COLLECTED)},
}
#: Of what is stored of reads through API v2.
V2_STORED = dict.fromkeys(STORED, {}) | dict.fromkeys(("audi", "bmw", "volkswagen"), _FUEL_LEVEL_ONLY)

#: Of the methods of the SDK through API v3: by method and field, by method if it fails, or "method, age".
READS = {
    "audi": {
        IMPOSSIBLE_TIME: {
            "engine_oil, age": (PRESENT, NO_TIME),
            "odometer, age": (PRESENT, NO_TIME),
        },
    },
    "bmw": {},
    "bmw, asleep": {ZERO: {"odometer.distance": ("41318.3 km", "0 km")}},
    "documented": {},
    "early": {},
    "hyundai": {NO_DATA: {"battery.range": ("282.5 km", NO_VALUE)}},
    "hyundai, asleep": {
        NO_DATA: {
            "battery.range": ("282.5 km", NO_VALUE),
            "battery.percent_remaining": ("0.77 fraction", NO_VALUE),
        },
    },
    "jaguar": {
        NO_DATA: {"tire_pressure.front_right": ("262 kPa", NO_VALUE)},
        FAILED: {"get_charge_limit()": ("read", "UpstreamException UPSTREAM:INVALID_DATA")},
        REFUSED: {"diagnostic_trouble_codes()": ("read", "PermissionMissing PERMISSION:None")},
    },
    "polestar": {LEFT_OUT: {"lock_status.sunroof": ("sunroof CLOSED", "sunroof UNKNOWN")}},
    "tesla": {},
    "volkswagen": {
        FAILED: {"battery.range": ("282.5 km", NO_VALUE)},
        REFUSED: {
            "lock_status.is_locked": ("True", NO_VALUE),
            "lock_status.storage": ("front CLOSED, rear OPEN", "rear OPEN"),
        },
    },
}

_FUEL_PERCENTAGE_ONLY = {
    LEFT_OUT: {
        "fuel.range": ("210 km", NO_VALUE),
        "fuel.amount_remaining": ("15 l", NO_VALUE),
    },
}
#: Of the methods of the SDK through API v2.
V2_READS = dict.fromkeys(READS, {}) | dict.fromkeys(("audi", "bmw", "volkswagen"), _FUEL_PERCENTAGE_ONLY)

#: Of the owner's page, after reads through API v3: by the label, what it says in metric and imperial units.
PAGE = {
    "hyundai": {NO_DATA: {"Battery": ("77 %", "77 %")}},
    "jaguar": {
        NO_DATA: {"Tires": ("front 258 kPa, back 266 / 270 kPa", "front 37 psi, back 39 / 39 psi")},
        FAILED: {"Charging": ("plugged in, not charging", "plugged in, not charging")},
        REFUSED: {"Trouble codes": ("absent", "absent")},
    },
    "volkswagen": {
        FAILED: {"Battery": ("77 %", "77 %")},
        REFUSED: {"Door lock": ("absent", "absent")},
    },
}

#: Of the owner's page, after reads through API v2.
V2_PAGE = dict.fromkeys(("audi", "bmw", "volkswagen"), {LEFT_OUT: {"Fuel": ("30 %", "30 %")}})

#: The profiles that send REAUTHENTICATE errors although everything works.
COMPLAINING = {"jaguar", "volkswagen"}
