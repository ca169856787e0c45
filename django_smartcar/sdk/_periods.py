"""What was done to a car in its workshops, and which part of that is asked for."""

from datetime import UTC, date, datetime, time, timedelta
from typing import Final, NamedTuple, TypeAlias

from ._dates import parse_datetime
from .types import ServiceRecord

#: What Smartcar gives of itself: the last year.
DEFAULT: Final = timedelta(days=365)

#: The length of a day in ISO 8601, ``"2026-11-20"``; anything longer has a time.
DAY_LENGTH: Final = 10

#: A date, a datetime (a naive one is taken as UTC), or either in ISO 8601.
Day: TypeAlias = date | datetime | str


class Period(NamedTuple):
    """From one moment to another, both within it; None is left to Smartcar."""

    start: datetime | None = None
    end: datetime | None = None

    def params(self) -> dict[str, str | None]:
        """The query of API v2."""
        return {"startDate": _text(self.start), "endDate": _text(self.end)}

    def of(self, records: list[ServiceRecord]) -> list[ServiceRecord]:
        """Those of the records that fall into it, and those without a date: API v3 gives all."""
        end = self.end or datetime.now(UTC)
        start = self.start or end - DEFAULT
        return [
            record
            for record in records
            if record["service_date"] is None or start <= record["service_date"] <= end
        ]


def period(start: Day | None, end: Day | None) -> Period:
    """A day is all of it, in UTC. ValueError for a text that is no date, and for an end before the start."""
    found = Period(_moment(start, time.min), _moment(end, time.max))
    if found.start and found.end and found.end < found.start:
        raise ValueError(f"the end, {end}, is before the start, {start}")
    return found


def _moment(value: Day | None, time_of_day: time) -> datetime | None:
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


def _text(moment: datetime | None) -> str | None:
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z") if moment else None
