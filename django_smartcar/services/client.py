"""The SDK dressed in this project's settings."""

from __future__ import annotations

from functools import lru_cache

from django.views.decorators.debug import sensitive_variables

from .. import sdk
from ..conf import conf
from ..exceptions import InvalidAnswerException, NoAnswerException, SmartcarException
from ..models import ConnectedVehicle

#: A token exchange waits no longer than this, whatever SMARTCAR_TIMEOUT says: a refresh token whose exchange
#: lost its answer works for a minute more, and there has to be time for a second try.
EXCHANGE_TIMEOUT = 20


@sensitive_variables()
def auth_client(redirect_uri: str = "") -> sdk.AuthClient:
    """The client of the token endpoint and of Connect. Only Connect and a code need the redirect URI."""
    return sdk.AuthClient(
        conf.SMARTCAR_CLIENT_ID,
        conf.SMARTCAR_CLIENT_SECRET,
        redirect_uri,
        list(conf.SMARTCAR_SCOPE),
        mode=conf.SMARTCAR_MODE,
        requester=_requester(min(conf.SMARTCAR_TIMEOUT, EXCHANGE_TIMEOUT), conf.SMARTCAR_COMMAND_TIMEOUT),
        connect_url=conf.SMARTCAR_CONNECT_URL,
        auth_url=conf.SMARTCAR_AUTH_URL,
        api_url=_api_url(),
    )


@sensitive_variables()
def car(vehicle_id: str, access_token: str, unit_system: str = "metric") -> sdk.Vehicle:
    """A car that does not need to be a row yet."""
    return sdk.Vehicle(vehicle_id, access_token, unit_system, requester=requester(), api_url=_api_url())


def car_of(vehicle: ConnectedVehicle, access_token: str) -> sdk.Vehicle:
    return car(vehicle.smartcar_vehicle_id, access_token, vehicle.unit_system)


@sensitive_variables()
def user_id(access_token: str) -> str:
    """Smartcar's id of the user who gave this token: asked of Smartcar, never believed from a URL."""
    return sdk.get_user_id(access_token, requester=requester(), api_url=_api_url())


@sensitive_variables()
def vehicle_ids(access_token: str) -> list[str]:
    """Every vehicle that this token opens."""
    return list(sdk.iter_vehicle_ids(access_token, requester=requester(), api_url=_api_url()))


def may_have_arrived(error: Exception) -> bool:
    """Whether Smartcar may have done what it was asked to do, although it did not say so.

    A 5xx comes from anywhere on the way to the car; only 501 says that nothing was tried.
    """
    if isinstance(error, NoAnswerException):
        return error.request_sent
    if isinstance(error, SmartcarException) and not isinstance(error, InvalidAnswerException):
        status = error.status_code or 0
        return status >= 500 and status != 501
    return True


def requester() -> sdk.Requester:
    """The process's pooled session for everything but the token endpoint, which has one of its own."""
    return _requester(conf.SMARTCAR_TIMEOUT, conf.SMARTCAR_COMMAND_TIMEOUT)


@lru_cache(maxsize=2)
def _requester(timeout: float, command_timeout: float) -> sdk.Requester:
    return sdk.Requester(timeout=timeout, command_timeout=command_timeout)


def _api_url() -> str:
    return f"{conf.SMARTCAR_API_URL}/v2.0"
