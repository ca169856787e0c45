"""Measures what the README claims beside its peers, on SQLite and PostgreSQL, and says which claims hold.

``python -m benchmarks [SUBJECT …]``: refreshing, reading, syncing, receiving; all of them unless named. Ends
with status 1 if a claim does not hold. What the machine has to do besides shows in its load, which is told.
"""

import argparse
import sys
import tempfile
from pathlib import Path
from types import ModuleType

from tests.databases import POSTGRESQL, created, running

from . import reading, receiving, refreshing, syncing
from .bench import Bench, load, machine, report

SUBJECTS = {"refreshing": refreshing, "reading": reading, "syncing": syncing, "receiving": receiving}


def chosen(arguments: list[str]) -> list[ModuleType]:
    parser = argparse.ArgumentParser(prog="python -m benchmarks")
    parser.add_argument("subjects", nargs="*", metavar="subject", help=f"of {', '.join(SUBJECTS)}; all")
    names = parser.parse_args(arguments).subjects
    if unknown := sorted(set(names) - set(SUBJECTS)):
        parser.error(f"there is no subject {', '.join(unknown)}; there are {', '.join(SUBJECTS)}")
    return [SUBJECTS[name] for name in names or SUBJECTS]


def main() -> None:
    subjects = chosen(sys.argv[1:])
    print(f"{machine()}\nLoad of the machine before: {load()}", flush=True)
    servers = {"SQLite": "sqlite", "PostgreSQL": running(POSTGRESQL)}
    verdicts = []
    for subject in subjects:
        print(f"\n{subject.ABOUT}", flush=True)
        for name, server in servers.items():
            if server is None:
                print(f"{name} was not found here.")
                continue
            temporary = tempfile.TemporaryDirectory()
            with temporary as folder, created(name.lower(), server, Path(folder)) as database:
                verdicts.append(report(name, subject.claims(Bench(database))))
    print(f"\nLoad of the machine after: {load()}")
    sys.exit(not all(verdicts))


if __name__ == "__main__":
    main()
