"""The redirect URI and the Content-Security-Policy of a running site, with mocked responses."""

import pytest

from django_smartcar.diagnostics import pages

PAGE = "https://your.site/cars/"
CALLBACK = "https://your.site/cars/callback/"


@pytest.fixture
def page(mock_api, context):
    """Mock the page with the button, as a visitor without a login gets it, and the redirect URI."""

    def serve(policy=None, redirect_uri=CALLBACK, status=302):
        context.redirect_uri = redirect_uri
        headers = {"Location": "/login/"} | ({"Content-Security-Policy": policy} if policy else {})
        mock_api.mock.add("GET", PAGE, status=status, headers=headers)

    return serve


def test_no_problem(page, find):
    page()
    assert find(pages.pages) == [
        ("ok", f"the redirect URI is {CALLBACK}", ""),
        ("ok", f"{PAGE} responds", ""),
    ]


def test_a_redirect_uri_without_tls_is_wrong(page, find):
    page(redirect_uri="http://your.site/cars/callback/")
    outcome, text, hint = find(pages.pages)[0]
    assert outcome == "wrong"
    assert "redirect URI is http://your.site/cars/callback/, which Smartcar refuses" in text
    assert "SECURE_PROXY_SSL_HEADER" in hint
    assert f"SMARTCAR_REDIRECT_URI to {CALLBACK}." in hint


def test_a_redirect_uri_on_another_host_is_a_warning(page, find):
    page(redirect_uri="https://127.0.0.1:8000/cars/callback/")
    assert find(pages.pages)[0][0] == "warning"


@pytest.mark.parametrize(
    "policy",
    [
        "default-src 'none'",
        "form-action 'self' https://*.smartcar.com",
        "form-action https://connect.smartcar.com:443/",
        "FORM-ACTION https:",
        "form-action *.smartcar.com",
        "form-action *",
        "default-src 'self', form-action 'self' connect.smartcar.com",
    ],
)
def test_a_policy_that_lets_the_button_lead_to_connect(page, find, policy):
    page(policy)
    assert find(pages.pages)[1][:2] == ("ok", "the Content-Security-Policy lets the button lead to Connect")


@pytest.mark.parametrize(
    "policy",
    [
        "default-src *; form-action 'self'",
        "form-action 'none'",
        "form-action",
        "form-action https://smartcar.com",
        "form-action https://*.example.com",
        "form-action https://connect.smartcar.com:8443",
        "form-action wss:",
        "form-action *, form-action 'self'",
    ],
)
def test_a_policy_that_stops_the_button_is_wrong(page, find, policy):
    page(policy)
    outcome, text, hint = find(pages.pages)[1]
    assert outcome == "wrong"
    assert f"of {PAGE} stops a driver who presses the button: form-action" in text
    assert "https://*.smartcar.com" in hint


def test_a_page_without_a_response_is_not_checked(find, context, mock_api):
    assert [outcome for outcome, _, _ in find(pages.pages)] == ["not checked", "not checked"]


def test_the_public_url_is_needed(find, context):
    context.site = ""
    assert find(pages.pages) == [("not checked", "this site's public URL is not known: see webhook", "")]
