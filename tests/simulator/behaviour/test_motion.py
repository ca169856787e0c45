"""What changes as time passes, in however many steps."""

from dataclasses import asdict
from datetime import UTC, datetime, timedelta

import pytest
import time_machine

from django_smartcar.simulator import store
from django_smartcar.simulator.behaviour import motion
from django_smartcar.simulator.behaviour.commands_v2 import COMMANDS, execute
from django_smartcar.simulator.signals.catalog import SIGNALS
from django_smartcar.simulator.vehicles import climate, movement
from django_smartcar.simulator.vehicles.catalog import MAKES
from django_smartcar.simulator.vehicles.factory import build_car
from django_smartcar.simulator.vehicles.v2_readings import READINGS, Units

HOURS = 7
NOW = datetime(2026, 11, 28, 12, tzinfo=UTC)


@pytest.fixture
def built():
    """Build vehicles at a moment at which the clock stands still, but for `store.advance`."""

    def build(powertrain, make="TESLA"):
        store.reset()
        now = store.now()
        car = build_car("seed", owner_id="owner", make=MAKES[make], now=now, powertrain=powertrain)
        with store.changes() as state:
            state.cars[car.id] = car
        return car

    with time_machine.travel(NOW, tick=False):
        yield build


@pytest.mark.parametrize("seconds", [60, 61, 600, 3599, 7200])
@pytest.mark.parametrize(
    ("powertrain", "state"),
    [("BEV", "driving"), ("PHEV", "driving"), ("ICE", "driving"), ("BEV", "charging"), ("PHEV", "charging")]
    + [("BEV", "fast"), ("ICE", "parked"), ("BEV", "asleep")],
)
def test_many_small_steps_and_a_big_one_end_in_the_same_state(built, powertrain, state, seconds):
    ends = []
    for step in (seconds, HOURS * 3600):
        car = built(powertrain)
        motion.enter(car, "charging" if state == "fast" else state, is_fast=state == "fast")
        passed = 0
        while passed < HOURS * 3600:
            motion.pass_time(min(step, HOURS * 3600 - passed))
            passed += step
        motion.enter(car, "parked")
        ends.append(asdict(car))
    assert ends[0] == ends[1]


@pytest.mark.parametrize("powertrain", ["BEV", "ICE"])
def test_a_driving_car_moves_in_the_direction_of_its_heading(built, powertrain):
    car = built(powertrain)
    motion.enter(car, "driving")
    headings = set()
    for _ in range(60):
        before, odometer = [car.latitude, car.longitude], car.odometer_km
        motion.pass_time(60)
        after = [car.latitude, car.longitude]
        assert movement.kilometres(before, after) == pytest.approx(car.odometer_km - odometer, abs=0.01)
        difference = movement.bearing(before, after) - car.heading
        assert abs((difference + 180) % 360 - 180) < 1
        headings.add(car.heading)
    assert len(headings) > 3


def test_a_driving_car_stays_on_the_map(built):
    car = built("ICE")
    car.latitude, car.longitude = 88.9, 179.9
    motion.enter(car, "driving")
    motion.pass_time(12 * 3600)
    assert abs(car.latitude) <= 89
    assert abs(car.longitude) <= 180


def test_the_12_volt_battery_falls_while_the_car_stands_and_rises_while_it_drives(built):
    levels = {}
    for state in ("parked", "asleep", "driving"):
        car = built("ICE")
        car.low_voltage_percent = 0.8
        motion.enter(car, state)
        motion.pass_time(24 * 3600)
        motion.enter(car, "parked")
        levels[state] = car.low_voltage_percent
    assert 0.75 < levels["parked"] < levels["asleep"] < 0.8 < levels["driving"] <= 0.98


