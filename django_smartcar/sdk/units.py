"""Units: the words that Smartcar uses for them, and conversion to the units that the SDK returns.

The SDK returns fractions of 1 for percentages, kilometres or miles, litres or US gallons, kPa or psi, degrees
Celsius or Fahrenheit, and kWh, watts, volts, amperes and minutes in both systems. The words are those of
smartcar.com/docs and of received webhooks ("km", "kWhr"), and their variants.
"""

import math
import sys
from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple, TypeVar

Named = TypeVar("Named")

#: Decimals of a converted number: 0.57 and not 0.5700000000000001.
DECIMALS: Final = 6

MILE, US_GALLON, IMPERIAL_GALLON, PSI = 1.609344, 3.785411784, 4.54609, 6.894757293168


class Unit(NamedTuple):
    """``value * factor + offset`` is the value in the SDK's metric unit."""

    kind: str
    factor: float = 1
    offset: float = 0


_WORDS: Final[dict[Unit, str]] = {
    Unit("percent"): "fraction",
    Unit("percent", 0.01): "percent percentage %",
    Unit("distance"): "km kms kilometer kilometers kilometre kilometres",
    Unit("distance", 0.001): "m meter meters metre metres",
    Unit("distance", MILE): "mi mile miles",
    Unit("speed"): "km/h kmh kph kilometers_per_hour kilometres_per_hour",
    Unit("speed", MILE): "mph mi/h miles_per_hour",
    Unit("volume"): "l liter liters litre litres",
    Unit("volume", US_GALLON): "gal gallon gallons us_gallons",
    Unit("volume", IMPERIAL_GALLON): "imperial_gallons uk_gallons",
    Unit("pressure"): "kpa kilopascal kilopascals",
    Unit("pressure", PSI): "psi pounds_per_square_inch",
    Unit("pressure", 100): "bar bars",
    Unit("energy"): "kwh kwhr kwhrs kilowatt_hour kilowatt_hours kilowatthours",
    Unit("energy", 0.001): "wh whr watt_hour watt_hours",
    Unit("temperature"): "c °c celsius degrees_celsius",
    Unit("temperature", 5 / 9, -160 / 9): "f °f fahrenheit degrees_fahrenheit",
    Unit("power"): "w watt watts",
    Unit("power", 1000): "kw kilowatt kilowatts",
    Unit("voltage"): "v volt volts",
    Unit("current"): "a amp amps ampere amperes",
    Unit("minutes"): "min mins minute minutes",
    Unit("minutes", 1 / 60): "s sec second seconds",
    Unit("minutes", 60): "h hour hours",
}
UNITS: Final = {word: unit for unit, words in _WORDS.items() for word in words.split()}

#: What is measured -> the unit that the SDK returns, metric and imperial.
TARGET_UNITS: Final = {
    "percent": ("fraction", "fraction"),
    "distance": ("km", "mi"),
    "speed": ("km/h", "mph"),
    "volume": ("l", "gal"),
    "pressure": ("kPa", "psi"),
    "energy": ("kWh", "kWh"),
    "temperature": ("C", "F"),
    "power": ("W", "W"),
    "voltage": ("V", "V"),
    "current": ("A", "A"),
    "minutes": ("min", "min"),
}


#: What a car can have, in the metric unit of each quantity: the smallest and the largest number.
RANGES: Final = {
    "percent": (0, 1),
    "distance": (0, 5_000_000),
    "speed": (0, 600),
    "volume": (0, 1_000),
    "pressure": (0, 1_000),
    "energy": (0, 1_500),
    "temperature": (-90, 250),
    "power": (-1_500_000, 1_500_000),
    "voltage": (0, 1_500),
    "current": (-3_000, 3_000),
    "minutes": (0, 100_000),
}
#: The quantities whose unit is sometimes named wrongly, with the words that are tried then, in this order.
#: Cars have sent kPa as "bar" (wbyoung/smartcar #78), and fractions of 1 without a unit (#52).
ALTERNATIVES: Final = {
    "percent": ("fraction", "percent"),
    "pressure": ("kPa", "bar", "psi"),
    "energy": ("kWh", "Wh"),
    "power": ("W", "kW"),
}


class Conversion(NamedTuple):
    """Converts ``source`` to ``target``, whose name is ``word``; both units are None if unknown."""

    word: str | None
    source: Unit | None = None
    target: Unit | None = None

    def __call__(self, value: Any) -> Any:
        """Return a number in the target unit, None if it is not finite, and anything else unchanged."""
        if isinstance(value, bool) or not isinstance(value, int | float):
            return value
        if not abs(value) <= sys.float_info.max:
            return None
        if self.source is None or self.target is None or self.source == self.target:
            return value
        metric = value * self.source.factor + self.source.offset
        converted = (metric - self.target.offset) / self.target.factor
        return round(converted, DECIMALS) if math.isfinite(converted) else None


def conversion(
    word: str | None, kind: str | None, unit_system: str = "metric", *, sent_in: str = "metric"
) -> Conversion:
    """Return the conversion from the unit ``word`` to the SDK's unit in ``unit_system``.

    Without a word, a ``kind`` of percent is a percentage, and any other has the units of ``sent_in``.
    An unknown word and its numbers stay unchanged. See `plausible_word` for words that are wrong.
    """
    if word is None and kind is not None:
        word = "percent" if kind == "percent" else TARGET_UNITS[kind][sent_in == "imperial"]
    known = _named(_CONVERSIONS, word)
    return Conversion(word) if known is None else known[unit_system == "imperial"]


def plausible_word(word: str | None, kind: str | None, numbers: Sequence[float]) -> str | None:
    """Return the word for the unit of these ``numbers``: another one if no car can have them in ``word``."""
    candidates = ALTERNATIVES.get(kind or "", ())
    if kind is None or not candidates:
        return word
    if word:
        stated = _named(UNITS, word)
        # A wrong word moves all numbers. If only some are impossible, these are wrong, not the word.
        told = [number for number in numbers if number]
        if stated is None or stated.kind != kind or not told or any(_is_possible(n, stated) for n in told):
            return word
    elif kind != "percent":
        return None
    possible = (name for name in candidates if all(_is_possible(n, UNITS[name.lower()]) for n in numbers))
    return next(possible, word)


def _is_possible(number: float, unit: Unit) -> bool:
    smallest, largest = RANGES[unit.kind]
    return smallest <= number * unit.factor + unit.offset <= largest


def _named(known: Mapping[str, Named], word: str | None) -> Named | None:
    """Return what a word names, in any spelling."""
    return (known.get(word) or known.get(_normal(word))) if word else None


def _normal(word: str) -> str:
    return word.strip().lower().replace(" ", "_").replace("-", "_")


#: By the word for the source: the conversions to the metric and to the imperial unit.
_CONVERSIONS: Final = {
    word: tuple(Conversion(target, source, UNITS[_normal(target)]) for target in TARGET_UNITS[source.kind])
    for word, source in UNITS.items()
}
