"""The whole flow in a real browser: a user, and an operator, connect and lock vehicles."""

import re

import pytest
from selenium.common.exceptions import StaleElementReferenceException
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.expected_conditions import presence_of_element_located, url_contains
from selenium.webdriver.support.ui import Select, WebDriverWait

pytestmark = pytest.mark.browser
in_both_api_versions = pytest.mark.parametrize("example", ["3", "2.0"], indirect=True)


class Visitor:
    """A user with a browser."""

    def __init__(self, browser, example):
        self.browser = browser
        self.example = example

    def open(self, path):
        self.browser.get(self.example.url + path)

    def fill(self, **fields):
        for name, text in fields.items():
            field = self.browser.find_element(By.NAME, name)
            field.clear()
            field.send_keys(text)

    def click(self, selector):
        """Click an element, and wait for the next page."""
        waits = WebDriverWait(self.browser, 15)
        before = self.browser.find_element(By.TAG_NAME, "html")
        self.activate(waits.until(presence_of_element_located((By.CSS_SELECTOR, selector))))
        waits.until(lambda browser: _is_gone(before))
        waits.until(lambda browser: browser.execute_script("return document.readyState") == "complete")

    def activate(self, element):
        element.click()

    def tab_to_and_press_enter(self, element):
        for _ in range(200):
            if self.browser.switch_to.active_element == element:
                return ActionChains(self.browser).send_keys(Keys.ENTER).perform()
            ActionChains(self.browser).send_keys(Keys.TAB).perform()
        return pytest.fail(f"{element.tag_name} {element.text!r} is not reached with the Tab key")

    def text(self):
        return self.browser.find_element(By.TAG_NAME, "main").text

    def wait_for(self, text, seconds=15):
        """Wait until the page shows a text, by its script or by refreshing itself."""
        WebDriverWait(self.browser, seconds, ignored_exceptions=[StaleElementReferenceException]).until(
            lambda browser: text in browser.find_element(By.TAG_NAME, "main").text
        )

    def open_car(self):
        """Open the page of the first car on the list."""
        self.click(".smartcar-vehicle h2 a")

    def unlock(self):
        """Unlock the car: the site asks first."""
        self.click("a[href*='/unlock/']")
        self.click("main form button.smartcar-button")

    def log_in(self, name):
        self.open("/login/")
        self.fill(username=name, password=name)
        self.click("main form button[type=submit]")

    def connect(self, email, make="CHEVROLET", each_page=lambda: True):
        """Connect a vehicle through all pages of Connect; ``each_page`` must be true on each of them."""
        self.open("/cars/")
        assert each_page()
        self.click("form.smartcar-connect button")
        assert "/smartcar-simulator/connect/" in self.browser.current_url
        for selector in ("#continue-button", f"button#{make}.brand-list-item"):
            assert each_page()
            self.click(selector)
        for field, text in (("username", email), ("password", "any password")):
            self.browser.find_element(By.ID, field).send_keys(text)
        for selector in ("#sign-in-button", "#approval-button"):
            assert each_page()
            self.click(selector)
        WebDriverWait(self.browser, 15).until(url_contains(f"{self.example.url}/cars/"))

    def console_errors(self):
        return [entry["message"] for entry in self.browser.get_log("browser") if entry["level"] == "SEVERE"]


def _is_gone(element):
    try:
        element.is_enabled()
    except Exception:  # noqa: BLE001 (any exception means that the page is gone)
        return True
    return False


@pytest.fixture
def visitor(browser, example):
    browser.get_log("browser")
    return Visitor(browser, example)


def locks(example):
    """Return whether the simulated vehicles are locked, by make."""
    return {car["make"]: car["is_locked"] for car in example.state()["cars"].values()}


@in_both_api_versions
def test_a_user_connects_a_vehicle_and_locks_it(visitor, example):
    visitor.log_in("demo")
    visitor.connect("driver@example.com")
    assert "Connected:" in visitor.text()
    assert "Chevrolet" in visitor.text()
    visitor.open_car()
    visitor.unlock()
    visitor.wait_for("Unlocked ")
    assert locks(example) == {"CHEVROLET": False}
    visitor.click("form[action$='/lock/'] button")
    visitor.wait_for("Locked ")
    assert locks(example) == {"CHEVROLET": True}
    visitor.click("form[action$='/refresh/'] button")
    visitor.wait_for("Read ")
    assert re.search(r"Odometer\s+[\d.,]+ km", visitor.text())
    assert visitor.console_errors() == []


