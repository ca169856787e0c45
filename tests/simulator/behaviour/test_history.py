"""The past of a car: it leads up to the present, and webhooks hear of it before anything newer."""

import json
import threading
from datetime import UTC, datetime, timedelta

import pytest
import time_machine

from django_smartcar.simulator import server, store
from django_smartcar.simulator.behaviour import history, motion
from django_smartcar.simulator.behaviour.past import moments
from django_smartcar.simulator.behaviour.past_plan import make_plan
from django_smartcar.simulator.behaviour.refills import Impossible, Stretch, refills
from django_smartcar.simulator.signals.catalog import SIGNALS
from django_smartcar.simulator.vehicles import movement
from django_smartcar.simulator.vehicles.catalog import MAKES
from django_smartcar.simulator.vehicles.factory import build_car
from django_smartcar.simulator.webhooks import queue, registry
from tests.simulator.conftest import ALL_SCOPES

DAYS = 30
NOW = datetime(2026, 11, 28, 12, tzinfo=UTC)


@pytest.fixture(autouse=True)
def standing_clock():
    with time_machine.travel(NOW, tick=False):
        store.reset()
        yield


def build(make="TESLA", number=0, seed="a car"):
    return build_car(seed, owner_id="owner", make=MAKES[make], now=store.now(), number=number)


CARS = [(make.id, number) for make in MAKES.values() for number in range(len(make.models))]


@pytest.fixture(params=CARS, ids=lambda car: f"{car[0]}-{car[1]}")
def car(request):
    return build(*request.param)


def past_of(car, days=DAYS):
    return moments(car, store.now() - timedelta(days=days))


def pairs(past):
    return zip(past, past[1:], strict=False)


def place(car):
    return [car.latitude, car.longitude]


def test_the_past_ends_in_the_present_of_every_model(car):
    past = past_of(car)
    ignored = {"charge_records", "heading", "evolved_at"}
    last, present = (
        {name: value for name, value in vars(one).items() if name not in ignored} for one in (past[-1], car)
    )
    assert last == present
    assert past[0].recorded_at == store.now() - timedelta(days=DAYS)


def test_time_and_odometer_only_rise_and_places_are_connected(car):
    for before, after in pairs(past_of(car)):
        assert before.recorded_at < after.recorded_at
        driven = after.odometer_km - before.odometer_km
        assert driven >= 0
        assert movement.kilometres(place(before), place(after)) == pytest.approx(driven, abs=0.5)
        if driven > 0.01:
            assert before.state == "driving"


def test_levels_fall_while_driving_and_rise_while_charging_or_at_a_station(car):
    for before, after in pairs(past_of(car)):
        charged, fuelled = (
            getattr(after, name) - getattr(before, name) for name in ("battery_percent", "fuel_percent")
        )
        if charged > 1e-8:
            assert before.state == "charging"
        if fuelled > 1e-8:
            assert (before.state, before.is_locked) == ("parked", False)
        if min(charged, fuelled) < -1e-8:
            assert before.state == "driving"
        assert 0.04 < after.battery_percent <= 1 or not car.is_electric
        assert 0.04 < after.fuel_percent <= 1 or not car.has_engine


def test_trips_begin_where_the_last_one_ended_and_lead_home(car):
    plan = make_plan(car, store.now() - timedelta(days=DAYS))
    trips = [trip for outing in plan.outings for trip in outing.trips]
    assert len(trips) > DAYS / 2
    for before, after in zip(trips, trips[1:], strict=False):
        assert before.destination == after.origin
        assert before.ends_at < after.starts_at
    assert {outing.back.destination for outing in plan.outings} == {(car.latitude, car.longitude)}


def test_a_car_is_locked_and_parked_at_night_and_charges_at_home():
    car = build()
    past = past_of(car)
    zone_hours = round(car.longitude / 15)
    nights = [one for one in past[:-1] if (one.recorded_at.hour + zone_hours) % 24 in range(1, 5)]
    assert {one.is_locked for one in nights} == {True}
    assert "driving" not in {one.state for one in nights}
    charged = [one for one in past if one.state == "charging" and not one.is_fast_charger]
    assert len(charged) > 10
    assert all(movement.is_at_home(one) and one.is_plugged_in for one in charged)
    assert {"driving", "charging", "asleep", "parked"} == {one.state for one in past}


