"""Every setting of this app: a typed property each, read when it is asked for, never kept.

``from django_smartcar.conf import conf``. Nothing else in the package reads a ``SMARTCAR_…`` setting.
"""

from __future__ import annotations

from base64 import urlsafe_b64encode
from collections.abc import Mapping, Sequence
from typing import Any

from django.conf import settings
from django.utils.crypto import salted_hmac

from .secret_types import Secret


def _setting(name: str, default: Any) -> Any:
    return getattr(settings, name, default)


def _secret_setting(name: str, default: Any) -> Any:
    return _protected(_setting(name, default))


def _protected(value: Any) -> Any:
    """Wrap every string in a setting; other types stay as they are, so that the system checks see them."""
    if isinstance(value, str):
        return Secret(value)
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
        """What new connections speak: ``"3"``, or ``"2.0"``, which Smartcar ends on 2026-12-01."""
        return str(_setting("SMARTCAR_API_VERSION", "3"))

    @property
    def SMARTCAR_CLIENT_ID(self) -> str:
        """The id for that version's tokens: ``client_…`` with 3, the Application ID with 2.0. Required."""
        return str(_setting("SMARTCAR_CLIENT_ID", ""))

    @property
    def SMARTCAR_CLIENT_SECRET(self) -> Secret:
        """The secret that belongs to this id. Required; keep it out of the repository."""
        return self._client_secret("SMARTCAR_CLIENT_SECRET")

    @property
    def SMARTCAR_APPLICATION_ID(self) -> str:
        """The UUID that Smartcar's dashboard calls Application ID, for Connect. Required with 3."""
        return str(_setting("SMARTCAR_APPLICATION_ID", ""))

    @property
    def SMARTCAR_V2_CLIENT_ID(self) -> str:
        """With version 3: the Application ID, for what is left of 2.0 (accounts, and codes as a proof)."""
        return str(_setting("SMARTCAR_V2_CLIENT_ID", ""))

    @property
    def SMARTCAR_V2_CLIENT_SECRET(self) -> Secret:
        """The secret of 2.0 that belongs to it."""
        return self._client_secret("SMARTCAR_V2_CLIENT_SECRET")

    @property
    def SMARTCAR_MANAGEMENT_TOKENS(self) -> Sequence[Secret]:
        """Application Management Tokens, from the dashboard: the first is sent, each verifies webhooks."""
        value: Sequence[Secret] = _secret_setting("SMARTCAR_MANAGEMENT_TOKENS", [])
        return value

    @property
    def SMARTCAR_WEBHOOKS(self) -> Sequence[str]:
        """Ids of webhooks, from the dashboard, that every connected car is to be subscribed to."""
        value: Sequence[str] = _setting("SMARTCAR_WEBHOOKS", [])
        return value

    @property
    def SMARTCAR_WEBHOOK_TOKENS(self) -> Mapping[str, Sequence[Secret]]:
        """More addresses, ``webhook/<name>/``, by unguessable names: the tokens of other applications."""
        # Django's error reports hide a setting whose name has TOKEN in it.
        value: Mapping[str, Sequence[Secret]] = _secret_setting("SMARTCAR_WEBHOOK_TOKENS", {})
        return value

    @property
    def SMARTCAR_WEBHOOK_CHALLENGES(self) -> bool:
        """Whether VERIFY is answered; ``False`` closes that, once your webhooks are verified."""
        return bool(_setting("SMARTCAR_WEBHOOK_CHALLENGES", True))

    @property
    def SMARTCAR_WEBHOOK_WORK(self) -> str:
        """Who works events: ``"inline"``, or workers: ``"command"``, ``"tasks"``, ``"celery"``."""
        return str(_setting("SMARTCAR_WEBHOOK_WORK", "inline"))

    @property
    def SMARTCAR_SIGNALS(self) -> Sequence[str]:
        """Signals that this site uses: errors of others ask for no new login. Empty: most."""
        value: Sequence[str] = _setting("SMARTCAR_SIGNALS", [])
        return value

    @property
    def SMARTCAR_OWNERSHIP_PROOFS(self) -> Sequence[str]:
        """With version 3, each of these proves who consented; ``"new_connection"`` is one more, and weak."""
        value: Sequence[str] = _setting("SMARTCAR_OWNERSHIP_PROOFS", ["code", "external_id"])
        return value

    @property
    def SMARTCAR_ENCRYPTION_KEYS(self) -> Sequence[Secret]:
        """The keys of stored tokens: the first encrypts, all decrypt. Required, except while debugging."""
        value: Sequence[Secret] = _secret_setting("SMARTCAR_ENCRYPTION_KEYS", [])
        return value

    @property
    def SMARTCAR_REDIRECT_URI(self) -> str:
        """Where Connect sends the driver back to; built from the request when empty."""
        return str(_setting("SMARTCAR_REDIRECT_URI", ""))

    @property
    def SMARTCAR_SCOPE(self) -> Sequence[str]:
        """The permissions to ask a driver for; ``required:`` before one means that it cannot be unticked."""
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
        """``"live"``, ``"simulated"`` (cars of Smartcar's own simulator) or ``"test"``."""
        return str(_setting("SMARTCAR_MODE", "live"))

    @property
    def SMARTCAR_UNIT_SYSTEM(self) -> str:
        """The unit system of newly connected cars: ``"metric"`` or ``"imperial"``."""
        return str(_setting("SMARTCAR_UNIT_SYSTEM", "metric"))

    @property
    def SMARTCAR_READINGS_KEPT_DAYS(self) -> float:
        """Days that ``prune_smartcar_readings`` leaves; the newest reading of each kind always stays."""
        value: float = _setting("SMARTCAR_READINGS_KEPT_DAYS", 365)
        return value

    @property
    def SMARTCAR_TIMEOUT(self) -> float:
        """Seconds to wait for the answer to a read; a token exchange waits 10 at most."""
        value: float = _setting("SMARTCAR_TIMEOUT", 30)
        return value

    @property
    def SMARTCAR_COMMAND_TIMEOUT(self) -> float:
        """Seconds to wait for the answer to a command; Smartcar may take 310 to wake a car."""
        value: float = _setting("SMARTCAR_COMMAND_TIMEOUT", 310)
        return value

    @property
    def SMARTCAR_COMMAND_COOLDOWN(self) -> float:
        """Seconds after a command in which the same one is refused, unless it failed."""
        value: float = _setting("SMARTCAR_COMMAND_COOLDOWN", 10)
        return value

    @property
    def SMARTCAR_COMMANDS_AT_ONCE(self) -> int:
        """How many cars are told side by side when an operator tells many."""
        return int(_setting("SMARTCAR_COMMANDS_AT_ONCE", 8))

    @property
    def SMARTCAR_MONTHLY_REQUESTS(self) -> int:
        """How many requests a month your plan has for each car; the admin shows the count beside it."""
        return int(_setting("SMARTCAR_MONTHLY_REQUESTS", 500))

    @property
    def SMARTCAR_CONNECT_URL(self) -> str:
        """The host of Connect, where drivers give their consent."""
        return self._host("SMARTCAR_CONNECT_URL", "https://connect.smartcar.com")

    @property
    def SMARTCAR_IAM_URL(self) -> str:
        """The address of version 3's token endpoint, path included."""
        return self._host("SMARTCAR_IAM_URL", "https://iam.smartcar.com/oauth2/token")

    @property
    def SMARTCAR_VEHICLE_API_URL(self) -> str:
        """The host of version 3's vehicle API, without the version."""
        return self._host("SMARTCAR_VEHICLE_API_URL", "https://vehicle.api.smartcar.com")

    @property
    def SMARTCAR_MANAGEMENT_API_URL(self) -> str:
        """The host of version 3's management API, without the version."""
        return self._host("SMARTCAR_MANAGEMENT_API_URL", "https://management.api.smartcar.com")

    @property
    def SMARTCAR_AUTH_URL(self) -> str:
        """The address of version 2.0's token endpoint, path included."""
        return self._host("SMARTCAR_AUTH_URL", "https://auth.smartcar.com/oauth/token")

    @property
    def SMARTCAR_API_URL(self) -> str:
        """The host of version 2.0's vehicle API, without the version."""
        return self._host("SMARTCAR_API_URL", "https://api.smartcar.com")

    @property
    def SMARTCAR_MANAGEMENT_URL(self) -> str:
        """The host of version API v2's management API, without the version."""
        return self._host("SMARTCAR_MANAGEMENT_URL", "https://management.smartcar.com")

    @property
    def encryption_keys(self) -> tuple[Secret, ...]:
        """``SMARTCAR_ENCRYPTION_KEYS``; if there are none, but only in ``DEBUG``, one of ``SECRET_KEY``."""
        keys = tuple(self.SMARTCAR_ENCRYPTION_KEYS or ())
        if keys or not settings.DEBUG:
            return keys
        derived = salted_hmac("django_smartcar.conf", "encryption", algorithm="sha256")
        return (Secret(urlsafe_b64encode(derived.digest()).decode()),)

    def _client_secret(self, name: str) -> Secret:
        value = _secret_setting(name, "")
        return value if isinstance(value, Secret) else Secret(value)

    def _host(self, name: str, default: str) -> str:
        return str(_setting(name, default)).rstrip("/")


conf = Settings()
