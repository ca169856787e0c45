"""A car is changed in the garage, and its driver's page shows it: nobody has pressed Refresh."""

import pytest
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import WebDriverWait

from .test_connect_story import Visitor, in_both_generations

pytestmark = pytest.mark.browser


@in_both_generations
def test_the_page_of_a_car_follows_the_garage(browser, example):
    visitor = Visitor(browser, example)
    visitor.logs_in("demo")
    visitor.connects("driver@example.com")
    WebDriverWait(browser, 30).until(lambda _: example.state()["webhooks"])
    (webhook_id,) = example.state()["webhooks"]
    WebDriverWait(browser, 30).until(lambda _: example.state()["webhooks"][webhook_id]["is_verified"])
    visitor.goes_to("/smartcar-simulator/garage/")
    visitor.presses(".tile a")
    box = browser.find_element(By.NAME, "odometer_km")
    driven = int(float(box.get_property("value"))) + 7  # further in so short a time, nobody would believe
    visitor.types(odometer_km=f"{driven}")
    visitor.presses("#facts-button")

    def shown(_):
        visitor.goes_to("/cars/")
        return f"{driven:,}" in visitor.reads()

    WebDriverWait(browser, 30).until(shown)
