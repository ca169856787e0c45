"""Run ``_autonomous_commands.py``, which needs a database with real commits, in a process of its own."""

import os
import subprocess
import sys

import pytest

from ...example_server import ROOT

pytestmark = pytest.mark.slow


def test_autonomous_commands_on_sqlite(tmp_path):
    env = {**os.environ, "TEST_DATABASE_URL": f"sqlite:///{tmp_path / 'db.sqlite3'}"}
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-p",
        "no:cacheprovider",
        "tests/services/commands/_autonomous_commands.py",
    ]
    process = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True)
    assert process.returncode == 0, process.stdout
    assert " passed" in process.stdout
