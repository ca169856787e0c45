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
def keep(vehicle):
    """Keep an odometer, so many hours after noon; the row."""

    def keep(value, hours=0, kind="odometer", unit="km", source="read"):
        moment = None if hours is None else NOON + timedelta(hours=hours)
        return readings.save(vehicle, kind, value, unit, moment, source)

    return keep


@pytest.fixture
def newest(vehicle):
    return lambda kind="odometer": vehicle.latest()[kind].value


def test_a_fact_is_a_row_with_its_unit_moment_and_source(keep):
    row = keep(68, kind="battery.percent_remaining", unit="percent", source="webhook")
    row.refresh_from_db()
    assert (row.value, row.unit, row.recorded_at, row.source) == (0.68, "fraction", NOON, "webhook")
    assert (row.is_latest, row.is_outlier) == (True, False)
    assert row.fetched_at == NOON + timedelta(hours=8)


@pytest.mark.parametrize(
    ("kind", "value", "unit", "kept"),
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
def test_what_is_stored_is_metric_whatever_came(keep, kind, value, unit, kept):
    row = keep(value, kind=kind, unit=unit)
    row.refresh_from_db()
    assert (row.value, row.unit) == kept


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
def test_what_is_no_fact_is_a_value_error_that_does_not_quote_it(keep, kind, value, unit, says):
    with pytest.raises(ValueError, match=says) as raised:
        keep(value, kind=kind, unit=unit)
    assert "345" not in str(raised.value)
    assert not VehicleReading.objects.exists()


def test_a_moment_without_a_time_zone_is_refused(vehicle):
    with pytest.raises(ValueError, match="naive"):
        readings.save(vehicle, "odometer", 1, "km", datetime(2026, 1, 1))  # noqa: DTZ001


def test_the_same_fact_of_the_same_moment_is_kept_once(keep):
    first = keep(100)
    with time_machine.travel(NOON + timedelta(hours=9), tick=False):
        again = keep(100, source="webhook")
    assert first.pk == again.pk
    row = VehicleReading.objects.get()
    assert (row.source, row.fetched_at) == ("read", NOON + timedelta(hours=9))


def test_a_part_that_changes_while_the_moment_stays_is_believed(keep, newest):
    keep("CHARGING", kind="charge.state", unit="")
    keep("NOT_CHARGING", kind="charge.state", unit="")
    assert newest("charge.state") == "NOT_CHARGING"


def test_an_implausible_value_of_the_same_moment_changes_nothing(keep, newest):
    keep(0.5, kind="engine_oil", unit="fraction")
    keep(50, kind="engine_oil", unit="fraction")
    assert newest("engine_oil") == 0.5


def test_an_older_fact_is_kept_and_does_not_take_the_place_of_a_newer(keep, newest):
    keep(200, hours=2)
    assert not keep(150, hours=1).is_latest
    assert not keep(150, hours=None).is_latest
    keep(150, hours=1)
    assert newest() == 200
    assert VehicleReading.objects.count() == 3
    assert VehicleReading.objects.latest_only().count() == 1


def test_a_fact_without_a_moment_stands_in_nobodys_way(keep, newest):
    keep(100, hours=None)
    keep(101, hours=None)
    assert VehicleReading.objects.count() == 1
    assert newest() == 101
    keep(102)
    assert newest() == 102


def test_a_fact_without_a_moment_is_kept_once_also_beside_a_newer_one(keep, newest):
    keep(200)
    first = keep(150, hours=None)
    assert keep(151, hours=None).pk == first.pk
    assert VehicleReading.objects.get(recorded_at=None).value == 151
    assert newest() == 200


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
    ],
)
def test_an_implausible_fact_is_flagged_and_does_not_take_the_place_of_a_good_one(
    keep, newest, kind, unit, good, bad
):
    keep(good, kind=kind, unit=unit)
    before = newest(kind)
    row = keep(bad, hours=1, kind=kind, unit=unit)
    row.refresh_from_db()
    assert (row.is_outlier, row.is_latest) == (True, False)
    assert newest(kind) == before


def test_a_long_drive_is_plausible(keep, newest):
    keep(HOME, kind="location", unit="")
    keep(PARIS, hours=7, kind="location", unit="")
    assert newest("location") == PARIS


def test_what_does_not_fit_twice_in_a_row_is_believed(keep, newest):
    """The first was the wrong one; or the car has a new instrument."""
    keep(900_000)
    assert keep(50_000, hours=1).is_outlier
    assert keep(50_000, hours=1).is_outlier, "the same fact again confirms nothing"
    assert not keep(50_030, hours=2).is_outlier
    assert newest() == 50_030


def test_a_clock_that_is_far_ahead_blocks_nothing(keep, newest):
    assert keep(500, hours=24 * 400).is_outlier
    keep(501)
    assert newest() == 501


def test_a_car_that_has_gone_meanwhile_is_passed_over(vehicle, make_vehicle, account):
    gone = make_vehicle(account, "car-2")
    facts = [readings.make_observation(car, "odometer", 5, "km", NOON) for car in (gone, vehicle)]
    ConnectedVehicle.objects.filter(pk=gone.pk).delete()
    assert [row.vehicle_id for row in readings.save_many(facts)] == [vehicle.pk]


def test_facts_of_many_cars_take_as_many_queries_as_those_of_one(
    make_vehicle, account, django_assert_num_queries
):
    cars = [make_vehicle(account, f"car-{number}") for number in range(20)]
    for value, hours in ((10, 1), (20, 2), (20, 3)):
        moment = NOON + timedelta(hours=hours)
        for some in (cars[:1], cars[1:]):
            facts = [readings.make_observation(car, "odometer", value, "km", moment) for car in some]
            with django_assert_num_queries(5 if hours == 1 else 6):  # two of them are the transaction's
                readings.save_many(facts)
    assert VehicleReading.objects.latest_only().count() == 20


def test_every_kind_can_be_kept_and_remembered(vehicle):
    """The table agrees with the SDK: what a read gives comes back as it was, in either unit system."""
    moment = datetime(2026, 11, 20, 11, 0, tzinfo=UTC)
    closed = [{"type": "frontLeft", "status": "CLOSED"}]
    answers = {
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
    readings.save_batch(vehicle, answers)
    assert readings.cached(vehicle, [*answers, "service_history"], timedelta(minutes=1)) == answers
    kept = set(VehicleReading.objects.values_list("kind", flat=True))
    nothing = {"fuel.amount_remaining", "tire_pressure.back_right"} | {
        f"lock_status.{part}" for part in ("windows", "sunroof", "charging_port")
    }
    assert kept == set(READING_TYPES) - nothing


def test_what_smartcar_has_told_too_long_ago_is_not_remembered(vehicle, keep):
    keep(100)
    with time_machine.travel(NOON + timedelta(hours=8, minutes=10)):
        assert readings.cached(vehicle, ["odometer"], timedelta(minutes=9)) == {}
        assert "odometer" in readings.cached(vehicle, ["odometer"], timedelta(minutes=11))


def test_a_reading_is_fresh_only_if_all_of_it_is(vehicle, keep):
    keep(5, kind="battery.range")
    with time_machine.travel(NOON + timedelta(hours=9)):
        keep(0.5, kind="battery.percent_remaining", unit="fraction")
        assert readings.cached(vehicle, ["battery"], timedelta(minutes=5)) == {}


def test_for_user_finds_ones_own_readings_and_nothing_for_nobody(keep, anna, bert):
    keep(1)
    assert VehicleReading.objects.for_user(anna).count() == 1
    assert not VehicleReading.objects.for_user(bert)
