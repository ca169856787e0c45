"""Checks of the site that the app runs in: databases, times, messages, and the proxy before it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from django.apps import apps
from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.checks import CheckMessage, Error
from django.core.checks import Warning as CheckWarning
from django.db import connections, router
from django.utils import timezone

from ..conf import conf


def check() -> Iterator[CheckMessage]:
    yield from _databases()
    yield from _times()
    if not apps.is_installed("django.contrib.messages"):
        yield CheckWarning(
            "django.contrib.messages is not installed: drivers are not told why a button had no effect.",
            hint='Add "django.contrib.messages" to INSTALLED_APPS, and its middleware and context processor.',
            id="smartcar.W092",
        )


def check_proxy() -> Iterator[CheckMessage]:
    """Check, for a deployed site, that the redirect URI begins with https:// behind a proxy, too."""
    if not (conf.SMARTCAR_REDIRECT_URI or settings.SECURE_PROXY_SSL_HEADER or settings.DEBUG):
        yield CheckWarning(
            "SMARTCAR_REDIRECT_URI and SECURE_PROXY_SSL_HEADER are not set: behind a proxy that ends TLS, "
            "the redirect URI begins with http://, and Smartcar refuses it.",
            hint='Set SMARTCAR_REDIRECT_URI = "https://your.site/cars/callback/"; or set '
            "SECURE_PROXY_SSL_HEADER to the header that your proxy sends.",
            id="smartcar.W093",
        )


def _databases() -> Iterator[CheckMessage]:
    user: Any = get_user_model()
    models = [user, *apps.get_app_config("smartcar").get_models()]
    aliases = {model._meta.label: router.db_for_write(model) for model in models}
    for alias in sorted(set(aliases.values())):
        if alias not in connections or connections[alias].vendor == "unknown":
            yield Error(
                f"The tables of django_smartcar or of users would be in the database {alias!r}, which "
                "DATABASES does not have.",
                hint="Add a router to DATABASE_ROUTERS that names another database for them.",
                id="smartcar.E091",
            )
    if len(set(aliases.values())) > 1:
        others = {label: alias for label, alias in aliases.items() if alias != aliases[user._meta.label]}
        label, alias = next(iter(others.items()))
        yield Error(
            f"Users are in the database {aliases[user._meta.label]!r}, and {label} in {alias!r}: a foreign "
            "key cannot lead to another database.",
            hint="Have DATABASE_ROUTERS name one database for the user model and all of django_smartcar, for "
            "reading and writing. Other apps, such as sessions, may be elsewhere.",
            id="smartcar.E090",
        )


def _times() -> Iterator[CheckMessage]:
    if settings.USE_TZ:
        return
    zone = timezone.get_default_timezone()
    year = datetime.now(UTC).year
    offsets = {datetime(year, month, 1, tzinfo=zone).utcoffset() for month in range(1, 13)}
    if len(offsets) > 1:
        yield CheckWarning(
            f"USE_TZ is False, and clocks in {settings.TIME_ZONE} change twice a year: in those hours tokens "
            "and events may wait for an hour, and times are ambiguous.",
            hint='Set USE_TZ = True, or TIME_ZONE = "UTC".',
            id="smartcar.W091",
        )
