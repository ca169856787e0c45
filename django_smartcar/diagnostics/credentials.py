"""Whether Smartcar takes the credentials of this site: each is used once, in a way that changes nothing."""

from __future__ import annotations

import secrets
from collections.abc import Iterator

from django.views.decorators.debug import sensitive_variables

from ..conf import conf
from ..exceptions import (
    AuthenticationException,
    MissingCredentials,
    NoResponseException,
    PermissionException,
    RefreshInProgress,
    SmartcarException,
    error_code,
)
from ..models import SmartcarAccount
from ..services import client, tokens
from .hosts import explained, origin_of
from .local import keys_are_good
from .results import CheckResult, Context, not_checked, ok, warning, wrong

#: What an answer that says neither yes nor no may come from.
STRANGE = (
    "What answers at {name} ({address}) does not speak like Smartcar. If that address is right, a proxy may "
    "answer in its place, or Smartcar has trouble: see status.smartcar.com."
)


def api_3(context: Context) -> Iterator[CheckResult]:
    """Renew the application's token, as a worker would, and ask for one connection with it.

    The new token is kept for all workers: nobody is left with an earlier one, should that end by this.
    """
    if (lacking := what_api_3_lacks(context)) is not None:
        yield lacking
    else:
        yield from _renewed(context)


def what_api_3_lacks(context: Context) -> CheckResult | None:
    """Why the application's token cannot even be asked for; None if it can."""
    if conf.SMARTCAR_API_VERSION != client.V3:
        return not_checked('SMARTCAR_API_VERSION is not "3"')
    if not (conf.SMARTCAR_CLIENT_ID and conf.SMARTCAR_CLIENT_SECRET):
        return not_checked("SMARTCAR_CLIENT_ID or SMARTCAR_CLIENT_SECRET is not set: see settings")
    if "SMARTCAR_IAM_URL" in context.silent:
        return not_checked("SMARTCAR_IAM_URL does not answer: see host")
    if not keys_are_good():
        return not_checked("what Smartcar would give could not be stored: see encryption")
    return None


def api_2(context: Context) -> Iterator[CheckResult]:
    """Exchange a refresh token that Smartcar has never given: it is refused, but not as a wrong secret is."""
    name = "SMARTCAR_V2_CLIENT_SECRET" if conf.SMARTCAR_API_VERSION == client.V3 else "SMARTCAR_CLIENT_SECRET"
    try:
        auth = client.auth_client()
    except MissingCredentials as error:
        needing = SmartcarAccount.objects.of_api_version(client.V2).count()
        if needing:
            yield wrong(
                f"its id and secret are not set, and accounts need them: {needing}",
                f"Set {' and '.join(error.names)}, or move them: manage.py migrate_smartcar_accounts.",
            )
        else:
            yield not_checked("its id and secret are not set, and no account needs them")
        return
    if "SMARTCAR_AUTH_URL" in context.silent:
        yield not_checked("SMARTCAR_AUTH_URL does not answer: see host")
        return
    try:
        auth.exchange_refresh_token(f"check_smartcar-{secrets.token_urlsafe(16)}")
    except SmartcarException as error:
        if _is_refused(error):
            yield _pair_refused(error, f"{name[:-6]}ID", name, "Configuration → Application details")
        elif error.code == "invalid_grant" or error.message.startswith("Invalid refresh_token"):
            yield ok("Smartcar knows its id and secret")
        else:
            yield _not_understood(error, "SMARTCAR_AUTH_URL")
    else:
        yield wrong(
            "Smartcar gave tokens for a refresh token that was made up",
            STRANGE.format(name="SMARTCAR_AUTH_URL", address=origin_of(conf.SMARTCAR_AUTH_URL)),
        )


