"""Serve the example project as ``run.py demo`` does, in a process and a folder of its own."""

import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import pytest
import requests

ROOT = Path(__file__).parents[1]
MANAGE = [sys.executable, str(ROOT / "example_project" / "manage.py")]

# `run.py demo` in the current environment, instead of one that it creates.
DEMO = """
import pathlib, sys, run
run.environment = lambda *_: pathlib.Path(sys.executable)
run.demo(["--port", *sys.argv[1:]])
"""


def environment(folder, **more):
    """Return the environment variables of the example; this folder holds its database and state."""
    inherited = {
        name: value for name, value in os.environ.items() if not name.startswith(("SMARTCAR_", "DJANGO_"))
    }
    return {
        **inherited,
        "DATABASE_URL": f"sqlite:///{folder / 'db.sqlite3'}",
        "SMARTCAR_SIMULATOR_STATE": str(folder / "simulator.json"),
        **more,
    }


def manage(env, *arguments):
    """Run a command of the example's manage.py; return the finished process."""
    return subprocess.run([*MANAGE, *arguments], env=env, capture_output=True, text=True)


@contextmanager
def served(folder, *, has_cars=False, **variables):
    """Serve the example and yield its URL; its output goes to the file ``log`` in the folder."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    with (folder / "log").open("w") as log:
        command = [sys.executable, "-c", DEMO, str(port), *([] if has_cars else ["--empty"])]
        settings = {"cwd": ROOT, "env": environment(folder, **variables), "preexec_fn": restore_sigint}
        with subprocess.Popen(command, stdout=log, stderr=log, **settings) as server:
            try:
                wait_for(url, server, folder / "log")
                yield url
                server.send_signal(signal.SIGINT)
                assert server.wait(60) == 0
            finally:
                server.kill()
    assert "Traceback" not in (folder / "log").read_text()


def restore_sigint():
    """Handle Ctrl-C again: a shell makes its background processes ignore it."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def wait_for(url, server, log):
    """Wait until the example responds to requests, and not only to those that connect the demo's cars."""
    for _ in range(1200):
        assert server.poll() is None, "the example did not start"
        try:
            if "Ctrl-C stops it." in log.read_text():
                requests.get(url, timeout=5)
                return
        except requests.ConnectionError:
            pass
        time.sleep(0.1)
    pytest.fail("the example did not answer within 120 seconds")
