import re
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.db import connection
from django.test.utils import CaptureQueriesContext

from django_smartcar import sdk
from django_smartcar.models import LABELS, ConnectedVehicle, VehicleReading, VehicleSignal
from django_smartcar.sdk import signals
from django_smartcar.sdk._response_schema import PATHS
from django_smartcar.sdk.v2.signals import signals_of
from django_smartcar.services import readings
from django_smartcar.services.readings import Outcome, _bulk

pytestmark = pytest.mark.django_db

NOON = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
HOME, PARIS = {"latitude": 52.52, "longitude": 13.405}, {"latitude": 48.8566, "longitude": 2.3522}


@pytest.fixture(autouse=True)
def _evening():
    with time_machine.travel(NOON + timedelta(hours=8), tick=False):
        yield


@pytest.fixture
def save(vehicle):
    """Save a value of this many hours after noon; return what became of it."""

    def save(value, hours=0, signal="odometer", unit="km", source="read"):
        moment = None if hours is None else NOON + timedelta(hours=hours)
        return readings.save(vehicle, signal, value, unit, moment, source).outcome

    return save


@pytest.fixture
def latest_value(vehicle):
    return lambda signal="odometer": vehicle.signals[signal].value


@pytest.fixture
def tell(vehicle):
    """Save signals as Smartcar sends them: code, body or error, and the time in hours after noon."""

    def tell(*told, sequence=0, retrieved=None, granted=("read_charge", "read_security", "read_odometer")):
        vehicle.permissions = list(granted)
        parsed = []
        for code, content, hours in told:
            is_error = isinstance(content, str)
            error = dict(zip(("type", "code"), content.split(":"), strict=True)) if is_error else {}
            at = None if hours is None else (NOON + timedelta(hours=hours)).isoformat()
            status = {"value": "ERROR", "error": error} if is_error else {"value": "SUCCESS"}
            meta = {"oemUpdatedAt": at, "retrievedAt": retrieved and retrieved.isoformat()}
            body = None if is_error else content
            parsed.append(signals.read({"code": code, "body": body, "status": status, "meta": meta}))
        source = "webhook" if sequence else "read"
        observations = readings.observations_of(vehicle, parsed, source, sequence)
        return [saved.outcome for saved in readings.save_many(observations)]

    return tell


def history_of(vehicle, signal="odometer"):
    rows = vehicle.readings.filter(signal=signal, is_outlier=False).order_by("recorded_at")
    return list(rows.values_list("value", flat=True))


def test_every_signal_has_a_label():
    assert set(LABELS) == set(signals.TYPES)
    assert len(set(map(str, LABELS.values()))) == len(LABELS)


def test_a_state_and_its_history_have_unit_time_and_source(save, vehicle):
    save(68, signal="battery_level", unit="percent", source="webhook")
    state, row = vehicle.signals["battery_level"], vehicle.readings.get()
    for stored in (state, row):
        assert (stored.value, stored.unit, stored.recorded_at) == (0.68, "fraction", NOON)
        assert (stored.source, stored.received_at) == ("webhook", NOON + timedelta(hours=8))
        assert stored.label == "Battery"
    assert (state.status, state.is_ok, row.is_outlier) == ("ok", True, False)


@pytest.mark.parametrize(
    ("signal", "value", "unit", "stored"),
    [
        ("odometer", 100, "mi", (160.9344, "km")),
        (
            "tires",
            [{"row": 0, "column": 0, "tirePressure": 2.3}],
            "bar",
            ({"values": [{"row": 0, "column": 0, "tirePressure": pytest.approx(230)}]}, "kPa"),
        ),
        ("fuel_amount", 10, "gal", (pytest.approx(37.854118), "l")),
        ("charge_state", "CHARGING", "", ("CHARGING", "")),
        ("is_locked", False, "", (False, "")),
        ("front_trunk", {"isOpen": True}, "", ({"isOpen": True}, "")),
        ("charge_limit", 80, "percent", ({"activeLimit": 0.8}, "fraction")),
        ("battery_capacity", 82_000, "Wh", ({"capacity": 82}, "kWh")),
        ("trouble_codes", [{"code": "P0420"}], "", ([{"code": "P0420"}], "")),
        ("charge_state", "a\x00b", "", ("a\ufffdb", "")),
        ("nickname", "half of a \ud83d", "", ("half of a \ufffd", "")),
        ("outside_temperature", 50, "F", (10, "C")),
        ("charge_power", 7.2, "kW", (7200, "W")),
    ],
)  # fmt: skip
def test_values_are_stored_in_canonical_units(save, vehicle, signal, value, unit, stored):
    save(value, signal=signal, unit=unit)
    for row in (vehicle.signals[signal], vehicle.readings.get()):
        assert (row.value, row.unit) == stored


