"""The settings of this app, as typed properties that read ``django.conf.settings`` on each access.

``from django_smartcar.conf import conf``. Nothing else in the package reads a ``SMARTCAR_…`` setting.
"""

from __future__ import annotations

import re
from base64 import urlsafe_b64encode
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from django.conf import settings
from django.utils.crypto import salted_hmac

from .secret_types import Secret, protect

#: Days for which readings are kept.
DEFAULT_KEPT_DAYS = 365

#: What a user may do: that many at once, refilled evenly over a second, minute, hour or day.
DEFAULT_USER_LIMITS: Mapping[str, str | None] = {
    "connect": "10/m",
    "callback": "12/h",
    "command": "20/m",
    "refresh": "10/m",
    "download": "3/h",
    "address": "10/m",
}

_PERIODS = {"s": 1, "m": 60, "h": 60 * 60, "d": 24 * 60 * 60}
_RATE = re.compile(r"([1-9]\d{0,5})/([smhd])", re.ASCII)


class Rate(NamedTuple):
    """How many tokens a bucket holds, and the seconds in which an empty one becomes full."""

    number: int
    seconds: float

    @classmethod
    def parse(cls, text: Any) -> Rate:
        """Return the rate in ``"10/m"``. Raises ValueError."""
        match = _RATE.fullmatch(text) if isinstance(text, str) else None
        if match is None:
            raise ValueError(f"{text!r} is not a rate like '10/m', with s, m, h or d")
        return cls(int(match[1]), _PERIODS[match[2]])


#: The paths of `django_smartcar.simulator` for Smartcar's hosts, and its credentials, which are public.
SIMULATOR_PATHS = {
    "SMARTCAR_CONNECT_URL": "/connect",
    "SMARTCAR_IAM_URL": "/iam/oauth2/token",
    "SMARTCAR_VEHICLE_API_URL": "/vehicle-api",
    "SMARTCAR_MANAGEMENT_API_URL": "/management-api",
    "SMARTCAR_COMPATIBILITY_API_URL": "/compatibility-api",
    "SMARTCAR_AUTH_URL": "/auth/oauth/token",
    "SMARTCAR_API_URL": "/api",
    "SMARTCAR_MANAGEMENT_URL": "/management",
}
SIMULATOR_CREDENTIALS = {
    "SMARTCAR_CLIENT_ID": "client_01JPR3T3NDSMARTCAR000000",
    "SMARTCAR_CLIENT_SECRET": "9b1e7c52-60d4-4f8e-b3a7-m2mpr3t3nd00",
    "SMARTCAR_APPLICATION_ID": "5c3a9f1e-7d42-4b8a-9c06-1e2f3a4b5c6d",
    "SMARTCAR_V2_CLIENT_ID": "5c3a9f1e-7d42-4b8a-9c06-1e2f3a4b5c6d",
    "SMARTCAR_V2_CLIENT_SECRET": "24d55382-843f-4ce9-a7a7-cl13nts3cr3t",
    "SMARTCAR_MANAGEMENT_TOKENS": ["3f6c1b7a-2e58-4d90-8f14-am7pr3t3nd00"],
}


def _setting(name: str, default: Any) -> Any:
    return getattr(settings, name, default)


def _secret_setting(name: str, default: Any) -> Any:
    return _protected(_setting(name, default))


def _smartcar_setting(name: str, default: Any) -> Any:
    """Return a host or credential. One that is empty is the simulator's, if one is used."""
    if not _setting("SMARTCAR_SIMULATOR_URL", ""):
        return _setting(name, default)
    if value := _setting(name, None):
        return value
    if name in SIMULATOR_PATHS:
        return conf.SMARTCAR_SIMULATOR_URL + SIMULATOR_PATHS[name]
    if conf.SMARTCAR_API_VERSION == "2.0":
        # Then the client is that of v2, and the settings of its own are not used.
        name = name.replace("SMARTCAR_CLIENT", "SMARTCAR_V2_CLIENT") if "V2" not in name else ""
    return SIMULATOR_CREDENTIALS.get(name, default)


def _text(value: Any) -> str:
    # A site may have made a secret of an id, whose str() is the placeholder.
    return (value.reveal() if isinstance(value, Secret) else str(value)).strip()


