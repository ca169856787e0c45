"""Bodies of API v2 as signals: what a reading has, its signals have, too."""

from datetime import UTC, datetime

import pytest

from django_smartcar import sdk
from django_smartcar.sdk import readings, signals
from django_smartcar.sdk._response_schema import PATHS, parse_data
from django_smartcar.sdk.v2.signals import METHODS, failures_of, signals_of

HEADERS = {"sc-data-age": "2026-11-20T12:00:00Z", "sc-unit-system": "metric"}
AGE = datetime(2026, 11, 20, 12, tzinfo=UTC)
CLOSED = [{"type": corner, "status": "CLOSED"} for corner in readings.CORNERS]

BODIES = {
    "odometer": {"distance": 104.32},
    "location": {"latitude": 37.4, "longitude": -122.1},
    "fuel": {"range": 40.5, "percentRemaining": 0.3, "amountRemaining": 12.1},
    "battery": {"percentRemaining": 0.3, "range": 40.5},
    "battery_capacity": {"capacity": 28.7},
    "nominal_capacity": {
        "availableCapacities": [{"capacity": 70.9, "description": "BEV:Extended Range"}],
        "capacity": {"nominal": 80.9, "source": "USER_SELECTED"},
        "url": "https://connect.smartcar.com/battery-capacity",
    },
    "charge": {"isPluggedIn": True, "state": "FULLY_CHARGED"},
    "get_charge_limit": {"limit": 0.8},
    "engine_oil": {"lifeRemaining": 0.35},
    "tire_pressure": {"frontLeft": 219, "frontRight": 219, "backLeft": 219, "backRight": None},
    "lock_status": {
        "isLocked": False,
        "doors": [*CLOSED[:3], {"type": "backRight", "status": "OPEN"}],
        "windows": CLOSED,
        "sunroof": [{"type": "sunroof", "status": "UNKNOWN"}],
        "storage": [{"type": "front", "status": "CLOSED"}, {"type": "rear", "status": "OPEN"}],
        "chargingPort": [{"type": "chargingPort", "status": "CLOSED"}],
    },
    "diagnostic_system_status": {
        "systems": [{"systemId": "SYSTEM_ABS", "status": "ALERT", "description": "Left rear sensor"}]
    },
    "diagnostic_trouble_codes": {"activeCodes": [{"code": "P302D", "timestamp": "2026-09-05T14:48:00Z"}]},
}


def translated(name, body, **options):
    return {signal["name"]: signal for signal in signals_of(PATHS[name], body, HEADERS, **options)}


@pytest.mark.parametrize("name", BODIES)
def test_the_reading_made_of_the_signals_is_that_of_the_body(name):
    found = translated(name, BODIES[name])

    def find(signal):
        if signal not in found:
            raise sdk.SignalNotAvailable(signal)
        return found[signal]

    reading = readings.reading_of(name, find, "metric")
    assert reading["data"] == parse_data(name, BODIES[name])
    assert reading["age"] == AGE


def test_every_reading_but_service_records_has_signals():
    assert set(BODIES) == set(readings.SOURCES) - {"service_history"}
    assert set(METHODS) <= set(signals.TYPES)
    assert set(METHODS.values()) - {"vin"} == set(BODIES) - {"battery_capacity"}


def test_numbers_are_converted_from_the_units_of_the_response():
    imperial = {**HEADERS, "sc-unit-system": "imperial"}
    (odometer,) = signals_of("/odometer", {"distance": 100}, imperial)
    assert (odometer["value"], odometer["unit"]) == (160.9344, "km")
    (odometer,) = signals_of("/odometer", {"distance": 100}, {}, "imperial", "imperial")
    assert (odometer["value"], odometer["unit"]) == (100, "mi")


def test_a_fraction_beyond_one_is_not_taken_for_a_percentage():
    assert translated("battery", {"percentRemaining": 1.5})["battery_level"]["value"] == 1.5


def test_a_field_of_another_type_is_no_value():
    found = translated("lock_status", {"isLocked": "false", "doors": CLOSED})
    with pytest.raises(ValueError, match="is_locked is not a boolean"):
        signals.value_of(found["is_locked"])
    assert signals.value_of(found["doors"])["values"][0] == {"row": 0, "column": 0, "isOpen": False}


@pytest.mark.parametrize("body", [None, [], "x", {}, {"isLocked": None, "doors": None, "storage": [None]}])
def test_a_body_without_values_has_no_signals(body):
    assert signals_of("security", body, HEADERS) == []


def test_an_unknown_system_is_kept_under_its_id():
    body = {"systems": [{"systemId": "SYSTEM_NEW", "status": "OK", "description": None}]}
    assert translated("diagnostic_system_status", body)["diagnostics_new"]["code"] == "diagnostics-new"


def test_the_error_of_a_path_is_that_of_its_signals():
    error = sdk.NotCapableException("x", type="COMPATIBILITY", code="VEHICLE_NOT_CAPABLE")
    failed = failures_of("charge", error)
    assert {signal["name"] for signal in failed} == {"is_plugged_in", "charge_state"}
    assert all(signal["error"]["code"] == "VEHICLE_NOT_CAPABLE" for signal in failed)
    assert failures_of("charge", sdk.RateLimitingException("x", type="RATE_LIMIT")) == []
