"""Check of this site's own webhook from outside: whether it is reachable and uses the same tokens.

It sends three kinds of requests to each endpoint, as Smartcar does. None of them is an event, so nothing is
stored: a challenge is answered with its HMAC; a signed request that is not an event gets a 400, which proves
that the site has the token and that the body arrives unchanged; an unsigned request gets a 401.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple
from urllib.parse import urljoin, urlsplit

from django.conf import settings
from django.shortcuts import resolve_url
from django.urls import NoReverseMatch

from .. import addresses, sdk
from ..conf import conf
from ..exceptions import NoResponseException, SmartcarException
from ..secret_types import Secret, SecretBytes, load_json
from ..services.webhooks import NO_EVENT, UNSIGNED
from . import hosts
from .results import CheckResult, Context, not_checked, ok, warning, wrong

SAME_SETTINGS = (
    "Give the running site the same SMARTCAR_MANAGEMENT_TOKENS as this command, in the same order, and "
    "restart every process of it."
)


class ProbeResponse(NamedTuple):
    """The response to a request of this check, or the ``error`` if there was none."""

    error: Exception | None
    status: int = 0
    location: str = ""
    body: Any = None

    @property
    def is_from_view(self) -> bool:
        """Whether it looks like django_smartcar's view: a JSON object with the HMAC alone, or without it."""
        names = {"challenge"} if self.status == 200 else set()
        return isinstance(self.body, dict) and set(self.body) - {"redirect_uri"} == names

    @property
    def redirect_uri(self) -> str:
        """The redirect URI that the view builds, which it tells in a response to a signed request only."""
        uri = self.body.get("redirect_uri") if isinstance(self.body, dict) else ""
        return uri if isinstance(uri, str) and uri.isprintable() and len(uri) <= 500 else ""


def webhook(context: Context) -> Iterator[CheckResult]:
    """Probe each endpoint of this site with each of its tokens."""
    if not context.site:
        yield not_checked(
            "this site's public URL is not known",
            "Pass it: manage.py check_smartcar --url https://your.site (or set SMARTCAR_REDIRECT_URI).",
        )
        return
    try:
        tokens_by_url = dict(endpoints(context.site))
    except NoReverseMatch:
        yield not_checked("django_smartcar.urls is not included: see settings")
        return
    if not tokens_by_url:
        yield not_checked("no token is set that webhooks could be signed with")
    for url, tokens in tokens_by_url.items():
        yield from _endpoint(context, url, tokens)


def endpoints(site: str) -> Iterator[tuple[str, Sequence[str]]]:
    """Yield the URL of each webhook endpoint of this site, with its tokens."""
    named: Any = conf.SMARTCAR_WEBHOOK_TOKENS
    tokens_by_name: dict[str, Any] = {"": conf.SMARTCAR_MANAGEMENT_TOKENS}
    tokens_by_name |= named if isinstance(named, dict) else {}
    for name, tokens in tokens_by_name.items():
        if tokens and isinstance(tokens, list | tuple):
            yield site + addresses.webhook_path(name), tokens


def _endpoint(context: Context, url: str, tokens: Sequence[str]) -> Iterator[CheckResult]:
    name = redact_url(url)
    challenge = Secret(secrets.token_hex(16))
    payload = {
        "eventId": Secret("check-smartcar-" + challenge),
        "eventType": "VERIFY",
        "data": {"challenge": challenge},
        "meta": {"version": "4.0"},
    }
    response = _post(url, SecretBytes(json.dumps(payload).encode()), tokens[0])
    if (interception := _interception(url, name, response)) is not None:
        yield interception
        return
    yield _challenge(name, response, tokens, challenge)
    for position, token in enumerate(tokens, start=1):
        response = _post(url, NO_EVENT, token)
        context.redirect_uri = context.redirect_uri or response.redirect_uri
        yield _signed(name, response, f"token {position} of {len(tokens)}")
    yield _unsigned(name, _post(url, UNSIGNED))


def _challenge(name: str, response: ProbeResponse, tokens: Sequence[str], challenge: str) -> CheckResult:
    """Check the response to VERIFY, which Smartcar's dashboard sends when a webhook is verified."""
    if response.status == 403:
        if not conf.SMARTCAR_WEBHOOK_CHALLENGES:
            return ok(f"{name} does not answer VERIFY, because SMARTCAR_WEBHOOK_CHALLENGES is False")
        return wrong(
            f"{name} refuses to answer VERIFY",
            "The running site has no SMARTCAR_MANAGEMENT_TOKENS, or SMARTCAR_WEBHOOK_CHALLENGES = False: "
            "give it the same settings as this command, and restart it.",
        )
    if response.status == 429:
        return not_checked(f"{name} has answered VERIFY too often: try again in a minute")
    if response.status != 200:
        return _unexpected(name, "VERIFY", response)
    matches = [sdk.verify_payload(token, response.body["challenge"], challenge) for token in tokens]
    if matches[0]:
        return ok(f"{name} answers VERIFY with token 1 of {len(tokens)}")
    if any(matches):
        position = matches.index(True) + 1
        return warning(f"{name} answers VERIFY with token {position} of {len(tokens)}", SAME_SETTINGS)
    return wrong(f"{name} answers VERIFY with a token that is not in this command's settings", SAME_SETTINGS)


