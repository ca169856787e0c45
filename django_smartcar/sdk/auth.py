"""OAuth: tokens of a user, granted through Connect (API v2), or of the application (API v3)."""

import warnings
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, TypedDict, cast

from ..secret_types import Secret, Vin, protect
from . import connect, const
from ._dates import as_utc
from ._http.requester import Requester, Response, body_of, default_requester, invalid

REFRESH_TOKEN_LIFETIME = timedelta(days=60)


class Access(TypedDict):
    """The tokens, and when each expires. Both datetimes are aware and in UTC."""

    access_token: str
    token_type: str
    expires_in: int
    refresh_token: str
    expiration: datetime
    refresh_expiration: datetime


class ApplicationAccess(TypedDict):
    """The application's token, for the vehicles of all of its users. There is no refresh token."""

    access_token: str
    token_type: str
    expires_in: int
    expiration: datetime


def is_expired(expiration: datetime) -> bool:
    """Return True if this time is past. A naive datetime is taken as UTC."""
    return datetime.now(UTC) > as_utc(expiration)


class AuthClient:
    """The OAuth client of an application of API v2.

    ``scope`` lists the permissions to request; None requests those chosen in Smartcar's dashboard. ``mode``
    is ``"live"`` (the default), ``"simulated"`` or ``"test"``, whose deprecated form is ``test_mode=True``.
    Raises ValueError for any other mode.
    """

    def __init__(
        self,
        client_id: str,
        client_secret: str,
        redirect_uri: str,
        scope: Sequence[str] | None = None,
        test_mode: bool | None = False,
        development: bool | None = None,
        *,
        mode: str | None = None,
        requester: Requester | None = None,
        connect_url: str = const.CONNECT_URL,
        auth_url: str = const.AUTH_URL,
        api_url: str = const.API_URL,
    ) -> None:
        client_secret = Secret(client_secret)
        if development:
            warnings.warn("development is deprecated: use mode='test'", DeprecationWarning, stacklevel=2)
        self.client_id = client_id
        self.client_secret = client_secret
        self.auth = (client_id, client_secret)
        self.redirect_uri = redirect_uri
        self.scope = scope
        self.mode = _mode(mode, bool(test_mode or development))
        self.test_mode = self.mode == "test"
        self._requester = requester or default_requester
        self._connect_url = connect_url.rstrip("/")
        self._auth_url = auth_url
        self._api_url = api_url.rstrip("/")

    def __repr__(self) -> str:
        return f"AuthClient({self.client_id!r}, redirect_uri={self.redirect_uri!r}, mode={self.mode!r})"

    def get_auth_url(
        self,
        force: bool = False,
        state: str | None = None,
        vehicle_info: Mapping[str, str] | None = None,
        *,
        single_select: bool | str | None = None,
        flags: Mapping[str, str | bool] | None = None,
        user: str | None = None,
        external_id: str | None = None,
    ) -> str:
        """Return the URL of Connect to redirect the user to.

        ``force`` shows the approval page again. ``vehicle_info={"make": "TESLA"}`` skips the choice of a
        brand. ``single_select`` is True for one vehicle of the user's choice, or a VIN for that vehicle only.
        ``user`` and ``external_id`` are your own ids of the user. smartcar.com/docs/connect
        """
        state, external_id = protect(state), protect(external_id)
        single_select = Vin(single_select) if isinstance(single_select, str) else single_select
        return connect.get_auth_url(
            self.client_id,
            self.redirect_uri,
            self.scope,
            mode=self.mode,
            force=force,
            state=state,
            vehicle_info=vehicle_info,
            single_select=single_select,
            flags=flags,
            user=user,
            external_id=external_id,
            id_name="client_id",
            connect_url=self._connect_url,
        )

    def exchange_code(self, code: str) -> Access:
        """Exchange the code of Connect's redirect for tokens. A code can be used once, within ten minutes.

        Raises a SmartcarException; ``exc.code == "invalid_grant"`` if the code is used, expired or unknown.
        """
        code = Secret(code)
        form = {"grant_type": "authorization_code", "code": code, "redirect_uri": self.redirect_uri}
        return self._exchange(form)

    def exchange_refresh_token(self, token: str) -> Access:
        """Exchange a refresh token for new tokens. The old one expires soon after: store both new ones first.

        Raises a SmartcarException; ``exc.code == "invalid_grant"`` if the user has to connect again.
        """
        token = Secret(token)
        return self._exchange({"grant_type": "refresh_token", "refresh_token": token})

    def is_compatible(self, vin: str, scope: Sequence[str], *, country: str | None = None) -> bool:
        """Return False if the vehicle does not support these permissions, True if it may.

        Raises a SmartcarException. GET /compatibility.
        """
        vin = Vin(vin)
        params = {
            "vin": vin,
            "scope": connect.join_scopes(scope),
            **({"country": country} if country else {}),
        }
        url = f"{self._api_url}/compatibility"
        response = self._requester.call("GET", url, params=params, auth=self.auth)
        return cast(bool, body_of(response, compatible=bool)["compatible"])

    def _exchange(self, form: dict[str, str]) -> Access:
        # The time before the request: a slow response must not make a token seem to live longer.
        requested_at = datetime.now(UTC)
        # The timeout of a read: a token request waits for no vehicle.
        timeout = self._requester.read_timeout
        response = self._requester.call("POST", self._auth_url, data=form, auth=self.auth, timeout=timeout)
        body = body_of(response, access_token=str, refresh_token=str)
        expirations = {
            "expiration": requested_at + _lifetime(response, body.get("expires_in")),
            "refresh_expiration": requested_at + REFRESH_TOKEN_LIFETIME,
        }
        return cast(Access, {**body, **expirations})


