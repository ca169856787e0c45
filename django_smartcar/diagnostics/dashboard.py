"""Check of the webhooks in Smartcar's dashboard, which API v3 lists."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from urllib.parse import urlsplit

from django.urls import NoReverseMatch

from .. import sdk, services
from ..exceptions import SmartcarAppError, SmartcarException, error_code
from ..services import client
from ..services.webhooks import subscriptions
from . import webhook_probe
from .credentials import v3_obstacle
from .results import CheckResult, Context, not_checked, ok, warning, wrong


def dashboard(context: Context) -> Iterator[CheckResult]:
    """Compare the application's webhooks with this site's URLs and with SMARTCAR_WEBHOOKS."""
    if (obstacle := v3_obstacle(context)) is not None:
        yield obstacle
    elif "SMARTCAR_MANAGEMENT_API_URL" in context.unreachable:
        yield not_checked("SMARTCAR_MANAGEMENT_API_URL does not respond: see network")
    else:
        try:
            webhooks = services.in_background(client.webhooks)
        except (SmartcarException, SmartcarAppError) as error:
            yield not_checked(f"Smartcar does not list the webhooks ({error_code(error)}): see API v3")
            return
        yield from _unknown_ids(webhooks)
        yield from _for_this_site(webhooks, context.site)


def _unknown_ids(webhooks: Sequence[sdk.v3.Webhook]) -> Iterator[CheckResult]:
    """Report ids of the setting that no webhook has: no vehicle can be subscribed to them."""
    if unknown := sorted(subscriptions.wanted_webhooks() - {webhook["id"] for webhook in webhooks}):
        # Only the beginning of each: the setting may contain a token by mistake.
        prefixes = ", ".join(f"{webhook_id[:6]}…" for webhook_id in unknown)
        yield wrong(
            f"SMARTCAR_WEBHOOKS has ids that are no webhook of this application: {prefixes}",
            "Copy the ids from Smartcar's dashboard, of the application that SMARTCAR_CLIENT_ID belongs to.",
        )


def _for_this_site(webhooks: Sequence[sdk.v3.Webhook], site: str) -> Iterator[CheckResult]:
    try:
        urls = {_normalized(url): url for url, _ in webhook_probe.endpoints(site)} if site else {}
    except NoReverseMatch:
        urls = {}
    if not urls:
        yield not_checked("this site's URL, or a token for webhooks, is not known: see webhook")
        return
    matching = [webhook for webhook in webhooks if _normalized(webhook["callback_uri"] or "") in urls]
    if not matching:
        url = next(iter(urls.values()))
        yield warning(
            f"no webhook of this application is for this site; webhooks found: {len(webhooks)}",
            "To receive webhooks, create one in Smartcar's dashboard, with the callback "
            f"URI {webhook_probe.redact_url(url)}, and verify it there.",
        )
    for webhook in matching:
        yield _webhook(webhook)


def _webhook(webhook: sdk.v3.Webhook) -> CheckResult:
    """Check whether a webhook for this site sends anything."""
    name = f"webhook {webhook['id']}"
    if webhook["is_enabled"] is False:
        return wrong(
            f"{name} is disabled, so Smartcar sends nothing",
            "Enable it in Smartcar's dashboard, after the check webhook, below, succeeds.",
        )
    if webhook["auto_subscribe"] is False and webhook["id"] not in subscriptions.wanted_webhooks():
        return warning(
            f"{name} is for this site, but new vehicles are not subscribed to it",
            "Add its id to SMARTCAR_WEBHOOKS and run manage.py subscribe_smartcar_vehicles, or turn on "
            "automatic subscription in the dashboard.",
        )
    return ok(f"{name} is for this site, and enabled; the dashboard shows whether it is verified")


def _normalized(url: str) -> tuple[str, str, str]:
    """Return what identifies a URL: the host's case and a trailing slash do not matter."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return "", "", ""
    return parts.scheme.lower(), parts.netloc.lower(), parts.path.rstrip("/")
