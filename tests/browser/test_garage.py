"""The garage in a real browser: with the keyboard, on a phone, in the dark, and under its strict policy."""

import pytest
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import Select

from ..simulator.browser import RequestsBrowser, Visit
from ..simulator.program import running
from .test_connect_story import Visitor

pytestmark = pytest.mark.browser

CONNECT = "connect/oauth/authorize?response_type=none&client_id={}"


class Keeper(Visitor):
    """Presses with the keyboard alone."""

    def press(self, element):
        self.tabs_to_and_enters(element)

    def sees(self, text):
        return text in self.reads()

    @property
    def fits(self):
        return self.browser.execute_script(
            "return document.documentElement.scrollWidth <= document.documentElement.clientWidth"
        )


@pytest.fixture
def keeper(browser, tmp_path):
    """Somebody before the garage of a program of its own, with one car in it."""
    with running(tmp_path) as program:
        program.url = f"{program.origin}/"
        client_id = program.environment.get("SMARTCAR_APPLICATION_ID")
        Visit(RequestsBrowser(), program.url, program.url + CONNECT.format(client_id)).connect()
        yield Keeper(browser, program)
        browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
        browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})


def test_a_car_is_driven_and_broken_with_the_keyboard_when_there_is_no_mouse(keeper):
    keeper.goes_to("garage/")
    keeper.presses(".tile a")
    keeper.presses("#state-driving")
    assert keeper.sees("The car has changed its state.")
    keeper.types(odometer_km="4321")
    keeper.presses("#facts-button")
    assert keeper.sees("4,321.0 km")
    keeper.presses("#errors-link")
    Select(keeper.browser.find_element(By.ID, "fault-path")).select_by_value("GET odometer")
    keeper.presses("button[value='SERVER:INTERNAL']")
    assert keeper.sees("SERVER:INTERNAL")


def test_a_webhook_nobody_receives_is_shown_to_have_failed_when_it_is_registered(keeper):
    keeper.goes_to("garage/webhooks/")
    keeper.types(name="Mine", callback_uri="http://127.0.0.1:9/")
    keeper.presses("#register-button")
    keeper.goes_to("garage/webhooks/")
    assert keeper.sees("Not verified")
    assert keeper.sees("VERIFY")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_page_fits_a_phone_and_breaks_no_rule_when_it_is_read(keeper, scheme):
    browser = keeper.browser
    keeper.goes_to("garage/webhooks/")
    keeper.types(name="M" * 80, callback_uri="http://127.0.0.1:9/" + "x" * 150)
    keeper.presses("#register-button")
    hook = browser.current_url
    keeper.goes_to("garage/")
    car = browser.find_element(By.CSS_SELECTOR, ".tile a").get_attribute("href")
    metrics = {"width": 360, "height": 740, "deviceScaleFactor": 1, "mobile": True}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
    features = [{"name": "prefers-color-scheme", "value": scheme}]
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})
    browser.get_log("browser")
    root = keeper.example.url
    pages = [f"{root}garage/", f"{root}garage/webhooks/", f"{root}garage/rules/", hook, car, f"{car}errors/"]
    for page in pages:
        browser.get(page)
        assert keeper.fits, page
        shade = browser.execute_script(
            "return getComputedStyle(document.body).backgroundColor.match(/[0-9]+/g).map(Number)"
        )
        assert (max(shade) < 80) is (scheme == "dark"), page
    assert browser.get_log("browser") == []
