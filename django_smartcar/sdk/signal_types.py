"""The catalogue of API v3's signals: the name, type, unit, range, permission and icon of each.

    battery = signal_types.TYPES["battery_level"]
    battery.code, battery.unit, battery.permission   # "tractionbattery-stateofcharge", "fraction", …

Numbers are in the unit of what they measure: distance km, speed km/h, volume l, pressure kPa, energy kWh,
power W, temperature °C, voltage V, current A, time minutes, percent a fraction of 1; or in the imperial unit
(`units.TARGET_UNITS`). Source: smartcar.com/docs, signals (autumn of 2026), and events of real cars.
"""

from datetime import UTC, datetime
from typing import Final, NamedTuple

from .units import RANGES, TARGET_UNITS

#: The JSON types of values. A list is in the field ``values`` of its body; an object is the body itself.
BOOLEAN, NUMBER, TEXT, LIST, OBJECT = "boolean", "number", "text", "list", "object"

#: Smartcar's code -> our name, the type of its value, and what its numbers measure.
_ROWS: Final[dict[str, tuple[str, str] | tuple[str, str, str]]] = {
    "charge-amperage": ("charge_current", NUMBER, "current"),
    "charge-amperagemax": ("charge_current_max", NUMBER, "current"),
    "charge-amperagerequested": ("charge_current_requested", NUMBER, "current"),
    "charge-chargelimits": ("charge_limit", OBJECT, "percent"),
    "charge-chargeportstatuscolor": ("charge_port_color", TEXT),
    "charge-chargerate": ("charge_rate", NUMBER, "speed"),
    "charge-chargerecords": ("charge_records", LIST),
    "charge-chargerphases": ("charger_phases", NUMBER),
    "charge-chargetimers": ("charge_timers", LIST),
    "charge-chargingconnectortype": ("charge_connector", TEXT),
    "charge-detailedchargingstatus": ("charge_state", TEXT),
    "charge-energyadded": ("charge_energy_added", NUMBER, "energy"),
    "charge-fastchargertype": ("fast_charger_type", TEXT),
    "charge-ischarging": ("is_charging", BOOLEAN),
    "charge-ischargingcableconnected": ("is_plugged_in", BOOLEAN),
    "charge-ischargingcablelatched": ("is_plug_latched", BOOLEAN),
    "charge-ischargingportflapopen": ("is_charge_port_open", BOOLEAN),
    "charge-isfastchargerpresent": ("is_fast_charger_present", BOOLEAN),
    "charge-timetocomplete": ("charge_time_left", NUMBER, "minutes"),
    "charge-voltage": ("charge_voltage", NUMBER, "voltage"),
    "charge-wattage": ("charge_power", NUMBER, "power"),
    "climate-externaltemperature": ("outside_temperature", NUMBER, "temperature"),
    "climate-internaltemperature": ("inside_temperature", NUMBER, "temperature"),
    "closure-doors": ("doors", OBJECT),
    "closure-enginecover": ("engine_cover", OBJECT),
    "closure-fronttrunk": ("front_trunk", OBJECT),
    "closure-islocked": ("is_locked", BOOLEAN),
    "closure-reartrunk": ("rear_trunk", OBJECT),
    "closure-sunroof": ("sunroof", OBJECT),
    "closure-tailgate": ("tailgate", OBJECT),
    "closure-windows": ("windows", OBJECT),
    "connectivitysoftware-currentfirmwareversion": ("firmware_version", TEXT),
    "connectivitystatus-isasleep": ("is_asleep", BOOLEAN),
    "connectivitystatus-isdigitalkeypaired": ("is_digital_key_paired", BOOLEAN),
    "connectivitystatus-isonline": ("is_online", BOOLEAN),
    "diagnostics-abs": ("abs_status", OBJECT),
    "diagnostics-activesafety": ("active_safety_status", OBJECT),
    "diagnostics-airbag": ("airbag_status", OBJECT),
    "diagnostics-brakefluid": ("brake_fluid_status", OBJECT),
    "diagnostics-driverassistance": ("driver_assistance_status", OBJECT),
    "diagnostics-dtccount": ("trouble_code_count", NUMBER),
    "diagnostics-dtclist": ("trouble_codes", LIST),
    "diagnostics-emissions": ("emissions_status", OBJECT),
    "diagnostics-evbatteryconditioning": ("ev_battery_conditioning_status", OBJECT),
    "diagnostics-evcharging": ("ev_charging_status", OBJECT),
    "diagnostics-evdriveunit": ("ev_drive_unit_status", OBJECT),
    "diagnostics-evhvbattery": ("ev_hv_battery_status", OBJECT),
    "diagnostics-lighting": ("lighting_status", OBJECT),
    "diagnostics-mil": ("mil_status", OBJECT),
    "diagnostics-oillife": ("oil_life_status", OBJECT),
    "diagnostics-oilpressure": ("oil_pressure_status", OBJECT),
    "diagnostics-oiltemperature": ("oil_temperature_status", OBJECT),
    "diagnostics-telematics": ("telematics_status", OBJECT),
    "diagnostics-tirepressure": ("tire_pressure_status", OBJECT),
    "diagnostics-tirepressuremonitoring": ("tire_pressure_monitoring_status", OBJECT),
    "diagnostics-transmission": ("transmission_status", OBJECT),
    "diagnostics-washerfluid": ("washer_fluid_status", OBJECT),
    "diagnostics-waterinfuel": ("water_in_fuel_status", OBJECT),
    "hvac-cabintargettemperature": ("cabin_target_temperature", NUMBER, "temperature"),
    "hvac-iscabinhvacactive": ("is_climate_on", BOOLEAN),
    "hvac-isfrontdefrosteractive": ("is_front_defroster_on", BOOLEAN),
    "hvac-isreardefrosteractive": ("is_rear_defroster_on", BOOLEAN),
    "hvac-issteeringheateractive": ("is_steering_heater_on", BOOLEAN),
    "internalcombustionengine-amountremaining": ("fuel_amount", NUMBER, "volume"),
    "internalcombustionengine-fuellevel": ("fuel_level", NUMBER, "percent"),
    "internalcombustionengine-oillife": ("oil_life", NUMBER, "percent"),
    "internalcombustionengine-range": ("fuel_range", NUMBER, "distance"),
    "location-isathome": ("is_at_home", BOOLEAN),
    "location-preciselocation": ("location", OBJECT),
    "lowvoltagebattery-stateofcharge": ("low_voltage_battery_level", NUMBER, "percent"),
    "lowvoltagebattery-status": ("low_voltage_battery_status", TEXT),
    "motion-currentspeed": ("speed", NUMBER, "speed"),
    "odometer-traveleddistance": ("odometer", NUMBER, "distance"),
    "service-isinservice": ("is_in_service", BOOLEAN),
    "service-records": ("service_records", LIST),
    "surveillance-brand": ("surveillance_brand", TEXT),
    "surveillance-isenabled": ("is_surveillance_on", BOOLEAN),
    "tractionbattery-isheateractive": ("is_battery_heater_on", BOOLEAN),
    "tractionbattery-maxrangechargecounter": ("max_range_charge_count", NUMBER),
    "tractionbattery-nominalcapacity": ("battery_capacity", OBJECT, "energy"),
    "tractionbattery-range": ("battery_range", NUMBER, "distance"),
    "tractionbattery-stateofcharge": ("battery_level", NUMBER, "percent"),
    "transmission-drivemode": ("drive_mode", OBJECT),
    "transmission-gearstate": ("gear", TEXT),
    "vehicleidentification-exteriorcolor": ("exterior_color", TEXT),
    "vehicleidentification-nickname": ("nickname", TEXT),
    "vehicleidentification-packages": ("packages", LIST),
    "vehicleidentification-trim": ("trim", TEXT),
    "vehicleidentification-vin": ("vin", TEXT),
    "vehicleuseraccount-permissions": ("account_permissions", LIST),
    "vehicleuseraccount-role": ("account_role", TEXT),
    "wheel-style": ("wheel_style", TEXT),
    "wheel-tires": ("tires", OBJECT, "pressure"),
}
#: The permission that a signal needs, by code or by the group that its code starts with.
_PERMISSIONS: Final = {
    "charge": "read_charge",
    "charge-chargerecords": "read_charge_records",
    "climate": "read_thermometer",
    "closure": "read_security",
    "connectivitysoftware": "read_extended_vehicle_info",
    "connectivitystatus": "read_vehicle_info",
    "diagnostics": "read_diagnostics",
    "hvac": "read_climate",
    "internalcombustionengine": "read_fuel",
    "internalcombustionengine-oillife": "read_engine_oil",
    "location": "read_location",
    "lowvoltagebattery": "read_battery",
    "motion": "read_speedometer",
    "odometer": "read_odometer",
    "service": "read_service_history",
    "surveillance": "read_extended_vehicle_info",
    "tractionbattery": "read_battery",
    "transmission": "read_extended_vehicle_info",
    "vehicleidentification": "read_extended_vehicle_info",
    "vehicleidentification-vin": "read_vin",
    "vehicleuseraccount": "read_user_profile",
    "wheel": "read_tires",
    "wheel-style": "read_extended_vehicle_info",
}
#: The icon of a signal, by code or by the group that its code starts with.
_ICONS: Final = {
    "charge": "plug",
    "climate": "thermometer",
    "closure": "door",
    "closure-islocked": "lock",
    "connectivitysoftware": "chip",
    "connectivitystatus": "signal",
    "diagnostics": "warning",
    "hvac": "fan",
    "internalcombustionengine": "fuel",
    "internalcombustionengine-oillife": "drop",
    "location": "place",
    "lowvoltagebattery": "battery",
    "motion": "gauge",
    "odometer": "gauge",
    "service": "wrench",
    "surveillance": "shield",
    "tractionbattery": "battery",
    "transmission": "gear",
    "vehicleidentification": "car",
    "vehicleuseraccount": "person",
    "wheel": "tire",
}
#: What some cars send instead of no value, as sent: "no sensor", and the largest number of a field's bits.
PLACEHOLDERS: Final[dict[str, frozenset[float]]] = {
    "wheel-tires": frozenset({699.9, 65535}),
    "tractionbattery-range": frozenset({65535}),
    "internalcombustionengine-range": frozenset({65535}),
    "tractionbattery-stateofcharge": frozenset({255}),
    "internalcombustionengine-fuellevel": frozenset({255}),
    "internalcombustionengine-oillife": frozenset({255}),
    "lowvoltagebattery-stateofcharge": frozenset({255}),
    "charge-timetocomplete": frozenset({65535}),
}
#: The longest range of a car, in km.
_MAX_RANGE: Final = 3_000
#: What a car can have, where that differs from `units.RANGES`: the smallest and the largest number.
_RANGES: Final = {
    "charge-chargerate": (0, 3_000),  # km of range in an hour of charging
    "tractionbattery-range": (0, _MAX_RANGE),
    "internalcombustionengine-range": (0, _MAX_RANGE),
}
#: The earliest time that is one. Cars send 0 and the years 2 and 1970 for "unknown".
EARLIEST: Final = datetime(2010, 1, 1, tzinfo=UTC)
#: Signals that say where a car is, or who has it: by code, or the group that it starts with.
PRIVATE_GROUPS: Final = (
    *("location-", "vehicleidentification-", "vehicleuseraccount-"),
    *("charge-chargerecords", "service-"),
)


