"""Every page of the simulator and of drivers, in every state: axe-core finds nothing, nothing is cut off."""

from datetime import timedelta
from urllib.parse import urlencode

import pytest
from django.apps import apps
from django.contrib import admin
from django.utils import timezone
from selenium.webdriver.common.by import By

from django_smartcar.models import (
    ApplicationToken,
    ConnectedVehicle,
    VehicleCommand,
    VehicleProblem,
    VehicleSignal,
    WebhookEndpoint,
    WebhookEvent,
)
from django_smartcar.services import readings
from django_smartcar.simulator import store
from django_smartcar.simulator.access import redirect_uris
from django_smartcar.simulator.access.scopes import SCOPES
from django_smartcar.simulator.behaviour import motion
from django_smartcar.simulator.faults import injection
from django_smartcar.simulator.vehicles.states import STATES
from django_smartcar.simulator.webhooks import queue, registry

from ..simulator.browser import RequestsBrowser, Visit
from ..simulator.receiver import Receiver
from . import axe

pytestmark = pytest.mark.browser

BACK = "https://testserver/cars/callback/"
CLOSED = "http://127.0.0.1:9/hook"
WIDTHS = (390, 1280)
SCHEMES = ("light", "dark")


class Stage:
    """The simulator with a browser, and the ways to the states of its pages."""

    def __init__(self, browser, settings, url):
        self.browser = browser
        self.settings = settings
        self.root = f"{url}/"

    def open(self, path):
        self.browser.get(self.root + path)

    def visit(self, **parameters):
        """Begin Connect, outside of the browser."""
        query = {
            "response_type": "code",
            "client_id": store.CLIENT_ID,
            "redirect_uri": BACK,
            "scope": f"required:{' '.join(SCOPES)}",
            **parameters,
        }
        return Visit(RequestsBrowser(), self.root, f"{self.root}connect/oauth/authorize?{urlencode(query)}")

    def connect(self, email="driver@example.com", make="CHEVROLET"):
        """Connect cars; return the newest."""
        self.visit().connect(email, make)
        return store.cars()[-1]

    def submit(self, button, **fields):
        """Fill in and submit a form of the page, without the checks of the browser."""
        element = self.browser.find_element(By.ID, button)
        for name, value in fields.items():
            field = element.find_element(By.XPATH, f"ancestor::form//*[@name='{name}']")
            self.browser.execute_script("arguments[0].value = arguments[1]", field, value)
        self.browser.execute_script("arguments[0].form.noValidate = true; arguments[0].click()", element)


# Connect


def preamble(stage):
    stage.browser.get(stage.visit().url)


def brands(stage):
    stage.browser.get(stage.visit().press("continue-button").url)


def brands_found(stage):
    stage.browser.get(f"{stage.visit().press('continue-button').url}?search=ca")


def sign_in(stage):
    stage.browser.get(stage.visit(make="TESLA").press("continue-button").url)


def sign_in_with_a_problem(stage):
    sign_in(stage)
    stage.submit("sign-in-button", username="nobody")


def approval(stage):
    stage.browser.get(stage.visit().sign_in().url)


def approval_of_several_cars(stage):
    stage.browser.get(stage.visit().sign_in("3-vehicles@smartcar.com").url)


def approval_of_one_of_several_cars(stage):
    stage.browser.get(stage.visit(single_select="true").sign_in("3-vehicles@smartcar.com").url)


def approval_of_too_many_cars_to_choose(stage):
    stage.browser.get(stage.visit().sign_in("60-vehicles@smartcar.com").url)


def approval_without_a_car(stage):
    approval_of_several_cars(stage)
    for box in stage.browser.find_elements(By.NAME, "vehicle"):
        box.click()
    stage.submit("approval-button")


def refused(stage):
    stage.open("connect/oauth/authorize?response_type=code&client_id=nonsense")


