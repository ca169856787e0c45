"""Authenticated calls to Smartcar, shared by reads, commands and subscriptions.

A call is retried here after a 401: with the token of an account (`as_driver`), of the application
(`as_application`) or of one vehicle (`VehicleSession`). A sync, whose threads may not use the database, sends
its batches again itself, with the sessions that `renew_sessions` opens.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from django.db import router
from django.utils import timezone

from .. import sdk
from ..databases import primary
from ..exceptions import (
    AuthenticationException,
    PermissionMissing,
    ReconnectRequired,
    SmartcarAppError,
    SmartcarException,
    VehicleDisconnected,
)
from ..models import ConnectedVehicle, SmartcarAccount
from ..secret_types import Secret
from . import _access, _background, _rate_limits, client, tokens
from ._access import Access
from .client import ApiCredentials, Car

T = TypeVar("T")


def as_driver(account: SmartcarAccount, request: Callable[[ApiCredentials], T]) -> T:
    """Call ``request`` with the account's credentials; once more with new ones if Smartcar rejects the token.

    Only for idempotent requests. Raises as `tokens.access_token` does, or what ``request`` raises.
    """
    return _call_with_token(account, request, tokens.credentials(account))


def as_application(request: Callable[[Secret], T]) -> T:
    """Call ``request`` with the application's token; once more with a new one if Smartcar rejects it.

    Only for idempotent requests. Raises as `tokens.application_credentials` does, or what ``request`` raises.
    """
    credentials = tokens.application_credentials()
    return _call_with_token(None, lambda current: request(current.access_token), credentials)


def in_background(request: Callable[[Secret], T]) -> T:
    """Call ``request`` as `as_application` does, unless that would use the reserve for drivers.

    Raises RateLimited then.
    """
    _background.take(client.V3)
    return as_application(request)


def _call_with_token(
    account: SmartcarAccount | None,
    request: Callable[[ApiCredentials], T],
    credentials: ApiCredentials,
    *,
    retry: bool = True,
) -> T:
    try:
        return request(credentials)
    except AuthenticationException:
        tokens.invalidate(account, credentials)
        if not retry:
            raise
        renewed = tokens.credentials(account) if account else tokens.application_credentials()
        return request(renewed)


@dataclass(frozen=True)
class VehicleSession:
    """A vehicle ready for API calls: the model instance, its credentials and the SDK object."""

    vehicle: ConnectedVehicle
    credentials: ApiCredentials
    car: Car
    #: Billable requests per call: one per path in a batch, zero for a disconnect.
    requests: int = 1
    #: Whether to count them after a success; otherwise the caller does.
    counts: bool = True

    def call(self, request: Callable[[Car], T], scope: str = "", *, retry: bool = False) -> T:
        """Call ``request`` with the SDK's vehicle; with ``retry`` once more if Smartcar rejects the token.

        ``scope`` is the permission that the request needs. Raises a SmartcarException, with its account and
        scope (`complete`). Rate limits, usage and the login status are recorded.
        """

        def send(credentials: ApiCredentials) -> T:
            return self._with_credentials(credentials)._call_once(request, scope)

        response = _call_with_token(self.vehicle.account, send, self.credentials, retry=retry)
        if not retry:  # a command: the vehicle executed it, so the login at its brand works
            clear_reauthentication_required(self.vehicle)
        return response

    def _with_credentials(self, credentials: ApiCredentials) -> VehicleSession:
        if credentials is self.credentials:
            return self
        return replace(open_session(self.vehicle, credentials, self.requests), counts=self.counts)

    def _call_once(self, request: Callable[[Car], T], scope: str) -> T:
        try:
            response = request(self.car)
        except SmartcarException as error:
            self.update_login_status([error])
            complete(error, self.vehicle.account, scope)
            _rate_limits.record_failure(self.vehicle, error, self.requests)
            raise
        if self.counts:
            _rate_limits.record_usage(self.vehicle, self.requests)
        result = response.result if isinstance(response, sdk.WithSignals) else response
        self.update_login_status(result.values() if isinstance(result, dict) else [result])
        return response

    def update_login_status(self, responses: Iterable[Any]) -> None:
        """Save what these responses, or exceptions, show about the login at the vehicle's brand."""
        if self.apply_login_status(responses):
            save_logins([self.vehicle])

    def apply_login_status(self, responses: Iterable[Any]) -> bool:
        """Set the login status on the instance only. Return whether `save_logins` has to save it."""
        responses = list(responses)
        failures = [response for response in responses if isinstance(response, SmartcarException)]
        rejected = [error for error in failures if error.code == "AUTHENTICATION_FAILED"]
        if rejected:
            set_login_required(self.vehicle, str((rejected[0].resolution or {}).get("url") or ""))
            return True
        # API v3 responds from Smartcar's cache, so a response does not prove that the login works.
        proves_nothing = len(failures) == len(responses) or self.credentials.uses_v3
        if proves_nothing or not self.vehicle.needs_reauthentication:
            return False
        set_login_works(self.vehicle)
        return True


