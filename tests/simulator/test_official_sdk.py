import os
import subprocess
import sys

import pytest

from django_smartcar.simulator import store
from tests.official import path_of
from tests.simulator.program import ROOT, running

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("version", ["3.0.1", "6.19.1"])
def test_the_official_sdk_works_with_the_simulator(tmp_path, version):
    run_script(tmp_path, version, f"official_{version.replace('.', '_')}.py")


def test_every_method_of_the_official_sdk_agrees_with_ours(tmp_path):
    run_script(tmp_path, "6.19.1", "official_agreement.py")


def run_script(tmp_path, version, script):
    folder = path_of(version)
    with running(tmp_path) as program:
        process = subprocess.run(
            [sys.executable, str(ROOT / "tests" / "simulator" / script)],
            env={
                "PATH": os.environ["PATH"],
                "PYTHONPATH": f"{folder}{os.pathsep}{ROOT}",
                "SIMULATOR_ORIGIN": program.origin,
                "SIMULATOR_MANAGEMENT_TOKEN": store.MANAGEMENT_TOKEN,
                "M2M_CLIENT_ID": store.M2M_CLIENT_ID,
                "M2M_CLIENT_SECRET": store.M2M_CLIENT_SECRET,
                "SMARTCAR_VEHICLE_API_V3_ORIGIN": program.environment["SMARTCAR_VEHICLE_API_URL"],
                "SMARTCAR_REDIRECT_URI": "https://app.example.com/callback",
                **program.environment,
            },
            capture_output=True,
            text=True,
            timeout=120,
        )
        assert process.returncode == 0, process.stderr
        assert len(process.stdout.strip()) == 36  # the script reached its last line
        program.stop()
    assert "Traceback" not in program.errors
