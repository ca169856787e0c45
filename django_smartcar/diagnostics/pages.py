"""Check of the running site's pages: the redirect URI that it builds, and its Content-Security-Policy."""

from __future__ import annotations

from collections.abc import Iterator

from django.urls import NoReverseMatch, reverse

from ..checks import form_action
from ..exceptions import NoResponseException, SmartcarException
from . import hosts
from .results import CheckResult, Context, not_checked, ok, warning, wrong


def pages(context: Context) -> Iterator[CheckResult]:
    """Check what a driver needs who presses the button."""
    if not context.site:
        yield not_checked("this site's public URL is not known: see webhook")
        return
    yield _redirect_uri(context)
    yield _policy(context)


def _redirect_uri(context: Context) -> CheckResult:
    uri = context.redirect_uri
    if not uri:
        return not_checked("the redirect URI of the running site is not known: see webhook")
    if context.site.startswith("https:") and uri.startswith("http:"):
        return wrong(
            f"the running site's redirect URI is {uri}, which Smartcar refuses",
            "A proxy ends TLS, and Django does not know. Set SECURE_PROXY_SSL_HEADER to the header that the "
            f"proxy sends, or SMARTCAR_REDIRECT_URI to https{uri.removeprefix('http')}.",
        )
    if hosts.origin_of(uri) != context.site:
        return warning(
            f"the running site's redirect URI is {uri}, on another host than {context.site}",
            "If that is not intended, have the proxy send on the header Host, or set SMARTCAR_REDIRECT_URI.",
        )
    return ok(f"the redirect URI is {uri}")


def _policy(context: Context) -> CheckResult:
    """Read the header of the page with the button; a visitor without a login gets it, too."""
    try:
        url = context.site + reverse("smartcar:vehicles")
    except NoReverseMatch:
        return not_checked("django_smartcar.urls is not included: see settings")
    try:
        response = hosts.send("GET", url)
    except NoResponseException:
        return not_checked(f"{url} does not respond: see webhook")
    except SmartcarException as error:
        response = error.response  # always set: only NoResponseException has none
    except OSError:  # requests raises it for a missing certificate bundle
        return not_checked(f"{url} could not be requested: see webhook")
    header = response.headers.get("Content-Security-Policy", "")
    if refused := form_action.policies_without_connect(header):
        return wrong(
            f"the Content-Security-Policy of {url} stops a driver who presses the button: {refused[0]}",
            form_action.HINT,
        )
    return ok("the Content-Security-Policy lets the button lead to Connect" if header else f"{url} responds")