def _protected(value: Any) -> Any:
    """Wrap all text and bytes in a setting, without the white space around it, as files and shells add it.

    The system checks see other types as they are.
    """
    if isinstance(value, str | bytes):
        return protect(value.strip())
    if isinstance(value, dict):
        return {name: _protected(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_protected(item) for item in value]
    if isinstance(value, tuple):
        return tuple(_protected(item) for item in value)
    return value


class Settings:
    @property
    def SMARTCAR_API_VERSION(self) -> str:
        """The API version of new connections: ``"3"``, or ``"2.0"``, deprecated from 2026-12-01."""
        return _text(_setting("SMARTCAR_API_VERSION", "3"))

    @property
    def SMARTCAR_CLIENT_ID(self) -> str:
        """The client id of that version: ``client_…`` with v3, the Application ID with v2. Required."""
        return _text(_smartcar_setting("SMARTCAR_CLIENT_ID", ""))

    @property
    def SMARTCAR_CLIENT_SECRET(self) -> Secret:
        """The secret of this client id. Required; do not commit it."""
        return self._client_secret("SMARTCAR_CLIENT_SECRET")

    @property
    def SMARTCAR_APPLICATION_ID(self) -> str:
        """The Application ID (a UUID) from Smartcar's dashboard, for Connect. Required with v3."""
        return _text(_smartcar_setting("SMARTCAR_APPLICATION_ID", ""))

    @property
    def SMARTCAR_V2_CLIENT_ID(self) -> str:
        """With v3: the Application ID, for remaining v2 accounts, and to exchange codes as a proof."""
        return _text(_smartcar_setting("SMARTCAR_V2_CLIENT_ID", ""))

    @property
    def SMARTCAR_V2_CLIENT_SECRET(self) -> Secret:
        """The v2 secret of this Application ID."""
        return self._client_secret("SMARTCAR_V2_CLIENT_SECRET")

    @property
    def SMARTCAR_MANAGEMENT_TOKENS(self) -> Sequence[Secret]:
        """Application Management Tokens from the dashboard: the first is sent, all verify webhooks."""
        value: Sequence[Secret] = _protected(_smartcar_setting("SMARTCAR_MANAGEMENT_TOKENS", []))
        return value

    @property
    def SMARTCAR_WEBHOOKS(self) -> Sequence[str]:
        """Ids of webhooks from the dashboard to which every connected vehicle is subscribed."""
        value: Sequence[str] = _setting("SMARTCAR_WEBHOOKS", [])
        return value

    @property
    def SMARTCAR_WEBHOOK_TOKENS(self) -> Mapping[str, Sequence[Secret]]:
        """Tokens of other applications, by the random name of their URL, ``webhook/<name>/``."""
        # Django's error reports hide a setting whose name has TOKEN in it.
        value: Mapping[str, Sequence[Secret]] = _secret_setting("SMARTCAR_WEBHOOK_TOKENS", {})
        return value

    @property
    def SMARTCAR_WEBHOOK_CHALLENGES(self) -> bool:
        """Whether to respond to VERIFY challenges. Set ``False`` once your webhooks are verified."""
        return bool(_setting("SMARTCAR_WEBHOOK_CHALLENGES", True))

    @property
    def SMARTCAR_WEBHOOK_WORK(self) -> str:
        """How events are processed: ``"inline"``, or by workers: ``"command"``, ``"tasks"``, ``"celery"``."""
        return _text(_setting("SMARTCAR_WEBHOOK_WORK", "inline"))

    @property
    def SMARTCAR_SIGNALS(self) -> Sequence[str]:
        """Signals your site uses; errors of others need no new login. Empty: all but account signals."""
        value: Sequence[str] = _setting("SMARTCAR_SIGNALS", [])
        return value

    @property
    def SMARTCAR_OWNERSHIP_PROOFS(self) -> Sequence[str]:
        """With v3, any of these proves who consented. ``"new_connection"`` is possible, but weaker."""
        value: Sequence[str] = _setting("SMARTCAR_OWNERSHIP_PROOFS", ["code", "external_id"])
        return value

    @property
    def SMARTCAR_ENCRYPTION_KEYS(self) -> Sequence[Secret]:
        """Encryption keys of stored tokens: the first encrypts, all decrypt. Required unless ``DEBUG``."""
        value: Sequence[Secret] = _secret_setting("SMARTCAR_ENCRYPTION_KEYS", [])
        return value

    @property
    def SMARTCAR_REDIRECT_URI(self) -> str:
        """The redirect URI of Connect. Built from the request if empty."""
        return _text(_setting("SMARTCAR_REDIRECT_URI", ""))

    @property
    def SMARTCAR_SCOPE(self) -> Sequence[str]:
        """The permissions to request; with the prefix ``required:`` the driver cannot deselect one."""
        default = [
            "required:read_vehicle_info",
            "read_vin",
            "read_odometer",
            "read_location",
            "control_security",
        ]
        value: Sequence[str] = _setting("SMARTCAR_SCOPE", default)
        return value

    @property
    def SMARTCAR_MODE(self) -> str:
        """``"live"``, ``"simulated"`` (vehicles of Smartcar's own simulator) or ``"test"``."""
        return _text(_setting("SMARTCAR_MODE", "live"))

    @property
    def SMARTCAR_UNIT_SYSTEM(self) -> str:
        """The unit system of newly connected vehicles: ``"metric"`` or ``"imperial"``."""
        return _text(_setting("SMARTCAR_UNIT_SYSTEM", "metric"))

    @property
    def SMARTCAR_REGION(self) -> str:
        """Where your users' cars are: ``"US"``, ``"CA"`` or ``"EUROPE"``. Models differ between them."""
        return _text(_setting("SMARTCAR_REGION", "US"))

    @property
    def SMARTCAR_READINGS_KEPT_DAYS(self) -> float | Mapping[str, float]:
        """Days for which ``prune_smartcar_readings`` keeps readings; by signal in a dict, with ``"*"``."""
        value: float | Mapping[str, float] = _setting("SMARTCAR_READINGS_KEPT_DAYS", DEFAULT_KEPT_DAYS)
        return value

    @property
    def SMARTCAR_TIMEOUT(self) -> float:
        """Timeout of reads, in seconds. Token requests wait 10 at most."""
        value: float = _setting("SMARTCAR_TIMEOUT", 30)
        return value

    @property
    def SMARTCAR_COMMAND_TIMEOUT(self) -> float:
        """Timeout of commands, in seconds. Smartcar may take 310 to wake a vehicle."""
        value: float = _setting("SMARTCAR_COMMAND_TIMEOUT", 310)
        return value

    @property
    def SMARTCAR_COMMAND_COOLDOWN(self) -> float:
        """Seconds for which a repeated command is refused, unless the first failed."""
        value: float = _setting("SMARTCAR_COMMAND_COOLDOWN", 10)
        return value

    @property
    def SMARTCAR_COMMAND_EXECUTION(self) -> str:
        """Who sends queued commands: ``"thread"``, ``"command"``, ``"tasks"``, ``"celery"``, ``"inline"``."""
        return _text(_setting("SMARTCAR_COMMAND_EXECUTION", "thread"))

    @property
    def SMARTCAR_COMMAND_THREADS(self) -> int:
        """How many queued commands a process sends at a time, with ``"thread"`` and ``"command"``."""
        return int(_setting("SMARTCAR_COMMAND_THREADS", 16))

    @property
    def SMARTCAR_COMMANDS_IN_FLIGHT(self) -> int:
        """How many queued or pending commands and refreshes a driver may have, one for each car."""
        return int(_setting("SMARTCAR_COMMANDS_IN_FLIGHT", 8))

    @property
    def SMARTCAR_COMMANDS_PER_CAR(self) -> int:
        """Commands to one car within a minute. Refreshes and disconnects have a limit of the same number."""
        return int(_setting("SMARTCAR_COMMANDS_PER_CAR", 10))

    @property
    def SMARTCAR_COMMANDS_AT_ONCE(self) -> int:
        """How many vehicles ``commands.send_many`` sends a command in parallel."""
        return int(_setting("SMARTCAR_COMMANDS_AT_ONCE", 8))

    @property
    def SMARTCAR_RATE_LIMIT(self) -> tuple[int, float] | None:
        """Requests your application may send at once, and more a minute. A fifth is kept for drivers."""
        value: tuple[int, float] | None = _setting("SMARTCAR_RATE_LIMIT", (120, 2))
        return value

    @property
    def SMARTCAR_USER_LIMITS(self) -> Mapping[str, str | None]:
        """What a user may do: ``"10/m"`` is 10 at once, and 10 more a minute (``s``, ``m``, ``h``, ``d``)."""
        value: Mapping[str, str | None] = _setting("SMARTCAR_USER_LIMITS", DEFAULT_USER_LIMITS)
        return value

    @property
    def SMARTCAR_MAP_TILES(self) -> Mapping[str, str] | None:
        """The tiles of maps: a dict with ``"url"`` and ``"attribution"``. None: links instead of maps."""
        value: Mapping[str, str] | None = _setting("SMARTCAR_MAP_TILES", None)
        return value

    @property
    def SMARTCAR_GEOCODER(self) -> str:
        """The dotted path of your function that finds an address, for destinations. Empty: no search."""
        return _text(_setting("SMARTCAR_GEOCODER", ""))

    @property
    def SMARTCAR_MONTHLY_REQUESTS(self) -> int:
        """Requests per vehicle and month in your plan. The admin shows them next to the count."""
        return int(_setting("SMARTCAR_MONTHLY_REQUESTS", 500))

    @property
    def SMARTCAR_SIMULATOR_URL(self) -> str:
        """The URL of a simulator: sets the hosts and credentials that are not set. In ``DEBUG`` only."""
        return _text(_setting("SMARTCAR_SIMULATOR_URL", "")).rstrip("/")

    @property
    def SMARTCAR_CONNECT_URL(self) -> str:
        """The base URL of Connect."""
        return self._host("SMARTCAR_CONNECT_URL", "https://connect.smartcar.com")

    @property
    def SMARTCAR_IAM_URL(self) -> str:
        """The URL of the v3 token endpoint, including its path."""
        return self._host("SMARTCAR_IAM_URL", "https://iam.smartcar.com/oauth2/token")

    @property
    def SMARTCAR_VEHICLE_API_URL(self) -> str:
        """The base URL of the v3 vehicle API, without the version."""
        return self._host("SMARTCAR_VEHICLE_API_URL", "https://vehicle.api.smartcar.com")

    @property
    def SMARTCAR_MANAGEMENT_API_URL(self) -> str:
        """The base URL of the v3 management API, without the version."""
        return self._host("SMARTCAR_MANAGEMENT_API_URL", "https://management.api.smartcar.com")

    @property
    def SMARTCAR_COMPATIBILITY_API_URL(self) -> str:
        """The base URL of the v3 compatibility API, without the version."""
        return self._host("SMARTCAR_COMPATIBILITY_API_URL", "https://compatibility.api.smartcar.com")

    @property
    def SMARTCAR_AUTH_URL(self) -> str:
        """The URL of the v2 token endpoint, including its path."""
        return self._host("SMARTCAR_AUTH_URL", "https://auth.smartcar.com/oauth/token")

    @property
    def SMARTCAR_API_URL(self) -> str:
        """The base URL of the v2 vehicle API, without the version."""
        return self._host("SMARTCAR_API_URL", "https://api.smartcar.com")

    @property
    def SMARTCAR_MANAGEMENT_URL(self) -> str:
        """The base URL of the v2 management API, without the version."""
        return self._host("SMARTCAR_MANAGEMENT_URL", "https://management.smartcar.com")

    @property
    def encryption_keys(self) -> tuple[Secret, ...]:
        """``SMARTCAR_ENCRYPTION_KEYS``; without any, in ``DEBUG`` only, one derived from ``SECRET_KEY``."""
        # Protected once more: the letters of one key that is not in a list are plain text.
        keys: tuple[Secret, ...] = _protected(tuple(self.SMARTCAR_ENCRYPTION_KEYS or ()))
        if keys or not settings.DEBUG:
            return keys
        derived = salted_hmac("django_smartcar.conf", "encryption", algorithm="sha256")
        return (Secret(urlsafe_b64encode(derived.digest()).decode()),)

    @property
    def readings_kept_days(self) -> Mapping[str, float]:
        """``SMARTCAR_READINGS_KEPT_DAYS`` by signal; ``"*"`` is for all that are not named."""
        value = self.SMARTCAR_READINGS_KEPT_DAYS
        return {"*": DEFAULT_KEPT_DAYS, **value} if isinstance(value, Mapping) else {"*": value}

    @property
    def user_limits(self) -> Mapping[str, Rate]:
        """``SMARTCAR_USER_LIMITS`` with the defaults of what it leaves out. None removes a limit."""
        limits = {**DEFAULT_USER_LIMITS, **self.SMARTCAR_USER_LIMITS}
        return {kind: Rate.parse(text) for kind, text in limits.items() if text is not None}

    @property
    def max_upload_bytes(self) -> float:
        """Django's ``DATA_UPLOAD_MAX_MEMORY_SIZE``; infinity if it is None."""
        limit = settings.DATA_UPLOAD_MAX_MEMORY_SIZE
        return float("inf") if limit is None else limit

    def _client_secret(self, name: str) -> Secret:
        value = _protected(_smartcar_setting(name, ""))
        return value if isinstance(value, Secret) else Secret(value)

    def _host(self, name: str, default: str) -> str:
        return _text(_smartcar_setting(name, default)).rstrip("/")


conf = Settings()
