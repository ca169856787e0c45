"""Every page of the example project, which has those of the app, of the admin and of the simulator."""

import json
import os
import socket
import subprocess
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path

import requests
from selenium.webdriver.common.by import By

from .. import example_server
from .conftest import Example
from .test_connect_story import Visitor

MODELS = (
    "applicationtoken",
    "connectedvehicle",
    "smartcaraccount",
    "smartcaruser",
    "vehiclecommand",
    "vehicleproblem",
    "vehiclereading",
    "vehiclesignal",
    "webhookendpoint",
    "webhookevent",
)

#: Prints the routes of the site's URLs.
ROUTES = """
import json
from django.urls import get_resolver
def routes(patterns, before=""):
    for pattern in patterns:
        route = f"{before}{pattern.pattern}"
        yield from routes(pattern.url_patterns, route) if hasattr(pattern, "url_patterns") else [route]
print(json.dumps([*routes(get_resolver().url_patterns)]))
"""

#: Creates what the cars of the demo lack.
PROBLEM = """
from django.utils import timezone
from django_smartcar.models import ConnectedVehicle, VehicleProblem
car = ConnectedVehicle.objects.first()
VehicleProblem.objects.create(vehicle=car, type="VEHICLE_STATE", code="ASLEEP", opened_at=timezone.now())
"""


def at(path):
    """Return the function that opens a path."""
    return lambda visitor: visitor.open(path)


def behind(path, *selectors):
    """Return the function that opens a path, and follows a link of each page to the next."""

    def open_(visitor):
        visitor.open(path)
        for selector in selectors:
            link = visitor.browser.find_element(By.CSS_SELECTOR, selector)
            visitor.browser.get(link.get_attribute("href"))

    return open_


def in_connect(number):
    """Return the function that opens a page of Connect, after this number of others."""

    def open_(visitor):
        visitor.open("/cars/")
        visitor.click("form.smartcar-connect button")
        for selector in ("#continue-button", "button#TESLA.brand-list-item")[:number]:
            visitor.click(selector)
        if number == 3:
            visitor.fill(username="2-vehicles@smartcar.com", password="any")
            visitor.click("#sign-in-button")

    return open_


#: Opens the page of each route.
PAGES = {
    "": at("/"),
    "login/": at("/login/?next=/admin/"),
    "cars/": at("/cars/"),
    "cars/callback/": at("/cars/callback/?state=x&code=y"),
    "cars/<int:pk>/": at("/cars/1/"),
    "cars/<int:pk>/unlock/": at("/cars/1/unlock/"),
    "cars/<int:pk>/disconnect/": at("/cars/1/disconnect/"),
    "smartcar-simulator/": at("/smartcar-simulator/"),
    "smartcar-simulator/^connect/oauth/authorize/?$": at("/smartcar-simulator/connect/oauth/authorize"),
    "smartcar-simulator/^connect/oauth/reauthenticate/?$": at(
        "/smartcar-simulator/connect/oauth/reauthenticate"
    ),
    "smartcar-simulator/connect/finished": at("/smartcar-simulator/connect/finished"),
    "smartcar-simulator/connect/<str:session_id>/": in_connect(0),
    "smartcar-simulator/connect/<str:session_id>/brands/": in_connect(1),
    "smartcar-simulator/connect/<str:session_id>/sign-in/": in_connect(2),
    "smartcar-simulator/connect/<str:session_id>/approval/": in_connect(3),
    "smartcar-simulator/garage/": at("/smartcar-simulator/garage/"),
    "smartcar-simulator/garage/cars/<str:vehicle_id>/": behind("/smartcar-simulator/garage/", ".tile a"),
    "smartcar-simulator/garage/cars/<str:vehicle_id>/errors/": behind(
        "/smartcar-simulator/garage/", ".tile a", "#errors-link"
    ),
    "smartcar-simulator/garage/webhooks/": at("/smartcar-simulator/garage/webhooks/"),
    "smartcar-simulator/garage/webhooks/<str:webhook_id>/": behind(
        "/smartcar-simulator/garage/webhooks/", "main a[href*='/garage/webhooks/']"
    ),
    "smartcar-simulator/garage/application/": at("/smartcar-simulator/garage/application/"),
    "smartcar-simulator/garage/rules/": at("/smartcar-simulator/garage/rules/"),
    "admin/smartcar/connectedvehicle/fleet/": at("/admin/smartcar/connectedvehicle/fleet/"),
    "admin/^(?P<app_label>auth|smartcar)/$": at("/admin/smartcar/"),
}
for model in MODELS:
    path = f"admin/smartcar/{model}/"
    PAGES[path] = at(f"/{path}")
    PAGES[f"{path}<path:object_id>/change/"] = behind(f"/{path}", "#result_list a[href*='/change/']")
    PAGES[f"{path}<path:object_id>/history/"] = behind(
        f"/{path}", "#result_list a[href*='/change/']", ".historylink"
    )

