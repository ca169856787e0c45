"""Whether Smartcar has a webhook for this site: its dashboard makes them, and API v3 tells of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from urllib.parse import urlsplit

from django.urls import NoReverseMatch

from .. import sdk
from ..exceptions import SmartcarAppError, SmartcarException, error_code
from ..services import client, tokens
from ..services.webhooks import subscriptions
from . import webhook_probe
from .credentials import what_api_3_lacks
from .results import CheckResult, Context, not_checked, ok, warning, wrong


def dashboard(context: Context) -> Iterator[CheckResult]:
    """Ask for the application's webhooks, and look for this site's address and the setting's ids in them."""
    if (lacking := what_api_3_lacks(context)) is not None:
        yield lacking
    elif "SMARTCAR_MANAGEMENT_API_URL" in context.silent:
        yield not_checked("SMARTCAR_MANAGEMENT_API_URL does not answer: see host")
    else:
        try:
            given = tokens.as_application(client.webhooks)
        except (SmartcarException, SmartcarAppError) as error:
            yield not_checked(f"Smartcar does not show the webhooks ({error_code(error)}): see API v3")
            return
        yield from _unknown(given)
        yield from _at_this_site(given, context.site)


def _unknown(given: Sequence[sdk.v3.Webhook]) -> Iterator[CheckResult]:
    """Ids of the setting that no webhook has: no car can be subscribed to them."""
    if unknown := sorted(subscriptions.wanted_webhooks() - {one["id"] for one in given}):
        # Not the whole of each: it may be a token that stands there.
        starts = ", ".join(f"{one[:6]}…" for one in unknown)
        yield wrong(
            f"SMARTCAR_WEBHOOKS names what is no webhook of this application: {starts}",
            "Copy the ids from Smartcar's dashboard, of the application that SMARTCAR_CLIENT_ID belongs to.",
        )


def _at_this_site(given: Sequence[sdk.v3.Webhook], site: str) -> Iterator[CheckResult]:
    try:
        addresses = {_plain(address): address for address, _ in webhook_probe.addresses(site)} if site else {}
    except NoReverseMatch:
        addresses = {}
    if not addresses:
        yield not_checked("this site's address, or a token for webhooks, is not known: see webhook")
        return
    here = [one for one in given if _plain(one["callback_uri"] or "") in addresses]
    if not here:
        first = next(iter(addresses.values()))
        yield warning(
            f"no webhook of this application is for this site; webhooks there: {len(given)}",
            "Where the site is to be told what cars say, make one in Smartcar's dashboard, with the callback "
            f"URI {webhook_probe.shown(first)}, and verify it there.",
        )
    for one in here:
        yield _subscribing(one)


def _subscribing(one: sdk.v3.Webhook) -> CheckResult:
    """Whether this webhook, which is for this site, will bring anything."""
    which = f"webhook {one['id']}"
    if one["is_enabled"] is False:
        return wrong(
            f"{which} is switched off, so Smartcar sends nothing",
            "Switch it on in Smartcar's dashboard, once what webhook says below is mended.",
        )
    if one["auto_subscribe"] is False and one["id"] not in subscriptions.wanted_webhooks():
        return warning(
            f"{which} is for this site, and no car is subscribed to it as it connects",
            "Name its id in SMARTCAR_WEBHOOKS and run manage.py subscribe_smartcar_vehicles, or have the "
            "dashboard subscribe each new car.",
        )
    return ok(f"{which} is for this site, and switched on")


def _plain(address: str) -> tuple[str, str, str]:
    """What makes an address the same: neither capitals of its host nor a slash at the end do."""
    try:
        parts = urlsplit(address)
    except ValueError:
        return "", "", ""
    return parts.scheme.lower(), parts.netloc.lower(), parts.path.rstrip("/")
