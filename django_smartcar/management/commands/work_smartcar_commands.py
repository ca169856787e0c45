import threading
import time
from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.db import DatabaseError, InterfaceError, close_old_connections

from django_smartcar.conf import conf
from django_smartcar.management import shutdown
from django_smartcar.management.arguments import number_of
from django_smartcar.services import command_outcomes, commands

#: Seconds between two looks at the queue.
PAUSE = 0.5


class Command(BaseCommand):
    help = (
        "Send queued commands to their cars. Run any number of workers on any number of machines: each is "
        "sent once. SIGTERM and Ctrl-C finish the commands in progress first; a second one stops at once."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--concurrency",
            type=number_of("commands", 1, 1000),
            default=conf.SMARTCAR_COMMAND_THREADS,
            metavar="COMMANDS",
            help="maximum number of commands at a time (default: %(default)s)",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        self.is_stopped = False
        pool = commands.Pool()
        with shutdown.on_signals(self._stop):
            while not self.is_stopped:
                self._begin_waiting(pool, options["concurrency"])
                time.sleep(PAUSE)
            pool.drain(threading.TIMEOUT_MAX)
        self.stdout.write(self.style.SUCCESS("stopped; no command is in progress"))

    def _stop(self) -> None:
        self.is_stopped = True

    def _begin_waiting(self, pool: commands.Pool, concurrency: int) -> None:
        """Start a thread for each waiting command. Keep running while the database is unavailable."""
        close_old_connections()
        try:
            # Not `commands.expire_pending`: that would start the threads of this process's other pool, too.
            command_outcomes.expire()
            for _ in range(commands.waiting()):
                pool.wake(commands.work, concurrency)
        except (DatabaseError, InterfaceError) as error:
            self.stderr.write(f"the database does not respond ({type(error).__name__}); retrying")
