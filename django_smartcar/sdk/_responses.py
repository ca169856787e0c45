"""What both API versions make of an answer's headers, and of one that the caller asked for by its path."""

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, cast

from . import const
from ._http import Response, json_of
from .types import Answer


def answer_of(response: Response) -> Answer:
    """What came, for whoever asked for a path of their own."""
    data = json_of(response) if response.content.strip() else None
    return cast(Answer, {"data": data, **heading(response, True)})


def heading(response: Response, is_measured: bool) -> dict[str, Any]:
    headers = response.headers
    age = {"age": moment_of(headers.get(const.DATA_AGE_HEADER))}
    return {"unit_system": headers.get(const.UNIT_SYSTEM_HEADER), **age} if is_measured else age


def moment_of(header: str | None) -> datetime | None:
    """An aware moment in UTC from a header's ISO 8601 (or HTTP) date; None if there is none to read."""
    for parse in (datetime.fromisoformat, parsedate_to_datetime):
        try:
            moment = parse((header or "").strip())
            return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
        except (ValueError, TypeError, OverflowError, IndexError):
            continue
    return None
