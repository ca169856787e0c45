from pathlib import Path

import pytest
from django.core.checks import run_checks
from django.core.management import call_command
from django.core.management.base import SystemCheckError

from django_smartcar import checks
from django_smartcar.conf import conf


def ids():
    return [message.id for message in checks.check_settings()]


def hints():
    return " ".join(f"{message.msg} {message.hint}" for message in checks.check_settings())


def test_the_settings_of_the_tests_are_fine():
    assert ids() == []
    assert checks.check_urls() == []


def test_the_checks_are_bound(settings):
    settings.SMARTCAR_CLIENT_ID = ""
    assert "smartcar.E001" in [message.id for message in run_checks()]
    with pytest.raises(SystemCheckError, match="SMARTCAR_CLIENT_ID is not set"):
        call_command("check")


@pytest.mark.parametrize(
    ("name", "value", "id_"),
    [
        ("SMARTCAR_CLIENT_ID", "", "smartcar.E001"),
        ("SMARTCAR_CLIENT_ID", "client_01ABC", "smartcar.W003"),
        ("SMARTCAR_CLIENT_ID", "0b1a1e0c-4b1e-4f0e-9c55-0d5f3a4f1b11 ", "smartcar.W003"),
        ("SMARTCAR_CLIENT_ID", 5, "smartcar.W003"),
        ("SMARTCAR_CLIENT_SECRET", "", "smartcar.E002"),
        ("SMARTCAR_REDIRECT_URI", "/cars/callback/", "smartcar.E003"),
        ("SMARTCAR_REDIRECT_URI", "http://[", "smartcar.E003"),
        ("SMARTCAR_REDIRECT_URI", "http://example.com/cars/callback/", "smartcar.W001"),
        ("SMARTCAR_SCOPE", "read_odometer", "smartcar.E004"),
        ("SMARTCAR_SCOPE", [], "smartcar.E004"),
        ("SMARTCAR_SCOPE", ["read_odometer control_security"], "smartcar.E004"),
        ("SMARTCAR_SCOPE", [None], "smartcar.E004"),
        ("SMARTCAR_SCOPE", ["odometer"], "smartcar.E004"),
        ("SMARTCAR_MODE", "development", "smartcar.E005"),
        ("SMARTCAR_UNIT_SYSTEM", "nautical", "smartcar.E006"),
        ("SMARTCAR_TIMEOUT", None, "smartcar.E007"),
        ("SMARTCAR_TIMEOUT", 0, "smartcar.E007"),
        ("SMARTCAR_TIMEOUT", True, "smartcar.E007"),
        ("SMARTCAR_TIMEOUT", float("nan"), "smartcar.E007"),
        ("SMARTCAR_COMMAND_TIMEOUT", "310", "smartcar.E007"),
        ("SMARTCAR_COMMAND_TIMEOUT", float("inf"), "smartcar.E007"),
        ("SMARTCAR_CONNECT_URL", "connect.smartcar.com", "smartcar.E008"),
        ("SMARTCAR_AUTH_URL", "", "smartcar.E008"),
        ("SMARTCAR_API_URL", "ftp://api.smartcar.com", "smartcar.E008"),
        ("SMARTCAR_MANAGEMENT_URL", "https://", "smartcar.E008"),
        ("SMARTCAR_API_URL", "http://api.smartcar.com", "smartcar.W001"),
        ("SMARTCAR_API_URL", "https://api.smartcar.com/v2.0/", "smartcar.W004"),
        ("SESSION_ENGINE", "django.contrib.sessions.backends.signed_cookies", "smartcar.W002"),
    ],
)
def test_what_is_malformed_is_told_by_its_id_with_what_to_type(settings, name, value, id_):
    setattr(settings, name, value)
    assert ids() == [id_]
    assert name in hints()


@pytest.mark.parametrize("host", ["http://localhost:8000/x", "http://127.0.0.1:8100/x", "http://[::1]/x"])
def test_this_machine_may_do_without_tls(settings, host):
    settings.SMARTCAR_API_URL = settings.SMARTCAR_REDIRECT_URI = host
    assert ids() == []


def test_the_secret_is_in_no_message(settings):
    settings.SMARTCAR_CLIENT_ID = ""
    assert settings.SMARTCAR_CLIENT_SECRET not in hints()


def test_urls_that_are_not_included_are_told(settings):
    settings.ROOT_URLCONF = "django_smartcar.simulator.urls"
    assert [message.id for message in checks.check_urls()] == ["smartcar.E009"]


def test_every_id_of_the_docstring_can_come():
    source = Path(checks.__file__).read_text()
    documented = {word.strip("`") for word in checks.__doc__.split() if word.startswith("``smartcar.")}
    raised = {part.split('"')[0] for part in source.split('id="')[1:]}
    assert documented == raised


def test_settings_are_read_when_they_are_asked_for(settings):
    settings.SMARTCAR_MODE = "test"
    assert conf.SMARTCAR_MODE == "test"
    del settings.SMARTCAR_MODE
    assert conf.SMARTCAR_MODE == "live"


def test_a_slash_at_the_end_of_a_host_does_no_harm(settings):
    settings.SMARTCAR_API_URL = "https://api.smartcar.com/"
    assert conf.SMARTCAR_API_URL == "https://api.smartcar.com"
