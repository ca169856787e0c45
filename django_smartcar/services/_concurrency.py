"""Run a function for many rows in a bounded pool of threads, which leave no database connection open."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from django.db import connections, router

from ..exceptions import error_code
from ..models import ConnectedVehicle
from .outcomes import Outcome, Result

Row = TypeVar("Row")


def fitting(max_threads: int) -> int:
    """Return how many threads, of this many, may use the database beside this one.

    Of Django's connection pool each thread has a connection for as long as it runs; this thread has one, too.
    """
    options = connections[router.db_for_write(ConnectedVehicle)].settings_dict["OPTIONS"]
    if not (pool := options.get("pool")):
        return max_threads
    pool = {} if pool is True else pool
    # The defaults of psycopg_pool.
    size: int = pool.get("max_size") or pool.get("min_size", 4)
    return max(1, min(max_threads, size - 1))


def each(
    function: Callable[[Row], Any], rows: Iterable[Row], max_threads: int, success: Outcome
) -> Iterator[Result[Row]]:
    """Call ``function`` for each row; yield the results in the order of the rows, ``success`` or FAILED."""

    def run(row: Row) -> Result[Row]:
        try:
            function(row)
        except Exception as error:
            return Result(row, Outcome.FAILED, error_code(error), error)
        return Result(row, success)

    def run_in_thread(row: Row) -> Result[Row]:
        try:
            return run(row)
        finally:
            connections.close_all()

    max_threads = fitting(max_threads)
    if max_threads < 2 or _needs_this_thread():
        yield from map(run, rows)
        return
    with ThreadPoolExecutor(max_threads, thread_name_prefix="smartcar") as pool:
        yield from pool.map(run_in_thread, list(rows))


def _needs_this_thread() -> bool:
    """Return whether other threads would not see this thread's rows: in a transaction, or in memory."""
    database: Any = connections[router.db_for_write(ConnectedVehicle)]
    in_memory = database.vendor == "sqlite" and database.is_in_memory_db()
    return bool(database.in_atomic_block or in_memory)
