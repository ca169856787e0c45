"""Errors on demand: of a whole car, of one path below it, or of a path where no car is named.

``car.fault = "VEHICLE_STATE:ASLEEP"`` answers whoever asks the car; `set_fault` and `set_latency` choose a
path. A pair whose code is null is written without one: ``"PERMISSION"``. ``"GATEWAY_TIMEOUT"`` is the 504.

A path of v2.0 (``"odometer"``, ``"tires/pressure"``) stands for what tells or does the same in v3 as well,
except those of one make. A path of v3 (``"signals/odometer-traveleddistance"``) is that path alone.
"""

from __future__ import annotations

from typing import Any

from .. import store
from ..errors.table import KINDS
from ..errors.v2 import GatewayTimeout, SmartcarError
from ..errors.v3 import OWN_KINDS, V3Error
from ..store.models import Car
from ..vehicles import states
from . import paths

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
    """Let a path below the car fail from now on, or work again; without a car, a path of a host.

    Raises KeyError for a fault that there is not, and ValueError for a path that neither generation has.
    Where v3 answers all signals at once, what is wrong with the car is said of those that a path of v2.0
    stands for, and every other fault fails the request.
    """
    if fault:
        error_of(fault)
    key = _key(path, method)
    asked = key.rpartition(" ")[2]
    if car is None:
        paths.check_of_host(asked)
    else:
        paths.check_below_car(asked)
    _put(store.state().faults if car is None else car.faults, key, fault)


def set_latency(seconds: float | None, car: Car, path: str = "*", method: str = "") -> None:
    """Let the answers of a path below the car take this long; of all its paths, when none is named.

    Raises ValueError for a path that neither generation has.
    """
    key = _key(path, method)
    if key != "*":
        paths.check_below_car(key.rpartition(" ")[2])
    _put(car.latencies, key, seconds)


def latency(car: Car, method: str, path: str) -> float:
    """How long the answer to this request takes."""
    seconds = _found(car.latencies, method, path)
    if seconds is None and path == "signals":  # it has told all once the slowest is told
        seconds = max(_of_readings(car.latencies), default=None)
    return float(seconds or car.latencies.get("*", 0))


def wait(vehicle_id: str, method: str, path: str) -> None:
    """Let a request wait as long as its car takes, while the world goes on."""
    with store.changes() as state:
        car = state.cars.get(vehicle_id)
        seconds = latency(car, method, path) if car else 0
    if seconds:
        store.sleep(seconds)


def refuse_path(car: Car | None, method: str, path: str) -> None:
    """Raise what this path was told to fail with."""
    fault = _found(store.state().faults if car is None else car.faults, method, path)
    if fault and not (path.startswith("signals/") and _is_of_a_car(fault)):
        raise error_of(fault)
    if car is not None and path == "signals":
        _refuse(next((one for one in _of_readings(car.faults) if not _is_of_a_car(one)), None))


def refuse_command(car: Car) -> None:
    """Raise why the car does nothing that it is told to."""
    _refuse(car.fault or states.of(car).to_commands)


def refuse_reading(car: Car) -> None:
    """Raise why the car says nothing of itself."""
    _refuse(car.fault or states.of(car).to_reads)


def refuse_signal(car: Car, code: str, *, stays_known: bool) -> None:
    """Raise why v3 has not got this signal of the car; one that stays known fails by itself only."""
    own = _found(car.faults, "GET", f"signals/{code}")
    if own and _is_of_a_car(own):
        raise error_of(own)
    if not stays_known:
        _refuse(car.fault or states.of(car).to_signals)


def _is_of_a_car(fault: str) -> bool:
    return type_of(fault) in OF_A_CAR


def _refuse(fault: str | None) -> None:
    if fault:
        raise error_of(fault)


def _key(path: str, method: str = "") -> str:
    path = path.strip("/") or "/"
    return f"{method.upper()} {path}" if method else path


def _found(table: dict[str, Any], method: str, path: str) -> Any:
    """What was told of a path by itself, or else of one of v2.0 that stands for it."""
    asked = [(method, path), *paths.OLDER.get(path, ())]
    told = (table.get(_key(one, by)) or table.get(_key(one)) for by, one in asked)
    return next(filter(None, told), None)


def _of_readings(table: dict[str, Any]) -> list[Any]:
    """What was told of readings by their paths of v2.0: all of them are among the signals."""
    told = (table.get(_key(path, "GET")) or table.get(_key(path)) for path in paths.SIGNALS_OF)
    return [one for one in told if one]


def _put(table: dict[str, Any], key: str, value: Any) -> None:
    with store.changes():
        if value:
            table[key] = value
        else:
            table.pop(key, None)
        store.touch()
