"""Benchmark of refreshing tokens, compared with Smartcar's own SDK."""

import sys
from collections.abc import Iterator
from statistics import median

from .bench import Bench, Claim, at_least, at_most, result_of

LATENCY = 0.1
ACCOUNTS = 1_000
MANY = 100_000
#: How often a short run is repeated; the median counts.
REPEATS = 3

ABOUT = (
    f"Refreshing: {ACCOUNTS:,} accounts, {LATENCY * 1000:g} ms latency of Smartcar, over TLS;\n"
    "compared with Smartcar's own SDK, 6.19.1, one token after the other, each saved at once"
)


def claims(bench: Bench) -> Iterator[Claim]:
    yield from speed(bench)
    yield from memory(bench)


def run(bench: Bench, accounts: int, *arguments: object, processes: int = 1) -> list[dict]:
    """Create accounts, refresh them in one or more processes, and return the result of each."""
    bench.run("refreshing", "prepare", accounts)
    sides = [result_of(side) for side in [bench.start("refreshing", *arguments) for _ in range(processes)]]
    if all(side["remaining"] for side in sides):  # the process that ends last sees the final number
        sys.exit("Some accounts were not refreshed: the measurement is discarded.")
    return sides


def seconds(sides: list[dict]) -> float:
    """Return the seconds from the start of the first process to the end of the last."""
    return max(side["ended"] for side in sides) - min(side["started"] for side in sides)


def speed(bench: Bench) -> Iterator[Claim]:
    with bench.smartcar(LATENCY):
        (peer,) = run(bench, ACCOUNTS, "sdk")
        default = [run(bench, ACCOUNTS, "ours", 16) for _ in range(REPEATS)]
        more = [run(bench, ACCOUNTS, "ours", 64) for _ in range(REPEATS)]
        two = [run(bench, 2 * ACCOUNTS, "ours", 16, processes=2) for _ in range(REPEATS)]
    one_by_one, sixteen = seconds([peer]), median(map(seconds, default))
    yield at_least("faster than the SDK's loop, 16 at once", 13, one_by_one / sixteen, " ×")
    yield at_least(
        "faster than the SDK's loop, 64 at once", 30, one_by_one / median(map(seconds, more)), " ×"
    )
    yield at_least("of the ideal, 16 at once", 85, 100 * ACCOUNTS * LATENCY / 16 / sixteen, " %")
    yield at_least("two processes, compared with one", 1.7, 2 * sixteen / median(map(seconds, two)), " ×")
    cpu = median(side["cpu"] for (side,) in default) / peer["cpu"]
    yield at_most("CPU of a refresh, compared with the SDK", 1, cpu, " ×")


def memory(bench: Bench) -> Iterator[Claim]:
    with bench.smartcar(0):
        few, many = (run(bench, number, "ours", 16)[0]["peak"] for number in (ACCOUNTS, MANY))
    yield at_most(f"peak memory at {MANY:,} accounts, compared with {ACCOUNTS:,}", 1.1, many / few, " ×")
