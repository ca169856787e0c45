"""The SDK dressed in this project's settings; here is known which generation an account speaks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import islice
from typing import Any, TypeAlias

from django.views.decorators.debug import sensitive_variables

from .. import sdk
from ..conf import conf
from ..exceptions import InvalidResponseException, MissingCredentials, NoResponseException, SmartcarException

#: A token exchange waits no longer than this, whatever SMARTCAR_TIMEOUT says: a refresh token whose exchange
#: lost its answer works for a minute more, and there has to be time for a second try.
EXCHANGE_TIMEOUT = 10

#: No driver has more cars than this. A Smartcar that shows more of them is not listened to any longer.
MAX_CONNECTIONS = 1000

V2, V3 = "2.0", "3"

#: A car of either API version: the same methods, with the same shapes.
Car: TypeAlias = sdk.Vehicle | sdk.v3.Vehicle


@dataclass(frozen=True)
class ApiCredentials:
    """Whoever we speak to Smartcar for: their generation, a token that opens their cars, and their id."""

    api_version: str
    access_token: str = field(repr=False)
    user_id: str
    mode: str = "live"
    #: Which of its row's tokens this is (see `tokens.invalidate`).
    token_version: int = 0

    @property
    def uses_v3(self) -> bool:
        return self.api_version == V3


@sensitive_variables()
def car(driver: ApiCredentials, vehicle_id: str, unit_system: str = "metric") -> Car:
    """A car that does not need to be a row yet."""
    if driver.uses_v3:
        return sdk.v3.Vehicle(
            vehicle_id,
            driver.access_token,
            driver.user_id,
            unit_system,
            requester=requester(),
            api_url=_vehicle_url(),
            management_url=f"{conf.SMARTCAR_MANAGEMENT_API_URL}/v3",
        )
    return sdk.Vehicle(
        vehicle_id, driver.access_token, unit_system, requester=requester(), api_url=_api_url()
    )


def auth_url(api_version: str, redirect_uri: str, **options: Any) -> str:
    """Where Connect asks a driver to consent; the options are those of ``sdk.connect.get_auth_url``."""
    return sdk.connect.get_auth_url(
        _connect_id(api_version),
        redirect_uri,
        list(conf.SMARTCAR_SCOPE),
        mode=conf.SMARTCAR_MODE,
        **_connect(api_version),
        **options,
    )


def reauth_url(api_version: str, vehicle_id: str, redirect_uri: str, state: str, external_id: str) -> str:
    """Where Connect leads a driver to a new login at the car's brand."""
    return sdk.connect.get_reauth_url(
        _connect_id(api_version),
        vehicle_id,
        redirect_uri,
        state,
        external_id=external_id,
        **_connect(api_version),
    )


@sensitive_variables()
def auth_client(redirect_uri: str = "") -> sdk.AuthClient:
    """API v2's token endpoint. Only a code needs the redirect URI. Raises MissingCredentials."""
    client_id, client_secret = v2_credentials()
    if not (client_id and client_secret):
        raise MissingCredentials("SMARTCAR_V2_CLIENT_ID", "SMARTCAR_V2_CLIENT_SECRET")
    return sdk.AuthClient(
        client_id, client_secret, redirect_uri, requester=_exchanger(), auth_url=conf.SMARTCAR_AUTH_URL
    )


@sensitive_variables()
def application_auth() -> sdk.ApplicationAuth:
    """API v3's token endpoint."""
    return sdk.ApplicationAuth(
        application_id(),
        conf.SMARTCAR_CLIENT_SECRET,
        requester=_exchanger(),
        token_url=conf.SMARTCAR_IAM_URL,
    )


def application_id() -> str:
    """The id of the credentials that API v3's token is for. Raises MissingCredentials."""
    if conf.SMARTCAR_API_VERSION != V3 or not conf.SMARTCAR_CLIENT_ID:
        raise MissingCredentials("SMARTCAR_CLIENT_ID", "SMARTCAR_CLIENT_SECRET")
    return conf.SMARTCAR_CLIENT_ID


@sensitive_variables()
def v2_credentials() -> tuple[str, str]:
    """The id and the secret for API v2's token endpoint; empty where this site has none."""
    if conf.SMARTCAR_API_VERSION == V3:
        return conf.SMARTCAR_V2_CLIENT_ID, conf.SMARTCAR_V2_CLIENT_SECRET
    return conf.SMARTCAR_CLIENT_ID, conf.SMARTCAR_CLIENT_SECRET


@sensitive_variables()
def user_id(access_token: str) -> str:
    """Smartcar's id of the user who gave this token of API v2: asked of Smartcar, never of a URL."""
    return sdk.get_user_id(access_token, requester=requester(), api_url=_api_url())


