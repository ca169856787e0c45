"""The period of a service history."""

from datetime import UTC, date, datetime, time, timedelta
from typing import Final, NamedTuple, TypeAlias

from ._dates import parse_datetime
from .types import ServiceRecord

#: Smartcar's default period: the last year.
DEFAULT: Final = timedelta(days=365)

#: The length of a day in ISO 8601, ``"2026-11-20"``; anything longer has a time.
DAY_LENGTH: Final = 10

#: A date, a datetime (a naive one is taken as UTC), or either in ISO 8601.
Day: TypeAlias = date | datetime | str


class Period(NamedTuple):
    """A start and an end, both inclusive. Without one, Smartcar's default applies."""

    start: datetime | None = None
    end: datetime | None = None

    def params(self) -> dict[str, str | None]:
        """Return the query parameters of API v2."""
        return {"startDate": _text(self.start), "endDate": _text(self.end)}

    def filter(self, records: list[ServiceRecord]) -> list[ServiceRecord]:
        """Return the records in this period, and those without a date. API v3 always sends all of them."""
        end = self.end or datetime.now(UTC)
        start = self.start or end - DEFAULT
        return [
            record
            for record in records
            if record["service_date"] is None or start <= record["service_date"] <= end
        ]


def period(start: Day | None, end: Day | None) -> Period:
    """Return a period. A date includes its whole day, in UTC.

    Raises ValueError for text that is not a date, and for an end before the start.
    """
    result = Period(_parse(start, time.min), _parse(end, time.max))
    if result.start and result.end and result.end < result.start:
        raise ValueError(f"the end, {end}, is before the start, {start}")
    return result


def _parse(value: Day | None, time_of_day: time) -> datetime | None:
    if value is None or value == "":
        return None
    if isinstance(value, str) and len(value) == DAY_LENGTH:
        value = date.fromisoformat(value)
    if isinstance(value, date) and not isinstance(value, datetime):
        value = datetime.combine(value, time_of_day)
    parsed = parse_datetime(value)
    if parsed is None:
        raise ValueError(f"{value!r} is neither a date nor a datetime in ISO 8601")
    return parsed


def _text(value: datetime | None) -> str | None:
    return value.isoformat(timespec="milliseconds").replace("+00:00", "Z") if value else None
