"""The garage's page of the application: its ids and its redirect URIs."""

import pytest

from django_smartcar.simulator import store
from django_smartcar.simulator.access import redirect_uris
from tests.simulator.dashboard.conftest import post_form

URI = "https://app.example.com/de/cars/callback/"


@pytest.fixture
def page(garage, settings):
    settings.SMARTCAR_SIMULATOR_ANY_REDIRECT_URI = False
    settings.SMARTCAR_SIMULATOR_REDIRECT_URIS = ["https://app.example.com/callback"]
    return garage("application/")


def test_the_client_ids_are_shown(page):
    assert store.CLIENT_ID in page.text
    assert store.M2M_CLIENT_ID in page.text


def test_a_redirect_uri_can_be_registered_and_removed(page, garage, visit):
    assert "Invalid parameter redirect_uri" in visit(redirect_uri=URI).text
    page.press("register-button", uri=URI)
    assert "The redirect URI is registered." in page.text
    assert redirect_uris.registered() == ["https://app.example.com/callback", URI]
    assert visit(redirect_uri=URI).status == 200
    assert f'<code class="what">{URI}</code>' in page.text
    page = post_form(garage, "application/", do="unregister", uri=URI)
    assert "The redirect URI is removed." in page.text
    assert redirect_uris.registered() == ["https://app.example.com/callback"]
    assert visit(redirect_uri=URI).status == 400


@pytest.mark.parametrize(
    ("uri", "message"),
    [
        ("", "This field is required."),
        ("/cars/callback/", "Enter a full URL"),
        ("javascript:alert(1)", "Enter a full URL"),
        ("https://app.example.com/callback", "registered already"),
    ],
)
def test_an_invalid_redirect_uri_is_refused_and_kept_in_the_field(page, uri, message):
    page.press("register-button", uri=uri)
    assert page.status == 400
    assert message in page.text
    assert f'value="{uri}"' in page.text or not uri
    assert store.state().redirect_uris == []


def test_a_redirect_uri_of_the_settings_cannot_be_removed(page):
    assert "From the settings" in page.text
    assert page.text.count('value="unregister"') == 0
    page.press("register-button", do="unregister", uri="https://app.example.com/callback")
    assert page.status == 400
    assert "Only redirect URIs that were registered here" in page.text


def test_the_page_says_whether_redirect_uris_are_checked(page, garage, settings):
    assert "refuses any other" in page.text
    settings.SMARTCAR_SIMULATOR_REDIRECT_URIS = []
    assert "nobody can connect" in garage("application/").text
    settings.SMARTCAR_SIMULATOR_ANY_REDIRECT_URI = True
    assert "Connect returns to any URI" in garage("application/").text
