"""What changes on the pages while they are open, in a real browser."""

import re
import sqlite3
import time
from contextlib import closing

import pytest
from selenium.webdriver.common.by import By

from .test_connect_story import Visitor, locks

pytestmark = pytest.mark.browser


@pytest.fixture
def visitor(browser, example):
    """A driver whose only car takes four seconds to respond."""
    browser.get_log("browser")
    visitor = Visitor(browser, example)
    visitor.log_in("demo")
    visitor.connect("driver@example.com")
    visitor.open("/smartcar-simulator/garage/")
    visitor.click(".tile a")
    visitor.click("#errors-link")
    visitor.fill(seconds="4")
    visitor.click("#latency-button")
    visitor.open("/cars/")
    visitor.open_car()
    return visitor


def test_a_driver_watches_the_car_become_locked(visitor, example):
    browser = visitor.browser
    began = time.monotonic()
    visitor.click("form[action$='/lock/'] button")
    assert time.monotonic() - began < 3, "the page does not wait for the car"
    assert browser.current_url.endswith("/cars/1/"), "the browser is on the car's page again"
    visitor.wait_for("Locking… This can take up to 5 minutes.")
    html = browser.find_element(By.TAG_NAME, "html")
    field = browser.find_element(By.CSS_SELECTOR, "form[action$='/refresh/'] button")
    browser.execute_script("arguments[0].focus()", field)
    visitor.wait_for("Locked ")
    assert locks(example) == {"CHEVROLET": True}
    assert html.is_enabled(), "the page was not loaded again"
    assert browser.switch_to.active_element == field, "the focus stays where it was"
    region = browser.find_element(By.CSS_SELECTOR, "[data-smartcar-part=commands]")
    assert region.get_attribute("aria-live") == "polite"
    fetches = (
        "return performance.getEntriesByType('resource').filter(e => e.name.includes('/commands/')).length"
    )
    number = browser.execute_script(fetches)
    assert 1 <= number <= 5
    time.sleep(3)
    assert browser.execute_script(fetches) == number, "it stops once the command is finished"
    assert visitor.console_errors() == [], "the content security policy allows it"


def test_the_times_of_an_open_page_stay_true(visitor, example):
    visitor.click("form[action$='/lock/'] button")
    visitor.wait_for("Locked just now.")
    # Some minutes later.
    with closing(sqlite3.connect(example.folder / "db.sqlite3")) as database, database:
        database.execute(
            "UPDATE smartcar_vehiclecommand SET finished_at = datetime(finished_at, '-3 minutes')"
        )
    visitor.wait_for("Locked 3 minutes ago.")
    region = visitor.browser.find_element(By.CSS_SELECTOR, "[data-smartcar-part=commands]")
    assert region.get_attribute("aria-live") == "off", "a screen reader does not tell the time"


def test_a_second_press_is_answered_at_the_car(visitor):
    visitor.click("form[action$='/lock/'] button")
    visitor.click("form[action$='/lock/'] button")
    assert "That is still under way." in visitor.text()
    visitor.wait_for("Locked ")


def test_without_javascript_the_page_refreshes_itself(visitor, example):
    browser = visitor.browser
    browser.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": True})
    try:
        visitor.click("form[action$='/lock/'] button")
        assert re.search("Waiting to lock…|Locking…", visitor.text())
        visitor.wait_for("Locked ")
        assert locks(example) == {"CHEVROLET": True}
        assert not browser.find_elements(By.CSS_SELECTOR, "meta[http-equiv=refresh]")
    finally:
        browser.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": False})


def test_a_disconnected_car_loses_its_buttons(visitor):
    visitor.click("a[href*='/disconnect/']")
    visitor.click("main form button.danger")
    visitor.wait_for("Disconnecting…")
    visitor.wait_for("Disconnected ", 60)
    visitor.wait_for("Connect another car")
    assert not visitor.browser.find_elements(By.CSS_SELECTOR, ".smartcar-vehicle form")


def test_the_list_shows_without_reload_what_has_changed(visitor):
    """The lock's button becomes the one for unlocking, and keeps the focus."""
    browser = visitor.browser
    visitor.unlock()
    visitor.wait_for("Unlocked ")
    visitor.open("/cars/")
    page = browser.find_element(By.TAG_NAME, "html")
    button = browser.find_element(By.CSS_SELECTOR, "form[action$='/lock/'] button")
    browser.execute_script("arguments[0].focus()", button)
    # As another tab would: the page itself sends nothing.
    browser.execute_script(
        "fetch(arguments[0].form.action, {method: 'POST', body: new FormData(arguments[0].form)})", button
    )
    visitor.wait_for("Locked ")
    assert page.is_enabled(), "the page was not loaded again"
    assert "/unlock/" in browser.switch_to.active_element.get_attribute("href")
