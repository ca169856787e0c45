"""The one parser of dates and times: of JSON bodies, headers, webhooks and of the caller's arguments."""

from collections.abc import Callable
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final

#: Larger numbers are milliseconds: as seconds, this is the year 5138.
MIN_EPOCH_MILLISECONDS: Final = 1e11
#: A string of this many digits or more is in seconds or milliseconds; a shorter one is ISO 8601.
MIN_EPOCH_DIGITS: Final = 9

_PARSERS: Final[tuple[Callable[[str], datetime], ...]] = (datetime.fromisoformat, parsedate_to_datetime)


def parse_datetime(value: object) -> datetime | None:
    """Return an aware datetime in UTC, or None if ``value`` is not a date.

    Accepts ISO 8601, HTTP dates, the epoch in seconds or milliseconds, and datetimes. Without an offset, UTC.
    """
    try:
        if isinstance(value, datetime):
            return as_utc(value)
        if isinstance(value, str):
            text = value.strip()
            if not (text.isdecimal() and len(text) >= MIN_EPOCH_DIGITS):
                return _parse_text(text)
            value = int(text)
        if isinstance(value, bool) or not isinstance(value, int | float):
            return None
        return datetime.fromtimestamp(value / 1000 if abs(value) >= MIN_EPOCH_MILLISECONDS else value, UTC)
    except (ValueError, OverflowError, OSError):
        return None


def as_utc(value: datetime) -> datetime:
    """Return ``value`` in UTC. A naive datetime is taken as UTC."""
    return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def _parse_text(text: str) -> datetime | None:
    for parse in _PARSERS:
        try:
            return as_utc(parse(text))
        except (ValueError, TypeError, OverflowError, IndexError):
            continue
    return None
