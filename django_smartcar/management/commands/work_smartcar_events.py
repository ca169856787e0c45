import argparse
import time
from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.db import DatabaseError, InterfaceError, close_old_connections

from django_smartcar.management import shutdown
from django_smartcar.services import webhooks


class Command(BaseCommand):
    help = (
        "Work what Smartcar's webhooks have brought, as it comes. Run as many as you like, on as many "
        "machines: each event is worked once. Ctrl-C and SIGTERM let it finish the one that it is at; the "
        "second time they do not."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--once", action="store_true", help="work what is due now, and stop")
        parser.add_argument(
            "--pause",
            type=_seconds,
            default=1.0,
            metavar="SECONDS",
            help="look again after this long when nothing is due (default: %(default)s)",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        self.is_stopped = False
        processed = 0
        with shutdown.on_signals(self._stop):
            while not self.is_stopped:
                processed += self._work(options["once"])
                if options["once"]:
                    break
                self._wait(options["pause"])
        self.stdout.write(self.style.SUCCESS(f"processed {processed} events"))

    def _stop(self) -> None:
        self.is_stopped = True

    def _wait(self, seconds: float) -> None:
        ends = time.monotonic() + seconds
        while not self.is_stopped and (left := ends - time.monotonic()) > 0:
            time.sleep(min(left, 0.2))

    def _work(self, is_only_try: bool) -> int:
        """Work what is due. A database that is away is waited for; the events are safe in it."""
        close_old_connections()
        try:
            return webhooks.process_due(should_stop=lambda: self.is_stopped)
        except (DatabaseError, InterfaceError) as error:
            if is_only_try:
                raise
            self.stderr.write(f"the database does not answer ({type(error).__name__}); will be tried again")
            return 0


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1
    if not 0 < seconds <= 3600:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of seconds from 0 to 3600")
    return seconds