def open_session(
    vehicle: ConnectedVehicle,
    credentials: ApiCredentials | None = None,
    requests: int = 1,
    *,
    access: Access | None = None,
    counts: bool = True,
) -> VehicleSession:
    """Return a session for the vehicle. Raises VehicleDisconnected, and as `tokens.credentials` does.

    ``access`` has the rows of the account and the token, if the caller has just read them. ``counts`` is that
    of the session.
    """
    if credentials is None:
        credentials = (
            tokens.credentials(access.account, access.token)
            if access
            else tokens.credentials(account_of(vehicle))
        )
    car = client.car(credentials, vehicle.smartcar_vehicle_id, vehicle.unit_system)
    return VehicleSession(vehicle, credentials, car, requests, counts)


def call(vehicle: ConnectedVehicle, request: Callable[[Car], T], scope: str = "", *, requests: int = 1) -> T:
    """Call ``request`` with the SDK's vehicle, with one retry after a 401. Only for idempotent requests.

    ``scope`` is the permission that the request needs, ``requests`` how many billable requests it makes: with
    0 no rate limit is checked. Raises RateLimited, as `open_session` does, or a SmartcarException.
    """
    with _rate_limits.single_flight(vehicle.pk) if requests else nullcontext():
        access = _access.load(vehicle)
        if requests:
            access.check_limits()
        session = open_session(vehicle, requests=requests, access=access)
        return session.call(request, scope, retry=True)


@contextmanager
def opened(key: Any, load: Callable[[], Access]) -> Iterator[tuple[VehicleSession, Access]]:
    """Return a session for a read of one value, which the caller counts, and the rows that it needs.

    ``load`` reads the rows of the vehicle with this primary key. Raises as `call` does, and as ``load``.
    """
    with _rate_limits.single_flight(key):
        access = load()
        access.check_limits()
        yield open_session(access.vehicle, access=access, counts=False), access


class CredentialsCache:
    """Opens sessions for many vehicles: each account's credentials, and the application's, are read once."""

    def __init__(self) -> None:
        self._results: dict[int, ApiCredentials | Exception] = {}
        self._application: ApiCredentials | None = None

    def open_session(self, vehicle: ConnectedVehicle, requests: int) -> VehicleSession:
        """Return a session for the vehicle. Raises as the function `open_session` does."""
        account = account_of(vehicle)
        if account.pk not in self._results:
            try:
                self._results[account.pk] = self._credentials(account)
            except (SmartcarException, SmartcarAppError) as error:
                self._results[account.pk] = error
        result = self._results[account.pk]
        if isinstance(result, Exception):
            raise result
        return open_session(vehicle, result, requests)

    def _credentials(self, account: SmartcarAccount) -> ApiCredentials:
        if not account.uses_v3 or account.needs_reconnecting or self._application is None:
            credentials = tokens.credentials(account)
            if account.uses_v3:
                self._application = credentials
            return credentials
        return replace(self._application, user_id=account.smartcar_user_id, mode=account.mode)


