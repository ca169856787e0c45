"""Fault injection: make a vehicle, a path below it or a path of a host respond with an error, or slowly.

``car.fault = "VEHICLE_STATE:ASLEEP"`` applies to all requests to the vehicle; `set_fault` and `set_latency`
to one path. A fault is ``"TYPE:CODE"`` of Smartcar's error table, or ``"TYPE"`` if its code is null
(``"PERMISSION"``). ``"GATEWAY_TIMEOUT"`` is the 504 of the gateway.

A path of v2 (``"odometer"``, ``"tires/pressure"``) includes the paths of v3 with the same data or effect,
except for paths of a make. A path of v3 (``"signals/odometer-traveleddistance"``) is that path only.
"""

from __future__ import annotations

from typing import Any

from .. import store
from ..errors.table import ERRORS
from ..errors.v2 import GatewayTimeout, SmartcarError
from ..errors.v3 import V3_ERRORS, V3Error
from ..store.models import Car
from ..vehicles import states
from . import paths

#: The 504: plain text, without type and code.
GATEWAY_TIMEOUT = "GATEWAY_TIMEOUT"

#: Additional fields of some errors.
_EXTRAS: dict[tuple[str, str | None], dict[str, Any]] = {
    ("CONNECTED_SERVICES_ACCOUNT", "VIRTUAL_KEY_REQUIRED"): {"url": "https://www.tesla.com/_ak/smartcar.com"},
    ("RATE_LIMIT", "VEHICLE"): {"retry_after": 120},
    ("SERVER", "MULTIPLE_RECORDS_FOUND"): {"detail": [{"capacities": [83.9, 83.9, 70.2]}]},
}

#: Errors of the vehicle, not of the request. In v3 they are the status of each signal.
VEHICLE_ERROR_TYPES = {
    "COMPATIBILITY",
    "CONNECTED_SERVICES_ACCOUNT",
    "PERMISSION",
    "UPSTREAM",
    "VEHICLE_STATE",
}


def fault_name(type_: str, code: str | None) -> str:
    """Return the fault for an error type and code: ``TYPE:CODE``, or ``TYPE``."""
    return f"{type_}:{code}" if code else type_


#: All faults of both API versions.
FAULTS = [*(fault_name(*pair) for pair in ERRORS), GATEWAY_TIMEOUT]
#: The faults that only v3 has.
V3_FAULTS = [fault_name(*pair) for pair in V3_ERRORS]


def exception_for(fault: str) -> Exception:
    """Return the exception for a fault. Raise `KeyError` if there is no such fault."""
    if fault == GATEWAY_TIMEOUT:
        return GatewayTimeout()
    type_, _, code = fault.partition(":")
    pair = type_, code or None
    if pair in V3_ERRORS:
        return V3Error(type_, code)
    return SmartcarError(*pair, **_EXTRAS.get(pair, {}))


def type_of(fault: str) -> str:
    """Return the error type of a fault."""
    return fault.partition(":")[0]


def set_fault(fault: str | None, path: str, car: Car | None = None, method: str = "") -> None:
    """Set the fault of a path below the vehicle, or of a path of a host without one. None removes it.

    Raises KeyError for an unknown fault and ValueError for an unknown path. In v3's list of all signals, an
    error of the vehicle becomes the status of the signals that the path includes; any other fault fails the
    request.
    """
    if fault:
        exception_for(fault)
    key = _key(path, method)
    requested_path = key.rpartition(" ")[2]
    if car is None:
        paths.check_host_path(requested_path)
    else:
        paths.check_vehicle_path(requested_path)
    _save(store.state().faults if car is None else car.faults, key, fault)


def set_latency(seconds: float | None, car: Car, path: str = "*", method: str = "") -> None:
    """Set the latency of a path below the vehicle, or of all its paths. None removes it.

    Raises ValueError for an unknown path.
    """
    key = _key(path, method)
    if key != "*":
        paths.check_vehicle_path(key.rpartition(" ")[2])
    _save(car.latencies, key, seconds)


def latency(car: Car, method: str, path: str) -> float:
    """Return the latency of this request in seconds."""
    seconds = _lookup(car.latencies, method, path)
    if seconds is None and path == "signals":  # the list takes as long as its slowest signal
        seconds = max(_values_of_v2_reads(car.latencies), default=None)
    return float(seconds or car.latencies.get("*", 0))


def wait(vehicle_id: str, method: str, path: str) -> None:
    """Sleep for the latency of this request, without holding the store's lock."""
    with store.changes() as state:
        car = state.cars.get(vehicle_id)
        seconds = latency(car, method, path) if car else 0
    if seconds:
        store.sleep(seconds)


def raise_for_path(car: Car | None, method: str, path: str) -> None:
    """Raise the fault that is set for this path, if any."""
    fault = _lookup(store.state().faults if car is None else car.faults, method, path)
    if fault and not (path.startswith("signals/") and _is_vehicle_error(fault)):
        raise exception_for(fault)
    if car is not None and path == "signals":
        _raise_fault(
            next((one for one in _values_of_v2_reads(car.faults) if not _is_vehicle_error(one)), None)
        )


def raise_for_command(car: Car) -> None:
    """Raise the error that commands to this vehicle get, if any."""
    _raise_fault(car.fault or states.state_of(car).command_error)


def raise_for_read(car: Car) -> None:
    """Raise the error that reads of this vehicle get, if any."""
    _raise_fault(car.fault or states.state_of(car).read_error)


def raise_for_signal(car: Car, code: str, *, is_static: bool) -> None:
    """Raise the error of this signal (v3), if any. Errors of the vehicle do not apply to static signals."""
    signal_fault = _lookup(car.faults, "GET", f"signals/{code}")
    if signal_fault and _is_vehicle_error(signal_fault):
        raise exception_for(signal_fault)
    if not is_static:
        _raise_fault(car.fault or states.state_of(car).signal_error)


def _is_vehicle_error(fault: str) -> bool:
    return type_of(fault) in VEHICLE_ERROR_TYPES


def _raise_fault(fault: str | None) -> None:
    if fault:
        raise exception_for(fault)


def _key(path: str, method: str = "") -> str:
    path = path.strip("/") or "/"
    return f"{method.upper()} {path}" if method else path


def _lookup(table: dict[str, Any], method: str, path: str) -> Any:
    """Return the value that is set for a path, or else for a path of v2 that includes it."""
    candidates = [(method, path), *paths.V2_EQUIVALENTS.get(path, ())]
    values = (table.get(_key(key_path, by)) or table.get(_key(key_path)) for by, key_path in candidates)
    return next(filter(None, values), None)


def _values_of_v2_reads(table: dict[str, Any]) -> list[Any]:
    """Return the values that are set for GET paths of v2. All their data is among the signals of v3."""
    values = (table.get(_key(path, "GET")) or table.get(_key(path)) for path in paths.SIGNALS_BY_V2_PATH)
    return [value for value in values if value]


def _save(table: dict[str, Any], key: str, value: Any) -> None:
    with store.changes():
        if value:
            table[key] = value
        else:
            table.pop(key, None)
        store.touch()