def test_long_trips_of_electric_cars_charge_fast():
    fast = [one for seed in "abcdef" for one in past_of(build(seed=seed)) if one.is_fast_charger]
    assert fast
    assert not any(movement.is_at_home(one) for one in fast)
    assert {one.powertrain for one in fast} == {"BEV"}


def test_a_car_that_was_driven_away_comes_from_its_home():
    car = build("HONDA")
    motion.enter(car, "driving")
    motion.pass_time(0)
    car.latitude, car.longitude = movement.moved(car.latitude, car.longitude, 90, 40)
    motion.enter(car, "parked")
    past = past_of(car, 10)
    assert place(past[0]) == car.home
    assert place(past[-1]) == place(car)
    for before, after in pairs(past):
        driven = after.odometer_km - before.odometer_km
        assert movement.kilometres(place(before), place(after)) == pytest.approx(driven, abs=0.5)


def test_a_car_is_not_driven_before_its_first_kilometre():
    car = build()
    car.odometer_km = 100.0
    past = past_of(car)
    assert 0 <= past[0].odometer_km <= past[-1].odometer_km == 100
    assert sum(outing.km for outing in make_plan(car, store.now() - timedelta(days=DAYS)).outings) < 100


@pytest.mark.parametrize("level", [0.02, 0.05, 0.5, 0.9, 0.95, 1.0])
@pytest.mark.parametrize(("make", "number"), [("TESLA", 0), ("GMC", 0), ("CHEVROLET", 0), ("HONDA", 0)])
def test_any_present_level_has_a_past(make, number, level):
    car = build(make, number)
    if car.is_electric:
        motion.set_battery(car, level)
    if car.has_engine:
        motion.set_fuel(car, level)
    past = past_of(car)
    assert past[-1].battery_percent == car.battery_percent
    assert all(0 <= one.battery_percent <= 1 and 0 <= one.fuel_percent <= 1 for one in past)
    for before, after in pairs(past):
        assert after.battery_percent <= before.battery_percent + 1e-8 or before.state == "charging"


def test_the_past_is_the_same_again_and_does_not_change_the_car():
    car = build()
    before = dict(vars(car))
    assert past_of(car) == past_of(car)
    assert vars(car) == before
    assert past_of(build(seed="another")) != past_of(car)


def test_a_refill_leads_up_to_the_level_after_it():
    stretches = [Stretch(0.3, 1.0, 0.2)] * 6
    first, found = refills(stretches, 0.5, 0.9)
    level = first
    for number, stretch in enumerate(stretches):
        level -= stretch.use
        if number in found:
            assert level == pytest.approx(found[number].before)
            level = found[number].after
    assert level == pytest.approx(0.5)
    assert any(one.after == pytest.approx(0.9) for one in found.values())
    with pytest.raises(Impossible):
        refills([Stretch(0.95, 1.0, 0.2)], 0.5, 0.9)


# Events


@pytest.mark.parametrize("days", [0, -1, 367, 1.5, True, "3"])
def test_the_days_are_a_whole_number_within_bounds(days):
    with pytest.raises(ValueError, match="days must be a whole number from 1 to 366"):
        list(history.archive(build(), days))


@pytest.mark.parametrize(("make", "number"), [("TESLA", 0), ("CHEVROLET", 0), ("HONDA", 0)])
def test_an_archive_has_the_events_of_the_period_in_order(make, number):
    car = build(make, number)
    events = list(history.archive(car, 14))
    assert json.loads(json.dumps(events)) == events
    assert events == list(history.archive(car, 14))
    start, end = ((store.now() - timedelta(days=days)).timestamp() * 1000 for days in (14, 0))
    sequences = [event["meta"]["sequence"] for event in events]
    assert sequences == sorted(set(sequences))
    for event in events:
        assert (event["eventType"], event["meta"]["version"]) == ("VEHICLE_STATE", "4.0")
        assert event["data"]["triggers"]
        for one in event["data"]["signals"]:
            assert one["status"] == {"value": "SUCCESS"}
            times = one["meta"]
            assert start <= times["oemUpdatedAt"] < times["retrievedAt"] == event["meta"]["sequence"]
            assert times["retrievedAt"] <= end + 10_000
    assert len({event["eventId"] for event in events}) == len(events)


