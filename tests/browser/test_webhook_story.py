"""A car is changed in the garage, and its driver's page shows it: nobody has pressed Refresh."""

import pytest
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
    visitor.types(odometer_km="4321")
    visitor.presses("#facts-button")

    def shown(_):
        visitor.goes_to("/cars/")
        return "4,321" in visitor.reads()

    WebDriverWait(browser, 30).until(shown)
