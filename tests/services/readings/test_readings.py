from datetime import UTC, datetime, timedelta

import pytest
import time_machine

from django_smartcar.models import READING_TYPES, ConnectedVehicle, VehicleReading
from django_smartcar.services import readings

pytestmark = pytest.mark.django_db

NOON = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
HOME, PARIS = {"latitude": 52.52, "longitude": 13.405}, {"latitude": 48.8566, "longitude": 2.3522}


@pytest.fixture(autouse=True)
def _evening():
    with time_machine.travel(NOON + timedelta(hours=8), tick=False):
        yield


@pytest.fixture
def save(vehicle):
    """Save an odometer reading of this many hours after noon; return the row."""

    def save(value, hours=0, kind="odometer", unit="km", source="read"):
        moment = None if hours is None else NOON + timedelta(hours=hours)
        return readings.save(vehicle, kind, value, unit, moment, source)

    return save


@pytest.fixture
def latest_value(vehicle):
    return lambda kind="odometer": vehicle.latest()[kind].value


def test_a_reading_has_its_unit_time_and_source(save):
    row = save(68, kind="battery.percent_remaining", unit="percent", source="webhook")
    row.refresh_from_db()
    assert (row.value, row.unit, row.recorded_at, row.source) == (0.68, "fraction", NOON, "webhook")
    assert (row.is_latest, row.is_outlier) == (True, False)
    assert row.fetched_at == NOON + timedelta(hours=8)


@pytest.mark.parametrize(
    ("kind", "value", "unit", "stored"),
    [
        ("odometer", 100, "mi", (160.9344, "km")),
        ("tire_pressure.front_left", 2.3, "bar", (pytest.approx(230), "kPa")),
        ("fuel.amount_remaining", 10, "gal", (pytest.approx(37.854118), "l")),
        ("charge.state", "CHARGING", "", ("CHARGING", "")),
        ("lock_status.is_locked", False, "", (False, "")),
        ("lock_status.doors", [{"type": "rear"}], "", ([{"type": "rear"}], "")),
        ("charge.state", "a\x00b", "", ("ab", "")),
    ],
)  # fmt: skip
def test_values_are_stored_in_metric_units(save, kind, value, unit, stored):
    row = save(value, kind=kind, unit=unit)
    row.refresh_from_db()
    assert (row.value, row.unit) == stored


@pytest.mark.parametrize(
    ("kind", "value", "unit", "says"),
    [
        ("speed", 1, "km", "'speed' is not a kind"),
        ("odometer", 1, "", "is not a unit of odometer"),
        ("odometer", 1, "kPa", "is not a unit of odometer"),
        ("odometer", "12345", "km", "not a number"),
        ("odometer", float("inf"), "km", "not a number"),
        ("odometer", True, "km", "not a number"),
        ("location", {"latitude": 12.345}, "", "not a number"),
        ("location", "12.345", "", "not a number"),
    ],
)
def test_an_invalid_value_is_a_value_error_that_does_not_quote_it(save, kind, value, unit, says):
    with pytest.raises(ValueError, match=says) as raised:
        save(value, kind=kind, unit=unit)
    assert "345" not in str(raised.value)
    assert not VehicleReading.objects.exists()


def test_a_naive_time_is_refused(vehicle):
    with pytest.raises(ValueError, match="naive"):
        readings.save(vehicle, "odometer", 1, "km", datetime(2026, 1, 1))  # noqa: DTZ001


def test_the_same_value_with_the_same_time_is_saved_once(save):
    first = save(100)
    with time_machine.travel(NOON + timedelta(hours=9), tick=False):
        again = save(100, source="webhook")
    assert first.pk == again.pk
    row = VehicleReading.objects.get()
    assert (row.source, row.fetched_at) == ("read", NOON + timedelta(hours=9))


def test_a_new_value_with_the_same_time_replaces_the_old_one(save, latest_value):
    save("CHARGING", kind="charge.state", unit="")
    save("NOT_CHARGING", kind="charge.state", unit="")
    assert latest_value("charge.state") == "NOT_CHARGING"


