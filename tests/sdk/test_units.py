import pytest

from django_smartcar.sdk import units


@pytest.mark.parametrize(
    ("value", "word", "metric", "imperial"),
    [
        (75, "percent", (0.75, "fraction"), (0.75, "fraction")),
        (35.3, "%", (0.353, "fraction"), (0.353, "fraction")),
        (0.75, "fraction", (0.75, "fraction"), (0.75, "fraction")),
        (100, "km", (100, "km"), (62.137119, "mi")),
        (100, "kilometers", (100, "km"), (62.137119, "mi")),
        (100, "miles", (160.9344, "km"), (100, "mi")),
        (1500, "meters", (1.5, "km"), (0.932057, "mi")),
        (50, "miles_per_hour", (80.4672, "km/h"), (50, "mph")),
        (10, "liters", (10, "l"), (2.641721, "gal")),
        (10, "gallons", (37.854118, "l"), (10, "gal")),
        (220, "kPa", (220, "kPa"), (31.908302, "psi")),
        (32, "psi", (220.632233, "kPa"), (32, "psi")),
        (2.2, "bar", (220, "kPa"), (31.908302, "psi")),
        (82, "kWh", (82, "kWh"), (82, "kWh")),
        (82, "kWhr", (82, "kWh"), (82, "kWh")),
        (82, "kilowatt_hours", (82, "kWh"), (82, "kWh")),
        (82, "Kilowatt Hours", (82, "kWh"), (82, "kWh")),
        (82000, "watt_hours", (82, "kWh"), (82, "kWh")),
        (20, "celsius", (20, "C"), (68, "F")),
        (68, "fahrenheit", (20, "C"), (68, "F")),
        (7, "kilowatts", (7000, "W"), (7000, "W")),
        (230, "volts", (230, "V"), (230, "V")),
        (16, "amps", (16, "A"), (16, "A")),
        (90, "seconds", (1.5, "min"), (1.5, "min")),
        (5, "furlongs", (5, "furlongs"), (5, "furlongs")),
    ],
)
def test_a_number_is_converted_to_the_sdks_unit(value, word, metric, imperial):
    for unit_system, (number, face_word) in (("metric", metric), ("imperial", imperial)):
        convert = units.conversion(word, None, unit_system)
        assert (convert(value), convert.word) == (number, face_word)


@pytest.mark.parametrize("unit_system", ["metric", "imperial"])
@pytest.mark.parametrize("percent", range(101))
def test_a_percentage_becomes_the_fraction_that_v2_sends(percent, unit_system):
    fraction = units.conversion("percent", "percent", unit_system)(percent)
    assert repr(fraction) == repr(float(f"{percent / 100:.2f}"))


@pytest.mark.parametrize(
    ("kind", "sent_in", "number", "word"),
    [
        ("percent", "imperial", 0.5, "fraction"),
        ("distance", "metric", 50, "km"),
        ("distance", "imperial", 80.4672, "km"),
        ("minutes", "metric", 50, "min"),
        (None, "metric", 50, None),
    ],
)
def test_a_number_without_a_unit_has_that_of_the_request(kind, sent_in, number, word):
    convert = units.conversion(None, kind, "metric", sent_in=sent_in)
    assert (convert(50), convert.word) == (number, word)


@pytest.mark.parametrize("value", [True, False, None, "CHARGING", {"a": 1}])
def test_anything_but_a_number_is_unchanged(value):
    assert units.conversion("miles", "distance")(value) is value


@pytest.mark.parametrize("value", [float("nan"), float("inf"), 10**400, -(10**400), 1.7e308])
def test_a_number_that_is_not_finite_is_none(value):
    assert units.conversion("bar", "pressure")(value) is None


def test_every_unit_of_the_sdk_can_be_parsed():
    for kind, words in units.TARGET_UNITS.items():
        assert {units.UNITS[units._normal(word)].kind for word in words} == {kind}
