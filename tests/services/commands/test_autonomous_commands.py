"""Run the tests that need a database with real commits, in a process of their own."""

import os
import subprocess
import sys

import pytest

from ...example_server import ROOT

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("name", ["_autonomous_commands", "_background_commands"])
def test_commands_on_sqlite(tmp_path, name):
    env = {**os.environ, "TEST_DATABASE_URL": f"sqlite:///{tmp_path / 'db.sqlite3'}"}
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-p",
        "no:cacheprovider",
        f"tests/services/commands/{name}.py",
    ]
    process = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True)
    assert process.returncode == 0, process.stdout
    assert " passed" in process.stdout
