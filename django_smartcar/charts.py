"""Charts of a vehicle's history, drawn on the server as SVG with a table behind each."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from django.template.defaultfilters import date as format_date
from django.template.defaultfilters import floatformat
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from .databases import to_database_time, to_utc
from .models import ConnectedVehicle, VehicleReading, label_of
from .services import readings, signals
from .services.signals import Bucket

#: Signals with a chart, in the order of the page.
CHARTED = (
    "battery_level",
    "fuel_level",
    "odometer",
    "battery_range",
    "fuel_range",
    "charge_power",
    "outside_temperature",
    "inside_temperature",
)
#: The size of the drawing. A stylesheet stretches it to the width of the page.
WIDTH, HEIGHT = 600, 160
#: The largest number of parts of the axis of values.
VALUE_PARTS = 4
NO_BREAK = "\u00a0"


class Period(NamedTuple):
    """A period of time that can be chosen, and the step of its averages."""

    label: Promise
    length: timedelta
    step: timedelta
    #: Parts of the time axis.
    parts: int
    #: The format of a time on the axis, and in the table.
    tick_format: str
    row_format: str


#: By name, as in ``?period=day``.
PERIODS = {
    "day": Period(_("Day"), timedelta(days=1), timedelta(minutes=30), 6, "H:i", "j M, H:i"),
    "week": Period(_("Week"), timedelta(days=7), timedelta(hours=3), 7, "D", "D j M, H:i"),
    "month": Period(_("Month"), timedelta(days=30), timedelta(hours=12), 5, "j M", "j M, H:i"),
    "year": Period(_("Year"), timedelta(days=365), timedelta(days=5), 4, "M Y", "j M Y"),
}


#: The period that is shown without a choice.
DEFAULT_PERIOD = "week"


def period_named(name: str) -> str:
    """Return the name if there is such a period, otherwise that of the default."""
    return name if name in PERIODS else DEFAULT_PERIOD


class Axis(NamedTuple):
    """A scale of round numbers that holds all values."""

    start: float
    end: float
    step: float

    @property
    def ticks(self) -> list[float]:
        """The numbers at the axis, the largest first."""
        parts = round((self.end - self.start) / self.step)
        return [self.start + self.step * part for part in range(parts, -1, -1)]

    @property
    def digits(self) -> int:
        """The decimals that tell its ticks apart."""
        return max(0, -math.floor(math.log10(self.step)))


class TableRow(NamedTuple):
    at: str
    average: str
    minimum: str
    maximum: str


@dataclass(frozen=True)
class Chart:
    """One signal over a period: paths for an SVG of ``WIDTH`` by ``HEIGHT``, labels and a table."""

    signal: str
    label: str
    unit: str
    #: The line of the averages, and the area between the minimum and the maximum of each step.
    line: str
    area: str
    value_ticks: list[str]
    time_ticks: list[str]
    rows: list[TableRow]

    width, height = WIDTH, HEIGHT

    @property
    def icon(self) -> str:
        return signals.icon_of(self.signal)

    @property
    def grid(self) -> list[str]:
        """The heights of the horizontal lines, as text that no locale changes."""
        last = len(self.value_ticks) - 1
        return [_number(HEIGHT * index / last) for index in range(last + 1)]


def charts_of(vehicle: ConnectedVehicle, period: Period) -> list[Chart]:
    """Return a chart of each signal that has a history in the period and is shared: one query, or none."""
    since = datetime.now(UTC) - period.length
    shared = [name for name in CHARTED if signals.is_shared(vehicle, name)]
    if not shared:
        return []
    found = signals.histories(vehicle, shared, period.step, since=to_database_time(since))
    return [
        _chart(name, _in_units(name, buckets, vehicle.unit_system), period, since)
        for name, buckets in found.items()
        if buckets
    ]


class _Numbers(NamedTuple):
    """The buckets of a signal in the unit that the page shows."""

    buckets: list[Bucket]
    unit: str


def _in_units(name: str, buckets: list[Bucket], unit_system: str) -> _Numbers:
    """Convert canonical numbers to the driver's units: fractions to percent, watts to kilowatts."""
    zero, hundred = (
        readings.in_units(VehicleReading(signal=name, value=value, unit=signals.unit_of(name)), unit_system)
        for value in (0, 100)
    )
    factor, unit = (hundred.value - zero.value) / 100, zero.unit
    offset = zero.value
    if unit == "fraction":
        factor, unit = factor * 100, "%"
    elif unit == "W":
        factor, unit = factor / 1000, "kW"
    elif unit in ("C", "F"):
        unit = f"°{unit}"
    converted = [
        bucket._replace(
            at=to_utc(bucket.at),
            average=bucket.average * factor + offset,
            minimum=bucket.minimum * factor + offset,
            maximum=bucket.maximum * factor + offset,
        )
        for bucket in buckets
    ]
    return _Numbers(converted, unit)