@pytest.mark.parametrize(
    ("signal", "value", "unit", "says"),
    [
        ("range", 1, "km", "'range' is not a signal"),
        ("odometer", 1, "", "is not a unit of odometer"),
        ("odometer", 1, "kPa", "is not a unit of odometer"),
        ("odometer", "12345", "km", "not a number"),
        ("odometer", float("inf"), "km", "not a number"),
        ("odometer", 10**400, "km", "not a number"),
        ("odometer", True, "km", "not a number"),
        ("location", {"latitude": 12.345}, "", "not a number"),
        ("location", "12.345", "", "not a number"),
        ("is_locked", "12345", "", "not a boolean"),
        ("is_locked", 0, "", "not a boolean"),
        ("is_locked", [False], "", "not a boolean"),
        ("is_locked", {}, "", "not a boolean"),
        ("charge_state", 12345, "", "not a text"),
        ("trouble_codes", "12345", "", "not a list"),
        ("doors", [{"isOpen": "12345"}], "", "not a boolean"),
        ("tires", [{"tirePressure": "12345"}], "kPa", "not a number"),
        ("battery_range", 65535, "km", "not a number"),
    ],
)
def test_an_invalid_value_is_a_value_error_that_does_not_quote_it(save, signal, value, unit, says):
    with pytest.raises(ValueError, match=says) as raised:
        save(value, signal=signal, unit=unit)
    assert "345" not in str(raised.value)
    assert not VehicleReading.objects.exists()
    assert not VehicleSignal.objects.exists()


def test_a_naive_time_is_refused(vehicle):
    with pytest.raises(ValueError, match="naive"):
        readings.save(vehicle, "odometer", 1, "km", datetime(2026, 1, 1))  # noqa: DTZ001


def test_the_same_value_with_the_same_time_is_saved_once(save, vehicle):
    save(100)
    with time_machine.travel(NOON + timedelta(hours=9), tick=False):
        assert save(100, source="webhook") == Outcome.UNCHANGED
    state, row = vehicle.signals["odometer"], vehicle.readings.get()
    assert (state.source, state.received_at) == ("read", NOON + timedelta(hours=9))
    assert (row.source, row.received_at) == ("read", NOON + timedelta(hours=8))


def test_a_new_value_with_the_same_time_replaces_the_old_one(save, latest_value, vehicle):
    save("CHARGING", signal="charge_state", unit="")
    save("NOT_CHARGING", signal="charge_state", unit="")
    assert latest_value("charge_state") == "NOT_CHARGING"
    assert history_of(vehicle, "charge_state") == ["NOT_CHARGING"]


def test_an_implausible_value_with_the_same_time_changes_nothing(save, latest_value, vehicle):
    save(0.5, signal="oil_life", unit="fraction")
    save(50, signal="oil_life", unit="fraction")
    assert latest_value("oil_life") == 0.5
    assert history_of(vehicle, "oil_life") == [0.5]


def test_an_older_value_is_history_and_does_not_replace_the_latest(save, latest_value, vehicle):
    save(200, hours=2)
    assert save(150, hours=1) == Outcome.LATE
    save(150, hours=1)
    assert latest_value() == 200
    assert history_of(vehicle) == [150, 200]