def management(context: Context) -> Iterator[CheckResult]:
    """Ask for one connection with each of the Application Management Tokens."""
    given = [token for token in conf.SMARTCAR_MANAGEMENT_TOKENS if isinstance(token, str) and token]
    if not given or isinstance(conf.SMARTCAR_MANAGEMENT_TOKENS, str):
        yield not_checked(
            "SMARTCAR_MANAGEMENT_TOKENS is empty: no webhook can be verified",
            "Where webhooks are wanted, copy the Application Management Token from Smartcar's dashboard.",
        )
    elif "SMARTCAR_MANAGEMENT_URL" in context.silent:
        yield not_checked("SMARTCAR_MANAGEMENT_URL does not answer: see host")
    else:
        for position, token in enumerate(given, start=1):
            yield _management_token(token, position, len(given))


def _renewed(context: Context) -> Iterator[CheckResult]:
    try:
        tokens.refresh(tokens.application())
    except RefreshInProgress:
        yield not_checked("another process is renewing the application's token: try again in a minute")
        return
    except SmartcarException as error:
        if _is_refused(error):
            yield _pair_refused(error, "SMARTCAR_CLIENT_ID", "SMARTCAR_CLIENT_SECRET", "API Credentials")
        else:
            yield _not_understood(error, "SMARTCAR_IAM_URL")
        return
    yield ok("Smartcar gives a token for its id and secret")
    if "SMARTCAR_VEHICLE_API_URL" in context.silent:
        yield not_checked("SMARTCAR_VEHICLE_API_URL does not answer: see host")
        return
    try:
        tokens.as_application(lambda token: client.connections(token, conf.SMARTCAR_MODE, {}, first=1))
    except (AuthenticationException, PermissionException) as error:
        yield wrong(
            f"the vehicle API refuses the token that was just given ({error_code(error)})",
            "See that SMARTCAR_IAM_URL and SMARTCAR_VEHICLE_API_URL belong to the same Smartcar, and that "
            "API v3 is switched on for your application in the dashboard.",
        )
    except SmartcarException as error:
        yield _not_understood(error, "SMARTCAR_VEHICLE_API_URL")
    else:
        yield ok("the token opens the vehicle API")


@sensitive_variables()
def _management_token(token: str, position: int, number: int) -> CheckResult:
    which = f"token {position} of {number}"
    try:
        client.ask_management(token)
    except (AuthenticationException, PermissionException) as error:
        # Only the first is sent. A later one may be of yesterday, and stay for webhooks signed with it.
        say = wrong if position == 1 else warning
        return say(
            f"Smartcar refuses {which} ({error.status_code})",
            "Compare it with the Application Management Token of this application in Smartcar's dashboard: "
            "it is neither an id nor a client secret. Webhooks that Smartcar signs with the right one are "
            "refused.",
        )
    except SmartcarException as error:
        found = _not_understood(error, "SMARTCAR_MANAGEMENT_URL")
        # What answers there is API v2; without it, the tokens are for webhooks alone.
        return found if all(client.v2_credentials()) else not_checked(found.text, found.advice)
    return ok(f"Smartcar takes {which}")


def _is_refused(error: SmartcarException) -> bool:
    return error.status_code in (401, 403) or error.code in ("invalid_client", "unauthorized_client")


def _pair_refused(error: SmartcarException, client_id: str, secret: str, box: str) -> CheckResult:
    return wrong(
        f"Smartcar refuses {client_id} and {secret} ({error_code(error)})",
        f"Compare {client_id} with {box} in Smartcar's dashboard. A secret is shown there once: if in "
        f"doubt, make a new one, put it into {secret}, and restart every process. Look for spaces around "
        "either.",
    )


def _not_understood(error: SmartcarException, name: str) -> CheckResult:
    address = str(getattr(conf, name))
    if isinstance(error, NoResponseException):
        text, advice = explained(error, address, name)
        return wrong(f"{name}: {text}", advice)
    if error.status_code == 429:
        return not_checked("Smartcar has been asked too often: try again in a minute")
    said = f"{error.status_code or ''} {error_code(error)}".strip()
    return wrong(f"{name} answers {said}", STRANGE.format(name=name, address=origin_of(address)))