def test_a_car_that_has_not_reported_for_a_while_has_its_past_before_its_last_report():
    car = build()
    reported_at = car.recorded_at
    store.advance(30 * 86_400)
    events = list(history.archive(car, 5))
    assert len(events) > 20
    moments_ = [datetime.fromtimestamp(event["meta"]["sequence"] / 1000, UTC) for event in events]
    assert reported_at - timedelta(days=5) <= moments_[0]
    assert moments_[-1] <= reported_at + timedelta(seconds=10)


def test_a_day_of_driving_has_more_events_than_an_idle_one():
    per_day = {}
    car = build()
    for event in history.archive(car, DAYS):
        moment = datetime.fromtimestamp(event["meta"]["sequence"] / 1000, UTC)
        day = (moment + timedelta(hours=round(car.longitude / 15))).date()
        is_driving = any(one["body"] == {"value": "DRIVE"} for one in event["data"]["signals"])
        count, driven = per_day.get(day, (0, False))
        per_day[day] = count + 1, driven or is_driving
    driven_days = [count for count, driven in per_day.values() if driven]
    idle_days = [count for count, driven in per_day.values() if not driven]
    assert len(driven_days) > DAYS / 2
    assert sum(driven_days) / len(driven_days) > 15
    assert max(driven_days) <= 80
    assert max(idle_days, default=0) < 20


@pytest.fixture
def tesla(connect, first_car):
    return store.car(first_car(connect(make="TESLA", scope=ALL_SCOPES)))


def delivered(receiver):
    while queue.run():
        pass
    return [one.body for one in receiver.received]


def test_webhooks_hear_of_the_past_before_newer_events(tesla, make_webhook, receiver):
    make_webhook(tesla, triggers=["odometer-traveleddistance", "closure-islocked"])
    motion.enter(tesla, "driving")
    store.advance(60)
    motion.catch_up(tesla)
    newer = len(queue.log()) - 2
    told = history.live(tesla, days=5)
    events = delivered(receiver)
    assert len(events) == len(told) + newer
    recorded = [event["data"]["signals"][0]["meta"]["oemUpdatedAt"] for event in events]
    assert recorded[: len(told)] == sorted(recorded[: len(told)])
    assert max(recorded[: len(told)]) <= min(recorded[len(told) :])
    assert {trigger["code"] for event in events for trigger in event["data"]["triggers"]} == {
        "odometer-traveleddistance",
        "closure-islocked",
    }
    assert all(one.is_signed for one in receiver.received)


def test_other_requests_are_answered_while_a_past_is_generated(tesla, make_webhook, monkeypatch):
    make_webhook(tesla)
    generated, checked = threading.Event(), []

    def body(car, units):
        if not generated.is_set():
            generated.set()
            other = threading.Thread(target=lambda: checked.append(store.cars()), daemon=True)
            other.start()
            other.join(10)
        return {"value": True}

    monkeypatch.setitem(SIGNALS, "closure-islocked", SIGNALS["closure-islocked"]._replace(read=body))
    assert history.live(tesla, days=1)
    assert checked == [[tesla]]


def test_the_past_is_told_with_the_charging_sessions_of_the_car(tesla, make_webhook):
    make_webhook(tesla)
    history.live(tesla, days=20)
    starts = [datetime.fromisoformat(one["startTime"]) for one in tesla.charge_records]
    assert starts == sorted(starts)
    assert len(starts) > 3
    assert min(starts) > store.now() - timedelta(days=20)
    values = SIGNALS["charge-chargerecords"].body(tesla, history._METRIC)["values"]
    assert values == tesla.charge_records