def test_a_value_without_a_time_is_as_old_as_its_arrival(save, latest_value, vehicle):
    save(100, hours=7)
    assert save(101, hours=None) == Outcome.LATEST
    assert vehicle.signals["odometer"].recorded_at is None
    assert save(100, hours=7.5) == Outcome.LATE
    assert latest_value() == 101
    with time_machine.travel(NOON + timedelta(hours=9), tick=False):
        assert save(102, hours=9) == Outcome.LATEST
    assert latest_value() == 102
    times = vehicle.readings.order_by("recorded_at").values_list("value", "recorded_at")
    assert dict(times)[101] == NOON + timedelta(hours=8)


def test_an_unchanged_value_without_a_time_adds_no_history(save, vehicle):
    for hours in (8, 9, 10):
        with time_machine.travel(NOON + timedelta(hours=hours), tick=False):
            save("S", hours=None, signal="trim", unit="")
    assert history_of(vehicle, "trim") == ["S"]
    state = vehicle.signals["trim"]
    assert (state.recorded_at, state.received_at) == (None, NOON + timedelta(hours=10))


def test_several_values_of_a_signal_are_saved_in_their_order(vehicle, latest_value):
    told = [(1, 0), (3, 2), (2, 1), (3, 2), (900_000, 3)]
    saved = readings.save_many(
        readings.make_observation(vehicle, "odometer", value, "km", NOON + timedelta(hours=hours))
        for value, hours in told
    )
    assert [item.outcome for item in saved] == [
        Outcome.LATEST,
        Outcome.LATEST,
        Outcome.LATE,
        Outcome.UNCHANGED,
        Outcome.OUTLIER,
    ]
    assert latest_value() == 3
    assert history_of(vehicle) == [1, 2, 3]


@pytest.mark.parametrize(
    ("signal", "unit", "good", "bad"),
    [
        ("odometer", "km", 1000, 900),
        ("odometer", "km", 1000, 9000),
        ("odometer", "km", 100, 0),
        ("odometer", "km", 1, -5),
        ("battery_level", "fraction", 0.5, 1.5),
        ("battery_level", "percent", 50, -1),
        ("charge_limit", "fraction", 0.5, 80),
        ("location", "", HOME, {"latitude": 91, "longitude": 0}),
        ("location", "", HOME, {"latitude": 0, "longitude": -181}),
        ("location", "", HOME, PARIS),
        ("fuel_range", "km", 5, -1),
        ("battery_range", "km", 400, 65_534),
        ("tires", "kPa", [{"tirePressure": 250}], [{"tirePressure": 25_800}]),
        ("fuel_amount", "l", 40, 65_535),
        ("battery_capacity", "kWh", 82, 82_000),
        ("speed", "km/h", 50, 700),
        ("outside_temperature", "C", 5, 300),
    ],
)
def test_an_implausible_value_is_flagged_and_does_not_replace_the_latest(
    save, latest_value, vehicle, signal, unit, good, bad
):
    save(good, signal=signal, unit=unit)
    before = latest_value(signal)
    assert save(bad, hours=1, signal=signal, unit=unit) == Outcome.OUTLIER
    assert vehicle.readings.get(is_outlier=True).recorded_at == NOON + timedelta(hours=1)
    assert latest_value(signal) == before


def test_an_implausible_value_alone_is_no_state(save, vehicle):
    save(700, signal="speed", unit="km/h")
    assert vehicle.signals == {}
    assert vehicle.readings.get().is_outlier


def test_a_long_drive_is_plausible(save, latest_value):
    save(HOME, signal="location", unit="")
    save(PARIS, hours=7, signal="location", unit="")
    assert latest_value("location") == PARIS


def test_a_second_value_that_confirms_an_outlier_is_accepted(save, latest_value):
    """The first value was wrong, or the instrument cluster was replaced."""
    save(900_000)
    assert save(50_000, hours=1) == Outcome.OUTLIER
    assert save(50_000, hours=1) == Outcome.OUTLIER, "the same value again confirms nothing"
    assert save(50_030, hours=2) == Outcome.LATEST
    assert latest_value() == 50_030


def test_a_value_confirms_an_outlier_that_is_saved_with_it(vehicle, save, latest_value):
    save(900_000)
    readings.save_many(
        readings.make_observation(vehicle, "odometer", value, "km", NOON + timedelta(hours=hours))
        for value, hours in ((50_000, 1), (50_030, 2))
    )
    assert latest_value() == 50_030