def renew_sessions(rejected: Iterable[VehicleSession]) -> Iterator[VehicleSession | Exception]:
    """Yield a session with a new token for each session whose token Smartcar rejected, or the exception.

    Each rejected token is invalidated once, however many sessions have used it.
    """
    sessions = list(rejected)
    invalidated = set()
    for session in sessions:
        credentials = session.credentials
        token = (credentials.uses_v3 or session.vehicle.account_id, credentials.token_version)
        if token not in invalidated:
            invalidated.add(token)
            tokens.invalidate(session.vehicle.account, credentials)
    cache = CredentialsCache()
    for session in sessions:
        try:
            yield cache.open_session(session.vehicle, session.requests)
        except (SmartcarException, SmartcarAppError) as error:
            yield error


def complete(error: SmartcarException, account: SmartcarAccount, scope: str) -> None:
    """Set what is not in Smartcar's response: the account to connect again, or the missing scope."""
    if isinstance(error, ReconnectRequired):
        error.account = account
    elif isinstance(error, PermissionMissing):
        error.scope = scope


def cost(account: SmartcarAccount, names: Collection[str]) -> int:
    """Return how many billable requests it takes to read all of these at once.

    API v2 counts each path of a batch; API v3 returns everything in one response.
    """
    return 1 if account.uses_v3 else len(names)


def account_of(vehicle: ConnectedVehicle) -> SmartcarAccount:
    """Return the account whose token gives access to the vehicle. Raises VehicleDisconnected."""
    if not vehicle.is_connected:
        raise VehicleDisconnected(vehicle)
    return stored_account(vehicle)


def stored_account(vehicle: ConnectedVehicle) -> SmartcarAccount:
    """Return the vehicle's account, also of a disconnected vehicle, and never as a replica has it."""
    field: Any = ConnectedVehicle._meta.get_field("account")
    account: SmartcarAccount | None = field.get_cached_value(vehicle, default=None)
    if account is None or account._state.db != router.db_for_write(SmartcarAccount):
        account = primary(SmartcarAccount).select_related("smartcar_user").get(pk=vehicle.account_id)
        field.set_cached_value(vehicle, account)
    return account


def is_gone(error: SmartcarException, account: SmartcarAccount) -> bool:
    """Return whether the error says that the vehicle or subscription is gone, rather than a wrong URL."""
    if not account.uses_v3:
        return error.type == "PERMISSION" or (error.type == "RESOURCE_NOT_FOUND" and error.code is None)
    # Raised by the SDK itself (not listed), or a 404 to our DELETE.
    return error.response is None or error.response.request.method == "DELETE"


def clear_reauthentication_required(vehicle: ConnectedVehicle) -> None:
    """Save that the login at the vehicle's brand works."""
    if vehicle.needs_reauthentication:
        set_login_works(vehicle)
        save_logins([vehicle])


def save_logins(vehicles: Collection[ConnectedVehicle]) -> None:
    """Save the login status of these vehicles in one UPDATE."""
    ConnectedVehicle.objects.bulk_update(vehicles, ["reauthentication_required_at", "reauthentication_url"])


def set_login_works(vehicle: ConnectedVehicle) -> None:
    """Set on the instance that the login at the vehicle's brand works; `save_logins` saves it."""
    vehicle.reauthentication_required_at, vehicle.reauthentication_url = None, ""


def set_login_required(vehicle: ConnectedVehicle, url: str = "") -> None:
    """Set on the instance that the driver has to log in again, at ``url`` if Smartcar gives one."""
    vehicle.reauthentication_required_at = vehicle.reauthentication_required_at or timezone.now()
    max_length = ConnectedVehicle._meta.get_field("reauthentication_url").max_length or 0
    # The error of a signal has no URL. The URL of an earlier error of a command is still valid: keep it.
    if 0 < len(url) <= max_length:
        vehicle.reauthentication_url = url