def test_webhooks_of_version_2_and_unverified_ones_hear_nothing(tesla, make_webhook):
    make_webhook(tesla, version="2.0")
    webhook = registry.add("Off", "http://127.0.0.1:9/")
    registry.subscribe(webhook.id, tesla.owner_id, tesla.id)
    assert history.live(tesla, days=2) == []


def test_only_permitted_signals_trigger_events(connect, first_car, make_webhook):
    car = store.car(first_car(connect(make="TESLA", scope="read_odometer")))
    make_webhook(car)
    told = history.live(car, days=3)
    assert told
    assert {one["code"] for delivery in told for one in delivery.payload["data"]["triggers"]} == {
        "odometer-traveleddistance"
    }


def test_new_cars_have_lived_if_the_setting_says_so(settings, connect, first_car, make_webhook, receiver):
    settings.SMARTCAR_SIMULATOR_DAYS = 4
    webhook = make_webhook(auto_subscribe=True)
    receiver.received.clear()
    car = store.car(first_car(connect(make="TESLA", scope=ALL_SCOPES)))
    events = delivered(receiver)
    triggers = [[one["code"] for one in event["data"]["triggers"]] for event in events]
    assert triggers[-1] == ["FIRST_DELIVERY"]
    assert len(triggers) > 40
    assert all("FIRST_DELIVERY" not in codes for codes in triggers[:-1])
    assert car.past_told_to == [webhook.id]
    receiver.received.clear()
    registry.enable(webhook, False)
    registry.enable(webhook, True)
    assert [one["data"]["triggers"] for one in delivered(receiver)] == [[{"code": "FIRST_DELIVERY"}]]


@pytest.mark.parametrize("days", ["367", "-1", "1.5", "many"])
def test_the_program_refuses_a_wrong_number_of_days(days, capsys):
    with pytest.raises(SystemExit):
        server.main(["--days", days])
    assert "is not a whole number of days from 0 to 366" in capsys.readouterr().err


def test_the_past_is_told_when_the_webhook_is_verified(settings, connect, first_car, receiver):
    settings.SMARTCAR_SIMULATOR_DELIVERIES = False
    settings.SMARTCAR_SIMULATOR_DAYS = 2
    car = store.car(first_car(connect(make="TESLA", scope=ALL_SCOPES)))
    webhook = registry.add("Late", receiver.url)
    registry.subscribe(webhook.id, car.owner_id, car.id)
    assert queue.log() == []
    registry.verify(webhook)
    assert len(delivered(receiver)) > 20


def test_what_was_told_survives_a_restart(settings, tmp_path, connect, first_car, make_webhook):
    settings.SMARTCAR_SIMULATOR_STATE = tmp_path / "state.json"
    store.restart()
    car = store.car(first_car(connect(make="TESLA", scope=ALL_SCOPES)))
    make_webhook(car)
    history.live(car, days=3)
    before = store.car(car.id)
    store.restart()
    assert store.car(car.id) == before


def test_cars_of_older_snapshots_have_a_past(settings, tmp_path, connect, first_car):
    settings.SMARTCAR_SIMULATOR_STATE = tmp_path / "state.json"
    store.restart()
    vehicle_id = first_car(connect(make="CHEVROLET"))
    older = json.loads((tmp_path / "state.json").read_text())
    for name in (
        *(
            "is_fast_charger",
            "energy_added_kwh",
            "charging_since",
            "charging_from",
            "charge_records",
            "home",
            "heading",
            "speed_kmh",
        ),
        *("low_voltage_percent", "climate_since", "climate_from", "trouble_codes", "service_visits"),
        "past_told_to",
    ):
        del older["cars"][vehicle_id][name]
    (tmp_path / "state.json").write_text(json.dumps(older))
    store.restart()
    car = store.car(vehicle_id)
    assert all(signal.body(car, history._METRIC) for signal in SIGNALS.values())
    assert list(history.archive(car, 3))