@pytest.mark.parametrize(("signal", "good", "bad"), [("odometer", 50_000, 0), ("battery_range", 400, 65_534)])
def test_an_impossible_value_is_never_confirmed(save, latest_value, signal, good, bad):
    save(good, signal=signal)
    assert all(save(bad, hours=hours, signal=signal) == Outcome.OUTLIER for hours in (1, 2, 3))
    assert latest_value(signal) == good


@pytest.mark.parametrize("in_one_batch", [True, False])
def test_a_good_value_replaces_an_outlier_of_the_same_moment(save, vehicle, in_one_batch):
    save(50_000)
    values = [
        readings.make_observation(vehicle, "odometer", value, "km", NOON + timedelta(hours=1))
        for value in (0, 50_001)
    ]
    for batch in [values] if in_one_batch else [[value] for value in values]:
        readings.save_many(batch)
    assert vehicle.signals["odometer"].value == 50_001
    rows = vehicle.readings.order_by("recorded_at").values_list("value", "is_outlier")
    assert list(rows) == [(50_000, False), (50_001, False)]


def test_a_time_far_in_the_future_blocks_no_other_value(save, latest_value):
    assert save(500, hours=24 * 400) == Outcome.OUTLIER
    save(501)
    assert latest_value() == 501


def test_rows_that_refer_to_a_vehicle_may_be_inserted_while_its_readings_are_saved(save):
    """With the weaker lock of PostgreSQL; MariaDB has none, and SQLite locks no rows."""
    words = {"postgresql": ["FOR NO KEY UPDATE"], "mysql": ["FOR UPDATE"], "sqlite": []}
    with CaptureQueriesContext(connection) as queries:
        save(5)
    found = [re.search("FOR (NO KEY )?UPDATE", query["sql"]) for query in queries]
    assert [lock[0] for lock in found if lock] == words[connection.vendor]


def test_a_deleted_vehicle_is_skipped(vehicle, make_vehicle, account):
    gone = make_vehicle(account, "car-2")
    observations = [readings.make_observation(car, "odometer", 5, "km", NOON) for car in (gone, vehicle)]
    ConnectedVehicle.objects.filter(pk=gone.pk).delete()
    saved = readings.save_many(observations)
    assert [item.observation.vehicle_id for item in saved] == [vehicle.pk]
    assert [item.state.vehicle_id for item in saved] == [vehicle.pk]


def test_many_vehicles_take_as_many_queries_as_one(make_vehicle, account, django_assert_num_queries):
    """Two of them are the transaction's; the others lock and load, and write states and history.

    SQLite has no locks of rows: a write locks the database.
    """
    statements = 6 + connection.features.has_select_for_update
    cars = [make_vehicle(account, f"car-{number}") for number in range(20)]
    for value, hours in ((10, 1), (20, 2), (20, 3)):
        moment = NOON + timedelta(hours=hours)
        for some in (cars[:1], cars[1:]):
            observations = [
                readings.make_observation(car, signal, value, unit, moment)
                for car in some
                for signal, unit in (("odometer", "km"), ("battery_level", "percent"), ("speed", "km/h"))
            ]
            with django_assert_num_queries(statements):
                readings.save_many(observations)
    assert VehicleSignal.objects.count() == 60
    assert VehicleReading.objects.count() == 180


TEXTS = [
    'a "b"',
    "a\\b",
    '\\"',
    "a,b",
    "{a}",
    "NULL",
    "null",
    "",
    " a ",
    "a\nb",
    "a\tb",
    "%s",
    "ä 😀",
    "'",
    "\\x00",
]


