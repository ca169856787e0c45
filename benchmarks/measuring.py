"""Measurement of a side: time, CPU time and peak memory."""

import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def measured() -> Iterator[dict]:
    """Measure the block: ``started``, ``ended``, ``seconds``, ``cpu`` seconds; the process's ``peak`` in kB.

    Python and Django must have started before, so that their start is not measured.
    """
    measurement: dict = {}
    started, cpu_before = time.time(), time.process_time()
    yield measurement
    cpu, ended = time.process_time() - cpu_before, time.time()
    measurement |= {
        "started": started,
        "ended": ended,
        "seconds": ended - started,
        "cpu": cpu,
        "peak": peak(),
    }


def peak() -> int:
    """Return the peak memory of this process in kB. getrusage() would include that of its parent."""
    return int(re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text())[1])
