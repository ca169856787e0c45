"""Past the caller's transaction: queries whose effect a rollback of it does not undo.

Many projects run with ATOMIC_REQUESTS, and their code has atomic() blocks of its own. What Smartcar has given
once must not be lost with them, so it is written on a connection of its own.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

from django.db import connections, models, router

#: How long the connection of our own waits for a lock, in seconds: the caller may hold it, and waits for us.
LOCK_WAIT = 2


@contextlib.contextmanager
def autonomous_connection(model: type[models.Model]) -> Iterator[bool]:
    """Let the queries inside go past the transaction that the caller is in; whether there is one.

    They run in autocommit, and see what is committed. What the caller's transaction has locked they wait for
    no longer than ``LOCK_WAIT``: an OperationalError. Without a transaction nothing is different.
    """
    alias = router.db_for_write(model)
    callers = connections[alias]
    if not is_open(model):
        yield False
        return
    own = _copy_of(callers)
    connections[alias] = own
    try:
        _set_lock_timeout(own)
        yield True
        if callers.vendor == "sqlite":
            _restart_read_transaction(callers)
    finally:
        connections[alias] = callers
        own.close()


def is_open(model: type[models.Model]) -> bool:
    """Whether the caller is in a transaction whose rollback matters; one that only tests are in does not."""
    connection = connections[router.db_for_write(model)]
    if connection.connection is None or _is_test_transaction(connection):
        return False
    return connection.in_atomic_block or not connection.get_autocommit()


def _is_test_transaction(connection: Any) -> bool:
    """Whether Django's TestCase has wrapped a test in it, whose rows nobody else sees; or one in memory."""
    if connection.vendor == "sqlite" and connection.is_in_memory_db():
        return True
    return any(getattr(block, "_from_testcase", False) for block in connection.atomic_blocks)


def _copy_of(callers: Any) -> Any:
    own = callers.copy()
    own.settings_dict["AUTOCOMMIT"] = True
    own.settings_dict["OPTIONS"].pop("pool", None)
    if own.vendor == "sqlite":
        own.settings_dict["OPTIONS"]["timeout"] = LOCK_WAIT
    return own


def _restart_read_transaction(callers: Any) -> None:
    """Let the caller's transaction see what has been written past it: SQLite refuses a write to who has not.

    It has only read so far, or we could not have written; so it may as well begin now.
    """
    if callers.connection.in_transaction:
        callers.connection.execute("COMMIT")
        callers.connection.execute("BEGIN")
        for savepoint in filter(None, callers.savepoint_ids):
            callers.connection.execute(callers.ops.savepoint_create_sql(savepoint))


def _set_lock_timeout(own: Any) -> None:
    seconds = {"postgresql": "SET lock_timeout = '%ds'", "mysql": "SET innodb_lock_wait_timeout = %d"}
    if statement := seconds.get(own.vendor):
        with own.cursor() as cursor:
            cursor.execute(statement % LOCK_WAIT)