def test_many_values_are_stored_as_they_are(vehicle):
    """PostgreSQL gets them in the literals of arrays."""
    values = [*TEXTS, *[[text, 1] for text in TEXTS], *[{"a": text, text: None} for text in TEXTS]]
    values += [True, False, 0, 1, 1.0, -1.5e-300, 10**15, [], {}]
    observations = [
        readings.Observation(vehicle.pk, f"signal-{number}", value, f"{value}"[:20], NOON)
        for number, value in enumerate(values)
    ]
    saved = readings.save_many(observations)
    for model in (VehicleSignal, VehicleReading):
        rows = {row.signal: row for row in model.objects.all()}
        stored = [rows[f"signal-{number}"] for number in range(len(values))]
        assert [(row.value, type(row.value), row.unit) for row in stored] == [
            (value, type(value), f"{value}"[:20]) for value in values
        ]
        assert {row.recorded_at for row in stored} == {NOON}
    assert [item.state.value for item in saved] == values


@pytest.mark.parametrize("microsecond", [1, 123_457, 500_000, 999_999])
def test_a_time_is_compared_as_it_was_stored(vehicle, microsecond):
    """PostgreSQL returns it as a number."""
    at = NOON.replace(microsecond=microsecond)
    assert readings.save(vehicle, "odometer", 5, "km", at).outcome == Outcome.LATEST
    assert readings.save(vehicle, "odometer", 5, "km", at).outcome == Outcome.UNCHANGED
    late = readings.save(vehicle, "odometer", 4, "km", at - timedelta(microseconds=1))
    assert late.outcome == Outcome.LATE
    stored = vehicle.signals["odometer"]
    columns = [field.attname for field in VehicleSignal._meta.fields if field.attname != "id"]
    assert [getattr(late.state, name) for name in columns] == [getattr(stored, name) for name in columns]
    assert late.state.recorded_at == at


@pytest.mark.parametrize("use_tz", [True, False])
def test_times_follow_use_tz(vehicle, settings, use_tz):
    for name, at in (
        ("odometer", NOON),
        ("speed", None),
        ("doors", NOON - timedelta(days=150, microseconds=1)),
    ):
        VehicleSignal.objects.create(vehicle=vehicle, signal=name, recorded_at=at, status_at=NOON)
    settings.USE_TZ = use_tz
    names, rows = ["signal", "recorded_at", "status_at"], VehicleSignal.objects.order_by("pk")
    assert [tuple(row) for row in _bulk.values(rows, names)] == list(rows.values_list(*names))


def test_a_failure_of_one_signal_is_stored_beside_the_values_of_others(vehicle):
    failure = readings.Observation(
        vehicle.pk, "speed", None, "", None, status="error", error_type="VEHICLE", error_code='"'
    )
    value = readings.make_observation(vehicle, "odometer", 5, "km", NOON)
    readings.save_many([failure, value])
    rows = VehicleSignal.objects.order_by("signal")
    assert [
        (row.signal, row.value, row.recorded_at, row.received_at is None, row.error_code) for row in rows
    ] == [("odometer", 5, NOON, False, ""), ("speed", None, None, True, '"')]
    assert VehicleSignal.objects.filter(value__isnull=True).count() == 1


# Signals of Smartcar.

LOCKED, PORT = "closure-islocked", "charge-ischargingportflapopen"


@pytest.mark.parametrize("wrong", ["false", "0", [False], {}, 0, 1])
def test_a_value_of_another_type_is_no_value_and_a_warning(tell, vehicle, caplog, wrong):
    tell((LOCKED, {"value": True}, 0))
    assert tell((LOCKED, {"value": wrong}, 1)) == []
    assert vehicle.signals["is_locked"].value is True
    assert "ignored an invalid is_locked" in caplog.text
    assert "false" not in caplog.text


def test_all_signals_that_are_granted_are_saved(tell, vehicle):
    bodies = {
        "wheel-tires": {"values": [{"row": 0, "column": 0, "tirePressure": 258}], "unit": "bar"},
        "charge-wattage": {"value": 4279, "unit": "watts"},
        "connectivitystatus-isonline": {"value": True},
        "vehicleidentification-packages": {"values": ["Pilot"]},
        "diagnostics-abs": {"status": "OK", "description": None},
    }
    granted = ["read_tires", "read_charge", "read_vehicle_info", "read_extended_vehicle_info"]
    tell(*((code, body, 0) for code, body in bodies.items()), granted=granted)
    assert {name: (state.value, state.unit) for name, state in vehicle.signals.items()} == {
        "tires": ({"values": [{"row": 0, "column": 0, "tirePressure": 258}]}, "kPa"),
        "charge_power": (4279, "W"),
        "is_online": (True, ""),
        "packages": (["Pilot"], ""),
    }


