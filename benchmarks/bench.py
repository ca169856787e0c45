"""What every subject needs: a database, a Smartcar that answers, sides in processes of their own, claims."""

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
    what: str
    wanted: str
    measured: str
    is_met: bool


def at_least(what: str, least: float, measured: float, unit: str) -> Claim:
    return Claim(what, f"≥ {least:g}{unit}", f"{measured:.3g}{unit}", measured >= least)


def at_most(what: str, most: float, measured: float, unit: str) -> Claim:
    return Claim(what, f"≤ {most:g}{unit}", f"{measured:.3g}{unit}", measured <= most)


def told_only(what: str, measured: float, unit: str) -> Claim:
    """A figure for comparison, of which nothing is claimed."""
    return Claim(what, "", f"{measured:.3g}{unit}", True)


class Smartcar:
    """The server that the sides ask."""

    def __init__(self, process: subprocess.Popen) -> None:
        self._process = process

    def requests(self) -> int:
        """How many requests it has had so far."""
        self._process.stdin.write("\n")
        self._process.stdin.flush()
        return int(self._process.stdout.readline())


class Bench:
    """One database, and whoever is measured with it."""

    def __init__(self, database: str) -> None:
        self.environment = {
            **os.environ,
            "DJANGO_SETTINGS_MODULE": "benchmarks.settings",
            "BENCH_DATABASE_URL": database,
        }

    @contextmanager
    def asking(self, latency: float) -> Iterator[Smartcar]:
        """Point the sides at a Smartcar with this latency, whose certificate is made for it."""
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
        """A side at its work: a function of this name in ``benchmarks.sides``, with these arguments."""
        command = [sys.executable, "-m", "benchmarks.side", subject, side, *map(str, arguments)]
        return subprocess.Popen(command, env=self.environment | variables, stdout=subprocess.PIPE, text=True)

    def run(self, subject: str, side: str, *arguments: object, **variables: str) -> dict:
        return told(self.start(subject, side, *arguments, **variables))


def in_turn(times: int, runs: dict[str, Callable[[], dict]]) -> dict[str, dict[str, float]]:
    """Run these one after the other, so many times; of each figure of each, the median."""
    found = [{name: run() for name, run in runs.items()} for _ in range(times)]
    return {name: {key: median(turn[name][key] for turn in found) for key in found[0][name]} for name in runs}


def told(side: subprocess.Popen) -> dict:
    said, _ = side.communicate()
    if side.returncode:
        sys.exit("A side of the comparison has failed; what it said stands above.")
    return json.loads(said)


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
        verdict = "" if not claim.wanted else "met" if claim.is_met else "NOT MET"
        line = f"{database:<11}{claim.what:<60}{claim.wanted:>10}{claim.measured:>10}  {verdict}"
        print(line.rstrip(), flush=True)
        is_met = is_met and claim.is_met
    return is_met
