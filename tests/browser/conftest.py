"""A headless Chromium, and the example project as `run.py demo` serves it."""

import json
import shutil
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from selenium import webdriver
from selenium.webdriver.chrome.options import Options
from selenium.webdriver.chrome.service import Service

from ..example_server import served
from ..missing import skip_or_fail

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


def program(*names):
    """Return the path of the first of these programs that is installed."""
    for name in names:
        if path := shutil.which(name):
            return path
    skip_or_fail(f"{names[0]} is not installed: on Debian, `apt-get install chromium chromium-driver`")


@contextmanager
def started_chromium():
    """Start a Chromium, and yield its driver."""
    options = Options()
    options.binary_location = program("chromium", "chromium-browser", "google-chrome")
    for flag in FLAGS:
        options.add_argument(flag)
    with webdriver.Chrome(options=options, service=Service(program("chromedriver"))) as driver:
        yield driver


@pytest.fixture(scope="session")
def chromium():
    """Start one Chromium for the whole run."""
    with started_chromium() as driver:
        yield driver


@pytest.fixture
def browser(chromium):
    """Return the browser without cookies, at its usual size."""
    chromium.get("about:blank")
    chromium.execute_cdp_cmd("Network.clearBrowserCookies", {})
    chromium.set_window_size(1280, 900)
    return chromium


@dataclass
class Example:
    """A running example project."""

    url: str
    folder: Path

    def state(self) -> dict:
        """Return the state that the simulator has saved."""
        return json.loads((self.folder / "simulator.json").read_text())


@pytest.fixture
def example(tmp_path, request):
    """Serve the example with a new database and simulator; API v3, or the version in ``param``."""
    with served(tmp_path, SMARTCAR_API_VERSION=getattr(request, "param", "3")) as url:
        yield Example(url, tmp_path)