@sensitive_variables()
def vehicle_ids(access_token: str) -> list[str]:
    """Every vehicle that this token of API v2 opens."""
    return list(sdk.iter_vehicle_ids(access_token, requester=requester(), api_url=_api_url()))


@sensitive_variables()
def connections(
    access_token: str, mode: str, filters: Mapping[str, str], *, first: int | None = None
) -> list[sdk.v3.Connection]:
    """The connections that API v3 shows for these filters, in this mode; or the ``first`` so many.

    Raises InvalidResponseException if there seems to be no end: then Smartcar does not heed the filters.
    """
    shown = sdk.v3.iter_connections(
        access_token,
        mode="live" if mode == "live" else "simulated",  # API v3 knows no test mode
        requester=requester(),
        api_url=_vehicle_url(),
        user_id=filters.get("user_id"),
        vehicle_id=filters.get("vehicle_id"),
        external_id=filters.get("external_id"),
    )
    if first is not None:
        return list(islice(shown, first))
    found = list(islice(shown, MAX_CONNECTIONS + 1))
    if len(found) > MAX_CONNECTIONS:
        raise InvalidResponseException("Smartcar shows more connections than one driver or car can have")
    return found


@sensitive_variables()
def delete_user(access_token: str, user_id: str) -> None:
    """Make API v3 forget a driver, with all connections."""
    sdk.v3.delete_user(access_token, user_id, requester=requester(), api_url=_vehicle_url())


@sensitive_variables()
def delete_v2_connections(user_id: str) -> None:
    """End all connections of a driver, as API v2's management does."""
    sdk.delete_connections(
        conf.SMARTCAR_MANAGEMENT_TOKENS[0],
        user_id=user_id,
        requester=requester(),
        api_url=_management_url(),
    )


@sensitive_variables()
def v2_connections(vehicle_id: str) -> list[sdk.Connection] | None:
    """Who has connected this car, as API v2's management says; None without a management token."""
    if not conf.SMARTCAR_MANAGEMENT_TOKENS:
        return None
    token = conf.SMARTCAR_MANAGEMENT_TOKENS[0]
    shown = sdk.iter_connections(
        token, vehicle_id=vehicle_id, requester=requester(), api_url=_management_url()
    )
    return list(shown)


@sensitive_variables()
def ask_management(token: str) -> None:
    """Have API v2's management show one connection, for whether it takes this token."""
    sdk.get_connections(token, limit=1, requester=requester(), api_url=_management_url())


@sensitive_variables()
def webhooks(access_token: str) -> list[sdk.v3.Webhook]:
    """The webhooks that API v3's management shows of this application."""
    host = f"{conf.SMARTCAR_MANAGEMENT_API_URL}/v3"
    return list(sdk.v3.iter_webhooks(access_token, requester=requester(), api_url=host))


def may_have_been_executed(error: Exception) -> bool:
    """Whether Smartcar may have done what it was asked to do, although it did not say so.

    A 5xx comes from anywhere on the way to the car; only 501 says that nothing was tried.
    """
    if isinstance(error, NoResponseException):
        return error.request_sent
    if isinstance(error, SmartcarException) and not isinstance(error, InvalidResponseException):
        status = error.status_code or 0
        return not 400 <= status < 500 and status != 501
    return True


def requester() -> sdk.Requester:
    """The process's pooled session for everything but the token endpoints, which have one of their own."""
    return _requester(conf.SMARTCAR_TIMEOUT, conf.SMARTCAR_COMMAND_TIMEOUT)


def _exchanger() -> sdk.Requester:
    return _requester(min(conf.SMARTCAR_TIMEOUT, EXCHANGE_TIMEOUT), conf.SMARTCAR_COMMAND_TIMEOUT)


@lru_cache(maxsize=2)
def _requester(timeout: float, command_timeout: float) -> sdk.Requester:
    return sdk.Requester(timeout=timeout, command_timeout=command_timeout)


def _connect(api_version: str) -> dict[str, Any]:
    id_name = "application_id" if api_version == V3 else "client_id"
    return {"id_name": id_name, "connect_url": conf.SMARTCAR_CONNECT_URL}


def _connect_id(api_version: str) -> str:
    return conf.SMARTCAR_APPLICATION_ID if api_version == V3 else v2_credentials()[0]


def _api_url() -> str:
    return f"{conf.SMARTCAR_API_URL}/v2.0"


def _management_url() -> str:
    return f"{conf.SMARTCAR_MANAGEMENT_URL}/v2.0/management"


def _vehicle_url() -> str:
    return f"{conf.SMARTCAR_VEHICLE_API_URL}/v3"
