"""The world of the pretend Smartcar: its people, cars and grants, in memory, behind one lock.

``world.reset()`` starts from nothing; ``world.car(vehicle_id).is_locked`` is what a test asks.
"""

from __future__ import annotations

import contextlib
import logging
import threading
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from ..conf import CLIENT_ID, CLIENT_SECRET, M2M_CLIENT_ID, M2M_CLIENT_SECRET, MANAGEMENT_TOKEN, conf
from . import persistence
from .clock import Clock
from .models import Car, Grant, Owner, State

__all__ = [
    "CLIENT_ID",
    "CLIENT_SECRET",
    "M2M_CLIENT_ID",
    "M2M_CLIENT_SECRET",
    "MANAGEMENT_TOKEN",
    "advance",
    "car",
    "cars",
    "changes",
    "counters",
    "deliveries",
    "environment",
    "grants",
    "now",
    "owner",
    "owners",
    "reset",
    "restart",
    "runs",
    "sleep",
    "state",
    "touch",
    "traffic",
]

logger = logging.getLogger(__name__)


@dataclass
class _World:
    lock: threading.RLock = field(default_factory=threading.RLock)
    state: State | None = None
    clock: Clock = field(default_factory=Clock)
    depth: int = 0
    is_dirty: bool = False
    runs: dict[str, Any] = field(default_factory=dict)
    traffic: dict[str, Any] = field(default_factory=dict)
    deliveries: list[Any] = field(default_factory=list)
    counters: Counter[str] = field(default_factory=Counter)


_world = _World()

#: How often what was asked since the start or the last reset, for tests that must prove "exactly once":
#: ``code_exchanges``, ``refreshes``, ``commands``, ``reads``.
counters: Counter[str] = _world.counters

#: The visits to Connect that are under way, by their unguessable id. A restart ends them.
runs: dict[str, Any] = _world.runs

#: What was asked lately, for `limits`: a restart forgets it.
traffic: dict[str, Any] = _world.traffic

#: Webhooks on their way and lately delivered, for `deliveries`: a restart forgets them.
deliveries: list[Any] = _world.deliveries


def now() -> datetime:
    """The time in this world. The only clock that the pretend Smartcar reads."""
    with _world.lock:
        return _world.clock.read(conf.SMARTCAR_SIMULATOR_SPEED)


def advance(seconds: float) -> None:
    """Let time pass at once; `reset()` goes back to the real time."""
    with _world.lock:
        _world.clock.ahead += timedelta(seconds=seconds)


def sleep(seconds: float) -> None:
    """Let this much time of this world pass. Never inside `changes()`: the world would stand still."""
    time.sleep(seconds / conf.SMARTCAR_SIMULATOR_SPEED)


@contextlib.contextmanager
def changes() -> Iterator[State]:
    """Hold the world still; a change marked by `touch()` is in the snapshot before it is answered."""
    with _world.lock:
        _world.depth += 1
        try:
            yield state()
        finally:
            _world.depth -= 1
            if _world.depth == 0 and _world.is_dirty:
                _world.is_dirty = False
                _save()


def touch() -> None:
    """Say that the state has changed. Call it inside `changes()`."""
    _world.is_dirty = True


def state() -> State:
    """The state itself, read from the snapshot at first use."""
    with _world.lock:
        if _world.state is None:
            _world.state = _load()
        return _world.state


def reset() -> None:
    """Start from nothing: no owner, no car, no token, counters at nought, an empty snapshot."""
    with changes():
        _world.state = State()
        _world.clock = Clock()
        _forget()
        touch()


def restart() -> None:
    """What a restarted process knows: the snapshot when there is one, otherwise nothing."""
    with _world.lock:
        _world.state = None
        _forget()


def cars() -> list[Car]:
    """Every car that somebody has signed in with, oldest first."""
    return list(state().cars.values())


def car(vehicle_id: str) -> Car:
    """The car of this vehicle id; `KeyError` when there is none."""
    return state().cars[vehicle_id]


