"""Store the value of a single read, and count its request: in one statement on PostgreSQL.

The state of the signal has been read before the request, without a lock. It is replaced only if it is still
the same. Where it is not, and for a first value, a late one or an outlier, nothing is stored here:
`_store.save_observations`, which locks, decides again.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from functools import lru_cache
from typing import Any, NamedTuple

from django.db import DatabaseError, connections, router, transaction
from django.utils import timezone

from ...models import ConnectedVehicle, RateLimit, VehicleReading, VehicleSignal
from .. import _rate_limits, _transactions
from .._access import Limit
from ._store import OK, Decisions, Observation, Outcome, Saved, State


class Done(NamedTuple):
    """What `store` has done."""

    #: None if the observation has to be stored with a lock.
    saved: Saved | None
    is_counted: bool


NOTHING = Done(None, False)

#: The columns that a value may change, but for ``status_at``. A read has no sequence.
_COLUMNS: dict[str, Any] = {
    name: VehicleSignal._meta.get_field(name)
    for name in ("value", "unit", "source", "recorded_at", "received_at")
}
_STATUS_AT: Any = VehicleSignal._meta.get_field("status_at")


def store(
    observation: Observation, stored: Mapping[str, Any] | None, limit: Limit | None, requests: int
) -> Done:
    """Store an observation if its signal still has this state, and count the requests on this row.

    ``stored`` has the columns of the signal's `State`.
    """
    alias = router.db_for_write(VehicleSignal)
    write = _WRITERS.get(connections[alias].vendor)
    if write is None or stored is None or observation.status != OK or _transactions.is_open(VehicleSignal):
        return NOTHING
    now = timezone.now()
    decisions = Decisions(alias, [observation], [State(**stored)], now)
    (saved,) = decisions.saved
    if not decisions.changed or saved.outcome not in (Outcome.LATEST, Outcome.UNCHANGED):
        return NOTHING
    if limit is not None and limit.month != _rate_limits.this_month():
        limit = None
    try:
        is_stored, is_counted = write(alias, _row(connections[alias], saved, stored, now), limit, requests)
    except DatabaseError:
        return NOTHING  # `save_observations` raises it, if it is still there
    except BaseException as error:
        # The frames have the values, which error reports must not show.
        raise error.with_traceback(None) from None
    return Done(saved if is_stored else None, is_counted)


class _Row(NamedTuple):
    """What is written, as the database gets it: the new state of a signal, and its reading if it is new."""

    vehicle_id: int
    signal: str
    #: The columns that change to something else than the time that it is now, and their values.
    changed: tuple[str, ...]
    values: list[Any]
    #: Whether the value is received now, rather than at its own time.
    is_received: bool
    now: Any
    #: The ``status_at`` of the state that was compared with the value.
    version: Any
    has_reading: bool

    def __repr__(self) -> str:
        return f"{self.signal} of vehicle {self.vehicle_id}"


def _row(connection: Any, saved: Saved, stored: Mapping[str, Any], now: datetime) -> _Row:
    state = saved.row
    changes = {name: value for name in _COLUMNS if (value := getattr(state, name)) != stored[name]}
    is_received = changes.get("received_at") == now
    if is_received:
        del changes["received_at"]
    return _Row(
        state.vehicle_id,
        state.signal,
        tuple(changes),
        [_COLUMNS[name].get_db_prep_save(value, connection) for name, value in changes.items()],
        is_received,
        _STATUS_AT.get_db_prep_save(now, connection),
        _STATUS_AT.get_db_prep_save(stored["status_at"], connection),
        saved.outcome is Outcome.LATEST,
    )


def _usage(limit: Limit | None, requests: int) -> list[Any]:
    return [requests, limit and limit.id, limit and limit.month]


def _write_at_once(alias: str, row: _Row, limit: Limit | None, requests: int) -> tuple[bool, bool]:
    """Write the row in one statement of PostgreSQL. Return whether it is stored, and is counted."""
    statement = _statement(alias, row.changed, row.is_received, row.has_reading)
    values = [row.now, row.vehicle_id, *row.values, row.signal, row.version, *_usage(limit, requests)]
    with connections[alias].cursor() as cursor:
        cursor.execute(statement, values)
        is_stored, is_counted = cursor.fetchone()
        return is_stored, is_counted


def _write_in_turn(alias: str, row: _Row, limit: Limit | None, requests: int) -> tuple[bool, bool]:
    """Write the row in one transaction. Return whether it is stored, and whether it is counted.

    The first statement writes: it locks SQLite's database, and the vehicle elsewhere.
    """
    key: list[Any] = [row.vehicle_id, row.signal]
    with transaction.atomic(alias), connections[alias].cursor() as cursor:
        cursor.execute(_seen(alias), [row.now, row.vehicle_id])
        values = [*row.values, *[row.now] * (1 + row.is_received), *key, row.version]
        cursor.execute(_update(alias, row.changed, row.is_received), values)
        is_stored = bool(cursor.rowcount)
        if is_stored and row.has_reading:
            cursor.execute(_reading(alias), key)
        cursor.execute(_count(alias), _usage(limit, requests))
        return is_stored, bool(cursor.rowcount)


_WRITERS: dict[str, Callable[[str, _Row, Limit | None, int], tuple[bool, bool]]] = {
    "postgresql": _write_at_once,
    "sqlite": _write_in_turn,
    "mysql": _write_in_turn,
}


# In the statements, the names are those of our own models.


@lru_cache(maxsize=64)
def _statement(alias: str, changed: tuple[str, ...], is_received: bool, has_reading: bool) -> str:
    """Return all steps as one statement. It returns whether the row is stored, and whether it is counted.

    The second step uses the first one's row: the vehicle is locked before its signal, as everywhere.
    """
    signals = connections[alias].ops.quote_name(VehicleSignal._meta.db_table)
    updated = _changes(alias, changed, is_received, now="seen.last_seen_at")
    steps = [
        f"seen AS ({_seen(alias)} RETURNING id, last_seen_at)",
        f"state AS (UPDATE {signals} state SET {updated} FROM seen WHERE state.vehicle_id = seen.id "  # noqa: S608
        "AND state.signal = %s AND state.status_at = %s RETURNING state.*)",
        *([f"reading AS ({_reading(alias, 'state')})"] if has_reading else []),
        f"usage AS ({_count(alias)} RETURNING 1)",
    ]
    are_done = "EXISTS (SELECT 1 FROM state), EXISTS (SELECT 1 FROM usage)"
    return f"WITH {', '.join(steps)} SELECT {are_done}"  # noqa: S608


@lru_cache(maxsize=4)
def _seen(alias: str) -> str:
    table = connections[alias].ops.quote_name(ConnectedVehicle._meta.db_table)
    return f"UPDATE {table} SET last_seen_at = %s WHERE id = %s"  # noqa: S608


@lru_cache(maxsize=64)
def _update(alias: str, changed: tuple[str, ...], is_received: bool) -> str:
    quote = connections[alias].ops.quote_name
    return (
        f"UPDATE {quote(VehicleSignal._meta.db_table)} SET {_changes(alias, changed, is_received, now='%s')} "  # noqa: S608
        f"WHERE vehicle_id = %s AND {quote('signal')} = %s AND status_at = %s"
    )


def _changes(alias: str, changed: tuple[str, ...], is_received: bool, *, now: str) -> str:
    """Return the changes of a state: to parameters, to the time that it is ``now``, and to a success."""
    quote = connections[alias].ops.quote_name
    changes = [f"{quote(_COLUMNS[name].column)} = %s" for name in changed]
    changes += [f"received_at = {now}"] * is_received + [f"status_at = {now}"]
    return ", ".join([*changes, f"status = '{OK}'", "error_type = ''", "error_code = ''"])


@lru_cache(maxsize=4)
def _reading(alias: str, states: str = "") -> str:
    """Return the INSERT of the reading of a state; it replaces an earlier one of the same moment.

    Without a table of ``states``, its parameters are the key of the state.
    """
    connection = connections[alias]
    quote = connection.ops.quote_name
    values = {quote(name): f"state.{quote(name)}" for name in ("value", "unit", "source")}
    values |= {"received_at": "state.status_at", "is_outlier": "FALSE"}
    key = {quote(name): f"state.{quote(name)}" for name in ("vehicle_id", "signal")}
    key |= {"recorded_at": "COALESCE(state.recorded_at, state.received_at)"}
    columns = {**key, **values}
    if connection.vendor == "mysql":
        conflict = "ON DUPLICATE KEY UPDATE"
        replaced = [f"{name} = {value}" for name, value in values.items()]
    else:
        conflict = f"ON CONFLICT ({', '.join(key)}) DO UPDATE SET"
        replaced = [f"{name} = EXCLUDED.{name}" for name in values]
    of_key = f"{quote(VehicleSignal._meta.db_table)} state WHERE vehicle_id = %s AND {quote('signal')} = %s"
    return (
        f"INSERT INTO {quote(VehicleReading._meta.db_table)} ({', '.join(columns)}) "  # noqa: S608
        f"SELECT {', '.join(columns.values())} FROM {states or of_key} {conflict} {', '.join(replaced)}"
    )


@lru_cache(maxsize=4)
def _count(alias: str) -> str:
    quote = connections[alias].ops.quote_name
    table = quote(RateLimit._meta.db_table)
    return f"UPDATE {table} SET requests = requests + %s WHERE id = %s AND {quote('month')} = %s"  # noqa: S608