class SignalType(NamedTuple):
    """One signal. A code that is not in the catalogue has its own name, any type, and no unit."""

    code: str
    name: str
    json_type: str
    quantity: str | None = None

    @property
    def unit(self) -> str:
        """The metric unit of its numbers; empty without one."""
        return TARGET_UNITS[self.quantity][0] if self.quantity else ""

    @property
    def range(self) -> tuple[float, float] | None:
        """The smallest and the largest number that a car can have, in `unit`; None if any."""
        return _RANGES.get(self.code) or (RANGES[self.quantity] if self.quantity else None)

    @property
    def placeholders(self) -> frozenset[float]:
        """The numbers that some cars send instead of no value."""
        return PLACEHOLDERS.get(self.code, frozenset())

    @property
    def permission(self) -> str:
        """The permission that it needs; empty if that is not known."""
        return permission_of(self.code)

    @property
    def icon(self) -> str:
        """The name of its icon; ``"car"`` for the code of a group that is not known."""
        return _ICONS.get(self.code) or _ICONS.get(self.code.partition("-")[0], "car")

    @property
    def is_private(self) -> bool:
        """Whether it may say where the car is, or who has it."""
        return self.code.startswith(PRIVATE_GROUPS)


def permission_of(code: str) -> str:
    """Return the permission that a signal needs; empty for the code of a group that is not known."""
    return _PERMISSIONS.get(code) or _PERMISSIONS.get(code.partition("-")[0], "")


#: By Smartcar's code, and by our name.
SIGNALS: Final = {code: SignalType(code, *row) for code, row in _ROWS.items()}
TYPES: Final = {signal_type.name: signal_type for signal_type in SIGNALS.values()}
CODES: Final = {name: signal_type.code for name, signal_type in TYPES.items()}
PERMISSIONS: Final = {code: permission_of(code) for code in SIGNALS}


def type_of(code: str) -> SignalType:
    """Return the type of a signal, by Smartcar's code; of an unknown one, with the code as its name."""
    return SIGNALS.get(code) or SignalType(code, code.replace("-", "_"), "")


def type_named(name: str) -> SignalType:
    """Return the type of a signal, by our name."""
    return TYPES.get(name) or type_of(name.replace("_", "-", 1))


#: The vehicle's systems: our name -> its id in API v2.
SYSTEMS: Final = {
    name: f"SYSTEM_{name.removesuffix('_status').upper()}"
    for name, signal_type in TYPES.items()
    if signal_type.code.startswith("diagnostics-") and name.endswith("_status")
}
