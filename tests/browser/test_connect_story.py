"""The whole path in a real browser: from the button to a locked car, by its driver and by an operator."""

import re

import pytest
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.expected_conditions import presence_of_element_located, url_contains
from selenium.webdriver.support.ui import Select, WebDriverWait

pytestmark = pytest.mark.browser
in_both_generations = pytest.mark.parametrize("example", ["3", "2.0"], indirect=True)


class Visitor:
    """What a person does with a browser: goes somewhere, types, presses, reads."""

    def __init__(self, browser, example):
        self.browser = browser
        self.example = example

    def goes_to(self, path):
        self.browser.get(self.example.url + path)

    def types(self, **fields):
        for name, text in fields.items():
            box = self.browser.find_element(By.NAME, name)
            box.clear()
            box.send_keys(text)

    def presses(self, selector):
        """Press, and wait until the next page is there."""
        waits = WebDriverWait(self.browser, 15)
        before = self.browser.find_element(By.TAG_NAME, "html")
        self.press(waits.until(presence_of_element_located((By.CSS_SELECTOR, selector))))
        waits.until(lambda browser: _is_gone(before))
        waits.until(lambda browser: browser.execute_script("return document.readyState") == "complete")

    def press(self, element):
        element.click()

    def tabs_to_and_enters(self, element):
        for _ in range(200):
            if self.browser.switch_to.active_element == element:
                return ActionChains(self.browser).send_keys(Keys.ENTER).perform()
            ActionChains(self.browser).send_keys(Keys.TAB).perform()
        return pytest.fail(f"{element.tag_name} {element.text!r} is not reached with the Tab key")

    def reads(self):
        return self.browser.find_element(By.TAG_NAME, "main").text

    def logs_in(self, name):
        self.goes_to("/login/")
        self.types(username=name, password=name)
        self.presses("main form button[type=submit]")

    def connects(self, email, make="CHEVROLET", each_page=lambda: True):
        """From the button to the way back, through Connect; ``each_page`` must hold on each page of it."""
        self.goes_to("/cars/")
        assert each_page()
        self.presses("form.smartcar-connect button")
        assert "/smartcar-simulator/connect/" in self.browser.current_url
        for selector in ("#continue-button", f"button#{make}.brand-list-item"):
            assert each_page()
            self.presses(selector)
        for box, text in (("username", email), ("password", "any password")):
            self.browser.find_element(By.ID, box).send_keys(text)
        for selector in ("#sign-in-button", "#approval-button"):
            assert each_page()
            self.presses(selector)
        WebDriverWait(self.browser, 15).until(url_contains(f"{self.example.url}/cars/"))

    def errors_on_the_console(self):
        return [entry["message"] for entry in self.browser.get_log("browser") if entry["level"] == "SEVERE"]


def _is_gone(element):
    try:
        element.is_enabled()
    except Exception:  # noqa: BLE001 (each way of telling that a page has gone is welcome)
        return True
    return False


@pytest.fixture
def visitor(browser, example):
    browser.get_log("browser")
    return Visitor(browser, example)


def locked(example):
    """Which cars of the pretend Smartcar are locked, by make."""
    return {car["make"]: car["is_locked"] for car in example.state()["cars"].values()}


@in_both_generations
def test_a_driver_connects_a_car_and_locks_it(visitor, example):
    visitor.logs_in("demo")
    visitor.connects("driver@example.com")
    assert "Connected:" in visitor.reads()
    assert "Chevrolet" in visitor.reads()
    visitor.presses("form[action$='/unlock/'] button")
    assert "is unlocked." in visitor.reads()
    assert locked(example) == {"CHEVROLET": False}
    visitor.presses("form[action$='/lock/'] button")
    assert "is locked." in visitor.reads()
    assert "lock: succeeded" in visitor.reads()
    assert locked(example) == {"CHEVROLET": True}
    visitor.presses("form[action$='/refresh/'] button")
    assert re.search(r"Odometer\s+[\d.,]+ km", visitor.reads())
    assert visitor.errors_on_the_console() == []