@pytest.mark.parametrize(
    ("body", "value", "unit"),
    [
        ({"value": 30, "unit": "mi"}, 30, "mi"),
        ({"value": "x"}, "x", ""),
        ({"values": [1], "more": None}, {"values": [1], "more": None}, ""),
    ],
)
def test_an_unknown_signal_is_kept_as_it_came(tell, vehicle, body, value, unit):
    tell(("charge-newthing", body, 0))
    state = vehicle.signals["charge_newthing"]
    assert (state.value, state.unit, state.label) == (value, unit, "charge_newthing")
    assert readings.in_units(state, "imperial") == (value, unit)
    tell(("closure-newthing", body, 0), granted=[])
    assert "closure_newthing" not in vehicle.signals


def test_signals_in_imperial_units_are_converted(vehicle):
    vehicle.permissions = ["read_odometer", "read_tires"]
    tires = {"values": [{"tirePressure": 33}], "unit": "psi"}
    found = [
        signals.read({"code": "odometer-traveleddistance", "body": {"value": 10, "unit": "mi"}}, "imperial"),
        signals.read({"code": "wheel-tires", "body": tires}, "imperial"),
    ]
    readings.save_many(readings.observations_of(vehicle, found))
    states = vehicle.signals
    assert (states["odometer"].value, states["odometer"].unit) == (16.09344, "km")
    assert states["tires"].value == {"values": [{"tirePressure": pytest.approx(227.5, abs=0.1)}]}
    assert readings.in_units(states["odometer"], "imperial") == (10, "mi")


@pytest.mark.parametrize(
    ("error", "granted", "status"),
    [
        ("COMPATIBILITY:VEHICLE_NOT_CAPABLE", True, "not_capable"),
        ("PERMISSION:UNKNOWN", False, "not_granted"),
        ("PERMISSION:UNKNOWN", True, "error"),
        ("BILLING:INVALID_PLAN", True, "not_in_plan"),
        ("BILLING:ACCOUNT_SUSPENDED", True, "error"),
        ("RESOURCE_NOT_FOUND:", True, "not_collected"),
        ("SERVER:INTERNAL", True, "error"),
    ],
)
def test_a_failure_says_why_and_leaves_the_last_value(tell, vehicle, settings, error, granted, status):
    settings.SMARTCAR_SCOPE = ["required:read_security"]
    tell((LOCKED, {"value": True}, 0))
    assert tell((LOCKED, error, 1), granted=["read_security"] if granted else []) == [Outcome.FAILURE]
    state = vehicle.signals["is_locked"]
    assert (state.status, f"{state.error_type}:{state.error_code}") == (status, error)
    assert (state.value, state.recorded_at, state.is_ok) == (True, NOON, False)
    assert history_of(vehicle, "is_locked") == [True]
    tell((LOCKED, {"value": True}, 0))
    state = vehicle.signals["is_locked"]
    assert (state.status, state.error_type, state.is_ok) == ("ok", "", True)


def test_a_signal_that_only_failed_has_no_value(tell, vehicle, settings):
    settings.SMARTCAR_SCOPE = ["read_odometer"]
    tell((LOCKED, "PERMISSION:UNKNOWN", 0), granted=[])
    state = vehicle.signals["is_locked"]
    assert (state.value, state.at, state.has_value, state.status) == (None, None, False, "not_requested")
    vehicle.refresh_from_db()
    assert vehicle.last_seen_at is None


def test_a_late_failure_changes_nothing(tell, vehicle):
    sequence = int((NOON + timedelta(hours=1)).timestamp() * 1000)
    tell((LOCKED, {"value": True}, 1), sequence=sequence)
    tell((LOCKED, "SERVER:INTERNAL", 0), sequence=sequence - 1)
    assert vehicle.signals["is_locked"].is_ok
    tell((LOCKED, "SERVER:INTERNAL", 0), sequence=sequence + 1)
    assert not vehicle.signals["is_locked"].is_ok


