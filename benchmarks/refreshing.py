"""The refreshing of tokens, beside Smartcar's own SDK."""

import sys
from collections.abc import Iterator
from statistics import median

from .bench import Bench, Claim, at_least, at_most, told

LATENCY = 0.1
ACCOUNTS = 1_000
MANY = 100_000
#: How often what is over in seconds is measured; the median counts.
TIMES = 3

ABOUT = (
    f"Refreshing: {ACCOUNTS:,} accounts, {LATENCY * 1000:g} ms until Smartcar answers, over TLS;\n"
    "beside Smartcar's own SDK, 6.19.1, token by token, each saved at once"
)


def claims(bench: Bench) -> Iterator[Claim]:
    yield from speed(bench)
    yield from memory(bench)


def run(bench: Bench, accounts: int, *arguments: object, copies: int = 1) -> list[dict]:
    """What it took to refresh so many accounts; each copy tells of itself."""
    bench.run("refreshing", "make", accounts)
    sides = [told(side) for side in [bench.start("refreshing", *arguments) for _ in range(copies)]]
    if all(side["left"] for side in sides):  # as the copy that ends last has seen it
        sys.exit("Some accounts were not refreshed: nothing is measured.")
    return sides


def seconds(sides: list[dict]) -> float:
    """From the first copy's start to the last one's end."""
    return max(side["until"] for side in sides) - min(side["since"] for side in sides)


def speed(bench: Bench) -> Iterator[Claim]:
    with bench.asking(LATENCY):
        (peer,) = run(bench, ACCOUNTS, "sdk")
        default = [run(bench, ACCOUNTS, "ours", 16) for _ in range(TIMES)]
        more = [run(bench, ACCOUNTS, "ours", 64) for _ in range(TIMES)]
        two = [run(bench, 2 * ACCOUNTS, "ours", 16, copies=2) for _ in range(TIMES)]
    one_by_one, sixteen = seconds([peer]), median(map(seconds, default))
    yield at_least("faster than the SDK's loop, 16 at once", 13, one_by_one / sixteen, " ×")
    yield at_least(
        "faster than the SDK's loop, 64 at once", 30, one_by_one / median(map(seconds, more)), " ×"
    )
    yield at_least("of the ideal, 16 at once", 85, 100 * ACCOUNTS * LATENCY / 16 / sixteen, " %")
    yield at_least("two processes, beside one", 1.7, 2 * sixteen / median(map(seconds, two)), " ×")
    cpu = median(side["cpu"] for (side,) in default) / peer["cpu"]
    yield at_most("CPU of a refresh, beside the SDK's", 1, cpu, " ×")


def memory(bench: Bench) -> Iterator[Claim]:
    with bench.asking(0):
        few, many = (run(bench, number, "ours", 16)[0]["peak"] for number in (ACCOUNTS, MANY))
    yield at_most(f"peak memory at {MANY:,} accounts, beside {ACCOUNTS:,}", 1.1, many / few, " ×")