def refused_redirect_uri(stage):
    stage.settings.SMARTCAR_SIMULATOR_ANY_REDIRECT_URI = False
    query = {"response_type": "code", "client_id": store.CLIENT_ID, "redirect_uri": f"{BACK}{'x' * 150}"}
    stage.open(f"connect/oauth/authorize?{urlencode(query)}")


def ended(stage):
    stage.open("connect/nonsense/")


def finished(stage):
    stage.open("connect/finished")


def finished_with_an_error(stage):
    stage.open("connect/finished?error=access_denied")


# The garage


def about(stage):
    stage.open("")


def empty_garage(stage):
    stage.open("garage/")


def garage(stage):
    for state, make in zip(
        STATES, ("TESLA", "FORD", "NISSAN", "BMW", "AUDI", "KIA", "VOLVO", "MAZDA"), strict=True
    ):
        car = stage.connect(f"{state}@example.com", make)
        motion.enter(car, state if car.is_electric or state != "charging" else "parked")
    injection.set_fault("UPSTREAM:NO_RESPONSE", "odometer", store.cars()[0])
    stage.open("garage/")


def car_in_state(state):
    def open_(stage):
        car = stage.connect(make="TESLA")
        motion.enter(car, state)
        stage.open(f"garage/cars/{car.id}/")

    open_.__name__ = f"car_{state}"
    return open_


def car_without_a_plug(stage):
    stage.open(f"garage/cars/{stage.connect(make='HONDA').id}/")


def car_with_errors_and_deliveries(stage):
    car = stage.connect()
    car.fault = "VEHICLE_STATE:ASLEEP"
    injection.set_fault("UPSTREAM:NO_RESPONSE", "odometer", car)
    injection.set_latency(2.5, car)
    webhook_of(stage, car)
    stage.open(f"garage/cars/{car.id}/?done=facts")
    unfold(stage)


def car_with_an_invalid_value(stage):
    stage.open(f"garage/cars/{stage.connect().id}/")
    stage.submit("facts-button", battery="101", latitude="nonsense")


def car_with_an_invalid_past(stage):
    stage.open(f"garage/cars/{stage.connect().id}/")
    stage.submit("history-button", days="0")


def errors(stage):
    stage.open(f"garage/cars/{stage.connect().id}/errors/")


def errors_set(stage):
    car = stage.connect()
    car.fault = "VEHICLE_STATE:ASLEEP"
    injection.set_fault("UPSTREAM:NO_RESPONSE", "odometer", car)
    injection.set_latency(2.5, car)
    injection.set_latency(5, car, "fuel")
    stage.open(f"garage/cars/{car.id}/errors/")
    unfold(stage)


def errors_with_an_invalid_delay(stage):
    errors(stage)
    stage.submit("latency-button", seconds="-1")


def no_webhooks(stage):
    stage.open("garage/webhooks/")


def webhook_of(stage, car, **options):
    """Create a webhook with deliveries of every outcome."""
    receiver = Receiver()
    try:
        webhook = registry.add("Everything", receiver.url, **options)
        registry.verify(webhook)
        registry.subscribe(webhook.id, car.owner_id, car.id)
        queue.run()
        receiver.response = (503, {}, b"")
        for connection in registry.connections():
            registry.send_state(webhook, connection, ["FIRST_DELIVERY"])
        queue.run()
        webhook.callback_uri = CLOSED
        for connection in registry.connections():
            registry.send_error(webhook, connection, "VEHICLE_STATE:ASLEEP")
    finally:
        receiver.close()
    return webhook


def unfold(stage):
    stage.browser.execute_script("document.querySelectorAll('details').forEach(one => one.open = true)")


def webhooks(stage):
    webhook_of(stage, stage.connect())
    registry.add("M" * 80, f"{CLOSED}/{'x' * 150}", is_enabled=False)
    stage.open("garage/webhooks/")
    unfold(stage)


def webhook_with_an_invalid_url(stage):
    no_webhooks(stage)
    stage.submit("register-button", name="Mine", callback_uri="nonsense")