@in_both_generations
def test_a_driver_who_denies_is_told_that_nothing_changed_and_may_try_again(visitor):
    visitor.logs_in("demo")
    visitor.goes_to("/cars/")
    visitor.presses("form.smartcar-connect button")
    visitor.presses("#continue-button")
    visitor.presses("button#TESLA.brand-list-item")
    visitor.browser.find_element(By.ID, "username").send_keys("driver@example.com")
    visitor.browser.find_element(By.ID, "password").send_keys("any")
    visitor.presses("#sign-in-button")
    visitor.presses("#deny-button")
    assert "You did not connect a car" in visitor.reads()
    visitor.presses("form.smartcar-connect button")
    assert "/smartcar-simulator/connect/" in visitor.browser.current_url


@in_both_generations
def test_an_operator_locks_two_cars_of_which_one_refuses(visitor, example):
    visitor.logs_in("admin")
    visitor.connects("driver@example.com", "TESLA")
    visitor.presses("form[action$='/unlock/'] button")
    assert locked(example) == {"TESLA": False}
    visitor.connects("smartcar@vs-000.vehicle-state-error.com", "CHEVROLET")
    visitor.goes_to("/admin/smartcar/connectedvehicle/")
    for box in visitor.browser.find_elements(By.CSS_SELECTOR, "input.action-select"):
        box.click()
    Select(visitor.browser.find_element(By.NAME, "action")).select_by_visible_text("Lock")
    visitor.presses("button[name=index]")
    assert "Lock these cars?" in visitor.reads()
    assert len(visitor.browser.find_elements(By.CSS_SELECTOR, "ul.smartcar-rows li")) == 2
    visitor.presses("input[type=submit][value='Yes, do it']")
    told = [item.text for item in visitor.browser.find_elements(By.CSS_SELECTOR, "ul.messagelist li")]
    assert len(told) == 2
    assert any("Tesla" in line and line.endswith(": locked") for line in told)
    assert any("The car cannot do that" in line for line in told)
    assert locked(example)["TESLA"] is True
    visitor.goes_to("/admin/smartcar/vehiclecommand/")
    table = visitor.browser.find_element(By.ID, "result_list").text
    assert "succeeded" in table
    assert "failed" in table


def has_no_sideways_scrolling(visitor):
    width = "return document.documentElement.scrollWidth - document.documentElement.clientWidth"
    return visitor.browser.execute_script(width) <= 0


def test_no_page_of_the_path_scrolls_sideways_on_a_phone(visitor):
    visitor.browser.set_window_size(390, 844)
    for path in ("/", "/login/"):
        visitor.goes_to(path)
        assert has_no_sideways_scrolling(visitor), path
    visitor.logs_in("demo")
    visitor.connects("3-vehicles@smartcar.com", each_page=lambda: has_no_sideways_scrolling(visitor))
    assert has_no_sideways_scrolling(visitor)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_pages_follow_the_colour_scheme_of_the_browser(visitor, scheme):
    wanted = [{"name": "prefers-color-scheme", "value": scheme}]
    visitor.browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": wanted})
    try:
        for path in ("/", "/login/", "/smartcar-simulator/"):
            visitor.goes_to(path)
            colour = visitor.browser.find_element(By.TAG_NAME, "html").value_of_css_property(
                "background-color"
            )
            lightness = sum(map(int, re.findall(r"\d+", colour)[:3])) / 3
            assert (lightness > 128) == (scheme == "light"), (path, colour)
    finally:
        visitor.browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})


@in_both_generations
def test_the_story_works_with_the_keyboard_alone_and_without_javascript(visitor, example):
    """Tab to what is wanted, press Enter: on every page of the path, with scripts switched off."""
    visitor.browser.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": True})
    visitor.press = visitor.tabs_to_and_enters
    try:
        visitor.logs_in("demo")
        visitor.connects("driver@example.com")
        assert "Connected:" in visitor.reads()
        visitor.presses("form[action$='/lock/'] button")
        assert locked(example) == {"CHEVROLET": True}
        visitor.presses("form[action$='/unlock/'] button")
        assert locked(example) == {"CHEVROLET": False}
    finally:
        visitor.browser.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": False})
