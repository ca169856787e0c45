"""Benchmark of processing webhook events, compared with a bulk worker of raw SQL that promises nothing."""

import sys
from collections.abc import Iterator
from functools import partial

from .bench import Bench, Claim, at_least, for_comparison, medians

EVENTS = 2_000
CARS = 1_000
PROCESSES = (1, 4)
REPEATS = 5

DATABASES = ("SQLite", "PostgreSQL", "MariaDB")

ABOUT = (
    f"Working: {EVENTS:,} stored events of {CARS:,} cars, 14 signals each, in 1 and 4 processes. Compared\n"
    "with the limit: raw SQL in batches of 100 that reads the same events and stores every value twice, as\n"
    "the latest and as a past one, without leases, locks, checks, conversions, receivers and retries"
)


def claims(bench: Bench) -> Iterator[Claim]:
    for processes in PROCESSES:
        results = measure(bench, EVENTS, CARS, processes, REPEATS)
        rates = {side: EVENTS / result["seconds"] for side, result in results.items()}
        words = "1 process" if processes == 1 else f"{processes} processes"
        ratio = f"of the limit, {words}", rates["ours"] / rates["limit"], " ×"
        # The claim is about PostgreSQL; SQLite has one writer at a time.
        yield at_least(ratio[0], 0.5, *ratio[1:]) if bench.is_postgresql else for_comparison(*ratio)
        yield for_comparison(f"events a second, {words}", rates["ours"], "")


def measure(bench: Bench, events: int, cars: int, processes: int, times: int) -> dict[str, dict[str, float]]:
    """Process the same events with each side in turn, and check that each has processed all of them."""
    sides = ("ours", "limit")
    results = medians(times, {side: partial(run, bench, side, events, cars, processes) for side in sides})
    if any((result["processed"], result["cars"]) != (events, cars) for result in results.values()):
        sys.exit("Some events were not processed: the measurement is discarded.")
    return results


def run(bench: Bench, side: str, events: int, cars: int, processes: int) -> dict:
    bench.run("working", "prepare", events, cars)
    return bench.run("working", side, processes)