def webhook(stage):
    stage.open(f"garage/webhooks/{webhook_of(stage, stage.connect()).id}/")
    unfold(stage)


def webhook_of_version_2(stage):
    stage.connect()
    stage.open(f"garage/webhooks/{registry.add('Old', CLOSED, version='2.0').id}/")


def webhook_without_cars(stage):
    stage.open(f"garage/webhooks/{registry.add('New', CLOSED).id}/")
    stage.submit("send-button")


def application(stage):
    stage.settings.SMARTCAR_SIMULATOR_ANY_REDIRECT_URI = False
    stage.settings.SMARTCAR_SIMULATOR_REDIRECT_URIS = [BACK]
    redirect_uris.register(f"{BACK}{'x' * 150}")
    stage.open("garage/application/?done=register")


def application_with_an_invalid_redirect_uri(stage):
    stage.settings.SMARTCAR_SIMULATOR_ANY_REDIRECT_URI = False
    stage.open("garage/application/")
    stage.submit("register-button", uri="nonsense")


def application_with_any_redirect_uri(stage):
    stage.open("garage/application/")


def rules(stage):
    stage.open("garage/rules/")


def rules_with_limits_and_faults(stage):
    store.state().limits.bucket_size = 10
    injection.set_fault("SERVER:INTERNAL", "vehicles")
    stage.open("garage/rules/")
    stage.submit("limits-button", bucket_size="-1")


PAGES = [
    preamble,
    brands,
    brands_found,
    sign_in,
    sign_in_with_a_problem,
    approval,
    approval_of_several_cars,
    approval_of_one_of_several_cars,
    approval_of_too_many_cars_to_choose,
    approval_without_a_car,
    refused,
    refused_redirect_uri,
    ended,
    finished,
    finished_with_an_error,
    about,
    empty_garage,
    garage,
    *map(car_in_state, STATES),
    car_without_a_plug,
    car_with_errors_and_deliveries,
    car_with_an_invalid_value,
    car_with_an_invalid_past,
    errors,
    errors_set,
    errors_with_an_invalid_delay,
    no_webhooks,
    webhooks,
    webhook_with_an_invalid_url,
    webhook,
    webhook_of_version_2,
    webhook_without_cars,
    application,
    application_with_an_invalid_redirect_uri,
    application_with_any_redirect_uri,
    rules,
    rules_with_limits_and_faults,
]


@pytest.fixture
def stage(smartcar, browser, settings):
    settings.SMARTCAR_SIMULATOR_DELIVERIES = False
    yield Stage(browser, settings, smartcar.url)
    browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})


def appearances(browser, widths=WIDTHS):
    """Show the page in each color scheme and width, without transitions from one to the next."""
    for scheme in SCHEMES:
        features = [
            {"name": "prefers-color-scheme", "value": scheme},
            {"name": "prefers-reduced-motion", "value": "reduce"},
        ]
        browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})
        for width in widths:
            metrics = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 500}
            browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
            yield f"{scheme}-{width}"


def check(browser, widths=WIDTHS):
    sizes = "const root = document.documentElement; return [root.scrollWidth, root.clientWidth]"
    for appearance in appearances(browser, widths):
        assert axe.problems(browser) == [], appearance
        scroll_width, client_width = browser.execute_script(sizes)
        assert scroll_width <= client_width, appearance


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.__name__)
def test_axe_finds_nothing_and_no_page_scrolls_sideways(stage, page):
    page(stage)
    check(stage.browser)


# The driver's pages, as they are installed