def test_the_temperature_inside_follows_the_one_outside(built):
    car = built("ICE")
    motion.enter(car, "driving")
    motion.pass_time(3600)
    assert climate.inside(car) == pytest.approx(21.0, abs=0.1)
    motion.enter(car, "parked")
    assert climate.inside(car) == pytest.approx(21.0, abs=0.1)
    motion.pass_time(8 * 3600)
    motion.report(car)
    assert abs(climate.inside(car) - climate.outside(car)) < 12
    assert abs(climate.inside(car) - 21.0) > 0.1


def test_winter_is_colder_than_summer(built):
    car = built("ICE")
    summer, winter = [], []
    for _ in range(0, 365, 5):
        car.recorded_at = car.recorded_at + timedelta(days=5)
        month = car.recorded_at.month
        (summer if month in (6, 7, 8) else winter if month in (12, 1, 2) else []).append(climate.outside(car))
    assert max(winter) < min(summer)
    car.latitude = -car.latitude
    assert climate.outside(car) is not None


def test_charging_stops_at_the_limit_and_counts_the_energy(built):
    car = built("BEV")
    motion.set_battery(car, 0.5)
    motion.enter(car, "charging")
    motion.pass_time(20 * 3600)
    assert (car.battery_percent, car.charge_state) == (car.charge_limit, "FULLY_CHARGED")
    assert car.energy_added_kwh == pytest.approx(0.4 * car.battery_capacity_kwh, abs=1e-3)
    motion.enter(car, "charging")
    assert car.energy_added_kwh == 0


def test_a_level_that_is_set_during_a_session_adds_no_energy(built):
    car = built("BEV")
    motion.set_battery(car, 0.5)
    motion.enter(car, "charging")
    motion.pass_time(3600)
    added = car.energy_added_kwh
    motion.set_battery(car, 0.1)
    motion.enter(car, "parked")
    assert added > 1
    assert car.charge_records[-1]["energyAdded"] == pytest.approx(added, abs=0.01)
    assert car.charge_records[-1]["cost"]["energyAmount"] > 0


@pytest.mark.parametrize(("amperes", "watts"), [(80, 48 * 240), (48, 48 * 240), (16, 16 * 240), (0, 0)])
def test_the_current_that_flows_has_a_maximum_and_may_be_zero(built, amperes, watts):
    car = built("BEV")
    motion.set_battery(car, 0.2)
    car.charge_amperage = amperes
    motion.enter(car, "charging")
    motion.pass_time(3600)

    def value(code):
        return SIGNALS[f"charge-{code}"].body(car, Units("metric"))["value"]

    assert (value("wattage"), value("amperage")) == (watts, watts / 240)
    assert value("ischarging") is bool(watts)
    assert value("detailedchargingstatus") == ("CHARGING" if watts else "NOT_CHARGING")
    assert READINGS["charge"].body(car, Units("metric"), {})["state"] == value("detailedchargingstatus")
    assert car.energy_added_kwh == pytest.approx(watts / 1000, abs=0.01)
    assert value("amperagerequested") == amperes


@pytest.mark.parametrize("end", ["full", "command", "driving"])
def test_a_charging_session_is_recorded_when_it_ends(built, end):
    car = built("BEV")
    motion.set_battery(car, 0.8 if end == "full" else 0.2)
    before = len(car.charge_records)
    motion.enter(car, "charging", is_fast=end == "driving")
    begun_at = car.recorded_at
    motion.pass_time(30 * 60 if end == "driving" else 3 * 3600)
    if end == "command":
        execute(car, COMMANDS["charge"], {"action": "STOP"})
    elif end == "driving":
        motion.enter(car, "driving")
    new = car.charge_records[before:]
    assert len(new) == 1
    assert datetime.fromisoformat(new[0]["startTime"]) == begun_at
    assert begun_at < datetime.fromisoformat(new[0]["endTime"]) <= store.now()
    assert new[0]["energyAdded"] == pytest.approx(car.energy_added_kwh, abs=0.01)
    assert new[0]["isPublicCharger"] is (end == "driving")
    assert car.charging_since is None
