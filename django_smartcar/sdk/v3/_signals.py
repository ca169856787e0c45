"""What Smartcar has stored of a car, API v3: its signals, one by one or all in one request."""

from collections.abc import Callable
from typing import TypeAlias

from .._http import Response
from .._http._error_bodies import exception_for
from ..exceptions import ResourceNotFoundException, SignalNotAvailable
from ..signals import CODES, Signal, read
from ._client import Client, Resource, resource_of

#: Finds one signal by the face's name; raises the exception of one that has no reading.
FindSignal: TypeAlias = Callable[[str], tuple[Response, Signal]]


class SignalReader:
    """The signals of one car, in the units that its requests find for."""

    def __init__(self, api: Client, vehicle_id: str) -> None:
        self._api = api
        self._path = ("vehicles", vehicle_id, "signals")

    def get_one(self, name: str) -> tuple[Response, Signal]:
        """One signal, asked for alone, by the face's name or Smartcar's code."""
        try:
            response = self._api.get(*self._path, CODES.get(name, name))
        except ResourceNotFoundException as error:
            if error.response is None:
                raise
            raise exception_for(error.response, kind=SignalNotAvailable) from None
        return _checked(response, self._read(resource_of(response)))

    def all(self) -> FindSignal:
        """What finds one signal among all that are stored, which are asked for here."""
        stored: dict[str, tuple[Response, Signal]] = {}
        for response, resources in self._api.iter_pages(*self._path):
            stored.update({signal["code"]: (response, signal) for signal in map(self._read, resources)})

        def find(name: str) -> tuple[Response, Signal]:
            code = CODES[name]
            if code not in stored:
                what = f"no {code}" if stored else "no signal at all"
                raise SignalNotAvailable(
                    f"Smartcar has stored {what} of this vehicle", type="RESOURCE_NOT_FOUND", status_code=404
                )
            return _checked(*stored[code])

        return find

    def signals(self) -> list[Signal]:
        """All of them, those that failed included."""
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
