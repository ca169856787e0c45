"""Back off after a 429: how long the threads of a run pause, and when the run gives up."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable

#: A run that has received nothing but 429 for so many seconds stops; what is left is due for the next run.
MAX_RATE_LIMIT_WAIT = 600.0


class Backoff:
    """A pause that all threads of a run share. It grows while Smartcar keeps answering 429. In seconds."""

    FIRST, LONGEST = 1.0, 60.0

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._since: float | None = None
        self._until = 0.0
        self._length = self.FIRST

    @property
    def remaining(self) -> float:
        return self._until - time.monotonic()

    def begin(self, retry_after: float | None) -> bool:
        """Pause for Smartcar's ``Retry-After`` or longer each time. Return False if it takes too long."""
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
        if self.remaining <= 0:  # a request that was sent before the pause proves nothing
            self._since = None
            self._length = self.FIRST

    def wait(self, should_stop: Callable[[], bool], tick: Callable[[], object] = bool) -> bool:
        """Sleep until the pause is over, as `sleep` does. Return False if the run has been stopped."""
        return sleep(self.remaining, should_stop, tick)


def sleep(seconds: float, should_stop: Callable[[], bool], tick: Callable[[], object] = bool) -> bool:
    """Sleep in short steps. Return False as soon as ``should_stop`` does; call ``tick`` after each step."""
    ends = time.monotonic() + seconds
    while not should_stop() and (left := ends - time.monotonic()) > 0:
        time.sleep(min(left, 0.2))
        tick()
    return not should_stop()
