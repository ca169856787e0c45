"""Rollbacks need real databases: ``rollbacks.py`` runs once for each, in a process of its own."""

import os
import subprocess
import sys

import pytest

from django_smartcar.models import SmartcarAccount
from django_smartcar.services import tokens
from django_smartcar.simulator import store

from ..example_server import ROOT

pytestmark = pytest.mark.slow


def test_what_a_rollback_leaves(database):
    env = {**os.environ, "TEST_DATABASE_URL": database}
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-p",
        "no:cacheprovider",
        "tests/services/_autonomous_rollbacks.py",
    ]
    done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout
    assert " passed" in done.stdout


@pytest.mark.django_db
@pytest.mark.parametrize("smartcar", ["2.0"], indirect=True)
def test_a_refresh_works_in_a_test_case_of_django(smartcar, connect_driver):
    """No other connection could see the rows of such a test, so all writes stay in its transaction."""
    connect_driver()
    for _ in range(2):
        SmartcarAccount.objects.update(access_expires_at=None)
        tokens.access_token(SmartcarAccount.objects.get())
    assert store.counters["refreshes"] == 2