@pytest.fixture
def driver(live_server, browser, client, anna, account, make_vehicle, settings):
    """Return the function that opens a path as Anna, whose cars are in different states."""
    settings.SESSION_COOKIE_SECURE = False
    granted = ["read_battery", "read_charge", "read_security", "read_location", "read_tires"]
    commands = ["control_security", "control_charge", "control_navigation"]
    car = make_vehicle(account, "car-1", permissions=[*granted, *commands])
    now = timezone.now()
    for name, value, unit in (
        ("battery_level", 0.12, "fraction"),
        ("battery_range", 60, "km"),
        ("is_locked", True, ""),
        ("is_charging", True, ""),
        ("charge_limit", 0.8, "fraction"),
        ("windows", [{"row": 0, "column": 0, "isOpen": True}], ""),
        ("location", {"latitude": 48.1371, "longitude": 11.5764}, ""),
    ):
        readings.save(car, name, value, unit, now - timedelta(hours=30))
    readings.save(car, "battery_level", 0.1, "fraction", now)
    VehicleCommand.objects.create(
        vehicle=car, action="lock", status="failed", error_code="IN_MOTION", error_type="VEHICLE_STATE"
    )
    make_vehicle(account, "car-2", permissions=[*commands], reauthentication_required_at=now)
    client.force_login(anna)
    browser.get(f"{live_server.url}/static/smartcar/icons.svg")
    browser.add_cookie({"name": "sessionid", "value": client.cookies["sessionid"].value, "path": "/"})
    yield lambda path: browser.get(live_server.url + path.format(pk=car.pk))
    browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})


TARGETS = """
    return [...document.querySelectorAll("main a, main button, main summary, main input:not([type=hidden])")]
        .filter(one => one.checkVisibility() && !one.closest("p, li, dd"))
        .filter(one => Math.min(one.offsetWidth, one.offsetHeight) < 24).map(one => one.outerHTML)
"""


@pytest.mark.parametrize(
    ("path", "heading"),
    [
        ("/cars/", "Your cars"),
        ("/cars/{pk}/", "2021 Chevrolet Bolt"),
        ("/cars/{pk}/unlock/", "Unlock 2021 Chevrolet Bolt?"),
        ("/cars/{pk}/disconnect/", "Disconnect 2021 Chevrolet Bolt?"),
        ("/cars/callback/?state=x&code=y", "Please start again"),
    ],
)
def test_axe_finds_nothing_on_the_pages_of_a_driver(driver, browser, path, heading):
    driver(path)
    assert browser.find_element(By.TAG_NAME, "h1").text == heading
    check(browser, (320, 1280))
    assert browser.execute_script(TARGETS) == []


def geocode(address):
    return 48.13713, 11.57541, f"{address}, Munich"


@pytest.fixture
def maps(settings):
    attribution = '© <a href="https://example.com/">The makers of the map</a>'
    settings.SMARTCAR_MAP_TILES = {"url": "/static/smartcar/icons.svg?{z}{x}{y}", "attribution": attribution}
    settings.SMARTCAR_GEOCODER = f"{__name__}.geocode"


def test_axe_finds_nothing_on_pages_with_maps(maps, driver, browser):
    driver("/cars/{pk}/")
    browser.find_element(By.CSS_SELECTOR, ".smartcar-map-tools button").click()
    check(browser, (320, 1280))
    assert browser.execute_script(TARGETS) == []
    browser.find_element(By.NAME, "address").send_keys("Marienplatz")
    browser.find_element(By.NAME, "address").submit()
    assert browser.find_element(By.TAG_NAME, "h1").text == "Send this destination?"
    assert browser.find_elements(By.CSS_SELECTOR, ".leaflet-container .smartcar-pin")
    check(browser, (320, 1280))
    assert browser.execute_script(TARGETS) == []


def test_axe_finds_nothing_on_the_map_of_the_fleet(maps, driver, browser, anna):
    anna.is_staff = anna.is_superuser = True
    anna.save()
    driver("/admin/smartcar/connectedvehicle/fleet/")
    browser.find_element(By.CSS_SELECTOR, ".smartcar-fleet-map input[type=submit]").click()
    browser.find_element(By.CSS_SELECTOR, ".leaflet-container .smartcar-pin").click()
    browser.execute_script("return document.querySelector('.smartcar-map').scrollIntoView()")
    for appearance in appearances(browser):
        found = [
            problem for problem in axe.problems(browser) if "smartcar" in problem or "leaflet" in problem
        ]
        assert found == [], appearance


