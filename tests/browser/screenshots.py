"""Take the pictures of the documentation, or with ``--all FOLDER`` of every page in every variant."""

import argparse
import base64
import re
import tempfile
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import product
from pathlib import Path

from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import WebDriverWait

from ..example_server import served
from . import pages
from .conftest import Example, started_chromium

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


class Photographer(pages.Inspector):
    """A visitor who takes pictures."""

    def scroll_to(self, selector):
        """Scroll until an element is near the top of the window."""
        element = self.browser.find_element(By.CSS_SELECTOR, selector)
        self.browser.execute_script("arguments[0].scrollIntoView(); scrollBy(0, -16)", element)

    def wait_for_tiles(self):
        """Wait until the maps are drawn."""
        drawn = "return !document.querySelector('.leaflet-tile:not(.leaflet-tile-loaded)')"
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


def take_pictures(browser, folder, tiles):
    """Take the pictures of the documentation."""
    maps = {"MAP_TILES_URL": tiles, "MAP_TILES_ATTRIBUTION": "An example of a map"}
    with served(folder, has_cars=True, **maps) as url:
        visitor = Photographer(browser, Example(url, folder))
        for name, function in PICTURES.items():
            function(visitor)
            browser.save_screenshot(str(DOCS / name))


def take_every_page(browser, folder, target, only):
    """Take pictures of the pages whose route matches an expression, in every variant, into a folder."""
    pages.make(folder)
    for layout in pages.LAYOUTS:
        with pages.served(folder, layout) as site:
            visitor = Photographer(browser, site)
            for route in pages.routes_of(layout):
                if re.search(only, route):
                    visitor.enter(route)
                    pages.PAGES[route](visitor)
                    take_variants(visitor, target, f"{re.sub(r'[^a-z]+', '-', f'{route} {layout}')}")


def take_variants(visitor, target, name):
    """Take pictures of all of the page, in every width, language and color scheme, with scripts or not."""
    browser = visitor.browser
    variants = product((390, 768, 1280), ("en", "de"), ("light", "dark"), ("", "-without-scripts"))
    for width, language, scheme, scripts in variants:
        visitor.show(width, scheme=scheme, language=language)
        browser.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": bool(scripts)})
        browser.get(browser.current_url)
        size = browser.execute_cdp_cmd("Page.getLayoutMetrics", {})["cssContentSize"]
        options = {"clip": {**size, "scale": 1}, "captureBeyondViewport": True}
        png = browser.execute_cdp_cmd("Page.captureScreenshot", options)["data"]
        path = target / f"{name}-{language}-{scheme}-{width}{scripts}.png"
        path.write_bytes(base64.b64decode(png))
    browser.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": False})


def main():
    parser = argparse.ArgumentParser(prog="run.py screenshots", description=__doc__)
    parser.add_argument("--all", type=Path, metavar="FOLDER", help="every page in every variant, in here")
    parser.add_argument("--only", default="", metavar="REGEX", help="of these, the pages with such a route")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, tile_server() as tiles, started_chromium() as browser:
        browser.execute_cdp_cmd("Emulation.setScrollbarsHidden", {"hidden": True})
        if options.all:
            options.all.mkdir(parents=True, exist_ok=True)
            take_every_page(browser, Path(folder), options.all, options.only)
        else:
            take_pictures(browser, Path(folder), tiles)


if __name__ == "__main__":
    main()
