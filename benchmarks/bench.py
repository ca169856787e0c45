"""Shared parts of the benchmarks: database, Smartcar server, one process for each side, and claims."""

import json
import os
import platform
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from statistics import median
from typing import NamedTuple

import trustme


class Claim(NamedTuple):
    """A claim of the documentation with its expected and its measured value."""

    what: str
    expected: str
    measured: str
    is_met: bool


def at_least(what: str, minimum: float, measured: float, unit: str) -> Claim:
    return Claim(what, f"≥ {minimum:g}{unit}", f"{measured:.3g}{unit}", measured >= minimum)


def at_most(what: str, maximum: float, measured: float, unit: str) -> Claim:
    return Claim(what, f"≤ {maximum:g}{unit}", f"{measured:.3g}{unit}", measured <= maximum)


def for_comparison(what: str, measured: float, unit: str) -> Claim:
    """Return a number for comparison, without an expected value."""
    return Claim(what, "", f"{measured:.3g}{unit}", True)


class Smartcar:
    """The server process that responds to the requests of the sides."""

    def __init__(self, process: subprocess.Popen) -> None:
        self._process = process

    def requests(self) -> int:
        """Return how many requests it has received so far."""
        self._process.stdin.write("\n")
        self._process.stdin.flush()
        return int(self._process.stdout.readline())


class Bench:
    """Runs the sides of a benchmark with one database."""

    def __init__(self, database: str) -> None:
        self.is_postgresql = database.startswith("postgres")
        self.environment = {
            **os.environ,
            "DJANGO_SETTINGS_MODULE": "benchmarks.settings",
            "BENCH_DATABASE_URL": database,
        }

    @contextmanager
    def smartcar(self, latency: float) -> Iterator[Smartcar]:
        """Start a Smartcar server with this latency in seconds, over TLS, and let the sides use it."""
        authority = trustme.CA()
        with tempfile.TemporaryDirectory() as folder:
            certificate, trusted = f"{folder}/server.pem", f"{folder}/authority.pem"
            authority.issue_cert("127.0.0.1").private_key_and_cert_chain_pem.write_to_path(certificate)
            authority.cert_pem.write_to_path(trusted)
            command = [sys.executable, "-m", "benchmarks.server", str(latency), certificate]
            pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
            with subprocess.Popen(command, text=True, **pipes) as server:
                url = f"https://127.0.0.1:{server.stdout.readline().strip()}"
                official = {"SMARTCAR_AUTH_ORIGIN": f"{url}/oauth/token", "SMARTCAR_API_ORIGIN": url}
                self.environment |= {**official, "BENCH_SMARTCAR_URL": url, "REQUESTS_CA_BUNDLE": trusted}
                try:
                    yield Smartcar(server)
                finally:
                    server.stdin.close()

    def start(self, subject: str, side: str, *arguments: object, **variables: str) -> subprocess.Popen:
        """Start a side, a function of ``benchmarks.sides.<subject>``, in a process of its own."""
        command = [sys.executable, "-m", "benchmarks.side", subject, side, *map(str, arguments)]
        return subprocess.Popen(command, env=self.environment | variables, stdout=subprocess.PIPE, text=True)

    def run(self, subject: str, side: str, *arguments: object, **variables: str) -> dict:
        """Run a side and return its result."""
        return result_of(self.start(subject, side, *arguments, **variables))


def medians(times: int, runs: dict[str, Callable[[], dict]]) -> dict[str, dict[str, float]]:
    """Run these in turn, ``times`` times, and return the median of each number of each run."""
    repetitions = [{name: run() for name, run in runs.items()} for _ in range(times)]
    return {
        name: {
            key: median(repetition[name][key] for repetition in repetitions) for key in repetitions[0][name]
        }
        for name in runs
    }


def result_of(side: subprocess.Popen) -> dict:
    """Wait for a side to end and return its result."""
    output, _ = side.communicate()
    if side.returncode:
        sys.exit("A side of the comparison has failed; see its output above.")
    return json.loads(output)


def machine() -> str:
    names = [line for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name")]
    packages = ", ".join(f"{name} {version(name)}" for name in ("Django", "requests", "cryptography"))
    return f"{len(names)} × {names[0].partition(': ')[2]}, Python {platform.python_version()}, {packages}"


def load() -> str:
    return f"{os.getloadavg()[0]:.1f}"


def report(database: str, claims: Iterator[Claim]) -> bool:
    """Print a line for each claim as soon as it is measured, and return whether all are met."""
    is_met = True
    for claim in claims:
        verdict = "" if not claim.expected else "met" if claim.is_met else "NOT MET"
        line = f"{database:<11}{claim.what:<60}{claim.expected:>10}{claim.measured:>10}  {verdict}"
        print(line.rstrip(), flush=True)
        is_met = is_met and claim.is_met
    return is_met
