"""Does one thing for many rows, some at a time, in threads that leave no connection behind."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from django.db import connection, connections

Row = TypeVar("Row")


def each(
    act: Callable[[Row], Any], rows: Iterable[Row], at_once: int
) -> Iterator[tuple[Row, Exception | None]]:
    """Do it for each row; yields the row with what it failed with, or None, in the order of the rows."""

    def outcome(row: Row) -> Exception | None:
        try:
            act(row)
        except Exception as error:
            return error
        return None

    def in_a_thread(row: Row) -> Exception | None:
        try:
            return outcome(row)
        finally:
            connections.close_all()

    if at_once < 2 or _is_alone():
        for row in rows:
            yield row, outcome(row)
        return
    found = list(rows)
    with ThreadPoolExecutor(at_once, thread_name_prefix="smartcar") as pool:
        yield from zip(found, pool.map(in_a_thread, found), strict=True)


def _is_alone() -> bool:
    """Whether other threads would not see this one's rows: in a transaction, or a database in memory."""
    database: Any = connection
    in_memory = database.vendor == "sqlite" and database.is_in_memory_db()
    return bool(database.in_atomic_block or in_memory)
