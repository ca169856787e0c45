"""Checks of the credentials: each is used once, in a way that changes nothing at Smartcar."""

from __future__ import annotations

import secrets
from collections.abc import Iterator

from .. import services
from ..conf import conf
from ..databases import primary
from ..exceptions import (
    AuthenticationException,
    MissingCredentials,
    NoResponseException,
    PermissionException,
    RateLimited,
    RefreshInProgress,
    SmartcarException,
    error_code,
)
from ..models import SmartcarAccount
from ..secret_types import Secret
from ..services import client, tokens
from .hosts import explain, origin_of
from .local import keys_are_valid
from .results import CheckResult, Context, not_checked, ok, warning, wrong

#: The hint for a response that neither accepts nor rejects the credentials.
UNEXPECTED_RESPONSE = (
    "The server at {name} ({address}) does not respond like Smartcar. If that address is right, a proxy may "
    "respond in its place, or Smartcar has an outage: see status.smartcar.com."
)


def api_3(context: Context) -> Iterator[CheckResult]:
    """Refresh the application token, as a worker does, and request one connection with it.

    The new token is stored for all workers, in case Smartcar revokes the earlier one.
    """
    if (obstacle := v3_obstacle(context)) is not None:
        yield obstacle
    else:
        yield from _refreshed(context)


def v3_obstacle(context: Context) -> CheckResult | None:
    """Return why the application token cannot be requested at all; None if it can."""
    if conf.SMARTCAR_API_VERSION != client.V3:
        return not_checked('SMARTCAR_API_VERSION is not "3"')
    if not (conf.SMARTCAR_CLIENT_ID and conf.SMARTCAR_CLIENT_SECRET):
        return not_checked("SMARTCAR_CLIENT_ID or SMARTCAR_CLIENT_SECRET is not set: see settings")
    if "SMARTCAR_IAM_URL" in context.unreachable:
        return not_checked("SMARTCAR_IAM_URL does not respond: see network")
    if not keys_are_valid():
        return not_checked("a new token could not be stored: see encryption")
    return None


def api_2(context: Context) -> Iterator[CheckResult]:
    """Exchange an invalid refresh token: the error shows whether Smartcar accepts the client secret."""
    name = "SMARTCAR_V2_CLIENT_SECRET" if conf.SMARTCAR_API_VERSION == client.V3 else "SMARTCAR_CLIENT_SECRET"
    try:
        auth = client.auth_client()
    except MissingCredentials as error:
        count = primary(SmartcarAccount).of_api_version(client.V2).count()
        if count:
            yield wrong(
                f"the client id and secret are not set, and accounts need them: {count}",
                f"Set {' and '.join(error.names)}, or move them: manage.py migrate_smartcar_accounts.",
            )
        else:
            yield not_checked("the client id and secret are not set, and no account needs them")
        return
    if "SMARTCAR_AUTH_URL" in context.unreachable:
        yield not_checked("SMARTCAR_AUTH_URL does not respond: see network")
        return
    try:
        auth.exchange_refresh_token(Secret("check_smartcar-" + secrets.token_urlsafe(16)))
    except SmartcarException as error:
        if _is_rejected(error):
            yield _rejected_pair(error, f"{name[:-6]}ID", name, "Configuration → Application details")
        elif error.code == "invalid_grant" or error.message.startswith("Invalid refresh_token"):
            yield ok("Smartcar accepts the client id and secret")
        else:
            yield _unexpected(error, "SMARTCAR_AUTH_URL")
    else:
        yield wrong(
            "Smartcar issued tokens for an invalid refresh token",
            UNEXPECTED_RESPONSE.format(name="SMARTCAR_AUTH_URL", address=origin_of(conf.SMARTCAR_AUTH_URL)),
        )


