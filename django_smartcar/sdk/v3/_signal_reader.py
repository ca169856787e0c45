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


class StoredSignals:
    """All signals that Smartcar has stored for a vehicle, with their responses."""

    def __init__(self, found: list[tuple[Response, Signal]]) -> None:
        self._by_code = {signal["code"]: (response, signal) for response, signal in found}

    @property
    def signals(self) -> list[Signal]:
        """All of them, including those with an error."""
        return [signal for _, signal in self._by_code.values()]

    def find(self, name: str) -> tuple[Response, Signal]:
        """Return one of them, by our name. Raises its error, or SignalNotAvailable."""
        code = CODES[name]
        if code not in self._by_code:
            what = f"no {code}" if self._by_code else "no signals"
            raise SignalNotAvailable(
                f"Smartcar has stored {what} for this vehicle", type="RESOURCE_NOT_FOUND", status_code=404
            )
        return _checked(*self._by_code[code])


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

    def all(self) -> StoredSignals:
        """Request all stored signals: none if Smartcar has none, which is an empty list or a 404."""
        pages = self._api.iter_pages(*self._path)
        try:
            return StoredSignals(
                [(response, self._read(resource)) for response, resources in pages for resource in resources]
            )
        except ResourceNotFoundException:
            return StoredSignals([])

    def signals(self) -> list[Signal]:
        """Request all signals, including those with an error."""
        return self.all().signals

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