# The operator's pages


@pytest.fixture
def operator(driver, live_server, browser, client, admin_user):
    """Return the function that opens a page of the admin as an operator who may do everything."""
    car = ConnectedVehicle.objects.get(smartcar_vehicle_id="car-1")
    VehicleProblem.objects.create(vehicle=car, type="VEHICLE_STATE", code="ASLEEP", opened_at=timezone.now())
    client.force_login(admin_user)
    browser.delete_all_cookies()
    browser.add_cookie({"name": "sessionid", "value": client.cookies["sessionid"].value, "path": "/"})
    return lambda path: browser.get(f"{live_server.url}/admin/smartcar/{path.format(pk=car.pk)}")


@pytest.mark.parametrize(
    ("path", "heading"),
    [
        ("connectedvehicle/", "Select connected vehicle to change"),
        ("connectedvehicle/{pk}/change/", "Change connected vehicle"),
        ("connectedvehicle/fleet/", "Fleet"),
        ("vehiclecommand/", "Select vehicle command to view"),
    ],
)
def test_axe_finds_nothing_of_this_app_in_the_admin(operator, browser, path, heading):
    operator(path)
    assert browser.find_element(By.TAG_NAME, "h1").text == heading
    for details in browser.find_elements(By.CSS_SELECTOR, ".smartcar-section details > summary"):
        details.click()
    for appearance in appearances(browser):
        assert axe.problems(browser, axe.OF_DJANGO) == [], appearance


LIST_WIDTHS = """
    const list = document.querySelector(".results")
    return [list.scrollWidth, list.clientWidth]
"""


@pytest.fixture
def long_words(operator, anna):
    """Fill every list of the admin, with long names, numbers and errors."""
    anna.username = "anna-katharina.mustermann@example.com"
    anna.save()
    car = ConnectedVehicle.objects.get(smartcar_vehicle_id="car-1")
    now = timezone.now()
    readings.save(car, "odometer", 123456.78, "km")
    VehicleSignal.objects.create(vehicle=car, signal="wheels", status="not_requested", status_at=now)
    ApplicationToken.objects.create(client_id=f"client_{'0' * 26}", access_expires_at=now, refreshed_at=now)
    WebhookEndpoint.objects.create(endpoint="", refused=12345, refused_at=now, challenged_at=now)
    WebhookEvent.objects.create(
        event_id="e", payload="{}", size=2, key_position=1, kind="CHARGING_COMPLETED", state="failed",
        smartcar_vehicle_id="car-1", last_error=f"InvalidResponseException: {'x' * 60}", attempts=12,
    )  # fmt: skip
    VehicleCommand.objects.create(
        vehicle=car, action="set_workweek_charge_schedule", status="failed", actor=anna, idempotency_key="1",
        error_type="CONNECTED_SERVICES_ACCOUNT", error_code="AUTHENTICATION_FAILED",
    )  # fmt: skip
    VehicleProblem.objects.create(vehicle=car, type="CONNECTED_SERVICES_ACCOUNT", opened_at=now)


@pytest.mark.parametrize("language", ["en", "de"])
def test_no_list_of_the_admin_scrolls_sideways_beside_the_sidebar(long_words, operator, browser, language):
    browser.add_cookie({"name": "django_language", "value": language, "path": "/"})
    metrics = {"width": 1280, "height": 900, "deviceScaleFactor": 1, "mobile": False}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
    for model in apps.get_app_config("smartcar").get_models():
        if admin.site.is_registered(model):
            operator(f"{model._meta.model_name}/")
            assert browser.find_element(By.TAG_NAME, "html").get_attribute("lang") == language
            assert browser.find_element(By.ID, "nav-sidebar").is_displayed()
            assert browser.find_elements(By.CSS_SELECTOR, "#result_list tbody tr"), model
            wanted, width = browser.execute_script(LIST_WIDTHS)
            assert wanted <= width, model
