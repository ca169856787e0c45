"""Benchmark of reading a vehicle: service, SDK alone, Smartcar's own SDK, and what is possible at least."""

import sys
from collections.abc import Iterator
from functools import partial

from .bench import Bench, Claim, Smartcar, at_most, for_comparison, medians

CARS = 10
CALLS = 500
REPEATS = 5

ABOUT = (
    f"Reading: CPU of an odometer, API v2, {CALLS} calls over TLS with a bundle of one CA; compared\n"
    "with Smartcar's own SDK, 6.19.1, and a pooled call of requests. The service reads vehicle and token\n"
    "from the database and saves the reading there; least is what urllib3 and psycopg take without any check"
)


def claims(bench: Bench) -> Iterator[Claim]:
    with bench.smartcar(0) as smartcar:
        results = measure(bench, CALLS, REPEATS)
        requests, readings = six_readings(bench, smartcar)
    cpu = {side: result["cpu"] for side, result in results.items()}
    maximum = 0.5 if bench.is_postgresql else 0.8
    official = cpu["official"]
    yield at_most("by key, compared with Smartcar's SDK", maximum, cpu["service_by_key"] / official, " ×")
    yield for_comparison("the vehicle from a queryset, then read", cpu["service"] / official, " ×")
    yield for_comparison("least: the request alone", cpu["bare_request"] / official, " ×")
    if bench.is_postgresql:
        yield for_comparison("least: with two statements", cpu["bare_service"] / official, " ×")
    yield at_most("our SDK alone, compared with a pooled call", 0.8, cpu["sdk_alone"] / cpu["pooled"], " ×")
    yield at_most(f"requests for {readings} readings of a vehicle", 1, requests, "")


def measure(bench: Bench, calls: int, times: int) -> dict[str, dict[str, float]]:
    bench.run("reading", "prepare", CARS)
    sides = ["service_by_key", "service", "sdk_alone", "pooled", "bare_request", "official"]
    sides += ["bare_service"] * bench.is_postgresql
    results = medians(times, {side: partial(bench.run, "reading", side, calls) for side in sides})
    # Each call must return a new distance, and the service must save those of every round.
    expected = times * (calls + 1)  # in the middle round
    distinct = {result["distinct"] for result in results.values()}
    saved = results["service"]["saved"], results["service_by_key"]["saved"]
    if distinct != {calls + 1} or saved != (expected + calls + 1, expected):
        sys.exit("Some readings were not read or not saved: the measurement is discarded.")
    return results


def six_readings(bench: Bench, smartcar: Smartcar) -> tuple[int, int]:
    """Return how many requests it takes to read six readings, and how many of them were read."""
    before = smartcar.requests()
    readings = bench.run("reading", "six_readings")["readings"]
    if readings != 6:
        sys.exit("Some of the six readings were not read: the measurement is discarded.")
    return smartcar.requests() - before, readings
