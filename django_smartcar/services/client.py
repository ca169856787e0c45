"""Build SDK objects from the settings, and choose the API version that an account uses."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import islice
from typing import Any, TypeAlias

from .. import sdk
from ..conf import conf
from ..exceptions import InvalidResponseException, MissingCredentials, NoResponseException, SmartcarException
from ..secret_types import Secret

#: Timeout of a token exchange in seconds, whatever SMARTCAR_TIMEOUT says. A refresh token works for one more
#: minute after an exchange whose response was lost, which must leave time for a second attempt.
EXCHANGE_TIMEOUT = 10

#: Seconds for connecting. Every request ends after this and its read timeout, however slow the response is.
CONNECT_TIMEOUT = 5

#: Seconds after which a token exchange has ended, its second attempt included: nothing is sent later.
MAX_EXCHANGE_SECONDS = 2 * (CONNECT_TIMEOUT + EXCHANGE_TIMEOUT)

#: Upper bound per user. More means that Smartcar ignored the filter, so the response is rejected.
MAX_CONNECTIONS = 1000

V2, V3 = "2.0", "3"

#: A vehicle of either API version: both have the same methods, and return the same types.
Car: TypeAlias = sdk.Vehicle | sdk.v3.Vehicle


@dataclass(frozen=True)
class ApiCredentials:
    """What a request to Smartcar needs: the API version, an access token and Smartcar's user id."""

    api_version: str
    access_token: Secret = field(repr=False)
    user_id: str
    mode: str = "live"
    #: The version that the token's row had (see `tokens.invalidate`).
    token_version: int = 0

    @property
    def uses_v3(self) -> bool:
        return self.api_version == V3


def car(credentials: ApiCredentials, vehicle_id: str, unit_system: str = "metric") -> Car:
    """Return the SDK's vehicle for a Smartcar id. The vehicle need not be in the database."""
    if credentials.uses_v3:
        return sdk.v3.Vehicle(
            vehicle_id,
            credentials.access_token,
            credentials.user_id,
            unit_system,
            requester=requester(),
            api_url=_vehicle_url(),
            management_url=f"{conf.SMARTCAR_MANAGEMENT_API_URL}/v3",
        )
    return sdk.Vehicle(
        vehicle_id, credentials.access_token, unit_system, requester=requester(), api_url=_api_url()
    )


def auth_url(api_version: str, redirect_uri: str, **options: Any) -> str:
    """Return Connect's URL for a driver's consent; the options are those of ``sdk.connect.get_auth_url``."""
    return sdk.connect.get_auth_url(
        _connect_id(api_version),
        redirect_uri,
        list(conf.SMARTCAR_SCOPE),
        mode=conf.SMARTCAR_MODE,
        **_connect(api_version),
        **options,
    )


def reauth_url(api_version: str, vehicle_id: str, redirect_uri: str, state: str, external_id: str) -> str:
    """Return Connect's URL for a new login at the vehicle's brand."""
    return sdk.connect.get_reauth_url(
        _connect_id(api_version),
        vehicle_id,
        redirect_uri,
        state,
        external_id=external_id,
        **_connect(api_version),
    )


def auth_client(redirect_uri: str = "") -> sdk.AuthClient:
    """Return the client of API v2's token endpoint. Only a code needs ``redirect_uri``.

    Raises MissingCredentials.
    """
    client_id, client_secret = v2_credentials()
    if not (client_id and client_secret):
        raise MissingCredentials("SMARTCAR_V2_CLIENT_ID", "SMARTCAR_V2_CLIENT_SECRET")
    return sdk.AuthClient(
        client_id, client_secret, redirect_uri, requester=_token_requester(), auth_url=conf.SMARTCAR_AUTH_URL
    )


def application_auth() -> sdk.ApplicationAuth:
    """Return the client of API v3's token endpoint. Raises MissingCredentials."""
    return sdk.ApplicationAuth(
        application_id(),
        Secret(conf.SMARTCAR_CLIENT_SECRET),
        requester=_token_requester(),
        token_url=conf.SMARTCAR_IAM_URL,
    )


def application_id() -> str:
    """Return the client id of API v3's token. Raises MissingCredentials."""
    if conf.SMARTCAR_API_VERSION != V3 or not conf.SMARTCAR_CLIENT_ID:
        raise MissingCredentials("SMARTCAR_CLIENT_ID", "SMARTCAR_CLIENT_SECRET")
    return conf.SMARTCAR_CLIENT_ID


def v2_credentials() -> tuple[str, Secret]:
    """Return the client id and secret for API v2's token endpoint; both empty if not configured."""
    if conf.SMARTCAR_API_VERSION == V3:
        return conf.SMARTCAR_V2_CLIENT_ID, Secret(conf.SMARTCAR_V2_CLIENT_SECRET)
    return conf.SMARTCAR_CLIENT_ID, Secret(conf.SMARTCAR_CLIENT_SECRET)


