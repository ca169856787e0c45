import time

import pytest
import sentry_sdk

from django_smartcar.services.tokens import _refresh_lock

from . import site as sites
from .reporters import SentryReport


@pytest.fixture(scope="session")
def _sentry():
    return SentryReport()


@pytest.fixture
def sentry(_sentry):
    """Enable Sentry for this test only, because it adds headers to every request."""
    with _sentry.enabled(), sentry_sdk.isolation_scope() as scope:
        scope.clear()
        yield _sentry


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
