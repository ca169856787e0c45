import argparse
import time
from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.db import DatabaseError, InterfaceError, close_old_connections

from django_smartcar.management import shutdown
from django_smartcar.services import commands, webhooks

#: Seconds between two checks for pending commands of dead processes.
EXPIRE_INTERVAL = 60.0


class Command(BaseCommand):
    help = (
        "Process queued webhook events. Run any number of workers on any number of machines: each event is "
        "processed once. SIGTERM and Ctrl-C finish the current events first; a second one stops at once."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--once", action="store_true", help="process what is due now, and stop")
        parser.add_argument(
            "--pause",
            type=_seconds,
            default=1.0,
            metavar="SECONDS",
            help="check for due events this often when none is due (default: %(default)s)",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        self.is_stopped = False
        self.expired_at: float | None = None
        processed = 0
        with shutdown.on_signals(self._stop):
            while not self.is_stopped:
                processed += self._process_due(options["once"])
                if options["once"]:
                    break
                self._wait(options["pause"])
        self.stdout.write(self.style.SUCCESS(f"processed {processed} events"))

    def _stop(self) -> None:
        self.is_stopped = True

    def _wait(self, seconds: float) -> None:
        deadline = time.monotonic() + seconds
        while not self.is_stopped and (remaining := deadline - time.monotonic()) > 0:
            time.sleep(min(remaining, 0.2))

    def _process_due(self, once: bool) -> int:
        """Process what is due. Keep running while the database is unavailable: it holds the events."""
        close_old_connections()
        try:
            self._expire_pending()
            return webhooks.process_due(should_stop=lambda: self.is_stopped)
        except (DatabaseError, InterfaceError) as error:
            if once:
                raise
            self.stderr.write(f"the database does not respond ({type(error).__name__}); retrying")
            return 0

    def _expire_pending(self) -> None:
        now = time.monotonic()
        if self.expired_at is None or now - self.expired_at >= EXPIRE_INTERVAL:
            commands.expire_pending()
            self.expired_at = now


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1
    if not 0 < seconds <= 3600:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of seconds from 0 to 3600")
    return seconds
