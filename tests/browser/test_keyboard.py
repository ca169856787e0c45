"""A driver who has only the Tab, Enter and Escape keys, and who sees where the focus is."""

import pytest
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

from .test_connect_story import Visitor, locks

pytestmark = pytest.mark.browser

#: Whether the element with the focus looks different than without it.
IS_SEEN = """
    const one = document.activeElement
    const look = () => [one, one.closest(".smartcar-card") || one].map(each => {
        const style = getComputedStyle(each)
        const names = ["outlineStyle", "outlineWidth", "boxShadow", "backgroundColor", "borderColor", "left"]
        return names.map(name => style[name]).join()
    }).join()
    const focused = look()
    one.blur()
    const blurred = look()
    one.focus({focusVisible: true})
    return focused !== blurred
"""


class KeyboardVisitor(Visitor):
    """A visitor without a mouse, who looks for the focus at each step."""

    def activate(self, element):
        for _ in range(100):
            self.press(Keys.TAB)
            focused = self.browser.switch_to.active_element
            assert self.browser.execute_script(IS_SEEN), focused.get_attribute("outerHTML")
            if focused == element:
                return self.press(Keys.ENTER)
        return pytest.fail(f"{element.tag_name} {element.text!r} is not reached with the Tab key")

    def press(self, key):
        ActionChains(self.browser).send_keys(key).perform()

    def focused(self):
        return self.browser.switch_to.active_element


@pytest.fixture
def visitor(browser, example):
    """A driver with a car, on the page of the cars."""
    visitor = Visitor(browser, example)
    visitor.log_in("demo")
    visitor.connect("driver@example.com")
    still = [{"name": "prefers-reduced-motion", "value": "reduce"}]
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": still})
    yield KeyboardVisitor(browser, example)
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})


def test_a_car_is_locked_and_unlocked_with_the_keyboard(visitor, example):
    """After each action the focus is on its button again."""
    visitor.open_car()
    visitor.click("form[action$='/lock/'] button")
    visitor.wait_for("Locked ")
    assert visitor.focused().text == "Lock"
    assert locks(example) == {"CHEVROLET": True}
    visitor.unlock()
    visitor.wait_for("Unlocked ")
    assert visitor.focused().text == "Unlock…"
    assert locks(example) == {"CHEVROLET": False}


def test_the_first_link_skips_to_the_content(visitor):
    visitor.press(Keys.TAB)
    assert visitor.focused().get_attribute("href").endswith("#content")
    visitor.press(Keys.ENTER)
    visitor.press(Keys.TAB)
    assert visitor.focused().find_elements(By.XPATH, "ancestor::main")


def test_the_focus_stays_where_a_live_update_replaces_a_button(visitor):
    browser = visitor.browser
    visitor.open("/cars/")
    button = browser.find_element(By.CSS_SELECTOR, "form[action$='/lock/'] button")
    while visitor.focused() != button:
        visitor.press(Keys.TAB)
    lock_in_another_tab(visitor)
    visitor.wait_for("Unlock…")
    assert visitor.focused().text == "Unlock…"
    assert browser.execute_script(IS_SEEN)


def lock_in_another_tab(visitor):
    browser = visitor.browser
    tab = browser.current_window_handle
    browser.switch_to.new_window("tab")
    other = Visitor(browser, visitor.example)
    other.open("/cars/")
    other.click("form[action$='/lock/'] button")
    other.wait_for("Locked ")
    browser.close()
    browser.switch_to.window(tab)
