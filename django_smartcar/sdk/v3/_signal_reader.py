"""Read the signals endpoint of API v3: one signal, or all that Smartcar has stored for a vehicle."""

from collections.abc import Callable
from typing import TypeAlias

from .._http._error_bodies import exception_for
from .._http.requester import Response
from ..exceptions import ResourceNotFoundException, SignalNotAvailable
from ..signals import CODES, Signal, read
from ._client import Client, Resource, resource_of

#: Returns a signal by our name, with its response. Raises the exception of one without a value.
FindSignal: TypeAlias = Callable[[str], tuple[Response, Signal]]


class SignalReader:
    """The signals of one vehicle, in the units of its client."""

    def __init__(self, api: Client, vehicle_id: str) -> None:
        self._api = api
        self._path = ("vehicles", vehicle_id, "signals")

    def get_one(self, name: str) -> tuple[Response, Signal]:
        """Request one signal, by our name or Smartcar's code."""
        try:
            response = self._api.get(*self._path, CODES.get(name, name))
        except ResourceNotFoundException as error:
            if error.response is None:
                raise
            raise exception_for(error.response, kind=SignalNotAvailable) from None
        return _checked(response, self._read(resource_of(response)))

    def all(self) -> FindSignal:
        """Request all stored signals, and return a function that finds one of them."""
        stored: dict[str, tuple[Response, Signal]] = {}
        for response, resources in self._api.iter_pages(*self._path):
            stored.update({signal["code"]: (response, signal) for signal in map(self._read, resources)})

        def find(name: str) -> tuple[Response, Signal]:
            code = CODES[name]
            if code not in stored:
                what = f"no {code}" if stored else "no signals"
                raise SignalNotAvailable(
                    f"Smartcar has stored {what} for this vehicle", type="RESOURCE_NOT_FOUND", status_code=404
                )
            return _checked(*stored[code])

        return find

    def signals(self) -> list[Signal]:
        """Request all signals, including those with an error."""
        return list(map(self._read, self._api.iter_all(*self._path)))

    def _read(self, resource: Resource) -> Signal:
        unit_system = self._api.unit_system or "metric"
        return read(resource, unit_system, sent_in=unit_system)


def _checked(response: Response, signal: Signal) -> tuple[Response, Signal]:
    if signal["error"] is not None:
        raise exception_for(response, signal["error"])
    if signal["status"] != "SUCCESS":
        missing = {"status": "404", "detail": f"{signal['code']}: {signal['status']}"}
        raise exception_for(response, missing, SignalNotAvailable)
    return response, signal
