"""The addresses of this site that Smartcar's dashboard has to know: those of the callback and the webhook.

A site with a language prefix in its URLs includes ``endpoint_urls`` beside it.
"""

from __future__ import annotations

from django.conf import settings
from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse
from django.utils.translation import override

from .conf import conf


def callback_path() -> str:
    """Return the path of the callback, the same for all users. Raises NoReverseMatch."""
    return _path("callback")


def redirect_uri(request: HttpRequest) -> str:
    """Return the redirect URI of Connect: that of the settings, or one on the host of the request."""
    return conf.SMARTCAR_REDIRECT_URI or request.build_absolute_uri(callback_path())


def webhook_path(endpoint: str = "") -> str:
    """Return the path of the webhook, or of the one with this name. Raises NoReverseMatch."""
    return _path("webhook", *filter(None, [endpoint]))


def has_language() -> bool:
    """Return whether these paths have the prefix of a language. Raises NoReverseMatch."""
    paths = set()
    for language, _name in settings.LANGUAGES:
        with override(language):
            paths.add(_reverse("callback"))
    return len(paths) > 1


def _path(name: str, *args: str) -> str:
    with override(settings.LANGUAGE_CODE):
        return _reverse(name, *args)


def _reverse(name: str, *args: str) -> str:
    try:
        return reverse(f"smartcar_endpoints:{name}", args=args)
    except NoReverseMatch:
        return reverse(f"smartcar:{name}", args=args)
