"""Run the simulator as a program of its own, on a free port."""

import contextlib
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


#: Most of these tests use v2, because Smartcar's own SDKs do.
API_VERSION_ARGUMENTS = ("--api-version", "2.0")

#: The registered redirect URI of these tests.
REDIRECT_URI = "https://app.example.com/callback"


class Program:
    """A running simulator. `environment` are the variables that it prints, of a site and of the SDKs."""

    def __init__(self, folder, *arguments):
        environment = {name: value for name, value in os.environ.items() if name != "DJANGO_SETTINGS_MODULE"}
        self.process = subprocess.Popen(
            [
                sys.executable,
                "-m",
                "django_smartcar.simulator",
                "--port",
                "0",
                *API_VERSION_ARGUMENTS,
                "--redirect-uri",
                REDIRECT_URI,
                *arguments,
            ],
            cwd=folder,
            env=environment | {"PYTHONPATH": str(ROOT), "PYTHONDEVMODE": "1"},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.greeting = ""
        self.environment = {}
        blocks = 0
        for line in self.process.stdout:
            self.greeting += line
            if exported := re.fullmatch(r"export (\w+)=(\S+)\n", line):
                assert exported[1] not in self.environment
                self.environment[exported[1]] = exported[2]
            blocks += line == "\n" and self.greeting.splitlines()[-2].startswith("export ")
            if blocks == 2:
                break
        self.origin = re.search(r"http://\S+:\d+", self.greeting)[0] if self.greeting else None

    def stop(self, number=signal.SIGTERM):
        self.process.send_signal(number)
        return self.finish()

    def finish(self):
        _, self.errors = self.process.communicate(timeout=10)
        return self.process.returncode


@contextlib.contextmanager
def running(folder, *arguments):
    program = Program(folder, *arguments)
    try:
        yield program
    finally:
        if program.process.poll() is None:
            program.stop()
