"""Lets time pass for the simulated cars, so that a page shows one that drives or charges as it moves."""

import threading
import time

from django_smartcar.simulator.behaviour import motion

#: A car moves once a minute; its webhooks tell this site.
SECONDS = 15


def begin() -> None:
    threading.Thread(target=_run, name="live-cars", daemon=True).start()


def _run() -> None:
    while True:
        time.sleep(SECONDS)
        motion.pass_time(0)
