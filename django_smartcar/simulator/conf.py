"""The settings of the Smartcar simulator: one typed property each, read from Django on every access."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any

from django.conf import settings

#: Credentials of the only application. They are public: the vehicles are not real.
CLIENT_ID = "5c3a9f1e-7d42-4b8a-9c06-1e2f3a4b5c6d"
CLIENT_SECRET = "24d55382-843f-4ce9-a7a7-cl13nts3cr3t"  # noqa: S105 - opens simulated vehicles only
MANAGEMENT_TOKEN = "3f6c1b7a-2e58-4d90-8f14-am7pr3t3nd00"  # noqa: S105 - the same
#: Client credentials of the application token (v3).
M2M_CLIENT_ID = "client_01JPR3T3NDSMARTCAR000000"
M2M_CLIENT_SECRET = "9b1e7c52-60d4-4f8e-b3a7-m2mpr3t3nd00"  # noqa: S105 - the same


def _setting(name: str, default: Any) -> Any:
    return getattr(settings, name, default)


class Settings:
    """Read ``SMARTCAR_SIMULATOR_…`` from Django's settings, with defaults."""

    @property
    def SMARTCAR_SIMULATOR_CLIENT_ID(self) -> str:
        """The client id (v2): a UUID, like Smartcar's Application ID."""
        return str(_setting("SMARTCAR_SIMULATOR_CLIENT_ID", CLIENT_ID))

    @property
    def SMARTCAR_SIMULATOR_CLIENT_SECRET(self) -> str:
        """The client secret (v2)."""
        return str(_setting("SMARTCAR_SIMULATOR_CLIENT_SECRET", CLIENT_SECRET))

    @property
    def SMARTCAR_SIMULATOR_MANAGEMENT_TOKEN(self) -> str:
        """The Application Management Token."""
        return str(_setting("SMARTCAR_SIMULATOR_MANAGEMENT_TOKEN", MANAGEMENT_TOKEN))

    @property
    def SMARTCAR_SIMULATOR_M2M_CLIENT_ID(self) -> str:
        """The client id (v3) that the application token is requested with. It starts with ``client_``."""
        return str(_setting("SMARTCAR_SIMULATOR_M2M_CLIENT_ID", M2M_CLIENT_ID))

    @property
    def SMARTCAR_SIMULATOR_M2M_CLIENT_SECRET(self) -> str:
        """The client secret (v3)."""
        return str(_setting("SMARTCAR_SIMULATOR_M2M_CLIENT_SECRET", M2M_CLIENT_SECRET))

    @property
    def SMARTCAR_SIMULATOR_APPLICATION_NAME(self) -> str:
        """The application's name in Connect and in errors."""
        return str(_setting("SMARTCAR_SIMULATOR_APPLICATION_NAME", "Demo application"))

    @property
    def SMARTCAR_SIMULATOR_CODES(self) -> bool:
        """Whether Connect returns an authorization code. By Smartcar's newest documentation it does not."""
        return bool(_setting("SMARTCAR_SIMULATOR_CODES", True))

    @property
    def SMARTCAR_SIMULATOR_SIGNALS(self) -> bool:
        """Whether v3 has stored signals. Off: none, as for an application without a webhook."""
        return bool(_setting("SMARTCAR_SIMULATOR_SIGNALS", True))

    @property
    def SMARTCAR_SIMULATOR_SIGNALS_OFF(self) -> Collection[str]:
        """Codes of the signals that are turned off in Smartcar's dashboard."""
        value: Collection[str] = _setting("SMARTCAR_SIMULATOR_SIGNALS_OFF", ())
        return value

    @property
    def SMARTCAR_SIMULATOR_FILTERS(self) -> bool:
        """Whether v3's list of connections applies its filters. Off: it ignores them."""
        return bool(_setting("SMARTCAR_SIMULATOR_FILTERS", True))

    @property
    def SMARTCAR_SIMULATOR_CONNECTION_DELAY(self) -> float:
        """Seconds until v3 lists a new connection."""
        value: float = _setting("SMARTCAR_SIMULATOR_CONNECTION_DELAY", 0)
        return value

    @property
    def SMARTCAR_SIMULATOR_SPEED(self) -> float:
        """How fast the simulator's clock runs: simulated seconds per real second."""
        value: float = _setting("SMARTCAR_SIMULATOR_SPEED", 1)
        return value

    @property
    def SMARTCAR_SIMULATOR_COMMAND_SECONDS(self) -> float:
        """Seconds that a v3 command takes. Above 0 the response is a 202, and the result follows."""
        value: float = _setting("SMARTCAR_SIMULATOR_COMMAND_SECONDS", 0)
        return value

    @property
    def SMARTCAR_SIMULATOR_DELIVERIES(self) -> bool:
        """Whether webhooks are sent in the background. Off: only by `webhooks.queue.run()`."""
        return bool(_setting("SMARTCAR_SIMULATOR_DELIVERIES", True))

    @property
    def SMARTCAR_SIMULATOR_PROFILE(self) -> str:
        """The shape profile of new cars, a key of `profiles.PROFILES`. "brand": that of each car's brand."""
        return str(_setting("SMARTCAR_SIMULATOR_PROFILE", "documented"))

    @property
    def SMARTCAR_SIMULATOR_REDIRECT_URIS(self) -> Sequence[str]:
        """Registered redirect URIs. More can be registered in the garage. Connect refuses any other."""
        value: Sequence[str] = _setting("SMARTCAR_SIMULATOR_REDIRECT_URIS", ())
        return value

    @property
    def SMARTCAR_SIMULATOR_ANY_REDIRECT_URI(self) -> bool:
        """Whether Connect accepts redirect URIs that are not registered, for tests."""
        return bool(_setting("SMARTCAR_SIMULATOR_ANY_REDIRECT_URI", False))

    @property
    def SMARTCAR_SIMULATOR_ORIGIN(self) -> str:
        """The URL that clients use, if a proxy is in front. Empty: that of the request."""
        return str(_setting("SMARTCAR_SIMULATOR_ORIGIN", "")).rstrip("/")

    @property
    def SMARTCAR_SIMULATOR_DAYS(self) -> int:
        """How many days of history a newly connected vehicle comes with, for its webhooks. 0: none."""
        value: int = _setting("SMARTCAR_SIMULATOR_DAYS", 0)
        return value

    @property
    def SMARTCAR_SIMULATOR_GRACE(self) -> float:
        """Grace period in seconds: how long a used refresh token still returns a new pair of tokens."""
        value: float = _setting("SMARTCAR_SIMULATOR_GRACE", 600)
        return value

    @property
    def SMARTCAR_SIMULATOR_STATE(self) -> Path | None:
        """The file that keeps the state across restarts. Unset: the state is in memory only."""
        value = _setting("SMARTCAR_SIMULATOR_STATE", None)
        return Path(value) if value else None


conf = Settings()
