import random
import time
from collections import Counter
from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import islice, takewhile
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from django_smartcar import task_backends
from django_smartcar.databases import primary, to_utc
from django_smartcar.management import output, shutdown
from django_smartcar.management.arguments import number_of
from django_smartcar.models import LeasedToken, SmartcarAccount
from django_smartcar.services import commands
from django_smartcar.services.outcomes import Outcome
from django_smartcar.services.tokens import bulk_refresh
from django_smartcar.services.tokens.bulk_refresh import BulkRefresher, Result

#: The lifetime of a refresh token, in minutes.
SIXTY_DAYS = 60 * 24 * 60

#: If a refresh fails and the refresh token expires this soon, the driver may have to connect again.
SOON = timedelta(days=7)

OUTCOMES = (Outcome.REFRESHED, Outcome.NEEDS_DRIVER, Outcome.FAILED, Outcome.SKIPPED)


class Command(BaseCommand):
    help = (
        "Refresh the tokens of Smartcar accounts, and the application's own, before they expire. Run it "
        "every few minutes, on any number of machines. Exits with status 1 if a refresh failed."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--within",
            type=number_of("minutes", 0, SIXTY_DAYS),
            default=30,
            metavar="MINUTES",
            help="refresh tokens that expire within this many minutes (default: %(default)s)",
        )
        parser.add_argument("--all", action="store_true", help="refresh every token, due or not")
        parser.add_argument(
            "--concurrency",
            type=number_of("refreshes", 1, bulk_refresh.MAX_THREADS),
            default=16,
            metavar="REFRESHES",
            help="maximum concurrent refreshes, each with a database connection (default: %(default)s)",
        )
        parser.add_argument(
            "--limit", type=number_of("tokens", 1, 10**9), metavar="TOKENS", help="refresh at most this many"
        )
        parser.add_argument(
            "--jitter",
            type=number_of("seconds", 0, 3600),
            default=0,
            metavar="SECONDS",
            help="wait a random time up to this first, so that many machines do not start together",
        )
        instead = parser.add_mutually_exclusive_group()
        instead.add_argument("--dry-run", action="store_true", help="list what would be refreshed, and stop")
        instead.add_argument(
            "--enqueue",
            choices=task_backends.MODULES,
            help="enqueue a task for each account with django.tasks or Celery, and stop",
        )
        parser.add_argument("--json", action="store_true", help="output JSON Lines")

    def handle(self, *args: Any, **options: Any) -> None:
        started = time.monotonic()
        within = None if options["all"] else timedelta(minutes=options["within"])
        limit = options["limit"]
        self.expected = {"refreshed", "failed"}
        self.counts: Counter[str] = Counter()
        self.refresher = BulkRefresher(self._report)
        self.output = output.of(self, options["json"], lambda: bulk_refresh.count_due(within), limit)
        if not options["dry_run"]:
            commands.expire_pending()
        page = min(bulk_refresh.PAGE, limit or bulk_refresh.PAGE)
        wait = None if options["dry_run"] else self.refresher.wait
        rows = islice(bulk_refresh.due(within, page, wait), limit)
        with shutdown.on_signals(self.refresher.stop):
            self.refresher.wait(random.uniform(0, options["jitter"]))  # noqa: S311 (no secret)
            if options["dry_run"]:
                self._list(rows)
            elif options["enqueue"]:
                self._enqueue(rows, options["enqueue"])
            else:
                self.refresher.run(rows, options["concurrency"])
        self._summarize(time.monotonic() - started)

    def _report(self, result: Result) -> None:
        """Print the result for a row. The refresher calls this in one thread at a time."""
        row, outcome = result.row, result.outcome
        self.counts[outcome] += 1
        facts: dict[str, Any] = {**_key(row), "outcome": outcome}
        if outcome is Outcome.REFRESHED:
            until = facts["access_expires_at"] = row.access_expires_at
            # The last vehicle may have been disconnected in the meantime.
            text = f"refreshed, good until {_utc(until)}" if until else "refreshed, no longer needed"
        elif outcome is Outcome.SKIPPED:
            text = "skipped (refreshed elsewhere)"
        elif outcome is Outcome.NEEDS_DRIVER:
            text = "needs its driver to connect again"
        else:
            ends = getattr(row, "refresh_expires_at", None)
            facts |= {"reason": result.reason, "refresh_expires_at": ends}
            text = f"not refreshed, will be tried again ({result.reason})"
            if ends and ends < timezone.now() + SOON:
                text += f"; needs its driver to connect again if that fails until {_utc(ends)}"
        self.output.row(row, text, is_bad=outcome in (Outcome.FAILED, Outcome.NEEDS_DRIVER), **facts)

    def _list(self, rows: Iterator[LeasedToken]) -> None:
        self.expected = {"would be refreshed"}
        for row in self._until_stopped(rows):
            self.counts["due"] += 1
            self.output.row(row, "would be refreshed", is_bad=False, **_key(row), outcome="due")

    def _enqueue(self, rows: Iterator[LeasedToken], backend: str) -> None:
        """Enqueue a task for each account. The application's token is a single one: refresh it here."""
        try:
            enqueue = task_backends.load(backend).enqueue
        except ImportError as error:
            raise CommandError(str(error)) from None
        self.expected = {"enqueued"}
        for row in self._until_stopped(rows):
            if isinstance(row, SmartcarAccount):
                enqueue(row.pk, row.token_version)
                self.counts["enqueued"] += 1
                self.output.row(row, "enqueued", is_bad=False, **_key(row), outcome="enqueued")
            else:
                self.refresher.run(iter([row]), concurrency=1)

    def _until_stopped(self, rows: Iterator[LeasedToken]) -> Iterator[LeasedToken]:
        return takewhile(lambda _: not self.refresher.is_stopped, rows)

    def _summarize(self, seconds: float) -> None:
        counts, stopped = self.counts, self.refresher.is_stopped
        waiting = primary(SmartcarAccount).exclude(reconnect_required_at=None).count()
        failed = counts[Outcome.FAILED] + counts[Outcome.NEEDS_DRIVER]
        numbers = {
            "would be refreshed": counts["due"],
            "enqueued": counts["enqueued"],
            "refreshed": counts[Outcome.REFRESHED],
            "failed": failed,
            "skipped (refreshed elsewhere)": counts[Outcome.SKIPPED],
        }
        texts = [f"{number} {what}" for what, number in numbers.items() if number or what in self.expected]
        texts.append(f"{waiting} waiting for their driver to connect again")
        if stopped:
            texts.append("stopped before the end")
        facts: dict[str, Any] = {
            name.replace(" ", "_"): counts[name] for name in (*OUTCOMES, "due", "enqueued")
        }
        facts |= {"waiting": waiting, "stopped": stopped, "seconds": round(seconds, 3)}
        self.output.end(", ".join(texts), is_bad=bool(failed), **facts)
        if failed:
            raise CommandError(", ".join(texts))


def _key(row: LeasedToken) -> dict[str, Any]:
    """Return the row's model name and primary key, for JSON."""
    return {str(row._meta.model_name): row.pk}


def _utc(moment: datetime) -> str:
    return f"{to_utc(moment):%Y-%m-%d %H:%M} UTC"
