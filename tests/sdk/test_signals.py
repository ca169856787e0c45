from datetime import UTC, datetime

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from django_smartcar.sdk import signals, units

from .codes import CODES

AGE = datetime(2024, 11, 18, 14, 32, 8, tzinfo=UTC)


def resource(code, body, **more):
    group, _, name = code.partition("-")
    attributes = {"code": code, "name": name, "group": group, "status": {"value": "SUCCESS"}, "body": body}
    return {"id": code, "type": "signal", "attributes": {**attributes, **more}, "meta": {}}


def test_a_signal_has_our_name_and_unit():
    raw = resource("tractionbattery-stateofcharge", {"unit": "percent", "value": 75})
    raw["meta"] = {"oemUpdatedAt": "2024-11-18T14:32:08Z", "retrievedAt": "2024-11-18T14:33:08.000Z"}
    assert signals.read(raw) == {
        "code": "tractionbattery-stateofcharge",
        "name": "battery_level",
        "status": "SUCCESS",
        "value": 0.75,
        "unit": "fraction",
        "body": {"unit": "fraction", "value": 0.75},
        "age": AGE,
        "retrieved_at": AGE.replace(minute=33),
        "error": None,
    }


def test_a_signal_of_a_webhook_is_parsed_alike():
    in_rest = resource("odometer-traveleddistance", {"unit": "kilometers", "value": 10321})
    in_rest["meta"] = {"oemUpdatedAt": "2024-11-18T14:32:08Z"}
    in_webhook = {
        "code": "odometer-traveleddistance",
        "name": "TraveledDistance",
        "group": "Odometer",
        "body": {"unit": "km", "value": 10321},
        "status": {"value": "SUCCESS"},
        "meta": {"oemUpdatedAt": 1731940328000},
    }
    assert signals.read(in_rest) == signals.read(in_webhook)
    assert signals.read(in_webhook)["age"] == AGE


@pytest.mark.parametrize(
    ("code", "body", "value", "converted"),
    [
        (
            "tractionbattery-range",
            {"unit": "km", "value": 100, "additionalValues": [{"type": "IDEAL_CONDITIONS", "value": 200}]},
            62.137119,
            {
                "unit": "mi",
                "value": 62.137119,
                "additionalValues": [{"type": "IDEAL_CONDITIONS", "value": 124.274238}],
            },
        ),
        (
            "tractionbattery-nominalcapacity",
            {"source": "SMARTCAR", "capacity": 82, "availableCapacities": [{"capacity": 82}], "unit": "kWhr"},
            82,
            {"source": "SMARTCAR", "capacity": 82, "availableCapacities": [{"capacity": 82}], "unit": "kWh"},
        ),
        (
            "wheel-tires",
            {"values": [{"row": 1, "column": 0, "tirePressure": 2.2}], "rowCount": 2, "unit": "bar"},
            [{"row": 1, "column": 0, "tirePressure": 31.908302}],
            {
                "values": [{"row": 1, "column": 0, "tirePressure": 31.908302}],
                "rowCount": 2,
                "unit": "psi",
            },
        ),
        (
            "charge-chargelimits",
            {"values": [{"type": "global", "limit": 80}], "activeLimit": 80, "unit": "percent"},
            0.8,
            {"values": [{"type": "global", "limit": 0.8}], "activeLimit": 0.8, "unit": "fraction"},
        ),
        (
            "charge-chargelimits",
            {"values": [], "activeLimit": None},
            None,
            {"values": [], "activeLimit": None},
        ),
        ("closure-islocked", {"value": True}, True, {"value": True}),
        ("charge-detailedchargingstatus", {"value": "CHARGING"}, "CHARGING", {"value": "CHARGING"}),
        ("closure-sunroof", {"isOpen": True}, {"isOpen": True}, {"isOpen": True}),
        ("charge-timetocomplete", {"value": 90}, 90, {"value": 90}),
        ("internalcombustionengine-fuellevel", {"value": 30}, 0.3, {"value": 0.3}),
        ("new-thing", {"value": 30, "unit": "smoots"}, 30, {"value": 30, "unit": "smoots"}),
    ],
)
def test_the_measured_fields_of_every_shape_are_converted(code, body, value, converted):
    found = signals.read(resource(code, body), "imperial")
    assert (found["value"], found["body"]) == (value, converted)


def pressures(unit, *values):
    body = {"values": [{"tirePressure": value} for value in values], "unit": unit}
    found = signals.read(resource("wheel-tires", body))
    return found["unit"], [tire["tirePressure"] for tire in found["value"]]


def test_a_unit_that_contradicts_the_numbers_is_not_believed():
    assert pressures("bar", 258, 268, 270) == ("kPa", [258, 268, 270])
    assert pressures("bar", 2.62, 2.7) == ("kPa", [262, 270])
    assert pressures("kPa", 258) == ("kPa", [258])
    assert pressures("psi", 36)[1] == [pytest.approx(248.2, abs=0.1)]
    assert pressures("smoots", 36) == ("smoots", [36])
    assert pressures("km", 36) == ("km", [36])
    # One impossible number among others: it is wrong, not the unit.
    assert pressures("bar", 2.3, 2.4, 25.5) == ("kPa", [230, 240, 2550])
    assert pressures("psi", 33, 33, 255)[1][:2] == [pytest.approx(227.5, abs=0.1)] * 2
    assert pressures("bar", 0, 258) == ("kPa", [0, 258])


