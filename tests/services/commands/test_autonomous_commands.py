"""Commits and races need real databases: ``commanding.py`` runs once for each, in a process of its own."""

import os
import subprocess
import sys

import pytest

from ...example_server import ROOT

pytestmark = pytest.mark.slow


def test_commanding_on_sqlite(tmp_path):
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
    done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout
    assert " passed" in done.stdout