def test_a_late_event_does_not_end_a_failure(tell, vehicle):
    sequence = int((NOON + timedelta(hours=1)).timestamp() * 1000)
    tell((LOCKED, {"value": True}, 1), sequence=sequence)
    tell((LOCKED, "SERVER:INTERNAL", 2), sequence=sequence + 1)
    tell((LOCKED, {"value": False}, 0), sequence=sequence - 1)
    state = vehicle.signals["is_locked"]
    assert (state.value, state.status) == (True, "error")
    assert history_of(vehicle, "is_locked") == [False, True]


def test_a_time_of_zero_neither_loses_to_dated_parts_nor_dates_them(tell, vehicle):
    tell((LOCKED, {"value": True}, 7), ("closure-fronttrunk", {"isOpen": False}, None))
    reading = readings.reading_of("lock_status", vehicle.signals, "metric")
    assert reading["age"] == NOON + timedelta(hours=7)
    tell((LOCKED, {"value": False}, None))
    assert vehicle.signals["is_locked"].value is False


def test_an_undated_value_of_a_late_event_is_as_old_as_smartcars_answer(tell, vehicle):
    tell((LOCKED, {"value": True}, 7))
    assert tell((LOCKED, {"value": False}, None), retrieved=NOON) == [Outcome.LATE]
    assert vehicle.signals["is_locked"].value is True
    assert history_of(vehicle, "is_locked") == [False, True]


def test_a_time_in_the_future_is_that_of_the_arrival(tell, vehicle):
    tell((LOCKED, {"value": True}, 24 * 400))
    assert vehicle.signals["is_locked"].recorded_at == NOON + timedelta(hours=8)


# Readings in the SDK's format.

IMPERIAL = {"sc-data-age": NOON.isoformat(), "sc-unit-system": "imperial"}
CORNERS = ("frontLeft", "frontRight", "backLeft", "backRight")
CLOSED = [{"type": corner, "status": "CLOSED"} for corner in CORNERS]
BODIES = {
    "odometer": {"distance": 64.8},
    "location": HOME,
    "fuel": {"range": 40.4, "percentRemaining": 0.3, "amountRemaining": None},
    "battery": {"percentRemaining": 0.3, "range": 40.5},
    "nominal_capacity": {
        "availableCapacities": [{"capacity": 70.9, "description": None}],
        "capacity": {"nominal": 80.9, "source": "USER_SELECTED"},
        "url": None,
    },
    "charge": {"isPluggedIn": True, "state": "CHARGING"},
    "get_charge_limit": {"limit": 0.8},
    "engine_oil": {"lifeRemaining": 0.35},
    "tire_pressure": {"frontLeft": 31.5, "frontRight": 31.2, "backLeft": 33.0, "backRight": None},
    "lock_status": {
        "isLocked": True,
        "doors": CLOSED,
        "windows": [],
        "sunroof": [],
        "storage": [{"type": "rear", "status": "OPEN"}],
        "chargingPort": [],
    },
    "diagnostic_system_status": {
        "systems": [{"systemId": "SYSTEM_ABS", "status": "OK", "description": None}]
    },
    "diagnostic_trouble_codes": {
        "activeCodes": [{"code": "P0420", "timestamp": NOON.isoformat()}, {"code": "P1", "timestamp": None}]
    },
}  # fmt: skip


def test_every_reading_can_be_saved_and_cached(vehicle):
    """Readings made of stored signals equal those made of the response, in either unit system."""
    vehicle.unit_system = "imperial"
    expected, found = {}, []
    for name, body in BODIES.items():
        told = signals_of(PATHS[name], body, IMPERIAL, "imperial")
        by_name = {signal["name"]: signal for signal in told}

        def find(signal, by_name=by_name):
            if signal not in by_name:
                raise sdk.SignalNotAvailable(signal)
            return by_name[signal]

        expected[name] = sdk.readings.reading_of(name, find, "imperial")
        found += told
    readings.save_many(readings.observations_of(vehicle, found, granted_only=False))
    cached = readings.cached(vehicle, [*BODIES, "service_history"], timedelta(minutes=1))
    assert cached == {name: approximately(reading) for name, reading in expected.items()}
    assert cached["diagnostic_trouble_codes"]["data"]["active_codes"][0]["timestamp"] == NOON