def test_an_implausible_value_with_the_same_time_changes_nothing(save, latest_value):
    save(0.5, kind="engine_oil", unit="fraction")
    save(50, kind="engine_oil", unit="fraction")
    assert latest_value("engine_oil") == 0.5


def test_an_older_value_is_saved_but_does_not_replace_the_latest(save, latest_value):
    save(200, hours=2)
    assert not save(150, hours=1).is_latest
    assert not save(150, hours=None).is_latest
    save(150, hours=1)
    assert latest_value() == 200
    assert VehicleReading.objects.count() == 3
    assert VehicleReading.objects.latest_only().count() == 1


def test_a_value_without_a_time_blocks_no_other(save, latest_value):
    save(100, hours=None)
    save(101, hours=None)
    assert VehicleReading.objects.count() == 1
    assert latest_value() == 101
    save(102)
    assert latest_value() == 102


def test_a_value_without_a_time_is_saved_once_beside_a_newer_one(save, latest_value):
    save(200)
    first = save(150, hours=None)
    assert save(151, hours=None).pk == first.pk
    assert VehicleReading.objects.get(recorded_at=None).value == 151
    assert latest_value() == 200


@pytest.mark.parametrize(
    ("kind", "unit", "good", "bad"),
    [
        ("odometer", "km", 1000, 900),
        ("odometer", "km", 1000, 9000),
        ("odometer", "km", 0, -5),
        ("battery.percent_remaining", "fraction", 0.5, 1.5),
        ("battery.percent_remaining", "percent", 50, -1),
        ("charge_limit", "fraction", 0.5, 80),
        ("location", "", HOME, {"latitude": 91, "longitude": 0}),
        ("location", "", HOME, {"latitude": 0, "longitude": -181}),
        ("location", "", HOME, PARIS),
        ("fuel.range", "km", 5, -1),
        ("battery.range", "km", 400, 65_534),
        ("tire_pressure.front_left", "kPa", 250, 25_800),
        ("fuel.amount_remaining", "l", 40, 65_535),
        ("battery_capacity", "kWh", 82, 82_000),
    ],
)
def test_an_implausible_value_is_flagged_and_does_not_replace_the_latest(
    save, latest_value, kind, unit, good, bad
):
    save(good, kind=kind, unit=unit)
    before = latest_value(kind)
    row = save(bad, hours=1, kind=kind, unit=unit)
    row.refresh_from_db()
    assert (row.is_outlier, row.is_latest) == (True, False)
    assert latest_value(kind) == before


def test_a_long_drive_is_plausible(save, latest_value):
    save(HOME, kind="location", unit="")
    save(PARIS, hours=7, kind="location", unit="")
    assert latest_value("location") == PARIS


def test_a_second_value_that_confirms_an_outlier_is_accepted(save, latest_value):
    """The first value was wrong, or the instrument cluster was replaced."""
    save(900_000)
    assert save(50_000, hours=1).is_outlier
    assert save(50_000, hours=1).is_outlier, "the same value again confirms nothing"
    assert not save(50_030, hours=2).is_outlier
    assert latest_value() == 50_030


@pytest.mark.parametrize(("kind", "good", "bad"), [("odometer", 50_000, 0), ("battery.range", 400, 65_534)])
def test_an_impossible_value_is_never_confirmed(save, latest_value, kind, good, bad):
    save(good, kind=kind)
    assert all(save(bad, hours=hours, kind=kind).is_outlier for hours in (1, 2, 3))
    assert latest_value(kind) == good


def test_a_time_far_in_the_future_blocks_no_other_value(save, latest_value):
    assert save(500, hours=24 * 400).is_outlier
    save(501)
    assert latest_value() == 501


def test_a_deleted_vehicle_is_skipped(vehicle, make_vehicle, account):
    gone = make_vehicle(account, "car-2")
    observations = [readings.make_observation(car, "odometer", 5, "km", NOON) for car in (gone, vehicle)]
    ConnectedVehicle.objects.filter(pk=gone.pk).delete()
    assert [row.vehicle_id for row in readings.save_many(observations)] == [vehicle.pk]


