"""Every setting of the pretend Smartcar: a typed property each, read when it is asked for, never kept."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any

from django.conf import settings

#: The one application that this Smartcar knows. Nothing here is secret: the cars are not real.
CLIENT_ID = "5c3a9f1e-7d42-4b8a-9c06-1e2f3a4b5c6d"
CLIENT_SECRET = "24d55382-843f-4ce9-a7a7-cl13nts3cr3t"  # noqa: S105 - opens pretend cars only
MANAGEMENT_TOKEN = "3f6c1b7a-2e58-4d90-8f14-am7pr3t3nd00"  # noqa: S105 - the same
#: The pair that buys the application token of v3.
M2M_CLIENT_ID = "client_01JPR3T3NDSMARTCAR000000"
M2M_CLIENT_SECRET = "9b1e7c52-60d4-4f8e-b3a7-m2mpr3t3nd00"  # noqa: S105 - the same


def _setting(name: str, default: Any) -> Any:
    return getattr(settings, name, default)


class Settings:
    @property
    def SMARTCAR_SIMULATOR_CLIENT_ID(self) -> str:
        """The id that clients must show: a UUID, as Smartcar's Application ID is."""
        return str(_setting("SMARTCAR_SIMULATOR_CLIENT_ID", CLIENT_ID))

    @property
    def SMARTCAR_SIMULATOR_CLIENT_SECRET(self) -> str:
        """The secret that belongs to the id."""
        return str(_setting("SMARTCAR_SIMULATOR_CLIENT_SECRET", CLIENT_SECRET))

    @property
    def SMARTCAR_SIMULATOR_MANAGEMENT_TOKEN(self) -> str:
        """The Application Management Token."""
        return str(_setting("SMARTCAR_SIMULATOR_MANAGEMENT_TOKEN", MANAGEMENT_TOKEN))

    @property
    def SMARTCAR_SIMULATOR_M2M_CLIENT_ID(self) -> str:
        """The id that buys the application token of v3: it begins with ``client_``."""
        return str(_setting("SMARTCAR_SIMULATOR_M2M_CLIENT_ID", M2M_CLIENT_ID))

    @property
    def SMARTCAR_SIMULATOR_M2M_CLIENT_SECRET(self) -> str:
        """The secret that belongs to that id."""
        return str(_setting("SMARTCAR_SIMULATOR_M2M_CLIENT_SECRET", M2M_CLIENT_SECRET))

    @property
    def SMARTCAR_SIMULATOR_CODES(self) -> bool:
        """Whether Connect sends a code along, as Smartcar's newest documents say it does not."""
        return bool(_setting("SMARTCAR_SIMULATOR_CODES", True))

    @property
    def SMARTCAR_SIMULATOR_SIGNALS(self) -> bool:
        """Whether v3's store of signals is filled; off: as for an application without a webhook."""
        return bool(_setting("SMARTCAR_SIMULATOR_SIGNALS", True))

    @property
    def SMARTCAR_SIMULATOR_SIGNALS_OFF(self) -> Collection[str]:
        """Codes of signals that are turned off in the dashboard."""
        value: Collection[str] = _setting("SMARTCAR_SIMULATOR_SIGNALS_OFF", ())
        return value

    @property
    def SMARTCAR_SIMULATOR_FILTERS(self) -> bool:
        """Whether v3's list of connections heeds its filters; off: a Smartcar that lies."""
        return bool(_setting("SMARTCAR_SIMULATOR_FILTERS", True))

    @property
    def SMARTCAR_SIMULATOR_CONNECTION_DELAY(self) -> float:
        """Seconds after which v3 shows a connection that was just made."""
        value: float = _setting("SMARTCAR_SIMULATOR_CONNECTION_DELAY", 0)
        return value

    @property
    def SMARTCAR_SIMULATOR_SPEED(self) -> float:
        """How many seconds pass in this world while one passes outside."""
        value: float = _setting("SMARTCAR_SIMULATOR_SPEED", 1)
        return value

    @property
    def SMARTCAR_SIMULATOR_COMMAND_SECONDS(self) -> float:
        """Seconds that a command of v3 takes; above 0 it is a long one: 202, and the result at the end."""
        value: float = _setting("SMARTCAR_SIMULATOR_COMMAND_SECONDS", 0)
        return value

    @property
    def SMARTCAR_SIMULATOR_DELIVERIES(self) -> bool:
        """Whether webhooks are sent by themselves, in the background; off: by `deliveries.run()`."""
        return bool(_setting("SMARTCAR_SIMULATOR_DELIVERIES", True))

    @property
    def SMARTCAR_SIMULATOR_REDIRECT_URIS(self) -> Sequence[str]:
        """The registered redirect URIs; empty: any."""
        value: Sequence[str] = _setting("SMARTCAR_SIMULATOR_REDIRECT_URIS", ())
        return value

    @property
    def SMARTCAR_SIMULATOR_GRACE(self) -> float:
        """Seconds for which a used refresh token is still answered with a fresh pair."""
        value: float = _setting("SMARTCAR_SIMULATOR_GRACE", 600)
        return value

    @property
    def SMARTCAR_SIMULATOR_STATE(self) -> Path | None:
        """The file in which the world survives a restart; unset: it lives in memory alone."""
        value = _setting("SMARTCAR_SIMULATOR_STATE", None)
        return Path(value) if value else None


conf = Settings()
