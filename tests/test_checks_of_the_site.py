"""System checks of the site that the app runs in."""

import pytest
from django.apps import apps
from django.core.checks import run_checks

from django_smartcar.checks import check_deployment, check_settings, check_urls


class UsersElsewhere:
    """A database router that stores users in another database than cars."""

    def db_for_write(self, model, **hints):
        return "default" if model._meta.app_label == "people" else "cars"


class UnknownDatabase:
    def db_for_write(self, model, **hints):
        return "cars"


def found():
    return {message.id: message for message in check_settings()}


def test_a_site_without_problems():
    assert not [message for message in run_checks() if (message.id or "").startswith("smartcar.E")]
    assert not {"smartcar.W091", "smartcar.W092", "smartcar.W094"} & found().keys()


def test_users_in_another_database_than_cars(settings):
    settings.DATABASE_ROUTERS = [UsersElsewhere()]
    message = found()["smartcar.E090"]
    assert "Users are in the database 'default', and smartcar." in message.msg
    assert "DATABASE_ROUTERS" in message.hint


def test_a_database_that_does_not_exist(settings):
    settings.DATABASE_ROUTERS = [UnknownDatabase()]
    assert "'cars', which DATABASES does not have" in found()["smartcar.E091"].msg
    assert "smartcar.E090" not in found()


@pytest.mark.parametrize(("zone", "warns"), [("Europe/Berlin", True), ("UTC", False), ("Asia/Tokyo", False)])
def test_local_times_of_a_zone_whose_clocks_change(settings, zone, warns):
    settings.USE_TZ = False
    settings.TIME_ZONE = zone
    assert ("smartcar.W091" in found()) is warns


def test_a_site_without_messages(settings, monkeypatch):
    monkeypatch.setattr(apps, "is_installed", lambda name: name != "django.contrib.messages")
    assert "not told why a button had no effect" in found()["smartcar.W092"].msg


@pytest.mark.parametrize(
    ("changes", "warns"),
    [
        ({}, True),
        ({"SMARTCAR_REDIRECT_URI": "https://your.site/cars/callback/"}, False),
        ({"SECURE_PROXY_SSL_HEADER": ("HTTP_X_FORWARDED_PROTO", "https")}, False),
        ({"DEBUG": True}, False),
    ],
)
def test_a_redirect_uri_behind_a_proxy(settings, changes, warns):
    for name, value in changes.items():
        setattr(settings, name, value)
    assert ("smartcar.W093" in {message.id for message in check_deployment()}) is warns


@pytest.mark.parametrize(
    ("sources", "warns"),
    [(["'self'"], True), ("'self'", True), (["'self'", "https://*.smartcar.com"], False), (None, False)],
)
@pytest.mark.parametrize("name", ["SECURE_CSP", "CONTENT_SECURITY_POLICY"])
def test_a_content_security_policy(settings, name, sources, warns):
    policy = {"default-src": ["'self'"]} | ({"form-action": sources} if sources else {})
    setattr(settings, name, {"DIRECTIVES": policy} if name == "CONTENT_SECURITY_POLICY" else policy)
    assert ("smartcar.W094" in found()) is warns


def test_urls_with_the_prefix_of_a_language(settings):
    settings.ROOT_URLCONF = "tests.deployments.sites.language_urls"
    (message,) = check_urls()
    assert message.id == "smartcar.W090"
    assert "(/en/cars/callback/)" in message.msg
    assert "endpoint_urls" in message.hint
