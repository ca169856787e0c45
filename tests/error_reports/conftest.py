import time

import pytest
from django.core.signals import got_request_exception

from django_smartcar.services.tokens import _refresh_lock

from . import site as sites
from .reporters import SentryReport


@pytest.fixture(scope="session")
def sentry():
    report = SentryReport()
    yield report
    report.close()


@pytest.fixture
def no_waiting(monkeypatch):
    """Let time pass at once wherever the code sleeps."""
    slept = 0.0
    monotonic = time.monotonic

    def sleep(seconds):
        nonlocal slept
        slept += max(seconds, 0.01)

    monkeypatch.setattr(time, "sleep", sleep)
    monkeypatch.setattr(time, "monotonic", lambda: monotonic() + slept)
    monkeypatch.setattr(_refresh_lock, "SAVE_FOR", 0, raising=False)


@pytest.fixture
def site(request, db, settings, no_waiting):
    sites.configure(settings, request.param)
    return sites.make_site(request.param)


@pytest.fixture
def failed_requests(sentry):
    """Collect the requests whose views raise, each with its exception."""
    failed = []

    def collect(sender, request, **kwargs):
        failed.append(request)

    got_request_exception.connect(collect)
    yield failed
    got_request_exception.disconnect(collect)
