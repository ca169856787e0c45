"""Errors on demand: of a whole car, of one path below it, or of a path where no car is named.

``car.fault = "VEHICLE_STATE:ASLEEP"`` answers whoever asks the car; `set_fault` and `set_latency` choose a
path. A pair whose code is null is written without one: ``"PERMISSION"``. ``"GATEWAY_TIMEOUT"`` is the 504.
"""

from __future__ import annotations

from typing import Any

from . import states, world
from .error_table import KINDS
from .errors import GatewayTimeout, SmartcarError
from .records import Car
from .v3_errors import OWN_KINDS, V3Error

#: The 504: no envelope, and no pair of type and code.
GATEWAY_TIMEOUT = "GATEWAY_TIMEOUT"

#: What comes with some pairs besides the table.
_EXTRAS: dict[tuple[str, str | None], dict[str, Any]] = {
    ("CONNECTED_SERVICES_ACCOUNT", "VIRTUAL_KEY_REQUIRED"): {"url": "https://www.tesla.com/_ak/smartcar.com"},
    ("RATE_LIMIT", "VEHICLE"): {"retry_after": 120},
    ("SERVER", "MULTIPLE_RECORDS_FOUND"): {"detail": [{"capacities": [83.9, 83.9, 70.2]}]},
}

#: What is wrong with a car and not with the request: v3 says it of each signal by itself.
OF_A_CAR = {"COMPATIBILITY", "CONNECTED_SERVICES_ACCOUNT", "PERMISSION", "UPSTREAM", "VEHICLE_STATE"}


def written(type_: str, code: str | None) -> str:
    """A pair as a fault is written."""
    return f"{type_}:{code}" if code else type_


#: Every fault there is; the second of each is only for v3.
FAULTS = [*(written(*pair) for pair in KINDS), GATEWAY_TIMEOUT]
V3_FAULTS = [written(*pair) for pair in OWN_KINDS]


def error_of(fault: str) -> Exception:
    """The error that a fault stands for; `KeyError` when it stands for none."""
    if fault == GATEWAY_TIMEOUT:
        return GatewayTimeout()
    type_, _, code = fault.partition(":")
    pair = type_, code or None
    if pair in OWN_KINDS:
        return V3Error(type_, code)
    return SmartcarError(*pair, **_EXTRAS.get(pair, {}))


def type_of(fault: str) -> str:
    return fault.partition(":")[0]


def set_fault(fault: str | None, path: str, car: Car | None = None, method: str = "") -> None:
    """Let a path below the car fail from now on, or work again; without a car, a path of a host."""
    if fault:
        error_of(fault)
    _put(world.state().faults if car is None else car.faults, _key(path, method), fault)


def set_latency(seconds: float | None, car: Car, path: str = "*", method: str = "") -> None:
    """Let the answers of a path below the car take this long; of all its paths, when none is named."""
    _put(car.latencies, _key(path, method), seconds)


def latency(car: Car, method: str, path: str) -> float:
    """How long the answer to this request takes."""
    return float(_found(car.latencies, method, path) or car.latencies.get("*", 0))


def wait(vehicle_id: str, method: str, path: str) -> None:
    """Let a request wait as long as its car takes, while the world goes on."""
    with world.changes() as state:
        car = state.cars.get(vehicle_id)
        seconds = latency(car, method, path) if car else 0
    if seconds:
        world.sleep(seconds)


def refuse_path(car: Car | None, method: str, path: str) -> None:
    """Raise what this path was told to fail with."""
    fault = _found(world.state().faults if car is None else car.faults, method, path)
    if fault and not (path.startswith("signals/") and _is_of_a_car(fault)):
        raise error_of(fault)


def refuse_command(car: Car) -> None:
    """Raise why the car does nothing that it is told to."""
    _refuse(car.fault or states.of(car).to_commands)


def refuse_reading(car: Car) -> None:
    """Raise why the car says nothing of itself."""
    _refuse(car.fault or states.of(car).to_reads)


def refuse_signal(car: Car, code: str) -> None:
    """Raise why v3 has not got this signal of the car."""
    own = _found(car.faults, "GET", f"signals/{code}")
    _refuse((own if own and _is_of_a_car(own) else None) or car.fault or states.of(car).to_signals)


def _is_of_a_car(fault: str) -> bool:
    return type_of(fault) in OF_A_CAR


def _refuse(fault: str | None) -> None:
    if fault:
        raise error_of(fault)


def _key(path: str, method: str = "") -> str:
    path = path.strip("/") or "/"
    return f"{method.upper()} {path}" if method else path


def _found(table: dict[str, Any], method: str, path: str) -> Any:
    return table.get(_key(path, method)) or table.get(_key(path))


def _put(table: dict[str, Any], key: str, value: Any) -> None:
    with world.changes():
        if value:
            table[key] = value
        else:
            table.pop(key, None)
        world.touch()
