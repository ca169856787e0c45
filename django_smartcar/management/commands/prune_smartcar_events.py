import argparse
from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.utils import timezone

from django_smartcar.databases import primary
from django_smartcar.models import WebhookEvent

#: Smartcar retries an event for three minutes: one that is deleted too soon would be accepted again.
MIN_DAYS = 1
BATCH_SIZE = 1000


class Command(BaseCommand):
    help = (
        "Delete old webhook events that were processed, or whose vehicle was never connected. Their readings "
        "are kept."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--days",
            type=_days,
            default=30,
            help="delete events older than this many days (default: %(default)s)",
        )
        parser.add_argument("--dead", action="store_true", help="delete dead events, too")

    def handle(self, *args: Any, **options: Any) -> None:
        states = [WebhookEvent.State.PROCESSED, WebhookEvent.State.TEST, WebhookEvent.State.WAITING]
        if options["dead"]:
            states.append(WebhookEvent.State.DEAD)
        before = timezone.now() - timedelta(days=options["days"])
        old = primary(WebhookEvent).filter(received_at__lt=before, state__in=states).order_by("pk")
        deleted = 0
        # In batches, to hold locks only briefly.
        while batch := list(old.values_list("pk", flat=True)[:BATCH_SIZE]):
            deleted += primary(WebhookEvent).filter(pk__in=batch, state__in=states).delete()[0]
        dead = primary(WebhookEvent).filter(state=WebhookEvent.State.DEAD).count()
        self.stdout.write(self.style.SUCCESS(f"deleted {deleted} events; {dead} dead events remain"))


def _days(text: str) -> int:
    if not text.isdecimal() or not MIN_DAYS <= int(text) <= 36500:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of days, {MIN_DAYS} or more")
    return int(text)
