"""Parse responses of API v2, of single requests and of batches."""

import io
import json
from collections.abc import Callable, Mapping
from typing import Any, Final, cast

from .. import const
from .._http._error_bodies import exception_for
from .._http.requester import Response, body_of, invalid, json_of
from .._response_schema import FIELDS, MEASURED, PATHS, parse_data
from .._responses import metadata_of, request_result
from ..exceptions import SmartcarException
from ..signals import Signal
from ..types import VehicleAttributes, VehicleInfo, WithSignals
from .signals import failures_of, signals_of


def reading_of(name: str, response: Response) -> dict[str, Any]:
    """Return what the method ``name`` returns. Raise InvalidResponseException."""
    return _reading_in(name, response, json_of(response))


def _reading_in(name: str, response: Response, body: Any) -> dict[str, Any]:
    if body is None:
        raise invalid(response, "the body is null")
    try:
        data = parse_data(name, body)
    except ValueError as error:
        raise invalid(response, str(error)) from None
    # Smartcar's own SDK returns these two unchanged, with any further fields.
    data = body if name in ("odometer", "location") else data
    return {"data": data, **metadata_of(response, name in MEASURED)}


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


def read(name: str, response: Response) -> Any:
    """Return what the method ``name`` returns; for any other name, what ``request`` returns."""
    if name in FIELDS:
        return reading_of(name, response)
    return _PARSERS[name](response) if name in _PARSERS else request_result(response)


_PARSERS: Final[dict[str, Callable[[Response], Any]]] = {
    "attributes": attributes_of,
    "vin": vin_of,
    "permissions": permissions_of,
}


def with_signals(name: str, response: Response, unit_system: str) -> WithSignals:
    """Return what the method ``name`` returns, and the signals in the response."""
    if name not in FIELDS:
        return WithSignals(read(name, response), _signals_in(name, response, unit_system))
    body = json_of(response)
    signals = signals_of(PATHS[name], body, response.headers, unit_system, unit_system)
    return WithSignals(_reading_in(name, response, body), signals)


def batch_of(response: Response, names: Mapping[str, str], unit_system: str) -> WithSignals:
    """Return the results of a batch, one for each of ``names`` (method -> path), or their exceptions.

    The signals are those of all items; those of an item that failed have its error.
    """
    items = body_of(response).get("responses")
    if not isinstance(items, list):
        raise invalid(response, "'responses' is not a list")
    valid = [item for item in items if isinstance(item, dict) and isinstance(item.get("path"), str)]
    by_path = {item["path"].strip("/"): item for item in valid}
    results: dict[str, Any] = {}
    found: list[Signal] = []
    for name, path in names.items():
        results[name], signals = _result(name, by_path.get(path), response, unit_system)
        found += signals
    return WithSignals(results, found)


def _result(name: str, item: dict[str, Any] | None, batch: Response, unit_system: str) -> WithSignals:
    try:
        response = _single_response(item, batch)
    except SmartcarException as error:
        return WithSignals(error.with_traceback(None), [])
    if not 200 <= response.status_code < 300:
        failure = exception_for(response)
        return WithSignals(failure, failures_of(name, failure))
    try:
        result = read(name, response)
    except SmartcarException as error:
        result = error.with_traceback(None)
    return WithSignals(result, _signals_in(name, response, unit_system))


def _signals_in(name: str, response: Response, unit_system: str) -> list[Signal]:
    if name not in PATHS:
        return []
    try:
        body = json_of(response)
    except SmartcarException:
        return []
    return signals_of(PATHS[name], body, response.headers, unit_system, unit_system)


def _single_response(item: dict[str, Any] | None, batch: Response) -> Response:
    """Return an item of a batch as the response to a single request."""
    if item is None:
        raise invalid(batch, "a path of the batch has no response")
    code, headers = item.get("code"), item.get("headers")
    if not isinstance(code, int):
        raise invalid(batch, "an item of the batch has no 'code'")
    response = Response()
    response.status_code = code
    response.request, response.url = batch.request, batch.url
    if request_id := batch.headers.get(const.REQUEST_ID_HEADER):
        response.headers[const.REQUEST_ID_HEADER] = request_id
    if isinstance(headers, dict):
        # The names in any case; the values may be JSON numbers.
        response.headers.update({str(name): str(value) for name, value in headers.items()})
    response.raw = io.BytesIO(json.dumps(item.get("body")).encode())
    return response
