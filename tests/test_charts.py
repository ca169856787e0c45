from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.utils import timezone, translation

from django_smartcar import charts
from django_smartcar.charts import PERIODS, axis_of, charts_of
from django_smartcar.services import readings

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
PERMISSIONS = ["read_battery", "read_charge", "read_odometer", "read_thermometer"]


@pytest.fixture(autouse=True)
def noon():
    with time_machine.travel(NOON, tick=False), timezone.override(UTC):
        yield


@pytest.fixture
def save(make_vehicle, account):
    def save(name, unit, *values, unit_system="metric", permissions=PERMISSIONS):
        """Save values by the hours before noon, and return the vehicle."""
        vehicle = make_vehicle(account, unit_system=unit_system, permissions=permissions)
        for hours, value in values:
            readings.save(vehicle, name, value, unit, NOON - timedelta(hours=hours))
        return vehicle

    return save


@pytest.mark.django_db
class TestChartsOfAVehicle:
    def test_the_values_of_a_period_as_a_table(self, save):
        vehicle = save("battery_level", "fraction", (30, 0.9), (3, 0.8), (2.8, 0.7), (1, 0.5))
        (chart,) = charts_of(vehicle, PERIODS["day"])
        assert (chart.signal, chart.label, chart.unit) == ("battery_level", "Battery", "%")
        assert [tuple(row) for row in chart.rows] == [
            ("20 Nov, 09:00", "75.0", "70.0", "80.0"),
            ("20 Nov, 11:00", "50.0", "50.0", "50.0"),
        ]

    def test_the_line_goes_through_the_averages_and_the_area_from_highest_to_lowest(self, save):
        vehicle = save("battery_level", "fraction", (3, 0.8), (2.8, 0.6), (1, 0.4))
        (chart,) = charts_of(vehicle, PERIODS["day"])
        assert chart.value_ticks == ["80", "70", "60", "50", "40"]
        # A step of 30 minutes is 12.5 of 600 wide, and its point is in its middle.
        assert chart.line == "M531.2 40 L581.2 160 h0"
        assert chart.area == "M531.2 0 L581.2 160 L581.2 160 L531.2 80 Z"
        assert chart.grid == ["0", "40", "80", "120", "160"]

    def test_a_long_gap_is_not_bridged(self, save):
        vehicle = save("battery_level", "fraction", (20, 0.8), (19, 0.7), (2, 0.4))
        (chart,) = charts_of(vehicle, PERIODS["day"])
        assert chart.line.count("M") == 2
        assert chart.line.endswith(" h0")  # a single value is a dot

    @pytest.mark.parametrize(
        ("signal", "unit", "value", "unit_system", "shown"),
        [
            ("odometer", "km", 16093.44, "metric", ("16,093.4", "km")),
            ("odometer", "km", 16093.44, "imperial", ("10,000.0", "mi")),
            ("outside_temperature", "C", -10, "metric", ("-10.0", "°C")),
            ("outside_temperature", "C", -10, "imperial", ("14.0", "°F")),
            ("charge_power", "W", 7200, "metric", ("7.2", "kW")),
            ("battery_range", "km", 160.9344, "imperial", ("100.0", "mi")),
        ],
    )
    def test_numbers_are_in_the_units_of_the_vehicle(self, save, signal, unit, value, unit_system, shown):
        vehicle = save(signal, unit, (1, value), unit_system=unit_system)
        (chart,) = charts_of(vehicle, PERIODS["day"])
        assert (chart.rows[0].average, chart.unit) == shown

    def test_a_signal_that_is_no_longer_granted_has_no_chart(self, save):
        vehicle = save("odometer", "km", (1, 100), permissions=["read_battery"])
        assert charts_of(vehicle, PERIODS["day"]) == []

    def test_a_car_that_is_disconnected_has_no_chart(self, save):
        vehicle = save("odometer", "km", (1, 100))
        vehicle.disconnected_at = NOON
        assert charts_of(vehicle, PERIODS["day"]) == []

    def test_implausible_values_are_left_out(self, save):
        vehicle = save("odometer", "km", (3, 1000), (2, 900_000), (1, 1001))
        (chart,) = charts_of(vehicle, PERIODS["day"])
        assert [row.average for row in chart.rows] == ["1,000.0", "1,001.0"]

    def test_all_charts_take_one_query(self, save, django_assert_num_queries):
        vehicle = save("odometer", "km", (3, 1000))
        readings.save(vehicle, "battery_level", 0.5, "fraction", NOON)
        with django_assert_num_queries(1):
            found = charts_of(vehicle, PERIODS["year"])
        assert [chart.signal for chart in found] == ["battery_level", "odometer"]

    def test_times_are_local(self, save):
        vehicle = save("odometer", "km", (1, 1000))
        with timezone.override("Asia/Tokyo"):
            (chart,) = charts_of(vehicle, PERIODS["day"])
        assert chart.rows[0].at == "20 Nov, 20:00"
        assert chart.time_ticks == ["21:00", "01:00", "05:00", "09:00", "13:00", "17:00", "21:00"]

    def test_numbers_and_times_are_in_the_language(self, save):
        vehicle = save("odometer", "km", (1, 1000.5))
        with translation.override("de"):
            (chart,) = charts_of(vehicle, PERIODS["day"])
        assert chart.rows[0].average == "1.000,5"
        assert "," not in chart.line


class TestAxis:
    @pytest.mark.parametrize(
        ("smallest", "largest", "ticks"),
        [
            (40, 80, [80, 70, 60, 50, 40]),
            (0, 1, [1, 0.5, 0]),
            (-3.2, 11.8, [15, 10, 5, 0, -5]),
            (12_345, 12_350, [12_350, 12_348, 12_346, 12_344]),
            (5, 5, [6, 5.5, 5, 4.5, 4]),
            (0, 0, [1, 0.5, 0, -0.5, -1]),
        ],
    )
    def test_it_has_round_numbers_around_all_values(self, smallest, largest, ticks):
        assert axis_of(smallest, largest, 4).ticks == pytest.approx(ticks)

    @pytest.mark.parametrize(
        ("smallest", "largest"), [(0.001, 0.0017), (1e6, 3e7), (-40, 200), (99.9, 100.1)]
    )
    def test_it_holds_all_values_in_at_most_five_numbers(self, smallest, largest):
        axis = axis_of(smallest, largest, 4)
        assert axis.start <= smallest
        assert axis.end >= largest
        assert 2 <= len(axis.ticks) <= 5


def test_each_charted_signal_is_a_number():
    for name in charts.CHARTED:
        assert charts.signals.permission_of(name)
        assert charts.signals.unit_of(name)