def owners() -> list[Owner]:
    return list(state().owners.values())


def owner(email: str) -> Owner:
    """The owner of this e-mail address; `KeyError` when nobody has signed in with it."""
    for person in owners():
        if person.email == email.strip().lower():
            return person
    raise KeyError(email)


def grants() -> list[Grant]:
    """Every grant, oldest first; one without vehicles has been disconnected."""
    return list(state().grants.values())


def environment(origin: str, version: str = "3") -> dict[str, str]:
    """The environment variables that point a client at a pretend Smartcar mounted at this address.

    The client id and its secret are those of the `version`; in ``"3"`` the older pair comes along as well.
    """
    origin = origin.rstrip("/")
    older = conf.SMARTCAR_SIMULATOR_CLIENT_ID, conf.SMARTCAR_SIMULATOR_CLIENT_SECRET
    newer = conf.SMARTCAR_SIMULATOR_M2M_CLIENT_ID, conf.SMARTCAR_SIMULATOR_M2M_CLIENT_SECRET
    client_id, client_secret = newer if version == "3" else older
    spare = {"SMARTCAR_V2_CLIENT_ID": older[0], "SMARTCAR_V2_CLIENT_SECRET": older[1]}
    return {
        # django_smartcar's own settings
        "SMARTCAR_API_VERSION": version,
        "SMARTCAR_CLIENT_ID": client_id,
        "SMARTCAR_CLIENT_SECRET": client_secret,
        **(spare if version == "3" else {}),
        "SMARTCAR_APPLICATION_ID": conf.SMARTCAR_SIMULATOR_CLIENT_ID,
        "SMARTCAR_IAM_URL": f"{origin}/iam/oauth2/token",
        "SMARTCAR_VEHICLE_API_URL": f"{origin}/vehicle-api",
        "SMARTCAR_MANAGEMENT_API_URL": f"{origin}/management-api",
        "SMARTCAR_COMPATIBILITY_API_URL": f"{origin}/compatibility-api",
        "SMARTCAR_CONNECT_URL": f"{origin}/connect",
        "SMARTCAR_AUTH_URL": f"{origin}/auth/oauth/token",
        "SMARTCAR_API_URL": f"{origin}/api",
        "SMARTCAR_MANAGEMENT_URL": f"{origin}/management",
        "SMARTCAR_MANAGEMENT_TOKENS": conf.SMARTCAR_SIMULATOR_MANAGEMENT_TOKEN,
        # what Smartcar's own SDKs read
        "SMARTCAR_CONNECT_ORIGIN": f"{origin}/connect",
        "SMARTCAR_AUTH_ORIGIN": f"{origin}/auth/oauth/token",
        "SMARTCAR_API_ORIGIN": f"{origin}/api",
        "SMARTCAR_MANAGEMENT_API_ORIGIN": f"{origin}/management",
    }


def _forget() -> None:
    _world.runs.clear()
    _world.traffic.clear()
    _world.deliveries.clear()
    _world.counters.clear()


def _load() -> State:
    path = conf.SMARTCAR_SIMULATOR_STATE
    if path is None:
        return State()
    try:
        return persistence.read(path)
    except persistence.UnreadableSnapshot as error:
        logger.error(
            "The pretend Smartcar could not read %s (%s). It starts from nothing: connect the cars again. %s",
            path,
            error,
            _put_aside(path),
        )
        return State()


def _put_aside(path: Path) -> str:
    try:
        return f"The file is kept as {persistence.put_aside(path).name}."
    except OSError as error:
        return f"The file could not be put aside: {error}."


def _save() -> None:
    current = state()
    current.prune(now())
    path = conf.SMARTCAR_SIMULATOR_STATE
    if path is None:
        return
    try:
        persistence.write(path, current)
    except OSError as error:
        logger.error(
            "The pretend Smartcar could not write %s: %s. A restart will forget its cars.", path, error
        )
