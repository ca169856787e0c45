"""Benchmark of the driver's pages: time, statements and weight, beside a view that returns a line."""

from collections.abc import Iterator

from .bench import Bench, Claim, at_most, for_comparison

#: Cars of the list, besides one.
CARS = 5
#: The car of the page tells its values so many times: twice a day for a year.
TIMES = 730
#: How often each page is fetched; the fastest counts, as other programs use the machine, too.
REPEATS = 50

ABOUT = (
    "Pages of a driver, made in one process; bare is a view of the same site that asks for a login and\n"
    "returns a line. Weight is the page with the stylesheet, script and symbols of the app, uncompressed"
)


def claims(bench: Bench) -> Iterator[Claim]:
    found = run(bench, TIMES, REPEATS)
    cars, history = found["your cars"], found["a year of history"]
    yield at_most(f"your cars, {CARS} cars, weight", 60, cars["weight"] / 1000, " kB")
    yield for_comparison("    of that compressed by gzip, as many servers do", cars["gzip"] / 1000, " kB")
    yield at_most(f"your cars, {CARS} cars, statements", 10, cars["statements"], "")
    more = cars["statements"] - found["one car"]["statements"]
    yield at_most("    more than with one car", 0, more, "")
    yield at_most(f"your cars, {CARS} cars", 100, cars["total"], " ms")
    yield from parts(cars, found["bare"])
    yield at_most("a car with a year of history, statements", 10, history["statements"], "")
    yield at_most("a car with a year of history", 300, history["total"], " ms")
    yield from parts(history, found["bare"])


def parts(page: dict, bare: dict) -> Iterator[Claim]:
    yield for_comparison("    of that in the database", page["database"], " ms")
    yield for_comparison("    compared with the bare view", page["total"] / bare["total"], " ×")


def run(bench: Bench, times: int, repeats: int) -> dict:
    """Fill the database, and return the measurement of each page."""
    settings = {"DJANGO_SETTINGS_MODULE": "benchmarks.growth_settings"}
    bench.run("pages", "prepare", CARS, times, **settings)
    return bench.run("pages", "measure", repeats, **settings)
