"""Whether this site's own webhook is reached from outside, and knows the tokens that are known here.

Three requests to each address, as Smartcar would send them. None of them is an event, so nothing is stored:
a challenge is answered with its HMAC; what is signed and no event is refused with 400, which proves the token
and that nobody has changed the body on the way; what is not signed is refused with 401.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple
from urllib.parse import urljoin, urlsplit

from django.conf import settings
from django.shortcuts import resolve_url
from django.urls import NoReverseMatch, reverse
from django.views.decorators.debug import sensitive_variables

from .. import sdk
from ..conf import conf
from ..exceptions import NoResponseException, SmartcarException
from ..services.webhooks import NO_EVENT, UNSIGNED
from . import hosts
from .results import CheckResult, Context, not_checked, ok, warning, wrong

SAME_SETTINGS = (
    "Give the running site the SMARTCAR_MANAGEMENT_TOKENS that this command sees, in the same order, and "
    "restart every process of it."
)


class Answer(NamedTuple):
    """What came back: nothing (``error`` says why), or a status with what else tells them apart."""

    error: Exception | None
    status: int = 0
    location: str = ""
    body: Any = None

    @property
    def is_views(self) -> bool:
        """Whether it looks like one of django_smartcar's view: an object, empty but for the HMAC."""
        return isinstance(self.body, dict) and set(self.body) == (
            {"challenge"} if self.status == 200 else set()
        )


def webhook(context: Context) -> Iterator[CheckResult]:
    """Each address that this site has, with the tokens that belong to it."""
    if not context.site:
        yield not_checked(
            "this site's public address is not known",
            "Name it: manage.py check_smartcar --url https://your.site (or set SMARTCAR_REDIRECT_URI).",
        )
        return
    try:
        known_at = dict(addresses(context.site))
    except NoReverseMatch:
        yield not_checked("django_smartcar.urls is not included: see settings")
        return
    if not known_at:
        yield not_checked("there is no token that a webhook could be signed with")
    for address, known in known_at.items():
        yield from _address(address, known)


def addresses(site: str) -> Iterator[tuple[str, Sequence[str]]]:
    """Where a site at this host takes webhooks, with the tokens that belong there."""
    endpoints: Any = conf.SMARTCAR_WEBHOOK_TOKENS
    given: dict[str, Any] = {"": conf.SMARTCAR_MANAGEMENT_TOKENS}
    given |= endpoints if isinstance(endpoints, dict) else {}
    for name, known in given.items():
        if known and isinstance(known, list | tuple):
            yield site + reverse("smartcar:webhook", args=[name] if name else []), known


def _address(address: str, known: Sequence[str]) -> Iterator[CheckResult]:
    where = shown(address)
    challenge = secrets.token_hex(16)
    asked = {
        "eventId": f"check-smartcar-{challenge}",
        "eventType": "VERIFY",
        "data": {"challenge": challenge},
        "meta": {"version": "4.0"},
    }
    answer = _post(address, json.dumps(asked).encode(), known[0])
    if (on_the_way := _on_the_way(address, where, answer)) is not None:
        yield on_the_way
        return
    yield _challenge(where, answer, known, challenge)
    for position, token in enumerate(known, start=1):
        yield _signed(where, _post(address, NO_EVENT, token), f"token {position} of {len(known)}")
    yield _unsigned(where, _post(address, UNSIGNED))


@sensitive_variables()
def _challenge(where: str, answer: Answer, known: Sequence[str], challenge: str) -> CheckResult:
    """What the site made of VERIFY, with which Smartcar's dashboard begins."""
    if answer.status == 403:
        if not conf.SMARTCAR_WEBHOOK_CHALLENGES:
            return ok(f"{where} is closed to VERIFY, as SMARTCAR_WEBHOOK_CHALLENGES = False has it")
        return wrong(
            f"{where} refuses to answer VERIFY",
            "The running site has no SMARTCAR_MANAGEMENT_TOKENS, or SMARTCAR_WEBHOOK_CHALLENGES = False: "
            "give it the settings that this command sees, and restart it.",
        )
    if answer.status == 429:
        return not_checked(f"{where} has answered VERIFY often enough: try again in a minute")
    if answer.status != 200:
        return _unexpected(where, "VERIFY", answer)
    matching = [sdk.verify_payload(token, answer.body["challenge"], challenge) for token in known]
    if matching[0]:
        return ok(f"{where} answers VERIFY with the HMAC of token 1 of {len(known)}")
    if any(matching):
        place = matching.index(True) + 1
        return warning(f"{where} answers VERIFY with token {place} of {len(known)}", SAME_SETTINGS)
    return wrong(f"{where} answers VERIFY with a token that is not known here", SAME_SETTINGS)


def _signed(where: str, answer: Answer, which: str) -> CheckResult:
    """Whether what Smartcar signs is believed when it arrives."""
    if answer.status == 400 and answer.is_views:
        return ok(f"{where} believes what is signed with {which}")
    if answer.status == 401 and answer.is_views:
        return wrong(
            f"{where} does not believe what is signed with {which}",
            f"{SAME_SETTINGS} If it has them, something on the way changes the body or drops the header "
            "SC-Signature: let your proxy pass both on as they are.",
        )
    return _unexpected(where, "what is signed", answer)


