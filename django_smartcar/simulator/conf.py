"""Every setting of the pretend Smartcar: a typed property each, read when it is asked for, never kept."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from django.conf import settings

#: The one application that this Smartcar knows. Nothing here is secret: the cars are not real.
CLIENT_ID = "5c3a9f1e-7d42-4b8a-9c06-1e2f3a4b5c6d"
CLIENT_SECRET = "24d55382-843f-4ce9-a7a7-cl13nts3cr3t"  # noqa: S105 - opens pretend cars only
MANAGEMENT_TOKEN = "3f6c1b7a-2e58-4d90-8f14-am7pr3t3nd00"  # noqa: S105 - the same


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
