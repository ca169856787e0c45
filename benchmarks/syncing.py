"""Reading a fleet: memory must not grow with it."""

import sys
from collections.abc import Iterator

from .bench import Bench, Claim, at_most

FEW = 1_000
MANY = 10_000

ABOUT = f"Syncing: peak memory of sync_smartcar_vehicles at {MANY:,} vehicles, 16 at once, over TLS"


def claims(bench: Bench) -> Iterator[Claim]:
    with bench.asking(0):
        few, many = (run(bench, vehicles)["peak"] for vehicles in (FEW, MANY))
    yield at_most(f"beside {FEW:,} vehicles", 1.1, many / few, " ×")


def run(bench: Bench, vehicles: int) -> dict:
    """What it took to read so many vehicles, each for the first time."""
    bench.run("syncing", "make", vehicles)
    took = bench.run("syncing", "ours")
    if took["left"]:
        sys.exit("Some vehicles were not read: nothing is measured.")
    return took
