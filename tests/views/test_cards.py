from datetime import timedelta

import pytest
from django.utils import timezone

from django_smartcar.services import readings
from django_smartcar.views.cards import Card

pytestmark = pytest.mark.django_db

GRANTED = [
    "read_battery",
    "read_charge",
    "read_fuel",
    "read_security",
    "read_speedometer",
    "read_vehicle_info",
]


@pytest.fixture
def card(make_vehicle, account):
    def card(*values, unit_system="metric", permissions=GRANTED, ago=timedelta(0)):
        vehicle = make_vehicle(account, permissions=permissions, unit_system=unit_system)
        for signal, value, *unit in values:
            readings.save(vehicle, signal, value, *unit, recorded_at=timezone.now() - ago)
        return Card(vehicle)

    return card


def words(card):
    return [pill.text for pill in card.pills]


def test_a_car_that_has_told_nothing(card):
    empty = card()
    assert (empty.gauges, empty.pills, empty.seen_at, empty.is_fresh) == ([], [], None, False)


@pytest.mark.parametrize(("unit_system", "range_"), [("metric", "161\xa0km"), ("imperial", "100\xa0mi")])
def test_the_gauge_of_the_battery_has_the_range(card, unit_system, range_):
    shown = card(
        ("battery_level", 0.19, "fraction"), ("battery_range", 160.9344, "km"), unit_system=unit_system
    )
    (gauge,) = shown.gauges
    assert (gauge.label, gauge.percent, gauge.range, gauge.is_low) == ("Battery", 19, range_, True)


def test_a_hybrid_has_two_gauges(card):
    gauges = card(("battery_level", 0.2, "fraction"), ("fuel_level", 0.5, "fraction")).gauges
    assert [(gauge.label, gauge.percent, gauge.is_low) for gauge in gauges] == [
        ("Battery", 20, False),
        ("Fuel", 50, False),
    ]


@pytest.mark.parametrize(
    ("values", "shown"),
    [
        ([("is_locked", True)], ["locked"]),
        ([("is_locked", False)], ["unlocked"]),
        ([("is_charging", True), ("is_plugged_in", True)], ["charging"]),
        ([("is_charging", False), ("is_plugged_in", True)], ["plugged in"]),
        ([("charge_state", "CHARGING")], ["charging"]),
        ([("is_plugged_in", False)], []),
        ([("speed", 40, "km/h")], ["driving"]),
        ([("speed", 0, "km/h")], []),
        ([("is_online", False), ("is_asleep", True)], ["offline"]),
        ([("is_online", True), ("is_asleep", True)], ["asleep"]),
        ([("is_online", True)], []),
    ],
)
def test_states_in_a_word(card, values, shown):
    assert words(card(*values)) == shown


def test_a_speed_of_an_hour_ago_is_not_driving(card):
    assert words(card(("speed", 40, "km/h"), ago=timedelta(hours=1))) == []


@pytest.mark.parametrize(("is_locked", "icon"), [(True, "lock"), (False, "lock-open")])
def test_the_lock_is_drawn_as_it_is(card, is_locked, icon):
    assert [pill.icon for pill in card(("is_locked", is_locked)).pills] == [icon]


def test_the_lock_and_what_is_open_are_separate_facts(card):
    window = {"values": [{"row": 0, "column": 1, "isOpen": True}, {"row": 0, "column": 0, "isOpen": False}]}
    shown = card(("is_locked", True), ("windows", window), ("rear_trunk", {"isOpen": False}))
    assert words(shown) == ["locked", "window open"]
    assert [pill.kind for pill in shown.pills] == ["good", "warning"]


def test_what_the_driver_has_taken_back_is_not_shown(card):
    hidden = card(("battery_level", 0.5, "fraction"), ("is_locked", True), permissions=[])
    assert (hidden.gauges, hidden.pills, hidden.seen_at) == ([], [], None)


@pytest.mark.parametrize(("hours", "is_fresh"), [(5, True), (7, False)])
def test_values_are_fresh_for_six_hours(card, hours, is_fresh):
    assert card(("is_locked", True), ago=timedelta(hours=hours)).is_fresh is is_fresh
