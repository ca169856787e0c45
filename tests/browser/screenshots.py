"""Take the pictures of the documentation: ``python -m tests.browser.screenshots``."""

import tempfile
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import WebDriverWait

from ..example_server import served
from .conftest import Example, started_chromium
from .test_connect_story import Visitor

DOCS = Path(__file__).parents[2] / "docs"

#: What the maps of the pictures show, instead of the tiles of a real server.
TILE = b"""<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 256 256">
<rect width="256" height="256" fill="#e9ede4"/>
<path d="M0 176h96v80H0z" fill="#c9dfb8"/><path d="M256 20Q200 60 256 120z" fill="#aed0e6"/>
<path d="M0 64h256M0 160h256M64 0v256M176 0v160" stroke="#fff" stroke-width="9"/>
<path d="M0 112h176M120 160v96" stroke="#fff" stroke-width="4"/></svg>"""


class Tiles(BaseHTTPRequestHandler):
    """Responds to every request with the same tile."""

    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Type", "image/svg+xml")
        self.end_headers()
        self.wfile.write(TILE)

    def log_message(self, *args):
        """Print nothing."""


@contextmanager
def tile_server():
    """Serve tiles of a map; yield the URL for ``MAP_TILES_URL``."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Tiles) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/{{z}}/{{x}}/{{y}}.svg"
        server.shutdown()


class Photographer(Visitor):
    """A visitor who sets the size and the colors of the browser's window."""

    def show(self, width=1280, height=800, scheme="light", scale=1):
        metrics = {"width": width, "height": height, "deviceScaleFactor": scale, "mobile": width < 500}
        self.browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
        features = [{"name": "prefers-color-scheme", "value": scheme}]
        self.browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})

    def scroll_to(self, selector):
        """Scroll until an element is near the top of the window."""
        element = self.browser.find_element(By.CSS_SELECTOR, selector)
        self.browser.execute_script("arguments[0].scrollIntoView(); scrollBy(0, -16)", element)

    def wait_for_tiles(self):
        """Wait until the maps are drawn and no longer fade in."""
        drawn = "return [...document.querySelectorAll('.leaflet-tile')].every(one => one.style.opacity == 1)"
        WebDriverWait(self.browser, 15).until(lambda browser: browser.execute_script(drawn))


# The pictures: each function brings the visitor to what its picture shows.


def your_cars(visitor):
    visitor.show(height=680)
    visitor.log_in("demo")


def your_cars_on_a_phone(visitor):
    visitor.show(390, 780, scale=1.5)
    visitor.open("/cars/")


def car(visitor):
    visitor.show(height=1000)
    visitor.open("/cars/1/")
    visitor.wait_for_tiles()


def car_in_the_dark(visitor):
    visitor.show(390, 780, "dark", scale=1.5)
    visitor.open("/cars/2/")
    visitor.wait_for_tiles()


def charts(visitor):
    visitor.show(height=700)
    visitor.open("/cars/1/?period=month")
    visitor.scroll_to("#smartcar-history")


def maps(visitor):
    visitor.show(height=700)
    visitor.open("/cars/2/")
    visitor.scroll_to(".smartcar-map-card")
    visitor.wait_for_tiles()


def consent(visitor):
    visitor.show(800, 1000)
    visitor.open("/cars/")
    visitor.click("form.smartcar-connect button")
    visitor.click("#continue-button")
    visitor.click("button#VOLVO.brand-list-item")
    visitor.fill(username="driver@example.com", password="any")
    visitor.click("#sign-in-button")


def problem(visitor):
    visitor.show(800, 420)
    visitor.click("#deny-button")


def garage(visitor):
    visitor.show(height=800)
    visitor.open("/smartcar-simulator/garage/")


def fleet(visitor):
    visitor.show(height=800)
    visitor.browser.delete_all_cookies()
    visitor.log_in("admin")
    visitor.open("/admin/smartcar/connectedvehicle/fleet/")


def cars_in_the_admin(visitor):
    visitor.show(height=600)
    visitor.open("/admin/smartcar/connectedvehicle/")


def car_in_the_admin(visitor):
    visitor.show(height=1000)
    visitor.open("/admin/smartcar/connectedvehicle/1/change/")


PICTURES = {
    f"{function.__name__.replace('_', '-')}.png": function
    for function in (
        your_cars,
        your_cars_on_a_phone,
        car,
        charts,
        maps,
        car_in_the_dark,
        consent,
        problem,
        fleet,
        cars_in_the_admin,
        car_in_the_admin,
        garage,
    )
}


def main():
    with (
        tempfile.TemporaryDirectory() as folder,
        tile_server() as tiles,
        served(
            Path(folder), has_cars=True, MAP_TILES_URL=tiles, MAP_TILES_ATTRIBUTION="An example of a map"
        ) as url,
        started_chromium() as browser,
    ):
        browser.execute_cdp_cmd("Emulation.setScrollbarsHidden", {"hidden": True})
        visitor = Photographer(browser, Example(url, Path(folder)))
        for name, function in PICTURES.items():
            function(visitor)
            browser.save_screenshot(str(DOCS / name))


if __name__ == "__main__":
    main()