def _chart(name: str, numbers: _Numbers, period: Period, since: datetime) -> Chart:
    buckets = numbers.buckets
    axis = axis_of(
        min(bucket.minimum for bucket in buckets), max(bucket.maximum for bucket in buckets), VALUE_PARTS
    )

    def point(at: datetime, value: float) -> str:
        # A bucket stands in the middle of its step; the first one may begin before the period.
        share = (at + period.step / 2 - since) / period.length
        x = WIDTH * min(1.0, max(0.0, share))
        return f"{_number(x)} {_number(HEIGHT * (axis.end - value) / (axis.end - axis.start))}"

    parts = list(_without_gaps(buckets, period.length / 8))
    line = " ".join(
        "M" + " L".join(point(bucket.at, bucket.average) for bucket in part) + " h0" for part in parts
    )
    area = " ".join(
        "M"
        + " L".join(
            [
                *(point(bucket.at, bucket.maximum) for bucket in part),
                *(point(bucket.at, bucket.minimum) for bucket in reversed(part)),
            ]
        )
        + " Z"
        for part in parts
    )
    times = [since + period.length * part / period.parts for part in range(period.parts + 1)]
    return Chart(
        name,
        label_of(name),
        numbers.unit,
        line,
        area,
        [floatformat(tick, f"{axis.digits}g") for tick in axis.ticks],
        [_local(moment, period.tick_format) for moment in times],
        [_row(bucket, period) for bucket in buckets],
    )


def axis_of(smallest: float, largest: float, parts: int) -> Axis:
    """Return the axis with the fewest round numbers that hold both; of one value, with room around it."""
    if largest - smallest < max(abs(largest), 1.0) * 1e-6:
        smallest, largest = smallest - 1, largest + 1
    rough = (largest - smallest) / parts
    magnitude = 10.0 ** math.floor(math.log10(rough))
    for step in (magnitude * factor for factor in (1, 2, 5, 10, 20)):
        start, end = math.floor(smallest / step) * step, math.ceil(largest / step) * step
        if end - start <= step * parts * 1.001:
            break
    return Axis(start, end, step)


def _without_gaps(buckets: Sequence[Bucket], longest: timedelta) -> Iterable[list[Bucket]]:
    """Yield parts of the line: it is not drawn over a time without values that is longer than this."""
    part: list[Bucket] = []
    for bucket in buckets:
        if part and bucket.at - part[-1].at > longest:
            yield part
            part = []
        part.append(bucket)
    yield part


def _row(bucket: Bucket, period: Period) -> TableRow:
    numbers = (floatformat(value, "1g") for value in (bucket.average, bucket.minimum, bucket.maximum))
    return TableRow(_local(bucket.at, period.row_format), *numbers)


def _local(moment: datetime, date_format: str) -> str:
    return format_date(timezone.localtime(moment), date_format)


def _number(value: float) -> str:
    """Return a coordinate of the drawing, as no locale writes it."""
    return f"{value:.1f}".removesuffix(".0")
