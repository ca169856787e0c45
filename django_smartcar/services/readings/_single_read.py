"""Store the one value of a single read, and count its request, in one statement where the database can.

The state of the signal has been read before the request, without a lock. It is replaced only if it is still
the same; otherwise nothing is stored here, and `_store.save_observations`, which locks, decides again.
"""

from __future__ import annotations

from datetime import datetime
from functools import lru_cache
from typing import Any, NamedTuple

from django.db import DatabaseError, connections, models, router, transaction
from django.utils import timezone

from ...models import ConnectedVehicle, RateLimit, VehicleReading, VehicleSignal
from .. import _rate_limits, _transactions
from ._store import OK, Decisions, Observation, Reading, Saved, State


class Done(NamedTuple):
    """What `store` has done."""

    #: None if the observation has to be stored with a lock.
    saved: Saved | None
    is_counted: bool


NOTHING = Done(None, False)


def store(
    observation: Observation, state: VehicleSignal | None, limit: RateLimit | None, requests: int
) -> Done:
    """Store an observation if the signal still has this state, and count requests on this row."""
    alias = router.db_for_write(VehicleSignal)
    connection = connections[alias]
    is_able = connection.vendor in ("postgresql", "sqlite") and not _transactions.is_open(VehicleSignal)
    if not is_able or observation.status != OK:
        return NOTHING
    now = timezone.now()
    stored = [] if state is None else [State.of(state)]
    version = None if state is None else state.status_at
    decisions = Decisions(alias, [observation], stored, now)
    if len(decisions.changed) != 1:
        return NOTHING
    row = _Row(
        decisions.changed[observation.key],
        next(iter([*decisions.current.values(), *decisions.history.values()]), None),
        bool(decisions.current),
        version,
        now,
        None if limit is None or limit.month != _rate_limits.this_month() else limit,
        requests,
    )
    try:
        write = _write_at_once if connection.vendor == "postgresql" else _write_in_turn
        is_stored, is_counted = write(alias, row)
    except DatabaseError:
        return NOTHING  # `save_observations` raises it, if it is still there
    except BaseException as error:
        # The frames have the values, which error reports must not show.
        raise error.with_traceback(None) from None
    return Done(decisions.saved[0] if is_stored else None, is_counted)


class _Row(NamedTuple):
    """What is written: the state of a signal, and perhaps a reading of its history."""

    state: State
    reading: Reading | None
    #: Whether the reading is the new state: it replaces one of the same moment.
    is_current: bool
    #: The ``status_at`` of the state that this one was compared with; None if there was none.
    version: datetime | None
    now: datetime
    limit: RateLimit | None
    requests: int

    def __repr__(self) -> str:
        return repr(self.state)


def _write_at_once(alias: str, row: _Row) -> tuple[bool, bool]:
    """Write the row in one statement of PostgreSQL. Return whether it is stored, and whether it is counted.

    The vehicle is locked before its signal, as everywhere: the second step reads the result of the first.
    """
    steps = _steps(alias)
    parts = [f"seen AS ({steps.seen} RETURNING 1)", f"state AS ({steps.state} RETURNING 1)"]
    values = [*_seen_values(alias, row), *_state_values(alias, row)]
    if row.reading is not None:
        parts.append(f"reading AS ({steps.current if row.is_current else steps.late})")
        values += _values_of(alias, VehicleReading, row.reading)
    parts.append(f"usage AS ({steps.usage} RETURNING 1)")
    values += _usage_values(row)
    counts = "SELECT (SELECT count(*) FROM seen), (SELECT count(*) FROM state), (SELECT count(*) FROM usage)"
    with connections[alias].cursor() as cursor:
        cursor.execute(f"WITH {', '.join(parts)} {counts}", values)
        _is_seen, is_stored, is_counted = cursor.fetchone()
    return bool(is_stored), bool(is_counted)


