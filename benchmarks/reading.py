"""Reading a car: through the service, with the SDK alone, and beside Smartcar's own SDK."""

import sys
from collections.abc import Iterator
from functools import partial

from .bench import Bench, Claim, Smartcar, at_most, in_turn

CARS = 10
CALLS = 500
TIMES = 5

ABOUT = (
    f"Reading: CPU of an odometer, API v2, {CALLS} calls over TLS with a bundle of one CA; beside\n"
    "Smartcar's own SDK, 6.19.1, and a pooled call of requests. Through the service, the token comes from\n"
    "the database, and what the car tells is kept there"
)


def claims(bench: Bench) -> Iterator[Claim]:
    with bench.asking(0) as smartcar:
        took = measure(bench, CALLS, TIMES)
        requests, facts = six(bench, smartcar)
    cpu = {side: of["cpu"] for side, of in took.items()}
    yield at_most("through the service, beside Smartcar's SDK", 0.4, cpu["service"] / cpu["official"], " ×")
    yield at_most("our SDK alone, beside a pooled call", 1.15, cpu["sdk_alone"] / cpu["pooled"], " ×")
    yield at_most(f"requests for {facts} facts of a car", 1, requests, "")


def measure(bench: Bench, calls: int, times: int) -> dict[str, dict[str, float]]:
    bench.run("reading", "make", CARS)
    sides = ("service", "sdk_alone", "pooled", "official")
    took = in_turn(times, {side: partial(bench.run, "reading", side, calls) for side in sides})
    # Each call has brought news; and ours were kept, from each time.
    expected = (times + 1) / 2 * (calls + 1)
    if {of["told"] for of in took.values()} != {calls + 1} or took["service"]["kept"] != expected:
        sys.exit("Something was not read, or not kept: nothing is measured.")
    return took


def six(bench: Bench, smartcar: Smartcar) -> tuple[int, int]:
    """How many requests the facts of a car took, and how many facts those were."""
    before = smartcar.requests()
    facts = bench.run("reading", "six")["facts"]
    if facts != 6:
        sys.exit("Not all six facts were told: nothing is measured.")
    return smartcar.requests() - before, facts
