"""Benchmark of growth: pages and exports must stay fast in large tables."""

from collections.abc import Iterator

from .bench import Bench, Claim, at_most, for_comparison

#: Numbers of cars. SQLite is for small sites.
SIZES = {"postgres": (10_000, 100_000), "sqlite": (1_000, 10_000)}
#: How often each page is fetched; the fastest counts, as other programs use the machine, too.
REPEATS = 20

#: The maximum of each page, in ms, with the larger number of cars.
MAXIMA = {
    "readings": 100,
    "readings, last page": 150,
    "readings, search by user": 100,
    "readings, search by vehicle id": 100,
    "readings, search by signal": 100,
    "readings, search without a match": 100,
    "readings, implausible": 100,
    "signals": 100,
    "signals, search by user": 100,
    "vehicles": 100,
    "vehicles, last page": 50,
    "vehicles, search by user": 100,
    "vehicles, search by model": 100,
    "vehicles, search without a match": 100,
    "events": 100,
    "events, last page": 100,
    "events, search by vehicle id": 50,
    "events, search by event id": 50,
    "events, search without a match": 50,
    "events, dead": 100,
    "commands": 50,
    "commands, search by user": 50,
    "accounts": 100,
    "accounts, search by user": 100,
    "your cars": 100,
    "export of a person": 50,
}

ABOUT = (
    "Growth: pages of the admin, “Your cars” and an export of a person, made in one process; for each car\n"
    "50 readings, 10 webhook events, 10 signals and 5 commands; one driver has 500 cars"
)


def claims(bench: Bench) -> Iterator[Claim]:
    few, many = sizes(bench)
    before, after = run(bench, few), run(bench, many)
    for name, maximum in MAXIMA.items():
        numbers, statements = after[name], f"{after[name]['statements']} statements"
        yield at_most(f"{name}, {many:,} cars, {statements}", maximum, numbers["total"], " ms")
        yield for_comparison("    of that in the database", numbers["database"], " ms")
        yield for_comparison(
            f"    compared with {few:,} cars", numbers["total"] / before[name]["total"], " ×"
        )


def sizes(bench: Bench) -> tuple[int, int]:
    return SIZES[bench.environment["BENCH_DATABASE_URL"].partition(":")[0]]


def run(bench: Bench, cars: int, repeats: int = REPEATS) -> dict:
    """Fill the database with this many cars, and return the measurement of each page."""
    settings = {"DJANGO_SETTINGS_MODULE": "benchmarks.growth_settings"}
    bench.run("growth", "prepare", cars, **settings)
    return bench.run("growth", "measure", repeats, **settings)
