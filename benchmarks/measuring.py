"""What a side takes for what it does."""

import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def measured() -> Iterator[dict]:
    """What is done inside: ``since`` and ``until``, ``seconds`` and ``cpu``; the process's ``peak`` in kB.

    What Python and Django take to start is nobody's merit: it is done before.
    """
    took: dict = {}
    since, used = time.time(), time.process_time()
    yield took
    cpu, until = time.process_time() - used, time.time()
    took |= {"since": since, "until": until, "seconds": until - since, "cpu": cpu, "peak": peak()}


def peak() -> int:
    """Of this process alone; getrusage() counts the one that started it, too."""
    return int(re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text())[1])