def user_id(access_token: str) -> str:
    """Return Smartcar's id of the user of an API v2 token, from Smartcar itself and never from a URL."""
    access_token = Secret(access_token)
    return sdk.get_user_id(access_token, requester=requester(), api_url=_api_url())


def vehicle_ids(access_token: Secret) -> list[str]:
    """Return the ids of all vehicles that an API v2 token gives access to."""
    return list(sdk.iter_vehicle_ids(access_token, requester=requester(), api_url=_api_url()))


def connections(
    access_token: Secret, mode: str, filters: Mapping[str, str], *, first: int | None = None
) -> list[sdk.v3.Connection]:
    """Return the connections of API v3 that match ``filters``, or only the ``first`` of them.

    Raises InvalidResponseException if there are more than MAX_CONNECTIONS: Smartcar ignored the filters.
    """
    matching = sdk.v3.iter_connections(
        access_token,
        mode="live" if mode == "live" else "simulated",  # API v3 has no test mode
        requester=requester(),
        api_url=_vehicle_url(),
        user_id=filters.get("user_id"),
        vehicle_id=filters.get("vehicle_id"),
        external_id=filters.get("external_id"),
    )
    if first is not None:
        return list(islice(matching, first))
    connections = list(islice(matching, MAX_CONNECTIONS + 1))
    if len(connections) > MAX_CONNECTIONS:
        raise InvalidResponseException(
            "Smartcar returned more connections than one driver or vehicle can have"
        )
    return connections


def delete_user(access_token: Secret, user_id: str) -> None:
    """Delete a user and all of their connections through API v3."""
    sdk.v3.delete_user(access_token, user_id, requester=requester(), api_url=_vehicle_url())


def delete_v2_connections(user_id: str) -> None:
    """Delete all connections of a user through the management API of v2."""
    sdk.delete_connections(
        Secret(conf.SMARTCAR_MANAGEMENT_TOKENS[0]),
        user_id=user_id,
        requester=requester(),
        api_url=_management_url(),
    )


def v2_connections(vehicle_id: str) -> list[sdk.Connection] | None:
    """Return a vehicle's connections from the management API of v2; None without a management token."""
    if not conf.SMARTCAR_MANAGEMENT_TOKENS:
        return None
    token = Secret(conf.SMARTCAR_MANAGEMENT_TOKENS[0])
    return list(
        sdk.iter_connections(token, vehicle_id=vehicle_id, requester=requester(), api_url=_management_url())
    )


def check_management_token(token: str) -> None:
    """Request one connection with this management token. Raises AuthenticationException if it is wrong."""
    token = Secret(token)
    sdk.get_connections(token, limit=1, requester=requester(), api_url=_management_url())


def webhooks(access_token: Secret) -> list[sdk.v3.Webhook]:
    """Return the application's webhooks from the management API of v3."""
    host = f"{conf.SMARTCAR_MANAGEMENT_API_URL}/v3"
    return list(sdk.v3.iter_webhooks(access_token, requester=requester(), api_url=host))


def compatible_vehicles(region: str, make: str) -> list[sdk.v3.CompatibleVehicle]:
    """Return the models of a make that Smartcar supports in a region. The list is public."""
    host = f"{conf.SMARTCAR_COMPATIBILITY_API_URL}/v3"
    return list(sdk.v3.iter_compatible_vehicles(region, make=make, requester=requester(), api_url=host))


def may_have_been_executed(error: Exception) -> bool:
    """Return whether a request that failed may have been executed all the same.

    A 5xx comes from anywhere on the way to the vehicle; only a 501 means that nothing was attempted.
    """
    if isinstance(error, NoResponseException):
        return error.request_sent
    if isinstance(error, SmartcarException) and not isinstance(error, InvalidResponseException):
        status = error.status_code or 0
        return not 400 <= status < 500 and status != 501
    return True


def requester() -> sdk.Requester:
    """Return the requester of this process; the token endpoints have another one, with a shorter timeout."""
    return _requester(conf.SMARTCAR_TIMEOUT, conf.SMARTCAR_COMMAND_TIMEOUT)


def _token_requester() -> sdk.Requester:
    return _requester(min(conf.SMARTCAR_TIMEOUT, EXCHANGE_TIMEOUT), conf.SMARTCAR_COMMAND_TIMEOUT)


@lru_cache(maxsize=2)
def _requester(timeout: float, command_timeout: float) -> sdk.Requester:
    return sdk.Requester(timeout=timeout, command_timeout=command_timeout, connect_timeout=CONNECT_TIMEOUT)


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
