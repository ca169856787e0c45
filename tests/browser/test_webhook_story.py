"""A webhook changes the page of a vehicle that is changed in the simulator, while the page is open."""

import pytest
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import WebDriverWait

from .test_connect_story import Visitor, in_both_api_versions

pytestmark = pytest.mark.browser


@in_both_api_versions
def test_webhooks_update_the_page_of_a_vehicle(browser, example):
    visitor = Visitor(browser, example)
    visitor.console_errors()  # forget those of other tests
    visitor.log_in("demo")
    visitor.connect("driver@example.com")
    WebDriverWait(browser, 30).until(lambda _: example.state()["webhooks"])
    (webhook_id,) = example.state()["webhooks"]
    WebDriverWait(browser, 30).until(lambda _: example.state()["webhooks"][webhook_id]["is_verified"])
    visitor.open_car()
    page, tab = browser.find_element(By.TAG_NAME, "html"), browser.current_window_handle
    browser.switch_to.new_window("tab")
    visitor.open("/smartcar-simulator/garage/")
    visitor.click(".tile a")
    box = browser.find_element(By.NAME, "odometer_km")
    odometer = (
        int(float(box.get_property("value"))) + 7
    )  # a longer distance in so short a time would be an outlier
    visitor.fill(odometer_km=f"{odometer}")
    visitor.click("#facts-button")
    browser.close()
    browser.switch_to.window(tab)
    WebDriverWait(browser, 30).until(lambda _: f"{odometer:,}" in visitor.text())
    assert page.is_enabled(), "the page was not loaded again"
    assert visitor.console_errors() == []
