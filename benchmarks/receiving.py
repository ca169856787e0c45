"""Accepting a signed webhook, beside a view that stores one row and beside dj-stripe's."""

import subprocess
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from .bench import Bench, Claim, at_most, in_turn, told_only

EVENTS = 1_000
TIMES = 5

DJSTRIPE = "2.11.0"
#: In a folder of its own, which only its side sees: it is no dependency of anything.
FOLDER = Path(sys.prefix) / "official" / f"dj-stripe-{DJSTRIPE}"
PACKAGES = ["--no-deps", f"dj-stripe=={DJSTRIPE}", "stripe>=15.0.1,<16"]

ABOUT = (
    f"Receiving: {EVENTS:,} signed events, verified, stored once and answered; not worked. Beside a bare\n"
    "view that stores one row, with the same middleware, database and durability: on the disk"
)


def claims(bench: Bench) -> Iterator[Claim]:
    peers = ["bare", *(["djstripe"] if has_djstripe() else [])]
    took = measure(bench, ["ours", *peers], EVENTS, TIMES)
    bare = took["bare"]
    for figure, what in (("cpu", "CPU"), ("seconds", "time")):
        yield at_most(
            f"{what} of an event, beside the bare view", 1.5, took["ours"][figure] / bare[figure], " ×"
        )
        if "djstripe" in took:
            ratio = took["djstripe"][figure] / bare[figure]
            yield told_only(f"{what} of dj-stripe {DJSTRIPE}, beside the bare view", ratio, " ×")


def measure(bench: Bench, sides: list[str], events: int, times: int) -> dict[str, dict[str, float]]:
    # Whoever is answered 200 does not send it again: it has to be on the disk.
    variables = {side: {"BENCH_SYNCHRONOUS": "FULL"} for side in sides}
    if "djstripe" in sides:
        variables["djstripe"]["BENCH_DJSTRIPE"] = str(FOLDER)
    for side in sides:
        bench.run("receiving", "make", **variables[side])
    runs = {side: partial(bench.run, "receiving", side, events, **variables[side]) for side in sides}
    took = in_turn(times, runs)
    if {of["stored"] for of in took.values()} != {(times + 1) / 2 * (events + 1)}:
        sys.exit("Some events were not stored: nothing is measured.")
    return took


def has_djstripe() -> bool:
    """Whether it is here, or can be had."""
    if FOLDER.is_dir():
        return True
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "install", "--quiet"]
    if subprocess.run([*pip, "--target", FOLDER, *PACKAGES]).returncode:
        print(f"dj-stripe {DJSTRIPE} could not be installed: this is measured without it.", flush=True)
        return False
    return True
