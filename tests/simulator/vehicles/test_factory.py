"""The vehicles that the factory builds: their values fit each other."""

from datetime import UTC, datetime, timedelta

import pytest

from django_smartcar.simulator.vehicles.catalog import MAKES
from django_smartcar.simulator.vehicles.factory import build_car

NOW = datetime(2026, 11, 28, 12, tzinfo=UTC)


def cars(now=NOW):
    return [
        build_car(f"car {number}", owner_id="o", make=make, now=now, number=number)
        for make in MAKES.values()
        for number in range(12)
    ]


def test_the_same_seed_builds_the_same_car():
    assert cars() == cars()


def test_the_mileage_fits_the_age():
    for car in cars():
        age = NOW.year - car.year
        assert 600 <= car.odometer_km <= 1_700 * 12 * (age + 1)
        if age == 0:
            assert car.odometer_km < 20_000
        if age >= 4:
            assert car.odometer_km > 20_000
    assert all(car.year <= 2024 for car in cars(datetime(2024, 3, 1, tzinfo=UTC)) if car.make == "TESLA")


def test_the_range_fits_the_capacity():
    for car in cars():
        assert 0 <= car.battery_range_km <= 510 * car.battery_percent + 0.01
        assert (car.battery_range_km > 0) is car.is_electric
        assert (car.fuel_range_km > 0) is car.has_engine


def test_visits_to_a_workshop_lie_within_the_life_of_the_car():
    found = 0
    for car in cars():
        times = [datetime.fromisoformat(visit["time"]) for visit in car.service_visits]
        distances = [visit["odometer_km"] for visit in car.service_visits]
        assert times == sorted(times, reverse=True)
        assert distances == sorted(distances, reverse=True)
        assert all(0 < distance < car.odometer_km for distance in distances)
        assert all(time.year >= car.year and time < NOW for time in times)
        found += len(times)
    assert found > 100


@pytest.mark.parametrize(("make", "fast"), [("TESLA", 1), ("CHRYSLER", 0), ("HONDA", None)])
def test_charging_sessions_have_ended_and_fit_the_battery(make, fast):
    car = build_car("seed", owner_id="o", make=MAKES[make], now=NOW)
    if fast is None:
        assert car.charge_records == []
        return
    assert sum(one["isPublicCharger"] for one in car.charge_records) == fast
    for one in car.charge_records:
        start, end = (datetime.fromisoformat(one[name]) for name in ("startTime", "endTime"))
        assert start < end < car.recorded_at
        assert end - start < timedelta(hours=12)
        gained = (one["endStateOfCharge"] - one["startStateOfCharge"]) / 100
        assert one["energyAdded"] == pytest.approx(gained * car.battery_capacity_kwh, abs=0.01)
