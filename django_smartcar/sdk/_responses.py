"""What both API versions make of an answer's headers, and of one that the caller asked for by its path."""

from typing import Any, cast

from . import const
from ._dates import parse_datetime
from ._http import Response, json_of
from .types import Answer


def request_result(response: Response) -> Answer:
    """What came, for whoever asked for a path of their own."""
    data = json_of(response) if response.content.strip() else None
    return cast(Answer, {"data": data, **metadata_of(response, True)})


def metadata_of(response: Response, is_measured: bool) -> dict[str, Any]:
    headers = response.headers
    age = {"age": parse_datetime(headers.get(const.DATA_AGE_HEADER))}
    return {"unit_system": headers.get(const.UNIT_SYSTEM_HEADER), **age} if is_measured else age
