"""Answers of generation 2 and what the face makes of them, one by one or many in a batch."""

from collections.abc import Callable
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, Final, cast

from . import const
from .bodies import FIELDS, MEASURED, data_of
from .requester import Response, body_of, invalid, json_of
from .shapes import (
    Answer,
    VehicleAttributes,
    VehicleInfo,
)


def reading_of(name: str, response: Response) -> dict[str, Any]:
    """What the method ``name`` returns. Raises InvalidAnswerException."""
    body = json_of(response)
    if body is None:
        raise invalid(response, "it is null")
    try:
        data = data_of(name, body)
    except ValueError as error:
        raise invalid(response, str(error)) from None
    # The seed gives these two as they came, with what else stands there.
    data = body if name in ("odometer", "location") else data
    return {"data": data, **_heading(response, name in MEASURED)}


def info_of(response: Response) -> VehicleInfo:
    return cast(VehicleInfo, body_of(response, id=str))


def attributes_of(response: Response) -> VehicleAttributes:
    known = info_of(response)
    return {
        "make": known.get("make"),
        "model": known.get("model"),
        "year": known.get("year"),
        "mode": None,
        "powertrain_type": None,
    }


def vin_of(response: Response) -> str:
    return cast(str, body_of(response, vin=str)["vin"])


def permissions_of(response: Response) -> list[str]:
    return cast(list[str], body_of(response, permissions=list)["permissions"])


def answer_of(response: Response) -> Answer:
    """What came, for whoever asked for a path of their own."""
    data = json_of(response) if response.content.strip() else None
    return cast(Answer, {"data": data, **_heading(response, True)})


def read(name: str, response: Response) -> Any:
    """What the method ``name`` returns; for a name that is no method's, what came."""
    if name in FIELDS:
        return reading_of(name, response)
    return _OTHERS[name](response) if name in _OTHERS else answer_of(response)


_OTHERS: Final[dict[str, Callable[[Response], Any]]] = {
    "attributes": attributes_of,
    "vin": vin_of,
    "permissions": permissions_of,
}


def _heading(response: Response, is_measured: bool) -> dict[str, Any]:
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