@pytest.mark.parametrize(
    ("body", "fraction"),
    [
        ({"value": 0.77}, 0.77),
        ({"value": 77}, 0.77),
        ({"value": 1}, 1),
        ({"value": 0}, 0),
        ({"value": 0.77, "unit": "percent"}, 0.0077),
        ({"value": 77, "unit": "fraction"}, 0.77),
        ({"value": 110, "unit": "percent"}, 1.1),
        ({"value": 110}, 1.1),
    ],
)
def test_a_percentage_is_read_with_and_without_its_unit(body, fraction):
    found = signals.read(resource("tractionbattery-stateofcharge", body))
    assert found["value"] == pytest.approx(fraction)


def test_a_power_in_watts_that_is_called_kilowatts_is_read_as_watts():
    assert signals.read(resource("charge-wattage", {"value": 7200, "unit": "kW"}))["value"] == 7200
    assert signals.read(resource("charge-wattage", {"value": 7.2, "unit": "kW"}))["value"] == 7200


@pytest.mark.parametrize(
    ("code", "body"),
    [
        ("tractionbattery-range", {"value": 65535, "unit": "km"}),
        ("internalcombustionengine-range", {"value": 65535.0, "unit": "km"}),
        ("tractionbattery-stateofcharge", {"value": 255, "unit": "percent"}),
        ("charge-timetocomplete", {"value": 65535}),
    ],
)
def test_a_placeholder_is_no_value(code, body):
    assert signals.read(resource(code, body))["value"] is None


def test_a_tire_without_a_sensor_has_no_pressure_and_does_not_change_the_others_unit():
    assert pressures("bar", 258, 699.9) == ("kPa", [258, None])
    assert pressures("kPa", 699.9, 65535) == ("kPa", [None, None])


def test_a_number_is_a_placeholder_only_in_signals_that_use_it():
    assert signals.read(resource("odometer-traveleddistance", {"value": 65535}))["value"] == 65535


@pytest.mark.parametrize(
    "time",
    [0, -1, 86_400_000, "0002-11-30T00:00:00Z", "1970-01-01T00:00:00Z", "2009-12-31T23:59:59Z", "", None],
)
def test_a_time_before_2010_is_none(time):
    raw = {**resource("vehicleidentification-trim", {"value": "S"}), "meta": {"oemUpdatedAt": time}}
    found = signals.read({**raw, "meta": {"oemUpdatedAt": time, "retrievedAt": time}})
    assert (found["value"], found["age"], found["retrieved_at"]) == ("S", None, None)


def test_a_fast_charger_adds_range_faster_than_a_car_drives():
    assert signals.is_possible(signals.TYPES["charge_rate"], 720)
    assert not signals.is_possible(signals.TYPES["speed"], 720)


def test_every_signal_has_its_permission():
    assert set(signals.PERMISSIONS) == set(signals.SIGNALS)
    assert signals.PERMISSIONS["vehicleidentification-vin"] == "read_vin"
    assert signals.PERMISSIONS["vehicleidentification-trim"] == "read_extended_vehicle_info"


def test_the_name_of_an_unknown_code_is_made_from_the_code():
    assert signals.read(resource("new-thing", {"value": 1}))["name"] == "new_thing"


def test_every_code_of_smartcars_list_has_its_own_name():
    assert len(CODES) == 93
    assert set(signals.SIGNALS) == set(CODES)
    assert all(name.isidentifier() and name.islower() for name in signals.CODES)


def test_names_are_unique_and_their_units_exist():
    assert len(signals.CODES) == len(signals.SIGNALS)
    assert {signal.quantity for signal in signals.SIGNALS.values()} - {None} <= set(units.TARGET_UNITS)


def test_a_signal_has_its_error():
    error = {"type": "COMPATIBILITY", "code": "VEHICLE_NOT_CAPABLE"}
    raw = resource("location-isathome", None, status={"value": "ERROR", "error": error})
    found = signals.read(raw)
    assert (found["status"], found["value"], found["unit"], found["body"]) == ("ERROR", None, None, None)
    assert found["error"] == {**error, "description": None, "resolution": None}


@pytest.mark.parametrize(
    ("status", "body", "found"),
    [
        ({"value": "UNAVAILABLE"}, {"value": 5}, "UNAVAILABLE"),
        ({"value": "error"}, {"value": 5}, "ERROR"),
        ({"value": "SUCCESS", "error": {"type": "PERMISSION"}}, {"value": 5}, "ERROR"),
        ({"error": {"type": "PERMISSION"}}, None, "ERROR"),
        (None, None, "UNAVAILABLE"),
    ],
)
def test_a_signal_without_success_has_no_value(status, body, found):
    signal = signals.read(resource("odometer-traveleddistance", body, status=status))
    assert (signal["status"], signal["value"]) == (found, None)


json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: (
        st.lists(inner) | st.dictionaries(st.sampled_from(sorted(signals.MEASURED)) | st.text(), inner)
    ),
    max_leaves=8,
)
parts = st.fixed_dictionaries(
    {},
    optional={
        "id": json,
        "code": json | st.sampled_from(sorted(signals.SIGNALS)),
        "status": json,
        "body": st.dictionaries(st.sampled_from(["unit", *signals.MEASURED]), json) | json,
        "meta": json | st.dictionaries(st.sampled_from(["oemUpdatedAt", "retrievedAt"]), json),
    },
)


# Sixty fields take a while to draw on a machine that is busy.
@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(parts | st.fixed_dictionaries({"attributes": parts}), st.sampled_from(["metric", "imperial"]))
def test_read_never_raises(raw, unit_system):
    signals.read(raw, unit_system)