def _signed(name: str, response: ProbeResponse, token_name: str) -> CheckResult:
    """Check that a signed request is accepted."""
    if response.status == 400 and response.is_from_view:
        return ok(f"{name} accepts requests signed with {token_name}")
    if response.status == 401 and response.is_from_view:
        return wrong(
            f"{name} rejects requests signed with {token_name}",
            f"{SAME_SETTINGS} If it has them, a proxy changes the body or removes the header SC-Signature: "
            "have it pass both on unchanged.",
        )
    return _unexpected(name, "a signed request", response)


def _unsigned(name: str, response: ProbeResponse) -> CheckResult:
    if response.status == 401 and response.is_from_view:
        return ok(f"{name} rejects unsigned requests")
    return _unexpected(name, "an unsigned request", response)


def _unexpected(name: str, request_name: str, response: ProbeResponse) -> CheckResult:
    if response.error is not None:
        return wrong(
            f"{name} does not respond to {request_name}",
            "It responded a moment before: see the site's log.",
        )
    return wrong(
        f"{name} responds with {response.status} to {request_name}",
        "Something other than django_smartcar's view responds, or another version of it: see what your proxy "
        "does with this URL.",
    )


def _interception(url: str, name: str, response: ProbeResponse) -> CheckResult | None:
    """Return what kept the request from reaching the view; None if the view responded."""
    if response.error is not None:
        text, hint = hosts.explain(response.error, url, "--url")
        return wrong(f"{name}: {text}", f"{hint} Smartcar, in another network, may still reach it.")
    if 300 <= response.status < 400:
        return _redirect(url, name, response.location)
    if response.is_from_view and response.status in (200, 400, 401, 403, 429):
        return None
    if response.is_from_view and response.status == 503:
        return wrong(
            f"{name} cannot store events (503)",
            "The running site's database or SMARTCAR_ENCRYPTION_KEYS do not work: its log has the error.",
        )
    hint = _STATUS_HINTS.get(response.status) or _STATUS_HINTS[500 if response.status >= 500 else 200]
    return wrong(f"{name} responds with {response.status}, and not as django_smartcar does", hint)


#: Probable causes of a response that is not the view's, by status.
_STATUS_HINTS = {
    200: "Another page is served there: a frontend's catch-all, a login or a page of the proxy. Have your "
    "proxy pass this URL on to Django.",
    400: "Django responds with 400 if the host is not in ALLOWED_HOSTS, a proxy if it suspects an attack.",
    401: "A proxy or server in front of the site asks for a password: exempt this URL.",
    403: "A firewall, or a middleware that checks CSRF or logins, rejects the request: exempt this URL. The "
    "view needs neither, because it verifies the signature.",
    404: "The URL does not exist there: check that the running site includes django_smartcar.urls at the "
    "same path and has the same SMARTCAR_WEBHOOK_TOKENS, and that the proxy does not change the path.",
    405: "POST is not allowed there: have your proxy pass this URL on to Django.",
    413: "A proxy rejects the body as too large, although it is small: raise its limit.",
    500: "The site, or the proxy before it, fails: its log has the error. Smartcar gives up after three "
    "minutes.",
}


def _redirect(url: str, name: str, location: str) -> CheckResult:
    """Explain a redirect by its target."""
    reason = "Smartcar treats a redirect as a failure. "
    try:
        source, target = urlsplit(url), urlsplit(urljoin(url, location))
    except ValueError:
        return wrong(f"{name} redirects to an invalid URL", f"{reason}See the log of your site and proxy.")
    login = urlsplit(resolve_url(settings.LOGIN_URL)).path.rstrip("/")
    if login and target.path.rstrip("/").endswith(login):
        hint = "A middleware requires a login there: exempt this URL."
    elif source.hostname != target.hostname:
        hint = f"Use the host {target.hostname}, here and in Smartcar's dashboard."
    elif source.scheme != target.scheme:
        hint = f"Use {target.scheme}:// in the URL, here and in Smartcar's dashboard."
    elif source.path == target.path:
        hint = (
            "It redirects to itself: with SECURE_SSL_REDIRECT behind a proxy that terminates TLS, set "
            "SECURE_PROXY_SSL_HEADER, and have the proxy send that header."
        )
    elif source.path.rstrip("/") == target.path.rstrip("/"):
        hint = "The proxy adds or removes a trailing slash: have it leave the path unchanged."
    else:
        hint = "Have your site or proxy serve the webhook at this URL itself."
    return wrong(f"{name} redirects to {redact_url(target.geturl())}", reason + hint)


def _post(url: str, body: bytes, token: str = "") -> ProbeResponse:
    headers = {"Content-Type": "application/json"}
    if token:
        headers["SC-Signature"] = Secret(sdk.hash_challenge(token, body))
    try:
        response = hosts.send("POST", url, data=body, headers=headers)
    except NoResponseException as error:
        return ProbeResponse(error)
    except SmartcarException as error:
        response = error.response  # always set: only NoResponseException has none
    except OSError as error:  # requests raises it for a missing certificate bundle
        return ProbeResponse(error)
    try:
        payload = load_json(response.content)
    except (ValueError, RecursionError):
        payload = None
    return ProbeResponse(None, response.status_code, response.headers.get("Location", ""), payload)


def redact_url(url: str) -> str:
    """Return a URL without its query, its password and the name of a secret endpoint."""
    parts = urlsplit(url)
    path, _, name = parts.path.rstrip("/").rpartition("/")
    path = f"{path}/{name[:4]}…/" if name in conf.SMARTCAR_WEBHOOK_TOKENS else parts.path
    host = parts.netloc.rpartition("@")[2]
    return f"{parts.scheme}://{host}{path}" if host else path
