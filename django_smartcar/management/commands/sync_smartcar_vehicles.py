import json
import time
from collections import Counter
from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from django_smartcar.management.arguments import number_of
from django_smartcar.models import ConnectedVehicle
from django_smartcar.services import syncing
from django_smartcar.services.syncing import Outcome, Result


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
            type=number_of("requests", 1, syncing.MOST_THREADS),
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
        self.is_json = options["json"]
        self.counts: Counter[str] = Counter()
        total = ConnectedVehicle.objects.sync_due(before).count()
        self.total = min(total, options["limit"] or total)
        syncing.run(before, self._tell, concurrency=options["concurrency"], limit=options["limit"])
        self._summarize(time.monotonic() - started)

    def _tell(self, result: Result) -> None:
        self.counts[result.outcome] += 1
        is_bad = result.outcome in (Outcome.FAILED, Outcome.NEEDS_DRIVER)
        if self.is_json:
            facts = {"reason": result.reason, "missing": dict(result.missing)}
            known = {name: fact for name, fact in facts.items() if fact}
            self.stdout.write(json.dumps({"vehicle": result.vehicle.pk, "outcome": result.outcome, **known}))
            return
        if is_bad:
            reason = f" ({result.reason})" if result.reason else ""
            self.stdout.write(self.style.ERROR(f"vehicle {result.vehicle.pk}: {result.outcome}{reason}"))
        seen = self.counts.total()
        if seen % syncing.PAGE == 0:
            self.stdout.write(f"{seen} of {max(self.total, seen)}")

    def _summarize(self, seconds: float) -> None:
        counts = {outcome.replace(" ", "_"): self.counts[outcome] for outcome in Outcome}
        if self.is_json:
            self.stdout.write(json.dumps({"summary": {**counts, "seconds": round(seconds, 3)}}))
        text = ", ".join(f"{self.counts[outcome]} {outcome}" for outcome in Outcome)
        if self.counts[Outcome.FAILED] or self.counts[Outcome.NEEDS_DRIVER]:
            raise CommandError(text)
        if not self.is_json:
            self.stdout.write(self.style.SUCCESS(text))
