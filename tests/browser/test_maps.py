"""Maps in a real browser, with tiles of the site itself, under the example's Content-Security-Policy."""

import pytest
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import WebDriverWait

from ..example_server import served
from .conftest import Example
from .test_connect_story import Visitor

pytestmark = pytest.mark.browser

TILES = {
    "MAP_TILES_URL": "/static/example/carport.svg?{z}-{x}-{y}",
    "MAP_TILES_ATTRIBUTION": '<a href="https://example.com/">The makers</a>',
}
CHOICE = "[data-chosen]"


@pytest.fixture
def mapped_example(tmp_path):
    with served(tmp_path, SMARTCAR_API_VERSION="3", **TILES) as url:
        yield Example(url, tmp_path)


@pytest.fixture
def visitor(browser, mapped_example):
    """A driver on the page of the only car, which has told where it is."""
    browser.get_log("browser")
    visitor = Visitor(browser, mapped_example)
    visitor.log_in("demo")
    visitor.connect("driver@example.com", "TESLA")
    visitor.open("/cars/")
    visitor.open_car()
    visitor.click("form[action$='/refresh/'] button")
    visitor.wait_for("Show on a map")
    visitor.open("/cars/1/")
    return visitor


def destination(example):
    """Return where the simulated car was sent."""
    (car,) = example.state()["cars"].values()
    return car["destination"]


def form_values(browser):
    fields = (browser.find_element(By.NAME, name) for name in ("latitude", "longitude"))
    return [float(field.get_attribute("value") or "nan") for field in fields]


def place_of_the_car(browser):
    link = browser.find_element(By.CSS_SELECTOR, "a[data-smartcar-place]")
    return [float(number) for number in link.get_attribute("data-smartcar-place").split(",")]


def test_a_click_on_the_map_chooses_the_destination(visitor, mapped_example):
    browser = visitor.browser
    box = browser.find_element(By.CSS_SELECTOR, CHOICE)
    browser.execute_script("arguments[0].scrollIntoView({block: 'center'})", box)
    assert box.is_displayed()
    assert len(browser.find_elements(By.CSS_SELECTOR, ".smartcar-pin.car")) == 2
    assert not browser.find_element(By.NAME, "latitude").is_displayed()
    ActionChains(browser).move_to_element_with_offset(box, 60, 40).click().perform()
    assert visitor.text().count("The place is chosen.") == 1
    chosen, car = form_values(browser), place_of_the_car(browser)
    assert car[0] - 0.05 < chosen[0] < car[0], "below the middle"
    assert car[1] < chosen[1] < car[1] + 0.05, "right of the middle"
    visitor.click("form[action$='/send_destination/'] button")
    visitor.wait_for("Destination sent ")
    assert destination(mapped_example) == chosen
    tiles = "return [...document.querySelectorAll('img.leaflet-tile')].filter(one => one.naturalWidth).length"
    WebDriverWait(browser, 15).until(lambda _: browser.execute_script(tiles) > 0)
    assert visitor.console_errors() == [], "the content security policy allows all of it"


def test_the_middle_of_the_map_can_be_chosen_with_the_keyboard(visitor, mapped_example):
    browser = visitor.browser
    box = browser.find_element(By.CSS_SELECTOR, CHOICE)
    browser.execute_script("arguments[0].focus()", box)
    ActionChains(browser).send_keys(Keys.ARROW_UP).perform()
    button = browser.find_element(By.CSS_SELECTOR, ".smartcar-map-tools button")
    WebDriverWait(browser, 5).until(lambda _: middle_is_north(button, browser))
    visitor.activate = visitor.tab_to_and_press_enter
    visitor.click("form[action$='/send_destination/'] button")
    visitor.wait_for("Destination sent ")
    assert destination(mapped_example)[0] > place_of_the_car(browser)[0] + 0.0005


def middle_is_north(button, browser):
    """Choose the middle until the map has moved."""
    button.send_keys(Keys.ENTER)
    return form_values(browser)[0] > place_of_the_car(browser)[0] + 0.0005


def test_without_javascript_the_coordinates_and_the_link_remain(visitor, mapped_example):
    browser = visitor.browser
    browser.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": True})
    try:
        visitor.open("/cars/1/")
        assert "Show on a map" in visitor.text()
        assert "Where it is" not in visitor.text()
        assert "Use the middle of the map" not in visitor.text()
        assert not browser.find_element(By.CSS_SELECTOR, CHOICE).is_displayed()
        assert not browser.find_element(By.CSS_SELECTOR, ".smartcar-slider").is_displayed()
        browser.find_element(By.XPATH, "//summary[.='Coordinates']").click()
        visitor.fill(latitude="48.5", longitude="11.25")
        visitor.click("form[action$='/send_destination/'] button")
        visitor.wait_for("Destination sent ")
        assert destination(mapped_example) == [48.5, 11.25]
    finally:
        browser.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": False})


def test_the_slider_and_the_number_of_the_limit_follow_each_other(visitor):
    browser = visitor.browser
    slider = browser.find_element(By.CSS_SELECTOR, ".smartcar-slider")
    number = browser.find_element(By.NAME, "limit")
    assert slider.get_attribute("value") == (number.get_attribute("value") or "80")
    slider.send_keys(Keys.HOME)
    assert number.get_attribute("value") == "50"
    slider.send_keys(Keys.ARROW_RIGHT)
    assert number.get_attribute("value") == "51"
    number.clear()
    number.send_keys("90")
    assert slider.get_attribute("value") == "90"


def test_an_operator_sees_the_cars_on_a_map(visitor):
    browser = visitor.browser
    browser.delete_all_cookies()
    visitor.log_in("admin")
    visitor.open("/admin/smartcar/connectedvehicle/fleet/")
    assert not browser.find_elements(By.CSS_SELECTOR, ".leaflet-container")
    visitor.click(".smartcar-fleet-map input[type=submit]")
    (pin,) = browser.find_elements(By.CSS_SELECTOR, ".leaflet-container .smartcar-pin")
    pin.click()
    popup = browser.find_element(By.CSS_SELECTOR, ".leaflet-popup-content")
    WebDriverWait(browser, 5).until(lambda _: "Tesla" in popup.text)
    assert visitor.console_errors() == []
