"""The option ``--profile`` of the simulator's program."""

import json
import subprocess
import sys

import pytest

from django_smartcar.simulator.profiles import PROFILES
from tests.simulator.program import ROOT, running
from tests.simulator.test_server import tokens_of

pytestmark = pytest.mark.slow


@pytest.mark.parametrize(
    ("arguments", "profile"), [((), "documented"), (("--profile", "polestar"), "polestar")]
)
def test_the_option_sets_the_profile_of_new_cars(tmp_path, arguments, profile):
    with running(tmp_path, *arguments) as program:
        tokens_of(program)
    (car,) = json.loads((tmp_path / "smartcar-simulator.json").read_text())["cars"].values()
    assert car["profile"] == profile


def test_an_unknown_profile_is_reported():
    command = [sys.executable, "-m", "django_smartcar.simulator", "--profile", "trabant"]
    finished = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert finished.returncode == 2
    assert all(key in finished.stderr for key in ("brand", *PROFILES))


def test_the_documentation_describes_every_profile():
    text = (ROOT / "docs" / "testing.rst").read_text()
    assert all(f"* - ``{key}``" in text for key in PROFILES)
