"""A real browser before the example, as `run.py demo` serves it: its own process, its own database."""

import json
import shutil
from dataclasses import dataclass
from pathlib import Path

import pytest
from selenium import webdriver
from selenium.webdriver.chrome.options import Options
from selenium.webdriver.chrome.service import Service

from ..demo import served
from ..requirements import lack

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
    for name in names:
        if path := shutil.which(name):
            return path
    lack(f"{names[0]} is not installed: on Debian, `apt-get install chromium chromium-driver`")


@pytest.fixture(scope="session")
def chromium():
    options = Options()
    options.binary_location = program("chromium", "chromium-browser", "google-chrome")
    for flag in FLAGS:
        options.add_argument(flag)
    driver = webdriver.Chrome(options=options, service=Service(program("chromedriver")))
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
def example(tmp_path, request):
    """The example with a new database and a new pretend Smartcar; in API v3, unless told otherwise."""
    with served(tmp_path, SMARTCAR_API_VERSION=getattr(request, "param", "3")) as url:
        yield Example(url, tmp_path)
