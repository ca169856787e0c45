"""A press of Connect by a user who is not logged in: after the login, Connect begins, and only then."""

import time
from urllib.parse import parse_qs, urlsplit

import pytest
from django.test import Client
from django.urls import reverse

from django_smartcar.models import ConnectAttempt
from django_smartcar.views import connect_presses

pytestmark = pytest.mark.django_db

CONNECT = "/cars/connect/"


def press(client, **form):
    """Press the button without a login; return the URL that the login continues with."""
    response = client.post(CONNECT, form)
    login = urlsplit(response.url)
    assert login.path == "/login/"
    return parse_qs(login.query)["next"][0]


def asks_again(response):
    return response.status_code == 302 and response.url == reverse("smartcar:vehicles")


def test_connect_begins_after_the_login_with_what_the_button_asked_for(client, anna):
    url = press(client, make="TESLA", next="/garage/", single_select="1")
    client.force_login(anna)
    response = client.get(url)
    target = urlsplit(response.url)
    assert target.hostname == "connect.smartcar.com"
    query = parse_qs(target.query)
    assert (query["make"], query["single_select"]) == (["TESLA"], ["true"])
    attempt = ConnectAttempt.objects.get()
    assert (attempt.user, attempt.next_url, attempt.single_select) == (anna, "/garage/", True)


def test_the_state_is_bound_to_the_session_after_the_login(client, anna, mock_api):
    mock_api.tokens()
    mock_api.driver("driver-a", ["car-1"])
    mock_api.car("car-1")
    url = press(client)
    client.force_login(anna)
    state = parse_qs(urlsplit(client.get(url).url).query)["state"][0]
    page = client.get("/cars/callback/", {"code": "a-code", "state": state}, follow=True)
    assert "Connected: 2021 Chevrolet Bolt." in page.text


def test_a_site_that_demands_logins_everywhere_remembers_the_press_too(client, anna, settings):
    assert any("LoginRequired" in name for name in settings.MIDDLEWARE)
    url = press(client)
    client.force_login(anna)
    assert "state=" in client.get(url).url


def test_without_a_login_nothing_begins(client):
    assert asks_again(client.get(press(client)))
    assert not ConnectAttempt.objects.exists()


def test_a_press_needs_a_csrf_token_without_a_login_too():
    strict = Client(enforce_csrf_checks=True)
    assert strict.post(CONNECT).status_code == 403
    assert connect_presses.SESSION_PRESS not in strict.session


def test_a_press_continues_once(client, anna):
    url = press(client)
    client.force_login(anna)
    client.get(url)
    assert asks_again(client.get(url))
    assert ConnectAttempt.objects.count() == 1


def test_a_press_is_forgotten_after_ten_minutes(client, anna, clock):
    url = press(client)
    client.force_login(anna)
    time.sleep(connect_presses.PRESS_LIFETIME)
    assert asks_again(client.get(url))
    assert not ConnectAttempt.objects.exists()


@pytest.mark.parametrize("query", ["", "?press=", "?press=x", "?press=\u00e9", "?make=TESLA"])
def test_another_site_cannot_begin_what_the_user_has_pressed(client, anna, query):
    """It can lead the user's browser to the URL, but does not know the value in it."""
    url = press(client)
    client.force_login(anna)
    assert asks_again(client.get(CONNECT + query))
    assert not ConnectAttempt.objects.exists()
    assert client.get(url).url.startswith("https://connect.smartcar.com/"), "the user's own press is kept"


def test_without_a_press_nothing_begins(client, anna):
    client.force_login(anna)
    assert asks_again(client.get(f"{CONNECT}?press=x"))
    assert not ConnectAttempt.objects.exists()


def test_the_url_of_a_press_is_worth_nothing_in_another_session(client, anna, bert):
    url = press(client)
    bob = Client()
    bob.force_login(bert)
    assert asks_again(bob.get(url))
    press(bob_again := Client())
    bob_again.force_login(bert)
    assert asks_again(bob_again.get(url))
    assert not ConnectAttempt.objects.exists()


def test_a_press_ends_with_the_session(client, anna, bert):
    url = press(client)
    client.force_login(anna)
    client.force_login(bert)
    assert asks_again(client.get(url)), "the press was not Bert's"
    assert not ConnectAttempt.objects.exists()


def test_a_head_request_takes_nothing(client, anna):
    url = press(client)
    client.force_login(anna)
    client.head(url)
    assert client.get(url).url.startswith("https://connect.smartcar.com/")


def test_the_page_after_cannot_be_another_site(client, anna):
    url = press(client, next="https://evil.example/")
    client.force_login(anna)
    client.get(url)
    assert ConnectAttempt.objects.get().next_url == reverse("smartcar:vehicles")


def test_the_limit_of_a_user_counts(client, anna, settings):
    settings.SMARTCAR_USER_LIMITS = {"connect": "1/h"}
    for status in (302, 429):
        client.logout()
        url = press(client)
        client.force_login(anna)
        assert client.get(url).status_code == status
    assert ConnectAttempt.objects.count() == 1