def _write_in_turn(alias: str, row: _Row) -> tuple[bool, bool]:
    """Write the row in one transaction of SQLite, which locks the database."""
    steps = _steps(alias)
    with transaction.atomic(alias), connections[alias].cursor() as cursor:
        is_seen = cursor.execute(steps.seen, _seen_values(alias, row)).rowcount
        is_stored = is_seen and cursor.execute(steps.state, _state_values(alias, row)).rowcount
        if is_stored and row.reading is not None:
            cursor.execute(
                steps.current if row.is_current else steps.late,
                _values_of(alias, VehicleReading, row.reading),
            )
        is_counted = cursor.execute(steps.usage, _usage_values(row)).rowcount
    return bool(is_stored), bool(is_counted)


class _Steps(NamedTuple):
    """The statements that write a row."""

    seen: str
    state: str
    #: A reading that is the new state, or one that came late.
    current: str
    late: str
    usage: str


@lru_cache(maxsize=4)
def _steps(alias: str) -> _Steps:
    quote = connections[alias].ops.quote_name
    signals, limits = quote(VehicleSignal._meta.db_table), quote(RateLimit._meta.db_table)
    reading = _insert(alias, VehicleReading, "state")
    # The names are those of our own models.
    return _Steps(
        f"UPDATE {quote(ConnectedVehicle._meta.db_table)} SET last_seen_at = %s WHERE id = %s",  # noqa: S608
        f"{_insert(alias, VehicleSignal, 'seen')} {_replace(alias, VehicleSignal, 'vehicle_id', 'signal')} "
        f"WHERE {signals}.status_at = %s",
        f"{reading} {_replace(alias, VehicleReading, 'vehicle_id', 'signal', 'recorded_at')}",
        f"{reading} ON CONFLICT DO NOTHING",
        f"UPDATE {limits} SET requests = requests + %s WHERE id = %s AND {quote('month')} = %s",  # noqa: S608
    )


def _insert(alias: str, model: type[models.Model], after: str) -> str:
    """Return the INSERT of one row; on PostgreSQL, of none if the step before has changed nothing."""
    connection, columns = connections[alias], _columns(model)
    names = ", ".join(connection.ops.quote_name(field.column) for field in columns)
    into = f"INSERT INTO {connection.ops.quote_name(model._meta.db_table)} ({names})"
    if connection.vendor == "sqlite":
        return f"{into} VALUES ({', '.join(['%s'] * len(columns))})"
    values = ", ".join(f"%s::{field.db_type(connection)}" for field in columns)
    return f"{into} SELECT {values} FROM {after}"  # noqa: S608


def _replace(alias: str, model: type[models.Model], *key: str) -> str:
    """Return the end of an INSERT, by which it replaces the row with the same key."""
    quote = connections[alias].ops.quote_name
    changed = [quote(field.column) for field in _columns(model) if field.column not in key]
    values = ", ".join(f"{name} = EXCLUDED.{name}" for name in changed)
    return f"ON CONFLICT ({', '.join(map(quote, key))}) DO UPDATE SET {values}"


def _columns(model: type[models.Model]) -> list[Any]:
    return [field for field in model._meta.concrete_fields if not field.primary_key]


def _values_of(alias: str, model: type[models.Model], row: State | Reading) -> list[Any]:
    connection = connections[alias]
    return [field.get_db_prep_save(getattr(row, field.attname), connection) for field in _columns(model)]


def _seen_values(alias: str, row: _Row) -> list[Any]:
    return [_time(alias, row.now), row.state.vehicle_id]


def _state_values(alias: str, row: _Row) -> list[Any]:
    return [*_values_of(alias, VehicleSignal, row.state), _time(alias, row.version)]


def _usage_values(row: _Row) -> list[Any]:
    return [row.requests, row.limit and row.limit.pk, row.limit and row.limit.month]


def _time(alias: str, moment: datetime | None) -> Any:
    return connections[alias].ops.adapt_datetimefield_value(moment)
