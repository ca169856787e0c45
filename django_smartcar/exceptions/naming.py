"""Gives the SDK's failure its name here, and says what is to be done about it."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any
from urllib.parse import urlsplit

from django.utils.translation import gettext as _

from ..sdk import RateLimitingException, SmartcarException
from .meanings import lookup
from .names import NAMES, PermissionMissing, RateLimited, ReconnectRequired


def named(error: SmartcarException, account: Any = None, scope: str = "") -> SmartcarException:
    """The same failure under its name here; as it is where it has none. ``scope``: what was needed for it."""
    meaning = lookup(error)
    if meaning is None or meaning.kind is None or isinstance(error, NAMES):
        return error
    seed: Any = type(error)
    failure = _copy(_over(meaning.kind, seed), error.args, error.__dict__)
    if isinstance(failure, ReconnectRequired):
        failure.account = account
    elif isinstance(failure, PermissionMissing):
        failure.scope = scope
    elif isinstance(failure, RateLimited):
        failure.scope = {"SMARTCAR_API": "application", "RATE_LIMIT": "brand"}.get(
            error.code or "", "vehicle"
        )
    return failure


def help_url(error: Exception) -> str:
    """Where the driver can put it right, if Smartcar says so.

    Nothing for a new login: that goes through this site's own button, which knows who comes back.
    """
    url = str((getattr(error, "resolution", None) or {}).get("url") or "")
    is_safe = urlsplit(url).scheme == "https" and getattr(error, "code", None) != "AUTHENTICATION_FAILED"
    return url if is_safe else ""


def sentence_of(error: SmartcarException) -> str:
    """What to tell the driver; empty where nothing is known."""
    meaning = lookup(error)
    if meaning is None:
        return ""
    sentence = str(meaning.user_message)
    if isinstance(error, RateLimitingException) and error.retry_after:
        wait = _("That is possible again in %(seconds)d seconds.") % {"seconds": error.retry_after}
        return f"{sentence} {wait}"
    return sentence


@cache
def _over(kind: Any, seed: Any) -> Any:
    if issubclass(kind, seed):
        return kind

    def reduce(self: Any) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        # A class that is made here is not found by its name: it is made again from the two.
        _restored, (_class, args, state) = SmartcarException.__reduce__(self)
        return _again, (kind, seed, args, state)

    members = {"__module__": kind.__module__, "__doc__": kind.__doc__, "__reduce__": reduce}
    return type(kind.__name__, (kind, seed), members)


def _again(kind: Any, seed: Any, args: Any, state: dict[str, Any]) -> Any:
    return _copy(_over(kind, seed), args, state)


def _copy(kind: Any, args: Any, state: dict[str, Any]) -> Any:
    failure = kind.__new__(kind)
    failure.args = args
    failure.__dict__.update(state)
    return failure
