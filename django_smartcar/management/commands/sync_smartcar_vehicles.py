import time
from collections import Counter
from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from django_smartcar.management import output, shutdown
from django_smartcar.management.arguments import number_of
from django_smartcar.services import sync as syncing
from django_smartcar.services.sync import Outcome, Result, Sync

#: What fails the run.
BAD = (Outcome.FAILED, Outcome.NEEDS_DRIVER)


class Command(BaseCommand):
    help = (
        "Read all connected cars, as far as their drivers permit, and keep what they tell: one request each. "
        "Run it as often as you want news, on any number of machines; it exits with status 1 if a car failed."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--max-age",
            type=number_of("minutes", 0, 10**7),
            default=60,
            metavar="MINUTES",
            help="leave out cars that have been synced within this many minutes (default: %(default)s)",
        )
        parser.add_argument(
            "--concurrency",
            type=number_of("requests", 1, syncing.MAX_THREADS),
            default=16,
            metavar="REQUESTS",
            help="send so many requests at once (default: %(default)s)",
        )
        parser.add_argument(
            "--limit", type=number_of("cars", 1, 10**9), metavar="CARS", help="read no more than this"
        )
        parser.add_argument("--json", action="store_true", help="print a JSON object a line, for machines")

    def handle(self, *args: Any, **options: Any) -> None:
        started = time.monotonic()
        before = timezone.now() - timedelta(minutes=options["max_age"])
        limit = options["limit"]
        self.counts: Counter[str] = Counter()
        self.report = output.of(self, options["json"], lambda: syncing.due(before).count(), limit)
        sync = Sync(self._tell)
        with shutdown.on_signals(sync.stop):
            sync.run(before, concurrency=options["concurrency"], limit=limit)
        self._summarize(sync.is_stopped, time.monotonic() - started)

    def _tell(self, result: Result) -> None:
        self.counts[result.outcome] += 1
        text = f"{result.outcome} ({result.reason})" if result.reason else str(result.outcome)
        told = {
            "reason": result.reason or None,
            "missing": dict(result.missing) or None,
            "retry_after": result.retry_after,
        }
        self.report.row(
            f"vehicle {result.vehicle.pk}",
            text,
            is_bad=result.outcome in BAD,
            **{"vehicle": result.vehicle.pk, "outcome": result.outcome, **told},
        )

    def _summarize(self, stopped: bool, seconds: float) -> None:
        texts = [f"{self.counts[outcome]} {outcome}" for outcome in Outcome]
        if stopped:
            texts.append("stopped before the end")
        facts: dict[str, Any] = {outcome.replace(" ", "_"): self.counts[outcome] for outcome in Outcome}
        facts |= {"stopped": stopped, "seconds": round(seconds, 3)}
        is_bad = any(self.counts[outcome] for outcome in BAD)
        self.report.end(", ".join(texts), is_bad=is_bad, **facts)
        if is_bad:
            raise CommandError(", ".join(texts))
