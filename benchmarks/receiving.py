"""Benchmark of receiving a signed webhook, compared with a view that stores one row and with dj-stripe."""

import subprocess
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from .bench import Bench, Claim, at_most, for_comparison, medians

EVENTS = 1_000
REPEATS = 5

DJSTRIPE = "2.11.0"
#: In a folder of its own, which only its side imports from: it is not a dependency of the package.
FOLDER = Path(sys.prefix) / "official" / f"dj-stripe-{DJSTRIPE}"
PACKAGES = ["--no-deps", f"dj-stripe=={DJSTRIPE}", "stripe>=15.0.1,<16"]

ABOUT = (
    f"Receiving: {EVENTS:,} signed events, verified, stored once and answered, but not processed. Compared\n"
    "with a bare view that stores one row, with the same middleware, database and durability: on the disk"
)


def claims(bench: Bench) -> Iterator[Claim]:
    peers = ["bare", *(["djstripe"] if has_djstripe() else [])]
    results = measure(bench, ["ours", *peers], EVENTS, REPEATS)
    bare = results["bare"]
    for figure, what in (("cpu", "CPU"), ("seconds", "time")):
        yield at_most(
            f"{what} of an event, compared with the bare view",
            1.5,
            results["ours"][figure] / bare[figure],
            " ×",
        )
        if "djstripe" in results:
            ratio = results["djstripe"][figure] / bare[figure]
            yield for_comparison(f"{what} of dj-stripe {DJSTRIPE}, compared with the bare view", ratio, " ×")


def measure(bench: Bench, sides: list[str], events: int, times: int) -> dict[str, dict[str, float]]:
    # A sender that gets a 200 does not repeat the event, so it must be on the disk by then.
    variables = {side: {"BENCH_SYNCHRONOUS": "FULL"} for side in sides}
    if "djstripe" in sides:
        variables["djstripe"]["BENCH_DJSTRIPE"] = str(FOLDER)
    for side in sides:
        bench.run("receiving", "prepare", **variables[side])
    runs = {side: partial(bench.run, "receiving", side, events, **variables[side]) for side in sides}
    results = medians(times, runs)
    if {result["stored"] for result in results.values()} != {(times + 1) / 2 * (events + 1)}:
        sys.exit("Some events were not stored: the measurement is discarded.")
    return results


def has_djstripe() -> bool:
    """Return whether dj-stripe is installed. Try to install it if not."""
    if FOLDER.is_dir():
        return True
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "install", "--quiet"]
    if subprocess.run([*pip, "--target", FOLDER, *PACKAGES]).returncode:
        print(f"dj-stripe {DJSTRIPE} could not be installed: the benchmark runs without it.", flush=True)
        return False
    return True
