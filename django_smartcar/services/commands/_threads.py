"""A bounded pool of threads that execute queued commands in this process.

A thread is started when there is work, takes one command after another from the database, and ends when none
is left. No request waits for it, so the time limit of a web server's workers does not apply to it.
"""

from __future__ import annotations

import atexit
import logging
import os
import threading
import time
from collections.abc import Callable

from django.db import connections

logger = logging.getLogger(__name__)

#: Seconds that an exiting process waits for the commands in progress. Web servers wait for 30, then kill.
DRAIN_SECONDS = 25.0


class Pool:
    """The threads of this process."""

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Forget all threads: a forked process has none of its parent's."""
        self._lock = threading.Lock()
        self._threads: set[threading.Thread] = set()
        self._is_drained = False
        self._has_more = False
        self._is_registered = False

    def wake(self, work: Callable[[], bool], max_threads: int) -> None:
        """Start a thread that calls ``work`` until it returns False; with all threads busy, they go on."""
        with self._lock:
            if self._is_drained:
                return
            if not self._is_registered:
                self._is_registered = True
                atexit.register(self.drain)
            if len(self._threads) >= max_threads:
                self._has_more = True
                return
            thread = threading.Thread(
                target=self._run, args=(work, max_threads), name="smartcar-commands", daemon=True
            )
            thread.start()
            self._threads.add(thread)

    def drain(self, seconds: float = DRAIN_SECONDS) -> bool:
        """Take no further commands and wait for those in progress. Return whether all of them have ended."""
        with self._lock:
            self._is_drained = True
            threads = list(self._threads)
        deadline = time.monotonic() + seconds
        for thread in threads:
            thread.join(max(0.0, deadline - time.monotonic()))
        return not any(thread.is_alive() for thread in threads)

    @property
    def is_idle(self) -> bool:
        return not self._threads

    def _run(self, work: Callable[[], bool], max_threads: int) -> None:
        try:
            while not self._is_drained and (self._work_on(work, max_threads) or self._continues()):
                pass
        finally:
            connections.close_all()
            with self._lock:
                self._threads.discard(threading.current_thread())

    def _work_on(self, work: Callable[[], bool], max_threads: int) -> bool:
        try:
            return work()
        except Exception as error:
            # Most likely the database does not respond. What is queued stays so, until it is too late.
            logger.error("could not execute queued commands: %s", type(error).__name__)
            return False

    def _continues(self) -> bool:
        """Return whether there was more to do while all threads were busy; otherwise remove this thread."""
        with self._lock:
            if self._has_more:
                self._has_more = False
                return True
            self._threads.discard(threading.current_thread())
            return False


pool = Pool()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=pool.reset)
