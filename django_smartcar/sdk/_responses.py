"""Parse what responses of both API versions have in common: headers, and the result of ``request()``."""

from typing import Any, cast

from . import const
from ._dates import parse_datetime
from ._http.requester import Response, json_of
from .types import RequestResult


def request_result(response: Response) -> RequestResult:
    """Return what ``Vehicle.request`` returns: the JSON, or None for an empty body, and the metadata."""
    data = json_of(response) if response.content.strip() else None
    return cast(RequestResult, {"data": data, **metadata_of(response, True)})


def metadata_of(response: Response, is_measured: bool) -> dict[str, Any]:
    """Return ``{"age"}``, and for numbers with units ``"unit_system"``, too."""
    headers = response.headers
    age = {"age": parse_datetime(headers.get(const.DATA_AGE_HEADER))}
    return {"unit_system": headers.get(const.UNIT_SYSTEM_HEADER), **age} if is_measured else age
