"""The catalogue of signals, and their parser. No network.

    signal = signals.read(resource)                      # from a REST response or a webhook
    signal["name"], signal["value"], signal["unit"]      # "battery_level", 0.75, "fraction"

The unit of a signal follows from what it measures, the second column of `SIGNALS`: distance km, speed km/h,
volume l, pressure kPa, energy kWh, power W, temperature °C, voltage V, current A, time minutes, percent a
fraction of 1; or the imperial unit (`units.TARGET_UNITS`).

Cars send values that are none: a placeholder (`PLACEHOLDERS`) is None, as is a time before `EARLIEST`. A unit
that contradicts the value is not believed (`units.plausible_word`).
Source: smartcar.com/docs, signals (autumn of 2026), and events of real cars.
"""

import sys
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from functools import partial
from typing import Any, Final, TypedDict

from ..secret_types import Vin, protected
from ._dates import parse_datetime
from .units import Conversion, conversion, plausible_word

#: Smartcar's code -> (our name, what its numbers measure). Any other name is the code, with underscores.
SIGNALS: Final[dict[str, tuple[str, str | None]]] = {
    "charge-amperage": ("charge_current", "current"),
    "charge-amperagemax": ("charge_current_max", "current"),
    "charge-amperagerequested": ("charge_current_requested", "current"),
    "charge-chargelimits": ("charge_limit", "percent"),
    "charge-chargeportstatuscolor": ("charge_port_color", None),
    "charge-chargerate": ("charge_rate", "speed"),
    "charge-chargerecords": ("charge_records", None),
    "charge-chargerphases": ("charger_phases", None),
    "charge-chargetimers": ("charge_timers", None),
    "charge-chargingconnectortype": ("charge_connector", None),
    "charge-detailedchargingstatus": ("charge_state", None),
    "charge-energyadded": ("charge_energy_added", "energy"),
    "charge-fastchargertype": ("fast_charger_type", None),
    "charge-ischarging": ("is_charging", None),
    "charge-ischargingcableconnected": ("is_plugged_in", None),
    "charge-ischargingcablelatched": ("is_plug_latched", None),
    "charge-ischargingportflapopen": ("is_charge_port_open", None),
    "charge-isfastchargerpresent": ("is_fast_charger_present", None),
    "charge-timetocomplete": ("charge_time_left", "minutes"),
    "charge-voltage": ("charge_voltage", "voltage"),
    "charge-wattage": ("charge_power", "power"),
    "climate-externaltemperature": ("outside_temperature", "temperature"),
    "climate-internaltemperature": ("inside_temperature", "temperature"),
    "closure-doors": ("doors", None),
    "closure-enginecover": ("engine_cover", None),
    "closure-fronttrunk": ("front_trunk", None),
    "closure-islocked": ("is_locked", None),
    "closure-reartrunk": ("rear_trunk", None),
    "closure-sunroof": ("sunroof", None),
    "closure-tailgate": ("tailgate", None),
    "closure-windows": ("windows", None),
    "connectivitysoftware-currentfirmwareversion": ("firmware_version", None),
    "connectivitystatus-isasleep": ("is_asleep", None),
    "connectivitystatus-isdigitalkeypaired": ("is_digital_key_paired", None),
    "connectivitystatus-isonline": ("is_online", None),
    "diagnostics-abs": ("abs_status", None),
    "diagnostics-activesafety": ("active_safety_status", None),
    "diagnostics-airbag": ("airbag_status", None),
    "diagnostics-brakefluid": ("brake_fluid_status", None),
    "diagnostics-driverassistance": ("driver_assistance_status", None),
    "diagnostics-dtccount": ("trouble_code_count", None),
    "diagnostics-dtclist": ("trouble_codes", None),
    "diagnostics-emissions": ("emissions_status", None),
    "diagnostics-evbatteryconditioning": ("ev_battery_conditioning_status", None),
    "diagnostics-evcharging": ("ev_charging_status", None),
    "diagnostics-evdriveunit": ("ev_drive_unit_status", None),
    "diagnostics-evhvbattery": ("ev_hv_battery_status", None),
    "diagnostics-lighting": ("lighting_status", None),
    "diagnostics-mil": ("mil_status", None),
    "diagnostics-oillife": ("oil_life_status", None),
    "diagnostics-oilpressure": ("oil_pressure_status", None),
    "diagnostics-oiltemperature": ("oil_temperature_status", None),
    "diagnostics-telematics": ("telematics_status", None),
    "diagnostics-tirepressure": ("tire_pressure_status", None),
    "diagnostics-tirepressuremonitoring": ("tire_pressure_monitoring_status", None),
    "diagnostics-transmission": ("transmission_status", None),
    "diagnostics-washerfluid": ("washer_fluid_status", None),
    "diagnostics-waterinfuel": ("water_in_fuel_status", None),
    "hvac-cabintargettemperature": ("cabin_target_temperature", "temperature"),
    "hvac-iscabinhvacactive": ("is_climate_on", None),
    "hvac-isfrontdefrosteractive": ("is_front_defroster_on", None),
    "hvac-isreardefrosteractive": ("is_rear_defroster_on", None),
    "hvac-issteeringheateractive": ("is_steering_heater_on", None),
    "internalcombustionengine-amountremaining": ("fuel_amount", "volume"),
    "internalcombustionengine-fuellevel": ("fuel_level", "percent"),
    "internalcombustionengine-oillife": ("oil_life", "percent"),
    "internalcombustionengine-range": ("fuel_range", "distance"),
    "location-isathome": ("is_at_home", None),
    "location-preciselocation": ("location", None),
    "lowvoltagebattery-stateofcharge": ("low_voltage_battery_level", "percent"),
    "lowvoltagebattery-status": ("low_voltage_battery_status", None),
    "motion-currentspeed": ("speed", "speed"),
    "odometer-traveleddistance": ("odometer", "distance"),
    "service-isinservice": ("is_in_service", None),
    "service-records": ("service_records", None),
    "surveillance-brand": ("surveillance_brand", None),
    "surveillance-isenabled": ("is_surveillance_on", None),
    "tractionbattery-isheateractive": ("is_battery_heater_on", None),
    "tractionbattery-maxrangechargecounter": ("max_range_charge_count", None),
    "tractionbattery-nominalcapacity": ("battery_capacity", "energy"),
    "tractionbattery-range": ("battery_range", "distance"),
    "tractionbattery-stateofcharge": ("battery_level", "percent"),
    "transmission-drivemode": ("drive_mode", None),
    "transmission-gearstate": ("gear", None),
    "vehicleidentification-exteriorcolor": ("exterior_color", None),
    "vehicleidentification-nickname": ("nickname", None),
    "vehicleidentification-packages": ("packages", None),
    "vehicleidentification-trim": ("trim", None),
    "vehicleidentification-vin": ("vin", None),
    "vehicleuseraccount-permissions": ("account_permissions", None),
    "vehicleuseraccount-role": ("account_role", None),
    "wheel-style": ("wheel_style", None),
    "wheel-tires": ("tires", "pressure"),
}
CODES: Final = {name: code for code, (name, _) in SIGNALS.items()}
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
    "wheel-style": "read_extended_vehicle_info",
    "wheel-tires": "read_tires",
}
PERMISSIONS: Final = {
    code: _PERMISSIONS.get(code) or _PERMISSIONS[code.partition("-")[0]] for code in SIGNALS
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
#: The earliest time that is one. Cars send 0 and the years 2 and 1970 for "unknown".
EARLIEST: Final = datetime(2010, 1, 1, tzinfo=UTC)
#: The vehicle's systems: our name -> its id in API v2.
SYSTEMS: Final = {
    name: f"SYSTEM_{name.removesuffix('_status').upper()}"
    for code, (name, _) in SIGNALS.items()
    if code.startswith("diagnostics-") and name.endswith("_status")
}

#: The primary value of a body is the first of these fields that it has.
MAIN: Final = ("value", "capacity", "activeLimit", "values")
#: The fields of a body that its ``unit`` applies to.
MEASURED: Final = frozenset(
    {"value", "limit", "activeLimit", "capacity", "availableCapacities", "tirePressure"}
)


class SignalError(TypedDict):
    """Why a signal has no value, as Smartcar reports it (``"PERMISSION"``, ``"UNKNOWN"``)."""

    type: str | None
    code: str | None
    description: str | None
    resolution: Any


class Signal(TypedDict):
    """One signal. Unless ``status`` is ``"SUCCESS"``, ``value``, ``unit`` and ``body`` are None.

    ``value`` is the primary value of ``body``: a number in ``unit``, a bool, a string, a list, or the body
    itself. ``age`` is when the vehicle recorded it, ``retrieved_at`` when Smartcar read it; UTC or None.
    """

    code: str
    name: str
    status: str
    value: Any
    unit: str | None
    body: dict[str, Any] | None
    age: datetime | None
    retrieved_at: datetime | None
    error: SignalError | None


def read(resource: Mapping[str, Any], unit_system: str = "metric", *, sent_in: str = "metric") -> Signal:
    """Parse a signal into the units of ``unit_system``. Never raises.

    ``resource`` is a signal of the REST API (``{"attributes": {"code", "status", "body"}, "meta"}``) or of a
    webhook (the same without ``attributes``). ``sent_in`` is the unit system of bodies without a unit.
    """
    attributes = _mapping(resource.get("attributes")) or resource
    meta = _mapping(resource.get("meta"))
    code = str(attributes.get("code") or resource.get("id") or "")
    name, kind = SIGNALS.get(code, (code.replace("-", "_"), None))
    status, error = _status_of(attributes)
    body = attributes.get("body") if status == "SUCCESS" else None
    if code in PLACEHOLDERS:
        body = _without(PLACEHOLDERS[code], body)
    measure = partial(conversion, kind=kind, unit_system=unit_system, sent_in=sent_in)
    word = plausible_word(_text(_mapping(body).get("unit")), kind, list(_measured_numbers(body)))
    if word and isinstance(body, dict) and "unit" in body:
        body = {**body, "unit": word}
    scale = measure(word)
    body = _converted(body, scale, measure, False)
    if name == "vin" and isinstance(body, dict) and isinstance(body.get("value"), str):
        body["value"] = Vin(body["value"])
    return {
        "code": code,
        "name": name,
        "status": status,
        "value": _primary_value(body),
        "unit": scale.word if isinstance(body, dict) else None,
        "body": body if isinstance(body, dict) else None,
        "age": _time(meta.get("oemUpdatedAt")),
        "retrieved_at": _time(meta.get("retrievedAt") or meta.get("fetchedAt")),
        "error": error,
    }


def _time(value: object) -> datetime | None:
    moment = parse_datetime(value)
    return moment if moment is not None and moment >= EARLIEST else None


def _without(placeholders: frozenset[float], node: Any, is_measured: bool = False) -> Any:
    """Return ``node`` with None for each measured number that is a placeholder."""
    if isinstance(node, dict):
        return {name: _without(placeholders, item, name in MEASURED) for name, item in node.items()}
    if isinstance(node, list):
        return [_without(placeholders, item, is_measured) for item in node]
    is_placeholder = is_measured and _is_number(node) and node in placeholders
    return None if is_placeholder else node


def _measured_numbers(node: Any, is_measured: bool = False) -> Iterator[float]:
    """Yield the numbers that the ``unit`` of this body applies to."""
    if isinstance(node, dict):
        for name, item in node.items():
            yield from _measured_numbers(item, name in MEASURED)
    elif isinstance(node, list):
        for item in node:
            yield from _measured_numbers(item, is_measured)
    elif is_measured and _is_number(node):
        yield node


def _is_number(value: object) -> bool:
    """Return whether this is a number in the range of floats."""
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return is_number and abs(value) <= sys.float_info.max  # type: ignore[arg-type]


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _status_of(attributes: Mapping[str, Any]) -> tuple[str, SignalError | None]:
    status = attributes.get("status")
    error = _mapping(_mapping(status).get("error"))
    value = status if isinstance(status, str) else _mapping(status).get("value")
    if not isinstance(value, str) or not value:
        value = (
            "ERROR" if error else "SUCCESS" if isinstance(attributes.get("body"), Mapping) else "UNAVAILABLE"
        )
    if not error:
        return value.upper(), None
    return "ERROR" if value.upper() == "SUCCESS" else value.upper(), {
        "type": _text(error.get("type")),
        "code": _text(error.get("code")),
        "description": _text(error.get("description")),
        "resolution": error.get("resolution"),
    }


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value else None


def _primary_value(body: object) -> Any:
    if not isinstance(body, dict):
        return None
    return next((body[name] for name in MAIN if name in body), body)


def _converted(node: Any, scale: Conversion, rescale: Callable[[str], Conversion], measured: bool) -> Any:
    """Convert the measured numbers in ``node`` to the SDK's units; a part may have a unit of its own."""
    if isinstance(node, dict):
        word = _text(node.get("unit"))
        scale = rescale(word) if word else scale
        parts = {name: _converted(item, scale, rescale, name in MEASURED) for name, item in node.items()}
        return protected({**parts, "unit": scale.word} if "unit" in node else parts)
    if isinstance(node, list):
        return [_converted(item, scale, rescale, measured) for item in node]
    return scale(node) if measured else node
