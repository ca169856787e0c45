"""How a command ends early: cleanly on the first signal, at once on the second."""

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any


@contextmanager
def on_signals(stop: Callable[[], None]) -> Iterator[None]:
    """SIGTERM and SIGINT call ``stop``, to end the run after what is in flight; a second one ends it at once.

    ``stop`` is called in the middle of anything: it takes no lock.
    """
    if threading.current_thread() is not threading.main_thread():
        yield  # only the main thread is told of signals
        return
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}

    def restore() -> None:
        for number, handler in before.items():
            signal.signal(number, handler)

    def begin_to_stop(*_: Any) -> None:
        stop()
        restore()

    for number in before:
        signal.signal(number, begin_to_stop)
    try:
        yield
    finally:
        restore()
