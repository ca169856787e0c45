"""The simulator's control panel in a real browser: keyboard, phone, dark mode, content security policy."""

import pytest
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import Select

from ..simulator.browser import RequestsBrowser, Visit
from ..simulator.program import running
from .test_connect_story import Visitor

pytestmark = pytest.mark.browser

CONNECT = "connect/oauth/authorize?response_type=none&client_id={}"


class KeyboardVisitor(Visitor):
    """A user who uses only the keyboard."""

    def activate(self, element):
        self.tab_to_and_press_enter(element)

    def shows(self, text):
        return text in self.text()

    @property
    def fits_the_window(self):
        return self.browser.execute_script(
            "return document.documentElement.scrollWidth <= document.documentElement.clientWidth"
        )


@pytest.fixture
def visitor(browser, tmp_path):
    """Open the control panel of a separate simulator with one vehicle."""
    with running(tmp_path) as program:
        program.url = f"{program.origin}/"
        client_id = program.environment.get("SMARTCAR_APPLICATION_ID")
        Visit(RequestsBrowser(), program.url, program.url + CONNECT.format(client_id)).connect()
        yield KeyboardVisitor(browser, program)
        browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
        browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})


def test_a_vehicle_can_be_changed_with_the_keyboard(visitor):
    visitor.open("garage/")
    visitor.click(".tile a")
    visitor.click("#state-driving")
    assert visitor.shows("The car has changed its state.")
    visitor.fill(odometer_km="4321")
    visitor.click("#facts-button")
    assert visitor.shows("4,321.0 km")
    visitor.click("#errors-link")
    visitor.fill(search="internal")
    visitor.click("#filter-button")
    Select(visitor.browser.find_element(By.ID, "fault-path")).select_by_value("GET odometer")
    visitor.click("button[value='SERVER:INTERNAL']")
    assert visitor.shows("The error is set.")
    assert visitor.shows("SERVER:INTERNAL")


def test_a_type_of_errors_is_unfolded_with_the_keyboard(visitor):
    visitor.open("garage/")
    visitor.click(".tile a")
    visitor.click("#errors-link")
    assert not visitor.browser.find_element(By.CSS_SELECTOR, "button[value='SERVER:INTERNAL']").is_displayed()
    summaries = visitor.browser.find_elements(By.TAG_NAME, "summary")
    visitor.tab_to_and_press_enter(next(one for one in summaries if "SERVER" in one.text))
    visitor.click("button[value='SERVER:INTERNAL']")
    assert visitor.shows("The error is set.")


def test_a_redirect_uri_is_registered_with_the_keyboard_and_without_javascript(visitor):
    visitor.browser.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": True})
    try:
        visitor.open("garage/application/")
        visitor.fill(uri="https://app.example.com/de/callback")
        visitor.click("#register-button")
        assert visitor.shows("The redirect URI is registered.")
    finally:
        visitor.browser.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": False})


def outline(browser):
    return browser.execute_script(
        "const style = getComputedStyle(document.activeElement);"
        "return [style.outlineStyle, style.outlineWidth, style.boxShadow].join(' ')"
    )


def test_the_focus_is_visible_on_every_control_of_a_car(visitor):
    visitor.open("garage/")
    visitor.click(".tile a")
    seen = set()
    for _ in range(60):
        ActionChains(visitor.browser).send_keys(Keys.TAB).perform()
        focused = visitor.browser.switch_to.active_element
        if focused.tag_name == "body" or focused.id in seen:
            break
        seen.add(focused.id)
        assert outline(visitor.browser) != "none 0px none", focused.get_attribute("outerHTML")
    assert len(seen) > 20


def test_a_webhook_without_a_receiver_is_shown_as_failed(visitor):
    visitor.open("garage/webhooks/")
    visitor.fill(name="Mine", callback_uri="http://127.0.0.1:9/")
    visitor.click("#register-button")
    visitor.open("garage/webhooks/")
    assert visitor.shows("Not verified")
    assert visitor.shows("VERIFY")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_page_fits_a_phone_and_violates_no_policy(visitor, scheme):
    browser = visitor.browser
    visitor.open("garage/webhooks/")
    visitor.fill(name="M" * 80, callback_uri="http://127.0.0.1:9/" + "x" * 150)
    visitor.click("#register-button")
    hook = browser.current_url
    visitor.open("garage/")
    car = browser.find_element(By.CSS_SELECTOR, ".tile a").get_attribute("href")
    metrics = {"width": 360, "height": 740, "deviceScaleFactor": 1, "mobile": True}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
    features = [{"name": "prefers-color-scheme", "value": scheme}]
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})
    browser.get_log("browser")
    root = visitor.example.url
    pages = [
        f"{root}garage/",
        f"{root}garage/webhooks/",
        f"{root}garage/application/",
        f"{root}garage/rules/",
        root,
        hook,
        car,
        f"{car}errors/",
    ]
    for page in pages:
        browser.get(page)
        assert visitor.fits_the_window, page
        color = browser.execute_script(
            "return getComputedStyle(document.body).backgroundColor.match(/[0-9]+/g).map(Number)"
        )
        assert (max(color) < 80) is (scheme == "dark"), page
    assert browser.get_log("browser") == []
