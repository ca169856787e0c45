"""Back off after a 429: how long the threads of a run pause, and when the run gives up."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable

#: A run stops after this many seconds of nothing but 429 responses. The other rows stay due for the next run.
MAX_RATE_LIMIT_WAIT = 600.0


class Backoff:
    """A pause, in seconds, that all threads of a run share. It grows with each further 429."""

    FIRST, LONGEST = 1.0, 60.0

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._since: float | None = None
        self._until = 0.0
        self._length = self.FIRST

    @property
    def remaining(self) -> float:
        """Return the seconds until the pause is over; negative if there is none."""
        return self._until - time.monotonic()

    def begin(self, retry_after: float | None) -> bool:
        """Start a pause of ``retry_after`` seconds or more. Return False once the run has waited too long."""
        with self._lock:
            now = time.monotonic()
            if self._since is None:
                self._since = now
            if now >= self._until:  # responses to requests in flight belong to the current pause
                self._until = now + self._length * random.uniform(1, 1.25)  # noqa: S311 (spreads processes)
                self._length = min(2 * self._length, self.LONGEST)
            self._until = max(self._until, now + (retry_after or 0))
            return self._until - self._since <= MAX_RATE_LIMIT_WAIT

    def end(self) -> None:
        """Reset the length of the pause: Smartcar has accepted a request."""
        if self.remaining <= 0:  # a request that was sent before the pause does not count
            self._since = None
            self._length = self.FIRST

    def wait(self, should_stop: Callable[[], bool], tick: Callable[[], object] = bool) -> bool:
        """Sleep until the pause is over, as `sleep` does. Return False if the run has been stopped."""
        return sleep(self.remaining, should_stop, tick)


def sleep(seconds: float, should_stop: Callable[[], bool], tick: Callable[[], object] = bool) -> bool:
    """Sleep in short steps, with ``tick`` after each. Return False as soon as ``should_stop`` is true."""
    deadline = time.monotonic() + seconds
    while not should_stop() and (remaining := deadline - time.monotonic()) > 0:
        time.sleep(min(remaining, 0.2))
        tick()
    return not should_stop()
