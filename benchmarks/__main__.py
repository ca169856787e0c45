"""Measures the refreshing of tokens beside Smartcar's own SDK, and says which claims hold.

Ends with status 1 if one does not. What the machine has to do besides shows in its load, which is told.
"""

import json
import os
import platform
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from statistics import median
from typing import NamedTuple

import trustme

from tests.databases import POSTGRESQL, created, running

LATENCY = 0.1
ACCOUNTS = 1_000
MANY = 100_000
#: How often what is over in seconds is measured; the median counts.
TIMES = 3


class Claim(NamedTuple):
    what: str
    wanted: str
    measured: str
    is_met: bool


def at_least(what: str, least: float, measured: float, unit: str) -> Claim:
    return Claim(what, f"≥ {least:g}{unit}", f"{measured:.3g}{unit}", measured >= least)


def at_most(what: str, most: float, measured: float, unit: str) -> Claim:
    return Claim(what, f"≤ {most:g}{unit}", f"{measured:.3g}{unit}", measured <= most)


class Bench:
    """One database, and a token endpoint that the sides ask."""

    def __init__(self, database: str) -> None:
        self.environment = {
            **os.environ,
            "DJANGO_SETTINGS_MODULE": "benchmarks.settings",
            "BENCH_DATABASE_URL": database,
        }

    @contextmanager
    def asking(self, latency: float) -> Iterator[None]:
        """Point the sides at an endpoint with this latency, whose certificate is made for it."""
        authority = trustme.CA()
        with tempfile.TemporaryDirectory() as folder:
            certificate, trusted = f"{folder}/server.pem", f"{folder}/authority.pem"
            authority.issue_cert("127.0.0.1").private_key_and_cert_chain_pem.write_to_path(certificate)
            authority.cert_pem.write_to_path(trusted)
            command = [sys.executable, "-m", "benchmarks.server", str(latency), certificate]
            pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
            with subprocess.Popen(command, text=True, **pipes) as server:
                url = f"https://127.0.0.1:{server.stdout.readline().strip()}/oauth/token"
                asked = {"BENCH_AUTH_URL": url, "SMARTCAR_AUTH_ORIGIN": url}
                self.environment |= {**asked, "REQUESTS_CA_BUNDLE": trusted}
                try:
                    yield
                finally:
                    server.stdin.close()

    def start(self, *arguments: object) -> subprocess.Popen:
        command = [sys.executable, "-m", "benchmarks.side", *map(str, arguments)]
        return subprocess.Popen(command, env=self.environment, stdout=subprocess.PIPE, text=True)

    def run(self, accounts: int, *arguments: object, copies: int = 1) -> list[dict]:
        """What it took to refresh so many accounts; each copy tells of itself."""
        told(self.start("make", accounts))
        sides = [told(side) for side in [self.start(*arguments) for _ in range(copies)]]
        if all(side["left"] for side in sides):  # as the copy that ends last has seen it
            sys.exit("Some accounts were not refreshed: nothing is measured.")
        return sides


def told(side: subprocess.Popen) -> dict:
    said, _ = side.communicate()
    if side.returncode:
        sys.exit("A side of the comparison has failed; what it said stands above.")
    return json.loads(said)


def seconds(sides: list[dict]) -> float:
    """From the first copy's start to the last one's end."""
    return max(side["until"] for side in sides) - min(side["since"] for side in sides)


def speed(bench: Bench) -> Iterator[Claim]:
    with bench.asking(LATENCY):
        (peer,) = bench.run(ACCOUNTS, "sdk")
        default = [bench.run(ACCOUNTS, "ours", 16) for _ in range(TIMES)]
        more = [bench.run(ACCOUNTS, "ours", 64) for _ in range(TIMES)]
        two = [bench.run(2 * ACCOUNTS, "ours", 16, copies=2) for _ in range(TIMES)]
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
        few, many = (bench.run(number, "ours", 16)[0]["peak"] for number in (ACCOUNTS, MANY))
    yield at_most(f"peak memory at {MANY:,} accounts, beside {ACCOUNTS:,}", 1.1, many / few, " ×")


def machine() -> str:
    names = [line for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name")]
    packages = ", ".join(f"{name} {version(name)}" for name in ("Django", "requests", "cryptography"))
    return f"{len(names)} × {names[0].partition(': ')[2]}, Python {platform.python_version()}, {packages}"


def load() -> str:
    return f"{os.getloadavg()[0]:.1f}"


def report(database: str, claims: Iterator[Claim]) -> bool:
    """A line for each claim, as it is known; whether all are met."""
    is_met = True
    for claim in claims:
        verdict = "met" if claim.is_met else "NOT MET"
        print(f"{database:<11}{claim.what:<52}{claim.wanted:>10}{claim.measured:>10}  {verdict}", flush=True)
        is_met = is_met and claim.is_met
    return is_met


def main() -> None:
    print(f"{machine()}\nLoad of the machine before: {load()}")
    print(f"{ACCOUNTS:,} accounts, {LATENCY * 1000:g} ms until Smartcar answers, over TLS", flush=True)
    print("Beside Smartcar's own SDK, 6.19.1, token by token, each saved at once\n", flush=True)
    verdicts = []
    servers = {"SQLite": "sqlite", "PostgreSQL": running(POSTGRESQL)}
    for name, server in servers.items():
        if server is None:
            print(f"{name} was not found here.")
            continue
        with tempfile.TemporaryDirectory() as folder, created(name.lower(), server, Path(folder)) as database:
            bench = Bench(database)
            for part in (speed, memory):
                verdicts.append(report(name, part(bench)))
    print(f"\nLoad of the machine after: {load()}")
    sys.exit(not all(verdicts))


if __name__ == "__main__":
    main()