def test_many_vehicles_take_as_many_queries_as_one(make_vehicle, account, django_assert_num_queries):
    cars = [make_vehicle(account, f"car-{number}") for number in range(20)]
    for value, hours in ((10, 1), (20, 2), (20, 3)):
        moment = NOON + timedelta(hours=hours)
        for some in (cars[:1], cars[1:]):
            observations = [readings.make_observation(car, "odometer", value, "km", moment) for car in some]
            with django_assert_num_queries(5 if hours == 1 else 6):  # two of them are the transaction's
                readings.save_many(observations)
    assert VehicleReading.objects.latest_only().count() == 20


def test_every_kind_can_be_saved_and_cached(vehicle):
    """Saved readings equal those that the SDK returned, in either unit system."""
    moment = datetime(2026, 11, 20, 11, 0, tzinfo=UTC)
    closed = [{"type": "frontLeft", "status": "CLOSED"}]
    responses = {
        "odometer": {"data": {"distance": 64.8}, "unit_system": "imperial", "age": NOON},
        "location": {"data": dict(HOME), "age": NOON},
        "fuel": {
            "data": {"range": 40.4, "percent_remaining": 0.3, "amount_remaining": None},
            "unit_system": "imperial",
            "age": NOON,
        },
        "battery": {
            "data": {"percent_remaining": 0.3, "range": 40.5},
            "unit_system": "imperial",
            "age": NOON,
        },
        "battery_capacity": {"data": {"capacity": 28.7}, "age": NOON},
        "nominal_capacity": {
            "data": {
                "available_capacities": [{"capacity": 70.9, "description": None}],
                "capacity": {"nominal": 80.9, "source": "USER_SELECTED"},
                "url": None,
            },
            "age": NOON,
        },
        "charge": {"data": {"is_plugged_in": True, "state": "CHARGING"}, "age": NOON},
        "get_charge_limit": {"data": {"limit": 0.8}, "age": NOON},
        "engine_oil": {"data": {"life_remaining": 0.35}, "age": NOON},
        "tire_pressure": {
            "data": {"front_left": 31.5, "front_right": 31.2, "back_left": 33.0, "back_right": None},
            "unit_system": "imperial",
            "age": NOON,
        },
        "lock_status": {
            "data": {
                "is_locked": True,
                "doors": closed,
                "windows": [],
                "sunroof": [],
                "storage": closed,
                "charging_port": [],
            },
            "age": NOON,
        },
        "diagnostic_system_status": {
            "data": {"systems": [{"system_id": "SYSTEM_ABS", "status": "OK", "description": None}]},
            "age": NOON,
        },
        "diagnostic_trouble_codes": {
            "data": {
                "active_codes": [{"code": "P0420", "timestamp": moment}, {"code": "P1", "timestamp": None}]
            },
            "age": NOON,
        },
    }  # fmt: skip
    vehicle.unit_system = "imperial"
    readings.save_batch(vehicle, responses)
    assert readings.cached(vehicle, [*responses, "service_history"], timedelta(minutes=1)) == responses
    stored = set(VehicleReading.objects.values_list("kind", flat=True))
    nothing = {"fuel.amount_remaining", "tire_pressure.back_right"} | {
        f"lock_status.{part}" for part in ("windows", "sunroof", "charging_port")
    }
    assert stored == set(READING_TYPES) - nothing


def test_old_readings_are_not_cached(vehicle, save):
    save(100)
    with time_machine.travel(NOON + timedelta(hours=8, minutes=10)):
        assert readings.cached(vehicle, ["odometer"], timedelta(minutes=9)) == {}
        assert "odometer" in readings.cached(vehicle, ["odometer"], timedelta(minutes=11))


def test_a_response_is_cached_only_if_all_its_values_are_fresh(vehicle, save):
    save(5, kind="battery.range")
    with time_machine.travel(NOON + timedelta(hours=9)):
        save(0.5, kind="battery.percent_remaining", unit="fraction")
        assert readings.cached(vehicle, ["battery"], timedelta(minutes=5)) == {}


def test_for_user_returns_the_users_own_readings(save, anna, bert):
    save(1)
    assert VehicleReading.objects.for_user(anna).count() == 1
    assert not VehicleReading.objects.for_user(bert)


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
