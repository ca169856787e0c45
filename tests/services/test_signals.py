"""Stored signals of many vehicles, and their history, on every database."""

from datetime import UTC, datetime, timedelta

import pytest

from django_smartcar.models import VehicleReading, VehicleSignal
from django_smartcar.services import readings, signals

pytestmark = pytest.mark.django_db

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)


@pytest.fixture
def fleet(make_vehicle, account):
    cars = [make_vehicle(account, f"car-{number}") for number in range(500)]
    VehicleSignal.objects.bulk_create(
        VehicleSignal(
            vehicle=car, signal=name, value=number, recorded_at=NOON, received_at=NOON, status_at=NOON
        )
        for number, car in enumerate(cars)
        for name in ("battery_level", "speed", "odometer")
    )
    return cars


def test_the_latest_signals_of_many_vehicles_take_one_query(fleet, django_assert_num_queries):
    with django_assert_num_queries(1):
        found = signals.latest(fleet, ["battery_level", "speed"])
    assert len(found) == 500
    assert set(found[fleet[0].pk]) == {"battery_level", "speed"}
    assert found[fleet[499].pk]["speed"].value == 499
    with django_assert_num_queries(1):
        assert set(signals.latest(fleet[:1])[fleet[0].pk]) == {"battery_level", "speed", "odometer"}


def test_a_vehicle_without_signals_has_none(vehicle):
    assert signals.latest([vehicle], ["speed"]) == {vehicle.pk: {}}


def test_the_signals_of_a_vehicle_take_one_query_or_none(fleet, django_assert_num_queries):
    with django_assert_num_queries(1):
        assert fleet[3].signals["speed"].value == 3
    (prefetched,) = type(fleet[0]).objects.filter(pk=fleet[3].pk).prefetch_related("signal_states")
    with django_assert_num_queries(0):
        assert prefetched.signals["speed"].value == 3


@pytest.fixture
def driven(vehicle):
    """Return a vehicle with its speed every ten minutes, and an outlier."""
    return make_history(vehicle)


def make_history(vehicle):
    moments = [NOON + timedelta(minutes=10 * number) for number in range(12)]
    readings.save_many(
        readings.make_observation(vehicle, "speed", 10.5 * number, "km/h", moment)
        for number, moment in enumerate(moments)
    )
    readings.save(vehicle, "speed", 700, "km/h", NOON + timedelta(minutes=5))
    return vehicle


def test_the_history_of_a_signal(driven):
    found = list(signals.history(driven, "speed"))
    assert [row.value for row in found] == [10.5 * number for number in range(12)]
    assert [row.recorded_at for row in found[:2]] == [NOON, NOON + timedelta(minutes=10)]
    since, until = NOON + timedelta(minutes=20), NOON + timedelta(minutes=50)
    assert [row.value for row in signals.history(driven, "speed", since=since, until=until)] == [21, 31.5, 42]
    assert not signals.history(driven, "odometer")


def test_the_history_in_steps_takes_one_query(driven, django_assert_num_queries):
    with django_assert_num_queries(1):
        found = signals.history(driven, "speed", step=timedelta(hours=1))
    check_steps(found)
    day = signals.history(driven, "speed", since=NOON + timedelta(hours=1), step=timedelta(days=1))
    assert [(bucket.at, bucket.number) for bucket in day] == [(NOON.replace(hour=0), 6)]


def check_steps(found):
    assert found == [
        (NOON, pytest.approx(26.25), 0, 52.5, 6),
        (NOON + timedelta(hours=1), pytest.approx(89.25), 63, 115.5, 6),
    ]


@pytest.mark.parametrize(
    ("name", "step", "says"),
    [
        ("speed", timedelta(0), "at least one second"),
        ("speed", timedelta(milliseconds=10), "at least one second"),
        ("location", timedelta(hours=1), "not a number"),
        ("is_locked", timedelta(hours=1), "not a number"),
    ],
)
def test_what_has_no_average_is_a_value_error(vehicle, name, step, says):
    with pytest.raises(ValueError, match=says):
        signals.history(vehicle, name, step=step)


def test_private_signals_are_left_out(vehicle):
    place = {"latitude": 52.5, "longitude": 13.4}
    for name, value in (("location", place), ("nickname", "x"), ("speed", 1), ("location_new", 1)):
        VehicleReading.objects.create(
            vehicle=vehicle, signal=name, value=value, recorded_at=NOON, received_at=NOON
        )
    assert [row.signal for row in signals.without_private(VehicleReading.objects.all())] == ["speed"]
    assert signals.is_private("location")
    assert signals.is_private("location_new")
    assert not signals.is_private("speed")


PLACE = {"latitude": 52.5, "longitude": 13.4}

#: How a driver ends what this site may see.
ENDINGS = {
    "permission taken back": {"permissions": ["read_odometer"]},
    "disconnected": {"disconnected_at": NOON},
}


@pytest.fixture
def seen(vehicle):
    """Return a vehicle of which a position and an odometer are stored."""
    readings.save(vehicle, "location", PLACE, "", NOON)
    readings.save(vehicle, "odometer", 100, "km", NOON)
    return vehicle


def test_a_position_is_returned_while_the_driver_shares_it(seen):
    state = signals.latest([seen], ["location"])[seen.pk]["location"]
    assert (state.value, state.at) == (PLACE, NOON)
    assert [row.value for row in signals.history(seen, "location")] == [PLACE]


@pytest.mark.parametrize("ending", ENDINGS.values(), ids=ENDINGS)
def test_no_position_is_returned_once_the_driver_shares_it_no_more(seen, ending):
    type(seen).objects.update(**ending)
    seen.refresh_from_db()
    found = signals.latest([seen])[seen.pk]
    assert (found["location"].value, found["location"].at, found["location"].has_value) == (None, None, False)
    assert found["odometer"].value == 100
    assert not signals.history(seen, "location")
    assert signals.history(seen, "odometer")
    assert VehicleReading.objects.filter(signal="location").count() == 1, "it stays the driver's own"


def test_no_position_is_returned_after_smartcar_refused_to_tell_it(seen):
    """The driver has taken the permission back, but no sync has read the permissions since."""
    VehicleSignal.objects.filter(signal="location").update(status="error", error_type="PERMISSION")
    state = signals.latest([seen])[seen.pk]["location"]
    assert (state.value, state.status) == (None, "error")
    VehicleSignal.objects.filter(signal="location").update(error_type="SERVER")
    assert signals.latest([seen])[seen.pk]["location"].value == PLACE