def approximately(node):
    """Return a value whose numbers may differ by the rounding of unit conversions."""
    if isinstance(node, dict):
        return {name: approximately(inner) for name, inner in node.items()}
    if isinstance(node, list):
        return [approximately(inner) for inner in node]
    return pytest.approx(node, abs=1e-5) if isinstance(node, float) else node


def test_a_capacity_without_the_available_ones_is_no_nominal_capacity(vehicle):
    told = signals_of("battery/capacity", {"capacity": 28.7}, IMPERIAL)
    readings.save_many(readings.observations_of(vehicle, told, granted_only=False))
    cached = readings.cached(vehicle, ["battery_capacity", "nominal_capacity"], timedelta(minutes=1))
    assert cached == {"battery_capacity": {"data": {"capacity": 28.7}, "age": NOON}}


def test_old_readings_are_not_cached(vehicle, save):
    save(100)
    with time_machine.travel(NOON + timedelta(hours=8, minutes=10)):
        assert readings.cached(vehicle, ["odometer"], timedelta(minutes=9)) == {}
        assert "odometer" in readings.cached(vehicle, ["odometer"], timedelta(minutes=11))


def test_a_response_is_cached_only_if_all_its_values_are_fresh(vehicle, save):
    save(5, signal="battery_range")
    with time_machine.travel(NOON + timedelta(hours=9)):
        save(0.5, signal="battery_level", unit="fraction")
        assert readings.cached(vehicle, ["battery"], timedelta(minutes=5)) == {}
        assert set(readings.cached(vehicle, ["battery_level"], timedelta(minutes=5))) == {"battery_level"}


def test_a_value_that_failed_since_is_not_cached(vehicle, tell):
    tell((LOCKED, {"value": True}, 0))
    tell((LOCKED, "SERVER:INTERNAL", 1))
    assert readings.cached(vehicle, ["lock_status", "is_locked"], timedelta(hours=1)) == {}


@pytest.mark.parametrize("model", [VehicleReading, VehicleSignal])
def test_for_user_returns_the_users_own(save, anna, bert, model):
    save(HOME, signal="location", unit="")
    assert model.objects.for_user(anna).count() == 1
    assert not model.objects.for_user(bert)


EARLIER = datetime(2026, 11, 1, 12, tzinfo=UTC)
LATER = EARLIER + timedelta(hours=1)


@pytest.mark.parametrize(
    ("recorded_at", "stored_at", "sequence", "stored_sequence", "expected"),
    [
        (EARLIER, LATER, 9, 1, True),
        (LATER, EARLIER, 1, 9, False),
        (LATER, LATER, 1, 2, True),
        (LATER, LATER, 2, 2, False),
        (LATER, LATER, 3, 2, False),
        (LATER, None, 0, 9, False),
        (None, EARLIER, 9, 0, True),
        (None, None, 1, 2, True),
        (None, None, 2, 1, False),
    ],
)
def test_one_rule_decides_what_is_older(recorded_at, stored_at, sequence, stored_sequence, expected):
    assert readings.is_older(recorded_at, stored_at, sequence, stored_sequence) is expected


@pytest.mark.parametrize("values", [[(1, 50), (0, 0)], [(0, 0), (1, 50)], [(0, 0)]])
def test_an_odometer_of_0_is_an_outlier_whenever_it_arrives(vehicle, values):
    """Values are (minute, km); some cars send 0 while they sleep, and the event may come late."""
    for minute, km in values:
        readings.save(vehicle, "odometer", km, "km", NOON + timedelta(minutes=minute))
    assert [row.value for row in vehicle.readings.filter(is_outlier=True)] == [0]
    assert [row.value for row in vehicle.readings.filter(is_outlier=False)] == [km for _, km in values if km]
