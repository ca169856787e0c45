"""Benchmark of syncing many vehicles: memory must not grow with their number."""

import sys
from collections.abc import Iterator

from .bench import Bench, Claim, at_most

FEW = 1_000
MANY = 10_000

ABOUT = f"Syncing: peak memory of sync_smartcar_vehicles at {MANY:,} vehicles, 16 at once, over TLS"


def claims(bench: Bench) -> Iterator[Claim]:
    with bench.smartcar(0):
        few, many = (run(bench, vehicles)["peak"] for vehicles in (FEW, MANY))
    yield at_most(f"compared with {FEW:,} vehicles", 1.1, many / few, " ×")


def run(bench: Bench, vehicles: int) -> dict:
    """Create this many vehicles, sync them for the first time, and return the measurement."""
    bench.run("syncing", "prepare", vehicles)
    result = bench.run("syncing", "ours")
    if result["remaining"]:
        sys.exit("Some vehicles were not synced: the measurement is discarded.")
    return result
