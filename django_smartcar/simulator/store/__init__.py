"""The simulator's state: owners, vehicles, grants, webhooks and the clock, in memory, behind one lock.

``store.reset()`` empties it. Tests read it directly: ``store.car(vehicle_id).is_locked``.
"""

from __future__ import annotations

import contextlib
import logging
import threading
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from ..conf import CLIENT_ID, CLIENT_SECRET, M2M_CLIENT_ID, M2M_CLIENT_SECRET, MANAGEMENT_TOKEN, conf
from . import persistence
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
    "connect_sessions",
    "sdk_environment",
    "site_environment",
    "sleep",
    "state",
    "touch",
    "volatile",
]

logger = logging.getLogger(__name__)


@dataclass
class _Clock:
    """A clock that may run faster than real time. It does not jump when its speed changes."""

    speed: float = 1
    #: How far it was ahead of real time when it was last read.
    offset: timedelta = timedelta(0)
    read_at: datetime | None = None

    def now(self, speed: float) -> datetime:
        """Return the simulated time, and run at this speed from now on."""
        real_time = datetime.now(UTC)
        if self.read_at is not None:
            self.offset += (real_time - self.read_at) * (self.speed - 1)
        self.speed, self.read_at = speed, real_time
        return real_time + self.offset


@dataclass
class _Store:
    lock: threading.RLock = field(default_factory=threading.RLock)
    state: State | None = None
    clock: _Clock = field(default_factory=_Clock)
    depth: int = 0
    is_dirty: bool = False
    connect_sessions: dict[str, Any] = field(default_factory=dict)
    volatile: dict[str, Any] = field(default_factory=dict)
    deliveries: list[Any] = field(default_factory=list)
    counters: Counter[str] = field(default_factory=Counter)


_store = _Store()

#: Number of requests since the start or the last reset, for tests that assert "exactly once":
#: ``code_exchanges``, ``refreshes``, ``application_tokens``, ``commands``, ``reads``.
counters: Counter[str] = _store.counters

#: Connect sessions in progress, by their random id. Cleared by a restart.
connect_sessions: dict[str, Any] = _store.connect_sessions

#: Recent requests (`faults.rate_limits`) and the last sequence number of webhooks. Cleared by a restart.
volatile: dict[str, Any] = _store.volatile

#: Webhook deliveries, queued and recent (`webhooks.queue`). Cleared by a restart.
deliveries: list[Any] = _store.deliveries


def now() -> datetime:
    """Return the simulated time (UTC). The simulator reads no other clock."""
    with _store.lock:
        state()  # the clock continues from the snapshot
        return _store.clock.now(conf.SMARTCAR_SIMULATOR_SPEED)


def advance(seconds: float) -> None:
    """Move the clock forward. `reset()` sets it back to real time."""
    with changes():
        _store.clock.offset += timedelta(seconds=seconds)
        touch()


def sleep(seconds: float) -> None:
    """Sleep for this many simulated seconds. Do not call it inside `changes()`: it would hold the lock."""
    time.sleep(seconds / conf.SMARTCAR_SIMULATOR_SPEED)


@contextlib.contextmanager
def changes() -> Iterator[State]:
    """Lock the state, yield it, and save the snapshot on exit if `touch()` was called."""
    with _store.lock:
        _store.depth += 1
        try:
            yield state()
        finally:
            _store.depth -= 1
            if _store.depth == 0 and _store.is_dirty:
                _store.is_dirty = False
                _save()


def touch() -> None:
    """Mark the state as changed, so that it is saved. Call it inside `changes()`."""
    _store.is_dirty = True


def state() -> State:
    """Return the state. It is loaded from the snapshot on first use."""
    with _store.lock:
        if _store.state is None:
            _store.state = _load()
            # Without it the vehicles would be in the future, and stand still.
            _store.clock = _Clock(offset=timedelta(seconds=_store.state.clock_offset))
        return _store.state


def reset() -> None:
    """Delete everything: owners, vehicles, tokens, counters and the snapshot's content."""
    with changes():
        _store.state = State()
        _store.clock = _Clock()
        _clear_volatile()
        touch()


def restart() -> None:
    """Reload the state as a restarted process does: from the snapshot, or empty without one."""
    with _store.lock:
        _store.state = None
        _clear_volatile()


def cars() -> list[Car]:
    """Return all vehicles that owners have signed in with, oldest first."""
    return list(state().cars.values())