def management(context: Context) -> Iterator[CheckResult]:
    """Request one connection with each of the Application Management Tokens."""
    management_tokens = [
        token for token in conf.SMARTCAR_MANAGEMENT_TOKENS if isinstance(token, str) and token
    ]
    if not management_tokens or isinstance(conf.SMARTCAR_MANAGEMENT_TOKENS, str):
        yield not_checked(
            "SMARTCAR_MANAGEMENT_TOKENS is empty: no webhook can be verified",
            "To receive webhooks, copy the Application Management Token from Smartcar's dashboard.",
        )
    elif "SMARTCAR_MANAGEMENT_URL" in context.unreachable:
        yield not_checked("SMARTCAR_MANAGEMENT_URL does not respond: see network")
    else:
        for position, token in enumerate(management_tokens, start=1):
            yield _management_token(token, position, len(management_tokens))


def _refreshed(context: Context) -> Iterator[CheckResult]:
    try:
        tokens.refresh(tokens.application())
    except RefreshInProgress:
        yield not_checked("another process is refreshing the application token: try again in a minute")
        return
    except SmartcarException as error:
        if _is_rejected(error):
            yield _rejected_pair(error, "SMARTCAR_CLIENT_ID", "SMARTCAR_CLIENT_SECRET", "API Credentials")
        else:
            yield _unexpected(error, "SMARTCAR_IAM_URL")
        return
    yield ok("Smartcar issues a token for the client id and secret")
    if "SMARTCAR_VEHICLE_API_URL" in context.unreachable:
        yield not_checked("SMARTCAR_VEHICLE_API_URL does not respond: see network")
        return
    try:
        services.in_background(lambda token: client.connections(token, conf.SMARTCAR_MODE, {}, first=1))
    except (AuthenticationException, PermissionException) as error:
        yield wrong(
            f"the vehicle API rejects the new token ({error_code(error)})",
            "Check that SMARTCAR_IAM_URL and SMARTCAR_VEHICLE_API_URL belong to the same Smartcar, and that "
            "API v3 is enabled for your application in the dashboard.",
        )
    except SmartcarException as error:
        yield _unexpected(error, "SMARTCAR_VEHICLE_API_URL")
    else:
        yield ok("the vehicle API accepts the token")


def _management_token(token: str, position: int, number: int) -> CheckResult:
    name = f"token {position} of {number}"
    try:
        client.check_management_token(token)
    except (AuthenticationException, PermissionException) as error:
        # Requests use only the first. A later one may be outdated, and kept for webhooks signed with it.
        result = wrong if position == 1 else warning
        return result(
            f"Smartcar rejects {name} ({error.status_code})",
            "Compare it with the Application Management Token of this application in Smartcar's dashboard: "
            "it is neither an id nor a client secret. Webhooks that Smartcar signs with another token are "
            "rejected.",
        )
    except SmartcarException as error:
        unexpected = _unexpected(error, "SMARTCAR_MANAGEMENT_URL")
        # This endpoint belongs to API v2. A site without API v2 uses the tokens only to verify webhooks.
        has_v2 = all(client.v2_credentials())
        return unexpected if has_v2 else not_checked(unexpected.text, unexpected.hint)
    return ok(f"Smartcar accepts {name}")


def _is_rejected(error: SmartcarException) -> bool:
    return error.status_code in (401, 403) or error.code in ("invalid_client", "unauthorized_client")


def _rejected_pair(error: SmartcarException, client_id: str, secret: str, section: str) -> CheckResult:
    return wrong(
        f"Smartcar rejects {client_id} and {secret} ({error_code(error)})",
        f"Compare {client_id} with {section} in Smartcar's dashboard. The dashboard shows a secret only "
        f"once: if in doubt, create a new one, set {secret} to it, and restart every process.",
    )


def _unexpected(error: SmartcarException, name: str) -> CheckResult:
    address = str(getattr(conf, name))
    if isinstance(error, NoResponseException):
        text, hint = explain(error, address, name)
        return wrong(f"{name}: {text}", hint)
    if isinstance(error, RateLimited) or error.status_code == 429:
        return not_checked("Smartcar's rate limit is reached: try again in a minute")
    response = f"{error.status_code or ''} {error_code(error)}".strip()
    return wrong(
        f"{name} responds with {response}",
        UNEXPECTED_RESPONSE.format(name=name, address=origin_of(address)),
    )
