import pytest
from django.test import Client

from tests.simulator.browser import ClientBrowser, Visit
from tests.simulator.conftest import PREFIX

GARAGE = f"{PREFIX}/garage/"


@pytest.fixture
def garage():
    """Open a page of the garage in a new browser, with CSRF checks."""

    def open_(path=""):
        browser = ClientBrowser(Client(enforce_csrf_checks=True))
        home = f"{browser.origin}{PREFIX}/"
        return Visit(browser, home, f"{browser.origin}{GARAGE}{path}")

    return open_


def post_form(garage, path, /, **fields):
    """Post these fields to a page of the garage, with its CSRF token."""
    visit = garage(path)
    sent = [field for form in visit.page.forms for field in form.fields]
    token = next(value for name, value in sent if name == "csrfmiddlewaretoken")
    return visit.open(visit.url, "POST", [("csrfmiddlewaretoken", token), *fields.items()])
