"""Graceful shutdown of commands: on the first signal after the current work, on the second at once."""

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any


@contextmanager
def on_signals(stop: Callable[[], None]) -> Iterator[None]:
    """Call ``stop`` on the first SIGTERM or SIGINT; a second one terminates the process.

    ``stop`` runs in a signal handler, so it must not take a lock.
    """
    if threading.current_thread() is not threading.main_thread():
        yield  # only the main thread receives signals
        return
    previous = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}

    def restore() -> None:
        for number, handler in previous.items():
            signal.signal(number, handler)

    def handle(*_: Any) -> None:
        stop()
        restore()

    for number in previous:
        signal.signal(number, handle)
    try:
        yield
    finally:
        restore()