def car(vehicle_id: str) -> Car:
    """Return the vehicle with this id. Raise `KeyError` if there is none."""
    return state().cars[vehicle_id]


def owners() -> list[Owner]:
    """Return all owners, oldest first."""
    return list(state().owners.values())


def owner(email: str) -> Owner:
    """Return the owner with this email address. Raise `KeyError` if there is none."""
    for candidate in owners():
        if candidate.email == email.strip().lower():
            return candidate
    raise KeyError(email)


def grants() -> list[Grant]:
    """Return all grants, oldest first. A grant without vehicles has been disconnected."""
    return list(state().grants.values())


def environment(origin: str, version: str = "3") -> dict[str, str]:
    """Return the environment variables that point a client at a simulator mounted at this address.

    They are those of a site with django_smartcar, and those of Smartcar's own SDKs.
    """
    return {**site_environment(origin, version), **sdk_environment(origin)}


def site_environment(origin: str, version: str = "3") -> dict[str, str]:
    """Return the environment variables of a site with django_smartcar.

    The client id and secret are those of the API `version`. For ``"3"`` those of v2 are included as well.
    """
    origin = origin.rstrip("/")
    v2_credentials = conf.SMARTCAR_SIMULATOR_CLIENT_ID, conf.SMARTCAR_SIMULATOR_CLIENT_SECRET
    v3_credentials = conf.SMARTCAR_SIMULATOR_M2M_CLIENT_ID, conf.SMARTCAR_SIMULATOR_M2M_CLIENT_SECRET
    client_id, client_secret = v3_credentials if version == "3" else v2_credentials
    v2_settings = {
        "SMARTCAR_V2_CLIENT_ID": v2_credentials[0],
        "SMARTCAR_V2_CLIENT_SECRET": v2_credentials[1],
    }
    return {
        "SMARTCAR_API_VERSION": version,
        "SMARTCAR_CLIENT_ID": client_id,
        "SMARTCAR_CLIENT_SECRET": client_secret,
        **(v2_settings if version == "3" else {}),
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
    }


def sdk_environment(origin: str) -> dict[str, str]:
    """Return the environment variables of Smartcar's own SDKs for Python, Node, Ruby and Java.

    Not each of them reads all. They also read ``SMARTCAR_CLIENT_ID`` and ``SMARTCAR_CLIENT_SECRET``, those of
    v2. The Ruby SDK drops the path of an origin: it works with the stand-alone program only.
    """
    origin = origin.rstrip("/")
    return {
        # Node opens Connect below the first, and appends /oauth/token to the third, as Java does.
        "SMARTCAR_API_ORIGIN": f"{origin}/api",
        "SMARTCAR_CONNECT_ORIGIN": f"{origin}/connect",
        "SMARTCAR_AUTH_ORIGIN": f"{origin}/auth/oauth/token",
        "SMARTCAR_MANAGEMENT_API_ORIGIN": f"{origin}/management",
        # API v3 of Python, of Node and Java, and of Ruby
        "SMARTCAR_VEHICLE_API_V3_ORIGIN": f"{origin}/vehicle-api",
        "SMARTCAR_API_V3_ORIGIN": f"{origin}/vehicle-api",
        "SMARTCAR_VEHICLE_API_ORIGIN": f"{origin}/vehicle-api",
    }


def _clear_volatile() -> None:
    _store.connect_sessions.clear()
    _store.volatile.clear()
    _store.deliveries.clear()
    _store.counters.clear()


def _load() -> State:
    path = conf.SMARTCAR_SIMULATOR_STATE
    if path is None:
        return State()
    try:
        return persistence.read(path)
    except persistence.UnreadableSnapshot as error:
        logger.error(
            "could not read the simulator's state: %s (%s); starting empty, connect the vehicles again. %s",
            path,
            error,
            _move_aside(path),
        )
        return State()


def _move_aside(path: Path) -> str:
    try:
        return f"The file was renamed to {persistence.move_aside(path).name}."
    except OSError as error:
        return f"The file could not be renamed: {error}."


def _save() -> None:
    current = state()
    current.prune(now())
    current.clock_offset = _store.clock.offset.total_seconds()
    path = conf.SMARTCAR_SIMULATOR_STATE
    if path is None:
        return
    try:
        persistence.write(path, current)
    except OSError as error:
        logger.error(
            "could not write the simulator's state to %s (%s); its vehicles will be lost on restart",
            path,
            error,
        )