#: Routes without a page of this project, as regular expressions.
OTHERS = {
    "files and data": r"favicon\.ico|.*\.(csv|json|jsonl)|smartcar-simulator/files/.*",
    "parts of pages": r"cars/(<int:pk>/)?states?/|cars/<int:pk>/commands/<int:command_pk>/",
    "actions, which lead to a page": r"logout/|cars/connect/"
    r"|smartcar-simulator/connect/<str:session_id>/exit/"
    r"|cars/<int:pk>/(lock|command/<slug:action>|destination|refresh|reauthenticate)/",
    "what Smartcar calls": r"cars/webhook.*",
    "Smartcar's APIs": r"smartcar-simulator/\^?(auth|api|iam|management|vehicle-api|management-api"
    r"|compatibility-api)/.*",
    "pages of Django alone": r"admin/|admin/(login|logout|password_change|autocomplete|jsi18n|r|auth)/.*"
    r"|admin/\(\?P<url>\.\*\)\$",
    "what nobody may do": r"admin/smartcar/\w+/(add|<path:object_id>/delete)/",
    "old URLs, which redirect": r"admin/smartcar/\w+/<path:object_id>/",
}


class Inspector(Visitor):
    """A visitor who sets the window, the colors and the language of the browser."""

    def show(self, width=1280, height=900, scheme="light", scale=1, language="en"):
        metrics = {"width": width, "height": height, "deviceScaleFactor": scale, "mobile": width < 500}
        self.browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
        features = [
            {"name": "prefers-color-scheme", "value": scheme},
            {"name": "prefers-reduced-motion", "value": "reduce"},
        ]
        self.browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})
        headers = {"Accept-Language": language}
        self.browser.execute_cdp_cmd("Network.enable", {})
        self.browser.execute_cdp_cmd("Network.setExtraHTTPHeaders", {"headers": headers})

    def show_as_usual(self):
        self.browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
        self.browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})
        self.browser.execute_cdp_cmd("Network.setExtraHTTPHeaders", {"headers": {}})

    def enter(self, route):
        """Log in as the user who sees the pages of a route: an operator, a driver or nobody."""
        self.show_as_usual()
        self.browser.delete_all_cookies()
        if route != "login/":
            self.log_in("admin" if route.startswith("admin/") else "demo")


#: The layout of the pages of the app: that of the example, or the app's own.
LAYOUTS = ("example", "app")


def routes_of(layout):
    """Return the routes of the pages that depend on the layout; those of the ``example`` are all."""
    return [route for route in PAGES if layout == "example" or route.startswith("cars/")]


def environment_of(folder, layout, url):
    return example_server.environment(
        folder,
        LAYOUT=layout,
        EXAMPLE_ORIGIN=url,
        DJANGO_SETTINGS_MODULE="tests.browser.site_settings",
        PYTHONPATH=f"{example_server.ROOT}{os.pathsep}{example_server.ROOT / 'example_project'}",
    )


def make(folder):
    """Create the database and the simulator of a site with cars."""
    with example_server.served(folder, has_cars=True, SMARTCAR_API_VERSION="3"):
        pass
    done = example_server.manage(example_server.environment(folder), "shell", "-v0", "-c", PROBLEM)
    assert done.returncode == 0, done.stderr


def routes():
    """Return the routes of all URLs of the example project."""
    env = example_server.environment(Path(tempfile.gettempdir()), LAYOUT="example")
    done = example_server.manage(env, "shell", "-v0", "-c", ROUTES)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@contextmanager
def served(folder, layout):
    """Serve the site of a folder with the layout of the ``example`` or of the ``app``; yield it."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        address = f"127.0.0.1:{probe.getsockname()[1]}"
    env = environment_of(folder, layout, f"http://{address}")
    command = [*example_server.MANAGE, "runserver", "--noreload", address]
    with (
        (folder / "log").open("w") as log,
        subprocess.Popen(command, env=env, stdout=log, stderr=log) as server,
    ):
        try:
            wait_for(f"http://{address}", server)
            yield Example(f"http://{address}", folder)
        finally:
            server.terminate()
    assert "Traceback" not in (folder / "log").read_text()


def wait_for(url, server):
    for _ in range(300):
        assert server.poll() is None, "the site did not start"
        try:
            return requests.get(url, timeout=5)
        except requests.ConnectionError:
            time.sleep(0.1)
    raise TimeoutError(url)
