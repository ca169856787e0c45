"""Run queries outside the caller's transaction, so that its rollback does not undo them.

Many projects run with ATOMIC_REQUESTS or have atomic() blocks. A token that Smartcar has issued must survive
their rollback, so it is written on a separate connection.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

from django.db import connections, models, router, transaction

#: Lock timeout of the separate connection, in seconds: the caller, which waits for it, may hold the lock.
LOCK_WAIT = 2


@contextlib.contextmanager
def autonomous_connection(model: type[models.Model]) -> Iterator[bool]:
    """Use a separate connection inside if the caller is in a transaction. Yield whether it is.

    Each query is a transaction of its own and sees only committed data. A lock of the caller's transaction
    raises OperationalError after ``LOCK_WAIT`` seconds. Outside a transaction nothing changes.
    """
    alias = router.db_for_write(model)
    caller = connections[alias]
    if not is_open(model):
        yield False
        return
    separate = separate_copy(caller)
    connections[alias] = separate
    try:
        with _lock_timeout(separate):
            yield True
        if caller.vendor == "sqlite":
            _restart_read_transaction(caller)
    finally:
        connections[alias] = caller
        separate.close()


def is_open(model: type[models.Model]) -> bool:
    """Return whether the caller is in a transaction; the one that wraps a test does not count."""
    connection = connections[router.db_for_write(model)]
    if connection.connection is None or is_of_test(connection):
        return False
    return connection.in_atomic_block or not connection.get_autocommit()


def release_connection(model: type[models.Model]) -> None:
    """Close the connection before a long wait: others may need it. The next query opens a new one."""
    connection = connections[router.db_for_write(model)]
    if not (is_open(model) or is_of_test(connection)):
        connection.close()


def is_of_test(connection: Any) -> bool:
    """Return whether no other connection sees the rows: in a TestCase's transaction or in memory."""
    if connection.vendor == "sqlite" and connection.is_in_memory_db():
        return True
    return any(getattr(block, "_from_testcase", False) for block in connection.atomic_blocks)


def separate_copy(caller: Any) -> Any:
    """Return a new connection in autocommit mode with the caller's settings, but outside Django's pool."""
    separate = caller.copy()
    separate.settings_dict["AUTOCOMMIT"] = True
    separate.settings_dict["OPTIONS"].pop("pool", None)
    if separate.vendor == "sqlite":
        separate.settings_dict["OPTIONS"]["timeout"] = LOCK_WAIT
    return separate


def _restart_read_transaction(caller: Any) -> None:
    """Restart the caller's SQLite read transaction; with a stale snapshot its next write would fail.

    It has only read so far: otherwise the separate connection could not have written.
    """
    if caller.connection.in_transaction:
        caller.connection.execute("COMMIT")
        caller.connection.execute("BEGIN")
        for savepoint in filter(None, caller.savepoint_ids):
            caller.connection.execute(caller.ops.savepoint_create_sql(savepoint))


@contextlib.contextmanager
def _lock_timeout(separate: Any) -> Iterator[None]:
    """Limit how long the connection waits for a lock."""
    if separate.vendor == "postgresql":
        with separate.execute_wrapper(_with_local_timeout):
            yield
        return
    if separate.vendor == "mysql":
        with separate.cursor() as cursor:
            cursor.execute(f"SET innodb_lock_wait_timeout = {LOCK_WAIT}")
    yield


def _with_local_timeout(
    execute: Callable[..., Any], sql: str, params: Any, many: bool, context: dict[str, Any]
) -> Any:
    """Execute a statement of PostgreSQL with the lock timeout, set in the statement's own transaction.

    In a session it would remain for the next client of a transaction pooler such as PgBouncer.
    """
    connection = context["connection"]
    is_alone = not connection.in_atomic_block
    with transaction.atomic(using=connection.alias) if is_alone else contextlib.nullcontext():
        with connection.connection.cursor() as cursor:
            cursor.execute(f"SET LOCAL lock_timeout = '{LOCK_WAIT}s'")
        return execute(sql, params, many, context)
