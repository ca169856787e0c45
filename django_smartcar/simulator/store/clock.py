"""A clock that may run faster than the one outside, and that never jumps when its speed changes."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta


@dataclass
class Clock:
    speed: float = 1
    #: How far it is ahead of the clock outside, since when.
    ahead: timedelta = timedelta(0)
    since: datetime | None = None

    def read(self, speed: float) -> datetime:
        """What it shows now; from here on it runs at this speed."""
        outside = datetime.now(UTC)
        if self.since is not None:
            self.ahead += (outside - self.since) * (self.speed - 1)
        self.speed, self.since = speed, outside
        return outside + self.ahead
