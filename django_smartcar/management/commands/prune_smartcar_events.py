import argparse
from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.utils import timezone

from django_smartcar.models import WebhookEvent

#: Smartcar delivers an event for three minutes; whoever forgets it within the hour would take it twice.
FEWEST_DAYS = 1
AT_ONCE = 1000


class Command(BaseCommand):
    help = (
        "Delete old webhook events: those that are worked, and those whose car has not been connected. What "
        "they told stays on the cars."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--days",
            type=_days,
            default=30,
            help="delete what is older than this many days (default: %(default)s)",
        )
        parser.add_argument(
            "--dead", action="store_true", help="delete also those that were set aside as dead"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        states = [WebhookEvent.State.PROCESSED, WebhookEvent.State.WAITING]
        if options["dead"]:
            states.append(WebhookEvent.State.DEAD)
        before = timezone.now() - timedelta(days=options["days"])
        old = WebhookEvent.objects.filter(received_at__lt=before, state__in=states).order_by("pk")
        pruned = 0
        # In batches, so that no lock is held for long.
        while batch := list(old.values_list("pk", flat=True)[:AT_ONCE]):
            pruned += WebhookEvent.objects.filter(pk__in=batch, state__in=states).delete()[0]
        left = WebhookEvent.objects.filter(state=WebhookEvent.State.DEAD).count()
        self.stdout.write(self.style.SUCCESS(f"{pruned} events deleted, {left} dead ones are kept"))


def _days(text: str) -> int:
    if not text.isdecimal() or not FEWEST_DAYS <= int(text) <= 36500:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of days from {FEWEST_DAYS} on")
    return int(text)
