"""Run ``_autonomous_rollbacks.py`` on every database, in a process of its own."""

import os
import subprocess
import sys

import pytest

from django_smartcar.models import SmartcarAccount
from django_smartcar.services import tokens
from django_smartcar.simulator import store

from ..example_server import ROOT

pytestmark = pytest.mark.slow


def test_tokens_survive_rollbacks_on_every_database(database):
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
    process = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True)
    assert process.returncode == 0, process.stdout
    assert " passed" in process.stdout


@pytest.mark.django_db
@pytest.mark.parametrize("smartcar", ["2.0"], indirect=True)
def test_a_refresh_works_in_a_test_case_of_django(smartcar, connect_driver):
    """No other connection can see the rows of a TestCase, so all writes stay in its transaction."""
    connect_driver()
    for _ in range(2):
        SmartcarAccount.objects.update(access_expires_at=None)
        tokens.access_token(SmartcarAccount.objects.get())
    assert store.counters["refreshes"] == 2
