"""Run the benchmarks on SQLite and PostgreSQL and report which claims of the documentation are met.

``python -m benchmarks [SUBJECT …]``: starting, refreshing, reading, syncing, receiving, working, growth,
pages; or all.
A subject may name other ``DATABASES``.
Exits with status 1 if a claim is not met. Prints the machine's load, because it affects the results.
"""

import argparse
import sys
import tempfile
from pathlib import Path
from types import ModuleType

from tests.databases import MARIADB, POSTGRESQL, created, running

from . import growth, pages, reading, receiving, refreshing, starting, syncing, working
from .bench import Bench, load, machine, report

SUBJECTS = {
    "starting": starting,
    "refreshing": refreshing,
    "reading": reading,
    "syncing": syncing,
    "receiving": receiving,
    "working": working,
    "growth": growth,
    "pages": pages,
}
DATABASES = ("SQLite", "PostgreSQL")


def parse_subjects(arguments: list[str]) -> list[ModuleType]:
    parser = argparse.ArgumentParser(prog="python -m benchmarks")
    parser.add_argument(
        "subjects", nargs="*", metavar="subject", help=f"one of {', '.join(SUBJECTS)} (default: all)"
    )
    names = parser.parse_args(arguments).subjects
    if unknown := sorted(set(names) - set(SUBJECTS)):
        parser.error(f"unknown subject {', '.join(unknown)}; choose from {', '.join(SUBJECTS)}")
    return [SUBJECTS[name] for name in names or SUBJECTS]


def main() -> None:
    subjects = parse_subjects(sys.argv[1:])
    print(f"{machine()}\nMachine load before: {load()}", flush=True)
    servers = {"SQLite": "sqlite", "PostgreSQL": running(POSTGRESQL), "MariaDB": running(MARIADB)}
    results = []
    for subject in subjects:
        print(f"\n{subject.ABOUT}", flush=True)
        for name in getattr(subject, "DATABASES", DATABASES):
            server = servers[name]
            if server is None:
                print(f"{name} is not installed: skipped.")
                continue
            temporary = tempfile.TemporaryDirectory()
            with temporary as folder, created(name.lower(), server, Path(folder)) as database:
                results.append(report(name, subject.claims(Bench(database))))
    print(f"\nMachine load after: {load()}")
    sys.exit(not all(results))


if __name__ == "__main__":
    main()