@in_both_api_versions
def test_a_user_who_denies_consent_sees_a_page_and_can_try_again(visitor):
    visitor.log_in("demo")
    visitor.open("/cars/")
    visitor.click("form.smartcar-connect button")
    visitor.click("#continue-button")
    visitor.click("button#TESLA.brand-list-item")
    visitor.browser.find_element(By.ID, "username").send_keys("driver@example.com")
    visitor.browser.find_element(By.ID, "password").send_keys("any")
    visitor.click("#sign-in-button")
    visitor.click("#deny-button")
    assert "You did not connect a car" in visitor.text()
    visitor.click("form.smartcar-connect button")
    assert "/smartcar-simulator/connect/" in visitor.browser.current_url


@in_both_api_versions
def test_an_operator_locks_two_vehicles_and_one_fails(visitor, example):
    visitor.log_in("admin")
    visitor.connect("driver@example.com", "TESLA")
    visitor.open_car()
    visitor.unlock()
    visitor.wait_for("Unlocked ")
    assert locks(example) == {"TESLA": False}
    visitor.connect("smartcar@vs-000.vehicle-state-error.com", "CHEVROLET")
    visitor.open("/admin/smartcar/connectedvehicle/")
    for field in visitor.browser.find_elements(By.CSS_SELECTOR, "input.action-select"):
        field.click()
    Select(visitor.browser.find_element(By.NAME, "action")).select_by_visible_text("Lock")
    visitor.click("button[name=index]")
    assert "Lock these cars?" in visitor.text()
    assert len(visitor.browser.find_elements(By.CSS_SELECTOR, "ul.smartcar-rows li")) == 2
    visitor.click("input[type=submit][value='Yes, do it']")
    messages = [item.text for item in visitor.browser.find_elements(By.CSS_SELECTOR, "ul.messagelist li")]
    assert messages == ["2 commands are queued. See the vehicle commands"]

    def finished():
        visitor.open("/admin/smartcar/vehiclecommand/?action__exact=lock")
        table = visitor.browser.find_element(By.ID, "result_list").text
        return "succeeded" in table and "failed" in table

    WebDriverWait(visitor.browser, 15).until(lambda _: finished())
    assert locks(example)["TESLA"] is True


def does_not_scroll_sideways(visitor):
    width = "return document.documentElement.scrollWidth - document.documentElement.clientWidth"
    return visitor.browser.execute_script(width) <= 0


def test_no_page_scrolls_sideways_on_a_phone(visitor):
    visitor.browser.set_window_size(390, 844)
    for path in ("/", "/login/"):
        visitor.open(path)
        assert does_not_scroll_sideways(visitor), path
    visitor.log_in("demo")
    visitor.connect("3-vehicles@smartcar.com", each_page=lambda: does_not_scroll_sideways(visitor))
    assert does_not_scroll_sideways(visitor)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_pages_use_the_color_scheme_of_the_browser(visitor, scheme):
    features = [{"name": "prefers-color-scheme", "value": scheme}]
    visitor.browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})
    try:
        for path in ("/", "/login/", "/smartcar-simulator/"):
            visitor.open(path)
            color = visitor.browser.find_element(By.TAG_NAME, "html").value_of_css_property(
                "background-color"
            )
            brightness = sum(map(int, re.findall(r"\d+", color)[:3])) / 3
            assert (brightness > 128) == (scheme == "light"), (path, color)
    finally:
        visitor.browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})


@in_both_api_versions
def test_the_flow_works_with_the_keyboard_alone_and_without_javascript(visitor, example):
    """Use only Tab and Enter on every page, with JavaScript disabled."""
    visitor.browser.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": True})
    visitor.activate = visitor.tab_to_and_press_enter
    try:
        visitor.log_in("demo")
        visitor.connect("driver@example.com")
        assert "Connected:" in visitor.text()
        visitor.open_car()
        visitor.click("form[action$='/lock/'] button")
        visitor.wait_for("Locked ")
        assert locks(example) == {"CHEVROLET": True}
        visitor.unlock()
        visitor.wait_for("Unlocked ")
        assert locks(example) == {"CHEVROLET": False}
    finally:
        visitor.browser.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": False})
