"""Benchmark of reading a vehicle: service, SDK alone, Smartcar's own SDK, and a plain request."""

import sys
from collections.abc import Iterator
from functools import partial

from .bench import Bench, Claim, Smartcar, at_most, medians

CARS = 10
CALLS = 500
REPEATS = 5

ABOUT = (
    f"Reading: CPU of an odometer, API v2, {CALLS} calls over TLS with a bundle of one CA; compared\n"
    "with Smartcar's own SDK, 6.19.1, and a pooled call of requests. The service reads the token from the\n"
    "database and saves the reading there"
)


def claims(bench: Bench) -> Iterator[Claim]:
    with bench.smartcar(0) as smartcar:
        results = measure(bench, CALLS, REPEATS)
        requests, readings = six_readings(bench, smartcar)
    cpu = {side: result["cpu"] for side, result in results.items()}
    maximum = 0.5 if bench.is_postgresql else 0.8
    yield at_most(
        "through the service, compared with Smartcar's SDK", maximum, cpu["service"] / cpu["official"], " ×"
    )
    yield at_most("our SDK alone, compared with a pooled call", 1.15, cpu["sdk_alone"] / cpu["pooled"], " ×")
    yield at_most(f"requests for {readings} readings of a vehicle", 1, requests, "")


def measure(bench: Bench, calls: int, times: int) -> dict[str, dict[str, float]]:
    bench.run("reading", "prepare", CARS)
    sides = ("service", "sdk_alone", "pooled", "official")
    results = medians(times, {side: partial(bench.run, "reading", side, calls) for side in sides})
    # Each call must return a new distance, and the service must save those of every round.
    expected = (times + 1) / 2 * (calls + 1)
    distinct = {result["distinct"] for result in results.values()}
    if distinct != {calls + 1} or results["service"]["saved"] != expected:
        sys.exit("Some readings were not read or not saved: the measurement is discarded.")
    return results


def six_readings(bench: Bench, smartcar: Smartcar) -> tuple[int, int]:
    """Return how many requests it takes to read six readings, and how many of them were read."""
    before = smartcar.requests()
    readings = bench.run("reading", "six_readings")["readings"]
    if readings != 6:
        sys.exit("Some of the six readings were not read: the measurement is discarded.")
    return smartcar.requests() - before, readings
