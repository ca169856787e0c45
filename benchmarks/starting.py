"""Benchmark of ``django.setup()``: what this app adds to the start of a process that has the admin."""

import os
import subprocess
import sys
from collections.abc import Iterator

from .bench import Bench, Claim, at_most, for_comparison

REPEATS = 20
DATABASES = ("SQLite",)

ABOUT = f"Starting: CPU of django.setup() with the admin, the best of {REPEATS} processes; no database"

PROGRAM = """
import sys, time
import django
from django.conf import settings
names = "admin auth contenttypes messages sessions staticfiles".split()
apps = [*(f"django.contrib.{name}" for name in names), *sys.argv[1:]]
settings.configure(INSTALLED_APPS=apps, STATIC_URL="/static/")
started = time.process_time()
django.setup()
print(time.process_time() - started)
"""


def claims(bench: Bench) -> Iterator[Claim]:
    with_this_app, without = measure()
    yield at_most("with this app: more CPU time", 60, with_this_app - without, " ms")
    yield for_comparison("without this app", without, " ms")


def measure(times: int = REPEATS) -> tuple[float, float]:
    """Return the milliseconds of ``django.setup()`` with this app, and without it, measured in turn."""
    rounds = [(start("django_smartcar"), start()) for _ in range(times)]
    return min(with_this_app for with_this_app, _ in rounds), min(without for _, without in rounds)


def start(*apps: str) -> float:
    """Start a process that uses compiled files, as those of a site do: the first one writes them."""
    command = [sys.executable, "-c", PROGRAM, *apps]
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, text=True, check=True)
    return 1000 * float(done.stdout)