class ApplicationAuth:
    """The OAuth client of an application of API v3: its ``client_…`` id and secret.

    The id is not the Application ID, which Connect takes, and not the client id of API v2.
    """

    def __init__(
        self,
        client_id: str,
        client_secret: str,
        *,
        requester: Requester | None = None,
        token_url: str = const.APPLICATION_TOKEN_URL,
    ) -> None:
        client_secret = Secret(client_secret)
        self.client_id = client_id
        self.client_secret = client_secret
        self._requester = requester or default_requester
        self._token_url = token_url

    def __repr__(self) -> str:
        return f"ApplicationAuth({self.client_id!r})"

    def request_token(self) -> ApplicationAccess:
        """Return ``{"access_token", "token_type", "expires_in", "expiration"}``, the last aware and in UTC.

        One token, valid for about an hour, serves the whole application: store it, and renew it in time.
        Raises a SmartcarException; ``exc.code == "invalid_client"`` if the id or the secret is wrong.
        POST iam.smartcar.com/oauth2/token, grant client_credentials (RFC 6749 4.4).
        """
        # A form and not JSON, although Smartcar accepts both: errors are redacted of a form's secrets.
        form = {
            "grant_type": "client_credentials",
            "client_id": self.client_id,
            "client_secret": self.client_secret,
        }
        requested_at = datetime.now(UTC)
        timeout = self._requester.read_timeout
        response = self._requester.call("POST", self._token_url, data=form, timeout=timeout)
        body = body_of(response, access_token=str)
        lifetime = _lifetime(response, body.get("expires_in"))
        return {
            "access_token": body["access_token"],
            "token_type": str(body.get("token_type") or "Bearer"),
            "expires_in": int(lifetime.total_seconds()),
            "expiration": requested_at + lifetime,
        }


def _mode(mode: str | None, is_test: bool) -> str:
    mode = mode or ("test" if is_test else "live")
    if mode not in const.MODES:
        raise ValueError(f"mode must be 'live', 'simulated' or 'test', not {mode!r}")
    if is_test and mode != "test":
        raise ValueError(f"test_mode=True contradicts mode={mode!r}")
    return mode


def _lifetime(response: Response, expires_in: Any) -> timedelta:
    try:
        lifetime = timedelta(seconds=float(expires_in))
        datetime.now(UTC) + lifetime + REFRESH_TOKEN_LIFETIME
    except (TypeError, ValueError, OverflowError):
        raise invalid(response, "'expires_in' is missing or not a number of seconds") from None
    return lifetime
