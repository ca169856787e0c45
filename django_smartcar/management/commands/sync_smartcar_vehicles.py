import time
from collections import Counter
from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from django_smartcar.management import output, shutdown
from django_smartcar.management.arguments import number_of
from django_smartcar.services import sync
from django_smartcar.services.outcomes import Outcome
from django_smartcar.services.sync import OUTCOMES, Result, VehicleSync

#: Outcomes that set the exit status to 1.
BAD = (Outcome.FAILED, Outcome.NEEDS_DRIVER)


class Command(BaseCommand):
    help = (
        "Read the permitted values of all connected vehicles and save them, with one request per vehicle. "
        "Run it as often as you need new readings, on any number of machines. Exits with status 1 if a "
        "vehicle could not be read."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--max-age",
            type=number_of("minutes", 0, 10**7),
            default=60,
            metavar="MINUTES",
            help="skip vehicles that have been synced within this many minutes (default: %(default)s)",
        )
        parser.add_argument(
            "--concurrency",
            type=number_of("requests", 1, sync.MAX_THREADS),
            default=16,
            metavar="REQUESTS",
            help="maximum concurrent requests (default: %(default)s)",
        )
        parser.add_argument(
            "--limit", type=number_of("vehicles", 1, 10**9), metavar="VEHICLES", help="read at most this many"
        )
        parser.add_argument("--json", action="store_true", help="output JSON Lines")

    def handle(self, *args: Any, **options: Any) -> None:
        started = time.monotonic()
        before = timezone.now() - timedelta(minutes=options["max_age"])
        limit = options["limit"]
        self.counts: Counter[str] = Counter()
        self.output = output.of(self, options["json"], lambda: sync.due(before).count(), limit)
        run = VehicleSync(self._report)
        with shutdown.on_signals(run.stop):
            run.run(before, concurrency=options["concurrency"], limit=limit)
        self._summarize(run, time.monotonic() - started)

    def _report(self, result: Result) -> None:
        self.counts[result.outcome] += 1
        text = f"{result.outcome} ({result.reason})" if result.reason else str(result.outcome)
        self.output.row(
            f"vehicle {result.row.pk}",
            text,
            is_bad=result.outcome in BAD,
            vehicle=result.row.pk,
            outcome=result.outcome,
            reason=result.reason or None,
            missing=dict(result.missing) or None,
            retry_after=result.retry_after,
        )

    def _summarize(self, run: VehicleSync, seconds: float) -> None:
        texts = [f"{self.counts[outcome]} {outcome}" for outcome in OUTCOMES]
        if run.has_used_share:
            texts.append("stopped: the rest of the rate limit is kept for drivers (SMARTCAR_RATE_LIMIT)")
        elif run.is_stopped:
            texts.append("stopped before the end")
        facts: dict[str, Any] = {outcome.replace(" ", "_"): self.counts[outcome] for outcome in OUTCOMES}
        facts |= {"stopped": run.is_stopped, "seconds": round(seconds, 3)}
        is_bad = any(self.counts[outcome] for outcome in BAD)
        self.output.end(", ".join(texts), is_bad=is_bad, **facts)
        if is_bad:
            raise CommandError(", ".join(texts))
