"""Smartcar's own SDKs, in processes of their own, against the simulator as a program."""

import contextlib
import os
import subprocess
import sys

import pytest

from django_smartcar.simulator import hosts, store
from tests.official import node_sdk, path_of
from tests.simulator.program import REDIRECT_URI, ROOT, running
from tests.simulator.tls_proxy import TlsProxy

pytestmark = pytest.mark.slow

SCRIPTS = ROOT / "tests" / "simulator"


def test_python_6_19_1_works_with_the_printed_variables(tmp_path):
    with running(tmp_path) as program:
        run(program, python("6.19.1", "official_6_19_1.py"))


def test_every_method_of_python_6_19_1_agrees_with_ours(tmp_path):
    with running(tmp_path) as program:
        run(program, python("6.19.1", "official_agreement.py"))


def test_python_3_0_1_works_unchanged_at_smartcars_own_host_names(tmp_path):
    with (
        running(tmp_path) as program,
        contextlib.closing(TlsProxy(tmp_path, program.origin, list(hosts.PATHS))) as proxy,
    ):
        variables = {"TLS_PROXY_PORT": str(proxy.port), "REQUESTS_CA_BUNDLE": str(proxy.authority)}
        run(program, python("3.0.1", "official_3_0_1.py"), **variables)


def test_node_10_4_0_works_with_the_printed_variables(tmp_path):
    with running(tmp_path) as program:
        run(program, node("official_node_10_4_0.js"))


@pytest.mark.parametrize("language", ["Python", "Node"])
def test_the_test_car_of_api_v3_is_read_with_the_printed_variables(tmp_path, language):
    script = {
        "Python": lambda: python("6.19.1", "official_6_19_1_v3.py"),
        "Node": lambda: node("official_node_10_4_0_v3.js"),
    }[language]()
    with running(tmp_path) as program:
        run(program, script)


def python(version, script):
    """Return the command that runs a script with this Python SDK, and its environment."""
    folder = path_of(version)
    return [sys.executable, SCRIPTS / script], {"PYTHONPATH": f"{folder}{os.pathsep}{ROOT}"}


def node(script):
    """Return the command that runs a script with the Node SDK, and its environment."""
    program, folder = node_sdk("10.4.0")
    return [program, SCRIPTS / script], {"NODE_PATH": str(folder)}


def run(program, script, **variables):
    """Run a script, which prints the id of a vehicle at its end, with the variables of a simulator."""
    command, environment = script
    process = subprocess.run(
        command,
        env={
            "PATH": os.environ["PATH"],
            "SIMULATOR_ORIGIN": program.origin,
            "SIMULATOR_MANAGEMENT_TOKEN": store.MANAGEMENT_TOKEN,
            "M2M_CLIENT_ID": store.M2M_CLIENT_ID,
            "M2M_CLIENT_SECRET": store.M2M_CLIENT_SECRET,
            "SMARTCAR_REDIRECT_URI": REDIRECT_URI,
            **environment,
            **program.environment,
            **variables,
        },
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert process.returncode == 0, process.stderr
    assert len(process.stdout.strip()) == 36  # the script reached its last line
    program.stop()
    assert "Traceback" not in program.errors