def _unsigned(where: str, answer: Answer) -> CheckResult:
    if answer.status == 401 and answer.is_views:
        return ok(f"{where} refuses what is not signed")
    return _unexpected(where, "what is not signed", answer)


def _unexpected(where: str, what: str, answer: Answer) -> CheckResult:
    if answer.error is not None:
        return wrong(
            f"{where} does not answer {what}", "It has answered a moment before: see the site's log."
        )
    return wrong(
        f"{where} answers {answer.status} to {what}",
        "Something else than django_smartcar's view answers there, or another version of it: see what your "
        "proxy does with this address.",
    )


def _on_the_way(address: str, where: str, answer: Answer) -> CheckResult | None:
    """What kept the challenge from the view; None if it is the view that has answered."""
    if answer.error is not None:
        text, advice = hosts.explained(answer.error, address, "--url")
        return wrong(f"{where}: {text}", f"{advice} Smartcar, which is elsewhere, may fare better.")
    if 300 <= answer.status < 400:
        return _redirected(address, where, answer.location)
    if answer.is_views and answer.status in (200, 400, 401, 403, 429):
        return None
    if answer.is_views and answer.status == 503:
        return wrong(
            f"{where} cannot store what comes (503)",
            "The running site's database or SMARTCAR_ENCRYPTION_KEYS are at fault: its log says which.",
        )
    advice = _PAGES.get(answer.status) or _PAGES[500 if answer.status >= 500 else 200]
    return wrong(f"{where} answers {answer.status}, and not as django_smartcar does", advice)


#: What a page in the place of the view's answer comes from, by its status.
_PAGES = {
    200: "A page is served there: a catch-all of a frontend, a login, or the proxy's own. Have your proxy "
    "pass this address on to Django.",
    400: "Django answers 400 to a host that is not in ALLOWED_HOSTS, and a proxy to what it takes for an "
    "attack.",
    401: "Something in front of the site asks for a password: except this address from it.",
    403: "A firewall, or a middleware that looks for CSRF or a login, refuses it: except this address. "
    "django_smartcar's view has no need of either: it looks at the signature.",
    404: "There is no such address there: see that the running site's URLconf includes django_smartcar.urls "
    "at the same place, that it has the same SMARTCAR_WEBHOOK_TOKENS, and that the proxy leaves the path "
    "as it is.",
    405: "Something takes no POST there: have your proxy pass this address on to Django.",
    413: "Something in front takes no body of this size: it is a small one.",
    500: "The site, or the proxy before it, fails: its log says why. Smartcar gives up after three minutes.",
}


def _redirected(address: str, where: str, location: str) -> CheckResult:
    """What to do about a redirect, by where it leads."""
    begin = "Smartcar takes a redirect for a failure. "
    try:
        here, there = urlsplit(address), urlsplit(urljoin(address, location))
    except ValueError:
        return wrong(
            f"{where} redirects to what is no address", f"{begin}See the log of your site and proxy."
        )
    login = urlsplit(resolve_url(settings.LOGIN_URL)).path.rstrip("/")
    if login and there.path.rstrip("/").endswith(login):
        advice = "A middleware asks for a login there: except this address from it."
    elif here.hostname != there.hostname:
        advice = f"Give it the host {there.hostname}, here and in Smartcar's dashboard."
    elif here.scheme != there.scheme:
        advice = f"Give it the address with {there.scheme}://, here and in Smartcar's dashboard."
    elif here.path == there.path:
        advice = (
            "It leads to itself: with SECURE_SSL_REDIRECT behind a proxy that ends TLS, set "
            "SECURE_PROXY_SSL_HEADER, and have the proxy send that header."
        )
    elif here.path.rstrip("/") == there.path.rstrip("/"):
        advice = "The proxy adds or takes a slash at the end: have it leave the path as it is."
    else:
        advice = "Have your site or proxy answer at this address itself."
    return wrong(f"{where} redirects to {shown(there.geturl())}", begin + advice)


def _post(address: str, body: bytes, token: str = "") -> Answer:
    headers = {"Content-Type": "application/json"}
    if token:
        headers["SC-Signature"] = sdk.hash_challenge(token, body)
    try:
        response = hosts.send("POST", address, data=body, headers=headers)
    except NoResponseException as error:
        return Answer(error)
    except SmartcarException as error:
        response = error.response  # it is there: only NoAnswer has none
    except OSError as error:  # as requests raises it where its bundle of certificates is not there
        return Answer(error)
    try:
        told = json.loads(response.content)
    except (ValueError, RecursionError):
        told = None
    return Answer(None, response.status_code, response.headers.get("Location", ""), told)


def shown(address: str) -> str:
    """An address without what may be nobody's business: a query, a password, the name of an endpoint."""
    parts = urlsplit(address)
    path, _, name = parts.path.rstrip("/").rpartition("/")
    place = f"{path}/{name[:4]}…/" if name in conf.SMARTCAR_WEBHOOK_TOKENS else parts.path
    host = parts.netloc.rpartition("@")[2]
    return f"{parts.scheme}://{host}{place}" if host else place
