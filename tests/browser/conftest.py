"""A real browser before the example, as `run.py demo` serves it: its own process, its own database."""

import json
import os
import shutil
import socket
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

import pytest
from selenium import webdriver
from selenium.webdriver.chrome.options import Options
from selenium.webdriver.chrome.service import Service

ROOT = Path(__file__).parents[2]

FLAGS = [
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--window-size=1280,900",
]


def _program(*names):
    for name in names:
        if path := shutil.which(name):
            return path
    message = f"{names[0]} is not installed: on Debian, `apt-get install chromium chromium-driver`"
    if os.environ.get("CI") == "true":
        pytest.fail(message)
    return pytest.skip(message)


@pytest.fixture(scope="session")
def chromium():
    options = Options()
    options.binary_location = _program("chromium", "chromium-browser", "google-chrome")
    for flag in FLAGS:
        options.add_argument(flag)
    driver = webdriver.Chrome(options=options, service=Service(_program("chromedriver")))
    yield driver
    driver.quit()


@pytest.fixture
def browser(chromium):
    """The browser of somebody who has never been here."""
    chromium.get("about:blank")
    chromium.execute_cdp_cmd("Network.clearBrowserCookies", {})
    chromium.set_window_size(1280, 900)
    return chromium


@dataclass
class Example:
    url: str
    folder: Path

    def state(self) -> dict:
        """What the pretend Smartcar keeps of its world."""
        return json.loads((self.folder / "simulator.json").read_text())


@pytest.fixture
def example(tmp_path):
    """The example project in a process of its own, with a new database and a new pretend Smartcar."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    environment = {
        **{
            name: value for name, value in os.environ.items() if not name.startswith(("SMARTCAR_", "DJANGO_"))
        },
        "DATABASE_URL": f"sqlite:///{tmp_path / 'db.sqlite3'}",
        "EXAMPLE_ORIGIN": url,
        "SMARTCAR_SIMULATOR_STATE": str(tmp_path / "simulator.json"),
    }
    manage = [sys.executable, str(ROOT / "example_project" / "manage.py")]
    for command in (["migrate", "--verbosity", "0"], ["make_demo_users"]):
        subprocess.run([*manage, *command], env=environment, check=True, capture_output=True)
    log = (tmp_path / "server.log").open("w")
    server = subprocess.Popen(
        [*manage, "runserver", "--noreload", f"127.0.0.1:{port}"],
        env=environment,
        stdout=log,
        stderr=subprocess.STDOUT,
    )
    try:
        _wait_for(url, server)
        yield Example(url, tmp_path)
    finally:
        server.terminate()
        server.wait(10)
        log.close()


def _wait_for(url: str, server: subprocess.Popen) -> None:
    for _ in range(100):
        assert server.poll() is None, "the example did not start"
        try:
            urlopen(url, timeout=5).close()  # noqa: S310 (our own address)
        except URLError:
            time.sleep(0.1)
        else:
            return
    pytest.fail("the example does not answer")
